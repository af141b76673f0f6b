//! What to do next: a pure function of what was observed, the state of the process, and `now`.
//!
//! Owns the difference between waiting, watching and being blocked: a known deadline is a wait,
//! somebody else's next move is a watch, and only what a person must do blocks.

use std::{collections::BTreeSet, time::Duration};

use counterpoint_dns::{
    name::RecordType,
    rdata::Rdata,
    rrset::RrSet,
    time::{Timestamp, human},
};

use crate::{
    case::{Case, Shows},
    checks,
    config::{Model, SignerName},
    deadlines::Lacking,
    log::{Track, Version},
    place::{Item, Owner},
    process::{Goal, Parental, Role, Row, Turn, What, Who},
    targets::Target,
    updater::{Change, Write, Writes, Written},
};

/// After so many updates that something else was quicker than, something is wrong.
const UNMET_MAX: u8 = 10;
/// The TTL of an RRset that there never was, at a signer of which nothing is known: one hour.
const TTL_SECONDS_DEFAULT: u32 = 3_600;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The row is done.
    Advance,
    /// Bring these RRsets to these contents.
    Apply(Vec<Change>),
    /// A deadline that is known.
    Wait {
        /// When it is over.
        until: Timestamp,
        /// What for.
        why: String,
    },
    /// The parent is as it must be, and acts on nothing older any more: the wait counts from now.
    Settled,
    /// Somebody else must act, and will.
    Watch {
        /// What is looked for.
        what: String,
        /// When to look again.
        next_poll: Timestamp,
    },
    /// A person must act.
    Blocked {
        /// Whose doing it is.
        by: String,
        /// What is wrong.
        why: String,
        /// What to do about it.
        remedy: String,
    },
    /// What an earlier row brought about holds no longer: do that row again.
    Return {
        /// What that row publishes.
        to: What,
        /// Why.
        why: String,
    },
}

/// What to do next about `row`.
pub(crate) fn decide(case: &Case<'_>, row: Row, now: Timestamp) -> Decision {
    if let Some(ghost) = ghost(case) {
        return ghost;
    }
    match row.goal {
        Goal::Prerequisites => checks::prerequisites(case, now),
        Goal::Publish(what, who) => publish(case, what, who, now),
        Goal::Watch(what) => watch(case, what, now),
        Goal::Wait(waits) => match case.next_look(waits) {
            _ if case.process.forgot_deadline => Decision::Advance,
            Err(lacking) => lost(case, lacking, now),
            Ok((until, why)) if now < until => {
                too_fast(case, until).unwrap_or(Decision::Wait { until, why })
            }
            Ok(_) => match recheck(case, row.goal, now) {
                Decision::Advance if case.is_unsettled(waits) => Decision::Settled,
                checked => checked,
            },
        },
        Goal::Release => Decision::Advance,
        Goal::Turn(turn) => match case.undone(turn).into_iter().next() {
            None => Decision::Advance,
            Some(what) => Decision::Watch {
                what,
                next_poll: now + case.back_off,
            },
        },
    }
}

/// What must be added at once, whatever the process is at.
pub(crate) fn additions(case: &Case<'_>, now: Timestamp) -> Option<Decision> {
    let mut changes = Vec::new();
    for target in case.additions() {
        let Some(version) = case.at_primary(&target.signer, &target.item) else {
            continue;
        };
        // A zone that is not signed is no affair of foreign keys.
        let is_due = case.is_due(&target, version, now);
        if version.data.is_empty() || case.meets(&target, version) && !is_due {
            continue;
        }
        let wanted = target.want.applied_to(&version.data);
        let change = case.change(&target, &version.data, wanted, version.ttl, now);
        match stuck(case.writes, &change, now, case.config.poll) {
            None => changes.push(change),
            Some(Stuck::NotYet) => {}
            Some(Stuck::Blocked(why)) => {
                return Some(Decision::Blocked {
                    by: change.signer.to_string(),
                    why,
                    remedy: remedy(&change),
                });
            }
        }
    }
    let silent = silent_holder(case, &changes);
    silent.or_else(|| (!changes.is_empty()).then_some(Decision::Apply(changes)))
}

/// What the common KSK is to sign has to wait for whoever holds it.
fn silent_holder(case: &Case<'_>, changes: &[Change]) -> Option<Decision> {
    let by = case.silent_holder(changes)?;
    Some(Decision::Blocked {
        why: format!("{by} holds the common KSK and makes no signatures"),
        remedy: "bring it back before the signatures of that key expire".into(),
        by,
    })
}

