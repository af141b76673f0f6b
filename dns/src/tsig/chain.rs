//! TSIG over an answer of many messages (RFC 8945 §5.3.1): each signature covers everything since the
//! one before, and some messages may carry none.

use super::{ADDITIONAL_COUNT, CheckedRequest, FUDGE_SECONDS, RequestMac, TsigFault, TsigKey};
use crate::{
    name::{Name, RecordType, canonical_wire, read_name},
    time::Timestamp,
    transfer::RawMessage,
};

/// How many messages in a row may carry no signature.
const UNSIGNED_MAX: usize = 99;
/// TSIG errors that come unsigned (RFC 8945 §5.3.2).
const UNSIGNED_ERRORS: [(u16, &str); 2] = [(16, "BADSIG"), (17, "BADKEY")];
/// What a clock that is too far off is answered with.
const BAD_TIME: u16 = 18;
/// The class of a TSIG record (RFC 8945 §4.2).
const CLASS_ANY: u16 = 255;

/// An answer under way.
#[derive(Debug)]
pub struct Chain<'a> {
    key: &'a TsigKey,
    /// What the next signature covers before its own message.
    covered: Vec<u8>,
    is_first: bool,
    unsigned: usize,
}

/// The fields of a TSIG record (RFC 8945 §4.2).
struct Tsig<'a> {
    algorithm: Name,
    time: u64,
    /// Time and fudge, as they came.
    timers: &'a [u8],
    fudge: u64,
    mac: &'a [u8],
    original_id: [u8; 2],
    error: u16,
    /// Error and other data, as they came.
    tail: &'a [u8],
}

impl TsigKey {
    /// Begins to check the answer to a request, message by message.
    pub fn check_chain(&self, mac: &RequestMac) -> Chain<'_> {
        Chain {
            key: self,
            covered: prefixed(&mac.0),
            is_first: true,
            unsigned: 0,
        }
    }

    /// Signs an encoded message after others of the same answer, of which `covered` is not yet signed.
    fn sign_further(&self, covered: &[u8], mut octets: Vec<u8>, now: Timestamp) -> Vec<u8> {
        let mut timers = (now.as_seconds() as u64).to_be_bytes()[2..].to_vec();
        timers.extend(FUDGE_SECONDS.to_be_bytes());
        let signed = self.signer.sign(&[covered, &octets, &timers].concat());
        let (Ok(mac), Some([high, low])) = (signed, octets.get(ADDITIONAL_COUNT)) else {
            return octets;
        };
        let additional = u16::from_be_bytes([*high, *low]) + 1;
        let mut data = canonical_wire(&(&self.signer.algorithm().to_name()).into());
        data.extend(&timers);
        data.extend(prefixed(&mac));
        data.extend(&octets[..2]);
        // Neither an error nor other data.
        data.extend([0; 4]);
        octets[ADDITIONAL_COUNT].copy_from_slice(&additional.to_be_bytes());
        octets.extend(canonical_wire(self.name()));
        octets.extend(u16::from(RecordType::TSIG).to_be_bytes());
        octets.extend(CLASS_ANY.to_be_bytes());
        octets.extend([0; 4]);
        octets.extend((data.len() as u16).to_be_bytes());
        octets.extend(data);
        octets
    }
}

impl CheckedRequest<'_> {
    /// Signs each message of an encoded answer, and puts them one behind the other.
    pub fn sign_all(&self, messages: impl Iterator<Item = Vec<u8>>, now: Timestamp) -> Vec<u8> {
        let mut answer = Vec::new();
        let mut last: Option<Vec<u8>> = None;
        for octets in messages {
            let signed = match &last {
                None => self.sign_octets(octets, now),
                Some(mac) => self.key.sign_further(mac, octets, now),
            };
            last = mac_of(&signed).map(|mac| prefixed(&mac));
            answer.extend(signed);
        }
        answer
    }
}

