//! Slack by brute force: each second at which something begins, against all that was held before.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use counterpoint_dns::{
    oracle::{
        Profile, Quantifier, Strictness,
        history::{History, KeyId, Signature, Version},
    },
    time::Timestamp,
};

use crate::play::{END, Game, Seconds};

/// How much earlier what begins at second 0 or later could have begun.
pub fn slack(history: &History, profile: &Profile) -> Option<Duration> {
    let mut history = history.clone();
    history.ds.iter_mut().for_each(timeless);
    history.dnskey.iter_mut().for_each(timeless);
    history.answers.iter_mut().for_each(timeless);
    let game = Game::new(&history, profile, Quantifier::AnyCache);

    let ds = gather(&game, &history.ds, |v| (v.content.clone(), signers(v)));
    let keys = gather(&game, &history.dnskey, |v| (v.content.clone(), signers(v)));
    let answers = gather(&game, &history.answers, signers);
    let mut demands: BTreeMap<BTreeSet<u8>, (usize, Seconds)> = BTreeMap::new();
    for (&d, held) in &ds {
        let believed = game.believed(&history.ds[d].content);
        if believed.is_empty() {
            continue;
        }
        let demand = match profile.strictness {
            Strictness::StrictDs => believed.iter().map(|ds| ds.algorithm).collect(),
            _ => BTreeSet::new(),
        };
        let (_, live) = demands.entry(demand).or_insert((d, Seconds::new()));
        live.extend(held);
    }

    let mut waits: Vec<i64> = Vec::new();
    for (&k, k_held) in &keys {
        let key_set = &history.dnskey[k];
        for (&d, d_held) in &ds {
            let content = &history.ds[d].content;
            let signed = !history.ds[d].signatures.is_empty();
            let usable = !game.believed(content).is_empty();
            if usable && !(signed && game.vouches(content, key_set, 0)) {
                waits.extend(least(d_held, k_held));
                waits.extend(least(k_held, d_held));
            }
        }
        for (&r, r_held) in &answers {
            let signatures = &history.answers[r].signatures;
            for (d, live) in demands.values() {
                if !game.verifies(&history.ds[*d].content, key_set, signatures, 0) {
                    waits.extend(least(&(k_held & r_held), live));
                    waits.extend(least(&(k_held & live), r_held));
                    waits.extend(least(&(r_held & live), k_held));
                }
            }
        }
    }
    let least = waits.into_iter().min();
    least.map(|wait| Duration::from_secs(wait as u64))
}

/// From the last second of `older` to each second at which `newer` begins.
fn least(older: &Seconds, newer: &Seconds) -> Option<i64> {
    let begins = (0..END).filter(|s| newer.contains(s) && !newer.contains(&(s - 1)));
    let wait = |begin: i64| {
        let last = *older.range(..=begin).next_back()?;
        Some((begin - last - 1).max(0))
    };
    begins.filter_map(wait).min()
}

/// Versions that only times tell apart, by the number of the first: when any of them is held.
fn gather<C, K: Ord>(
    game: &Game<'_>,
    versions: &[Version<C>],
    same: impl Fn(&Version<C>) -> K,
) -> BTreeMap<usize, Seconds> {
    let mut first: BTreeMap<K, usize> = BTreeMap::new();
    let mut held: BTreeMap<usize, Seconds> = BTreeMap::new();
    for (number, version) in versions.iter().enumerate() {
        let number = *first.entry(same(version)).or_insert(number);
        let fetches = game.fetches(version).into_iter();
        let seconds = fetches.flat_map(|fetched| game.holds(fetched, version.ttl));
        held.entry(number).or_default().extend(seconds);
    }
    held
}

fn signers<C>(version: &Version<C>) -> BTreeSet<KeyId> {
    version.signatures.iter().map(|s| s.key).collect()
}

fn timeless<C>(version: &mut Version<C>) {
    for signature in &mut version.signatures {
        *signature = Signature {
            key: signature.key,
            inception: Timestamp::MIN,
            expiration: Timestamp::MAX,
        };
    }
}