/// The additions that were written, or never lacked.
pub(crate) fn shown_additions(case: &Case<'_>, now: Timestamp) -> BTreeSet<(SignerName, Item)> {
    let shows = |target: &Target| {
        let version = case.at_primary(&target.signer, &target.item);
        version.is_some_and(|version| {
            case.meets(target, version) && !case.is_due(target, version, now)
        })
    };
    let shown = case.additions().into_iter().filter(shows);
    shown.map(|target| (target.signer, target.item)).collect()
}

/// A signer that goes on before caches can follow: nothing helps but to be quick, and to say so.
fn too_fast(case: &Case<'_>, until: Timestamp) -> Option<Decision> {
    let (signer, role) = case.process.subject.as_ref().zip(case.process.role())?;
    let owner = Owner::Signer(signer.clone());
    let seen = |item: &Item, has_gone_on: &dyn Fn(&Version) -> bool| {
        let mut places = case.places.public(&owner);
        places.any(|place| {
            let current = case.log.track(place, item).and_then(Track::current);
            current.is_some_and(has_gone_on)
        })
    };
    let signs = role != Role::Ksk && seen(&Item::Soa, &|version| case.is_signed_anew(version));
    let dropped = role != Role::Zsk
        && seen(&Item::Dnskey, &|version| {
            version.data.is_disjoint(&case.process.old)
        });
    let role = role.name();
    (signs || dropped).then(|| Decision::Blocked {
        by: signer.to_string(),
        why: format!(
            "signer rolls too fast: it has done without the old {role} since before {until}, when \
             the last cache knows the new one"
        ),
        remedy: format!(
            "let it sign with the old {role} again until then, and publish keys longer before it \
             signs with them"
        ),
    })
}

/// A dead leaver that answers must stop, or leave as one that is alive.
fn ghost(case: &Case<'_>) -> Option<Decision> {
    let (dead, alive) = case.ghost()?;
    Some(Decision::Blocked {
        by: dead.to_string(),
        why: format!("{alive} is said to be dead, and answers for the zone"),
        remedy: "stop it, or run the ordinary leave".into(),
    })
}

fn publish(case: &Case<'_>, what: What, who: Who, now: Timestamp) -> Decision {
    if what == What::Csync && case.delegation_lags().is_empty() {
        return Decision::Advance;
    }
    let watch = |what: String| Decision::Watch {
        what,
        next_poll: now + case.back_off,
    };
    if what == What::Signals && case.has_ds().is_none() {
        return watch("the parent to show its DS".into());
    }
    let targets = match case.targets(what, who) {
        Ok(targets) => targets,
        Err(signer) => return watch(format!("the SOA serial of {signer}")),
    };
    let mut changes = Vec::new();
    let mut missing = Vec::new();
    for target in &targets {
        match case.at_primary(&target.signer, &target.item) {
            Some(version) if case.meets(target, version) && !case.is_due(target, version, now) => {}
            Some(version) => {
                let wanted = target.want.applied_to(&version.data);
                changes.push(case.change(target, &version.data, wanted, version.ttl, now));
            }
            None => missing.push(format!("what {} has of {}", target.signer, target.item)),
        }
        missing.extend(case.lags(target));
    }
    if let Some(silent) = silent_holder(case, &changes) {
        return silent;
    }
    for change in &changes {
        if let Some(decision) = stuck(case.writes, change, now, case.config.poll) {
            return match decision {
                Stuck::Blocked(why) => Decision::Blocked {
                    by: change.signer.to_string(),
                    why,
                    remedy: remedy(change),
                },
                Stuck::NotYet => watch(format!("{} to publish its {}", change.signer, change.item)),
            };
        }
    }
    match (changes.is_empty(), missing.first()) {
        (false, _) => Decision::Apply(changes),
        (true, Some(first)) => watch(first.clone()),
        (true, None) => Decision::Advance,
    }
}

/// Why a change is not written (again) now.
enum Stuck {
    Blocked(String),
    NotYet,
}

fn stuck(writes: &Writes, change: &Change, now: Timestamp, poll: Duration) -> Option<Stuck> {
    let write = writes.get(&(change.signer.clone(), change.item.clone()))?;
    let item = &change.item;
    match &write.last {
        Written::Refused(why) => Some(Stuck::Blocked(format!("the update of {item} fails: {why}"))),
        // Something was quicker: at once again; if it always is, something else is wrong, and takes time.
        Written::Unmet if write.tries < UNMET_MAX => {
            (now < write.at + unmet_pause(write.tries, poll)).then_some(Stuck::NotYet)
        }
        Written::Unmet => Some(Stuck::Blocked(format!(
            "{UNMET_MAX} updates of {item} in a row found it changed meanwhile"
        ))),
        Written::Accepted if write.tries >= Write::IN_VAIN_MAX => Some(Stuck::Blocked(format!(
            "it accepted {} updates of {item} and does not publish what they say",
            write.tries
        ))),
        Written::Accepted | Written::Silent if now < write.at + poll => Some(Stuck::NotYet),
        Written::Accepted | Written::Silent | Written::Later(_) => None,
    }
}

