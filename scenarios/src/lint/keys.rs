//! Keys: every label means one key, and one that exists by then.

use std::collections::{BTreeMap, BTreeSet};

use super::Lints;
use crate::{
    diagnostic::{nearest, one_of},
    scenario::{Event, KeyKind, Keys, What},
};

pub(super) fn lint(lints: &Lints<'_>) {
    let mut labels = Labels {
        lints,
        known: BTreeMap::new(),
    };
    for event in lints.scenario.events_by_time() {
        labels.event(event);
    }
}

/// The labels of each signer's keys in each zone, by the time of an event.
struct Labels<'a> {
    lints: &'a Lints<'a>,
    known: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Labels<'_> {
    fn event(&mut self, event: &Event) {
        match &event.what {
            What::NewKey { signer, label, .. } => self.new_key(event, signer, label),
            What::SignWith { signer, label } | What::DropKey { signer, label } => {
                self.must_have(event, "label", signer, label);
            }
            What::ImportDnskey {
                from,
                keys: Keys::Label(label),
                ..
            }
            | What::RemoveDnskey {
                from,
                keys: Keys::Label(label),
                ..
            } => {
                self.must_have(event, "keys", from, label);
            }
            _ => {}
        }
    }

    fn new_key(&mut self, event: &Event, signer: &str, label: &str) {
        let is_new = self.of(event, signer).insert(label.into());
        if !is_new || label == "all" || KeyKind::from_name(label).is_some() {
            let path = format!("event.{}.label", event.number);
            self.lints.fail(
                &path,
                "duplicate",
                format!("the label `{label}` is taken"),
                |d| d.expected("expected a label that means nothing else"),
            );
        }
    }

    fn must_have(&mut self, event: &Event, key: &str, signer: &str, label: &str) {
        let lints = self.lints;
        if lints.scenario.signer(signer).is_none() {
            return;
        }
        let labels = self.of(event, signer);
        if labels.contains(label) {
            return;
        }
        let known = || labels.iter().map(String::as_str);
        let path = format!("event.{}.{key}", event.number);
        lints.fail(
            &path,
            "unknown-key-label",
            format!("`{signer}` has no key `{label}` by then"),
            |d| {
                let d = d.expected(format!("it has {}", one_of(known())));
                match nearest(label, known()) {
                    Some(near) => d.suggest(format!("did you mean `{near}`?")),
                    None => d,
                }
            },
        );
    }

    fn of(&mut self, event: &Event, signer: &str) -> &mut BTreeSet<String> {
        let zone = event.zone.to_lowercase().to_string();
        let scenario = self.lints.scenario;
        self.known.entry((zone, signer.into())).or_insert_with(|| {
            let first = scenario
                .signer(signer)
                .map_or(&[][..], |signer| signer.first_labels());
            first.iter().copied().map(String::from).collect()
        })
    }
}
