//! Keys by label: made from a seed, so that no vector holds a digest or a private key.

use std::collections::BTreeMap;

use counterpoint_dns::{
    key::{Algorithm, Dnskey, REVOKED, SECURE_ENTRY_POINT, SigningKey, ZONE_KEY},
    stream::octets,
};

use super::layer::Map;

/// The seed of all vectors: key material is SHA-256 of these eight octets and the label.
const SEED: u64 = 1;

/// The labels that need no `keys`.
const BUILT_IN: [(&str, &str); 10] = [
    ("a", "KSK 15"),
    ("az", "ZSK 15"),
    ("b", "KSK 15"),
    ("bz", "ZSK 15"),
    ("n", "KSK 15"),
    ("nz", "ZSK 15"),
    ("s", "KSK 15"),
    ("c", "CSK 15"),
    ("p", "KSK 13"),
    ("pz", "ZSK 13"),
];

/// A key and what it signs.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key.
    pub signing: SigningKey,
    /// It signs DNSKEY, CDS and CDNSKEY.
    pub signs_keys: bool,
    /// It signs everything else.
    pub signs_data: bool,
}

impl Key {
    /// Its DNSKEY record.
    pub fn public(&self) -> &Dnskey {
        self.signing.public()
    }
}

/// All keys of a case.
#[derive(Clone, Debug)]
pub struct Keys(BTreeMap<String, Key>);

impl Keys {
    /// The built-in keys and these.
    pub fn new(more: &Map<String>) -> Result<Self, String> {
        let built_in = BUILT_IN.map(|(label, kind)| (label, kind));
        let more = more
            .iter()
            .filter_map(|(label, kind)| Some((label.as_str(), kind.as_deref()?)));
        let mut keys = BTreeMap::new();
        for (label, kind) in built_in.into_iter().chain(more) {
            keys.insert(label.into(), make(label, kind)?);
        }
        Ok(Self(keys))
    }

    /// The key of this label.
    pub fn get(&self, label: &str) -> Result<&Key, String> {
        let known = || {
            let labels: Vec<&str> = self.0.keys().map(String::as_str).collect();
            labels.join(", ")
        };
        let unknown = || format!("`{label}` is no key; there are {}", known());
        self.0.get(label).ok_or_else(unknown)
    }
}

fn make(label: &str, kind: &str) -> Result<Key, String> {
    let bad =
        || format!("keys.{label} = `{kind}`: write `KSK 15`, `ZSK 13`, `CSK 15`, `REVOKED 15`");
    let (role, number) = kind.split_once(' ').ok_or_else(bad)?;
    let algorithm = number.parse().ok().and_then(Algorithm::from_number);
    let (flags, signs_keys, signs_data) = match role {
        "KSK" => (ZONE_KEY | SECURE_ENTRY_POINT, true, false),
        "ZSK" => (ZONE_KEY, false, true),
        "CSK" => (ZONE_KEY | SECURE_ENTRY_POINT, true, true),
        "REVOKED" => (ZONE_KEY | SECURE_ENTRY_POINT | REVOKED, true, false),
        _ => return Err(bad()),
    };
    Ok(Key {
        signing: SigningKey::from_seed(algorithm.ok_or_else(bad)?, flags, octets(SEED, label)),
        signs_keys,
        signs_data,
    })
}