impl Chain<'_> {
    /// Takes the next message. What it says counts when a signature has covered it: see
    /// [`Chain::is_closed`].
    pub fn take(&mut self, octets: &[u8], now: Timestamp) -> Result<(), TsigFault> {
        let garbage = |why: &dyn std::fmt::Display| TsigFault::Garbage(why.to_string());
        let message = RawMessage::read(octets).map_err(|error| garbage(&error))?;
        let record = message.last_additional.as_ref();
        let Some(record) = record.filter(|record| record.rtype == RecordType::TSIG) else {
            self.unsigned += 1;
            if self.is_first || self.unsigned > UNSIGNED_MAX {
                return Err(TsigFault::Missing);
            }
            self.covered.extend_from_slice(octets);
            return Ok(());
        };
        let tsig =
            Tsig::read(record.octets()).ok_or_else(|| garbage(&"a TSIG that cannot be read"))?;
        let unsigned_error = UNSIGNED_ERRORS.iter().find(|(code, _)| *code == tsig.error);
        if let Some((_, error)) = unsigned_error {
            return Err(TsigFault::Refused((*error).into()));
        }
        let signer = &self.key.signer;
        let algorithm = canonical_wire(&(&signer.algorithm().to_name()).into());
        if record.owner != *self.key.name() || canonical_wire(&tsig.algorithm) != algorithm {
            return Err(TsigFault::BadKey);
        }
        let mut signed = std::mem::take(&mut self.covered);
        // RFC 8945 §4.3.2: as it was before the TSIG was added.
        let from = signed.len();
        signed.extend_from_slice(&octets[..record.at]);
        signed[from..from + 2].copy_from_slice(&tsig.original_id);
        let additional = u16::from_be_bytes([octets[10], octets[11]]).wrapping_sub(1);
        signed[from + 10..from + 12].copy_from_slice(&additional.to_be_bytes());
        if self.is_first {
            signed.extend(canonical_wire(&record.owner));
            signed.extend(record.class.to_be_bytes());
            signed.extend(record.ttl.to_be_bytes());
            signed.extend(canonical_wire(&tsig.algorithm));
            signed.extend_from_slice(tsig.timers);
            signed.extend_from_slice(tsig.tail);
        } else {
            signed.extend_from_slice(tsig.timers);
        }
        // A shortened MAC does not verify (RFC 8945 §5.2.2.1 leaves that to policy).
        if signer.verify(&signed, tsig.mac).is_err() {
            return Err(TsigFault::BadSignature);
        }
        let seconds = now.as_seconds() as u64;
        if tsig.error == BAD_TIME || seconds.abs_diff(tsig.time) > tsig.fudge {
            return Err(TsigFault::BadTime);
        }
        if tsig.error != 0 {
            return Err(TsigFault::Refused(format!("error {}", tsig.error)));
        }
        self.covered = prefixed(tsig.mac);
        self.is_first = false;
        self.unsigned = 0;
        Ok(())
    }

    /// Whether everything taken so far is covered by a signature.
    pub fn is_closed(&self) -> bool {
        !self.is_first && self.unsigned == 0
    }
}

impl<'a> Tsig<'a> {
    fn read(data: &'a [u8]) -> Option<Self> {
        let (algorithm, at) = read_name(data, 0)?;
        let timers = data.get(at..at + 8)?;
        let time = timers
            .iter()
            .take(6)
            .fold(0, |time, octet| time << 8 | u64::from(*octet));
        let mac_length = usize::from(u16::from_be_bytes(
            data.get(at + 8..at + 10)?.try_into().ok()?,
        ));
        let mac_end = at + 10 + mac_length;
        let mac = data.get(at + 10..mac_end)?;
        let original_id = data.get(mac_end..mac_end + 2)?.try_into().ok()?;
        let tail = data.get(mac_end + 2..)?;
        let error = u16::from_be_bytes(tail.get(..2)?.try_into().ok()?);
        Some(Self {
            algorithm,
            time,
            fudge: u64::from(u16::from_be_bytes([timers[6], timers[7]])),
            timers,
            mac,
            original_id,
            error,
            tail,
        })
    }
}

