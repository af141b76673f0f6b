//! Record data as canonical octets, and typed views of the types that DNSSEC turns on.
//!
//! An [`Rdata`] is the canonical form (RFC 4034 §6.2 as corrected by RFC 6840 §5.1), so equality of
//! two is the equality that signatures and rules mean. A view is a parse: data that does not fit its
//! type has no view, and stays what it is: octets that somebody served.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use data_encoding::HEXLOWER_PERMISSIVE;
use hickory_proto::{
    rr::{RData, RecordData, RecordType, rdata::NULL},
    serialize::binary::{BinDecoder, BinEncodable, BinEncoder, RDataEncoding, Restrict},
};

use crate::{
    key::Dnskey,
    name::{Name, canonical_wire, parse_name, split_name},
};

/// The canonical octets of one record's data.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rdata(Arc<[u8]>);

impl Rdata {
    /// Takes octets that are canonical already.
    pub fn from_octets(octets: impl Into<Arc<[u8]>>) -> Self {
        Self(octets.into())
    }

    /// The canonical form of parsed data.
    pub fn from_parsed(data: &RData) -> Self {
        if let RData::Unknown { rdata, .. } = data {
            return Self(rdata.anything.as_slice().into());
        }
        let mut octets = Vec::with_capacity(64);
        let mut encoder = BinEncoder::new(&mut octets);
        encoder.set_canonical_form(true);
        let mut encoder = encoder.with_rdata_behavior(RDataEncoding::StandardRecord);
        // Encoding into memory fails only beyond 64 KiB, and this came out of one message.
        if data.is_update() || data.emit(&mut encoder).is_err() {
            return Self(Arc::from([]));
        }
        drop(encoder);
        Self(octets.into())
    }

    /// A name as data: NS, CNAME, PTR.
    pub fn name(name: &Name) -> Self {
        Self(canonical_wire(name).into())
    }

    /// An address as data: A, AAAA.
    pub fn address(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self(Arc::from(v4.octets())),
            IpAddr::V6(v6) => Self(Arc::from(v6.octets())),
        }
    }

    /// The octets.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// As hickory carries octets whose inside it need not know.
    pub(crate) fn to_wire_data(&self, rtype: RecordType) -> RData {
        RData::Unknown {
            code: rtype,
            rdata: NULL::with(self.0.to_vec()),
        }
    }

    /// The view as a name.
    pub fn as_name(&self) -> Option<Name> {
        match split_name(&self.0)? {
            (name, []) => Some(name),
            _ => None,
        }
    }

    /// The view as an address.
    pub fn as_address(&self) -> Option<IpAddr> {
        if let Ok(v4) = <[u8; 4]>::try_from(self.octets()) {
            return Some(Ipv4Addr::from(v4).into());
        }
        <[u8; 16]>::try_from(self.octets())
            .ok()
            .map(|v6| Ipv6Addr::from(v6).into())
    }

    /// Reads presentation form of addresses, NS, DNSKEY, CDNSKEY, DS, CDS and CSYNC.
    pub fn from_text(rtype: RecordType, text: &str) -> Option<Self> {
        match rtype {
            RecordType::A => text
                .parse()
                .ok()
                .map(|v4: Ipv4Addr| Self::address(v4.into())),
            RecordType::AAAA => text
                .parse()
                .ok()
                .map(|v6: Ipv6Addr| Self::address(v6.into())),
            RecordType::NS => parse_name(text).ok().map(|name| Self::name(&name)),
            RecordType::DNSKEY | RecordType::CDNSKEY => {
                Dnskey::from_text(text).map(|key| key.to_rdata())
            }
            RecordType::DS | RecordType::CDS => Ds::from_text(text).map(|ds| ds.to_rdata()),
            RecordType::CSYNC => Csync::from_text(text).map(|csync| csync.to_rdata()),
            _ => None,
        }
    }

    /// Presentation form, for people.
    pub fn present(&self, rtype: RecordType) -> String {
        let unknown = || format!("\\# {} {self:?}", self.0.len());
        let Ok(length) = u16::try_from(self.0.len()) else {
            return unknown();
        };
        let mut decoder = BinDecoder::new(&self.0);
        match RData::read(&mut decoder, rtype, Restrict::new(length)) {
            Ok(RData::Unknown { .. }) | Err(_) => unknown(),
            Ok(data) => data.to_string(),
        }
    }
}

/// Hexadecimal.
impl fmt::Debug for Rdata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.iter().flat_map(|octet| [octet >> 4, octet & 15]);
        let digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
        let mut text = String::with_capacity(2 * self.0.len());
        text.extend(digits);
        f.write_str(&text)
    }
}

