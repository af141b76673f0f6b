//! `[[fault]]`: what breaks, from when until when.

use std::{fmt, time::Duration};

use super::{
    language::Key,
    setting::{Setting, names, quote},
    time::{Range, Skew},
};
use crate::load::{
    reader::{Field, Reader},
    tree::Value,
};

/// Something that is broken for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Its position in the file, from 1.
    pub number: usize,
    /// First instant, from the start.
    pub from: Duration,
    /// First instant after; none: to the end.
    pub until: Option<Duration>,
    /// What is broken.
    pub kind: FaultKind,
    /// Where.
    pub target: Target,
}

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FaultKind {
    /// No answer.
    Dead,
    /// This share of the messages is lost.
    Loss(Rate),
    /// Messages take this much longer; drawn for each.
    Latency(Range),
    /// Nothing passes: neither questions nor, to an instance from its own primary, versions.
    Partition,
    /// Every question is answered with this code.
    Rcode(Rcode),
    /// Answers fit no datagram.
    Truncate,
    /// Datagrams overtake one another.
    Reorder,
    /// Datagrams arrive twice.
    Duplicate,
    /// A clock is off: by which signatures are made, or what is taken for now.
    ClockSkew(Skew),
    /// Answers are another's: unsigned, or wrongly signed.
    Forge,
    /// A server answers from the version that it had at `from`.
    Stale,
    /// A server answers from the version that it had at this offset, as one restored from a backup.
    Replay(Duration),
}

names! {
    /// The names of [`FaultKind`].
    enum KindName {
        Dead = "dead",
        Loss = "loss",
        Latency = "latency",
        Partition = "partition",
        Rcode = "rcode",
        Truncate = "truncate",
        Reorder = "reorder",
        Duplicate = "duplicate",
        ClockSkew = "clock-skew",
        Forge = "forge",
        Stale = "stale",
        Replay = "replay",
    }
}

impl FaultKind {
    /// The names of all.
    pub fn names() -> Vec<&'static str> {
        KindName::ALL.iter().map(|kind| kind.name()).collect()
    }

    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Loss(_) => "loss",
            Self::Latency(_) => "latency",
            Self::Partition => "partition",
            Self::Rcode(_) => "rcode",
            Self::Truncate => "truncate",
            Self::Reorder => "reorder",
            Self::Duplicate => "duplicate",
            Self::ClockSkew(_) => "clock-skew",
            Self::Forge => "forge",
            Self::Stale => "stale",
            Self::Replay(_) => "replay",
        }
    }
}

names! {
    /// A refusal that says nothing about the zone.
    pub enum Rcode {
        FormErr = "FORMERR",
        ServFail = "SERVFAIL",
        NotImp = "NOTIMP",
        Refused = "REFUSED",
        NotAuth = "NOTAUTH",
    }
}

/// A share, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate {
    /// 0 to 1,000,000.
    pub per_million: u32,
}

impl Setting for Rate {
    fn read(field: &Field<'_>) -> Option<Self> {
        let expected = "a share as 0.1 or \"10%\"";
        let share = match &field.node.value {
            Value::Float(share) => *share,
            Value::Integer(share @ 0..=1) => *share as f64,
            _ => {
                let text = field.text(expected)?;
                match text
                    .strip_suffix('%')
                    .map(|text| text.trim().parse::<f64>())
                {
                    Some(Ok(percent)) => percent / 100.0,
                    _ => return field.mismatch(expected),
                }
            }
        };
        if !(0.0..=1.0).contains(&share) {
            let message = format!("`{}` is not between none and all", field.key());
            return field.fail("bad-percentage", message, |d| {
                d.expected("expected a share from 0% to 100%")
            });
        }
        Some(Self {
            per_million: (share * 1e6).round() as u32,
        })
    }

    fn print(&self) -> Option<String> {
        Some(format!("\"{}%\"", f64::from(self.per_million) / 1e4))
    }
}

