//! Prerequisites of a process, each with its own reason and remedy; and differences worth telling.
//!
//! Owns what must hold before anything is written. What is merely not known yet is watched for a
//! while: a signer that was told to serve a moment ago is late, not wrong.

use std::collections::BTreeSet;

use counterpoint_dns::{key::Dnskey, name::Name, rdata::Rdata, time::Timestamp};

use crate::{
    case::Case,
    config::{Model, SignerName},
    decide::Decision,
    log::Version,
    place::{Item, Owner},
    process::{Kind, Who},
};

/// For so many poll intervals what is not known is late, not wrong.
const LATE_POLLS_MAX: u32 = 10;

/// Something that does not hold.
struct Problem {
    by: String,
    why: String,
    remedy: String,
}

/// Whether the process may begin.
pub(crate) fn prerequisites(case: &Case<'_>, now: Timestamp) -> Decision {
    let mut problems = Vec::new();
    for signer in case.process.who(Who::All) {
        let unknown = not_known(case, &Owner::Signer(signer.clone()), SIGNER_ITEMS);
        if unknown.is_empty() {
            problems.extend(of_signer(case, &signer, now));
        }
    }
    let mut unknown = not_known(case, &Owner::Parent, &[Item::Ds, Item::Delegation]);
    for signer in case.process.who(Who::All) {
        unknown.extend(not_known(case, &Owner::Signer(signer), SIGNER_ITEMS));
    }
    if unknown.is_empty() {
        problems.extend(among_signers(case));
    }
    let began = case.process.steps.last().map_or(now, |step| step.from);
    let is_late = now - began > case.config.poll * LATE_POLLS_MAX;
    match (problems.is_empty(), unknown.into_iter().next()) {
        (false, _) => blocked(problems),
        (true, None) => Decision::Advance,
        (true, Some((_, what))) if !is_late => Decision::Watch {
            what,
            next_poll: now + case.back_off,
        },
        (true, Some((by, what))) => blocked(vec![Problem {
            by: by.to_string(),
            why: format!("nobody has seen {what}"),
            remedy: "let it serve the zone, signed, at every address of its nameservers".into(),
        }]),
    }
}

/// What every signer is asked for.
const SIGNER_ITEMS: &[Item] = &[Item::Dnskey, Item::Soa, Item::Ns];

fn blocked(problems: Vec<Problem>) -> Decision {
    let join = |part: fn(&Problem) -> &String| {
        let mut parts: Vec<&str> = Vec::new();
        for problem in &problems {
            let text = part(problem).as_str();
            if !parts.contains(&text) {
                parts.push(text);
            }
        }
        parts.join("; ")
    };
    Decision::Blocked {
        by: join(|problem| &problem.by),
        why: join(|problem| &problem.why),
        remedy: join(|problem| &problem.remedy),
    }
}

fn not_known(case: &Case<'_>, owner: &Owner, items: &[Item]) -> Vec<(Owner, String)> {
    let mut unknown = Vec::new();
    for place in case.places.of(owner) {
        for item in items {
            if let Err(why) = case.log.shown(place, item, case.since) {
                unknown.push((owner.clone(), format!("{item} of {place} ({why})")));
            }
        }
    }
    if case.places.of(owner).is_empty() {
        unknown.push((
            owner.clone(),
            format!("the addresses of {owner}'s nameservers"),
        ));
    }
    unknown
}

