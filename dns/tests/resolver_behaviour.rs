//! Stories of what only some resolvers do: prefetch, serve stale, deny from what they hold, remember
//! failures, give up, put up with clocks.

mod authority;

use authority::{story::*, *};
use counterpoint_dns::{
    agent::{Agent as _, Input},
    message::ResponseCode,
    name::RecordType,
    nsec3::{Nsec3, SHA1, hash, label_of},
    rdata::Rdata,
    resolver::{Prefetch, Selection, Status, View},
    rrset::{RrSet, SignedRrSet},
    signature::Rrsig,
    validate::Leeway,
};
use hickory_proto::rr::Record;
use std::{collections::BTreeMap, time::Duration};

fn www() -> counterpoint_dns::message::Question {
    ask("www.example.test.", A_TYPE)
}

/// RFC 8767 §4: only where nobody answers, only for so long, and never over something bogus.
#[test]
fn what_has_run_out_is_given_while_nobody_answers() {
    let mut story = Story::new(START);
    let mut config = story.config();
    config.stale = 86_400;
    let mut resolver = story.resolver(config);
    let fresh = story.world.resolve(&mut resolver, START, www());
    let ttl = i64::from(fresh.answer.unwrap().set.ttl);
    for last in [A, B] {
        story.world.mood(last, Mood::Silent);
    }
    let stale = story.world.resolve(&mut resolver, at(ttl + 1), www());
    assert_eq!(stale.status, Status::Secure);
    assert_eq!(resolver.counts().stale, 1);
    let gone = story.world.resolve(&mut resolver, at(ttl + 86_401), www());
    assert_failed(&gone, "");
    for last in [A, B] {
        story.world.mood(last, Mood::Fine);
        let zone = story.child.clone().with_keys(&[&story.a]);
        let stranger = Signer::new("stranger");
        story.serve_child(last, &zone, &stranger, 30);
    }
    let bogus = story.world.resolve(&mut resolver, at(ttl + 2), www());
    assert_bogus(&bogus, "");
}

/// What is asked for in the last tenth of its life is fetched again, once, and nobody waits for it.
#[test]
fn what_is_about_to_run_out_is_fetched_ahead() {
    let mut story = Story::new(START);
    let mut config = story.config();
    config.prefetch = Prefetch {
        percent: 10,
        ..Prefetch::default()
    };
    let mut resolver = story.resolver(config);
    let fresh = story.world.resolve(&mut resolver, START, www());
    let ttl = i64::from(fresh.answer.unwrap().set.ttl);
    story.world.asked.clear();
    assert!(
        story
            .world
            .resolve(&mut resolver, at(ttl / 2), www())
            .cached
    );
    assert_eq!(story.world.asked, [], "it has long to live");
    assert!(
        story
            .world
            .resolve(&mut resolver, at(ttl - 1), www())
            .cached
    );
    assert_eq!(story.world.asked.len(), 1, "{:?}", story.world.asked);
    assert_eq!(resolver.counts().prefetched, 1);
    assert!(
        story
            .world
            .resolve(&mut resolver, at(ttl + 1), www())
            .cached
    );
}

/// RFC 8198 §5.1, §5.2: a name in a gap that is held, and a type that a record held does not list.
#[test]
fn nsec_records_held_deny_other_names() {
    for aggressive in [true, false] {
        let mut story = Story::new(START);
        let mut config = story.config();
        config.aggressive = aggressive;
        let mut resolver = story.resolver(config);
        let first = ask("xa.example.test.", A_TYPE);
        let found = story.world.resolve(&mut resolver, START, first);
        assert_eq!(found.rcode, ResponseCode::NXDomain);
        story.world.asked.clear();
        let second = ask("xb.example.test.", A_TYPE);
        let found = story.world.resolve(&mut resolver, at(1), second);
        let expected = (Status::Secure, ResponseCode::NXDomain);
        assert_eq!((found.status, found.rcode), expected);
        assert_eq!(story.world.asked.is_empty(), aggressive);
        assert_eq!(resolver.counts().denied, u64::from(aggressive));
        // What is there is not denied, and what is held lives no longer than it came with.
        assert_eq!(
            story.world.resolve(&mut resolver, at(2), www()).status,
            Status::Secure
        );
        story.world.asked.clear();
        let late = ask("xc.example.test.", A_TYPE);
        story.world.resolve(&mut resolver, at(100_000), late);
        assert!(!story.world.asked.is_empty());
    }
}

