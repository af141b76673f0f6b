//! The sections of a policy, with their defaults.

use std::{collections::BTreeSet, net::IpAddr, str::FromStr, time::Duration};

use counterpoint_dns::{
    key::{DIGEST_SHA256, DIGEST_SHA384},
    message,
};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::span;
use crate::{
    config::Unknown,
    state::{FailedRuns, HoldDown},
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// What a first DS RRset needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InitialAccept {
    /// There is none by request of the child.
    Never,
    /// Authenticated signals (RFC 9615).
    #[default]
    Rfc9615,
    /// That the request stands for a while (RFC 8078 §3.3).
    AfterDelay,
    /// Authenticated signals; that it stands for a while, where there are no signals.
    Rfc9615ElseAfterDelay,
}

/// `[initial]`: the first DS RRset of a child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Initial {
    /// What it needs.
    pub accept: InitialAccept,
    /// How long an unauthenticated request has to stand (B-05).
    #[serde(with = "span")]
    pub hold_down: Duration,
    /// In how many sound runs it has to be seen.
    #[serde(deserialize_with = "at_least_one")]
    pub checks: u32,
    /// How far apart runs are that count.
    #[serde(with = "span")]
    pub check_spacing: Duration,
    /// The longest time without a sound run; `0s` for any.
    #[serde(with = "span")]
    pub gap_max: Duration,
    /// What runs do that failed.
    pub failed_runs: FailedRuns,
    /// From how many vantage points it has to be seen (B-13).
    #[serde(deserialize_with = "at_least_one")]
    pub vantage_points: u32,
    /// So long after a change at the registry nothing is secured (B-04).
    #[serde(with = "span")]
    pub registration_quiet: Duration,
}

impl Default for Initial {
    fn default() -> Self {
        Self {
            accept: InitialAccept::default(),
            hold_down: 72 * HOUR,
            checks: 3,
            check_spacing: 12 * HOUR,
            gap_max: 2 * DAY,
            failed_runs: FailedRuns::Ignore,
            vantage_points: 1,
            registration_quiet: Duration::ZERO,
        }
    }
}

impl Initial {
    /// How an unauthenticated request has to stand.
    pub fn hold(&self) -> HoldDown {
        HoldDown {
            period: self.hold_down,
            checks: self.checks,
            spacing: self.check_spacing,
            gap_max: (!self.gap_max.is_zero()).then_some(self.gap_max),
            failed_runs: self.failed_runs,
        }
    }
}

/// Whether a DS RRset is changed on request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RolloverAccept {
    /// One valid sight is enough (B-02), after the deferral.
    #[default]
    OnSight,
    /// It is not.
    Never,
}

/// How much of a new DS RRset must work at every server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Continuity {
    /// Every algorithm of the new DS RRset signs the DNSKEY RRset (RFC 6840 §5.11, for zones).
    #[default]
    Strict,
    /// One valid path is enough (RFC 10026 §4.2.1).
    OnePath,
}

impl FromStr for Continuity {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        match text {
            "strict" => Ok(Self::Strict),
            "one-path" => Ok(Self::OnePath),
            _ => Err(Unknown {
                text: text.into(),
                known: vec!["strict", "one-path"],
            }),
        }
    }
}

/// `[rollover]`: changes of a DS RRset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rollover {
    /// Whether there are any.
    pub accept: RolloverAccept,
    /// How long a request has to stand (K-12).
    #[serde(with = "span")]
    pub deferral: Duration,
    /// How much must work.
    pub continuity: Continuity,
}

/// `[delete]`: the removal of a DS RRset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Delete {
    /// Whether there is any.
    pub accept: RolloverAccept,
    /// How long a request has to stand (K-12).
    #[serde(with = "span")]
    pub deferral: Duration,
}

/// `[ds]`: what goes into a DS RRset, and its TTL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ds {
    /// Digest types that may go in. SHA-1 and GOST never may.
    #[serde(deserialize_with = "digests")]
    pub digests: BTreeSet<u8>,
    /// TTL after a change (D-04); `0s` leaves it as it is.
    #[serde(with = "span")]
    pub ttl_after_change: Duration,
    /// How long after the change the normal TTL returns, at the earliest.
    #[serde(with = "span")]
    pub ttl_restore_after: Duration,
    /// The normal TTL, for children that had no DS RRset.
    #[serde(with = "span")]
    pub ttl: Duration,
    /// Also looks, without a request, whether the DS RRset that is there works; reports only (D-06).
    pub recheck: bool,
}

impl Default for Ds {
    fn default() -> Self {
        Self {
            digests: [DIGEST_SHA256].into(),
            ttl_after_change: 10 * MINUTE,
            ttl_restore_after: 2 * DAY,
            ttl: HOUR,
            recheck: false,
        }
    }
}

/// What a CSYNC needs besides being right (C-06).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// Its immediate flag, or approval by other means.
    #[default]
    Immediate,
    /// Approval by other means, always.
    Always,
}

/// For which nameserver names below the parent the parent carries glue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Glue {
    /// Names within the child, and within its siblings.
    #[default]
    Sibling,
    /// Names within the child only.
    InDomain,
}

/// `[csync]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Csync {
    /// Whether it is looked for.
    pub enabled: bool,
    /// What it needs besides.
    pub approval: Approval,
    /// The smallest NS RRset that the parent accepts (C-15).
    pub ns_min: usize,
    /// Where nameserver names may lie for which glue is needed.
    pub glue: Glue,
    /// TTL of glue under a name that has none of that type now, seconds.
    pub glue_ttl: u32,
}

impl Default for Csync {
    fn default() -> Self {
        Self {
            enabled: true,
            approval: Approval::Immediate,
            ns_min: 1,
            glue: Glue::Sibling,
            glue_ttl: 3_600,
        }
    }
}