/// How long to wait after so many prerequisites in a row that failed.
fn unmet_pause(tries: u8, poll: Duration) -> Duration {
    match tries.checked_sub(Change::UNMET_BELIEVED + 1) {
        None => Duration::ZERO,
        Some(more) => poll.saturating_mul(1 << more.min(UNMET_MAX)),
    }
}

fn remedy(change: &Change) -> String {
    let wanted = &change.wanted;
    match wanted.data.is_empty() {
        true => format!(
            "let it accept updates of {} by its key, or delete that RRset by hand",
            change.item
        ),
        false => format!(
            "let it accept updates of {} by its key, or bring about by hand:\n{wanted}",
            change.item
        ),
    }
}

fn watch(case: &Case<'_>, what: Parental, now: Timestamp) -> Decision {
    let lagging = match what {
        Parental::Ds => case.ds_lags(|data| case.is_wanted_ds(data, false)),
        Parental::DsOfBoth => case.ds_lags(|data| case.is_wanted_ds(data, true)),
        Parental::NoDs => case.ds_lags(BTreeSet::is_empty),
        Parental::Delegation => case.delegation_lags(),
    };
    match lagging.into_iter().next() {
        None => Decision::Advance,
        Some(_) if let Some(lost) = lost_signal(case, what) => lost,
        Some(what) => Decision::Watch {
            what,
            next_poll: now + case.back_off,
        },
    }
}

/// A signer that publishes signals of its own may have replaced ours while the parent slept.
fn lost_signal(case: &Case<'_>, what: Parental) -> Option<Decision> {
    for (what, who) in case.asked_for_by(what).filter(|_| case.is_slow()) {
        for target in case.targets(what, who).unwrap_or_default() {
            let version = case.at_primary(&target.signer, &target.item);
            if version.is_some_and(|version| !case.meets(&target, version)) {
                return Some(Decision::Return {
                    to: what,
                    why: format!("{} no longer publishes that {}", target.signer, target.item),
                });
            }
        }
    }
    None
}

fn lost(case: &Case<'_>, lacking: Lacking, now: Timestamp) -> Decision {
    match lacking.brought_about_by {
        Some(to) => Decision::Return {
            to,
            why: lacking.why,
        },
        None => Decision::Watch {
            what: lacking.why,
            next_poll: now + case.back_off,
        },
    }
}

/// At the deadline, what it rests on is seen again: an instance that nobody can see may serve
/// anything.
fn recheck(case: &Case<'_>, goal: Goal, now: Timestamp) -> Decision {
    for (owner, item) in case.looks(goal) {
        let is_dead = case.process.dead
            && matches!(&owner, Owner::Signer(signer) if case.process.is_about(signer));
        for place in case.places.public(&owner).filter(|_| !is_dead) {
            if let Shows::Unknown(why) = case.shows(place, &item, |_| true) {
                return Decision::Watch {
                    what: format!("{place} to show its {item} ({why})"),
                    next_poll: now + case.back_off,
                };
            }
        }
    }
    Decision::Advance
}