/// A DS or CDS record's fields (RFC 4034 §5.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ds {
    /// Tag of the key that it names.
    pub tag: u16,
    /// Algorithm number of that key.
    pub algorithm: u8,
    /// Digest type number.
    pub digest_type: u8,
    /// The digest.
    pub digest: Vec<u8>,
}

impl Ds {
    /// Parses DS and CDS data.
    pub fn parse(data: &Rdata) -> Option<Self> {
        let [tag_high, tag_low, algorithm, digest_type, digest @ ..] = data.octets() else {
            return None;
        };
        Some(Self {
            tag: u16::from_be_bytes([*tag_high, *tag_low]),
            algorithm: *algorithm,
            digest_type: *digest_type,
            digest: digest.to_vec(),
        })
    }

    /// Reads presentation form (RFC 4034 §5.3): `20326 8 2 E06D…`, the digest in one word or several.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let ds = Self {
            tag: words.next()?.parse().ok()?,
            algorithm: words.next()?.parse().ok()?,
            digest_type: words.next()?.parse().ok()?,
            digest: HEXLOWER_PERMISSIVE
                .decode(words.collect::<String>().as_bytes())
                .ok()?,
        };
        (!ds.digest.is_empty()).then_some(ds)
    }

    /// Exactly `0 0 0 0`: the request to remove the DS RRset (RFC 8078 §4).
    pub fn is_delete(&self) -> bool {
        (self.tag, self.algorithm, self.digest_type) == (0, 0, 0) && self.digest == [0]
    }

    /// The record's data.
    pub fn to_rdata(&self) -> Rdata {
        let mut octets = self.tag.to_be_bytes().to_vec();
        octets.extend([self.algorithm, self.digest_type]);
        octets.extend(&self.digest);
        Rdata::from_octets(octets)
    }
}

/// An SOA record's fields (RFC 1035 §3.3.13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Soa {
    /// Name of the primary.
    pub mname: Name,
    /// Mailbox of the person responsible.
    pub rname: Name,
    /// Serial number, to be compared by [`serial_lt`].
    pub serial: u32,
    /// Seconds between a secondary's refreshes.
    pub refresh: u32,
    /// Seconds between retries.
    pub retry: u32,
    /// Seconds until a secondary stops answering.
    pub expire: u32,
    /// TTL of negative answers, seconds (RFC 2308 §5).
    pub minimum: u32,
}

impl Soa {
    /// Parses SOA data.
    pub fn parse(data: &Rdata) -> Option<Self> {
        let (mname, rest) = split_name(data.octets())?;
        let (rname, rest) = split_name(rest)?;
        let mut numbers = rest.chunks_exact(4).map(|chunk| {
            // chunks_exact(4) yields four octets.
            u32::from_be_bytes([chunk[0], chunk[1], chunk[2], chunk[3]])
        });
        let mut next = || numbers.next();
        Some(Self {
            mname,
            rname,
            serial: next()?,
            refresh: next()?,
            retry: next()?,
            expire: next()?,
            minimum: next()?,
        })
    }

    /// The record's data.
    pub fn to_rdata(&self) -> Rdata {
        let mut octets = canonical_wire(&self.mname);
        octets.extend(canonical_wire(&self.rname));
        for number in [
            self.serial,
            self.refresh,
            self.retry,
            self.expire,
            self.minimum,
        ] {
            octets.extend(number.to_be_bytes());
        }
        Rdata::from_octets(octets)
    }
}

/// Whether serial `a` is earlier than serial `b` (RFC 1982 §3.2; undefined pairs are not earlier).
pub fn serial_lt(a: u32, b: u32) -> bool {
    let ahead = b.wrapping_sub(a);
    ahead != 0 && ahead < 1 << 31
}

/// A CSYNC record's fields (RFC 7477 §2.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csync {
    /// Serial that the SOA must have reached, if `soaminimum` is set.
    pub serial: u32,
    /// Flag bits: [`Csync::IMMEDIATE`], [`Csync::SOA_MINIMUM`], others unknown.
    pub flags: u16,
    /// Types to synchronise.
    pub types: Vec<RecordType>,
}

impl Csync {
    /// The parent may act without further approval.
    pub const IMMEDIATE: u16 = 0x0001;
    /// The parent must not act on an older SOA serial.
    pub const SOA_MINIMUM: u16 = 0x0002;

