//! What was last accepted from each server of a child (K-09, C-11), and how long it counts.
//!
//! A guard lives as long as its server is in the delegation. A signer that leaves and joins again may
//! begin a new zone with a low serial; held against it for ever, the old one would keep it out.
//!
//! What that could give an attacker is one replay: of a CDS or CSYNC that the server published before
//! it left, as long as its signature holds. For that the server must be in the delegation again, and
//! this takes a change of the NS RRset that was itself validated, or made by the parent's own hand.
//! Servers that stayed keep their guards, and all have to say the same (X-08, X-13). Departure is read
//! from the parent's data only: whoever makes addresses unfindable, or servers silent, ends no guard.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use counterpoint_dns::name::Name;
use serde::{Deserialize, Serialize};

/// What was last accepted from one server (K-09, C-11).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guard {
    /// The nameserver names of the delegation that lead, or led, to it.
    #[serde(with = "names", skip_serializing_if = "BTreeSet::is_empty")]
    pub hosts: BTreeSet<Name>,
    /// Inception of the signature on the CDS RRset.
    pub cds: Option<u32>,
    /// Inception of the signature on the CDNSKEY RRset.
    pub cdnskey: Option<u32>,
    /// Serial by which the last CSYNC was processed: the SOA's, or the CSYNC's own.
    pub csync: Option<u32>,
    /// The serial of the SOA that stood beside it.
    pub soa: Option<u32>,
}

/// The guards of one child, by server.
pub type Guards = BTreeMap<SocketAddr, Guard>;

impl Guard {
    /// Takes what is newer from `other`.
    pub(super) fn merge(&mut self, other: &Self) {
        self.hosts.extend(other.hosts.iter().cloned());
        self.cds = other.cds.or(self.cds);
        self.cdnskey = other.cdnskey.or(self.cdnskey);
        self.csync = other.csync.or(self.csync);
        self.soa = other.soa.or(self.soa);
    }
}

/// Forgets the servers that have left the delegation: no name that leads or led to them is among
/// `hosts`, its nameserver names at the parent. `found` are the servers found under these now.
pub(super) fn forget_departed<'a>(
    guards: &mut Guards,
    hosts: &BTreeSet<Name>,
    found: impl IntoIterator<Item = (SocketAddr, &'a BTreeSet<Name>)>,
) {
    // A server that is only named differently has not left.
    for (server, names) in found {
        if let Some(guard) = guards.get_mut(&server) {
            guard.hosts.extend(names.iter().cloned());
        }
    }
    guards.retain(|_, guard| {
        guard.hosts.retain(|host| hosts.contains(host));
        !guard.hosts.is_empty()
    });
}

/// Names as text that [`parse_name`] reads back, whatever octets are in them.
///
/// [`parse_name`]: counterpoint_dns::name::parse_name
mod names {
    use std::{collections::BTreeSet, fmt::Write as _};

    use counterpoint_dns::name::{Name, parse_name};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(
        names: &BTreeSet<Name>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(names.iter().map(text))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeSet<Name>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let names = texts.iter().map(|text| parse_name(text));
        names.collect::<Result<_, _>>().map_err(D::Error::custom)
    }

    fn text(name: &Name) -> String {
        let mut text = String::new();
        for label in name.iter() {
            for octet in label {
                match octet {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => {
                        text.push(char::from(*octet));
                    }
                    // Writing to a string cannot fail.
                    other => {
                        let _ = write!(text, "\\{other:03}");
                    }
                }
            }
            text.push('.');
        }
        match text.is_empty() {
            true => ".".into(),
            false => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use counterpoint_dns::name::parse_name;

    use super::*;

    fn names(texts: &[&str]) -> BTreeSet<Name> {
        texts.iter().map(|text| parse_name(text).unwrap()).collect()
    }

    fn server(last: u8) -> SocketAddr {
        ([192, 0, 2, last], 53).into()
    }

    fn guard(hosts: &[&str]) -> Guard {
        Guard {
            hosts: names(hosts),
            csync: Some(7),
            ..Guard::default()
        }
    }

    /// Which servers still have a guard, by the last octet of their addresses.
    fn left(guards: &Guards) -> Vec<u8> {
        let known = (0..=255).filter(|last| guards.contains_key(&server(*last)));
        known.collect()
    }

    #[test]
    fn a_guard_ends_when_no_name_of_its_server_is_in_the_delegation() {
        let mut guards: Guards = [
            (server(1), guard(&["ns1.test."])),
            (server(2), guard(&["ns2.test.", "other.test."])),
            (server(3), guard(&["ns3.test."])),
        ]
        .into();
        let (one, two) = (names(&["ns1.test."]), names(&["ns2.test."]));
        let found = [(server(1), &one), (server(2), &two)];
        forget_departed(&mut guards, &names(&["ns1.test.", "ns2.test."]), found);
        assert_eq!(left(&guards), [1, 2]);
        assert_eq!(guards[&server(2)], guard(&["ns2.test."]), "as it is now");
    }

    #[test]
    fn a_server_that_cannot_be_found_or_is_renamed_has_not_left() {
        let before: Guards = [(server(1), guard(&["ns1.test."]))].into();
        let mut guards = before.clone();
        forget_departed(&mut guards, &names(&["ns1.test."]), []);
        assert_eq!(guards, before, "no address was found");
        let new = names(&["new.test."]);
        forget_departed(&mut guards, &new, [(server(1), &new)]);
        assert_eq!(guards[&server(1)], guard(&["new.test."]));
        forget_departed(&mut guards, &names(&["ns1.test."]), []);
        assert!(guards.is_empty(), "by then its old name is another's");
    }

    #[test]
    fn names_survive_their_text_whatever_is_in_them() {
        let odd = Name::from_labels([&b"\xff.\\\0 \""[..], b"test"]).unwrap();
        let mut written = guard(&["ns1.test.", "."]);
        written.hosts.insert(odd);
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<Guard>(&text).unwrap(), written);
        let plain = guard(&["ns1.test."]);
        let text = serde_json::to_string(&plain).unwrap();
        assert!(text.contains(r#""hosts":["ns1.test."]"#), "{text}");
    }
}
