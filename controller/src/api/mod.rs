//! What can be asked of the controller: one table of operations, for the local tool and for the daemon.
//!
//! Owns what an operation is called, who may ask for it, what it takes and what it gives. The command
//! line makes a call of what was typed, and a request over the network becomes the same call; both are
//! carried out by the function that the table names. Knows no socket and no terminal.

pub(crate) mod check;
pub(crate) mod declared;
mod log;
pub(crate) mod observe;
mod openapi;
pub(crate) mod plan;
pub(crate) mod processes;
pub(crate) mod requests;
pub(crate) mod resources;
mod rrsets;
mod scenario;
mod secrets;
pub(crate) mod shape;
mod show;
pub(crate) mod table;

use std::{collections::BTreeMap, fmt, io};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

pub(crate) use table::{Act, OPERATIONS, Operation};

use crate::{declarations::BadDeclaration, keeper::Keeper};

/// Where every path begins.
pub const ROOT: &str = "/api/v1";

/// What a caller may do; each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Without a token.
    Anyone,
    /// See everything but secrets.
    Read,
    /// Ask for processes, step and cancel them.
    Operate,
    /// Change what is declared.
    Admin,
}

impl Role {
    /// Those that a token can have.
    pub const OF_TOKENS: [Self; 3] = [Self::Read, Self::Operate, Self::Admin];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }
}

/// Why an operation did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It is refused: what was asked for cannot be done now.
    Refused(String),
    /// What it was given cannot be used.
    BadInput(String),
    /// It names something that is not there.
    Unknown(String),
    /// Its own fault, or the machine's.
    Defect(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::BadInput(why) | Self::Unknown(why) => write!(f, "error: {why}"),
            Self::Defect(why) => write!(f, "internal error: {why}"),
        }
    }
}

impl From<BadDeclaration> for Failure {
    fn from(bad: BadDeclaration) -> Self {
        Self::BadInput(bad.to_string())
    }
}

/// A store or an output that fails.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ResourceBusy => Self::BadInput(format!(
                "{error}\n  help: a `run` may be stopped at any time, nothing is lost; a `serve` is asked \
                 with --server URL --server-token FILE"
            )),
            io::ErrorKind::InvalidData
            | io::ErrorKind::NotFound
            | io::ErrorKind::PermissionDenied => Self::BadInput(error.to_string()),
            _ => Self::Defect(error.to_string()),
        }
    }
}

/// What an operation came to: the same for people and for programs.
#[derive(Clone, Debug)]
pub struct Answer {
    /// For people.
    pub text: String,
    /// For programs.
    pub json: Value,
    /// Whether everything is as it should be; else a person should look.
    pub is_fine: bool,
}

impl Answer {
    /// Everything is as it should be.
    pub fn fine(text: String, json: &impl Serialize) -> Self {
        Self {
            text,
            // Plain data with text keys: to JSON it cannot fail.
            json: serde_json::to_value(json).unwrap_or_default(),
            is_fine: true,
        }
    }
}

/// One request for one operation.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Which.
    pub operation: &'static Operation,
    /// What stands in the places of the path, by their names.
    pub path: BTreeMap<&'static str, String>,
    /// What is asked behind the path.
    pub query: BTreeMap<String, String>,
    /// What is handed over; `Null`: nothing.
    pub body: Value,
    /// Whoever asks is at the machine, and may name files of it.
    pub is_local: bool,
}

