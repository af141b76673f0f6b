//! RRsets in the words of the log: keys by their labels, name servers by their names.

use counterpoint_dns::{
    key::Dnskey,
    name::{Name, RecordType},
    rdata::{Csync, Ds, Rdata},
    rrset::RrSet,
};

use crate::recorder::Recorder;

/// The types at a judged zone's apex whose changes the log shows.
pub const APEX_TYPES: [RecordType; 5] = [
    RecordType::DNSKEY,
    RecordType::NS,
    RecordType::CDS,
    RecordType::CDNSKEY,
    RecordType::CSYNC,
];

/// `{alpha ksk-1 (1234), beta ksk-1 (99)} ttl 3600`.
pub fn describe(set: &RrSet, zone: &Name, recorder: &Recorder) -> String {
    let key = |data: &Rdata| Dnskey::parse(data).map(|key| recorder.label(&key));
    let one = |data: &Rdata| match set.rtype {
        RecordType::DNSKEY | RecordType::CDNSKEY => key(data),
        RecordType::DS | RecordType::CDS => Ds::parse(data).map(|ds| {
            let label = recorder.label_of_ds(zone, &ds);
            format!("{label}/{}", ds.digest_type)
        }),
        RecordType::NS => data.as_name().map(|name| name.to_string()),
        RecordType::CSYNC => Csync::parse(data).map(|csync| {
            let types: Vec<String> = csync.types.iter().map(ToString::to_string).collect();
            format!(
                "serial {} flags {} {}",
                csync.serial,
                csync.flags,
                types.join(" ")
            )
        }),
        _ => None,
    };
    let mut shown: Vec<String> = set
        .data
        .iter()
        .map(|data| one(data).unwrap_or_else(|| data.present(set.rtype)))
        .collect();
    shown.sort_unstable();
    format!("{{{}}} ttl {}", shown.join(", "), set.ttl)
}
