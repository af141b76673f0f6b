//! `[[signer]]` and `[[group]]`.

use std::time::Duration;

use counterpoint_dns::{
    name::{Name, parse_name},
    pace::Rate,
};

use super::{
    parent::{Algorithm, Denial},
    setting::{Setting, integer, names, settings},
    time::{Range, Skew, Ttl, days, seconds},
};
use crate::load::{reader::Field, tree::Value};

names! {
    /// How the controller writes to a signer.
    pub enum Interface {
        /// RFC 2136 with TSIG.
        Ddns = "ddns",
        Desec = "desec",
        /// Signed RRsets are pushed (model 1).
        SignedRrset = "signed-rrset",
        None = "none",
    }
}

names! {
    /// Which keys a signer has.
    pub enum KeyLayout {
        KskZsk = "ksk-zsk",
        Csk = "csk",
    }
}

names! {
    /// A habit of real signers that the world imitates.
    pub enum Quirk {
        DropsForeignDnskey = "drops-foreign-dnskey",
        DropsForeignKsk = "drops-foreign-ksk",
        CapsTtl = "caps-ttl",
        OmitsCdnskey = "omits-cdnskey",
        RefusesCds = "refuses-cds",
        OwnCds = "own-cds",
        CdsKskOnly = "cds-ksk-only",
        KeyTagTwin = "key-tag-twin",
        OneTtl = "one-ttl",
        /// Its web interface knows another token than the controller.
        OtherToken = "other-token",
    }
}

impl Setting for Rate {
    fn read(field: &Field<'_>) -> Option<Self> {
        let expected = "a rate as \"15/min\": a count, and `s`, `min`, `h` or `day`";
        let text = field.text(expected)?;
        Self::parse(text).or_else(|| {
            field.fail("bad-rate", "this is no rate", |d| {
                d.expected(format!("expected {expected}"))
            })
        })
    }

    fn print(&self) -> Option<String> {
        Some(format!("\"{self}\""))
    }
}

/// The nameservers of a signer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Servers {
    /// So many, named `ns1`, `ns2`, … under `names-in`.
    Count(u32),
    /// Exactly these.
    Names(Vec<Name>),
}

impl Servers {
    /// How many.
    pub fn count(&self) -> usize {
        match self {
            Self::Count(count) => *count as usize,
            Self::Names(names) => names.len(),
        }
    }
}

impl Setting for Servers {
    fn read(field: &Field<'_>) -> Option<Self> {
        match &field.node.value {
            Value::List(_) => Vec::read(field).map(Self::Names),
            _ => integer(field, "a number of servers, or a list of their names").map(Self::Count),
        }
    }

    fn print(&self) -> Option<String> {
        match self {
            Self::Count(count) => count.print(),
            Self::Names(names) => names.print(),
        }
    }
}

/// Where the names of a signer's nameservers live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamesIn {
    /// In this child of the parent, with glue.
    Domain(Name),
    /// Inside each served zone.
    Zone,
}

impl Setting for NamesIn {
    fn read(field: &Field<'_>) -> Option<Self> {
        match field.node.text() {
            Some("zone") => Some(Self::Zone),
            _ => Name::read(field).map(Self::Domain),
        }
    }

    fn print(&self) -> Option<String> {
        match self {
            Self::Domain(name) => name.print(),
            Self::Zone => Some("\"zone\"".into()),
        }
    }

    fn words() -> Vec<&'static str> {
        vec!["zone"]
    }
}

settings! {
    /// The parameters of NSEC3.
    pub struct Nsec3 {
        /// Extra iterations.
        iterations "iterations": u32 = 0,
        /// Salt, in hexadecimal.
        salt "salt": String = String::new(),
    }
}

impl Nsec3 {
    /// The salt as it is hashed, at most 255 octets; none: it is none.
    pub fn octets(&self) -> Option<Vec<u8>> {
        let digit = |digit: &u8| char::from(*digit).to_digit(16);
        let pairs = self.salt.as_bytes().chunks(2);
        let octets = pairs.map(|pair| match pair {
            [high, low] => Some((digit(high)? << 4 | digit(low)?) as u8),
            _ => None,
        });
        let octets: Vec<u8> = octets.collect::<Option<_>>()?;
        (octets.len() <= 255).then_some(octets)
    }
}

settings! {
    /// The machine that holds the keys.
    pub struct Hsm {
        /// How long a signature takes.
        latency "latency": Duration = seconds(0),
    }
}

