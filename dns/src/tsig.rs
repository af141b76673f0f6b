//! TSIG (RFC 8945): who sent a message, proven by a shared secret. Times are arguments.

mod chain;

use std::fmt;

use hickory_proto::{
    op::{Message, ResponseCode},
    rr::{
        TSigResponseContext, TSigner,
        rdata::tsig::{TsigAlgorithm, TsigError},
    },
    serialize::binary::BinEncodable as _,
};

use crate::{
    message::{decode, encode, encode_apart, keep_data_as_octets},
    name::Name,
    time::Timestamp,
};

pub use chain::Chain;

/// Seconds by which the two clocks may differ (RFC 8945 §10).
pub const FUDGE_SECONDS: u16 = 300;

/// Where a message's header counts the additional records (RFC 1035 §4.1.1).
const ADDITIONAL_COUNT: std::ops::Range<usize> = 10..12;

/// A shared secret and its name. The secret is never shown.
#[derive(Clone)]
pub struct TsigKey {
    name: Name,
    signer: TSigner,
}

impl fmt::Debug for TsigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TsigKey({})", self.name)
    }
}

/// Why a message is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TsigFault {
    /// It carries no TSIG.
    Missing,
    /// The key or its algorithm is not known (BADKEY).
    BadKey,
    /// The secret does not match (BADSIG).
    BadSignature,
    /// The clocks differ by more than the fudge (BADTIME).
    BadTime,
    /// The server refused our TSIG, with this error.
    Refused(String),
    /// Not a message at all.
    Garbage(String),
}

impl fmt::Display for TsigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("the message carries no TSIG"),
            Self::BadKey => f.write_str("the TSIG key or its algorithm is not known (BADKEY)"),
            Self::BadSignature => f.write_str("the TSIG secret does not match (BADSIG)"),
            Self::BadTime => f.write_str("the clocks differ by more than the fudge (BADTIME)"),
            Self::Refused(error) => write!(f, "the server refused our TSIG: {error}"),
            Self::Garbage(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for TsigFault {}

/// What must be kept of a signed request to judge its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestMac(Vec<u8>);

impl TsigKey {
    /// An hmac-sha256 key.
    pub fn hmac_sha256(name: Name, secret: &[u8]) -> Self {
        Self::of(TsigAlgorithm::HmacSha256, name, secret).expect("hmac-sha256 is supported")
    }

    /// A key of an algorithm by its name, as `hmac-sha512`; nothing, if that is not supported.
    pub fn new(algorithm: &str, name: Name, secret: &[u8]) -> Option<Self> {
        let algorithm = match algorithm.trim_end_matches('.') {
            "hmac-sha256" => TsigAlgorithm::HmacSha256,
            "hmac-sha384" => TsigAlgorithm::HmacSha384,
            "hmac-sha512" => TsigAlgorithm::HmacSha512,
            _ => return None,
        };
        Self::of(algorithm, name, secret)
    }

    fn of(algorithm: TsigAlgorithm, name: Name, secret: &[u8]) -> Option<Self> {
        let signer = TSigner::new(secret.to_vec(), algorithm, (&name).into(), FUDGE_SECONDS);
        let signer = signer.ok()?;
        Some(Self { name, signer })
    }

    /// The key's name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Signs and encodes a request.
    pub fn sign_request(&self, mut message: Message, now: Timestamp) -> (Vec<u8>, RequestMac) {
        // Signing encodes into memory; a message too large to encode has no business being sent.
        if message
            .finalize(&self.signer, now.as_seconds() as u64)
            .is_err()
        {
            message.signature = None;
        }
        let mac = message.signature.as_ref().map(|tsig| tsig.data.mac.clone());
        (encode(&message), RequestMac(mac.unwrap_or_default()))
    }

    /// Checks the answer to a request, and decodes it.
    pub fn check_answer(
        &self,
        mac: &RequestMac,
        octets: &[u8],
        now: Timestamp,
    ) -> Result<Message, TsigFault> {
        let message = decode(octets).map_err(|error| TsigFault::Garbage(error.to_string()))?;
        let Some(tsig) = &message.signature else {
            return Err(TsigFault::Missing);
        };
        // BADKEY and BADSIG come unsigned (RFC 8945 §5.3.2); they say why nothing was done.
        if let Some(error @ (TsigError::BadKey | TsigError::BadSig)) = &tsig.data.error {
            return Err(TsigFault::Refused(format!("{error:?}").to_uppercase()));
        }
        self.check(octets, Some(&mac.0), now)?;
        match &tsig.data.error {
            Some(error) => Err(TsigFault::Refused(format!("{error:?}").to_uppercase())),
            None => Ok(message),
        }
    }

    fn check(
        &self,
        octets: &[u8],
        previous: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<Vec<u8>, TsigFault> {
        let (mac, _, range) = self
            .signer
            .verify_message_byte(octets, previous, true)
            .map_err(|error| match error {
                hickory_proto::dnssec::DnsSecError::TsigWrongKey => TsigFault::BadKey,
                _ => TsigFault::BadSignature,
            })?;
        // The fudge's upper bound is included (RFC 8945 §5.2.3).
        let seconds = now.as_seconds() as u64;
        match seconds >= range.start && seconds <= range.end {
            true => Ok(mac),
            false => Err(TsigFault::BadTime),
        }
    }
}

/// A request that a server has checked.
#[derive(Debug)]
pub struct CheckedRequest<'a> {
    /// The message.
    pub message: Message,
    /// The key that signed it.
    pub key: &'a TsigKey,
    mac: Vec<u8>,
}

impl CheckedRequest<'_> {
    /// Signs and encodes the answer.
    pub fn sign_answer(&self, answer: Message, now: Timestamp) -> Vec<u8> {
        self.sign_octets(encode_apart(&answer), now)
    }

    /// Signs an answer that is encoded already, in the form in which [`Self::sign_answer`] would.
    pub fn sign_anew(&self, answer: Vec<u8>, now: Timestamp) -> Vec<u8> {
        match decode(&answer) {
            Ok(mut message) => {
                keep_data_as_octets(&mut message);
                self.sign_answer(message, now)
            }
            Err(_) => self.sign_octets(answer, now),
        }
    }

    /// Signs an encoded answer: the TSIG becomes its last record (RFC 8945 §5.1).
    pub fn sign_octets(&self, mut octets: Vec<u8>, now: Timestamp) -> Vec<u8> {
        let context = TSigResponseContext::new(
            self.message.id,
            now.as_seconds() as u64,
            self.key.signer.clone(),
            self.mac.clone(),
            None,
        );
        let tsig = context.sign(&octets).and_then(|tsig| tsig.to_bytes());
        if let (Ok(tsig), Some([high, low])) = (tsig, octets.get_mut(ADDITIONAL_COUNT)) {
            let count = u16::from_be_bytes([*high, *low]) + 1;
            [*high, *low] = count.to_be_bytes();
            octets.extend(tsig);
        }
        octets
    }
}

