//! When the waits of the tables are over, from the observation log alone.
//!
//! Owns which versions each wait rests on. The arithmetic is in `waits`.

use std::{collections::BTreeSet, time::Duration};

use counterpoint_dns::{
    rdata::{Ds, Rdata},
    time::Timestamp,
};

use crate::{
    case::Case,
    config::SignerName,
    log::{Track, Version},
    outstanding,
    place::{Item, Owner, Place},
    process::{WaitFor, What, Who},
    sabotage::Sabotage,
    targets::Want,
    waits::{Source, Turnover, held_until, silent_until, turnover},
};

/// The step of `leave` that tells who leaves that it may stop.
const RELEASE_STEP: u8 = 5;

/// Something that a wait rests on does not hold (any more).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lacking {
    /// The row that brings it about; none: somebody else must.
    pub brought_about_by: Option<What>,
    /// What is lacking, for people.
    pub why: String,
}

/// What a cache may lack when a key is new.
pub(crate) const WITHOUT_NEW_KEYS: &str = "caches may hold a DNSKEY RRset without the new keys";

/// What a wait is for whose ground may still change.
const PARENT_MAY_ACT: &str = "the parent may still act on what it was asked for before";

/// From when on something has been served without a break: since it was seen to begin, or, where the parent
/// could have changed it until it `settled`, since it was `seen` after that.
fn since(begun: Timestamp, settled: Timestamp, seen: Option<Timestamp>) -> Timestamp {
    match settled > begun {
        true => seen.map_or(settled, |seen| seen.max(settled)),
        false => begun,
    }
}

/// When a wait is over, and what for.
pub(crate) type Over = Result<(Timestamp, String), Lacking>;

