//! How the controller's state becomes text and back: one JSON value a record.
//!
//! Owns the spelling of names, instants and record data inside records. A record that does not
//! parse is as good as none: what it said is observed again.

use counterpoint_dns::agent::Record;
use serde::{Serialize, de::DeserializeOwned};

/// A record of this value.
pub(crate) fn record(key: String, value: &impl Serialize) -> Record {
    // Plain data with string keys always serialises.
    let value = serde_json::to_string(value).unwrap_or_default();
    Record { key, value }
}

/// The value of a record.
pub(crate) fn read<T: DeserializeOwned>(record: &Record) -> Option<T> {
    serde_json::from_str(&record.value).ok()
}

/// Instants as nanoseconds since 1970.
pub(crate) mod instant {
    use counterpoint_dns::time::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(at.as_nanos())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(from).map(Timestamp::from_nanos)
    }
}

/// Instants that may be absent.
pub(crate) mod maybe_instant {
    use counterpoint_dns::time::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        at: &Option<Timestamp>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        at.map(Timestamp::as_nanos).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<i64>::deserialize(from)?.map(Timestamp::from_nanos))
    }
}

/// Lists of instants.
pub(crate) mod instants {
    use counterpoint_dns::time::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(all: &[Timestamp], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(all.iter().map(|at| at.as_nanos()))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<Timestamp>, D::Error> {
        let nanos = Vec::<i64>::deserialize(from)?;
        Ok(nanos.into_iter().map(Timestamp::from_nanos).collect())
    }
}

/// Names in presentation form.
pub(crate) mod name {
    use counterpoint_dns::name::{Name, parse_name};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(name: &Name, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(name)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Name, D::Error> {
        let text = String::deserialize(from)?;
        parse_name(&text).map_err(D::Error::custom)
    }
}

/// Record types by number.
pub(crate) mod rtype {
    use counterpoint_dns::name::RecordType;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(rtype: &RecordType, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u16(u16::from(*rtype))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<RecordType, D::Error> {
        u16::deserialize(from).map(RecordType::from)
    }
}

/// Record data in hexadecimal.
pub(crate) mod hex {
    use counterpoint_dns::rdata::Rdata;

    pub(crate) fn write(data: &Rdata) -> String {
        format!("{data:?}")
    }

    pub(crate) fn read(text: &str) -> Option<Rdata> {
        let digits: Option<Vec<u8>> = text
            .chars()
            .map(|digit| digit.to_digit(16).map(|value| value as u8))
            .collect();
        let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
        let octets: Vec<u8> = digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect();
        Some(Rdata::from_octets(octets))
    }
}

/// One record's data.
pub(crate) mod datum {
    use counterpoint_dns::rdata::Rdata;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::hex;

    pub(crate) fn serialize<S: Serializer>(data: &Rdata, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::write(data))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Rdata, D::Error> {
        let text = String::deserialize(from)?;
        hex::read(&text).ok_or_else(|| D::Error::custom("not hex"))
    }
}

/// Sets of record data.
pub(crate) mod data {
    use std::collections::BTreeSet;

    use counterpoint_dns::rdata::Rdata;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::hex;

    pub(crate) fn serialize<S: Serializer>(
        data: &BTreeSet<Rdata>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(data.iter().map(hex::write))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeSet<Rdata>, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        let read = |text: &String| hex::read(text).ok_or_else(|| D::Error::custom("not hex"));
        texts.iter().map(read).collect()
    }
}
