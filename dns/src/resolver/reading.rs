//! What an answer is, given what was asked of whose server: an answer, a denial, a referral, or lame.
//!
//! Owns the bailiwick: nothing outside the zone that was asked is taken from its servers. Knows no
//! signatures beyond who claims to have made them.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use crate::{
    message::{Question, Reply, ResponseCode, find},
    name::{Name, RecordType},
    resolver::cache::Held,
    rrset::SignedRrSet,
};

/// How many server names of one delegation count.
const NAMES_MAX: usize = 16;

/// The reading of one reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// An authoritative answer or denial.
    Held(Held),
    /// Ask the servers of a zone further down.
    Referral(Referral),
    /// No use: why.
    Lame(String),
}

/// A delegation in a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Referral {
    /// The delegated name.
    pub child: Name,
    /// Names of its servers.
    pub names: Vec<Name>,
    /// TTL of the NS RRset, seconds.
    pub ttl: u32,
    /// Addresses that came along for these names, from within the bailiwick.
    pub glue: BTreeMap<Name, Vec<IpAddr>>,
    /// Whether the server answered from the child's apex, which it serves too.
    pub is_apex: bool,
    /// Whether there is or is not a DS RRset, if the reply says so.
    pub ds: Option<Held>,
}

/// Reads a reply to `question` from a server of `zone`.
pub(super) fn read(reply: &Reply, question: &Question, zone: &Name) -> Reading {
    if !matches!(reply.rcode, ResponseCode::NoError | ResponseCode::NXDomain) {
        return Reading::Lame(format!("it answered {}", reply.rcode));
    }
    let Question { name, rtype } = question;
    if reply.rcode == ResponseCode::NoError
        && reply.answer.is_empty()
        && let Some(referral) = referral(reply, question, zone)
    {
        return Reading::Referral(referral);
    }
    if !reply.authoritative {
        return Reading::Lame("it answers without authority".into());
    }
    let proof = || {
        of_types(
            &reply.authority,
            zone,
            &[RecordType::NSEC, RecordType::NSEC3],
        )
    };
    if let Some(signed) = find(&reply.answer, name, *rtype) {
        // The apex of a zone further down, on the same server: as good as a referral.
        if *rtype == RecordType::NS && name != zone {
            let is_apex = true;
            let referral = delegation(reply, signed, zone);
            return Reading::Referral(Referral {
                is_apex,
                ..referral
            });
        }
        return Reading::Held(Held::Answer(signed.clone(), proof()));
    }
    if let Some(signed) = find(&reply.answer, name, RecordType::CNAME) {
        let target = signed
            .set
            .data
            .first()
            .filter(|_| signed.set.data.len() == 1);
        return match target.and_then(|data| data.as_name()) {
            Some(target) => Reading::Held(Held::Alias(signed.clone(), proof(), target)),
            None => Reading::Lame("it answers with a malformed CNAME".into()),
        };
    }
    let of_another_zone = reply.authority.iter().find(|signed| {
        let owner = &signed.set.name;
        let childs = *rtype == RecordType::DS && owner == name && owner != zone;
        signed.set.rtype == RecordType::SOA && (childs || !zone.zone_of(owner))
    });
    if let Some(soa) = of_another_zone {
        return Reading::Lame(format!("it answers for the zone {}", soa.set.name));
    }
    let soa_too = [RecordType::SOA, RecordType::NSEC, RecordType::NSEC3];
    let proof = of_types(&reply.authority, zone, &soa_too);
    match reply.rcode {
        ResponseCode::NXDomain => Reading::Held(Held::NoName(proof)),
        _ => Reading::Held(Held::NoData(proof)),
    }
}

