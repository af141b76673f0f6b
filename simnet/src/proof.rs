//! Which records prove that something is not there: NSEC (RFC 4035 §3.1.3), NSEC3 (RFC 5155 §7.2), and
//! those of compact denial (RFC 9824), which are made and signed for the one who asks.
//!
//! Knows one version of a zone. A zone that is not signed proves nothing, and each answer here is empty.

use std::rc::Rc;

use counterpoint_dns::{
    name::{Name, RecordType},
    rdata::{Nsec, Soa},
    rrset::RrSet,
};

use crate::{
    denial::{Denial, Hashing},
    published::{Published, Served},
};

/// NXNAME (RFC 9824 §3.1): the name does not exist.
const NXNAME: u16 = 128;

/// Records, some of which may not be there.
type Proof = Vec<Option<Rc<Served>>>;

impl Published {
    /// The name is there, or something below it, and has no such type.
    pub(crate) fn proves_no_type(&self, name: &Name) -> Proof {
        match &self.denial {
            Denial::Nsec => match self.get(name, RecordType::NSEC) {
                Some(nsec) => vec![Some(Rc::clone(nsec))],
                None => vec![self.covering(name)],
            },
            // Where opting out leaves a name without record, its closest encloser has one.
            Denial::Nsec3(hashing) => match self.hashed(hashing, name) {
                Some(nsec3) => vec![Some(nsec3)],
                None => self.enclosed(hashing, name),
            },
            Denial::Compact => vec![self.made(name, self.types_at(name))],
        }
    }

    /// Neither the name is there nor the wildcard below its closest encloser.
    pub(crate) fn proves_no_name(&self, name: &Name, wildcard: &Name) -> Proof {
        match &self.denial {
            Denial::Nsec => vec![self.covering(name), self.covering(wildcard)],
            Denial::Nsec3(hashing) => {
                let mut proof = self.enclosed(hashing, name);
                proof.push(self.covering_hash(hashing, wildcard));
                proof
            }
            Denial::Compact => vec![self.made(name, vec![RecordType::from(NXNAME)])],
        }
    }

    /// The name is not there, and the wildcard that stands for it has no such type.
    pub(crate) fn proves_no_type_at(&self, wildcard: &Name, name: &Name) -> Proof {
        match &self.denial {
            Denial::Nsec => vec![
                self.covering(name),
                self.get(wildcard, RecordType::NSEC).cloned(),
            ],
            Denial::Nsec3(hashing) => {
                let mut proof = self.enclosed(hashing, name);
                proof.push(self.hashed(hashing, wildcard));
                proof
            }
            Denial::Compact => vec![self.made(name, self.types_at(wildcard))],
        }
    }

    /// Nothing closer to the name is there than the wildcard below `encloser`.
    pub(crate) fn proves_expansion(&self, name: &Name, encloser: &Name) -> Proof {
        match &self.denial {
            Denial::Nsec => vec![self.covering(name)],
            Denial::Nsec3(hashing) => {
                let next_closer = name.trim_to(encloser.iter().count() + 1);
                vec![self.covering_hash(hashing, &next_closer)]
            }
            // The answer was made and signed for the name itself (RFC 9824 §3.3).
            Denial::Compact => Vec::new(),
        }
    }

    /// The DS RRset of a delegation, or the record that says that there is none.
    pub(crate) fn ds_or_denial(&self, cut: &Name) -> Option<Rc<Served>> {
        let ds = self.get(cut, RecordType::DS).cloned();
        ds.or_else(|| self.proves_no_type(cut).into_iter().flatten().last())
    }

    /// What is signed for the question alone: `set` as if it had always been at that name.
    pub(crate) fn signed_at_once(&self, set: RrSet) -> Option<Rc<Served>> {
        let soa = self.apex(RecordType::SOA)?;
        let plans = soa.plans.clone();
        (!plans.is_empty())
            .then(|| Rc::new(Served::new(set, plans, self.zone.clone(), soa.counter())))
    }

    /// The NSEC of compact denial at `name` (RFC 9824 §3): its span is empty but for the name itself.
    fn made(&self, name: &Name, mut types: Vec<RecordType>) -> Option<Rc<Served>> {
        let soa = self.apex(RecordType::SOA)?;
        let minimum = Soa::parse(soa.set.data.first()?)?.minimum;
        types.extend([RecordType::NSEC, RecordType::RRSIG]);
        let next = name.prepend_label([0]).ok()?;
        let data = [Nsec { next, types }.to_rdata()];
        let ttl = minimum.min(soa.set.ttl);
        self.signed_at_once(RrSet::new(name.clone(), RecordType::NSEC, ttl, data))
    }

    /// The types at `name`: at a delegation those of the parent's side.
    fn types_at(&self, name: &Name) -> Vec<RecordType> {
        let is_cut = self.cut_above(name) == Some(name);
        let types = self
            .sets
            .get(name)
            .into_iter()
            .flat_map(|types| types.keys());
        let shown =
            |rtype: &&RecordType| !is_cut || matches!(**rtype, RecordType::NS | RecordType::DS);
        types.filter(shown).copied().collect()
    }

    /// The NSEC whose span holds `name`: the one of the last name before it that has one.
    fn covering(&self, name: &Name) -> Option<Rc<Served>> {
        self.last_before(name, RecordType::NSEC)
    }

    fn last_before(&self, name: &Name, rtype: RecordType) -> Option<Rc<Served>> {
        let mut before = self.sets.range(..name).rev();
        before.find_map(|(_, types)| types.get(&rtype).cloned())
    }

    /// The NSEC3 at the hash of `name`.
    fn hashed(&self, hashing: &Hashing, name: &Name) -> Option<Rc<Served>> {
        let owner = hashing.owner(name, &self.zone);
        self.get(&owner, RecordType::NSEC3).cloned()
    }

    /// The NSEC3 whose span holds the hash of `name`; the last points back to the first.
    fn covering_hash(&self, hashing: &Hashing, name: &Name) -> Option<Rc<Served>> {
        let owner = hashing.owner(name, &self.zone);
        self.last_before(&owner, RecordType::NSEC3).or_else(|| {
            let mut all = self.sets.values().rev();
            all.find_map(|types| types.get(&RecordType::NSEC3).cloned())
        })
    }

    /// The closest encloser proof (RFC 5155 §7.2.1): of the closest that has a record.
    fn enclosed(&self, hashing: &Hashing, name: &Name) -> Proof {
        let labels = self.zone.iter().count()..name.iter().count();
        let found = labels.rev().find_map(|count| {
            let record = self.hashed(hashing, &name.trim_to(count))?;
            Some((record, name.trim_to(count + 1)))
        });
        match found {
            Some((encloser, next)) => vec![Some(encloser), self.covering_hash(hashing, &next)],
            None => Vec::new(),
        }
    }
}