    /// Reads presentation form (RFC 7477 §2.1.2): `66 3 NS A AAAA`.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        Some(Self {
            serial: words.next()?.parse().ok()?,
            flags: words.next()?.parse().ok()?,
            types: words.map(|word| word.parse().ok()).collect::<Option<_>>()?,
        })
    }

    /// Parses CSYNC data, unknown flag bits included.
    pub fn parse(data: &Rdata) -> Option<Self> {
        let octets = data.octets();
        let (head, bitmap) = octets.split_at_checked(6)?;
        Some(Self {
            serial: u32::from_be_bytes([head[0], head[1], head[2], head[3]]),
            flags: u16::from_be_bytes([head[4], head[5]]),
            types: parse_type_bitmap(bitmap)?,
        })
    }

    /// The record's data.
    pub fn to_rdata(&self) -> Rdata {
        let mut octets = self.serial.to_be_bytes().to_vec();
        octets.extend(self.flags.to_be_bytes());
        octets.extend(type_bitmap(&self.types));
        Rdata::from_octets(octets)
    }
}

/// An NSEC record's fields (RFC 4034 §4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nsec {
    /// The next owner name in canonical order.
    pub next: Name,
    /// The types at the owner.
    pub types: Vec<RecordType>,
}

impl Nsec {
    /// Parses NSEC data.
    pub fn parse(data: &Rdata) -> Option<Self> {
        let (next, bitmap) = split_name(data.octets())?;
        Some(Self {
            next,
            types: parse_type_bitmap(bitmap)?,
        })
    }

    /// The record's data. The next name is not lower-cased (RFC 6840 §5.1).
    pub fn to_rdata(&self) -> Rdata {
        let mut octets = Vec::new();
        for label in self.next.iter() {
            octets.push(label.len() as u8);
            octets.extend(label);
        }
        octets.push(0);
        octets.extend(type_bitmap(&self.types));
        Rdata::from_octets(octets)
    }
}

/// Encodes a type bitmap (RFC 4034 §4.1.2).
pub fn type_bitmap(types: &[RecordType]) -> Vec<u8> {
    let mut numbers: Vec<u16> = types.iter().map(|rtype| u16::from(*rtype)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut bitmap = Vec::new();
    for window in numbers.chunk_by(|a, b| a >> 8 == b >> 8) {
        // chunk_by yields no empty chunk.
        let last = window[window.len() - 1];
        let mut bits = vec![0_u8; usize::from((last & 0xff) >> 3) + 1];
        for number in window {
            bits[usize::from((number & 0xff) >> 3)] |= 0x80 >> (number & 7);
        }
        bitmap.extend([(last >> 8) as u8, bits.len() as u8]);
        bitmap.extend(bits);
    }
    bitmap
}

/// Decodes a type bitmap; `None` where the blocks do not fit.
pub fn parse_type_bitmap(mut bitmap: &[u8]) -> Option<Vec<RecordType>> {
    let mut types = Vec::new();
    while let [window, length, rest @ ..] = bitmap {
        let length = usize::from(*length);
        if !(1..=32).contains(&length) || rest.len() < length {
            return None;
        }
        let (bits, after) = rest.split_at(length);
        for (index, octet) in bits.iter().enumerate() {
            for bit in 0..8_u16 {
                if octet & (0x80 >> bit) != 0 {
                    let number = u16::from(*window) << 8 | (index as u16) << 3 | bit;
                    types.push(RecordType::from(number));
                }
            }
        }
        bitmap = after;
    }
    bitmap.is_empty().then_some(types)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csync_of_rfc_7477_section_2_1_3() {
        let csync = Csync {
            serial: 66,
            flags: 3,
            types: vec![RecordType::A, RecordType::NS, RecordType::AAAA],
        };
        let wire = [0, 0, 0, 0x42, 0, 3, 0, 4, 0x60, 0, 0, 8];
        assert_eq!(csync.to_rdata().octets(), wire);
        let read = Csync::parse(&Rdata::from_octets(wire)).unwrap();
        assert_eq!((read.serial, read.flags, read.types.len()), (66, 3, 3));
    }

    #[test]
    fn serials_wrap() {
        assert!(serial_lt(u32::MAX, 0));
        assert!(!serial_lt(0, u32::MAX));
        assert!(!serial_lt(7, 7));
        assert!(!serial_lt(0, 1 << 31) && !serial_lt(1 << 31, 0));
    }

    #[test]
    fn the_delete_request_has_one_shape_only() {
        let parse = |octets: &[u8]| Ds::parse(&Rdata::from_octets(octets)).unwrap();
        assert!(parse(&[0, 0, 0, 0, 0]).is_delete());
        assert!(!parse(&[0, 0, 0, 0, 1]).is_delete());
        assert!(!parse(&[48, 57, 0, 2, 0]).is_delete());
    }
}
