//! What a version of a zone says there is, and what its NSEC records deny, for the oracle.

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

/// What `zone` says.
pub fn catalogue(zone: &Published) -> Catalogue {
    Catalogue {
        served: served(zone)
            .map(|(name, rtype)| (name.clone(), rtype))
            .collect(),
        nsec: nsec(zone)
            .map(|(name, data)| (name.clone(), data.clone()))
            .collect(),
    }
}

/// Whether it says just that.
pub fn is(zone: &Published, known: &Catalogue) -> bool {
    served(zone).eq(known.served.iter().map(|(name, rtype)| (name, *rtype)))
        && nsec(zone).eq(known.nsec.iter().map(|(name, data)| (name, data)))
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

fn nsec(zone: &Published) -> impl Iterator<Item = (&Name, &Rdata)> {
    let all = zone
        .all()
        .filter(|served| served.set.rtype == RecordType::NSEC);
    all.filter_map(|served| Some((&served.set.name, served.set.data.first()?)))
}
