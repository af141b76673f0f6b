//! A primary's side of dynamic update (RFC 2136 §3): prerequisites, then all changes or none.

use std::collections::BTreeSet;

use counterpoint_dns::{
    key::Dnskey,
    message::ResponseCode,
    name::{Name, RecordType},
    rdata::Rdata,
    rrset::RrSet,
    time::Timestamp,
    update::{Change, Prerequisite, Update},
};

use crate::{
    habits::{self, Habit},
    primary::Primary,
    push,
};

/// Applies `update` to the zone, which then waits for publication; or says why not.
pub fn apply(primary: &mut Primary, update: &Update, now: Timestamp) -> ResponseCode {
    if update.zone != *primary.zone() {
        return ResponseCode::NotAuth;
    }
    if primary.is_frozen {
        return ResponseCode::ServFail;
    }
    for prerequisite in &update.prerequisites {
        if let Some(refusal) = unmet(primary, prerequisite) {
            return refusal;
        }
    }
    let outside = |name: &Name| !update.zone.zone_of(name);
    let is_outside = update.changes.iter().any(|change| match change {
        Change::Add(set) | Change::Remove(set) => outside(&set.name),
        Change::Clear(name, _) => outside(name),
    });
    if is_outside {
        return ResponseCode::NotZone;
    }
    if habits::refuses(primary, update) {
        return ResponseCode::Refused;
    }
    let is_pushed = primary.pushed.is_some();
    if is_pushed {
        match push::judge(primary, update, now) {
            None => return ResponseCode::Refused,
            Some(pushed) => primary.pushed = Some(pushed),
        }
    }
    let rest = update.changes.iter();
    rest.filter(|change| !is_pushed || change.rtype() != RecordType::DNSKEY)
        .for_each(|change| make(primary, change));
    ResponseCode::NoError
}

fn unmet(primary: &Primary, prerequisite: &Prerequisite) -> Option<ResponseCode> {
    match prerequisite {
        Prerequisite::Is(set) => {
            let data = data_of(primary, &set.name, set.rtype);
            (data != set.data).then_some(ResponseCode::NXRRSet)
        }
        Prerequisite::Absent(name, rtype) => {
            let data = data_of(primary, name, *rtype);
            (!data.is_empty()).then_some(ResponseCode::YXRRSet)
        }
    }
}

pub(crate) fn data_of(primary: &Primary, name: &Name, rtype: RecordType) -> BTreeSet<Rdata> {
    if *name == *primary.zone() && rtype == RecordType::DNSKEY {
        return primary.dnskey(0).data;
    }
    if *name == *primary.zone() && rtype == RecordType::SOA {
        let soa = primary
            .published()
            .and_then(|last| last.apex(RecordType::SOA));
        return soa
            .map(|served| served.set.data.clone())
            .unwrap_or_default();
    }
    primary
        .contents
        .get(name, rtype)
        .map(|set| set.data.clone())
        .unwrap_or_default()
}

fn make(primary: &mut Primary, change: &Change) {
    let apex = primary.zone().clone();
    let is_made_here = |name: &Name, rtype: RecordType| {
        let types = [RecordType::SOA, RecordType::NSEC, RecordType::RRSIG];
        types.contains(&rtype) && (*name == apex || rtype != RecordType::SOA)
    };
    match change {
        // Signers keep their own keys whatever an update says, and only foreign ones come and go; but
        // for keys that were made to be published later, or let go.
        Change::Add(set) if set.rtype == RecordType::DNSKEY => {
            for key in set.data.iter().filter_map(Dnskey::parse) {
                let takes = primary.habits.takes(&key);
                match primary.keys.own_of_mut(&key) {
                    Some(own) if own.is_published => {}
                    Some(own) => {
                        own.is_published = true;
                        own.is_active = true;
                    }
                    None if !takes => {}
                    None => {
                        primary.keys.foreign.insert(key);
                        if primary.habits.has(Habit::OneTtl)
                            && let Some(signing) = &mut primary.signing
                        {
                            signing.dnskey_ttl = set.ttl;
                        }
                    }
                }
            }
        }
        Change::Remove(set) if set.rtype == RecordType::DNSKEY => {
            for key in set.data.iter().filter_map(Dnskey::parse) {
                primary.keys.foreign.remove(&key);
                if let Some(own) = primary.keys.own_of_mut(&key).filter(|own| own.may_leave) {
                    own.is_published = false;
                    own.is_active &= own.kind.signs_data();
                }
            }
        }
        Change::Clear(_, RecordType::DNSKEY) => primary.keys.foreign.clear(),
        Change::Add(set) | Change::Remove(set) if is_made_here(&set.name, set.rtype) => {}
        Change::Clear(name, rtype) if is_made_here(name, *rtype) => {}
        Change::Add(set) => {
            let mut whole = set.clone();
            if let Some(present) = primary.contents.get(&set.name, set.rtype) {
                whole.data.extend(present.data.iter().cloned());
            }
            primary.contents.put(whole);
        }
        Change::Remove(set) => {
            let Some(present) = primary.contents.get(&set.name, set.rtype) else {
                return;
            };
            let left: BTreeSet<Rdata> = present.data.difference(&set.data).cloned().collect();
            // RFC 2136 §3.4.2.4: the last NS of the apex stays.
            if left.is_empty() && set.rtype == RecordType::NS && set.name == apex {
                return;
            }
            primary.contents.put(RrSet {
                data: left,
                ..present.clone()
            });
        }
        // RFC 2136 §3.4.2.3: the apex keeps its NS.
        Change::Clear(name, RecordType::NS) if *name == apex => {}
        Change::Clear(name, rtype) => primary.contents.remove(name, *rtype),
    }
}
