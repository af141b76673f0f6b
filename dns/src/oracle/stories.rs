//! Stories with figures worked out by hand: each is a mistake that has been made, or nearly.

use std::time::Duration;

use super::{history::*, *};
use crate::time::Timestamp;

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
const EVER: (i64, i64) = (i64::MIN, i64::MAX);

/// A zone at two signers, alpha and beta, each with a KSK and a ZSK of algorithm 13; the story so
/// far is built version by version.
struct Story(History);

const PARENT: u32 = 0;
const ALPHA: u32 = 1;
const BETA: u32 = 2;
const ALPHA_KSK: u32 = 0;
const ALPHA_ZSK: u32 = 1;
const BETA_KSK: u32 = 2;
const BETA_ZSK: u32 = 3;
const PARENT_ZSK: u32 = 4;

fn at(seconds: i64) -> Timestamp {
    match seconds {
        i64::MIN => Timestamp::MIN,
        i64::MAX => Timestamp::MAX,
        seconds => Timestamp::from_seconds(seconds),
    }
}

fn seconds(seconds: i64) -> Duration {
    Duration::from_secs(seconds as u64)
}

fn version<C>(
    instance: u32,
    (from, until): (i64, i64),
    ttl: i64,
    signers: &[u32],
    content: C,
) -> Version<C> {
    let signature = |&key: &u32| Signature {
        key: KeyId(key),
        inception: Timestamp::MIN,
        expiration: Timestamp::MAX,
    };
    Version {
        instance: InstanceId(instance),
        from: at(from),
        until: at(until),
        ttl: seconds(ttl),
        signatures: signers.iter().map(signature).collect(),
        content,
    }
}

impl Story {
    fn begin() -> Self {
        let instance = |name: &str, side| Instance {
            name: name.into(),
            side,
        };
        let key = |label: &str| Key {
            label: label.into(),
            algorithm: 13,
            usable: true,
        };
        Self(History {
            zone: "example.test.".into(),
            instances: vec![
                instance("parent/1", Side::Parent),
                instance("alpha/ns1", Side::Child),
                instance("beta/ns2", Side::Child),
            ],
            keys: vec![
                key("alpha ksk-1 (1111)"),
                key("alpha zsk-1 (1112)"),
                key("beta ksk-1 (2221)"),
                key("beta zsk-1 (1234)"),
                key("parent zsk (9)"),
            ],
            ..History::default()
        })
    }

    fn ds(mut self, span: (i64, i64), ttl: i64, keys: &[u32]) -> Self {
        let ds = |&key: &u32| Ds {
            key: Some(KeyId(key)),
            algorithm: 13,
            digest_type: 2,
        };
        let content = keys.iter().map(ds).collect();
        self.0
            .ds
            .push(version(PARENT, span, ttl, &[PARENT_ZSK], content));
        self
    }

    fn keys(mut self, who: u32, span: (i64, i64), ttl: i64, keys: &[u32]) -> Self {
        let signer = if who == ALPHA { ALPHA_KSK } else { BETA_KSK };
        let content = keys.iter().map(|&key| KeyId(key)).collect();
        self.0
            .dnskey
            .push(version(who, span, ttl, &[signer], content));
        self
    }

    fn answer(mut self, who: u32, span: (i64, i64), ttl: i64, signers: &[u32]) -> Self {
        let example = "www.example.test. A".into();
        let content = Answer { example };
        self.0
            .answers
            .push(version(who, span, ttl, signers, content));
        self
    }

    fn ns(mut self, who: u32, span: (i64, i64), ttl: i64, names: &[u32]) -> Self {
        let content = names.iter().map(|&name| InstanceId(name)).collect();
        self.0.ns.push(version(who, span, ttl, &[], content));
        self
    }

    fn expiring(mut self, expiration: i64) -> Self {
        let answer = self.0.answers.last_mut().expect("an answer was added");
        answer.signatures[0].expiration = at(expiration);
        self
    }