impl Case<'_> {
    /// The public instances of a signer that do not show what is wanted, for people.
    fn lags(&self, target: &Target) -> Vec<String> {
        let owner = Owner::Signer(target.signer.clone());
        let mut lagging = Vec::new();
        for place in self.places.public(&owner) {
            let item = &target.item;
            match self.shows(place, item, |version| self.meets(target, version)) {
                Shows::Yes => {}
                Shows::No => lagging.push(format!("{place} to show the new {item}")),
                Shows::Unknown(why) => lagging.push(format!("{place} to show its {item} ({why})")),
            }
        }
        lagging
    }

    /// What somebody whose turn it is has not been seen to do, at any of its instances.
    fn undone(&self, turn: Turn) -> Vec<String> {
        let old = &self.process.old;
        let mut undone = Vec::new();
        for signer in self.whose_turn() {
            if self.process.model == Model::Common && matches!(turn, Turn::New(_)) {
                // What it made shows nowhere before the owner publishes it.
                if self.new_keys().is_empty() {
                    undone.push(format!("{signer} to announce it: {}", turn.request()));
                }
                continue;
            }
            type Done<'t> = Box<dyn Fn(&Version) -> bool + 't>;
            let checks: Vec<(Item, Done<'_>)> = match turn {
                Turn::New(_) => vec![(Item::Dnskey, Box::new(|v| self.has_new_keys(v)))],
                Turn::SignWithNew(role) => {
                    let mut checks: Vec<(Item, Done<'_>)> =
                        vec![(Item::Soa, Box::new(|v| self.is_signed_anew(v)))];
                    if role == Role::Csk {
                        checks.push((Item::Dnskey, Box::new(|v| self.is_signed_anew(v))));
                    }
                    checks
                }
                Turn::DropOld(_) => {
                    vec![(Item::Dnskey, Box::new(|v| v.data.is_disjoint(old)))]
                }
                Turn::SignAlso => {
                    let signer = signer.clone();
                    vec![(
                        Item::Soa,
                        Box::new(move |v| self.is_signed_also(&signer, v)),
                    )]
                }
                Turn::RetireOld | Turn::Discard(_) => Vec::new(),
                Turn::DropOldAlgorithm => vec![(Item::Soa, Box::new(|v| self.is_signed_anew(v)))],
                Turn::Unsign => vec![(Item::Dnskey, Box::new(|v| v.data.is_empty()))],
            };
            let owner = Owner::Signer(signer.clone());
            for (item, is_done) in checks {
                for place in self.places.public(&owner) {
                    match self.shows(place, &item, &is_done) {
                        Shows::Yes => {}
                        Shows::No => undone.push(format!("{place}: {}", turn.request())),
                        Shows::Unknown(why) => {
                            undone.push(format!("{place} to show its {item} ({why})"));
                        }
                    }
                }
            }
        }
        undone
    }

    /// The parent's instances whose DS RRset is not what is wanted.
    pub(crate) fn ds_lags(&self, is_wanted: impl Fn(&BTreeSet<Rdata>) -> bool) -> Vec<String> {
        let mut lagging = Vec::new();
        for place in self.places.public(&Owner::Parent) {
            match self.shows(place, &Item::Ds, |version| is_wanted(&version.data)) {
                Shows::Yes => {}
                Shows::No => lagging.push(format!("{place} to serve the requested DS RRset")),
                Shows::Unknown(why) => lagging.push(format!("{place} to show its DS ({why})")),
            }
        }
        lagging
    }

    /// The parent's instances whose delegation is not exactly everybody's nameservers.
    pub(crate) fn delegation_lags(&self) -> Vec<String> {
        let after = self.process.after();
        let names = self.ns_data(&after);
        let glue = self.addresses(&after);
        let mut lagging = Vec::new();
        for place in self.places.public(&Owner::Parent) {
            let ns = self.shows(place, &Item::Delegation, |version| version.data == names);
            let glue = glue
                .iter()
                .map(|(item, data)| self.shows(place, item, |version| version.data == *data));
            for shows in [ns].into_iter().chain(glue) {
                match shows {
                    Shows::Yes => {}
                    Shows::No => {
                        lagging.push(format!("{place} to delegate to everybody's nameservers"))
                    }
                    Shows::Unknown(why) => {
                        lagging.push(format!("{place} to show its delegation ({why})"));
                    }
                }
            }
        }
        lagging
    }

    fn change(
        &self,
        target: &Target,
        seen: &BTreeSet<Rdata>,
        wanted: BTreeSet<Rdata>,
        seen_ttl: u32,
        now: Timestamp,
    ) -> Change {
        let name = target.item.name(self.zone);
        let rtype: RecordType = target.item.rtype();
        let ttl = match seen.is_empty() {
            false => seen_ttl,
            true => self.usual_ttl(target),
        };
        let set = |data| RrSet {
            name: name.clone(),
            rtype,
            ttl,
            data,
        };
        let (signer, item) = (target.signer.clone(), target.item.clone());
        let last = self.writes.get(&(signer.clone(), item.clone()));
        let is_unmet =
            |write: &Write| write.last == Written::Unmet && write.tries >= Change::UNMET_BELIEVED;
        let wanted = set(wanted);
        Change {
            is_unconditional: rtype == RecordType::DNSKEY && last.is_some_and(is_unmet),
            signer,
            item,
            seen: set(seen.clone()),
            signatures: self.sign(target, &wanted, now),
            wanted,
        }
    }

    /// The TTL of an RRset that is new at a signer: that of its DNSKEY RRset.
    fn usual_ttl(&self, target: &Target) -> u32 {
        let owner = Owner::Signer(target.signer.clone());
        let mut places = self.places.of(&owner).iter();
        places
            .find_map(|place| self.log.track(place, &Item::Dnskey)?.current())
            .map_or(TTL_SECONDS_DEFAULT, |version| version.ttl)
    }
}

/// `until`, and how far away that is, for people.
pub(crate) fn until_text(until: Timestamp, now: Timestamp) -> String {
    format!("until {until} ({} from now)", human(until - now))
}

#[cfg(test)]
mod bench;
#[cfg(test)]
mod model_1;
#[cfg(test)]
mod tests;