/// Names strictly below `zone`, at or above the question's, of which the reply suggests that they
/// are the apex of a zone on the same server: the claimed signers and SOA owners.
pub(super) fn hidden_apexes(held: &Held, question: &Question, zone: &Name) -> BTreeSet<Name> {
    let (answer, proof) = match held {
        Held::Answer(signed, proof) | Held::Alias(signed, proof, _) => (Some(signed), proof),
        Held::NoData(proof) | Held::NoName(proof) => (None, proof),
    };
    let soas = proof
        .iter()
        .filter(|signed| signed.set.rtype == RecordType::SOA)
        .map(|signed| &signed.set.name);
    let signers = answer
        .into_iter()
        .chain(proof)
        .flat_map(|signed| &signed.signatures)
        .map(|rrsig| &rrsig.signer);
    soas.chain(signers)
        .filter(|apex| *apex != zone && zone.zone_of(apex) && apex.zone_of(&question.name))
        .cloned()
        .collect()
}

/// Whether nothing in it is signed.
pub(super) fn is_unsigned(held: &Held) -> bool {
    match held {
        Held::Answer(signed, _) | Held::Alias(signed, ..) => signed.signatures.is_empty(),
        Held::NoData(proof) | Held::NoName(proof) => {
            proof.iter().all(|signed| signed.signatures.is_empty())
        }
    }
}

/// The delegation in the authority section that leads from `zone` towards the question.
fn referral(reply: &Reply, question: &Question, zone: &Name) -> Option<Referral> {
    let soa = |signed: &SignedRrSet| signed.set.rtype == RecordType::SOA;
    if reply.authority.iter().any(soa) {
        return None;
    }
    let leads = |child: &Name| {
        child != zone
            && zone.zone_of(child)
            && child.zone_of(&question.name)
            // DS is the parent's: a referral to the child itself leads nowhere.
            && !(question.rtype == RecordType::DS && *child == question.name)
    };
    let ns = reply
        .authority
        .iter()
        .find(|signed| signed.set.rtype == RecordType::NS && leads(&signed.set.name))?;
    Some(delegation(reply, ns, zone))
}

/// The delegation that the NS RRset `ns` makes, with what the reply says beside it.
fn delegation(reply: &Reply, ns: &SignedRrSet, zone: &Name) -> Referral {
    let child = ns.set.name.clone();
    let names: Vec<Name> = names_of(ns);
    let glue = addresses_in(&reply.additional, zone, &names);
    let proof = of_types(
        &reply.authority,
        zone,
        &[RecordType::NSEC, RecordType::NSEC3],
    );
    let ds = match find(&reply.authority, &child, RecordType::DS) {
        Some(ds) => Some(Held::Answer(ds.clone(), Vec::new())),
        None => (!proof.is_empty()).then_some(Held::NoData(proof)),
    };
    Referral {
        child,
        names,
        ttl: ns.set.ttl,
        glue,
        is_apex: false,
        ds,
    }
}

/// The addresses of these names in a section, as far as they are in the bailiwick of `zone`.
pub(super) fn addresses_in(
    section: &[SignedRrSet],
    zone: &Name,
    names: &[Name],
) -> BTreeMap<Name, Vec<IpAddr>> {
    let mut found: BTreeMap<Name, Vec<IpAddr>> = BTreeMap::new();
    for SignedRrSet { set, .. } in section {
        let is_address = matches!(set.rtype, RecordType::A | RecordType::AAAA);
        if is_address && zone.zone_of(&set.name) && names.contains(&set.name) {
            let addresses = set.data.iter().filter_map(|data| data.as_address());
            found.entry(set.name.clone()).or_default().extend(addresses);
        }
    }
    found
}

/// The server names of an NS RRset.
pub(super) fn names_of(ns: &SignedRrSet) -> Vec<Name> {
    let names = ns.set.data.iter().filter_map(|data| data.as_name());
    names.take(NAMES_MAX).collect()
}

fn of_types(section: &[SignedRrSet], zone: &Name, types: &[RecordType]) -> Vec<SignedRrSet> {
    section
        .iter()
        .filter(|signed| types.contains(&signed.set.rtype) && zone.zone_of(&signed.set.name))
        .cloned()
        .collect()
}
