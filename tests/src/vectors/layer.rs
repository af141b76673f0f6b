//! The format: what a vector file may say, in layers of which the upper hides the lower.
//!
//! Owns the keys and how layers lie over one another: *built-in < `[default]` < case < scan*. Knows
//! nothing of what the words mean; a key that is not here is an error with its place.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Spanned, Table, Value};

/// Something that may lie over another of its kind.
pub trait Over {
    /// What is seen when `self` lies over `base`.
    fn over(self, base: &Self) -> Self;
}

/// A value hides the value below.
impl<T: Clone> Over for Option<T> {
    fn over(self, base: &Self) -> Self {
        self.or_else(|| base.clone())
    }
}

/// Key by key.
impl<V: Over + Clone + Default> Over for BTreeMap<String, V> {
    fn over(self, base: &Self) -> Self {
        let mut all = base.clone();
        for (key, value) in self {
            let below = all.remove(&key).unwrap_or_default();
            all.insert(key, value.over(&below));
        }
        all
    }
}

/// Key by key, tables within tables too.
impl Over for Table {
    fn over(self, base: &Self) -> Self {
        let mut all = base.clone();
        for (key, value) in self {
            let value = match (value, all.remove(&key)) {
                (Value::Table(upper), Some(Value::Table(lower))) => {
                    Value::Table(upper.over(&lower))
                }
                (value, _) => value,
            };
            all.insert(key, value);
        }
        all
    }
}

macro_rules! layers {
    ($($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $field:ident: $kind:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
        pub struct $name { $($(#[$about])* pub $field: $kind,)* }

        impl Over for $name {
            fn over(self, base: &Self) -> Self {
                Self { $($field: self.$field.over(&base.$field),)* }
            }
        }
    )*};
}

/// Values by key, each hidden on its own.
pub type Map<T> = BTreeMap<String, Option<T>>;
/// Words in order.
pub type Words = Vec<String>;

layers! {
    /// What a server serves, and how it behaves: `zone` for all of them, `on.LABEL` for one.
    Site {
        /// The DNSKEY RRset, by key labels.
        dnskey: Option<Words>,
        /// The keys whose private half is here.
        signers: Option<Words>,
        /// The CDS RRset.
        cds: Option<Words>,
        /// The CDNSKEY RRset.
        cdnskey: Option<Words>,
        /// The CSYNC RRset: `SERIAL FLAGS TYPES`.
        csync: Option<Words>,
        /// The NS RRset, by server labels or names.
        ns: Option<Words>,
        /// The SOA's serial.
        serial: Option<u32>,
        /// Other RRsets, by `OWNER TYPE`.
        records: Map<Words>,
        /// Who signs this type, instead of who would.
        sign: Map<Words>,
        /// First second of the signatures, from the beginning of the case.
        inception: Option<String>,
        /// Last second of the signatures, from the beginning of the case.
        expiration: Option<String>,
        /// The same for one type: `[INCEPTION, EXPIRATION]`.
        validity: Map<(String, String)>,
        /// The TTL of this type's RRsets, seconds.
        ttl: Map<u32>,
        /// Types that carry no signature.
        unsigned: Option<Words>,
        /// Types whose signatures are spoilt in one bit.
        bogus: Option<Words>,
        /// The owner name under which this type at the apex is answered.
        owner: Map<String>,
        /// How questions of this type are met, or `all`: see [`Behaviour`](super::site::Behaviour).
        answers: Map<String>,
        /// How absence is proven: `nsec` or `nsec3`.
        denial: Option<String>,
        /// Types after whose answer the serial rises by one.
        moves: Option<Words>,
    }

    /// The parent's side of the delegation.
    ParentSide {
        /// The DS RRset, by key labels.
        ds: Option<Words>,
        /// The NS RRset, by server labels or names.
        ns: Option<Words>,
        /// Glue, by server label or name.
        glue: Map<Words>,
        /// TTLs of NS, DS and glue (A, AAAA), seconds.
        ttl: Map<u32>,
        /// Other RRsets of the parent's zone, by `OWNER TYPE`.
        records: Map<Words>,
    }

    /// A signalling zone (RFC 9615), by server label.
    Signal {
        /// CDS at the signalling name; what the zone says, if nothing is said here.
        cds: Option<Words>,
        /// CDNSKEY at the signalling name.
        cdnskey: Option<Words>,
        /// `secure`, `insecure`, `bogus`, `cut`, `absent` (a zone without signal), `none` (no zone),
        /// `forged` (a zone without signal, and the root answers in its stead).
        state: Option<String>,
    }

    /// One layer: the defaults of a file, a case, a scan of a case.
    Layer {
        /// What the case shows.
        title: Option<Spanned<String>>,
        /// When this scan comes, from the beginning of the case.
        at: Option<String>,
        /// Nobody asks for this scan: it is what the agent did by itself until then.
        unasked_for: Option<bool>,
        /// Keys besides the built-in ones: `KSK 15`.
        keys: Map<String>,
        /// The parent's policy, with the keys of its policy file.
        policy: Table,
        /// What the registry knows of the delegation.
        registry: Table,
        /// The parent's side.
        parent: ParentSide,
        /// The servers: `HOST ADDRESS` by label.
        servers: Map<String>,
        /// What all servers serve.
        zone: Site,
        /// What one server serves instead.
        on: BTreeMap<String, Site>,
        /// Signalling zones.
        signal: BTreeMap<String, Signal>,
        /// The verdict on CDS and CDNSKEY: `OUTCOME RULE REASON`.
        expect: Option<String>,
        /// The verdict on CSYNC.
        expect_csync: Option<String>,
        /// The parent's side afterwards, where it differs.
        after: Option<ParentSide>,
        /// Questions that must have been asked: `LABEL TYPE [TRANSPORT]`.
        asked: Option<Words>,
        /// Questions that must not have been asked.
        not_asked: Option<Words>,
        /// Further scans.
        scan: Option<Vec<Layer>>,
    }
}

/// One file: the cases of one rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct File {
    /// The rule, `K-04`.
    pub rule: String,
    /// What it demands, and where that is written.
    pub title: String,
    /// What all cases have in common.
    #[serde(default)]
    pub default: Layer,
    /// The cases.
    pub case: Vec<Layer>,
}
