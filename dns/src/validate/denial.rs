//! Denial of existence by NSEC (RFC 4035 §5.4, RFC 6840 §4) and NSEC3 (RFC 5155 §8): what a set of
//! authenticated records proves.
//!
//! Owns the four proofs: a type is absent, a name is absent, a wildcard was rightly expanded, a
//! delegation is insecure; [`super::nsec3`] has them for hashed names. Nothing here verifies a
//! signature but [`authenticated`], through which records must come in.

use std::fmt;

use crate::{
    key::Dnskey,
    message::Question,
    name::{Name, RecordType},
    nsec3::{ITERATIONS_MAX, Nsec3},
    rdata::Nsec,
    rrset::SignedRrSet,
    signature::Verifier,
    time::Timestamp,
    validate::{Broken, Tolerance, by_keys_within, nsec3::Hashed},
};

/// Why a denial is not proven.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unproven {
    /// No NSEC or NSEC3 record came along.
    NoProof,
    /// NSEC3 records with so many iterations are not computed (RFC 9276 §3.2).
    Iterations(u16),
    /// Unsigned delegations may be where this name would be (RFC 5155 §9.2).
    OptOut(Name),
    /// An NSEC record does not parse, or was itself made from a wildcard.
    Malformed(Name),
    /// An NSEC record is not authentic.
    Unauthentic(Name, Broken),
    /// The name exists with this very type, or as an alias.
    Exists(Name, RecordType),
    /// The only NSEC record at the name is from the other side of a zone cut (RFC 6840 §4.1, §4.4).
    WrongSide(Name),
    /// No NSEC record matches or covers the name.
    NotCovered(Name),
    /// The name may have been made from this wildcard, whose absence is not proven.
    WildcardPossible(Name),
    /// The name is there, but it is no delegation.
    NoDelegation(Name),
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProof => f.write_str("no NSEC or NSEC3 record came along"),
            Self::Iterations(count) => write!(
                f,
                "NSEC3 records with {count} iterations, more than {ITERATIONS_MAX}, prove nothing"
            ),
            Self::OptOut(name) => write!(
                f,
                "{name} lies in an opted-out span, where an unsigned delegation may be"
            ),
            Self::Malformed(owner) => write!(f, "the NSEC or NSEC3 record at {owner} is malformed"),
            Self::Unauthentic(owner, why) => {
                write!(f, "the NSEC or NSEC3 record at {owner}: {why}")
            }
            Self::Exists(name, rtype) => {
                write!(f, "the NSEC or NSEC3 record of {name} lists {rtype}")
            }
            Self::WrongSide(name) => write!(
                f,
                "the NSEC or NSEC3 record of {name} is from the other side of the zone cut"
            ),
            Self::NotCovered(name) => write!(f, "no NSEC or NSEC3 record matches or covers {name}"),
            Self::WildcardPossible(name) => {
                write!(f, "no NSEC or NSEC3 record denies the wildcard {name}")
            }
            Self::NoDelegation(name) => {
                write!(f, "the NSEC or NSEC3 record of {name} has no NS bit")
            }
        }
    }
}

impl std::error::Error for Unproven {}

/// NSEC or NSEC3 records of one zone, every one of them authentic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    zone: Name,
    records: Vec<(Name, Nsec)>,
    /// Asked where there is no NSEC record.
    hashed: Hashed,
    until: Timestamp,
}

/// Takes in the NSEC and NSEC3 records of `section` (usually an authority section). Strict: one that is not
/// authentic spoils the proof, because a server of `zone` has no reason to send it.
pub fn authenticated(
    zone: &Name,
    keys: &[Dnskey],
    section: &[SignedRrSet],
    now: Timestamp,
    verifier: &mut Verifier,
) -> Result<Denial, Unproven> {
    authenticated_within(&Tolerance::default(), zone, keys, section, now, verifier)
}