/// The MAC of a signed message.
fn mac_of(signed: &[u8]) -> Option<Vec<u8>> {
    let record = RawMessage::read(signed).ok()?.last_additional?;
    Some(Tsig::read(record.octets())?.mac.to_vec())
}

/// A MAC as the next one covers it: its length first.
fn prefixed(mac: &[u8]) -> Vec<u8> {
    let mut octets = (mac.len() as u16).to_be_bytes().to_vec();
    octets.extend_from_slice(mac);
    octets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        message::{Message, Question, decode, encode, query},
        name::parse_name,
        transfer::split_first,
        tsig::check_request,
    };
    use hickory_proto::op::OpCode;

    const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

    fn key(secret: &[u8]) -> TsigKey {
        TsigKey::hmac_sha256(parse_name("k.").unwrap(), secret)
    }

    #[test]
    fn signatures_cover_everything_since_the_one_before() {
        let key = key(b"secret");
        let zone = parse_name("test.").unwrap();
        let request = decode(&query(7, &Question::new(zone, RecordType::AXFR))).unwrap();
        let (request, mac) = key.sign_request(request, NOW);
        let checked = check_request([&key], &request, NOW).unwrap();
        let first = checked.sign_answer(Message::response(7, OpCode::Query), NOW);
        let bare = encode(&Message::response(7, OpCode::Query));
        let covered = [prefixed(&mac_of(&first).unwrap()), bare.clone()].concat();
        let last = key.sign_further(&covered, bare.clone(), NOW);

        let mut chain = key.check_chain(&mac);
        for (octets, is_closed) in [(&first, true), (&bare, false), (&last, true)] {
            chain.take(octets, NOW).unwrap();
            assert_eq!(chain.is_closed(), is_closed);
        }
        let mut other = bare.clone();
        other[3] ^= 0x10;
        for (messages, fault) in [
            (vec![&bare], TsigFault::Missing),
            (vec![&first, &last], TsigFault::BadSignature),
            (vec![&first, &other, &last], TsigFault::BadSignature),
        ] {
            let mut chain = key.check_chain(&mac);
            let (last, before) = messages.split_last().unwrap();
            before
                .iter()
                .for_each(|octets| chain.take(octets, NOW).unwrap());
            assert_eq!(chain.take(last, NOW), Err(fault));
        }
        let late = NOW + std::time::Duration::from_secs(301);
        assert_eq!(
            key.check_chain(&mac).take(&first, late),
            Err(TsigFault::BadTime)
        );
        let guess = TsigKey::hmac_sha256(parse_name("k.").unwrap(), b"guess");
        assert_eq!(
            guess.check_chain(&mac).take(&first, NOW),
            Err(TsigFault::BadSignature)
        );
    }

    #[test]
    fn an_answer_of_several_messages_is_signed_message_by_message() {
        let key = key(b"secret");
        let zone = parse_name("test.").unwrap();
        let request = decode(&query(7, &Question::new(zone, RecordType::AXFR))).unwrap();
        let (request, mac) = key.sign_request(request, NOW);
        let checked = check_request([&key], &request, NOW).unwrap();
        let bare = encode(&Message::response(7, OpCode::Query));
        let answer = checked.sign_all([(); 3].map(|()| bare.clone()).into_iter(), NOW);
        let mut chain = key.check_chain(&mac);
        let mut rest = answer.as_slice();
        for _ in 0..3 {
            let (first, others) = split_first(rest).unwrap();
            chain.take(first, NOW).unwrap();
            assert!(chain.is_closed());
            rest = others;
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn a_hundred_unsigned_messages_in_a_row_are_too_many() {
        let key = key(b"secret");
        let mut chain = key.check_chain(&RequestMac(vec![0; 32]));
        chain.is_first = false;
        let bare = encode(&Message::response(7, OpCode::Query));
        for _ in 0..UNSIGNED_MAX {
            chain.take(&bare, NOW).unwrap();
        }
        assert_eq!(chain.take(&bare, NOW), Err(TsigFault::Missing));
    }
}
