//! The sections of a policy that say where things are and how a run goes, not what is accepted.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use counterpoint_dns::resolver::iana;
use serde::{Deserialize, Serialize};

use super::span;

/// `[parent]`: the delegating zone and its primary. Options of a command come before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ParentPlace {
    /// The zone; without one, the zone of the input's SOA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The primary that takes updates, with its port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<SocketAddr>,
    /// The file of the TSIG key for transfers and updates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tsig_key: Option<String>,
    /// So long a file may still show what was there before a change.
    #[serde(with = "span")]
    pub lag: Duration,
}

impl Default for ParentPlace {
    fn default() -> Self {
        Self {
            zone: None,
            primary: None,
            tsig_key: None,
            lag: Duration::from_secs(86_400),
        }
    }
}

/// `[resolver]`: our own iterative, validating resolver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ResolverPlace {
    /// Addresses of the root servers.
    pub roots: Vec<IpAddr>,
    /// DS records of the root's keys, in presentation form.
    pub trust_anchor: Vec<String>,
    /// Whether servers are asked over IPv6 too.
    pub ipv6: bool,
}

impl Default for ResolverPlace {
    fn default() -> Self {
        Self {
            roots: iana::ROOTS.to_vec(),
            trust_anchor: iana::ANCHORS.map(String::from).to_vec(),
            ipv6: false,
        }
    }
}

/// What secures a domain at a registry: one or the other, never both (RFC 5910 §4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Secures {
    /// DS records.
    #[default]
    Ds,
    /// Keys; the registry makes DS records of them.
    Keys,
}

/// `[epp]`: the registry that is told of changes, where its database makes the zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct EppPlace {
    /// Its server, `HOST:PORT`; empty for none.
    pub server: String,
    /// Who logs in.
    pub user: String,
    /// The file with the password, which nobody else may read.
    pub password_file: String,
    /// The authorities of its certificate (PEM file); empty for the public ones.
    pub authorities: String,
    /// Our own certificate (PEM file), if it wants one.
    pub certificate: String,
    /// The key of that (PEM file), which nobody else may read.
    pub key: String,
    /// What it keeps.
    pub interface: Secures,
    /// Whether it sets TTLs by request (RFC 9803).
    pub ttl: bool,
}

/// `[plan]`: plans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Planning {
    /// For how long a plan may be applied.
    #[serde(with = "span")]
    pub valid: Duration,
}

impl Default for Planning {
    fn default() -> Self {
        Self {
            valid: Duration::from_secs(86_400),
        }
    }
}

/// `[watch]`: the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Watch {
    /// From one scan of a child to the next.
    #[serde(with = "span")]
    pub interval: Duration,
    /// The same, for children whose last change was found by a NOTIFY (N-16).
    #[serde(with = "span")]
    pub interval_after_notify: Duration,
    /// Each scan comes later by up to this.
    #[serde(with = "span")]
    pub jitter: Duration,
    /// From one round of changes to the next, at least.
    #[serde(with = "span")]
    pub publish: Duration,
    /// How often it is looked whether the input is another.
    #[serde(with = "span")]
    pub reread: Duration,
    /// The brakes count the changes of so long a time.
    #[serde(with = "span")]
    pub brakes_window: Duration,
    /// Where `/health` and `/metrics` are served, by plain HTTP; nowhere, without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<SocketAddr>,
}

impl Default for Watch {
    fn default() -> Self {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        Self {
            interval: minutes(24 * 60),
            interval_after_notify: minutes(7 * 24 * 60),
            jitter: minutes(60),
            publish: minutes(1),
            reread: minutes(1),
            brakes_window: minutes(24 * 60),
            status: None,
        }
    }
}

/// `[notify]`: NOTIFY from children (RFC 9859).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Notify {
    /// Where the daemon listens, by UDP and TCP.
    pub listen: BTreeSet<SocketAddr>,
    /// The host that DSYNC records name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The port that they name.
    pub port: u16,
    /// A child is scanned because of a NOTIFY at most once in this time (N-12).
    #[serde(with = "span")]
    pub child_pause: Duration,
    /// So many of one source, which is a network of IPv4 /24 or IPv6 /48, are acted upon in a minute
    /// (N-12).
    pub source_max: u32,
}

impl Default for Notify {
    fn default() -> Self {
        Self {
            listen: BTreeSet::new(),
            target: None,
            port: 53,
            child_pause: Duration::from_secs(60),
            source_max: 60,
        }
    }
}

/// `[self-test]`: what must hold of resolver and clock before a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct SelfTest {
    /// Names whose SOA must be secure.
    pub good: BTreeSet<String>,
    /// Names whose SOA must be bogus.
    pub bogus: BTreeSet<String>,
}

impl Default for SelfTest {
    fn default() -> Self {
        Self {
            good: [".".into()].into(),
            bogus: ["dnssec-failed.org.".into()].into(),
        }
    }
}
