//! Proof that a type is absent at a name (RFC 4035 §5.4): needed before glue goes (C-19).

use counterpoint_dns::{
    key::Dnskey,
    name::{Name, RecordType},
    rdata::Nsec,
    rrset::SignedRrSet,
};

use super::case::Case;

/// Whether an authentic NSEC record at `name` shows that `rtype` is not there.
pub fn proves_absent(
    case: &mut Case<'_>,
    keys: &[Dnskey],
    name: &Name,
    rtype: RecordType,
    proof: &[SignedRrSet],
) -> Result<(), String> {
    let mut why = format!("{name} {rtype}: its absence is not proven");
    for signed in proof {
        if signed.set.rtype != RecordType::NSEC || signed.set.name != *name {
            continue;
        }
        if let Err(broken) = case.signed_by(keys, signed) {
            why = format!("{name} {rtype}: the proof of its absence: {broken}");
            continue;
        }
        let Some(nsec) = signed.set.data.first().and_then(Nsec::parse) else {
            continue;
        };
        let has = |rtype: RecordType| nsec.types.contains(&rtype);
        // RFC 6840 §4.1: the NSEC of the other side of a cut says nothing about this side.
        let is_parents = has(RecordType::NS) && !has(RecordType::SOA);
        if !has(rtype) && !has(RecordType::CNAME) && !is_parents {
            return Ok(());
        }
    }
    Err(why)
}
