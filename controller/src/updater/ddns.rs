//! Dynamic update (RFC 2136) with TSIG (RFC 8945).

use counterpoint_dns::{
    agent::Transport,
    message::ResponseCode,
    name::{Name, RecordType},
    time::Timestamp,
    tsig::RequestMac,
    update::Update,
};

use super::{Answer, Change, Message, Next, Receipt, Request, Updater, Written};
use crate::config::DdnsAccess;

/// Longer datagrams may be broken up on their way, and lost (RFC 9715 §3).
const DATAGRAM_OCTETS_MAX: usize = 1_232;

/// Dynamic update (RFC 2136) with TSIG.
pub(crate) struct Ddns(DdnsAccess);

impl Ddns {
    /// The updater of this signer.
    pub(crate) fn new(access: &DdnsAccess) -> Self {
        Self(access.clone())
    }

    /// What one change says.
    pub(super) fn update(zone: &Name, change: &Change) -> Update {
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

impl Ddns {
    /// One request that makes all of `updates`, or none.
    pub(super) fn send(
        &self,
        zone: &Name,
        updates: impl Iterator<Item = Update>,
        id: u16,
        now: Timestamp,
    ) -> Request {
        let empty = Update {
            zone: zone.clone(),
            prerequisites: Vec::new(),
            changes: Vec::new(),
        };
        let whole = updates.fold(empty, Update::and);
        let (bytes, mac) = self.0.tsig.sign_request(whole.to_message(id), now);
        let is_long = bytes.len() > DATAGRAM_OCTETS_MAX;
        Request {
            message: Message::Dns {
                to: self.0.primary,
                via: if is_long { Transport::Tcp } else { self.0.via },
                bytes,
            },
            receipt: Receipt::Ddns(mac),
        }
    }
}

impl Updater for Ddns {
    fn request(&self, zone: &Name, changes: &[Change], id: u16, now: Timestamp) -> Request {
        let updates = changes.iter().map(|change| Self::update(zone, change));
        self.send(zone, updates, id, now)
    }

    fn next(&self, _zone: &Name, receipt: &Receipt, answer: &Answer<'_>, now: Timestamp) -> Next {
        Next::Done(match (receipt, answer) {
            (Receipt::Ddns(mac), Answer::Dns(answer)) => self.written(mac, answer, now),
            _ => Written::Silent,
        })
    }
}

impl Ddns {
    fn written(&self, mac: &RequestMac, answer: &[u8], now: Timestamp) -> Written {
        match self.0.tsig.check_answer(mac, answer, now) {
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
    use counterpoint_dns::{
        message::decode,
        name::parse_name,
        rdata::Rdata,
        rrset::RrSet,
        tsig::{TsigKey, check_request},
    };

    use super::*;
    use crate::place::Item;

    #[test]
    fn a_failed_prerequisite_is_no_refusal_and_a_forged_answer_no_success() {
        let now = Timestamp::from_seconds(1_767_225_600);
        let zone = parse_name("example.test.").unwrap();
        let tsig = TsigKey::hmac_sha256(parse_name("k.").unwrap(), b"secret");
        let updater = Ddns(DdnsAccess {
            primary: ([192, 0, 2, 1], 53).into(),
            via: Transport::Tcp,
            tsig: tsig.clone(),
        });
        let set = RrSet::new(zone.clone(), RecordType::CDS, 60, []);
        let change = Change {
            signer: "alpha".into(),
            item: Item::Cds,
            seen: set.clone(),
            wanted: set,
            signatures: Default::default(),
            is_unconditional: false,
        };
        let request = updater.request(&zone, &[change], 7, now);
        let Message::Dns { via, bytes, .. } = &request.message else {
            panic!("{request:?}");
        };
        assert_eq!(*via, Transport::Tcp);
        let checked = check_request([&tsig], bytes, now).unwrap();
        let answer = |code| {
            let mut answer = checked.message.clone();
            answer.metadata.response_code = code;
            answer.signature = None;
            checked.sign_answer(answer, now)
        };
        let written = |octets: &[u8]| match updater.next(
            &zone,
            &request.receipt,
            &Answer::Dns(octets),
            now,
        ) {
            Next::Done(written) => written,
            Next::Ask(more) => panic!("{more:?}"),
        };
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
    fn a_long_update_goes_over_tcp_in_any_case() {
        let zone = parse_name("example.test.").unwrap();
        let updater = Ddns(DdnsAccess {
            primary: ([192, 0, 2, 1], 53).into(),
            via: Transport::Udp,
            tsig: TsigKey::hmac_sha256(parse_name("k.").unwrap(), b"secret"),
        });
        let via = |octets: usize| {
            let data = Rdata::from_octets(vec![1; octets]);
            let set = RrSet::new(zone.clone(), RecordType::CDNSKEY, 60, [data]);
            let change = Change {
                signer: "alpha".into(),
                item: Item::Cdnskey,
                seen: RrSet::new(zone.clone(), RecordType::CDNSKEY, 60, []),
                wanted: set,
                signatures: Default::default(),
                is_unconditional: false,
            };
            let now = Timestamp::from_seconds(1_767_225_600);
            match updater.request(&zone, &[change], 7, now).message {
                Message::Dns { via, .. } => via,
                Message::Web(request) => panic!("{request:?}"),
            }
        };
        assert_eq!((via(64), via(2_000)), (Transport::Udp, Transport::Tcp));
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
            signatures: Default::default(),
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
