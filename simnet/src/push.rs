//! A signer without a KSK takes what the zone's owner signed (RFC 8901 §2.1.1): DNSKEY, CDS and CDNSKEY
//! of the apex come by update with their RRSIGs, and are served as they came.
//!
//! Refuses an RRset that comes without a signature that is good for it, as a whole.

use std::collections::BTreeSet;

use counterpoint_dns::{
    key::Dnskey,
    name::RecordType,
    rdata::Rdata,
    rrset::RrSet,
    signature::{Rrsig, Verifier},
    time::Timestamp,
    update::{Change, Update},
};

use crate::{
    primary::{Primary, Pushed},
    published::Given,
    update::data_of,
};

/// The types that the owner signs.
pub const TYPES: [RecordType; 3] = [RecordType::DNSKEY, RecordType::CDS, RecordType::CDNSKEY];

/// What is pushed after `update`; `None`: it is refused.
pub fn judge(primary: &Primary, update: &Update, now: Timestamp) -> Option<Pushed> {
    let mut pushed = primary.pushed.clone().unwrap_or_default();
    // DNSKEY comes first in TYPES: its keys verify all three.
    for rtype in TYPES {
        let rrsigs = rrsigs(primary, update, rtype);
        let changes = update.changes.iter();
        let of_it = |change: &&Change| change.rtype() == rtype && change.name() == primary.zone();
        let changes: Vec<&Change> = changes.filter(of_it).collect();
        if changes.is_empty() && rrsigs.is_empty() {
            continue;
        }
        let mut set = present(primary, rtype);
        for change in changes {
            match change {
                Change::Add(added) => {
                    set.ttl = added.ttl;
                    set.data.extend(added.data.iter().cloned());
                }
                Change::Remove(removed) => set.data.retain(|data| !removed.data.contains(data)),
                Change::Clear(..) => set.data.clear(),
            }
        }
        if set.data.is_empty() && rtype != RecordType::DNSKEY {
            pushed.signatures.remove(&rtype);
            continue;
        }
        let keys = match (&pushed.keys, rtype) {
            (_, RecordType::DNSKEY) => &set.data,
            (Some(keys), _) => &keys.data,
            (None, _) => return None,
        };
        let given = given(&set, rrsigs, keys, now)?;
        pushed.signatures.insert(rtype, given);
        if rtype == RecordType::DNSKEY {
            pushed.keys = Some(set);
        }
    }
    Some(pushed)
}

fn present(primary: &Primary, rtype: RecordType) -> RrSet {
    let data = data_of(primary, primary.zone(), rtype);
    RrSet::new(primary.zone().clone(), rtype, 0, data)
}

/// The signatures over RRsets of this type that come with `update`.
fn rrsigs(primary: &Primary, update: &Update, rtype: RecordType) -> Vec<Rrsig> {
    let added = update.changes.iter().filter_map(|change| match change {
        Change::Add(set) if set.rtype == RecordType::RRSIG && set.name == *primary.zone() => {
            Some(&set.data)
        }
        _ => None,
    });
    let all = added.flatten().filter_map(Rrsig::parse);
    all.filter(|rrsig| rrsig.covered == rtype).collect()
}

/// These signatures, each with the key that made it; `None` if there are none, or one is no good.
fn given(
    set: &RrSet,
    rrsigs: Vec<Rrsig>,
    keys: &BTreeSet<Rdata>,
    now: Timestamp,
) -> Option<Vec<Given>> {
    let mut verifier = Verifier::default();
    let one = |rrsig: Rrsig| {
        let mut keys = keys.iter().filter_map(Dnskey::parse);
        let key = keys.find(|key| verifier.made_by(set, &rrsig, key))?;
        let (inception, expiration) = rrsig.validity(now);
        Some(Given {
            key,
            rrsig,
            inception,
            expiration,
        })
    };
    let given: Vec<Given> = rrsigs.into_iter().map(one).collect::<Option<_>>()?;
    (!given.is_empty()).then_some(given)
}
