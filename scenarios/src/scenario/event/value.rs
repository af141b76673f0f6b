//! The values that events have in their fields.

use counterpoint_dns::{key, name::RecordType, rdata::Csync};

use crate::{
    diagnostic::nearest,
    load::{reader::Field, tree::Value},
    scenario::setting::{Setting, integer, names, quote},
};

names! {
    /// The kinds of keys.
    pub enum KeyKind {
        Zsk = "zsk",
        Ksk = "ksk",
        Csk = "csk",
    }
}

names! {
    /// What a NOTIFY to the parent is about (RFC 9859 §4): CDS stands for CDNSKEY as well.
    pub enum Notified {
        Cds = "CDS",
        Csync = "CSYNC",
    }
}

names! {
    /// The types that ask the parent for a DS.
    pub enum CdsType {
        Cds = "CDS",
        Cdnskey = "CDNSKEY",
    }
}

names! {
    /// The digests of DS and CDS.
    pub enum Digest {
        Sha256 = "sha256",
        Sha384 = "sha384",
    }
}

impl Digest {
    /// The number in the IANA registry.
    pub const fn number(self) -> u8 {
        match self {
            Self::Sha256 => key::DIGEST_SHA256,
            Self::Sha384 => key::DIGEST_SHA384,
        }
    }
}

/// Which keys of a signer are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    /// Every own key of a kind.
    Kind(KeyKind),
    /// Every own key.
    All,
    /// The one with this label.
    Label(String),
}

impl Setting for Keys {
    fn read(field: &Field<'_>) -> Option<Self> {
        let text = field.text("a kind (`zsk`, `ksk`, `csk`, `all`) or a label")?;
        Some(match KeyKind::from_name(text) {
            Some(kind) => Self::Kind(kind),
            None if text == "all" => Self::All,
            None => Self::Label(text.into()),
        })
    }

    fn print(&self) -> Option<String> {
        match self {
            Self::Kind(kind) => kind.print(),
            Self::All => Some("\"all\"".into()),
            Self::Label(label) => label.print(),
        }
    }

    fn words() -> Vec<&'static str> {
        let mut words = KeyKind::words();
        words.push("all");
        words
    }
}

/// The flags of a CSYNC record: a number, or a list of `immediate` and `soaminimum`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsyncFlags(pub u16);

impl Default for CsyncFlags {
    fn default() -> Self {
        Self(Csync::IMMEDIATE | Csync::SOA_MINIMUM)
    }
}

names! {
    /// A flag of a CSYNC record by name.
    enum CsyncFlag {
        Immediate = "immediate",
        SoaMinimum = "soaminimum",
    }
}

impl Setting for CsyncFlags {
    fn read(field: &Field<'_>) -> Option<Self> {
        let expected = "a number, or a list of `immediate` and `soaminimum`";
        match &field.node.value {
            Value::List(_) => {
                let flags = Vec::<CsyncFlag>::read(field)?;
                let bits = flags.iter().map(|flag| match flag {
                    CsyncFlag::Immediate => Csync::IMMEDIATE,
                    CsyncFlag::SoaMinimum => Csync::SOA_MINIMUM,
                });
                Some(Self(bits.fold(0, |all, bit| all | bit)))
            }
            _ => integer(field, expected).map(Self),
        }
    }

    fn print(&self) -> Option<String> {
        Some(self.0.to_string())
    }

    fn words() -> Vec<&'static str> {
        CsyncFlag::words()
    }
}

impl Setting for RecordType {
    fn read(field: &Field<'_>) -> Option<Self> {
        const USUAL: [&str; 17] = [
            "A",
            "AAAA",
            "CDNSKEY",
            "CDS",
            "CNAME",
            "CSYNC",
            "DNSKEY",
            "DS",
            "MX",
            "NS",
            "NSEC",
            "NSEC3",
            "NSEC3PARAM",
            "PTR",
            "SOA",
            "SRV",
            "TXT",
        ];
        let text = field.text("a record type as \"DNSKEY\"")?;
        match parse_type(text) {
            Some(rtype) => Some(rtype),
            None => {
                field.fail(
                    "unknown-name",
                    format!("there is no type `{text}`"),
                    |d| match nearest(text, USUAL) {
                        Some(near) => d
                            .expected("no such record type")
                            .suggest(format!("did you mean `{near}`?")),
                        None => d.expected("expected a record type as \"DNSKEY\""),
                    },
                )
            }
        }
    }

    fn print(&self) -> Option<String> {
        Some(quote(&print_type(*self)))
    }
}

/// Parses a record type by mnemonic, or by number as `TYPE65280` (RFC 3597 §5).
pub fn parse_type(text: &str) -> Option<RecordType> {
    let text = text.to_ascii_uppercase();
    match text.strip_prefix("TYPE") {
        Some(number) => number.parse::<u16>().ok().map(RecordType::from),
        None => text.parse().ok(),
    }
}

/// Prints a record type so that [`parse_type`] reads it.
pub fn print_type(rtype: RecordType) -> String {
    let text = rtype.to_string();
    match parse_type(&text) == Some(rtype) {
        true => text,
        false => format!("TYPE{}", u16::from(rtype)),
    }
}
