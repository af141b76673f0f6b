//! Signalling names: where signers vouch for the first DS RRset of a zone (RFC 9615).
//!
//! Owns which RRsets those are, in which zone each of them is written, and why the parent would not
//! find all that it needs. Knows neither when they are written nor how.

use counterpoint_dns::name::{Name, RecordType, is_at_or_below, signalling_name};

use crate::{
    case::Case,
    config::{Config, SignerName},
    outstanding,
    place::{Item, Owner},
    process::{Goal, What},
    updater::Change,
};

/// What `signer` can publish of `zone`: CDS and CDNSKEY for each of its nameserver names outside
/// (RFC 9615 §3.2), where the name is none too long and lies in a zone that is declared.
pub(crate) fn of(config: &Config, zone: &Name, signer: &SignerName) -> Vec<Item> {
    let Some(declared) = config.signers.get(signer) else {
        return Vec::new();
    };
    let outside = declared
        .ns
        .iter()
        .filter(|host| !is_at_or_below(host, zone));
    let names = outside.filter_map(|host| signalling_name(zone, host));
    let written = names.filter(|name| declared.signal_zone(name).is_some());
    let each = |name: Name| {
        [RecordType::CDS, RecordType::CDNSKEY].map(|rtype| Item::Signal(name.clone(), rtype))
    };
    written.flat_map(each).collect()
}

/// The zone that a change is written to.
pub(crate) fn zone_of(config: &Config, zone: &Name, change: &Change) -> Name {
    let signal_zone = match &change.item {
        Item::Signal(name, _) => {
            let signer = config.signers.get(&change.signer);
            signer.and_then(|signer| signer.signal_zone(name))
        }
        _ => None,
    };
    signal_zone.unwrap_or(zone).clone()
}

