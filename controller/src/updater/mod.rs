//! Writing to signers. One contract: *make this RRset exactly this set, if it still is what was seen*.
//!
//! Owns how a signer is spoken to. Refuses to believe what it answers: an accepted update may still
//! have been dropped, so whoever writes reads back from every instance.

mod ddns;
mod desec;
mod pace;
mod signed;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::SocketAddr,
    time::Duration,
};

use counterpoint_dns::{
    agent::Transport,
    name::Name,
    rdata::Rdata,
    rrset::RrSet,
    signature::Rrsig,
    time::{Timestamp, human},
    tsig::RequestMac,
    web,
};

pub(crate) use self::pace::Paces;
use self::{ddns::Ddns, desec::Desec, signed::Signed};
use crate::{
    config::{Interface, SignerName},
    place::Item,
};

/// One RRset of one signer that must change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Whose.
    pub signer: SignerName,
    /// Which.
    pub item: Item,
    /// What it was when that was decided; no data: absent.
    pub seen: RrSet,
    /// What it must become; no data: absent.
    pub wanted: RrSet,
    /// The signatures that come with it, by key, where the owner of the zone signs it; none: its signer
    /// does.
    pub signatures: BTreeMap<Rdata, Rrsig>,
    /// Whether it is written even if it is not `seen` any more. PowerDNS holds a DNSKEY RRset without
    /// its own keys against a prerequisite (RFC 2136 §3.2), whatever it serves; single records of
    /// others may come and go without one.
    pub is_unconditional: bool,
}

impl Change {
    /// The keys that will have signed it; `None`: those of its signer, as before.
    pub(crate) fn signed_by(&self) -> Option<BTreeSet<Rdata>> {
        let keys = || self.signatures.keys().cloned().collect();
        (!self.signatures.is_empty()).then(keys)
    }

    /// After so many prerequisites in a row that failed, each of them just read, the server compares
    /// with something else than it serves.
    pub(crate) const UNMET_BELIEVED: u8 = 2;
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// The signer says that it was done.
    Accepted,
    /// Something had changed meanwhile; nothing was done.
    Unmet,
    /// The signer would not.
    Refused(String),
    /// No answer.
    Silent,
    /// The signer wants to be left in peace for so long; nothing was done.
    Later(Duration),
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => f.write_str("accepted"),
            Self::Unmet => f.write_str("something had changed meanwhile"),
            Self::Refused(why) => f.write_str(why),
            Self::Silent => f.write_str("no answer"),
            Self::Later(pause) => write!(f, "not before {} are over", human(*pause)),
        }
    }
}

/// The writes of one RRset at one signer, within one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Write {
    /// How many there were.
    pub tries: u8,
    /// When the last one was answered.
    pub at: Timestamp,
    /// What became of it.
    pub last: Written,
}

impl Write {
    /// Allows one more.
    pub(crate) fn once_more(&mut self) {
        self.tries = self.tries.min(Self::IN_VAIN_MAX - 1);
        self.at = Timestamp::MIN;
        self.last = Written::Silent;
    }

    /// After so many accepted updates that did not show, the signer drops what it accepts.
    pub(crate) const IN_VAIN_MAX: u8 = 3;
}

/// What became of everything that the current row wrote.
pub(crate) type Writes = BTreeMap<(SignerName, Item), Write>;

/// A request to a signer.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// What is sent.
    pub message: Message,
    /// What its answer is judged by.
    pub receipt: Receipt,
}

/// What is sent to a signer.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    /// A DNS message.
    Dns {
        /// Where to.
        to: SocketAddr,
        /// How.
        via: Transport,
        /// The octets.
        bytes: Vec<u8>,
    },
    /// A request to a web interface.
    Web(web::Request),
}

/// What must be kept of a request to judge its answer.
#[derive(Clone, Debug)]
pub(crate) enum Receipt {
    /// Of a dynamic update.
    Ddns(RequestMac),
    /// Of a request to deSEC.
    Desec(desec::Stage),
}

/// An answer of a signer.
#[derive(Clone, Debug)]
pub(crate) enum Answer<'a> {
    /// A DNS message.
    Dns(&'a [u8]),
    /// Of a web interface.
    Web(&'a web::Answer),
}

/// What follows from an answer.
#[derive(Clone, Debug)]
pub(crate) enum Next {
    /// One more request.
    Ask(Box<Request>),
    /// This became of the write.
    Done(Written),
}

/// The updater of this interface.
pub(crate) fn updater(interface: &Interface) -> Box<dyn Updater> {
    match interface {
        Interface::Ddns(access) => Box::new(Ddns::new(access)),
        Interface::Desec(access) => Box::new(Desec::new(access)),
        Interface::SignedRrset(access) => Box::new(Signed::new(access)),
    }
}

/// A way of writing to one signer.
pub(crate) trait Updater {
    /// The request that makes all of `changes`, or none, or the first of several that do.
    fn request(&self, zone: &Name, changes: &[Change], id: u16, now: Timestamp) -> Request;

    /// What follows from the answer to the request with this receipt.
    fn next(&self, zone: &Name, receipt: &Receipt, answer: &Answer<'_>, now: Timestamp) -> Next;
}
