//! Denial of existence by NSEC3 (RFC 5155 §8): what authenticated hashes of names prove.
//!
//! Owns the closest encloser proof; [`crate::nsec3`] has the records and their hashes. Its records are
//! authentic already; [`super::denial`] lets them in and speaks for both kinds of denial.

use super::denial::{Unproven, is_opaque, lacks_types, wildcard_of};
use crate::{
    message::Question,
    name::{Name, RecordType},
    nsec3::{HASH_OCTETS, ITERATIONS_MAX, Nsec3, SHA1, hash, hash_in},
};

/// The NSEC3 records of one answer, all of the same zone and the same parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashed {
    zone: Name,
    iterations: u16,
    salt: Vec<u8>,
    records: Vec<(Vec<u8>, Nsec3)>,
}

/// The closest encloser of a name and the record that covers the next closer name (RFC 5155 §8.3).
struct Enclosed<'a> {
    encloser: Name,
    next_closer: &'a Nsec3,
}

impl Hashed {
    /// Nothing of `zone` yet.
    pub fn of(zone: &Name) -> Self {
        Self {
            zone: zone.clone(),
            iterations: 0,
            salt: Vec::new(),
            records: Vec::new(),
        }
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Takes in an authentic record. Those with a hash algorithm or flags that nobody knows prove
    /// nothing and are passed over (RFC 5155 §8.1, §8.2).
    pub fn take(&mut self, owner: &Name, record: Nsec3) -> Result<(), Unproven> {
        if record.algorithm != SHA1 || record.flags & !Nsec3::OPT_OUT != 0 {
            return Ok(());
        }
        let malformed = || Unproven::Malformed(owner.clone());
        let hash = hash_in(owner, &self.zone).ok_or_else(malformed)?;
        if record.next.len() != HASH_OCTETS {
            return Err(malformed());
        }
        if record.iterations > ITERATIONS_MAX {
            return Err(Unproven::Iterations(record.iterations));
        }
        if self.is_empty() {
            self.iterations = record.iterations;
            self.salt = record.salt.clone();
        }
        // RFC 5155 §8.2: one set of parameters in one answer.
        if (self.iterations, &self.salt) != (record.iterations, &record.salt) {
            return Err(malformed());
        }
        self.records.push((hash, record));
        Ok(())
    }

    /// NODATA (RFC 5155 §8.5, §8.6, §8.7).
    pub fn no_data(&self, question: &Question) -> Result<(), Unproven> {
        let Question { name, rtype } = question;
        if let Some(record) = self.at(name) {
            return lacks_types(name, &record.types, *rtype, &self.zone);
        }
        let enclosed = self.enclosed(name)?;
        if *rtype == RecordType::DS && enclosed.next_closer.is_opt_out() {
            return Ok(());
        }
        let wildcard = wildcard_of(&enclosed.encloser);
        match self.at(&wildcard) {
            Some(record) => lacks_types(&wildcard, &record.types, *rtype, &self.zone),
            None => Err(Unproven::NotCovered(name.clone())),
        }
    }

    /// NXDOMAIN (RFC 5155 §8.4). Where the span is opted out, an unsigned delegation may be there
    /// (§9.2).
    pub fn no_name(&self, name: &Name) -> Result<(), Unproven> {
        let enclosed = self.enclosed(name)?;
        let wildcard = wildcard_of(&enclosed.encloser);
        if self.covering(&wildcard).is_none() {
            return Err(Unproven::WildcardPossible(wildcard));
        }
        match enclosed.next_closer.is_opt_out() {
            true => Err(Unproven::OptOut(name.clone())),
            false => Ok(()),
        }
    }

    /// A positive answer made from the wildcard of `labels` labels (RFC 5155 §8.8).
    pub fn expansion(&self, name: &Name, labels: u8) -> Result<(), Unproven> {
        let next_closer = name.trim_to(usize::from(labels) + 1);
        match self.covering(&next_closer) {
            Some(_) => Ok(()),
            None => Err(Unproven::NotCovered(next_closer)),
        }
    }

    /// "No DS at this delegation" (RFC 5155 §8.9): its own record says so, or its span is opted out.
    pub fn no_ds(&self, child: &Name) -> Result<(), Unproven> {
        let Some(record) = self.at(child) else {
            return match self.enclosed(child)?.next_closer.is_opt_out() {
                true => Ok(()),
                false => Err(Unproven::NotCovered(child.clone())),
            };
        };
        lacks_types(child, &record.types, RecordType::DS, &self.zone)?;
        match record.types.contains(&RecordType::NS) {
            true => Ok(()),
            false => Err(Unproven::NoDelegation(child.clone())),
        }
    }

    /// The closest encloser proof: the longest ancestor that is there, and a record that covers the
    /// name one label longer.
    fn enclosed(&self, name: &Name) -> Result<Enclosed<'_>, Unproven> {
        let labels = name.iter().count();
        for kept in (self.zone.iter().count()..labels).rev() {
            let encloser = name.trim_to(kept);
            let Some(record) = self.at(&encloser) else {
                continue;
            };
            // RFC 5155 §8.3.
            if is_opaque(&record.types) {
                return Err(Unproven::WrongSide(encloser));
            }
            let next_closer = name.trim_to(kept + 1);
            return match self.covering(&next_closer) {
                Some(next_closer) => Ok(Enclosed {
                    encloser,
                    next_closer,
                }),
                None => Err(Unproven::NotCovered(next_closer)),
            };
        }
        Err(Unproven::NotCovered(name.clone()))
    }

    /// The record at the hash of `name`.
    fn at(&self, name: &Name) -> Option<&Nsec3> {
        let hash = self.hash(name);
        let mut records = self.records.iter();
        records
            .find(|(owner, _)| *owner == hash)
            .map(|(_, record)| record)
    }

    /// The record whose span the hash of `name` lies in.
    fn covering(&self, name: &Name) -> Option<&Nsec3> {
        let hash = self.hash(name);
        let mut records = self.records.iter();
        let covering = records.find(|(owner, record)| record.covers(owner, &hash));
        covering.map(|(_, record)| record)
    }

    fn hash(&self, name: &Name) -> Vec<u8> {
        hash(name, self.iterations, &self.salt)
    }
}
