//! What lies beyond parent and child: the root, and the signalling zones of RFC 9615.

use counterpoint_dns::{
    name::{Name, RecordType},
    rdata::Rdata,
    rrset::RrSet,
};

use super::{PARENT, Town, infrastructure, name, tsig};
use crate::vectors::{
    authority::{Authority, State},
    layer::{self, Layer, Over as _},
    record::Reader,
};

impl Town {
    /// Builds everything that is delegated, each zone from the deepest one above it.
    pub(super) fn build_authorities(&mut self, words: &Layer) -> Result<(), String> {
        let (root, parent) = (name("."), name(PARENT));
        let authority =
            |zone, last, state| Authority::new(zone, infrastructure(last), state, tsig());
        let mut all = vec![
            authority(root, 1, State::Secure),
            authority(parent.clone(), 2, State::Secure),
        ];
        for set in self.address_sets(|host, child| !child.zone_of(host)) {
            let at = usize::from(parent.zone_of(&set.name));
            all[at].primary.contents.put(set);
        }
        for (number, (label, signal)) in words.signal.iter().enumerate() {
            let last = u8::try_from(11 + 2 * number).map_err(|_| "too many signalling zones")?;
            let zones = self.signalling_zones(label, signal, words, last);
            all.extend(zones.map_err(|error| format!("signal.{label}: {error}"))?);
        }
        // Each is delegated from the deepest zone above it.
        for at in 1..all.len() {
            let below = all.remove(at);
            let is_above =
                |zone: &&mut Authority| zone.primary.zone().zone_of(below.primary.zone());
            let deepest = all.iter_mut().filter(is_above);
            let deepest = deepest.max_by_key(|zone| zone.primary.zone().num_labels());
            deepest.expect("the root is above all").delegate(&below);
            all.insert(at, below);
        }
        self.authorities = all;
        Ok(())
    }

    /// RFC 9615 §2: `_dsboot.CHILD._signal.HOST`.
    fn signalling_zones(
        &self,
        label: &str,
        signal: &layer::Signal,
        words: &Layer,
        last: u8,
    ) -> Result<Vec<Authority>, String> {
        let host = self.hosts.get(label).ok_or("there is no such server")?;
        if signal.state.as_deref() == Some("none") {
            return Ok(Vec::new());
        }
        let bad = |error: &dyn std::fmt::Display| error.to_string();
        let zone = host.prepend_label("_signal").map_err(|error| bad(&error))?;
        let at = Name::from_ascii("_dsboot").and_then(|first| first.append_name(&self.child));
        let at = at
            .and_then(|first| first.append_name(&zone))
            .map_err(|error| bad(&error))?;
        let own = words
            .on
            .get(label)
            .cloned()
            .unwrap_or_default()
            .over(&words.zone);
        let state = match signal.state.as_deref() {
            None | Some("secure" | "cut" | "absent") => State::Secure,
            Some("insecure") => State::Insecure,
            Some("bogus") => State::Bogus,
            Some(other) => {
                return Err(format!(
                    "state `{other}`: write secure, insecure, bogus, cut, absent or none"
                ));
            }
        };
        let authority = |zone, last| Authority::new(zone, infrastructure(last), state, tsig());
        let mut zones = vec![authority(zone, last)];
        if signal.state.as_deref() == Some("cut") {
            zones.push(authority(at.clone(), last + 1));
        }
        let reader = Reader {
            zone: &self.child,
            keys: &self.keys,
        };
        for (rtype, data) in [
            (RecordType::CDS, signal.cds.as_ref().or(own.cds.as_ref())),
            (
                RecordType::CDNSKEY,
                signal.cdnskey.as_ref().or(own.cdnskey.as_ref()),
            ),
        ] {
            let data = data
                .into_iter()
                .flatten()
                .map(|text| reader.data(rtype, text));
            let data: Vec<Rdata> = data.collect::<Result<_, _>>()?;
            if let Some(zone) = zones.last_mut()
                && signal.state.as_deref() != Some("absent")
            {
                zone.primary
                    .contents
                    .put(RrSet::new(at.clone(), rtype, 300, data));
            }
        }
        Ok(zones)
    }
}
