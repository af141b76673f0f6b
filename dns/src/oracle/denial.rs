//! `no-false-denial`: what NSEC records held deny, though it is served wherever the delegation leads
//! (RFC 8198).
//!
//! Owns [`Catalogue`], what an instance says there is and is not, and the comparison of catalogues. A denial
//! is false if every instance that the delegation names serves what it denies when it is fetched: one
//! that departed goes on denying what was added since, or a server contradicts itself. That a name was not
//! there yet when it was asked for is no fault: RFC 2308 has it so. Signalling types are left out: their
//! askers do not go by caches. NSEC3 is not judged.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{
    history::{InstanceId, Side, Version},
    holds::Source,
    intervals::{Interval, Intervals},
    judgement::{Property, Violation},
    scene::{Conflicts, Scene, fetch, fetched_at},
    witness::{Fetched, Reason, Witness},
};
use crate::{
    name::{Name, RecordType, parse_name},
    rdata::{Nsec, Rdata},
    time::Timestamp,
};

/// RFC 6672.
const DNAME: u16 = 39;

/// What an instance says there is, and the NSEC records by which it denies the rest; in canonical order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// Names and types that are served with data.
    pub served: Vec<(Name, RecordType)>,
    /// Owners and data of NSEC records.
    pub nsec: Vec<(Name, Rdata)>,
}

/// A catalogue to look things up in.
struct Read {
    served: BTreeSet<(Name, RecordType)>,
    nsec: BTreeMap<Name, Nsec>,
}

impl Read {
    fn of(catalogue: &Catalogue) -> Self {
        let nsec = catalogue.nsec.iter();
        let parsed = nsec.filter_map(|(owner, data)| Some((owner.clone(), Nsec::parse(data)?)));
        Self {
            served: catalogue.served.iter().cloned().collect(),
            nsec: parsed.collect(),
        }
    }

    /// Whether the NSEC records prove that `name` has no RRset of this type (RFC 4035 §5.4).
    fn denies(&self, zone: &Name, name: &Name, rtype: RecordType) -> bool {
        let Some((owner, nsec)) = self.nsec.range(..=name).next_back() else {
            return false;
        };
        if owner == name {
            return lacks(nsec, rtype);
        }
        if !self.covers(zone, name) {
            return false;
        }
        // From above a zone cut or a DNAME nothing is said of what is below (RFC 6840 §4.1).
        let has = |rtype| nsec.types.contains(&rtype);
        let is_cut = has(RecordType::NS) && !has(RecordType::SOA);
        if owner.zone_of(name) && (is_cut || has(RecordType::from(DNAME))) {
            return false;
        }
        // An empty non-terminal has no types.
        if name.zone_of(&nsec.next) {
            return true;
        }
        let mut encloser = name.base_name();
        while encloser != *zone && !encloser.zone_of(owner) && !encloser.zone_of(&nsec.next) {
            encloser = encloser.base_name();
        }
        let Ok(wildcard) = encloser.prepend_label("*") else {
            return false;
        };
        match self.nsec.get(&wildcard) {
            Some(nsec) => lacks(nsec, rtype),
            None => self.covers(zone, &wildcard),
        }
    }

    /// Whether a record stands for a gap in which `name` is.
    fn covers(&self, zone: &Name, name: &Name) -> bool {
        let before = self.nsec.range(..=name).next_back();
        before
            .is_some_and(|(owner, nsec)| owner != name && (nsec.next == *zone || *name < nsec.next))
    }
}

fn lacks(nsec: &Nsec, rtype: RecordType) -> bool {
    !nsec.types.contains(&rtype) && !nsec.types.contains(&RecordType::CNAME)
}

/// Finds denials that some cache may hold of what is served wherever the delegation leads.
pub(super) fn no_false_denial(scene: &Scene<'_>, range: Interval) -> Option<Violation> {
    let history = scene.history;
    let zone = &parse_name(&history.zone).ok()?;
    let (distinct, numbers) = distinct(&history.catalogues);
    let contested = contested(zone, &distinct);
    if contested.is_empty() {
        return None;
    }
    let out = history.by_instance(&history.outages);
    let named = named(scene);
    let mut conflicts = Conflicts::beginning_in(range);
    for (number, (name, rtype)) in contested.iter().enumerate() {
        let mut served = vec![Vec::new(); history.instances.len()];
        for (version, &catalogue) in history.catalogues.iter().zip(&numbers) {
            let serves = distinct[catalogue].served.contains(&(name.clone(), *rtype));
            if serves && let Some(spans) = served.get_mut(version.instance.0 as usize) {
                spans.push(Interval::new(version.from, version.until));
            }
        }
        let (mut somewhere, mut missing) = (Intervals::none(), Intervals::none());
        for ((named, served), out) in named.iter().zip(served).zip(&out) {
            let served: Intervals = served.into_iter().collect();
            somewhere = somewhere.join(&named.meet(&served));
            missing = missing.join(&named.minus(&served).minus(out));
        }
        let everywhere = somewhere.minus(&missing);
        for (index, version) in history.catalogues.iter().enumerate() {
            if !distinct[numbers[index]].denies(zone, name, *rtype) {
                continue;
            }
            for span in scene.reach.fetchable(version) {
                for fetchable in everywhere.within(span) {
                    let held = fetchable.kept(scene.kept(version.ttl));
                    conflicts.add(held, held.until, (index, number));
                }
            }
        }
    }
    scene.violation(Property::NoFalseDenial, conflicts, |at, (index, number)| {
        let version = &history.catalogues[index];
        let span = scene
            .reach
            .fetchable(version)
            .find(|span| span.kept(scene.kept(version.ttl)).contains(at))?;
        let source = Source {
            version: index,
            fetchable: span,
            ttl: version.ttl,
        };
        let until =
            |fetched: Timestamp| fetched + scene.kept(version.ttl).max(Duration::from_nanos(1));
        let fetched = fetched_at(span, at, until);
        let (name, rtype) = contested.iter().nth(number)?;
        let what = |_: &Arc<Catalogue>| Fetched::Denial(format!("{name} {rtype}"));
        let earlier = fetch(&source, &history.catalogues, fetched, until(fetched), what)?;
        Some(Witness {
            under: None,
            earlier,
            later: None,
            reason: Reason::ServedEverywhere,
        })
    })
}

