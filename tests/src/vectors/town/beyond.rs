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
        let mut forged = Vec::new();
        for (number, (label, signal)) in words.signal.iter().enumerate() {
            let last = u8::try_from(11 + 2 * number).map_err(|_| "too many signalling zones")?;
            let zones = self.signalling_zones(label, signal, words, last);
            all.extend(zones.map_err(|error| format!("signal.{label}: {error}"))?);
            if signal.state.as_deref() == Some("forged") {
                let at = self.signalling_name(label)?;
                forged.extend(self.signal_sets(&at, label, signal, words)?);
            }
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
        if !forged.is_empty() {
            all[0].forge(forged);
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
        let zone = host
            .prepend_label("_signal")
            .map_err(|error| error.to_string())?;
        let at = self.signalling_name(label)?;
        let state = match signal.state.as_deref() {
            None | Some("secure" | "cut" | "absent" | "forged") => State::Secure,
            Some("insecure") => State::Insecure,
            Some("bogus") => State::Bogus,
            Some(other) => {
                return Err(format!(
                    "state `{other}`: write secure, insecure, bogus, cut, absent, none or forged"
                ));
            }
        };
        let authority = |zone, last| Authority::new(zone, infrastructure(last), state, tsig());
        let mut zones = vec![authority(zone, last)];
        if signal.state.as_deref() == Some("cut") {
            zones.push(authority(at.clone(), last + 1));
        }
        if let Some(zone) = zones.last_mut()
            && !matches!(signal.state.as_deref(), Some("absent" | "forged"))
        {
            for set in self.signal_sets(&at, label, signal, words)? {
                zone.primary.contents.put(set);
            }
        }
        Ok(zones)
    }

    /// `_dsboot.CHILD._signal.HOST`.
    fn signalling_name(&self, label: &str) -> Result<Name, String> {
        let host = self.hosts.get(label).ok_or("there is no such server")?;
        let zone = host.prepend_label("_signal");
        let first = self.child.prepend_label("_dsboot");
        let at = zone.and_then(|zone| first.and_then(|first| first.append_domain(&zone)));
        at.map_err(|error| error.to_string())
    }

    /// What a server signals: what the case says, else what the server serves.
    fn signal_sets(
        &self,
        at: &Name,
        label: &str,
        signal: &layer::Signal,
        words: &Layer,
    ) -> Result<Vec<RrSet>, String> {
        let own = words.on.get(label).cloned().unwrap_or_default();
        let own = own.over(&words.zone);
        let reader = Reader {
            zone: &self.child,
            keys: &self.keys,
        };
        let set = |rtype, data: Option<&layer::Words>| {
            let data = data.into_iter().flatten();
            let data = data.map(|text| reader.data(rtype, text));
            let data: Vec<Rdata> = data.collect::<Result<_, _>>()?;
            Ok::<RrSet, String>(RrSet::new(at.clone(), rtype, 300, data))
        };
        let (cds, cdnskey) = (signal.cds.as_ref(), signal.cdnskey.as_ref());
        Ok(vec![
            set(RecordType::CDS, cds.or(own.cds.as_ref()))?,
            set(RecordType::CDNSKEY, cdnskey.or(own.cdnskey.as_ref()))?,
        ])
    }
}
