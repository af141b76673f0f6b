//! What a zone says, before anybody signs it: RRsets by name and type.
//!
//! Owns the difference between the zone's own data, its delegations and their glue (RFC 4035 §2.2:
//! only the first are signed). Knows no keys and no serials.

use std::collections::BTreeMap;

use counterpoint_dns::{
    name::{Name, RecordType},
    rrset::RrSet,
};

/// The RRsets of one zone.
#[derive(Clone, Debug)]
pub struct Contents {
    origin: Name,
    sets: BTreeMap<Name, BTreeMap<RecordType, RrSet>>,
}

impl Contents {
    /// An empty zone.
    pub fn new(origin: Name) -> Self {
        Self {
            origin,
            sets: BTreeMap::new(),
        }
    }

    /// Puts an RRset in place of what was there; an empty one removes it.
    pub fn put(&mut self, set: RrSet) {
        debug_assert!(
            self.origin.zone_of(&set.name),
            "{} lies in {}",
            set.name,
            self.origin
        );
        if set.data.is_empty() {
            self.remove(&set.name, set.rtype);
        } else {
            self.sets
                .entry(set.name.clone())
                .or_default()
                .insert(set.rtype, set);
        }
    }

    /// Removes an RRset.
    pub fn remove(&mut self, name: &Name, rtype: RecordType) {
        if let Some(types) = self.sets.get_mut(name) {
            types.remove(&rtype);
            if types.is_empty() {
                self.sets.remove(name);
            }
        }
    }

    /// The RRset of this name and type.
    pub fn get(&self, name: &Name, rtype: RecordType) -> Option<&RrSet> {
        self.sets.get(name)?.get(&rtype)
    }

    /// All names with their RRsets, in canonical order.
    pub fn names(&self) -> impl Iterator<Item = (&Name, &BTreeMap<RecordType, RrSet>)> {
        self.sets.iter()
    }

    /// All RRsets, in canonical order, to change in place.
    pub fn sets_mut(&mut self) -> impl Iterator<Item = &mut RrSet> {
        self.sets.values_mut().flat_map(BTreeMap::values_mut)
    }

    /// All RRsets, in canonical order.
    pub fn sets(&self) -> impl Iterator<Item = &RrSet> {
        self.sets.values().flat_map(BTreeMap::values)
    }

    /// The highest delegation at or above `name`, if there is one below the apex.
    pub fn cut_above(&self, name: &Name) -> Option<&Name> {
        cut_above(&self.origin, &self.sets, name)
    }

    /// Whether the zone speaks about this RRset with authority, and so signs it: at a delegation the DS
    /// and the NSEC (RFC 4035 §2.2).
    pub fn is_authoritative(&self, set: &RrSet) -> bool {
        match self.cut_above(&set.name) {
            None => true,
            Some(cut) => *cut == set.name && matches!(set.rtype, RecordType::DS | RecordType::NSEC),
        }
    }
}

/// The highest name at or above `name` and below `origin` that has NS: there the zone ends.
pub(crate) fn cut_above<'a, S>(
    origin: &Name,
    sets: &'a BTreeMap<Name, BTreeMap<RecordType, S>>,
    name: &Name,
) -> Option<&'a Name> {
    let labels = usize::from(origin.num_labels()) + 1..=usize::from(name.num_labels());
    labels
        .filter_map(|count| sets.get_key_value(&name.trim_to(count)))
        .find(|(_, types)| types.contains_key(&RecordType::NS))
        .map(|(cut, _)| cut)
}