/// The different catalogues, and which one each version has.
fn distinct(catalogues: &[Version<Arc<Catalogue>>]) -> (Vec<Read>, Vec<usize>) {
    let mut known: Vec<&Arc<Catalogue>> = Vec::new();
    let mut numbers = Vec::with_capacity(catalogues.len());
    for Version { content, .. } in catalogues {
        let same = |one: &&Arc<Catalogue>| Arc::ptr_eq(one, content) || **one == *content;
        let number = known.iter().position(same).unwrap_or(known.len());
        if number == known.len() {
            known.push(content);
        }
        numbers.push(number);
    }
    (
        known.into_iter().map(|one| Read::of(one)).collect(),
        numbers,
    )
}

/// What some instance serves and some instance denies, at any time.
fn contested(zone: &Name, distinct: &[Read]) -> BTreeSet<(Name, RecordType)> {
    let all: BTreeSet<&(Name, RecordType)> = distinct
        .iter()
        .flat_map(|catalogue| &catalogue.served)
        .collect();
    let denied = |(name, rtype): &&(Name, RecordType)| {
        let mut those = distinct.iter();
        those.any(|catalogue| catalogue.denies(zone, name, *rtype))
    };
    all.into_iter().filter(denied).cloned().collect()
}

/// When the delegation, at any server of the parent, names each instance.
fn named(scene: &Scene<'_>) -> Vec<Intervals> {
    let history = scene.history;
    let is_parent = |instance: InstanceId| {
        let instance = history.instances.get(instance.0 as usize);
        instance.is_some_and(|instance| instance.side == Side::Parent)
    };
    let mut named = vec![Vec::new(); history.instances.len()];
    for version in history.ns.iter().filter(|ns| is_parent(ns.instance)) {
        for target in &version.content {
            if let Some(spans) = named.get_mut(target.0 as usize) {
                spans.push(Interval::new(version.from, version.until));
            }
        }
    }
    named.into_iter().map(Intervals::from_iter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        parse_name(text).unwrap()
    }

    /// NSEC data: the next name, and a bitmap of types below 256.
    fn nsec(next: &str, types: &[RecordType]) -> Rdata {
        let mut octets = crate::name::canonical_wire(&name(next));
        let mut bitmap = [0_u8; 32];
        for rtype in types {
            let number = usize::from(u16::from(*rtype));
            bitmap[number / 8] |= 0x80 >> (number % 8);
        }
        octets.extend([0, 32]);
        octets.extend(bitmap);
        Rdata::from_octets(octets)
    }

    fn read(chain: &[(&str, &str, &[RecordType])]) -> Read {
        let record =
            |(owner, next, types): &(&str, &str, &[RecordType])| (name(owner), nsec(next, types));
        Read::of(&Catalogue {
            served: Vec::new(),
            nsec: chain.iter().map(record).collect(),
        })
    }

    /// RFC 4035 §5.4, RFC 4592 §2.2.2: at the name, before it, at the wildcard, at a cut, at the end.
    #[test]
    fn nsec_records_deny_what_they_prove_absent_and_nothing_else() {
        use RecordType::{A, AAAA, MX, NS, SOA, TXT};
        let zone = &name("z.");
        let plain = read(&[
            ("z.", "b.z.", &[SOA, NS]),
            ("b.z.", "cut.z.", &[A]),
            ("cut.z.", "x.ent.z.", &[NS]),
            ("x.ent.z.", "z.", &[A]),
        ]);
        for (what, rtype, denied) in [
            ("b.z.", A, false),
            ("b.z.", AAAA, true),
            ("a.z.", A, true),
            ("c.b.z.", A, true),
            ("www.cut.z.", A, false),
            ("ent.z.", A, true),
            ("y.ent.z.", MX, true),
            ("zz.z.", A, true),
        ] {
            assert_eq!(
                plain.denies(zone, &name(what), rtype),
                denied,
                "{what} {rtype}"
            );
        }
        let wild = read(&[("z.", "*.z.", &[SOA]), ("*.z.", "z.", &[TXT])]);
        assert!(
            !wild.denies(zone, &name("a.z."), TXT),
            "made from the wildcard"
        );
        assert!(wild.denies(zone, &name("a.z."), A), "which has no A");
        // Without the record at which the wildcard would be, nothing is proven.
        let open = read(&[("a.z.", "c.z.", &[A])]);
        assert!(!open.denies(zone, &name("b.z."), A));
    }
}