    fn judge(&self) -> Judgement {
        judge(&self.0, &Profile::liberal(), Timestamp::MIN, Timestamp::MAX)
    }

    fn violation(&self, property: Property, quantifier: Quantifier) -> Violation {
        let judgement = self.judge();
        let violation = judgement.of(property, quantifier);
        violation.expect("the story is of a violation").clone()
    }

    fn slack(&self) -> Option<Duration> {
        slack(&self.0, &Profile::liberal(), at(0), Timestamp::MAX)
    }
}

/// Alpha alone, well signed, for ever.
fn alpha_alone() -> Story {
    Story::begin()
        .ds(EVER, DAY, &[ALPHA_KSK])
        .ns(PARENT, EVER, HOUR, &[ALPHA])
        .keys(ALPHA, EVER, HOUR, &[ALPHA_KSK, ALPHA_ZSK])
        .answer(ALPHA, EVER, 300, &[ALPHA_ZSK])
}

/// Alpha has the keys of both since `shared`; beta is in the delegation from `joins` on.
fn beta_joins(shared: i64, joins: i64) -> Story {
    let both_zsks = [ALPHA_KSK, ALPHA_ZSK, BETA_ZSK];
    Story::begin()
        .ds(EVER, DAY, &[ALPHA_KSK, BETA_KSK])
        .ns(PARENT, (i64::MIN, joins), HOUR, &[ALPHA])
        .ns(PARENT, (joins, i64::MAX), HOUR, &[ALPHA, BETA])
        .keys(ALPHA, (i64::MIN, shared), HOUR, &[ALPHA_KSK, ALPHA_ZSK])
        .keys(ALPHA, (shared, i64::MAX), HOUR, &both_zsks)
        .keys(BETA, EVER, HOUR, &[BETA_KSK, BETA_ZSK, ALPHA_ZSK])
        .answer(ALPHA, EVER, 300, &[ALPHA_ZSK])
        .answer(BETA, EVER, 300, &[BETA_ZSK])
}

#[test]
fn one_signer_is_safe_and_nothing_ever_conflicts() {
    let story = alpha_alone();
    assert_eq!(story.judge(), Judgement::default());
    assert_eq!(story.slack(), None);
}

// draft-huque-dnsop-multi-provider-dnssec §4: without each other's ZSK, a DNSKEY RRset from one
// provider does not verify an answer from the other.
#[test]
fn keys_of_alpha_do_not_verify_an_answer_of_beta() {
    let story = beta_joins(i64::MAX, 0);
    for quantifier in [Quantifier::AnyCache, Quantifier::OneResolver] {
        let violation = story.violation(Property::Secure, quantifier);
        assert_eq!((violation.from, violation.until), (at(0), Timestamp::MAX));
        let later = violation.witness.later.as_ref().expect("a pair");
        assert_eq!(later.instance, InstanceId(BETA));
        assert_eq!(
            violation.witness.reason,
            Reason::AnswerSignedByOthers(vec![KeyId(BETA_ZSK)])
        );
    }
}

#[test]
fn beta_joins_before_the_old_keys_have_left_the_caches() {
    // The old DNSKEY RRset (1 h) can be held until 1:00, beta answers from 0:10 on.
    let story = beta_joins(0, 600);
    let violation = story.violation(Property::Secure, Quantifier::OneResolver);
    assert_eq!((violation.from, violation.until), (at(600), at(HOUR)));
    assert_eq!(violation.margin, seconds(50 * 60));
    assert_eq!(
        violation.prose(&story.0, at(0)),
        "example.test. is Bogus for one resolver (profile liberal) from T+0d00:10:00 until \
         T+0d01:00:00 (50m): it fetched the DS RRset from parent/1 at T-0d00:00:01 (holds it until \
         T+0d23:59:59), by it the DNSKEY RRset from alpha/ns1 at T-0d00:00:01 (holds it until \
         T+0d00:59:59) and www.example.test. A from beta/ns2 at T+0d00:10:00 (holds it until \
         T+0d00:15:00): no key of that DNSKEY RRset made a valid signature on the answer (signed \
         by beta zsk-1 (1234)). 50m too early: earliest safe time was T+0d01:00:00."
    );
    assert_eq!(story.slack(), Some(Duration::ZERO));
}