/// What must hold at one signer.
fn of_signer(case: &Case<'_>, signer: &SignerName, now: Timestamp) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut problem = |why: String, remedy: &str| {
        problems.push(Problem {
            by: signer.to_string(),
            why,
            remedy: remedy.into(),
        });
    };
    let _ = now;
    // The owner's signature comes with its DNSKEY RRset.
    let joins = case.process.kind == Kind::Join && case.process.is_about(signer);
    let is_pushed_to = case.common().is_some() && joins;
    for place in case.places.of(&Owner::Signer(signer.clone())) {
        let shown = |item: &Item| case.log.shown(place, item, case.since).ok();
        let (Some(dnskey), Some(soa)) = (shown(&Item::Dnskey), shown(&Item::Soa)) else {
            continue;
        };
        let by_own_set = |version: &Version| {
            version
                .signed_by
                .iter()
                .any(|key| dnskey.data.contains(key))
        };
        if dnskey.data.is_empty() {
            problem(
                format!("{place} serves the zone unsigned"),
                "sign the zone there",
            );
        } else if !is_pushed_to && !by_own_set(dnskey) {
            problem(
                format!("the DNSKEY RRset of {place} does not validate"),
                "let a key of that RRset sign it, in an algorithm that can be verified here",
            );
        } else if !by_own_set(soa) {
            problem(
                format!("the SOA of {place} does not validate under its own DNSKEY RRset"),
                "let a key of that RRset sign the zone",
            );
        }
    }
    let unattributed = case.keys.unattributed(case.log, case.places, signer);
    if !unattributed.is_empty() {
        problem(
            format!(
                "nobody is known to own key tags {} at {signer}",
                tags(&unattributed)
            ),
            "declare whose they are (`own_keys`), or take them out",
        );
    }
    let borrowed = case.keys.borrowed(case.log, case.places, signer);
    if !borrowed.is_empty() {
        problem(
            format!(
                "{signer} signs with key tags {}, which are another's",
                tags(&borrowed)
            ),
            "let every signer sign with keys of its own (RFC 8901 model 2)",
        );
    }
    if case.ns_names(&[signer.clone()].into()).is_empty() {
        problem(
            format!("no nameserver of {signer} is known"),
            "declare its nameserver names",
        );
    }
    let everybody = case.ns_names(&case.process.everybody());
    let strangers: BTreeSet<String> = case
        .places
        .of(&Owner::Signer(signer.clone()))
        .iter()
        .filter_map(|place| case.log.shown(place, &Item::Ns, case.since).ok())
        .flat_map(|version| version.data.iter().filter_map(Rdata::as_name))
        .filter(|name: &Name| !everybody.contains(name))
        .map(|name| name.to_string())
        .collect();
    for name in strangers {
        problem(
            format!("{signer} names {name}, which nobody is known to bring"),
            "declare whose nameserver that is, or take it out of the NS RRset",
        );
    }
    problems
}

/// What must hold among signers.
fn among_signers(case: &Case<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(signer) = &case.process.subject {
        problems.extend(of_roll(case, signer));
    }
    problems.extend(of_owner(case));
    let Some(subject) = case.process.subject.as_ref() else {
        return problems;
    };
    if case.process.kind != Kind::Join {
        return problems;
    }
    if case.process.model == Model::Shared {
        problems.extend(of_sharer(case, subject));
    }
    let newcomer = case.keys.algorithms(subject);
    for other in &case.process.before {
        let theirs = case.keys.algorithms(other);
        if theirs != newcomer {
            problems.push(Problem {
                by: subject.to_string(),
                why: format!(
                    "{subject} signs with algorithms {newcomer:?}, {other} with {theirs:?} \
                     (RFC 8901 §4: the same for all)"
                ),
                remedy: format!("roll {subject} to the algorithms of {other} first"),
            });
        }
        for own in case.keys.of(subject).filter_map(Dnskey::parse) {
            let mut keys = case.keys.of(other).filter_map(Dnskey::parse);
            if keys.any(|key| (key.tag(), key.algorithm) == (own.tag(), own.algorithm)) {
                problems.push(Problem {
                    by: subject.to_string(),
                    why: format!("keys of {subject} and {other} share key tag {}", own.tag()),
                    remedy: format!("roll that key at {subject}"),
                });
            }
        }
    }
    problems
}