settings! {
    /// `[[signer]]`: one of those that sign and serve.
    pub struct Signer {
        /// What it is called: one label.
        name "name": String = String::new(),
        /// Its instances.
        servers "servers": Servers = Servers::Count(2),
        /// Where their names live; none: in a domain named after the signer, below the parent.
        names_in "names-in": Option<NamesIn> = None,
        /// Whether that domain is signed, with a DS, and takes its updates: signalling names lie there.
        signal "signal": bool = false,
        /// How the controller writes to it.
        interface "interface": Interface = Interface::Ddns,
        /// How often its web interface takes a change of a zone; none: as deSEC publishes. The controller
        /// believes what deSEC publishes.
        limits "limits": Vec<Rate> = Vec::new(),
        /// Which keys it has.
        keys "keys": KeyLayout = KeyLayout::KskZsk,
        /// What it signs with.
        algorithm "algorithm": Algorithm = Algorithm::Ed25519,
        /// How it denies.
        denial "denial": Denial = Denial::Nsec,
        /// With which parameters, if by NSEC3.
        nsec3 "nsec3": Nsec3 = Nsec3::default(),
        /// TTL of its DNSKEY RRset.
        dnskey_ttl "dnskey-ttl": Ttl = Ttl::from_seconds(3_600),
        /// TTL of its NS RRset.
        ns_ttl "ns-ttl": Ttl = Ttl::from_seconds(86_400),
        /// TTL of what has no other.
        default_ttl "default-ttl": Ttl = Ttl::from_seconds(3_600),
        /// The greatest TTL, as the controller is told.
        max_ttl "max-ttl": Ttl = Ttl::from_seconds(86_400),
        /// TTL of negative answers.
        negative_ttl "negative-ttl": Ttl = Ttl::from_seconds(900),
        /// How long its signatures hold.
        signature_validity "signature-validity": Duration = days(14),
        /// How long before their end it makes new ones.
        resign_before "resign-before": Duration = days(3),
        /// Signatures made at once expire up to this much earlier, each at a time of its own.
        resign_jitter "resign-jitter": Duration = seconds(0),
        /// From the primary to each instance; drawn per change and instance.
        propagation "propagation": Range = Range::new(seconds(0), seconds(10)),
        /// How far its clock is ahead.
        clock_skew "clock-skew": Skew = Skew::default(),
        /// Its habits.
        quirks "quirks": Vec<Quirk> = Vec::new(),
        /// The machine that holds its keys.
        hsm "hsm": Hsm = Hsm::default(),
    }
}

impl Signer {
    /// A signer of this name, all else by default.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// The labels of its first keys: `ksk-1` and `zsk-1`, or `csk-1`.
    pub fn first_labels(&self) -> &'static [&'static str] {
        match self.keys {
            KeyLayout::KskZsk => &["ksk-1", "zsk-1"],
            KeyLayout::Csk => &["csk-1"],
        }
    }

    /// The domain that holds the names of its servers when it serves `zone` below `parent`.
    pub fn domain(&self, parent: &Name, zone: &Name) -> Name {
        match &self.names_in {
            Some(NamesIn::Domain(name)) => name.clone(),
            // The signer's own label keeps the names of several signers apart.
            Some(NamesIn::Zone) => below(&self.name, zone),
            None => below(&self.name, parent),
        }
    }

    /// The names of its servers, in the order of their numbers.
    pub fn server_names(&self, parent: &Name, zone: &Name) -> Vec<Name> {
        match &self.servers {
            Servers::Names(names) => names.clone(),
            Servers::Count(count) => {
                let domain = self.domain(parent, zone);
                let name = |number| below(&format!("ns{number}"), &domain);
                (1..=*count).map(name).collect()
            }
        }
    }
}

/// `label` below `domain`; the domain itself if that is no name (which the loader refuses).
fn below(label: &str, domain: &Name) -> Name {
    let text = match domain.is_root() {
        true => format!("{label}."),
        false => format!("{label}.{}", domain),
    };
    parse_name(&text).unwrap_or_else(|_| domain.clone())
}

settings! {
    /// `[[group]]`: signers that several zones share.
    pub struct Group {
        /// What it is called.
        name "name": String = String::new(),
        /// Its signers at the start.
        signers "signers": Vec<String> = Vec::new(),
    }
}
