//! How much one RRset of an answer may hold before nobody goes on to validate it.
//!
//! Owns the counts only. They stop answers whose validation would cost far more than they cost to
//! send: every signature may have to be tried with every key of its tag, and whoever publishes both
//! chooses both (KeyTrap, CVE-2023-50387).

use std::collections::BTreeMap;

use super::Reply;
use crate::{
    key::Dnskey,
    name::RecordType,
    rrset::{RrSet, SignedRrSet},
};

/// The most that one RRset may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bounds {
    /// Records.
    pub records_max: u32,
    /// Signatures.
    pub signatures_max: u32,
    /// Keys of one algorithm that share a tag.
    pub same_tag_max: u32,
}

impl Bounds {
    /// Anything goes: for resolvers that are played as they are.
    pub const NONE: Self = Self {
        records_max: u32::MAX,
        signatures_max: u32::MAX,
        same_tag_max: u32::MAX,
    };

    /// What is too much in an answer, if anything is: the first RRset that is beyond a bound.
    pub fn excess(&self, reply: &Reply) -> Option<String> {
        let sections = [&reply.answer, &reply.authority, &reply.additional];
        let mut sets = sections.into_iter().flatten();
        sets.find_map(|signed| self.excess_of(signed))
    }

    fn excess_of(&self, SignedRrSet { set, signatures }: &SignedRrSet) -> Option<String> {
        let is_beyond = |count: usize, most: u32| count as u64 > u64::from(most);
        let (records_max, signatures_max) = (self.records_max, self.signatures_max);
        let place = || format!("{} {}", set.name, set.rtype);
        let (records, signatures) = (set.data.len(), signatures.len());
        if is_beyond(records, records_max) {
            let place = place();
            return Some(format!(
                "{place}: {records} records, and {records_max} may be"
            ));
        }
        if is_beyond(signatures, signatures_max) {
            let place = place();
            let most = signatures_max;
            return Some(format!(
                "{place}: {signatures} signatures, and {most} may be"
            ));
        }
        let (tag, alike) = most_alike(set)?;
        let most = self.same_tag_max;
        is_beyond(alike, most)
            .then(|| format!("{}: {alike} keys of tag {tag}, and {most} may be", place()))
    }
}

/// The tag that most keys of one algorithm share, and how many do; nothing of other types.
fn most_alike(set: &RrSet) -> Option<(u16, usize)> {
    if set.rtype != RecordType::DNSKEY && set.rtype != RecordType::CDNSKEY {
        return None;
    }
    let mut alike: BTreeMap<(u8, u16), usize> = BTreeMap::new();
    for key in set.data.iter().filter_map(Dnskey::parse) {
        *alike.entry((key.algorithm, key.tag())).or_default() += 1;
    }
    let most = alike.into_iter().max_by_key(|(_, count)| *count);
    most.map(|((_, tag), count)| (tag, count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        message::{Question, ResponseCode},
        name::{Name, parse_name},
        rdata::Rdata,
        signature::Rrsig,
    };

    const BOUNDS: Bounds = Bounds {
        records_max: 6,
        signatures_max: 2,
        same_tag_max: 2,
    };

    fn apex() -> Name {
        parse_name("example.test.").unwrap()
    }

    /// Keys whose octets are moved about: the tag is a sum of pairs, and stays the same.
    fn alike(count: u8) -> Vec<Rdata> {
        let key = |at: u8| {
            let mut public = [0; 32];
            public[usize::from(at) * 2] = 7;
            Rdata::from_octets([&[1, 0, 3, 15][..], &public].concat())
        };
        (0..count).map(key).collect()
    }

    fn reply(rtype: RecordType, data: Vec<Rdata>, signatures: usize) -> Reply {
        let set = RrSet::new(apex(), rtype, 60, data);
        let rrsig = Rrsig {
            covered: rtype,
            algorithm: 15,
            labels: 2,
            original_ttl: 60,
            expiration: 0,
            inception: 0,
            tag: 1,
            signer: apex(),
            signature: [0; 64].into(),
        };
        Reply {
            id: 1,
            rcode: ResponseCode::NoError,
            authoritative: true,
            truncated: false,
            question: Some(Question::new(apex(), rtype)),
            answer: Vec::new(),
            authority: Vec::new(),
            additional: vec![SignedRrSet {
                set,
                signatures: vec![rrsig; signatures],
            }],
        }
    }

    #[test]
    fn each_bound_holds_at_its_number_and_not_one_below() {
        let plain = |count: u8| (0..count).map(|at| Rdata::from_octets([at])).collect();
        let cases = [
            (RecordType::CDS, plain(6), 0, None),
            (
                RecordType::CDS,
                plain(7),
                0,
                Some("7 records, and 6 may be"),
            ),
            (RecordType::CDS, plain(1), 2, None),
            (
                RecordType::CDS,
                plain(1),
                3,
                Some("3 signatures, and 2 may be"),
            ),
            (RecordType::DNSKEY, alike(2), 1, None),
            (RecordType::DNSKEY, alike(3), 1, Some("3 keys of tag")),
            (RecordType::CDNSKEY, alike(3), 1, Some("3 keys of tag")),
            (RecordType::TXT, alike(3), 1, None),
        ];
        for (rtype, data, signatures, expected) in cases {
            let reply = reply(rtype, data, signatures);
            let found = BOUNDS.excess(&reply);
            assert_eq!(found.is_some(), expected.is_some(), "{found:?}");
            if let (Some(found), Some(expected)) = (&found, expected) {
                assert!(found.contains(expected), "{found}");
            }
            assert_eq!(Bounds::NONE.excess(&reply), None);
        }
    }
}
