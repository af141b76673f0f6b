//! What the registry's own data say of a child: who may act, and what stands in the way.
//!
//! Plain data from an export; nothing of it is learned by asking (RFC 9615 §4.3).

use std::collections::BTreeSet;

use counterpoint_dns::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A status of the registry that forbids changes by some channel (RFC 5731 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Lock {
    /// Set by the registrar: no reason to suspend automation (D-13).
    ClientUpdateProhibited,
    /// Set by the registry: none either, but for registries that say so (D-14).
    ServerUpdateProhibited,
}

/// What is known of one child besides its delegation. Without an export: the defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Facts {
    /// Identifier of the registrar.
    pub registrar: Option<String>,
    /// Locks that are set.
    pub locks: BTreeSet<Lock>,
    /// When the domain was last changed by EPP (B-04, D-17).
    pub changed: Option<Timestamp>,
    /// The registrar automates DS itself: stand back (D-19).
    pub registrar_automates: bool,
    /// The registrar offers a way to disable DNSSEC: without one no bootstrap (D-19).
    pub registrar_can_disable: bool,
    /// Automation is not wanted for this child (K-16).
    pub opted_out: bool,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            registrar: None,
            locks: BTreeSet::new(),
            changed: None,
            registrar_automates: false,
            registrar_can_disable: true,
            opted_out: false,
        }
    }
}