#[test]
fn waiting_to_the_second_is_safe_and_slack_counts_what_was_waited_in_excess() {
    let story = beta_joins(0, HOUR);
    assert!(story.judge().is_safe());
    assert_eq!(story.slack(), Some(Duration::ZERO));
    let early = beta_joins(0, HOUR - 1);
    let violation = early.violation(Property::Secure, Quantifier::AnyCache);
    assert_eq!(violation.margin, seconds(1));
    let late = beta_joins(0, 18 * HOUR);
    assert!(late.judge().is_safe());
    assert_eq!(late.slack(), Some(seconds(17 * HOUR)));
}

#[test]
fn a_new_ksk_alone_needs_its_ds_in_every_cache() {
    // The DS of beta's KSK appears at 0:00 beside a DS RRset that caches keep for a day.
    let joins = |when| {
        Story::begin()
            .ds((i64::MIN, 0), DAY, &[ALPHA_KSK])
            .ds((0, i64::MAX), DAY, &[ALPHA_KSK, BETA_KSK])
            .ns(PARENT, (i64::MIN, when), HOUR, &[ALPHA])
            .ns(PARENT, (when, i64::MAX), HOUR, &[ALPHA, BETA])
            .keys(ALPHA, EVER, HOUR, &[ALPHA_KSK, ALPHA_ZSK, BETA_ZSK])
            .keys(BETA, EVER, HOUR, &[BETA_KSK, ALPHA_ZSK, BETA_ZSK])
            .answer(ALPHA, EVER, 300, &[ALPHA_ZSK])
            .answer(BETA, EVER, 300, &[BETA_ZSK])
    };
    let violation = joins(7 * HOUR).violation(Property::Secure, Quantifier::OneResolver);
    assert_eq!((violation.from, violation.until), (at(7 * HOUR), at(DAY)));
    assert_eq!(violation.margin, seconds(17 * HOUR));
    assert_eq!(violation.witness.reason, Reason::NoKeyMatchesDs);
    assert_eq!(joins(DAY + HOUR).slack(), Some(seconds(HOUR)));
}

#[test]
fn a_departed_signer_that_names_itself_is_never_gone() {
    // Beta leaves the delegation at 0:00 and drops alpha's ZSK and its DS follows, a year later.
    let year = 365 * DAY;
    let departs = |own_ns: bool| {
        let story = beta_joins(i64::MIN, i64::MIN);
        let mut story = Story(History {
            ds: Vec::new(),
            ns: Vec::new(),
            ..story.0
        })
        .ds((i64::MIN, year), DAY, &[ALPHA_KSK, BETA_KSK])
        .ds((year, i64::MAX), DAY, &[ALPHA_KSK])
        .ns(PARENT, (i64::MIN, 0), HOUR, &[ALPHA, BETA])
        .ns(PARENT, (0, i64::MAX), HOUR, &[ALPHA]);
        if own_ns {
            story = story.ns(BETA, EVER, HOUR, &[BETA]);
        }
        story
    };
    assert!(departs(false).judge().is_safe());
    let haunted = departs(true);
    let violation = haunted.violation(Property::Secure, Quantifier::AnyCache);
    assert_eq!(
        (violation.from, violation.until),
        (at(year), Timestamp::MAX)
    );
    let parent_centric = Profile::liberal().viewed(NsView::ParentCentric);
    assert!(judge(&haunted.0, &parent_centric, Timestamp::MIN, Timestamp::MAX).is_safe());
}