/// `[gathering]`: how servers are asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Gathering {
    /// Waits before each further attempt at a silent server, until the scan goes on without it.
    #[serde(with = "span::list")]
    pub retry: Vec<Duration>,
    /// Questions a second to one address; 0 for any number.
    pub address_rate: u32,
    /// Questions under way to one address; 0 for any number.
    pub address_in_flight: u32,
    /// Questions a second to all addresses of one operator, which is the domain of its nameserver names;
    /// 0 for any number.
    pub operator_rate: u32,
    /// Questions under way to all addresses of one operator; 0 for any number.
    pub operator_in_flight: u32,
    /// Questions under way to all; 0 for any number.
    pub in_flight: u32,
    /// Threads at most; 0 for one a core.
    pub hands_max: u32,
    /// The start of each child's scan is moved by up to this.
    #[serde(with = "span")]
    pub jitter: Duration,
    /// Addresses for private or special use that may be asked all the same.
    pub private_addresses: BTreeSet<IpAddr>,
}

impl Default for Gathering {
    fn default() -> Self {
        Self {
            retry: [5, 10, 20, 40].map(|minutes| minutes * MINUTE).into(),
            address_rate: 100,
            address_in_flight: 20,
            operator_rate: 400,
            operator_in_flight: 80,
            in_flight: 1_000,
            hands_max: 0,
            jitter: Duration::ZERO,
            private_addresses: BTreeSet::new(),
        }
    }
}

/// `[bounds]`: what one child may cost. Beyond a bound its survey ends, nothing is judged, and nothing
/// changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Bounds {
    /// Records of an RRset.
    #[serde(deserialize_with = "at_least_one")]
    pub records_max: u32,
    /// Signatures of an RRset.
    #[serde(deserialize_with = "at_least_one")]
    pub signatures_max: u32,
    /// Keys of one algorithm that share a tag.
    #[serde(deserialize_with = "at_least_one")]
    pub same_tag_max: u32,
    /// Wrong signatures that are tried until an RRset counts as bogus.
    #[serde(deserialize_with = "at_least_one")]
    pub bad_signatures_max: u32,
    /// Addresses that are asked about a child, those that it asks for among them.
    #[serde(deserialize_with = "at_least_one")]
    pub servers_max: u32,
    /// Octets of all answers about a child.
    #[serde(deserialize_with = "at_least_one")]
    pub octets_max: u32,
    /// From the first question about a child to the last answer, waiting for a turn included.
    #[serde(with = "span")]
    pub time_max: Duration,
}

impl Default for Bounds {
    /// BIND takes 100 records of a type as well; the rest is several times what a zone of six signers
    /// needs while it rolls.
    fn default() -> Self {
        Self {
            records_max: 100,
            signatures_max: 16,
            same_tag_max: 4,
            bad_signatures_max: 8,
            servers_max: 64,
            octets_max: 1 << 20,
            time_max: 15 * MINUTE,
        }
    }
}

impl Bounds {
    /// Those of one RRset.
    pub fn of_rrset(&self) -> message::Bounds {
        message::Bounds {
            records_max: self.records_max,
            signatures_max: self.signatures_max,
            same_tag_max: self.same_tag_max,
        }
    }
}

/// `[brakes]`: how much one run may change. The smaller of a count and its per-mille share holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Brakes {
    /// All changes.
    pub changes_max: u32,
    /// All changes, of the children scanned.
    pub changes_per_mille: u32,
    /// Removals of DS RRsets.
    pub deletes_max: u32,
    /// Removals of DS RRsets, of the children scanned.
    pub deletes_per_mille: u32,
    /// Changes of NS RRsets and glue.
    pub ns_max: u32,
    /// Changes of NS RRsets and glue, of the children scanned.
    pub ns_per_mille: u32,
    /// Changes of children that share their nameservers, of those children.
    pub operator_per_mille: u32,
    /// How much smaller than last time the input may be.
    pub shrink_per_mille: u32,
    /// A share needs at least so many changes before it counts.
    pub share_from: u32,
    /// Stop after so many changes that were refused or did not verify.
    pub failures_max: u32,
    /// While this file exists, nothing is changed; empty for none.
    pub kill_file: String,
}

impl Default for Brakes {
    fn default() -> Self {
        Self {
            changes_max: 1_000,
            changes_per_mille: 50,
            deletes_max: 100,
            deletes_per_mille: 5,
            ns_max: 200,
            ns_per_mille: 10,
            operator_per_mille: 200,
            shrink_per_mille: 50,
            share_from: 10,
            failures_max: 3,
            kill_file: String::new(),
        }
    }
}

/// `[registrars.ID]`: what is different for the children of one registrar.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Registrar {
    /// Nothing is automated for them (K-16).
    pub opt_out: bool,
    /// It automates DS itself (D-19).
    pub automates: bool,
    /// It offers no way to disable DNSSEC (D-19).
    pub cannot_disable: bool,
}

/// Digest types that can be computed and that may be used for delegations.
fn digests<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<u8>, D::Error> {
    let types = BTreeSet::<u8>::deserialize(deserializer)?;
    let known = [DIGEST_SHA256, DIGEST_SHA384];
    match types.iter().find(|number| !known.contains(number)) {
        Some(odd) => Err(de::Error::custom(format!(
            "digest type {odd} is not for delegations: expected 2 (SHA-256), 4 (SHA-384), or both"
        ))),
        None if types.is_empty() => Err(de::Error::custom(
            "no digest type is left: expected 2 (SHA-256), 4 (SHA-384), or both",
        )),
        None => Ok(types),
    }
}

fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        0 => Err(de::Error::custom(
            "0 means nothing here: expected 1 or more",
        )),
        count => Ok(count),
    }
}
