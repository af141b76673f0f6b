//! A witness is a schedule: here it is replayed, fetch by fetch.

use counterpoint_dns::{
    oracle::{
        Fetch, Profile, Property, Quantifier, Violation,
        history::{History, Version},
    },
    time::Timestamp,
};

use crate::play::{Game, START, holds_in};

/// Replays the witness of a violation; says what is wrong with it, if anything is.
pub fn replay(history: &History, profile: &Profile, violation: &Violation) -> Result<(), String> {
    let game = Game::new(history, profile, violation.quantifier);
    let witness = &violation.witness;
    let (earlier, later) = (&witness.earlier, witness.later.as_ref());
    let at = violation.from;
    for fetch in [Some(earlier), later].into_iter().flatten() {
        ensure(fetch.at <= at, "fetched after the failure")?;
        ensure(at < fetch.held_until || fetch.at == at, "no longer held")?;
    }
    if violation.property != Property::Secure {
        if let Some(address) = later {
            fetched(&game, &history.addresses, address)?;
        }
        let version = match violation.property {
            Property::Reachable => fetched(&game, &history.ns, earlier)?.content.is_empty(),
            _ => fetched(&game, &history.ds, earlier)?.content.is_empty(),
        };
        let reachable = violation.property == Property::Reachable;
        return ensure(reachable || version, "a DS RRset that is not empty");
    }
    let later = later.ok_or("a pair is missing its second")?;
    ensure(earlier.at <= later.at, "fetched in the wrong order")?;
    let (first, second) = match (find(history, earlier), find(history, later)) {
        (Kind::Answer, Kind::Keys) | (Kind::Keys, Kind::Ds) => (later, earlier),
        _ => (earlier, later),
    };
    let now = whole(at);
    match (find(history, first), find(history, second)) {
        (Kind::Ds, Kind::Keys) => {
            let ds = fetched(&game, &history.ds, first)?;
            let keys = fetched(&game, &history.dnskey, second)?;
            let signed = ds.signatures.iter().any(|s| holds_in(s, now));
            let vouches = signed && game.vouches(&ds.content, keys, now);
            ensure(!vouches, "the DS RRset vouches for the DNSKEY RRset")
        }
        (Kind::Keys, Kind::Answer) => {
            let keys = fetched(&game, &history.dnskey, first)?;
            let answer = fetched(&game, &history.answers, second)?;
            if violation.quantifier == Quantifier::AnyCache {
                let mut usable = history.ds.iter();
                let fails = usable.any(|ds| {
                    !game.believed(&ds.content).is_empty()
                        && !game.verifies(&ds.content, keys, &answer.signatures, now)
                });
                return ensure(fails, "the DNSKEY RRset verifies the answer");
            }
            let under = witness.under.as_ref().ok_or("no DS RRset told")?;
            let ds = fetched(&game, &history.ds, under)?;
            let asked = whole(first.at);
            ensure(under.at <= first.at, "the DS RRset came too late")?;
            let held = first.at < under.held_until || first.at == under.at;
            ensure(held, "the DS RRset was gone")?;
            let good = ds.signatures.iter().any(|s| holds_in(s, whole(under.at)));
            ensure(good, "the DS RRset was Bogus itself")?;
            let found = game.vouches(&ds.content, keys, asked);
            ensure(found, "the DNSKEY RRset was never Secure")?;
            let verifies = game.verifies(&ds.content, keys, &answer.signatures, now);
            ensure(!verifies, "the DNSKEY RRset verifies the answer")
        }
        _ => Err("these two are no link of the chain".into()),
    }
}

enum Kind {
    Ds,
    Keys,
    Answer,
    Ns,
}

fn find(_: &History, fetch: &Fetch) -> Kind {
    use counterpoint_dns::oracle::Fetched;
    match fetch.what {
        Fetched::Ds => Kind::Ds,
        Fetched::Dnskey => Kind::Keys,
        Fetched::Answer(_) => Kind::Answer,
        Fetched::Ns | Fetched::Address(_) => Kind::Ns,
        Fetched::Denial(_) => unreachable!("nobody has a catalogue here"),
    }
}

/// The version of a fetch, if its server served it and could be asked for it then.
fn fetched<'h, C>(
    game: &Game<'_>,
    versions: &'h [Version<C>],
    fetch: &Fetch,
) -> Result<&'h Version<C>, String> {
    let version = versions.get(fetch.version).ok_or("no such version")?;
    ensure(version.instance == fetch.instance, "another server")?;
    let when = game.fetches(version);
    ensure(when.contains(&whole(fetch.at)), "could not be fetched then")?;
    Ok(version)
}

fn whole(at: Timestamp) -> i64 {
    at.as_seconds().max(START)
}

fn ensure(good: bool, otherwise: &str) -> Result<(), String> {
    if good { Ok(()) } else { Err(otherwise.into()) }
}
