//! Habits of signers, one or two at some. What no controller can bring to an end blocks with a reason.

use rand::RngExt as _;

use super::Drawing;
use crate::{
    explore::feature::Feature,
    scenario::{Algorithm, Quirk},
};

impl Drawing {
    pub(super) fn quirks(&mut self) {
        // What signers of a common KSK serve is the owner's doing.
        if !self.has(Feature::Quirks) || self.has_common_ksk() {
            return;
        }
        for index in 0..self.scenario.signers.len() {
            if !self.one_in(2) {
                continue;
            }
            for _ in 0..self.chance.random_range(1..=2_u32) {
                let quirk = self.quirk(index);
                let signer = &mut self.scenario.signers[index];
                if !signer.quirks.contains(&quirk) {
                    signer.quirks.push(quirk);
                }
            }
        }
    }

    /// A habit of updates, of signals or of keys.
    fn quirk(&mut self, signer: usize) -> Quirk {
        let usual = [
            Quirk::DropsForeignDnskey,
            Quirk::DropsForeignKsk,
            Quirk::CapsTtl,
            Quirk::OmitsCdnskey,
            Quirk::RefusesCds,
            Quirk::OwnCds,
            Quirk::CdsKskOnly,
            Quirk::OneTtl,
        ];
        // A twin takes thousands of keys to find, which Ed25519 makes quickly.
        let is_quick = self.scenario.signers[signer].algorithm == Algorithm::Ed25519;
        let quirk = match is_quick && self.one_in(40) {
            true => Quirk::KeyTagTwin,
            false => self.pick(&usual),
        };
        // Where nobody keeps everybody's CDS beside its own, the parent follows it as soon as the others
        // are silent or no longer asked.
        let is_alone = self.has(Feature::Withdraw) || self.is_by_hand();
        // It names keys from the moment it has them, and one who is alone is followed: a new algorithm
        // would have its DS while caches hold DNSKEY RRsets without it.
        let is_early = self.has(Feature::RollAlgorithm);
        match quirk {
            Quirk::OwnCds if is_alone || is_early => Quirk::CdsKskOnly,
            quirk => quirk,
        }
    }
}
