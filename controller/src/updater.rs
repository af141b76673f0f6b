//! Writing to signers. One contract: *make this RRset exactly this set, if it still is what was seen*.
//!
//! Owns how a signer is spoken to. Refuses to believe what it answers: an accepted update may still
//! have been dropped, so whoever writes reads back from every instance.

use std::{collections::BTreeMap, fmt, net::SocketAddr};

use counterpoint_dns::{
    agent::Transport,
    message::ResponseCode,
    name::{Name, RecordType},
    rrset::RrSet,
    time::Timestamp,
    tsig::{RequestMac, TsigKey},
    update::Update,
};

use crate::{
    config::{Signer, SignerName},
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
    /// Whether it is written even if it is not `seen` any more. PowerDNS holds a DNSKEY RRset without
    /// its own keys against a prerequisite (RFC 2136 §3.2), whatever it serves; single records of
    /// others may come and go without one.
    pub is_unconditional: bool,
}

impl Change {
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
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => f.write_str("accepted"),
            Self::Unmet => f.write_str("something had changed meanwhile"),
            Self::Refused(why) => f.write_str(why),
            Self::Silent => f.write_str("no answer"),
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
    /// Where to.
    pub to: SocketAddr,
    /// How.
    pub via: Transport,
    /// The octets.
    pub bytes: Vec<u8>,
    /// What its answer is judged by.
    pub receipt: Receipt,
}

/// What must be kept of a request to judge its answer.
#[derive(Clone, Debug)]
pub(crate) struct Receipt(RequestMac);

/// A way of writing to one signer.
pub(crate) trait Updater {
    /// One request that makes all of `changes`, or none.
    fn request(&self, zone: &Name, changes: &[Change], id: u16, now: Timestamp) -> Request;

    /// What its answer says.
    fn written(&self, receipt: &Receipt, answer: &[u8], now: Timestamp) -> Written;
}

/// Dynamic update (RFC 2136) with TSIG over TCP.
pub(crate) struct Ddns {
    primary: SocketAddr,
    tsig: TsigKey,
}

impl Ddns {
    /// The updater of this signer.
    pub(crate) fn new(signer: &Signer) -> Self {
        Self {
            primary: signer.primary,
            tsig: signer.tsig.clone(),
        }
    }

    fn update(zone: &Name, change: &Change) -> Update {
        match change.wanted.rtype {
            // Deleting the DNSKEY RRset costs the foreign keys at least, with some servers the
            // whole zone its signatures; an apex NS RRset cannot be deleted (RFC 2136 §3.4.2.4).
            RecordType::DNSKEY | RecordType::NS => {
                let mut update = Update::adjust(zone.clone(), &change.seen, &change.wanted);
                update.prerequisites.retain(|_| !change.is_unconditional);
                update
            }
            _ => {
                let seen = Some(&change.seen).filter(|seen| !seen.data.is_empty());
                Update::replace(zone.clone(), seen, &change.wanted)
            }
        }
    }
}

impl Updater for Ddns {
    fn request(&self, zone: &Name, changes: &[Change], id: u16, now: Timestamp) -> Request {
        let empty = Update {
            zone: zone.clone(),
            prerequisites: Vec::new(),
            changes: Vec::new(),
        };
        let updates = changes.iter().map(|change| Self::update(zone, change));
        let whole = updates.fold(empty, Update::and);
        let (bytes, mac) = self.tsig.sign_request(whole.to_message(id), now);
        Request {
            to: self.primary,
            via: Transport::Tcp,
            bytes,
            receipt: Receipt(mac),
        }
    }

    fn written(&self, receipt: &Receipt, answer: &[u8], now: Timestamp) -> Written {
        match self.tsig.check_answer(&receipt.0, answer, now) {
            Ok(message) => match message.response_code {
                ResponseCode::NoError => Written::Accepted,
                // RFC 2136 §3.2: what a failed prerequisite says.
                ResponseCode::NXRRSet
                | ResponseCode::YXRRSet
                | ResponseCode::NXDomain
                | ResponseCode::YXDomain => Written::Unmet,
                code => Written::Refused(format!("it answers {code}")),
            },
            Err(fault) => Written::Refused(fault.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use counterpoint_dns::{message::decode, name::parse_name, rdata::Rdata, tsig::check_request};

    use super::*;

    #[test]
    fn a_failed_prerequisite_is_no_refusal_and_a_forged_answer_no_success() {
        let now = Timestamp::from_seconds(1_767_225_600);
        let zone = parse_name("example.test.").unwrap();
        let tsig = TsigKey::hmac_sha256(parse_name("k.").unwrap(), b"secret");
        let updater = Ddns {
            primary: ([192, 0, 2, 1], 53).into(),
            tsig: tsig.clone(),
        };
        let set = RrSet::new(zone.clone(), RecordType::CDS, 60, []);
        let change = Change {
            signer: "alpha".into(),
            item: Item::Cds,
            seen: set.clone(),
            wanted: set,
            is_unconditional: false,
        };
        let request = updater.request(&zone, &[change], 7, now);
        assert_eq!(request.via, Transport::Tcp);
        let checked = check_request([&tsig], &request.bytes, now).unwrap();
        let answer = |code| {
            let mut answer = checked.message.clone();
            answer.metadata.response_code = code;
            answer.signature = None;
            checked.sign_answer(answer, now)
        };
        let written = |octets: &[u8]| updater.written(&request.receipt, octets, now);
        assert_eq!(written(&answer(ResponseCode::NoError)), Written::Accepted);
        for code in [ResponseCode::NXRRSet, ResponseCode::YXRRSet] {
            assert_eq!(written(&answer(code)), Written::Unmet);
        }
        let refused = written(&answer(ResponseCode::Refused));
        assert!(matches!(refused, Written::Refused(_)), "{refused:?}");
        let mut unsigned = decode(&answer(ResponseCode::NoError)).unwrap();
        unsigned.signature = None;
        let forged = written(&counterpoint_dns::message::encode(&unsigned));
        assert!(matches!(forged, Written::Refused(_)), "{forged:?}");
    }
    #[test]
    fn unconditional_is_a_change_of_single_keys_without_prerequisite() {
        let zone = parse_name("example.test.").unwrap();
        let key = |octet| Rdata::from_octets([1, 0, 3, 15, octet]);
        let set = |keys: &[u8]| {
            let keys = keys.iter().map(|octet| key(*octet));
            RrSet::new(zone.clone(), RecordType::DNSKEY, 60, keys)
        };
        let mut change = Change {
            signer: "alpha".into(),
            item: Item::Dnskey,
            seen: set(&[1, 2]),
            wanted: set(&[1, 3]),
            is_unconditional: false,
        };
        let conditional = Ddns::update(&zone, &change);
        assert_eq!(conditional.prerequisites.len(), 1);
        change.is_unconditional = true;
        let update = Ddns::update(&zone, &change);
        assert_eq!(
            (update.prerequisites, update.changes),
            (Vec::new(), conditional.changes)
        );
    }
}
