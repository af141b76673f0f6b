//! Where a zone is kept, when it is not given to each of its signers: by its owner or by one of them
//! (the serve-only, hybrid and inline models of draft-huque-dnsop-multi-provider-dnssec §2).

use std::collections::BTreeSet;

use counterpoint_dns::name::Name;

use crate::{
    primary::Primary,
    topology::{OWNER, SignerPlan, Stage, ZonePlan},
};

impl ZonePlan {
    /// Whether `signer` serves what another signed.
    pub fn is_secondary(&self, signer: &str) -> bool {
        let source = self.source.as_ref().filter(|source| !source.is_unsigned);
        source.is_some_and(|source| source.by != signer)
    }

    /// Whether `who` keeps it for others that sign it.
    pub(crate) fn keeps_unsigned(&self, who: &str) -> bool {
        let source = self.source.as_ref().filter(|source| source.is_unsigned);
        source.is_some_and(|source| source.by == who)
    }

    /// Whether all who serve it serve the same keys: nothing is exchanged.
    pub(crate) fn serves_one_set(&self) -> bool {
        let signed_once = self
            .source
            .as_ref()
            .is_some_and(|source| !source.is_unsigned);
        self.shares_keys || signed_once
    }
}

impl Stage {
    fn plan_of(&self, zone: &Name) -> Option<&ZonePlan> {
        let mut zones = self.topology.zones.iter();
        zones.find(|plan| plan.name == *zone)
    }

    /// Who keeps what `signer` serves as `zone`.
    pub fn keeper(&self, signer: &str, zone: &Name) -> String {
        let source = self.plan_of(zone).filter(|plan| plan.is_secondary(signer));
        let source = source.and_then(|plan| plan.source.as_ref());
        source.map_or_else(|| signer.into(), |source| source.by.clone())
    }

    /// Whose keys those are with which `signer` signs `zone`.
    pub(crate) fn holder_of_keys(&self, signer: &str, zone: &Name) -> String {
        match self.plan_of(zone).is_some_and(|plan| plan.shares_keys) {
            true => OWNER.into(),
            false => signer.into(),
        }
    }

    /// Where the records of `zone` are changed that `signer` shows: DNSSEC's own are its signer's.
    pub(crate) fn writer(&mut self, signer: &str, zone: &Name) -> Option<&mut Primary> {
        let source = self.plan_of(zone).and_then(|plan| plan.source.clone());
        let writer = source.map_or_else(|| signer.to_owned(), |source| source.by);
        let index = self.world.operator(&writer)?;
        self.world.operators[index].primaries.get_mut(zone)
    }

    /// The owner runs a server without a name, if it keeps any zone.
    pub(crate) fn add_owner(&mut self) {
        let mut zones = self.topology.zones.iter();
        let kept = zones.find(|zone| zone.source.as_ref().is_some_and(|by| by.by == OWNER));
        let first = kept.and_then(|zone| self.signer(zone.signers.first()?));
        let Some(first) = first.cloned() else { return };
        let propagation = first.propagation.clone();
        self.owner = Some(SignerPlan {
            name: OWNER.into(),
            ..first
        });
        self.add_operator(OWNER, 0, propagation);
    }

    /// The zone at those who keep it: at its source, and at every signer that signs.
    pub(crate) fn put_zone(&mut self, zone: &ZonePlan) {
        let source = zone.source.iter().map(|source| &source.by);
        let signers = zone
            .signers
            .iter()
            .filter(|signer| !zone.is_secondary(signer));
        let keepers: BTreeSet<String> = source.chain(signers).cloned().collect();
        for keeper in keepers {
            self.new_zone(&keeper, zone);
        }
    }

    /// Everybody who has a zone from its source begins to ask for it.
    pub(crate) fn add_secondaries(&mut self) {
        for zone in self.topology.zones.clone() {
            for signer in &zone.signers {
                self.attach(signer, &zone, true);
            }
        }
    }

    /// `signer` has the zone from its source, if there is one, from now on or for ever.
    pub(crate) fn attach(&mut self, signer: &str, zone: &ZonePlan, for_ever: bool) {
        let Some(source) = zone.source.as_ref().filter(|source| source.by != signer) else {
            return;
        };
        let (of, by) = (self.world.operator(&source.by), self.world.operator(signer));
        if let (Some(of), Some(by)) = (of, by) {
            let name = &zone.name;
            self.world
                .add_secondary(by, of, name, source.is_unsigned, for_ever);
        }
    }
}
