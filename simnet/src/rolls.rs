//! What a signer does with its own keys when it is asked to: key rolls, algorithm rolls, no
//! signatures at all.
//!
//! Each may be asked for twice: whoever asks may have died in between. Owns no time: when a step is
//! safe is for others to know. Each function changes primaries; [`Stage::publish`] makes the change
//! visible.

use std::collections::BTreeSet;

use counterpoint_dns::{
    key::{Algorithm, Dnskey},
    name::{Name, RecordType},
};

use crate::{keys::KeyKind, topology::Stage};

impl Stage {
    /// Publishes one more key of this kind: one that signs DNSKEY does so at once, beside the old one.
    pub fn begin_roll(&mut self, signer: &str, zone: &Name, kind: KeyKind) {
        let Some(primary) = self.primary(signer, zone) else {
            return;
        };
        if primary.keys.of_kind(kind).len() == 1 {
            let label = format!("{kind}-{}", primary.keys.next_order() + 1);
            let algorithm = self.algorithm_in_use(signer, zone);
            let signs = kind.signs_keys();
            self.make_key_of(algorithm, signer, zone, kind, &label, signs);
        }
    }

    /// Signs with the newest key of this kind alone.
    pub fn sign_with_newest(&mut self, signer: &str, zone: &Name, kind: KeyKind) {
        if let Some(primary) = self.primary(signer, zone) {
            let mut keys = primary.keys.of_kind(kind);
            let newest = keys.pop();
            keys.iter_mut().for_each(|(_, own)| own.is_active = false);
            newest.into_iter().for_each(|(_, own)| own.is_active = true);
        }
    }

    /// Removes all keys of this kind but the newest.
    pub fn drop_replaced(&mut self, signer: &str, zone: &Name, kind: KeyKind) {
        if let Some(primary) = self.primary(signer, zone) {
            let mut keys = primary.keys.of_kind(kind);
            keys.pop();
            let old: BTreeSet<String> = keys.into_iter().map(|(label, _)| label.clone()).collect();
            primary.keys.own.retain(|label, _| !old.contains(label));
        }
    }

    /// Makes keys of another algorithm and signs all data with them as well; an update will publish
    /// them. Returns all own keys of that algorithm.
    pub fn prepare_algorithm(
        &mut self,
        signer: &str,
        zone: &Name,
        algorithm: Algorithm,
    ) -> Vec<Dnskey> {
        let of_it = |stage: &mut Self| -> Vec<Dnskey> {
            let own = stage.own_keys(signer, zone, &crate::by_hand::Keys::All);
            let is_of_it = |key: &Dnskey| key.algorithm == algorithm.number();
            own.into_iter().filter(is_of_it).collect()
        };
        let Some(primary) = self.primary(signer, zone) else {
            return Vec::new();
        };
        let own = primary.keys.own.values();
        let kinds: BTreeSet<KeyKind> = own.map(|own| own.kind).collect();
        if of_it(self).is_empty() {
            for kind in kinds {
                let label = format!("{kind}-{}", algorithm.number());
                let signs = kind.signs_data();
                self.make_key_of(algorithm, signer, zone, kind, &label, signs);
                let primary = self.primary(signer, zone);
                if let Some(own) = primary.and_then(|primary| primary.keys.own.get_mut(&label)) {
                    own.is_published = false;
                }
            }
        }
        of_it(self)
    }

    /// Lets updates take the keys of all but the newest algorithm out; they go on signing data.
    pub fn retire_algorithms(&mut self, signer: &str, zone: &Name) {
        let keep = self.algorithm_in_use(signer, zone).number();
        if let Some(primary) = self.primary(signer, zone) {
            for own in primary.keys.own.values_mut() {
                own.may_leave = own.key.public().algorithm != keep;
            }
        }
    }

    /// Drops keys that are no longer published, and their signatures.
    pub fn drop_retired(&mut self, signer: &str, zone: &Name) {
        if let Some(primary) = self.primary(signer, zone) {
            let keys = &mut primary.keys.own;
            keys.retain(|_, own| own.is_published || !own.may_leave);
        }
    }

    /// Serves the zone unsigned.
    pub fn unsign(&mut self, signer: &str, zone: &Name) {
        if let Some(primary) = self.primary(signer, zone) {
            primary.signing = None;
            primary.keys.own.clear();
            primary.keys.foreign.clear();
            primary.contents.remove(zone, RecordType::DNSKEY);
        }
    }

    /// The algorithm of the newest key.
    fn algorithm_in_use(&mut self, signer: &str, zone: &Name) -> Algorithm {
        let planned = self
            .signer(signer)
            .map_or(Algorithm::Ed25519, |plan| plan.algorithm);
        let keys = self.primary(signer, zone).map(|primary| &primary.keys.own);
        let newest = keys.and_then(|own| own.values().max_by_key(|own| own.order));
        newest
            .and_then(|own| Algorithm::from_number(own.key.public().algorithm))
            .unwrap_or(planned)
    }
}
