//! A model on paper of one drawn migration: whether a cut wait shows, from TTLs and mean delays alone.
//!
//! It knows what the controller's tables do and no more: steps are a sequence, and what was served
//! before the first look counts with `max-ttl`. Where it agrees with the played runs, those two
//! explain the table; it plays nothing and asks no oracle.

use super::{Row, scenario};
use crate::scenario::{ControllerSabotage::*, Range, Scenario, Signer, Ttl};

/// How long the controller takes from the end of one step to an effect of the next, seconds.
const STEP: f64 = 60.0;

/// The TTLs of one operator, seconds.
struct Held {
    dnskey: f64,
    ns: f64,
    data: f64,
}

impl Held {
    fn longest(&self) -> f64 {
        self.dnskey.max(self.ns).max(self.data)
    }
}

/// Whether some cache could fail in the migration of this seed, with constant TTLs.
pub fn predicts(seed: u64, row: &Row) -> bool {
    let drawn = scenario(seed, row, super::Ttls::Constant);
    let cuts = |cut| row.cuts.contains(&cut);
    let wait = |cut, until: f64| if cuts(cut) { 0.0 } else { until };
    let [new, old] = ["new", "old"].map(|name| ttls(&drawn, name));
    let [ds_ttl, parent_ns] = [drawn.parent.ds_ttl, drawn.parent.ns_ttl].map(seconds);
    let parent_longest = ds_ttl.max(parent_ns);
    let parent = mean(drawn.scanner.publish_delay) + drawn.scanner.interval.as_secs_f64() / 2.0;
    let lag = |name| lag(&drawn, name);

    // Join: time 0 is the first look.
    let ds_added = parent + mean(drawn.parent.propagation);
    let unseen = new.longest().max(old.longest());
    let dnskey_wait = (lag("new") + new.dnskey)
        .max(lag("old") + old.dnskey)
        .max(unseen);
    let ds_wait = (ds_added + ds_ttl).max(parent_longest);
    let both = wait(SkipDnskeyWait, dnskey_wait).max(wait(SkipDsWait, ds_wait));
    let ns_added = both.max(ds_added) + STEP;
    let old_keys_held = lag("old") + old.dnskey > ns_added;
    let old_ds_held = ds_added + ds_ttl > ns_added;

    // Leave: right behind the parent's NS RRset.
    let named_last = ns_added + parent + lag("old").max(lag("new"));
    let delegated_last = named_last + parent;
    let asked_last = (named_last + old.ns.max(new.ns)).max(delegated_last + parent_ns);
    let ns_wait = asked_last.max(unseen).max(parent_longest);
    let ns_waited = wait(SkipNsWait, ns_wait).max(delegated_last);
    let keys_waited = ns_waited + wait(SkipLeaverDnskeyWait, old.dnskey);
    let ds_removed = keys_waited + parent;
    let ds_waited = ds_removed + ds_ttl;
    let zsk_removed = ds_waited.max(ns_waited + wait(SkipDataWait, old.longest()));
    let leaver_keys_held = asked_last + old.dnskey > ds_removed + STEP;
    let leaver_data_held = asked_last + old.data.max(old.ns) > zsk_removed + STEP;

    // One that names itself for ever is asked for ever.
    cuts(NsAtRemainingOnly) || old_keys_held || old_ds_held || leaver_keys_held || leaver_data_held
}

fn ttls(scenario: &Scenario, name: &str) -> Held {
    let signer = scenario.signers.iter().find(|signer| signer.name == name);
    let of = |ttl: fn(&Signer) -> Ttl| signer.map(ttl).map_or(0.0, seconds);
    Held {
        dnskey: of(|signer| signer.dnskey_ttl),
        ns: of(|signer| signer.ns_ttl),
        data: of(|signer| signer.default_ttl),
    }
}

fn seconds(ttl: Ttl) -> f64 {
    ttl.seconds().into()
}

fn lag(scenario: &Scenario, name: &str) -> f64 {
    let signer = scenario.signers.iter().find(|signer| signer.name == name);
    signer.map_or(0.0, |signer| mean(signer.propagation))
}

fn mean(range: Range) -> f64 {
    (range.low.as_secs_f64() + range.high.as_secs_f64()) / 2.0
}
