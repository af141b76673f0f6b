//! What was declared, as far as a verdict depends on it.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    config::{Config, SignerName},
    place::Owner,
};

/// What was declared, as far as a verdict depends on it: no secret, no address to which anything is
/// written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Declared {
    /// The delegating zone.
    pub parent: String,
    /// Of each signer, the longest TTL in a zone that it served; seconds.
    pub max_ttl: BTreeMap<SignerName, u64>,
}

impl Declared {
    /// What `config` declares of these.
    pub(crate) fn of<'a>(config: &Config, owners: impl Iterator<Item = &'a Owner>) -> Self {
        let signers = owners.filter_map(|owner| match owner {
            Owner::Signer(name) => config.signers.get_key_value(name),
            Owner::Parent => None,
        });
        Self {
            parent: config.parent.zone.to_string(),
            max_ttl: signers
                .map(|(name, signer)| (name.clone(), signer.max_ttl.as_secs()))
                .collect(),
        }
    }

    /// The bound of one signer; none: it was not declared.
    pub(crate) fn max_ttl(&self, signer: &SignerName) -> Option<Duration> {
        self.max_ttl.get(signer).copied().map(Duration::from_secs)
    }
}