/// The NSEC3 chain of a zone that has `www` alone, signed.
fn hashed_chain(flags: u8) -> Vec<SignedRrSet> {
    let names = [
        ("example.test.", vec![RecordType::NS, RecordType::SOA]),
        ("www.example.test.", vec![A_TYPE]),
    ];
    let hashed = names.map(|(owner, types)| (hash(&name(owner), 0, &[]), types));
    let hashed = BTreeMap::from(hashed);
    let next = hashed.keys().cycle().skip(1);
    let record = |((owner, types), next): ((&Vec<u8>, &Vec<RecordType>), &Vec<u8>)| {
        let nsec3 = Nsec3 {
            algorithm: SHA1,
            flags,
            iterations: 0,
            salt: Vec::new(),
            next: next.clone(),
            types: types.clone(),
        };
        let owner = name("example.test.")
            .prepend_label(label_of(owner))
            .unwrap();
        let set = RrSet::new(owner, RecordType::NSEC3, 300, [nsec3.to_rdata()]);
        let zsk = Signer::new("a").zsk;
        let rrsig = Rrsig::sign(&set, &zsk, &name("example.test."), at(-60), at(600_000));
        SignedRrSet {
            set,
            signatures: vec![rrsig],
        }
    };
    hashed.iter().zip(next).map(record).collect()
}

/// RFC 8198 §5.2, §5.4: the same by hash, unless unsigned delegations may lie in the gap.
#[test]
fn nsec3_records_held_deny_other_names() {
    for (by_hash, flags, denies) in [
        (true, 0, true),
        (false, 0, false),
        (true, Nsec3::OPT_OUT, false),
    ] {
        let mut story = Story::new(START);
        for last in [A, B] {
            story.world.tamper(last, move |question, message| {
                if !question.name.to_string().starts_with('x') {
                    return;
                }
                let soa = |record: &Record| match record.record_type() {
                    RecordType::RRSIG => Rrsig::parse(&Rdata::from_parsed(&record.data))
                        .is_some_and(|rrsig| rrsig.covered == RecordType::SOA),
                    rtype => rtype == RecordType::SOA,
                };
                message.authorities.retain(soa);
                for signed in hashed_chain(flags) {
                    put(&mut message.authorities, &signed);
                }
            });
        }
        let mut config = story.config();
        (config.aggressive, config.aggressive_nsec3) = (true, by_hash);
        let mut resolver = story.resolver(config);
        for (second, text) in [(0, "xa.example.test."), (1, "xb.example.test.")] {
            story.world.asked.clear();
            let found = story
                .world
                .resolve(&mut resolver, at(second), ask(text, A_TYPE));
            assert_eq!(found.rcode, ResponseCode::NXDomain);
            assert_eq!(found.status == Status::Secure, flags == 0, "{found:?}");
        }
        assert_eq!(story.world.asked.is_empty(), denies);
        assert_eq!(resolver.counts().denied, u64::from(denies));
        let there = story.world.resolve(&mut resolver, at(2), www());
        assert_eq!(there.status, Status::Secure);
    }
}

/// RFC 9520 §3.2, RFC 4035 §4.7: failures are told again, for a while.
#[test]
fn failures_are_remembered_for_a_while() {
    let mut story = Story::new(START);
    let mut config = story.config();
    (config.failure_ttl, config.bogus_ttl) = (5, 60);
    let mut resolver = story.resolver(config.clone());
    for last in [A, B] {
        story.world.mood(last, Mood::Silent);
    }
    assert_failed(&story.world.resolve(&mut resolver, START, www()), "");
    story.world.mood(A, Mood::Fine);
    let again = story.world.resolve(&mut resolver, at(4), www());
    assert!(again.remembered && again.cached);
    let later = story.world.resolve(&mut resolver, at(5), www());
    assert_eq!((later.status, later.remembered), (Status::Secure, false));
    assert_eq!(resolver.counts().remembered, 1);
}

