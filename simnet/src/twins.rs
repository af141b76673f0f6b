//! Keys with the same tag (RFC 4034 §8, Appendix B), of signers that have such luck.
//!
//! Owns how such keys are found. Tags have 16 bits: among a few hundred keys of each two agree by chance,
//! as birthdays do.

use std::collections::BTreeMap;

use counterpoint_dns::{
    key::{Algorithm, SigningKey},
    name::Name,
    stream::octets,
};

use crate::{
    habits::Habit,
    keys::KeyKind,
    topology::{SignerPlan, Stage},
};

/// So many keys of each are tried. Three signers need some two thousand; what four would need takes too
/// long, and their first keys are as they come.
const ROUNDS_MAX: u32 = 20_000;

impl Stage {
    /// The key of this label, made of the world's seed.
    pub(crate) fn key_of(
        &self,
        algorithm: Algorithm,
        signer: &str,
        zone: &Name,
        kind: KeyKind,
        label: &str,
    ) -> SigningKey {
        let is_first = kind.signs_data() && label == format!("{kind}-1");
        let twin = is_first.then(|| self.twin(signer, zone)).flatten();
        twin.unwrap_or_else(|| {
            let seed = format!("{signer}/{zone}/{label}");
            SigningKey::from_seed(algorithm, kind.flags(), octets(self.topology.seed, &seed))
        })
    }

    /// The first key of `signer` that signs data, if its tag is to be that of others' too.
    fn twin(&self, signer: &str, zone: &Name) -> Option<SigningKey> {
        let all = self.topology.signers.iter();
        let (lucky, others): (Vec<_>, Vec<_>) =
            all.partition(|plan| plan.habits.has(Habit::KeyTagTwin));
        let parties: Vec<&SignerPlan> = lucky
            .iter()
            .chain(others.first().filter(|_| !lucky.is_empty()))
            .copied()
            .collect();
        let own = parties.iter().position(|plan| plan.name == signer)?;
        let key = |party: usize, round: u32| {
            let plan = parties[party];
            let kind = match plan.is_csk {
                true => KeyKind::Csk,
                false => KeyKind::Zsk,
            };
            let seed = format!("{}/{zone}/twin/{round}", plan.name);
            let seed = octets(self.topology.seed, &seed);
            SigningKey::from_seed(plan.algorithm, kind.flags(), seed)
        };
        // For each tag, the round in which each party met it first.
        let mut met: BTreeMap<u16, Vec<Option<u32>>> = BTreeMap::new();
        for round in 0..ROUNDS_MAX {
            for party in 0..parties.len() {
                let tag = key(party, round).public().tag();
                let rounds = met.entry(tag).or_insert_with(|| vec![None; parties.len()]);
                rounds[party].get_or_insert(round);
                if rounds.iter().all(Option::is_some) {
                    return rounds[own].map(|round| key(own, round));
                }
            }
        }
        None
    }
}