/// Where something is broken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// All instances of a signer.
    Signer(String),
    /// One instance of a signer, from 1.
    Instance(String, u32),
    /// All instances of the parent.
    Parent,
    /// One instance of the parent, from 1.
    ParentInstance(u32),
    /// The scanner.
    Scanner,
    /// The controller.
    Controller,
    /// The machine that holds the keys of all who share them.
    Hsm,
    /// A resolver.
    Resolver(String),
    /// Between these two.
    Between(Box<Target>, Box<Target>),
}

impl Target {
    /// Parses `alpha/ns1`, `parent/2`, `alpha`, `resolver/NAME`, `scanner`, `hsm`, or a pair `a <-> b`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some((a, b)) = text.split_once("<->") {
            let (a, b) = (Self::parse_one(a.trim())?, Self::parse_one(b.trim())?);
            return Some(Self::Between(Box::new(a), Box::new(b)));
        }
        Self::parse_one(text)
    }

    fn parse_one(text: &str) -> Option<Self> {
        let number = |digits: &str| digits.parse().ok().filter(|number| *number > 0);
        match text.split_once('/') {
            Some(("parent", digits)) => {
                number(digits.strip_prefix("ns").unwrap_or(digits)).map(Self::ParentInstance)
            }
            Some(("resolver", name)) => Some(Self::Resolver(name.into())),
            Some((signer, instance)) => number(instance.strip_prefix("ns").unwrap_or(instance))
                .map(|number| Self::Instance(signer.into(), number)),
            None => match text {
                "" => None,
                "parent" => Some(Self::Parent),
                "scanner" => Some(Self::Scanner),
                "controller" => Some(Self::Controller),
                "hsm" => Some(Self::Hsm),
                signer => Some(Self::Signer(signer.into())),
            },
        }
    }

    /// Whether it has a clock that anything depends on: an instance makes no signatures.
    pub fn has_clock(&self) -> bool {
        !matches!(
            self,
            Self::Instance(..) | Self::ParentInstance(_) | Self::Between(..)
        )
    }

    /// Whether it is servers, and servers only.
    pub fn is_server(&self) -> bool {
        matches!(
            self,
            Self::Signer(_) | Self::Instance(..) | Self::Parent | Self::ParentInstance(_)
        )
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signer(name) => f.write_str(name),
            Self::Instance(name, number) => write!(f, "{name}/ns{number}"),
            Self::Parent => f.write_str("parent"),
            Self::ParentInstance(number) => write!(f, "parent/{number}"),
            Self::Scanner => f.write_str("scanner"),
            Self::Controller => f.write_str("controller"),
            Self::Hsm => f.write_str("hsm"),
            Self::Resolver(name) => write!(f, "resolver/{name}"),
            Self::Between(a, b) => write!(f, "{a} <-> {b}"),
        }
    }
}

impl Target {
    /// Those that are words of their own.
    const WORDS: [&'static str; 4] = ["parent", "scanner", "controller", "hsm"];
}

impl Setting for Target {
    fn words() -> Vec<&'static str> {
        Self::WORDS.to_vec()
    }

    fn read(field: &Field<'_>) -> Option<Self> {
        let expected = "a target as \"alpha/ns1\", \"parent/2\", \"alpha\" or \"alpha <-> parent\"";
        let text = field.text(expected)?;
        match Self::parse(text) {
            Some(target) => Some(target),
            None => field.fail("bad-target", format!("`{text}` is not a target"), |d| {
                d.expected(format!("expected {expected}"))
            }),
        }
    }

    fn print(&self) -> Option<String> {
        Some(quote(&self.to_string()))
    }
}

