//! The story: whether each event can happen after those before it, as far as the file alone tells.

use std::collections::{BTreeMap, BTreeSet};

use counterpoint_dns::name::{Name, RecordType};

use super::Lints;
use crate::{
    diagnostic::nearest,
    scenario::{Event, KeyKind, KeyLayout, Keys, What},
};

pub(super) fn lint(lints: &Lints<'_>) {
    let mut story = Story::begin(lints);
    for event in lints.scenario.events_by_time() {
        agents(lints, event);
        story.shape(event);
        story.membership(event);
        story.keys(event);
    }
}

/// An event needs the agent that it is addressed to.
fn agents(lints: &Lints<'_>, event: &Event) {
    let path = format!("event.{}.do", event.number);
    let name = event.what.name();
    if !lints.scenario.controller.enabled
        && (event.what.is_process() || event.what.is_of_controller())
    {
        lints.fail(
            &path,
            "no-controller",
            format!("`{name}` needs the controller"),
            |d| {
                d.expected("`controller.enabled` is false")
                    .suggest("without a controller, events by hand do the steps")
            },
        );
    }
    if !lints.scenario.scanner.enabled && event.what == (What::ScanNow {}) {
        lints.fail(&path, "no-scanner", "`scan-now` needs the scanner", |d| {
            d.expected("`scanner.enabled` is false")
                .suggest("without a scanner, `set-ds` and `set-parent-ns` change the parent")
        });
    }
}

/// What is known of the world before an event.
struct Story<'a> {
    lints: &'a Lints<'a>,
    /// The members of each zone; none once somebody wrote NS by hand.
    members: BTreeMap<Name, Option<BTreeSet<String>>>,
    /// The members of each group.
    groups: BTreeMap<String, BTreeSet<String>>,
    /// The labels of each signer's keys in each zone, with their kinds.
    labels: BTreeMap<(Name, String), BTreeMap<String, KeyKind>>,
}

impl<'a> Story<'a> {
    fn begin(lints: &'a Lints<'a>) -> Self {
        let set = |signers: &[String]| signers.iter().cloned().collect::<BTreeSet<_>>();
        let zones = lints.scenario.zones.iter();
        let groups = lints.scenario.groups.iter();
        Self {
            lints,
            members: zones
                .map(|zone| (zone.name.clone(), Some(set(&zone.signers))))
                .collect(),
            groups: groups
                .map(|group| (group.name.clone(), set(&group.signers)))
                .collect(),
            labels: BTreeMap::new(),
        }
    }

    fn fail(&self, event: &Event, key: &str, code: &'static str, message: String, why: &str) {
        let path = format!("event.{}.{key}", event.number);
        self.lints.fail(&path, code, message, |d| d.expected(why));
    }

    /// Fields that contradict one another.
    fn shape(&self, event: &Event) {
        let lists = event.what.signer_lists();
        for (key, list) in lists {
            // The parent may be left without DS; anything else done for nobody is a slip.
            if list.is_empty() && !matches!(event.what, What::SetDs { .. }) {
                self.fail(
                    event,
                    key,
                    "empty-list",
                    format!("`{key}` names nobody"),
                    "expected at least one signer",
                );
            }
        }
        match &event.what {
            What::PublishCds {
                delete: true,
                of: Some(_),
                ..
            } => {
                self.fail(
                    event,
                    "for",
                    "contradiction",
                    "a delete request is for no keys".into(),
                    "`delete = true` stands beside it",
                );
            }
            What::PublishCds { types, .. } if types.is_empty() => {
                self.fail(
                    event,
                    "types",
                    "empty-list",
                    "no type to publish".into(),
                    "expected `CDS`, `CDNSKEY` or both",
                );
            }
            What::SetTtl {
                at_parent: true,
                at_signers: Some(_),
                ..
            } => {
                self.fail(
                    event,
                    "at-signers",
                    "contradiction",
                    "a TTL is set at signers or at the parent".into(),
                    "`at-parent = true` stands beside it",
                );
            }
            What::SetTtl {
                at_parent: true,
                rtype,
                ..
            } if !matches!(rtype, RecordType::DS | RecordType::NS) => {
                self.fail(
                    event,
                    "type",
                    "not-at-the-parent",
                    format!("the parent has no {rtype} of a zone"),
                    "expected `DS` or `NS`",
                );
            }
            What::Replace { from, to } if from == to => {
                self.fail(
                    event,
                    "to",
                    "contradiction",
                    format!("`{to}` cannot replace itself"),
                    "the same signer as `from`",
                );
            }
            What::SetRrset { records, .. } if records.is_empty() => {
                self.fail(
                    event,
                    "records",
                    "empty-list",
                    "no records to set".into(),
                    "expected at least one record",
                );
            }
            _ => {}
        }
    }

    fn membership(&mut self, event: &Event) {
        match &event.what {
            What::Join { signer } => self.join(event, "signer", &event.zone.clone(), signer),
            What::Leave { signer, .. } => self.leave(event, "signer", &event.zone.clone(), signer),
            What::Replace { from, to } if from != to => {
                self.join(event, "to", &event.zone.clone(), to);
                self.leave(event, "from", &event.zone.clone(), from);
            }
            What::GroupAdd { group, signer } => self.group(event, group, signer, true),
            What::GroupRemove { group, signer } => self.group(event, group, signer, false),
            What::SetNs { .. } | What::SetParentNs { .. } => {
                self.members.insert(event.zone.clone(), None);
            }
            _ => {}
        }
    }