/// Whether a newcomer has the keys that all others have.
fn of_sharer(case: &Case<'_>, subject: &SignerName) -> Option<Problem> {
    let served = |signer: &SignerName| -> BTreeSet<Rdata> {
        let places = case.places.of(&Owner::Signer(signer.clone())).iter();
        let shown =
            places.filter_map(|place| case.log.shown(place, &Item::Dnskey, case.since).ok());
        shown
            .flat_map(|version| version.data.iter().cloned())
            .collect()
    };
    let theirs = case.process.before.iter().map(served);
    let others: BTreeSet<Rdata> = theirs.flatten().collect();
    (served(subject) != others).then(|| Problem {
        by: subject.to_string(),
        why: format!("{subject} does not serve the DNSKEY RRset that the others do"),
        remedy: "let it take the zone, or the keys, from where the others do".into(),
    })
}

/// Whether the owner can sign for the zone.
fn of_owner(case: &Case<'_>) -> Option<Problem> {
    case.common()?;
    let problem = |why: &str, remedy: &str| Problem {
        by: "the owner".into(),
        why: why.into(),
        remedy: remedy.into(),
    };
    match case.ksk_to_replace() {
        None => Some(problem(
            "every declared KSK was replaced",
            "make a new one (`zone new-ksk`)",
        )),
        Some(_) if !case.is_anchored() => Some(problem(
            "the parent's DS RRset names no KSK that the owner holds",
            "declare the KSK that it names first, or let the parent name the declared one",
        )),
        Some((_, false)) if case.process.kind == Kind::RollKsk => Some(problem(
            "there is no other KSK to take the place of the one in use",
            "make one (`zone new-ksk`)",
        )),
        Some(_) => None,
    }
}

/// Whether there is such a key to roll.
fn of_roll(case: &Case<'_>, signer: &SignerName) -> Option<Problem> {
    let role = case.process.role()?;
    let old = case.keys.replaced(case.config, signer, role);
    old.is_empty().then(|| Problem {
        by: signer.to_string(),
        why: format!("{signer} has no {}", role.name()),
        remedy: match case.keys.is_csk(case.config, signer) {
            true => "roll its CSK".into(),
            false => "roll its ZSK or its KSK".into(),
        },
    })
}

/// Differences that are nobody's fault, each with its consequence.
pub(crate) fn warnings(case: &Case<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    let signers = case.process.who(Who::All);
    let ttl = |signer: &SignerName, item: &Item| {
        let mut places = case.places.of(&Owner::Signer(signer.clone())).iter();
        places.find_map(|place| Some(case.log.track(place, item)?.current()?.ttl))
    };
    for (item, consequence) in [
        (
            Item::Dnskey,
            "every wait for DNSKEY takes as long as the longest asks",
        ),
        (
            Item::Ns,
            "every wait for NS takes as long as the longest asks",
        ),
        (
            Item::Soa,
            "caches keep denials of the signers for different times",
        ),
    ] {
        let all: BTreeSet<u32> = signers
            .iter()
            .filter_map(|signer| ttl(signer, &item))
            .collect();
        if all.len() > 1 {
            warnings.push(format!(
                "the TTLs of {item} differ ({all:?} s): {consequence}"
            ));
        }
    }
    let after = case.process.after();
    if after.len() == 1 {
        warnings.push("one signer alone remains: an outage of it is an outage of the zone".into());
    }
    let parent = case.places.public(&Owner::Parent);
    let ds = parent.filter_map(|place| case.log.shown(place, &Item::Ds, case.since).ok());
    if ds.into_iter().any(|version| version.data.is_empty()) {
        let asks = "the parent has no DS RRset yet: publishing CDS asks it for the first one";
        warnings.push(match case.unvouched() {
            None => asks.into(),
            Some(lacking) if lacking.is_empty() => {
                format!("{asks}, and signalling names vouch for that (RFC 9615)")
            }
            Some(lacking) => format!(
                "{asks}; one that wants authenticated signals (RFC 9615) must be asked by other means, \
                 for {}",
                lacking.join("; ")
            ),
        });
    }
    warnings
}

fn tags(keys: &[Rdata]) -> String {
    let tags = keys
        .iter()
        .filter_map(Dnskey::parse)
        .map(|key| key.tag().to_string());
    tags.collect::<Vec<_>>().join(", ")
}