/// Checks a request against the keys that a server knows.
pub fn check_request<'a>(
    keys: impl IntoIterator<Item = &'a TsigKey>,
    octets: &[u8],
    now: Timestamp,
) -> Result<CheckedRequest<'a>, TsigFault> {
    let message = decode(octets).map_err(|error| TsigFault::Garbage(error.to_string()))?;
    let Some(tsig) = &message.signature else {
        return Err(TsigFault::Missing);
    };
    let name = Name::from(&tsig.name);
    let key = keys
        .into_iter()
        .find(|key| *key.name() == name)
        .ok_or(TsigFault::BadKey)?;
    let mac = key.check(octets, None, now)?;
    Ok(CheckedRequest { message, key, mac })
}

/// The answer to a request whose TSIG was not believed: NOTAUTH with the TSIG error, or REFUSED if
/// there was none (RFC 8945 §5.2).
pub fn refuse(request: &Message, fault: &TsigFault, now: Timestamp) -> Vec<u8> {
    let code = match fault {
        TsigFault::Missing => ResponseCode::Refused,
        _ => ResponseCode::NotAuth,
    };
    let mut answer = Message::error_msg(request.id, request.op_code, code);
    if let Some(tsig) = &request.signature {
        let seconds = now.as_seconds() as u64;
        let context = match fault {
            TsigFault::BadKey => {
                TSigResponseContext::unknown_key(request.id, seconds, tsig.name.clone())
            }
            _ => match TSigner::new(
                vec![0],
                tsig.data.algorithm.clone(),
                tsig.name.clone(),
                FUDGE_SECONDS,
            ) {
                Ok(signer) => TSigResponseContext::bad_signature(request.id, seconds, signer),
                Err(_) => TSigResponseContext::unknown_key(request.id, seconds, tsig.name.clone()),
            },
        };
        if let Ok(record) = context.sign(&encode(&answer)) {
            answer.set_signature(record);
        }
    }
    encode(&answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{name::RecordType, rdata::Rdata, rrset::RrSet};
    use crate::{name::parse_name, update::Update};
    use hickory_proto::op::OpCode;
    use std::time::Duration;

    #[test]
    fn both_ways_and_every_refusal() {
        let now = Timestamp::from_seconds(1_767_225_600);
        let zone = parse_name("example.test.").unwrap();
        let key = TsigKey::hmac_sha256(parse_name("k.").unwrap(), b"secret");
        let forged = TsigKey::hmac_sha256(parse_name("k.").unwrap(), b"guess");
        let unknown = TsigKey::hmac_sha256(parse_name("other.").unwrap(), b"secret");
        let set = RrSet::new(zone.clone(), RecordType::NS, 60, [Rdata::name(&zone)]);
        let request = Update::replace(zone, None, &set).to_message(4711);

        let (octets, mac) = key.sign_request(request.clone(), now);
        let checked = check_request([&key], &octets, now).unwrap();
        let answer = checked.sign_answer(Message::response(4711, OpCode::Update), now);
        assert!(key.check_answer(&mac, &answer, now).is_ok());

        // The edge of the fudge is inside, the next second is not.
        let edge = now + Duration::from_secs(FUDGE_SECONDS.into());
        assert!(check_request([&key], &octets, edge).is_ok());
        let late = edge + Duration::from_secs(1);
        assert_eq!(
            check_request([&key], &octets, late).unwrap_err(),
            TsigFault::BadTime
        );

        for (other, fault, shown) in [
            (&forged, TsigFault::BadSignature, "BADSIG"),
            (&unknown, TsigFault::BadKey, "BADKEY"),
        ] {
            let (octets, mac) = other.sign_request(request.clone(), now);
            assert_eq!(check_request([&key], &octets, now).unwrap_err(), fault);
            let answer = refuse(&decode(&octets).unwrap(), &fault, now);
            let told = other.check_answer(&mac, &answer, now).unwrap_err();
            assert_eq!(told, TsigFault::Refused(shown.into()));
        }
        let unsigned = encode(&request);
        assert_eq!(
            check_request([&key], &unsigned, now).unwrap_err(),
            TsigFault::Missing
        );
    }
}
