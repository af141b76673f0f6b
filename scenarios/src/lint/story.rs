//! The story: whether each event can happen after those before it, as far as the file alone tells.

use std::collections::{BTreeMap, btree_map::Entry};

use counterpoint_dns::name::{Name, RecordType};

use super::Lints;
use crate::scenario::{Event, NamesIn, What};

pub(super) fn lint(lints: &Lints<'_>) {
    let mut story = Story::begin(lints);
    for event in lints.scenario.events_by_time() {
        agents(lints, event);
        listener(lints, event);
        shape(lints, event);
        story.membership(event);
    }
}

/// An event needs the agent that it is addressed to.
fn agents(lints: &Lints<'_>, event: &Event) {
    let path = format!("event.{}.do", event.number);
    let name = event.what.name();
    let needs_controller = event.what.is_process() || event.what.is_of_controller();
    if !lints.scenario.controller.enabled && needs_controller {
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

/// NOTIFY needs somebody who listens.
fn listener(lints: &Lints<'_>, event: &Event) {
    let scanner = &lints.scenario.scanner;
    let listens = scanner.enabled && scanner.notify;
    if matches!(event.what, What::Notify { .. }) && !listens {
        let path = format!("event.{}.do", event.number);
        lints.fail(&path, "no-listener", "nobody takes a NOTIFY", |d| {
            d.expected("`scanner.enabled` or `scanner.notify` is false")
        });
    }
}

/// Fields that are empty, or contradict one another.
fn shape(lints: &Lints<'_>, event: &Event) {
    let fail = |key: &str, code, message: &str, why: &str| {
        lints.fail(
            &format!("event.{}.{key}", event.number),
            code,
            message,
            |d| d.expected(why),
        );
    };
    for (key, list) in event.what.signer_lists() {
        // The parent may be left without DS; anything else done for nobody is a slip.
        let may_be_nobody = matches!(event.what, What::SetDs { .. } | What::ManualDs { .. });
        if list.is_empty() && !may_be_nobody {
            fail(
                key,
                "empty-list",
                &format!("`{key}` names nobody"),
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
            fail(
                "for",
                "contradiction",
                "a delete request is for no keys",
                "`delete = true` stands beside it",
            );
        }
        What::PublishCds {
            delete: false,
            malformed: true,
            ..
        } => {
            fail(
                "malformed",
                "contradiction",
                "only a delete request can be malformed",
                "`delete = true` is missing",
            );
        }
        What::PublishCds { digests, .. } if digests.is_empty() => {
            fail(
                "digests",
                "empty-list",
                "no digest type",
                "expected `sha256`, `sha384` or both",
            );
        }
        What::PublishCds { types, .. } if types.is_empty() => {
            fail(
                "types",
                "empty-list",
                "no type to publish",
                "expected `CDS`, `CDNSKEY` or both",
            );
        }
        What::SetTtl {
            at_parent: true,
            at_signers: Some(_),
            ..
        } => {
            fail(
                "at-signers",
                "contradiction",
                "a TTL is set at signers or at the parent",
                "`at-parent = true` stands beside it",
            );
        }
        What::SetTtl {
            at_parent: true,
            rtype,
            ..
        } if !matches!(rtype, RecordType::DS | RecordType::NS) => {
            fail(
                "type",
                "not-at-the-parent",
                &format!("the parent has no {rtype} of a zone"),
                "expected `DS` or `NS`",
            );
        }
        What::Replace { from, to } if from == to => {
            fail(
                "to",
                "contradiction",
                &format!("`{to}` cannot replace itself"),
                "the same signer as `from`",
            );
        }
        What::MoveServers { signer, .. } if !is_inside(lints, signer) => {
            fail(
                "signer",
                "glue-elsewhere",
                &format!("the glue of `{signer}` is not this zone's"),
                "expected a signer with `names-in = \"zone\"`",
            );
        }
        What::SetRrset { records, .. } if records.is_empty() => {
            fail(
                "records",
                "empty-list",
                "no records to set",
                "expected at least one record",
            );
        }
        _ => {}
    }
}

/// Whether the names of a signer's servers lie inside the zone.
fn is_inside(lints: &Lints<'_>, signer: &str) -> bool {
    let signer = lints.scenario.signer(signer);
    signer.is_none_or(|signer| signer.names_in == Some(NamesIn::Zone))
}

/// How sure it is that a signer serves a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    /// From the start, and nothing happened to it.
    Surely,
    /// A process was asked to change that, and may have been refused.
    Perhaps,
}

/// The signers that serve a zone, or are in a group; all others surely do not.
type Members = BTreeMap<String, Member>;

/// What is known of the world before an event.
struct Story<'a> {
    lints: &'a Lints<'a>,
    /// For each zone; none once somebody wrote NS by hand.
    zones: BTreeMap<Name, Option<Members>>,
    /// For each group.
    groups: BTreeMap<String, Members>,
}

impl<'a> Story<'a> {
    fn begin(lints: &'a Lints<'a>) -> Self {
        let surely = |signers: &[String]| -> Members {
            signers
                .iter()
                .map(|signer| (signer.clone(), Member::Surely))
                .collect()
        };
        let zones = lints.scenario.zones.iter();
        let groups = lints.scenario.groups.iter();
        Self {
            lints,
            zones: zones
                .map(|zone| (zone.name.clone(), Some(surely(&zone.signers))))
                .collect(),
            groups: groups
                .map(|group| (group.name.clone(), surely(&group.signers)))
                .collect(),
        }
    }

    fn membership(&mut self, event: &Event) {
        let of_zone = format!("`{}`", event.zone);
        match &event.what {
            What::Join { signer } => {
                let path = format!("event.{}.signer", event.number);
                self.of_zone(&event.zone, |members, lints| {
                    join(members, lints, &path, signer, &of_zone)
                });
            }
            What::Leave { signer, .. } => {
                let path = format!("event.{}.signer", event.number);
                self.of_zone(&event.zone, |members, lints| {
                    leave(members, lints, &path, signer, &of_zone)
                });
            }
            What::Replace { from, to } if from != to => {
                let (path, after) = (
                    format!("event.{}.from", event.number),
                    format!("event.{}.to", event.number),
                );
                self.of_zone(&event.zone, |members, lints| {
                    join(members, lints, &after, to, &of_zone);
                    leave(members, lints, &path, from, &of_zone);
                });
            }
            What::GroupAdd { group, signer } => self.of_group(event, group, signer, join),
            What::GroupRemove { group, signer } => self.of_group(event, group, signer, leave),
            What::SetNs { .. } | What::SetParentNs { .. } => {
                self.zones.insert(event.zone.clone(), None);
            }
            _ => {}
        }
    }

    fn of_zone(&mut self, zone: &Name, change: impl FnOnce(&mut Members, &Lints<'_>)) {
        if let Some(Some(members)) = self.zones.get_mut(zone) {
            change(members, self.lints);
        }
    }

    /// A signer joins or leaves a group, and with it every zone of the group.
    fn of_group(
        &mut self,
        event: &Event,
        group: &str,
        signer: &str,
        change: impl FnOnce(&mut Members, &Lints<'_>, &str, &str, &str),
    ) {
        let path = format!("event.{}.signer", event.number);
        if let Some(members) = self.groups.get_mut(group) {
            change(
                members,
                self.lints,
                &path,
                signer,
                &format!("the group `{group}`"),
            );
        }
        let zones = self.lints.scenario.zones.iter();
        for zone in zones.filter(|zone| zone.group.as_deref() == Some(group)) {
            if let Some(Some(members)) = self.zones.get_mut(&zone.name) {
                members.insert(signer.into(), Member::Perhaps);
            }
        }
    }
}

fn join(members: &mut Members, lints: &Lints<'_>, path: &str, signer: &str, of: &str) {
    match members.entry(signer.into()) {
        Entry::Occupied(member) if *member.get() == Member::Surely => {
            lints.fail(
                path,
                "already-member",
                format!("`{signer}` is a signer of {of} already"),
                |d| d.expected("expected one that is not"),
            );
        }
        entry => {
            entry.insert_entry(Member::Perhaps);
        }
    }
}

fn leave(members: &mut Members, lints: &Lints<'_>, path: &str, signer: &str, of: &str) {
    if !members.contains_key(signer) {
        return lints.fail(
            path,
            "not-a-member",
            format!("`{signer}` is not a signer of {of}"),
            |d| d.expected("expected one that is"),
        );
    }
    if members.len() == 1 {
        return lints.fail(
            path,
            "last-signer",
            format!("`{signer}` is the last signer of {of}"),
            |d| d.expected("the last signer cannot leave"),
        );
    }
    members.insert(signer.into(), Member::Perhaps);
}