    /// A signer joins or leaves a group, and with it every zone of the group.
    fn group(&mut self, event: &Event, group: &str, signer: &str, joins: bool) {
        let Some(mut members) = self.groups.get(group).cloned() else {
            return;
        };
        if joins && !members.insert(signer.into()) {
            return self.fail(
                event,
                "signer",
                "already-member",
                format!("`{signer}` is in the group `{group}` already"),
                "expected a signer that is not",
            );
        }
        if !joins && !members.remove(signer) {
            return self.fail(
                event,
                "signer",
                "not-a-member",
                format!("`{signer}` is not in the group `{group}`"),
                "expected a signer that is",
            );
        }
        if members.is_empty() {
            return self.fail(
                event,
                "signer",
                "last-signer",
                format!("`{signer}` is the last signer of the group `{group}`"),
                "the last signer cannot leave",
            );
        }
        self.groups.insert(group.into(), members);
        let zones = self.lints.scenario.zones.iter();
        for zone in zones.filter(|zone| zone.group.as_deref() == Some(group)) {
            if let Some(Some(members)) = self.members.get_mut(&zone.name) {
                match joins {
                    true => members.insert(signer.into()),
                    false => members.remove(signer),
                };
            }
        }
    }

    fn join(&mut self, event: &Event, key: &str, zone: &Name, signer: &str) {
        let Some(Some(members)) = self.members.get_mut(zone) else {
            return;
        };
        if !members.insert(signer.into()) {
            self.fail(
                event,
                key,
                "already-member",
                format!("`{signer}` serves `{zone}` already"),
                "expected a signer that does not",
            );
        }
    }

    fn leave(&mut self, event: &Event, key: &str, zone: &Name, signer: &str) {
        let Some(Some(members)) = self.members.get_mut(zone) else {
            return;
        };
        if !members.contains(signer) {
            return self.fail(
                event,
                key,
                "not-a-member",
                format!("`{signer}` does not serve `{zone}`"),
                "expected a signer that does",
            );
        }
        if members.len() == 1 {
            return self.fail(
                event,
                key,
                "last-signer",
                format!("`{signer}` is the last signer of `{zone}`"),
                "the last signer cannot leave",
            );
        }
        members.remove(signer);
    }

    /// Keys are known by labels: the first ones by kind and number, others by the event that made them.
    fn keys(&mut self, event: &Event) {
        match &event.what {
            What::NewKey {
                signer,
                kind,
                label,
            } => self.new_key(event, signer, *kind, label),
            What::SignWith { signer, label } => self.must_have(event, "label", signer, label),
            What::DropKey { signer, label } => {
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

    fn new_key(&mut self, event: &Event, signer: &str, kind: KeyKind, label: &str) {
        let Some(layout) = self.lints.scenario.signer(signer).map(|signer| signer.keys) else {
            return;
        };
        let fits = match layout {
            KeyLayout::Csk => kind == KeyKind::Csk,
            KeyLayout::KskZsk => kind != KeyKind::Csk,
        };
        if !fits {
            let why = format!("its keys are `{}`", layout.name());
            self.fail(
                event,
                "kind",
                "wrong-kind",
                format!("`{signer}` has no {kind}"),
                &why,
            );
        }
        let taken = self
            .labels_of(&event.zone, signer)
            .insert(label.into(), kind)
            .is_some();
        if taken || label == "all" || KeyKind::from_name(label).is_some() {
            self.fail(
                event,
                "label",
                "duplicate",
                format!("the label `{label}` is taken"),
                "expected a label that means nothing else",
            );
        }
    }

    fn must_have(&mut self, event: &Event, key: &str, signer: &str, label: &str) {
        if self.lints.scenario.signer(signer).is_none() {
            return;
        }
        let labels = self.labels_of(&event.zone, signer);
        if labels.contains_key(label) {
            return;
        }
        let near = nearest(label, labels.keys().map(String::as_str)).map(String::from);
        let known = crate::diagnostic::one_of(labels.keys().map(String::as_str));
        let path = format!("event.{}.{key}", event.number);
        self.lints.fail(
            &path,
            "unknown-key-label",
            format!("`{signer}` has no key `{label}` by then"),
            |d| {
                let d = d.expected(format!("it has {known}"));
                match near {
                    Some(near) => d.suggest(format!("did you mean `{near}`?")),
                    None => d,
                }
            },
        );
    }

    fn labels_of(&mut self, zone: &Name, signer: &str) -> &mut BTreeMap<String, KeyKind> {
        let first = self
            .lints
            .scenario
            .signer(signer)
            .map_or(&[][..], |signer| signer.first_labels());
        self.labels
            .entry((zone.clone(), signer.into()))
            .or_insert_with(|| {
                let kind = |label: &str| match label {
                    "zsk-1" => KeyKind::Zsk,
                    "ksk-1" => KeyKind::Ksk,
                    _ => KeyKind::Csk,
                };
                first
                    .iter()
                    .map(|label| ((*label).into(), kind(label)))
                    .collect()
            })
    }
}