impl Case<'_> {
    /// When the last of these waits is over.
    pub(crate) fn deadline(&self, waits: &[WaitFor]) -> Over {
        let mut last = (Timestamp::MIN, String::new());
        for wait in waits {
            let one = match wait {
                WaitFor::Dnskey => self.dnskey_wait(),
                WaitFor::OwnDnskey => self.own_dnskey_wait(),
                WaitFor::NewAlgorithm => self.algorithm_wait(What::NewAlgorithm),
                WaitFor::OldAlgorithm => self.algorithm_wait(What::OldAlgorithmOut),
                WaitFor::Ds => self.ds_wait(What::Cds),
                WaitFor::DsOfBoth => self.ds_wait(What::CdsOfBoth),
                WaitFor::NoDs => self.ds_wait(What::CdsDelete),
                WaitFor::Addresses => self.address_wait(),
                WaitFor::Ns => self.ns_wait(),
                WaitFor::LeaverDnskey => self.leaver_dnskey_wait(),
                WaitFor::ReturnerDnskey => self.returner_dnskey_wait(),
                WaitFor::LeaverData => self.leaver_data_wait(),
                WaitFor::RolledData => self.rolled_data_wait(),
                WaitFor::GroupData => self.group_data_wait(),
                WaitFor::Delegation => self.delegation_wait(),
            }?;
            last = last.max(one);
        }
        Ok(last)
    }

    fn dnskey_wait(&self) -> Over {
        let mut whole = Timestamp::MIN;
        for signer in self.process.after() {
            let Want::Keys { present, .. } = self.foreign_keys(&signer) else {
                continue;
            };
            let owner = Owner::Signer(signer);
            let took = self.took_over(&owner, &Item::Dnskey, What::ForeignKeys, |version| {
                present.is_subset(&version.data)
            })?;
            whole = whole.max(took.deadline(self.config));
        }
        Ok((self.unless_skipped(whole), WITHOUT_NEW_KEYS.into()))
    }

    pub(crate) fn unless_skipped(&self, dnskey_wait: Timestamp) -> Timestamp {
        match self.config.has(Sabotage::SkipDnskeyWait) {
            true => Timestamp::MIN,
            false => dnskey_wait,
        }
    }

    /// When to look again for a wait. While the parent may act on something older, what was seen of it
    /// proves little: it may change, and change back, between two looks. So it is looked at as soon as
    /// that is over, and counts from there.
    pub(crate) fn next_look(&self, waits: &[WaitFor]) -> Over {
        let over = self.deadline(waits)?;
        let unsettled = [self.ds_unsettled(waits), self.delegation_unsettled(waits)];
        let unsettled = unsettled.into_iter().flatten().max();
        Ok(unsettled.map_or(over, |until| (until, PARENT_MAY_ACT.into())))
    }

    /// Whether what these waits rest on was not seen since the parent can change it no more.
    pub(crate) fn is_unsettled(&self, waits: &[WaitFor]) -> bool {
        self.ds_unsettled(waits).is_some() || self.delegation_unsettled(waits).is_some()
    }

    /// Until when the parent may change the DS RRset by something older, if it was not seen since.
    pub(crate) fn ds_unsettled(&self, waits: &[WaitFor]) -> Option<Timestamp> {
        let rested_on = waits.iter().filter_map(|wait| match wait {
            WaitFor::Ds => Some(What::Cds),
            WaitFor::DsOfBoth => Some(What::CdsOfBoth),
            WaitFor::NoDs => Some(What::CdsDelete),
            _ => None,
        });
        let turnovers = rested_on.filter_map(|asked_for| self.ds_turnover(asked_for).ok());
        let until =
            turnovers.filter_map(|(took, settled)| (settled > took.begun).then_some(settled));
        let seen = self.process.ds_settled;
        until
            .max()
            .filter(|until| seen.is_none_or(|seen| seen < *until))
    }

    /// The same of the delegation.
    pub(crate) fn delegation_unsettled(&self, waits: &[WaitFor]) -> Option<Timestamp> {
        let rests_on_it = waits.iter().any(|wait| {
            matches!(
                wait,
                WaitFor::Ns | WaitFor::LeaverDnskey | WaitFor::LeaverData
            )
        });
        let (took, settled) = self.delegation_turnover().ok().filter(|_| rests_on_it)?;
        let seen = self.process.delegation_settled;
        let is_seen = seen.is_some_and(|seen| seen >= settled);
        (settled > took.begun && !is_seen).then_some(settled)
    }

    /// How the DS RRset that `asked_for` asks for took over, and from when the parent acts on nothing else.
    fn ds_turnover(&self, asked_for: What) -> Result<(Turnover, Timestamp), Lacking> {
        let is_wanted = |data: &BTreeSet<Rdata>| match asked_for {
            What::CdsDelete => data.is_empty(),
            _ => self.is_wanted_ds(data, asked_for == What::CdsOfBoth),
        };
        let took = self.took_over(&Owner::Parent, &Item::Ds, asked_for, |version| {
            is_wanted(&version.data)
        })?;
        Ok((took, outstanding::ds_settled(self, is_wanted)))
    }

    /// Until no cache holds a DS RRset but the one that `asked_for` asks for.
    fn ds_wait(&self, asked_for: What) -> Over {
        let (mut took, settled) = self.ds_turnover(asked_for)?;
        took.begun = since(took.begun, settled, self.process.ds_settled);
        let over = match self.config.has(Sabotage::SkipDsWait) {
            true => took.begun,
            false => took.deadline(self.config),
        };
        Ok((over, "caches may hold an older DS RRset".into()))
    }

    fn address_wait(&self) -> Over {
        let after = self.process.after();
        let mut whole = Timestamp::MIN;
        for (item, data) in self.addresses(&after) {
            for signer in &after {
                let owner = Owner::Signer(signer.clone());
                let took = self.took_over(&owner, &item, What::Addresses, |version| {
                    version.data == data
                })?;
                whole = whole.max(took.deadline(self.config));
            }
        }
        Ok((
            whole,
            "caches may hold that nameserver names have no address".into(),
        ))
    }

    /// Until caches may be led to the leaver, by the parent or by any signer, itself included.
    fn ns_wait(&self) -> Over {
        let over = self.ns_turnover()?;
        Ok((
            over,
            format!("caches may be led to {}", self.process.whom()),
        ))
    }

    /// The leaver.
    fn leaver(&self) -> Result<&SignerName, Lacking> {
        self.process.subject.as_ref().ok_or_else(|| Lacking {
            brought_about_by: None,
            why: "nobody leaves".into(),
        })
    }

    /// How a delegation without the leaver took over, and from when the parent brings about no other.
    fn delegation_turnover(&self) -> Result<(Turnover, Timestamp), Lacking> {
        let names = self.ns_data(&[self.leaver()?.clone()].into());
        let is_gone = |version: &Version| version.data.is_disjoint(&names);
        let took = self.took_over(&Owner::Parent, &Item::Delegation, What::Csync, is_gone)?;
        let names_it = |data: &BTreeSet<Rdata>| !data.is_disjoint(&names);
        Ok((took, outstanding::delegation_settled(self, names_it)))
    }

    fn ns_turnover(&self) -> Result<Timestamp, Lacking> {
        let leaver = self.leaver()?;
        let names = self.ns_data(&[leaver.clone()].into());
        let is_gone = |version: &Version| version.data.is_disjoint(&names);
        let (mut whole, settled) = self.delegation_turnover()?;
        whole.begun = since(whole.begun, settled, self.process.delegation_settled);
        let written = self.at(What::Ns, Who::All);
        for signer in self
            .process
            .before
            .iter()
            .filter(|signer| *signer != leaver || !self.process.dead)
        {
            let owner = Owner::Signer(signer.clone());
            let took = match self.took_over(&owner, &Item::Ns, What::Ns, is_gone) {
                Ok(took) => took,
                Err(lacking) if written.contains(signer) => return Err(lacking),
                // Once it was told that it may stop, what it serves is nobody's business.
                Err(_) => continue,
            };
            whole.begun = whole.begun.max(took.begun);
            whole.ttl = whole.ttl.max(took.ttl);
            whole.stale_until = whole.stale_until.max(took.stale_until);
        }
        if self.process.dead {
            let gone = self.dead_until(leaver, &names);
            whole.stale_until = whole.stale_until.max(gone);
            // It may have named itself until it was given up for good: the last look at it comes
            // after the deadline, and takes as long as silence does.
            whole.stale_until = whole.stale_until.max(self.given_up_at());
        }
        Ok(match self.config.has(Sabotage::SkipNsWait) {
            true => whole.begun,
            false => whole.deadline(self.config),
        })
    }

    /// When the last cache drops what a dead leaver said of itself.
    fn dead_until(&self, leaver: &SignerName, names: &BTreeSet<Rdata>) -> Timestamp {
        let owner = Owner::Signer(leaver.clone());
        let began = self
            .process
            .steps
            .first()
            .map_or(Timestamp::MIN, |step| step.from);
        let never_seen = began + self.max_ttl(&owner);
        let each = self.places.public(&owner).map(|place| {
            let names_itself = |version: &Version| !version.data.is_disjoint(names);
            let source = self.source(place, &Item::Ns);
            // Its NS RRset may have changed unseen before it died.
            let unseen = source.track.and_then(|track| track.unknown_since);
            let unseen = unseen.map(|silent| silent + source.max_ttl);
            silent_until(source, names_itself)
                .unwrap_or(never_seen)
                .max(unseen.unwrap_or(never_seen))
        });
        each.max().unwrap_or(never_seen)
    }

    /// When the leaver was told that it may stop.
    fn given_up_at(&self) -> Timestamp {
        let mut steps = self.process.steps.iter();
        let release = steps.find(|step| step.step == RELEASE_STEP);
        release
            .filter(|_| self.process.released)
            .map_or(Timestamp::MIN, |step| step.from)
    }

    fn leaver_dnskey_wait(&self) -> Over {
        let reach_end = self.ns_turnover()?;
        let owner = Owner::Signer(self.leaver()?.clone());
        let each = self
            .places
            .public(&owner)
            .map(|place| held_until(self.source(place, &Item::Dnskey), reach_end));
        let seen = each.max();
        let end = match self.process.dead {
            // What it served between the last look and its death, nobody saw: TTLs may have risen.
            true => seen.max(Some(reach_end + self.max_ttl(&owner))),
            false => seen,
        };
        let end = end.unwrap_or(reach_end + self.max_ttl(&owner));
        let over = match self.config.has(Sabotage::SkipLeaverDnskeyWait) {
            true => reach_end,
            false => end + self.config.safety.of(end - reach_end),
        };
        Ok((
            over,
            format!(
                "caches may hold the DNSKEY RRset of {}",
                self.process.whom()
            ),
        ))
    }

    /// Until no cache holds a DNSKEY RRset of who came back that none of its KSKs has signed, if the parent
    /// is to drop a DS.
    fn returner_dnskey_wait(&self) -> Over {
        let signer = self.leaver()?.clone();
        let keys = self.keys.entry_points(&signer).into_iter();
        let keys: BTreeSet<Rdata> = keys.map(|key| key.to_rdata()).collect();
        let is_signed = |version: &Version| !version.signed_by.is_disjoint(&keys);
        let over = match self.drops_ds() {
            true => {
                let owner = Owner::Signer(signer);
                let took = self.took_over(&owner, &Item::Dnskey, None, is_signed)?;
                took.deadline(self.config)
            }
            false => Timestamp::MIN,
        };
        Ok((
            over,
            format!(
                "caches may hold a DNSKEY RRset of {} from before it stopped",
                self.process.whom()
            ),
        ))
    }

    /// Whether the parent has a DS that is to go: of none of everybody's KSKs.
    fn drops_ds(&self) -> bool {
        let keys = self.entry_points(&self.process.after(), false);
        let is_ours = |ds: &Rdata| {
            let ds = Ds::parse(ds);
            ds.is_some_and(|ds| keys.iter().any(|key| key.matches(self.zone, &ds)))
        };
        let places = self.places.public(&Owner::Parent);
        let tracks = places.filter_map(|place| self.log.track(place, &Item::Ds));
        let mut served = tracks.filter_map(Track::current);
        served.any(|version| !version.data.iter().all(is_ours))
    }

    /// Everything that the leaver signed, negative answers included: bounded by declaration, never
    /// by the few names that were asked.
    fn leaver_data_wait(&self) -> Over {
        let reach_end = self.ns_turnover()?;
        let longest = self.signer_max_ttl(self.leaver()?);
        let over = match self.config.has(Sabotage::SkipDataWait) {
            true => reach_end,
            false => reach_end + longest + self.config.safety.of(longest),
        };
        Ok((
            over,
            format!("caches may hold answers of {}", self.process.whom()),
        ))
    }

    /// What the parent was asked for before may still be published until then.
    fn delegation_wait(&self) -> Over {
        let names = self.ns_data(&self.process.after());
        let is_other = |data: &BTreeSet<Rdata>| *data != names;
        let took = self.took_over(&Owner::Parent, &Item::Delegation, What::Csync, |version| {
            !is_other(&version.data)
        })?;
        let settled = outstanding::delegation_settled(self, is_other);
        Ok((took.begun.max(settled), PARENT_MAY_ACT.into()))
    }

    /// How something new took over at every public instance of `owner`.
    pub(crate) fn took_over(
        &self,
        owner: &Owner,
        item: &Item,
        brought_about_by: impl Into<Option<What>>,
        is_new: impl Fn(&Version) -> bool,
    ) -> Result<Turnover, Lacking> {
        let sources = self
            .places
            .public(owner)
            .map(|place| self.source(place, item));
        turnover(self.config, sources, is_new).map_err(|without| {
            let first = without
                .first()
                .map(|place| place.to_string())
                .unwrap_or_default();
            Lacking {
                brought_about_by: brought_about_by.into(),
                why: format!("{first} was seen without the new {item}"),
            }
        })
    }

    fn source<'a>(&'a self, place: &'a Place, item: &Item) -> Source<'a> {
        Source {
            place,
            track: self.log.track(place, item),
            max_ttl: self.max_ttl(&place.owner),
        }
    }

    /// The declared bound of the TTLs of `owner`.
    fn max_ttl(&self, owner: &Owner) -> Duration {
        match owner {
            Owner::Parent => self.config.parent.max_ttl,
            Owner::Signer(name) => self.signer_max_ttl(name),
        }
    }

    pub(crate) fn signer_max_ttl(&self, name: &SignerName) -> Duration {
        let declared = self.config.signers.get(name);
        declared.map_or(crate::config::Config::MAX_TTL, |signer| signer.max_ttl)
    }
}