impl Call {
    /// A call of the operation of this name, from this machine.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub(crate) fn of(id: &str) -> Self {
        let operation = OPERATIONS.iter().find(|operation| operation.id == id);
        Self {
            operation: operation.unwrap_or_else(|| unreachable!("no operation is called {id}")),
            path: BTreeMap::new(),
            query: BTreeMap::new(),
            body: Value::Null,
            is_local: true,
        }
    }

    /// With this in a place of the path.
    pub(crate) fn at(mut self, place: &'static str, text: impl Into<String>) -> Self {
        self.path.insert(place, text.into());
        self
    }

    /// With this asked behind the path.
    pub(crate) fn with(mut self, name: &str, text: Option<impl Into<String>>) -> Self {
        if let Some(text) = text {
            self.query.insert(name.into(), text.into());
        }
        self
    }

    /// With this handed over.
    pub(crate) fn body(mut self, body: &impl Serialize) -> Self {
        self.body = serde_json::to_value(body).unwrap_or_default();
        self
    }

    /// What stands in a place of the path.
    pub(crate) fn place(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// What was handed over, as this.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_value(self.body.clone()).map_err(|error| {
            let remedy = format!("see `{}` in {ROOT}/openapi.json", self.operation.id);
            BadDeclaration::new("the body", error, remedy).into()
        })
    }

    /// Carries it out.
    pub(crate) fn carry_out(&self, keeper: &mut Keeper) -> Result<Answer, Failure> {
        self.check()?;
        match self.operation.act {
            Act::Now(act) | Act::Apart(act) => act(keeper, self),
            Act::Changes => Err(Failure::BadInput(
                "changes are told by a `serve` alone: name it with --server URL".into(),
            )),
        }
    }

    /// Nothing that is asked behind the path is ignored, and nothing is handed over that nobody reads.
    fn check(&self) -> Result<(), Failure> {
        let known = self.operation.query;
        let strange = |name: &&String| !known.iter().any(|(known, _)| known == name);
        if let Some(strange) = self.query.keys().find(strange) {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            let remedy = match names.as_slice() {
                [] => "leave it out".to_string(),
                names => format!("use {}", names.join(", ")),
            };
            let what = format!("`{strange}` has no meaning here");
            return Err(BadDeclaration::new("the query", what, remedy).into());
        }
        if self.operation.body.is_none() && !self.body.is_null() {
            let what = format!("`{}` takes none", self.operation.id);
            return Err(BadDeclaration::new("the body", what, "send none").into());
        }
        Ok(())
    }

    /// Path and query, as they stand in a request line.
    pub(crate) fn target(&self) -> String {
        let places = self.operation.path.split('/').map(|part| {
            let place = part.strip_prefix('{').and_then(|p| p.strip_suffix('}'));
            place.map_or(part.to_string(), |place| percent(self.place(place)))
        });
        let mut target = format!("{ROOT}{}", places.collect::<Vec<_>>().join("/"));
        for (index, (name, text)) in self.query.iter().enumerate() {
            let mark = if index == 0 { '?' } else { '&' };
            target.push_str(&format!("{mark}{}={}", percent(name), percent(text)));
        }
        target
    }
}

/// What means something else in a URL, as `%2F` (RFC 3986 §2.1).
fn percent(text: &str) -> String {
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
    let octets = text.bytes().map(|octet| match is_plain(octet) {
        true => char::from(octet).to_string(),
        false => format!("%{octet:02X}"),
    });
    octets.collect()
}

/// The way back; `None`: it is no text.
pub(crate) fn unpercent(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => {
                let digit = |octet: Option<u8>| char::from(octet?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high << 4 | low).ok()?
            }
            octet => octet,
        });
    }
    let text = String::from_utf8(octets).ok()?;
    (!text.chars().any(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_path_comes_back_as_it_was() {
        let call = Call::of("zone-show").at("zone", "a b/ö%.test.");
        let target = call.target();
        assert_eq!(target, "/api/v1/zones/a%20b%2F%C3%B6%25.test.");
        let last = target.rsplit('/').next().unwrap();
        assert_eq!(unpercent(last).unwrap(), "a b/ö%.test.");
        for bad in ["%", "%4", "%zz", "%ff", "%0a"] {
            assert_eq!(unpercent(bad), None, "{bad}");
        }
    }

    #[test]
    fn nothing_that_is_asked_is_ignored() {
        let call = Call::of("zone-list").with("sate", Some("blocked"));
        let said = call.check().unwrap_err().to_string();
        assert!(said.contains("`sate`") && said.contains("state"), "{said}");
        let call = Call::of("zone-list").body(&1);
        assert!(call.check().is_err());
    }
}