/// The same for a validator that is less exact.
pub fn authenticated_within(
    tolerance: &Tolerance,
    zone: &Name,
    keys: &[Dnskey],
    section: &[SignedRrSet],
    now: Timestamp,
    verifier: &mut Verifier,
) -> Result<Denial, Unproven> {
    let mut denial = Denial {
        zone: zone.clone(),
        records: Vec::new(),
        hashed: Hashed::of(zone),
        until: Timestamp::MAX,
    };
    let denies =
        |signed: &&SignedRrSet| matches!(signed.set.rtype, RecordType::NSEC | RecordType::NSEC3);
    for signed in section.iter().filter(denies) {
        let owner = &signed.set.name;
        let rrsig = by_keys_within(tolerance, zone, keys, signed, now, verifier)
            .map_err(|why| Unproven::Unauthentic(owner.clone(), why))?;
        let malformed = || Unproven::Malformed(owner.clone());
        let data = signed
            .set
            .data
            .first()
            .filter(|_| signed.set.data.len() == 1 && rrsig.labels == owner.num_labels())
            .ok_or_else(malformed)?;
        if signed.set.rtype == RecordType::NSEC {
            let nsec = Nsec::parse(data).filter(|nsec| zone.zone_of(&nsec.next));
            let nsec = nsec.ok_or_else(malformed)?;
            denial.records.push((owner.clone(), nsec));
        } else {
            let nsec3 = Nsec3::parse(data).ok_or_else(malformed)?;
            denial.hashed.take(owner, nsec3)?;
        }
        denial.until = denial.until.min(tolerance.validity(rrsig, now).1);
    }
    match denial.records.is_empty() && denial.hashed.is_empty() {
        false => Ok(denial),
        true => Err(Unproven::NoProof),
    }
}

/// Whether an authentic NODATA answer to a DS question is a delegation's (RFC 6840 §4.4, RFC 5155
/// §8.9): the NS bit is set, or the span is opted out. That DS and SOA are clear is part of its being
/// proven.
pub fn is_of_delegation(proof: &[SignedRrSet], parent: &Name, child: &Name) -> bool {
    let mut hashed = Hashed::of(parent);
    for SignedRrSet { set, .. } in proof {
        let data = set.data.first();
        match set.rtype {
            RecordType::NSEC if set.name == *child => {
                let nsec = data.and_then(Nsec::parse);
                return nsec.is_some_and(|nsec| nsec.types.contains(&RecordType::NS));
            }
            RecordType::NSEC3 => {
                if let Some(nsec3) = data.and_then(Nsec3::parse) {
                    let _ = hashed.take(&set.name, nsec3);
                }
            }
            _ => {}
        }
    }
    hashed.no_ds(child).is_ok()
}

impl Denial {
    /// Until when all of its signatures hold.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// NODATA: the name is there, or a wildcard for it, or something below it, without this type
    /// (RFC 4035 §5.4, RFC 6840 §4.3).
    pub fn no_data(&self, question: &Question) -> Result<(), Unproven> {
        if self.records.is_empty() {
            return self.hashed.no_data(question);
        }
        let Question { name, rtype } = question;
        if let Some(nsec) = self.at(name) {
            return lacks(name, nsec, *rtype, &self.zone);
        }
        let covering = self.covering(name)?;
        if name.zone_of(&covering.1.next) {
            return Ok(()); // an empty non-terminal: it has no records, only descendants
        }
        let wildcard = wildcard_of(&closest_encloser(name, covering));
        match self.at(&wildcard) {
            Some(nsec) => lacks(&wildcard, nsec, *rtype, &self.zone),
            None => Err(Unproven::NotCovered(name.clone())),
        }
    }

    /// NXDOMAIN: neither the name is there nor a wildcard that would stand for it (RFC 4035 §5.4).
    pub fn no_name(&self, name: &Name) -> Result<(), Unproven> {
        if self.records.is_empty() {
            return self.hashed.no_name(name);
        }
        let covering = self.absent(name)?;
        let wildcard = wildcard_of(&closest_encloser(name, covering));
        self.absent(&wildcard)
            .map(|_| ())
            .map_err(|_| Unproven::WildcardPossible(wildcard))
    }

    /// A positive answer for `name` made from the wildcard of `labels` labels: nothing closer is
    /// there (RFC 4035 §5.3.4).
    pub fn expansion(&self, name: &Name, labels: u8) -> Result<(), Unproven> {
        if self.records.is_empty() {
            return self.hashed.expansion(name, labels);
        }
        let covering = self.absent(name)?;
        let encloser = closest_encloser(name, covering);
        // A closer encloser than the wildcard's parent would have kept the wildcard from matching.
        if encloser.iter().count() > usize::from(labels) {
            return Err(Unproven::WildcardPossible(wildcard_of(&encloser)));
        }
        Ok(())
    }

