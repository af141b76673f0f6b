//! Habits of real signers that no standard asks for: what they make of updates, what they publish by
//! themselves.

use std::collections::BTreeSet;

use counterpoint_dns::{
    key::{DIGEST_SHA256, Dnskey},
    name::RecordType,
    rdata::{Ds, Rdata},
    rrset::RrSet,
    update::{Change, Update},
};

use crate::{primary::Primary, topology::ksks};

/// What a signer does in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Habit {
    /// It answers NOERROR to foreign DNSKEY records, and does not publish them: Knot DNS and PowerDNS
    /// as they come.
    DropsForeignDnskey,
    /// The same of those with the SEP flag alone.
    DropsForeignKsk,
    /// No TTL is above the one that it gives what has none: `max-zone-ttl` of BIND.
    CapsTtl,
    /// It publishes no CDNSKEY, whatever it is told.
    OmitsCdnskey,
    /// It answers REFUSED to CDS and CDNSKEY of foreign keys: BIND with inline signing.
    RefusesCds,
    /// It publishes CDS and CDNSKEY of its own keys by itself, and again after they were deleted: BIND
    /// with `dnssec-policy`.
    OwnCds,
    /// It signs CDS and CDNSKEY with the KSK alone: BIND.
    CdsKskOnly,
    /// Its first key that signs data has the tag of another signer's.
    KeyTagTwin,
    /// The whole DNSKEY RRset takes the TTL of a foreign key that comes, and keeps it: BIND, Knot DNS.
    OneTtl,
}

/// The habits of one signer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Habits {
    /// Which.
    pub all: BTreeSet<Habit>,
    /// No TTL is above this, if it caps them; seconds.
    pub ttl_cap: u32,
}

impl Habits {
    /// Whether it has this one.
    pub fn has(&self, habit: Habit) -> bool {
        self.all.contains(&habit)
    }

    /// A TTL as it is served.
    pub fn ttl(&self, ttl: u32) -> u32 {
        match self.has(Habit::CapsTtl) {
            true => ttl.min(self.ttl_cap),
            false => ttl,
        }
    }

    /// Whether a foreign key of an update is published.
    pub fn takes(&self, key: &Dnskey) -> bool {
        let is_unwanted = self.has(Habit::DropsForeignKsk) && key.is_sep();
        !is_unwanted && !self.has(Habit::DropsForeignDnskey)
    }
}

/// Whether the signer refuses an update for what it says of foreign keys.
pub fn refuses(primary: &Primary, update: &Update) -> bool {
    let own = own_signals(primary);
    let is_foreign = |set: &RrSet| match set.rtype {
        RecordType::CDS | RecordType::CDNSKEY => set.data.iter().any(|data| {
            let is_delete = matches!(data.octets(), [0, 0, 0, 0, ..] | [0, 0, 3, 0, ..]);
            !is_delete && !own.iter().any(|own| own.data.contains(data))
        }),
        _ => false,
    };
    let mut changes = update.changes.iter();
    primary.habits.has(Habit::RefusesCds)
        && changes.any(|change| matches!(change, Change::Add(set) if is_foreign(set)))
}

/// Before a version is made: what the signer adds and takes away by itself.
pub fn settle(primary: &mut Primary) {
    let habits = primary.habits.clone();
    if habits.has(Habit::OwnCds) {
        for own in own_signals(primary) {
            let present = primary.contents.get(&own.name, own.rtype).cloned();
            let mut whole = present.unwrap_or_else(|| own.clone());
            whole.data.extend(own.data);
            primary.contents.put(whole);
        }
    }
    if habits.has(Habit::OmitsCdnskey) {
        let apex = primary.zone().clone();
        primary.contents.remove(&apex, RecordType::CDNSKEY);
    }
    if habits.has(Habit::CapsTtl) {
        let sets = primary.contents.sets_mut();
        sets.for_each(|set| set.ttl = habits.ttl(set.ttl));
        if let Some(signing) = &mut primary.signing {
            signing.dnskey_ttl = habits.ttl(signing.dnskey_ttl);
        }
    }
}

/// CDS and CDNSKEY of the signer's own keys.
fn own_signals(primary: &Primary) -> [RrSet; 2] {
    let (apex, keys) = (primary.zone().clone(), ksks(primary));
    let ds = keys.iter().filter_map(|key| key.ds(&apex, DIGEST_SHA256));
    let ds: Vec<Rdata> = ds.map(|ds| Ds::to_rdata(&ds)).collect();
    let ttl = primary.habits.ttl_cap;
    [
        RrSet::new(apex.clone(), RecordType::CDS, ttl, ds),
        RrSet::new(
            apex,
            RecordType::CDNSKEY,
            ttl,
            keys.iter().map(Dnskey::to_rdata),
        ),
    ]
}
