//! Record data from text: presentation form, key labels, and `\# LENGTH HEX` for what is odd.

use std::{net::IpAddr, str::FromStr as _};

use counterpoint_dns::{
    key::Dnskey,
    name::{Name, RecordType, parse_name},
    rdata::{Csync, Ds, Rdata},
};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::keys::Keys;

/// The digest type SHA-1 (RFC 3658): never eligible, but it is out there.
const DIGEST_SHA1: u8 = 1;

/// Reads record data of one zone.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The zone whose keys are named by DS and CDS.
    pub zone: &'a Name,
    /// The keys that labels name.
    pub keys: &'a Keys,
}

impl Reader<'_> {
    /// The data of one record of this type.
    pub fn data(&self, rtype: RecordType, text: &str) -> Result<Rdata, String> {
        if let Some(octets) = unknown_form(text) {
            return octets;
        }
        let bad = |why: &str| format!("{rtype} `{text}`: {why}");
        match rtype {
            RecordType::DS | RecordType::CDS => self.digest(text),
            RecordType::DNSKEY | RecordType::CDNSKEY if text == "delete" => {
                Ok(Rdata::from_octets([0, 0, 3, 0, 0]))
            }
            RecordType::DNSKEY | RecordType::CDNSKEY => {
                Ok(self.keys.get(text)?.public().to_rdata())
            }
            RecordType::CSYNC => csync(text),
            RecordType::NS | RecordType::CNAME => {
                let name = parse_name(text).map_err(|error| error.to_string())?;
                Ok(Rdata::name(&name))
            }
            RecordType::A | RecordType::AAAA => {
                let address: IpAddr = text.parse().map_err(|_| bad("not an address"))?;
                match address.is_ipv4() == (rtype == RecordType::A) {
                    true => Ok(Rdata::address(address)),
                    false => Err(bad("an address of the other family")),
                }
            }
            _ => Err(bad("write it as `\\# LENGTH HEX`")),
        }
    }

    /// A key label, perhaps with a digest type (`a/4`); `delete`; or `TAG ALGORITHM TYPE HEX`.
    fn digest(&self, text: &str) -> Result<Rdata, String> {
        if text == "delete" {
            return Ok(Rdata::from_octets([0, 0, 0, 0, 0]));
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let bad =
            || format!("`{text}`: write a key label, `LABEL/TYPE` or `TAG ALGORITHM TYPE HEX`");
        if let [tag, algorithm, digest_type, hex @ ..] = words.as_slice() {
            let ds = Ds {
                tag: tag.parse().map_err(|_| bad())?,
                algorithm: algorithm.parse().map_err(|_| bad())?,
                digest_type: digest_type.parse().map_err(|_| bad())?,
                digest: octets(&hex.concat()).ok_or_else(bad)?,
            };
            return Ok(ds.to_rdata());
        }
        let (label, digest_type) = match text.split_once('/') {
            Some((label, number)) => (label, number.parse().map_err(|_| bad())?),
            None => (text, 2),
        };
        let key = self.keys.get(label)?.public();
        let ds = match digest_type {
            DIGEST_SHA1 => Some(sha1(self.zone, key)),
            _ => key.ds(self.zone, digest_type),
        };
        Ok(ds.ok_or_else(bad)?.to_rdata())
    }
}

fn sha1(zone: &Name, key: &Dnskey) -> Ds {
    let mut octets = counterpoint_dns::name::canonical_wire(zone);
    octets.extend(key.to_rdata().octets());
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, &octets);
    Ds {
        tag: key.tag(),
        algorithm: key.algorithm,
        digest_type: DIGEST_SHA1,
        digest: digest.as_ref().to_vec(),
    }
}

/// RFC 3597 §5.
fn unknown_form(text: &str) -> Option<Result<Rdata, String>> {
    let (length, hex) = text
        .strip_prefix("\\# ")?
        .split_once(' ')
        .unwrap_or((&text[3..], ""));
    let octets = octets(&hex.replace(' ', ""));
    Some(match (octets, length.parse::<usize>()) {
        (Some(octets), Ok(length)) if octets.len() == length => Ok(Rdata::from_octets(octets)),
        _ => Err(format!(
            "`{text}`: the octets are not as many as it says, or no hex"
        )),
    })
}

/// Hex; a single last digit is an octet of its own, as in the `0 0 0 0` of RFC 8078 §4.
fn octets(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = hex
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|value| u8::try_from(value).ok())
        })
        .collect();
    let whole = |pair: &[u8]| match pair {
        [high, low] => high << 4 | low,
        _ => pair[0],
    };
    Some(digits?.chunks(2).map(whole).collect())
}

fn csync(text: &str) -> Result<Rdata, String> {
    let bad = || format!("CSYNC `{text}`: write `SERIAL FLAGS TYPE…`");
    let mut words = text.split_whitespace();
    let serial = words
        .next()
        .and_then(|word| word.parse().ok())
        .ok_or_else(bad)?;
    let flags = words
        .next()
        .and_then(|word| word.parse().ok())
        .ok_or_else(bad)?;
    let types = words.map(rtype).collect::<Result<_, _>>()?;
    Ok(Csync {
        serial,
        flags,
        types,
    }
    .to_rdata())
}

/// A type by mnemonic or as `TYPE1234`.
pub fn rtype(text: &str) -> Result<RecordType, String> {
    let by_number = text
        .strip_prefix("TYPE")
        .and_then(|number| number.parse().ok())
        .map(|number: u16| RecordType::from(number));
    by_number
        .or_else(|| RecordType::from_str(text).ok())
        .ok_or_else(|| format!("`{text}` is no record type"))
}