    /// "No DS at this delegation": the NS bit is set, the DS and SOA bits are clear (RFC 4035 §5.2,
    /// RFC 6840 §4.4).
    pub fn no_ds(&self, child: &Name) -> Result<(), Unproven> {
        if self.records.is_empty() {
            return self.hashed.no_ds(child);
        }
        let nsec = self
            .at(child)
            .ok_or_else(|| Unproven::NotCovered(child.clone()))?;
        lacks(child, nsec, RecordType::DS, &self.zone)?;
        match nsec.types.contains(&RecordType::NS) {
            true => Ok(()),
            false => Err(Unproven::NoDelegation(child.clone())),
        }
    }

    /// The NSEC record at `name`.
    fn at(&self, name: &Name) -> Option<&Nsec> {
        self.records
            .iter()
            .find(|(owner, _)| owner == name)
            .map(|(_, nsec)| nsec)
    }

    /// The NSEC record that covers `name`: between owner and next, in canonical order.
    fn covering(&self, name: &Name) -> Result<&(Name, Nsec), Unproven> {
        self.records
            .iter()
            .find(|(owner, nsec)| {
                // The last NSEC record points back to the apex.
                owner < name && (name < &nsec.next || nsec.next == self.zone)
                    // RFC 6840 §4.1: what lies below a delegation or a DNAME is not the owner's to deny.
                    && !(owner.zone_of(name) && is_opaque(&nsec.types))
            })
            .ok_or_else(|| Unproven::NotCovered(name.clone()))
    }

    /// The NSEC record that proves `name` absent: covered, and no empty non-terminal.
    fn absent(&self, name: &Name) -> Result<&(Name, Nsec), Unproven> {
        self.covering(name)
            .and_then(|covering| match name.zone_of(&covering.1.next) {
                false => Ok(covering),
                true => Err(Unproven::NotCovered(name.clone())),
            })
    }
}

/// Whether what lies below a name with these types is not its zone's to deny: there is a delegation or a
/// DNAME (RFC 6840 §4.1).
pub(crate) fn is_opaque(types: &[RecordType]) -> bool {
    is_parent_side(types) || types.contains(&RecordType::DNAME)
}

/// Whether the record is the parent's at a delegation.
fn is_parent_side(types: &[RecordType]) -> bool {
    types.contains(&RecordType::NS) && !types.contains(&RecordType::SOA)
}

/// Whether `nsec` at `name` shows that neither `rtype` nor an alias is there.
fn lacks(name: &Name, nsec: &Nsec, rtype: RecordType, zone: &Name) -> Result<(), Unproven> {
    lacks_types(name, &nsec.types, rtype, zone)
}

/// The same of a bitmap, whoever owns it.
pub(super) fn lacks_types(
    name: &Name,
    types: &[RecordType],
    rtype: RecordType,
    zone: &Name,
) -> Result<(), Unproven> {
    // At a cut both sides have a record: DS is the parent's, everything else is the child's.
    let wrong_side = match rtype {
        RecordType::DS => types.contains(&RecordType::SOA) && !zone.is_root(),
        _ => is_parent_side(types),
    };
    if wrong_side {
        return Err(Unproven::WrongSide(name.clone()));
    }
    match [rtype, RecordType::CNAME]
        .into_iter()
        .find(|rtype| types.contains(rtype))
    {
        Some(rtype) => Err(Unproven::Exists(name.clone(), rtype)),
        None => Ok(()),
    }
}

/// The longest ancestor that `name` shares with either end of the record that covers it
/// (RFC 4035 §5.4): the closest name that exists.
fn closest_encloser(name: &Name, (owner, nsec): &(Name, Nsec)) -> Name {
    name.trim_to(
        name.shared_labels(owner)
            .max(name.shared_labels(&nsec.next)),
    )
}

/// `*.` below `encloser`; the encloser itself where that would be too long to exist.
pub(super) fn wildcard_of(encloser: &Name) -> Name {
    encloser
        .prepend_label("*")
        .unwrap_or_else(|_| encloser.clone())
}