#[test]
fn a_ghost_with_ttl_zero_fades_with_the_delegation() {
    let reach_ends = |ttl| {
        let story =
            Story::begin()
                .ns(PARENT, (i64::MIN, 0), HOUR, &[BETA])
                .ns(BETA, EVER, ttl, &[BETA]);
        let reach = reach::Reach::of(&story.0, NsView::ChildCentric, |ttl| ttl);
        reach
            .at(InstanceId(BETA))
            .iter()
            .last()
            .map(|last| last.until)
    };
    assert_eq!(reach_ends(0), Some(at(HOUR)));
    assert_eq!(reach_ends(1), Some(Timestamp::MAX));
}

// Validators keep validated keys beside the DS RRset (and under strict-ds what it asked for): a zone
// that goes unsigned must let the keys run out too.
#[test]
fn keys_found_secure_outlive_the_ds() {
    let story = Story::begin()
        .ds((i64::MIN, 0), 60, &[ALPHA_KSK])
        .ds((0, i64::MAX), 60, &[])
        .ns(PARENT, EVER, HOUR, &[ALPHA])
        .keys(ALPHA, EVER, HOUR, &[ALPHA_KSK, ALPHA_ZSK])
        .answer(ALPHA, (i64::MIN, 120), 30, &[ALPHA_ZSK])
        .answer(ALPHA, (120, i64::MAX), 30, &[]);
    let judgement = story.judge();
    assert_eq!(judgement.of(Property::Secure, Quantifier::AnyCache), None);
    let violation = story.violation(Property::Secure, Quantifier::OneResolver);
    assert_eq!((violation.from, violation.until), (at(120), at(60 + HOUR)));
    assert_eq!(violation.witness.reason, Reason::AnswerUnsigned);
    assert_eq!(violation.earliest_safe(), Some(at(60 + HOUR)));
}

#[test]
fn a_ds_rrset_without_a_signature_that_holds_vouches_for_nothing() {
    let mut story = alpha_alone();
    story.0.ds[0].signatures[0].expiration = at(50);
    for quantifier in [Quantifier::AnyCache, Quantifier::OneResolver] {
        let violation = story.violation(Property::Secure, quantifier);
        assert_eq!((violation.from, violation.until), (at(51), Timestamp::MAX));
        assert_eq!(violation.witness.reason, Reason::DsNotSigned);
        assert_eq!(violation.earliest_safe(), None);
    }
}

#[test]
fn an_expired_signature_fails_from_the_second_after_its_last() {
    let story = Story::begin()
        .ds(EVER, DAY, &[ALPHA_KSK])
        .ns(PARENT, EVER, HOUR, &[ALPHA])
        .keys(ALPHA, EVER, HOUR, &[ALPHA_KSK, ALPHA_ZSK])
        .answer(ALPHA, (i64::MIN, 60), 300, &[ALPHA_ZSK])
        .expiring(100)
        .answer(ALPHA, (60, i64::MAX), 300, &[ALPHA_ZSK]);
    // Replaced at 60, but caches that do not validate hold it until 360.
    let violation = story.violation(Property::Secure, Quantifier::AnyCache);
    assert_eq!((violation.from, violation.until), (at(101), at(360)));
    assert_eq!(violation.witness.reason, Reason::Expired(at(100)));
    // One that does validate let go of it in time (RFC 4035 §5.3.3).
    assert_eq!(story.judge().violations.len(), 1);
}

#[test]
fn a_ttl_lowered_an_hour_before_does_not_shorten_what_is_held() {
    // Day-long keys until 0:00, five minutes from then on; beta joins at 1:00.
    let story = beta_joins(0, HOUR);
    let mut history = story.0;
    history.dnskey[0].ttl = seconds(DAY);
    history.dnskey[1].ttl = seconds(300);
    let violation = Story(history).violation(Property::Secure, Quantifier::OneResolver);
    assert_eq!((violation.from, violation.until), (at(HOUR), at(DAY)));
    assert_eq!(violation.margin, seconds(23 * HOUR));
}