impl Fault {
    /// The keys of `[[fault]]`; those that not every kind has, below their kind.
    pub(crate) fn keys() -> Vec<Key> {
        fn key<T: Setting>(key: &str, about: &'static str, default: Option<&T>) -> Vec<Key> {
            Key::with_those_below(key, about, default)
        }
        let mut keys = key("from", "First instant.", Some(&Duration::ZERO));
        keys.extend(key::<Option<Duration>>(
            "until",
            "First instant after; none: to the end.",
            Some(&None),
        ));
        keys.extend(key::<KindName>("kind", "What is broken.", None));
        keys.extend(key::<Target>("target", "Where.", None));
        for kind in KindName::ALL {
            let own = match kind {
                KindName::Loss => key::<Rate>("rate", "Which share of the messages.", None),
                KindName::Latency => key::<Range>("by", "How much longer.", None),
                KindName::ClockSkew => key::<Skew>("by", "How far ahead.", None),
                KindName::Rcode => key("is", "The answer.", Some(&Rcode::ServFail)),
                KindName::Replay => key("of", "What it served then.", Some(&Duration::ZERO)),
                KindName::Dead
                | KindName::Partition
                | KindName::Truncate
                | KindName::Reorder
                | KindName::Duplicate
                | KindName::Forge
                | KindName::Stale => Vec::new(),
            };
            keys.extend(own.into_iter().map(|key| key.below(kind.name())));
        }
        keys
    }

    /// Reads the fault `number`.
    pub(crate) fn read(field: &Field<'_>, number: usize) -> Option<Self> {
        let mut reader = field.table()?;
        let from = reader.read("from", Duration::ZERO);
        let until = reader.read("until", None);
        let Some(kind) = reader.field("kind") else {
            reader.required::<String>("kind");
            return None;
        };
        let kind = kind.read()?;
        let kind = Self::read_kind(kind, &mut reader);
        let target = reader.required("target");
        reader.finish();
        Some(Self {
            number,
            from,
            until,
            kind: kind?,
            target: target?,
        })
    }

    fn read_kind(name: KindName, reader: &mut Reader<'_>) -> Option<FaultKind> {
        match name {
            KindName::Dead => Some(FaultKind::Dead),
            KindName::Stale => Some(FaultKind::Stale),
            KindName::Loss => reader.required("rate").map(FaultKind::Loss),
            KindName::Latency => reader.required("by").map(FaultKind::Latency),
            KindName::Partition => Some(FaultKind::Partition),
            KindName::Rcode => Some(FaultKind::Rcode(reader.read("is", Rcode::ServFail))),
            KindName::Truncate => Some(FaultKind::Truncate),
            KindName::Reorder => Some(FaultKind::Reorder),
            KindName::Duplicate => Some(FaultKind::Duplicate),
            KindName::ClockSkew => reader.required("by").map(FaultKind::ClockSkew),
            KindName::Forge => Some(FaultKind::Forge),
            KindName::Replay => Some(FaultKind::Replay(reader.read("of", Duration::ZERO))),
        }
    }

    /// Its lines in a file.
    pub(crate) fn print_keys(&self) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        let from = Some(self.from).filter(|from| !from.is_zero());
        lines.extend(from.print().map(|from| ("from", from)));
        lines.extend(self.until.print().map(|until| ("until", until)));
        lines.push(("kind", quote(self.kind.name())));
        match self.kind {
            FaultKind::Loss(rate) => lines.extend(rate.print().map(|rate| ("rate", rate))),
            FaultKind::Latency(by) => lines.extend(by.print().map(|by| ("by", by))),
            FaultKind::Replay(of) => {
                let of = Some(of).filter(|of| !of.is_zero());
                lines.extend(of.print().map(|of| ("of", of)));
            }
            FaultKind::Rcode(is) => {
                let is = Some(is).filter(|is| *is != Rcode::ServFail);
                lines.extend(is.print().map(|is| ("is", is)));
            }
            FaultKind::ClockSkew(by) => lines.extend(by.print().map(|by| ("by", by))),
            FaultKind::Dead
            | FaultKind::Partition
            | FaultKind::Truncate
            | FaultKind::Reorder
            | FaultKind::Duplicate
            | FaultKind::Forge
            | FaultKind::Stale => {}
        }
        lines.extend(self.target.print().map(|target| ("target", target)));
        lines
    }
}
