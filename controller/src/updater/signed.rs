//! RRsets that the owner of a zone signed, pushed with their signatures (RFC 8901 §2.1.1, model 1).
//!
//! Dynamic update as every other: the signer has no KSK, serves what it is given, and signs all else.
//! A push has the whole RRset, for a signature is good for nothing less.

use counterpoint_dns::{
    name::{Name, RecordType},
    rrset::RrSet,
    time::Timestamp,
    update::{self, Update},
};

use super::{Answer, Change, Ddns, Next, Receipt, Request, Updater};
use crate::config::DdnsAccess;

/// Dynamic update of what comes with its signatures.
pub(crate) struct Signed(Ddns);

impl Signed {
    /// The updater of this signer.
    pub(crate) fn new(access: &DdnsAccess) -> Self {
        Self(Ddns::new(access))
    }

    fn update(zone: &Name, change: &Change) -> Update {
        let mut update = Ddns::update(zone, change);
        let rrsigs = change.signatures.values().map(|rrsig| rrsig.to_rdata());
        if !change.signatures.is_empty() {
            let wanted = &change.wanted;
            if wanted.rtype == RecordType::DNSKEY {
                // What is there already may be said again: the whole RRset, as it was signed.
                update
                    .changes
                    .retain(|change| matches!(change, update::Change::Remove(_)));
                update.changes.push(update::Change::Add(wanted.clone()));
            }
            let set = RrSet::new(wanted.name.clone(), RecordType::RRSIG, wanted.ttl, rrsigs);
            update.changes.push(update::Change::Add(set));
        }
        update
    }
}

impl Updater for Signed {
    fn request(&self, zone: &Name, changes: &[Change], id: u16, now: Timestamp) -> Request {
        let updates = changes.iter().map(|change| Self::update(zone, change));
        self.0.send(zone, updates, id, now)
    }

    fn next(&self, zone: &Name, receipt: &Receipt, answer: &Answer<'_>, now: Timestamp) -> Next {
        self.0.next(zone, receipt, answer, now)
    }
}