#[test]
fn a_zone_may_not_lose_its_ds_while_it_must_be_signed() {
    let mut story = alpha_alone().ds((0, 10), 50, &[]);
    assert!(story.judge().is_safe());
    story.0.must_be_secure = Some((at(59), at(1_000)));
    for quantifier in [Quantifier::AnyCache, Quantifier::OneResolver] {
        let violation = story.violation(Property::NeverInsecure, quantifier);
        assert_eq!((violation.from, violation.until), (at(59), at(60)));
    }
    story.0.must_be_secure = Some((at(60), at(1_000)));
    assert!(story.judge().is_safe());
}

#[test]
fn blame_for_silence_follows_who_came_last() {
    let span = |instance, from, until| Span {
        instance: InstanceId(instance),
        from: at(from),
        until: at(until),
    };
    let mut story = alpha_alone();
    story.0.outages = vec![span(ALPHA, 10, 20)];
    let judgement = story.judge();
    assert!(judgement.is_safe());
    assert_eq!(judgement.outages[0].from, at(10));
    assert_eq!(judgement.outages[0].until, at(20));

    // Another delegation that begins meanwhile and names nobody else.
    let mut meanwhile = Story(story.0.clone());
    meanwhile.0.ns[0].content.push(InstanceId(BETA));
    let meanwhile = meanwhile.ns(PARENT, (12, 15), 0, &[ALPHA]);
    let violation = meanwhile.violation(Property::Reachable, Quantifier::AnyCache);
    assert_eq!((violation.from, violation.until), (at(12), at(15)));

    // The same delegation with another TTL: nobody chose anew.
    let mut longer = Story(story.0.clone());
    let mut again = longer.0.ns[0].clone();
    (longer.0.ns[0].until, again.from) = (at(12), at(12));
    again.ttl *= 2;
    longer.0.ns.push(again);
    assert!(longer.judge().is_safe());
    // Somebody else is taken out of it: what is left was chosen.
    longer.0.ns[0].content.push(InstanceId(BETA));
    longer.0.outages.push(span(BETA, 10, 20));
    let violation = longer.violation(Property::Reachable, Quantifier::AnyCache);
    assert_eq!(violation.from, at(12));

    story.0.lame = vec![span(ALPHA, 30, 40)];
    let violation = story.violation(Property::Reachable, Quantifier::OneResolver);
    assert_eq!((violation.from, violation.until), (at(30), at(40)));

    let mut two = beta_joins(i64::MIN, i64::MIN);
    two.0.lame = vec![span(BETA, 30, 40)];
    let judgement = two.judge();
    assert!(judgement.is_safe());
    assert_eq!(judgement.warnings.len(), 1);
    assert_eq!(judgement.warnings[0].instance, InstanceId(BETA));
}

#[test]
fn a_guard_hears_only_of_what_its_own_step_breaks() {
    let story = beta_joins(i64::MAX, 0);
    let later = judge(&story.0, &Profile::liberal(), at(1), Timestamp::MAX);
    assert!(later.is_safe(), "this began before");
}

#[test]
fn nothing_in_a_history_makes_the_oracle_panic() {
    let wild = [InstanceId(77), InstanceId(u32::MAX)];
    let mut story = alpha_alone();
    let history = &mut story.0;
    history.ns[0].content.extend(wild);
    history.dnskey[0].content.push(KeyId(9_999));
    history.answers[0].instance = InstanceId(500);
    history.ds[0].until = Timestamp::MIN;
    history.ds.push(version(9, EVER, 5, &[888], Vec::new()));
    history.must_be_secure = Some((Timestamp::MAX, Timestamp::MIN));
    history
        .ns
        .push(version(ALPHA, EVER, i64::MAX, &[], wild.to_vec()));
    story.judge();
    story.slack();
    judge(&History::default(), &Profile::strict_ds(), at(9), at(3));
}