impl Case<'_> {
    /// Whether any instance of the parent shows a DS RRset; `None`: none of them shows anything.
    pub(crate) fn has_ds(&self) -> Option<bool> {
        let places = self.places.public(&Owner::Parent);
        let shown = places.filter_map(|place| self.log.shown(place, &Item::Ds, self.since).ok());
        shown
            .map(|version| !version.data.is_empty())
            .reduce(|one, other| one || other)
    }

    /// What `signer` is to publish: nothing once the parent has a DS RRset (RFC 9615 §4.2, step 1).
    pub(crate) fn signals(&self, signer: &SignerName) -> Vec<Item> {
        match self.has_ds() {
            Some(false) => of(self.config, self.zone, signer),
            _ => Vec::new(),
        }
    }

    /// What the process published at `signer`, as far as it can be written still.
    pub(crate) fn published_signals(&self, signer: &SignerName) -> Vec<Item> {
        let known = of(self.config, self.zone, signer).into_iter();
        let all = known.map(|item| (signer.clone(), item));
        all.filter(|published| self.process.signals.contains(published))
            .map(|(_, item)| item)
            .collect()
    }

    /// Whether a row about signals has nothing to do, by what was seen last.
    pub(crate) fn is_idle(&self, goal: Goal) -> bool {
        let Goal::Publish(what, who) = goal else {
            return false;
        };
        let signers = self.process.who(who);
        let mut signers = signers.iter();
        match what {
            What::Signals => {
                let can = |signer| !of(self.config, self.zone, signer).is_empty();
                self.has_ds() == Some(true) || !signers.any(can)
            }
            What::NoSignals => signers.all(|signer| self.published_signals(signer).is_empty()),
            _ => false,
        }
    }

    /// Of each nameserver name of the delegation, to whose signal the parent would look in vain, why
    /// (RFC 9615 §4.2). `None`: this process publishes no signals.
    pub(crate) fn unvouched(&self) -> Option<Vec<String>> {
        let table = self.process.table(self.config);
        let mut goals = table.iter().map(|row| row.goal);
        if !goals.any(|goal| matches!(goal, Goal::Publish(What::Signals, _))) {
            return None;
        }
        let delegated = outstanding::delegated(self);
        let outside = delegated
            .iter()
            .filter(|host| !is_at_or_below(host, self.zone));
        let mut outside = outside.peekable();
        if outside.peek().is_none() {
            return Some(vec!["every nameserver name lies inside the zone".into()]);
        }
        Some(outside.filter_map(|host| self.unvouched_by(host)).collect())
    }

    fn unvouched_by(&self, host: &Name) -> Option<String> {
        let Some(signal) = signalling_name(self.zone, host) else {
            return Some(format!(
                "the signalling name under {host} is too long (RFC 9615 §4.4)"
            ));
        };
        let group = self.process.after();
        let mut brings = group.iter().filter_map(|name| {
            let signer = self.config.signers.get(name)?;
            signer.ns.contains(host).then_some((name, signer))
        });
        match brings.next() {
            None => Some(format!("nobody here brings {host}")),
            Some((_, signer)) if signer.signal_zone(&signal).is_some() => None,
            Some((name, _)) => Some(format!("{name} declares no signal zone for {host}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use counterpoint_dns::name::parse_name;

    use super::*;
    use crate::config::{DdnsAccess, Interface, Limits, Signer};

    fn name(text: &str) -> Name {
        parse_name(text).unwrap()
    }

    fn config(ns: &[&str], signal_zones: &[&str]) -> Config {
        let mut config = Config::new(name("test."));
        let names = |all: &[&str]| all.iter().map(|text| name(text)).collect::<Vec<_>>();
        let signer = Signer {
            ns: names(ns),
            in_zone_addresses: Default::default(),
            interface: Interface::Ddns(DdnsAccess {
                primary: ([192, 0, 2, 1], 53).into(),
                via: counterpoint_dns::agent::Transport::Tcp,
                tsig: counterpoint_dns::tsig::TsigKey::hmac_sha256(name("k."), b"secret"),
            }),
            limits: Limits::default(),
            signal_zones: names(signal_zones).into_iter().collect(),
            own_keys: Vec::new(),
            csk: None,
            max_ttl: Config::MAX_TTL,
        };
        config.signers.insert("alpha".into(), signer);
        config
    }

    fn items(config: &Config, zone: &str) -> Vec<String> {
        let all = of(config, &name(zone), &"alpha".into());
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn signals_are_for_names_outside_the_zone_that_are_none_too_long() {
        let hosts = ["ns1.alpha.test.", "ns2.example.test."];
        let alpha = config(&hosts, &["alpha.test.", "example.test."]);
        assert_eq!(
            items(&alpha, "example.test."),
            [
                "_dsboot.example.test._signal.ns1.alpha.test. CDS",
                "_dsboot.example.test._signal.ns1.alpha.test. CDNSKEY"
            ]
        );
        assert!(items(&config(&hosts, &[]), "example.test.").is_empty());
        // RFC 9615 §4.4: 16 octets of labels, 15 of the host and the root leave 223 for the zone.
        let alpha = config(&hosts[..1], &["alpha.test."]);
        let label = "a".repeat(62);
        for (length, count) in [(28, 2), (29, 0)] {
            let last = "b".repeat(length);
            let zone = format!("{last}.{label}.{label}.{label}.test.");
            assert_eq!(items(&alpha, &zone).len(), count, "{length}");
        }
    }

    #[test]
    fn a_signal_is_written_to_the_closest_zone_that_holds_it() {
        let hosts = ["ns1.alpha.test.", "ns2.alpha.test."];
        let alpha = config(&hosts, &["alpha.test.", "_signal.ns1.alpha.test."]);
        let signer = &alpha.signers[&SignerName::from("alpha")];
        let zone = |host: &str| {
            let signal = signalling_name(&name("example.test."), &name(host)).unwrap();
            signer.signal_zone(&signal).map(ToString::to_string)
        };
        assert_eq!(zone("ns1.alpha.test.").unwrap(), "_signal.ns1.alpha.test.");
        assert_eq!(zone("ns2.alpha.test.").unwrap(), "alpha.test.");
        assert_eq!(zone("ns1.beta.test."), None);
    }
}
