//! What a version of a zone says there is, and what its NSEC and NSEC3 records deny, for the oracle.

use counterpoint_dns::{
    name::{Name, RecordType},
    oracle::Catalogue,
    rdata::Rdata,
};

use crate::published::{Published, Served};

/// Types that nobody looks for in a cache: signals to parents, and what belongs to validation.
const LEFT_OUT: [RecordType; 7] = [
    RecordType::CDS,
    RecordType::CDNSKEY,
    RecordType::CSYNC,
    RecordType::DNSKEY,
    RecordType::NSEC,
    RecordType::NSEC3,
    RecordType::NSEC3PARAM,
];

const DENIALS: [RecordType; 2] = [RecordType::NSEC, RecordType::NSEC3];

/// What `zone` says.
pub fn catalogue(zone: &Published) -> Catalogue {
    Catalogue {
        served: served(zone)
            .map(|(name, rtype)| (name.clone(), rtype))
            .collect(),
        nsec: owned(zone, RecordType::NSEC),
        nsec3: owned(zone, RecordType::NSEC3),
    }
}

/// Whether it says just that.
pub fn is(zone: &Published, known: &Catalogue) -> bool {
    served(zone).eq(known.served.iter().map(|(name, rtype)| (name, *rtype)))
        && [
            (RecordType::NSEC, &known.nsec),
            (RecordType::NSEC3, &known.nsec3),
        ]
        .into_iter()
        .all(|(rtype, known)| {
            denials(zone, rtype).eq(known.iter().map(|(name, data)| (name, data)))
        })
}

/// For how long its denials are held, seconds; 0 if they are made when asked for.
pub fn ttl(zone: &Published) -> u32 {
    let mut denials = zone
        .all()
        .filter(|served| DENIALS.contains(&served.set.rtype));
    denials.next().map_or(0, |served| served.set.ttl)
}

fn served(zone: &Published) -> impl Iterator<Item = (&Name, RecordType)> {
    let counts = |served: &&std::rc::Rc<Served>| {
        let rtype = served.set.rtype;
        // What is below a cut is another zone's.
        !LEFT_OUT.contains(&rtype)
            && (rtype == RecordType::DS || zone.cut_above(&served.set.name).is_none())
    };
    let all = zone.all().filter(counts);
    all.map(|served| (&served.set.name, served.set.rtype))
}

fn owned(zone: &Published, rtype: RecordType) -> Vec<(Name, Rdata)> {
    denials(zone, rtype)
        .map(|(name, data)| (name.clone(), data.clone()))
        .collect()
}

fn denials(zone: &Published, rtype: RecordType) -> impl Iterator<Item = (&Name, &Rdata)> {
    let all = zone.all().filter(move |served| served.set.rtype == rtype);
    all.filter_map(|served| Some((&served.set.name, served.set.data.first()?)))
}
