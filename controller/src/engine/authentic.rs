//! Whether what a signer's server shows is that signer's word: signed by a key that it, or the group, was
//! known to have.
//!
//! Owns what becomes of an answer that is not: it is unknown. What is seen of a signer for the first time
//! must do, for the parent has no DS of it yet, and denials are taken as they are.

use counterpoint_dns::{key::Dnskey, rdata::Rdata, rrset::SignedRrSet};

use super::Engine;
use crate::{
    common::owner,
    config::SignerName,
    log::Unknown,
    place::{Item, Owner, Place},
};

impl Engine {
    /// What was shown, or that nobody who may have said so has.
    pub(super) fn authentic(
        &self,
        place: &Place,
        item: &Item,
        shown: Result<SignedRrSet, Unknown>,
    ) -> Result<SignedRrSet, Unknown> {
        let signed = shown?;
        let Owner::Signer(signer) = &place.owner else {
            return Ok(signed);
        };
        let is_the_zones = signed.set.name == self.zone && !signed.set.data.is_empty();
        if !is_the_zones || !self.keys.is_seen(signer) || self.is_unsigned(place, item) {
            return Ok(signed);
        }
        let is_vouched_for = match item {
            // RFC 8901 §3.2: a signer signs its DNSKEY RRset itself, or the owner of the zone does.
            Item::Dnskey => {
                let owner: SignerName = owner();
                let own = self.keys.of(signer).chain(self.keys.of(&owner));
                self.is_signed_by(&signed, own)
            }
            _ => self.is_signed_by(&signed, self.keys.every()),
        };
        match is_vouched_for {
            true => Ok(signed),
            false => {
                let why = format!("no key signs it that {signer} was known to have");
                Err(Unknown::Bogus(why))
            }
        }
    }

    /// Whether the instance serves the zone without keys: it may go insecure.
    fn is_unsigned(&self, place: &Place, item: &Item) -> bool {
        let track = self.log.track(place, &Item::Dnskey);
        let current = track.and_then(|track| track.current());
        *item != Item::Dnskey && current.is_some_and(|version| version.data.is_empty())
    }

    fn is_signed_by<'k>(
        &self,
        signed: &SignedRrSet,
        keys: impl Iterator<Item = &'k Rdata>,
    ) -> bool {
        let mut verifier = self.log.verifier().lock();
        let mut keys = keys.filter_map(Dnskey::parse);
        keys.any(|key| {
            let mut rrsigs = signed.signatures.iter();
            rrsigs.any(|rrsig| verifier.made_by(&signed.set, rrsig, &key))
        })
    }
}
