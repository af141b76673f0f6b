//! What the operator of the parent decides, as one TOML file: every knob, with its default.
//!
//! Plain data. Owns the defaults and the names; decides nothing itself. A file may begin with
//! `preset = "ch"` and says only what differs; `file` reads it, and names the place of each mistake.

mod file;
pub mod operation;
mod sections;
mod span;

use std::collections::{BTreeMap, BTreeSet};

use counterpoint_dns::validate;
use serde::{Deserialize, Serialize};

pub use file::{BadPolicy, PRESETS};
pub use operation::{
    EppPlace, Notify, ParentPlace, Planning, ResolverPlace, Secures, SelfTest, Watch,
};
pub use sections::{
    Approval, Bounds, Brakes, Continuity, Csync, Delete, Ds, Gathering, Glue, Initial,
    InitialAccept, Registrar, Rollover, RolloverAccept,
};

use crate::{config::Sabotage, registry::Facts};

/// Everything that a verdict depends on besides the answers, and how politely they are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Policy {
    /// The preset that the file builds on; empty for the plain defaults.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub preset: String,
    /// Whether CDS and CDNSKEY are looked for.
    pub cds: bool,
    /// A lock of the registry suspends automation, contrary to RFC 10026 §6.1 (D-14).
    pub server_lock_suspends: bool,
    /// Children that are never changed (brakes).
    pub protected: BTreeSet<String>,
    /// The first DS RRset of a child (B-01).
    pub initial: Initial,
    /// Changes of a DS RRset (B-01).
    pub rollover: Rollover,
    /// Its removal (B-01).
    pub delete: Delete,
    /// What goes into a DS RRset, and its TTL.
    pub ds: Ds,
    /// CSYNC.
    pub csync: Csync,
    /// How servers are asked.
    pub gathering: Gathering,
    /// What one child may cost.
    pub bounds: Bounds,
    /// How much one run may change.
    pub brakes: Brakes,
    /// What is different for the children of one registrar, by identifier (K-16, D-19).
    pub registrars: BTreeMap<String, Registrar>,
    /// The delegating zone and its primary.
    pub parent: ParentPlace,
    /// The registry.
    pub epp: EppPlace,
    /// The resolver.
    pub resolver: ResolverPlace,
    /// Plans.
    pub plan: Planning,
    /// What must hold before a run.
    pub self_test: SelfTest,
    /// The daemon.
    pub watch: Watch,
    /// NOTIFY from children.
    pub notify: Notify,
    /// Algorithms and digests that signatures are checked with.
    #[serde(skip)]
    pub validation: validate::Policy,
    /// Deliberate defects.
    #[serde(skip)]
    pub sabotage: BTreeSet<Sabotage>,
    /// Rules that are switched off, to ask what would happen without them: one entry of a table, as
    /// `cds/K-05/CONTINUITY`, or all entries of a reason code. A scanner's own policy has none.
    #[serde(skip)]
    pub muted: BTreeSet<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            preset: String::new(),
            cds: true,
            server_lock_suspends: false,
            protected: BTreeSet::new(),
            initial: Initial::default(),
            rollover: Rollover::default(),
            delete: Delete::default(),
            ds: Ds::default(),
            csync: Csync::default(),
            gathering: Gathering::default(),
            bounds: Bounds::default(),
            brakes: Brakes::default(),
            registrars: BTreeMap::new(),
            parent: ParentPlace::default(),
            epp: EppPlace::default(),
            resolver: ResolverPlace::default(),
            plan: Planning::default(),
            self_test: SelfTest::default(),
            watch: Watch::default(),
            notify: Notify::default(),
            validation: validate::Policy::default(),
            sabotage: BTreeSet::new(),
            muted: BTreeSet::new(),
        }
    }
}

impl Policy {
    /// Whether this defect is switched on.
    pub fn has(&self, defect: Sabotage) -> bool {
        self.sabotage.contains(&defect)
    }

    /// What holds for the children of their registrar.
    pub fn registrar(&self, facts: &Facts) -> Registrar {
        let known = facts
            .registrar
            .as_ref()
            .and_then(|id| self.registrars.get(id));
        known.cloned().unwrap_or_default()
    }
}
