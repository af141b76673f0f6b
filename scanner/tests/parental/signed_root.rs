//! A root that holds every name itself, signed: where signalling names stand securely.

use std::time::Duration;

use counterpoint_dns::{
    key::SigningKey,
    message::{Message, Question, records, signature_record},
    name::{Name, RecordType},
    rdata::{Ds, Nsec, Rdata, Soa},
    rrset::{RrSet, SignedRrSet},
    signature::Rrsig,
};

use crate::kit::*;

/// What it serves, besides its own SOA and DNSKEY.
#[derive(Clone, Debug, Default)]
pub struct SignedRoot {
    pub sets: Vec<RrSet>,
}

impl SignedRoot {
    fn key() -> SigningKey {
        key("root")
    }

    /// What a resolver trusts.
    pub fn trust_anchor() -> Vec<Ds> {
        let ds = Self::key().public().ds(&name("."), 2);
        vec![ds.unwrap()]
    }

    fn sign(set: RrSet) -> SignedRrSet {
        let month = Duration::from_secs(30 * 86_400);
        let rrsig = Rrsig::sign(
            &set,
            &Self::key(),
            &name("."),
            NOW.before(month),
            NOW + month,
        );
        SignedRrSet {
            set,
            signatures: vec![rrsig],
        }
    }

    /// Fills in the answer: the RRset, or the proof that there is none.
    pub fn respond(&self, question: &Question, answer: &mut Message) {
        let root = name(".");
        let put = |section: &mut Vec<_>, set: RrSet| {
            let signed = Self::sign(set);
            section.extend(records(&signed.set));
            let signatures = signed.signatures.iter();
            section.extend(signatures.map(|rrsig| signature_record(&signed.set, rrsig)));
        };
        let dnskey = [Self::key().public().to_rdata()];
        let dnskey = RrSet::new(root.clone(), RecordType::DNSKEY, 300, dnskey);
        let mut sets = self.sets.iter().chain([&dnskey]);
        let found = sets.find(|set| set.name == question.name && set.rtype == question.rtype);
        if let Some(set) = found {
            return put(&mut answer.answers, set.clone());
        }
        let soa = Soa {
            mname: root.clone(),
            rname: root.clone(),
            serial: 1,
            refresh: 1,
            retry: 1,
            expire: 1,
            minimum: 3_600,
        };
        let soa = RrSet::new(root.clone(), RecordType::SOA, 3_600, [soa.to_rdata()]);
        put(&mut answer.authorities, soa);
        // The name is there, and has nothing of the kind.
        let at = |set: &&RrSet| set.name == question.name;
        let mut types: Vec<RecordType> = self.sets.iter().filter(at).map(|set| set.rtype).collect();
        types.extend([RecordType::NSEC, RecordType::RRSIG]);
        let next = question.name.prepend_label("0").unwrap_or(root);
        let nsec = Nsec { next, types }.to_rdata();
        let nsec = RrSet::new(question.name.clone(), RecordType::NSEC, 3_600, [nsec]);
        put(&mut answer.authorities, nsec);
    }

    /// From now on these data stand at that name.
    pub fn serve(&mut self, owner: &Name, rtype: RecordType, data: &[Rdata]) {
        let set = RrSet::new(owner.clone(), rtype, 3_600, data.iter().cloned());
        self.sets.push(set);
    }
}