/// One bogus answer is believed, or another server is asked, and that is said.
#[test]
fn bogus_answers_are_believed_after_so_many() {
    for tries in [1, 2] {
        let mut story = Story::new(START);
        let stranger = Signer::new("stranger");
        let mut config = story.config();
        config.bogus_tries = tries;
        let mut resolver = story.resolver(config);
        pin(&mut resolver, &[A]);
        story.world.resolve(
            &mut resolver,
            START,
            ask("example.test.", RecordType::DNSKEY),
        );
        pin(&mut resolver, &[]);
        let zone = story.child.clone().with_keys(&[&story.a, &story.b]);
        story.serve_child(A, &zone, &stranger, 30);
        let found: Vec<_> = (0..20)
            .map(|n| {
                let question = ask(&format!("n{n}.wild.example.test."), A_TYPE);
                story.world.resolve(&mut resolver, at(1), question)
            })
            .collect();
        let bogus = found.iter().filter(|one| one.status.is_bogus()).count();
        let masked = found.iter().filter(|one| one.masked_by_retry).count();
        assert_eq!(
            (bogus > 0, masked > 0),
            (tries == 1, tries == 2),
            "{bogus} {masked}"
        );
    }
}

/// A question that takes too long ends, though its fetch goes on.
#[test]
fn a_question_is_given_up_on() {
    let story = Story::new(START);
    let mut config = story.config();
    config.patience = Some(Duration::from_secs(10));
    let mut resolver = story.resolver(config);
    resolver.resolve(START, www());
    assert_eq!(resolver.wake_at(), Some(at(10)));
    resolver.handle(at(9), Input::Wake);
    assert!(resolver.take_resolution().is_none());
    resolver.handle(at(10), Input::Wake);
    assert_failed(&resolver.take_resolution().unwrap(), "too long");
    assert_eq!((resolver.wake_at(), resolver.counts().gave_up), (None, 1));
}

/// The child's NS RRset is asked for again before it runs out, though nobody asks for anything.
#[test]
fn a_sticky_resolver_keeps_to_the_child() {
    let mut story = Story::new(START);
    let mut resolver = story.resolver(story.config().view(View::Sticky));
    story.world.resolve(&mut resolver, START, www());
    let mut asked_parent = 0;
    for _ in 0..5 {
        let at = resolver.wake_at().expect("it has something to do");
        story.world.asked.clear();
        resolver.handle(at, Input::Wake);
        story.world.drive(&mut resolver, at);
        let parents = story
            .world
            .asked
            .iter()
            .filter(|(to, question)| *to == ip(TEST) && question.name == name("example.test."));
        asked_parent += parents.filter(|(_, q)| q.rtype == RecordType::NS).count();
        assert!(
            story
                .world
                .asked
                .iter()
                .any(|(to, _)| [ip(A), ip(B)].contains(to))
        );
    }
    assert_eq!(asked_parent, 0);
}

/// RFC 4035 §5.3.1 and what some add: a second after its end a signature holds no more, or for a while.
#[test]
fn signatures_count_for_longer_where_clocks_may_be_off() {
    let end = 86_400 * 30;
    for (late, status_after) in [(0, false), (3_600, true)] {
        let mut story = Story::new(START);
        let mut config = story.config();
        config.policy.tolerance.late = Leeway::fixed(late);
        let mut resolver = story.resolver(config);
        let found = story.world.resolve(&mut resolver, at(end + 1), www());
        assert_eq!(
            found.status == Status::Secure,
            status_after,
            "{:?}",
            found.status
        );
        story.now = START;
        let mut resolver = story.resolver(resolver.config().clone());
        let found = story.world.resolve(&mut resolver, at(end + 3_601), www());
        assert!(found.status.is_bogus(), "{:?}", found.status);
    }
}

/// By the shortest round-trip time so far; unknown servers first, and sometimes another.
#[test]
fn the_fastest_server_is_asked_mostly() {
    let mut story = Story::new(START);
    let mut config = story.config();
    config.selection = Selection::Fastest;
    let mut resolver = story.resolver(config);
    story.world.mood(B, Mood::Silent);
    for n in 0..100 {
        let question = ask(&format!("n{n}.wild.example.test."), A_TYPE);
        let found = story.world.resolve(&mut resolver, at(1), question);
        assert_eq!(found.status, Status::Secure);
    }
    let to = |last| {
        story
            .world
            .asked
            .iter()
            .filter(|(to, _)| *to == ip(last))
            .count()
    };
    // Three tries each time that the silent one is asked.
    assert!(
        (3..60).contains(&to(B)) && to(A) >= 100,
        "{} {}",
        to(A),
        to(B)
    );
}
