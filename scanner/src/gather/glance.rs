//! The first look at a child: what one server must be asked before all are.
//!
//! Most children ask for nothing, or for what is there already. One server says so with one or two
//! answers: a denial lists all types at the apex, so that the denial of CDS answers for CDNSKEY and
//! CSYNC too. Nothing here is validated, and need not be: a glance can only end a survey without a
//! change. Whoever forges it delays a change until the next survey, which glances elsewhere.

use counterpoint_dns::{
    name::{Name, RecordType},
    nsec3::Nsec3,
    rdata::Nsec,
    rrset::SignedRrSet,
};

use super::{Answer, Server, phase::Slot};

/// What follows from what a server has answered so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Glance {
    /// This is open.
    Ask(Slot),
    /// It asks for nothing, or for what is there.
    Quiet,
    /// There is something to judge, or something odd: every server is asked everything.
    Worthwhile,
    /// It does not answer: another one may.
    Silent,
}

/// Looks at what `server` has answered. `slots` are what a child may signal with, in this order;
/// `is_quiet` tells whether CDS and CDNSKEY, as far as they are here, ask for nothing new.
pub fn glance(
    child: &Name,
    server: &Server,
    slots: &[Slot],
    is_quiet: impl Fn() -> bool,
) -> Glance {
    let answers = || slots.iter().filter_map(|slot| slot.seen(server));
    if answers().any(Answer::is_unusable) {
        return match answers().any(Answer::is_response) {
            true => Glance::Worthwhile,
            false => Glance::Silent,
        };
    }
    if server.csync.present().is_some() || answers().any(Answer::is_response) && !is_quiet() {
        return Glance::Worthwhile;
    }
    let listed = answers().find_map(|answer| match answer {
        Answer::Absent(proof) => apex_types(child, proof),
        _ => None,
    });
    let is_denied = |slot: &Slot| {
        let listed = listed.as_ref();
        listed.is_some_and(|types| !types.contains(&slot.question(child).rtype))
    };
    // a CDS RRset that asks for what is there speaks for CDNSKEY as well.
    let is_settled = |slot: &Slot| *slot == Slot::Cdnskey && server.cds.present().is_some();
    let open = slots.iter().find(|slot| {
        slot.seen(server) == Some(&Answer::NotAsked) && !is_denied(slot) && !is_settled(slot)
    });
    match open {
        Some(slot) => Glance::Ask(slot.clone()),
        None => Glance::Quiet,
    }
}

/// Fills in what a quiet server denied without being asked for it.
pub fn fill_in(child: &Name, server: &mut Server, slots: &[Slot]) {
    let denial = slots.iter().find_map(|slot| match slot.seen(server)? {
        Answer::Absent(proof) => Some((apex_types(child, proof)?, proof.clone())),
        _ => None,
    });
    let Some((types, proof)) = denial else {
        return;
    };
    for slot in slots {
        let rtype = slot.question(child).rtype;
        let answer = slot.of(server);
        if *answer == Answer::NotAsked && !types.contains(&rtype) {
            *answer = Answer::Absent(proof.clone());
        }
    }
}

/// The types at the apex of `child`, as a denial lists them; none if none of its records is the
/// apex's own. The SOA bit tells the child's record from the parent's (RFC 6840 §4.1).
fn apex_types(child: &Name, proof: &[SignedRrSet]) -> Option<Vec<RecordType>> {
    let listed = proof.iter().find_map(|signed| {
        let (owner, data) = (&signed.set.name, signed.set.data.first()?);
        match signed.set.rtype {
            RecordType::NSEC if owner == child => Some(Nsec::parse(data)?.types),
            RecordType::NSEC3 => {
                let nsec3 = Nsec3::parse(data)?;
                (nsec3.owner(child, child)? == *owner).then_some(nsec3.types)
            }
            _ => None,
        }
    });
    listed.filter(|types| types.contains(&RecordType::SOA))
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpoint_dns::{
        name::parse_name,
        rdata::Rdata,
        rrset::{RrSet, SignedRrSet},
    };

    const SLOTS: [Slot; 3] = [Slot::Cds, Slot::Cdnskey, Slot::Csync];

    fn child() -> Name {
        parse_name("c.test.").unwrap()
    }

    fn signed(name: Name, rtype: RecordType, data: Rdata) -> SignedRrSet {
        SignedRrSet {
            set: RrSet::new(name, rtype, 60, [data]),
            signatures: Vec::new(),
        }
    }

    fn denied(types: &[RecordType]) -> Answer {
        let nsec = Nsec {
            next: child(),
            types: types.to_vec(),
        };
        Answer::Absent(vec![signed(child(), RecordType::NSEC, nsec.to_rdata())])
    }

    fn denied_by_hash(of: &Name, iterations: u16) -> Answer {
        let nsec3 = Nsec3 {
            algorithm: 1,
            flags: 0,
            iterations,
            salt: vec![7],
            next: vec![0; 20],
            types: vec![RecordType::SOA],
        };
        // As the apex's own would be, were it not too dear.
        let cheap = Nsec3 {
            iterations: iterations.min(1),
            ..nsec3.clone()
        };
        let owner = cheap.owner(of, &child()).unwrap();
        Answer::Absent(vec![signed(owner, RecordType::NSEC3, nsec3.to_rdata())])
    }

    fn cds() -> Answer {
        let data = Rdata::from_octets([0, 1, 13, 2, 9]);
        Answer::Present(signed(child(), RecordType::CDS, data))
    }

    #[test]
    fn one_server_is_asked_as_little_as_tells_whether_all_must_be() {
        use RecordType::{CDNSKEY, CSYNC, SOA};
        let ask = |slot| Glance::Ask(slot);
        let (no, unusable) = (Answer::NotAsked, Answer::Unusable("refused".into()));
        let empty = Answer::Absent(Vec::new());
        let csync = Answer::Present(signed(child(), CSYNC, Rdata::from_octets([0; 8])));
        let other = parse_name("other.c.test.").unwrap();
        let is_new = || false;
        for (what, answers, is_quiet, expected) in [
            (
                "nothing yet",
                [no.clone(), no.clone(), no.clone()],
                true,
                ask(Slot::Cds),
            ),
            (
                "silence",
                [unusable.clone(), no.clone(), no.clone()],
                true,
                Glance::Silent,
            ),
            (
                "a denial of all",
                [denied(&[SOA]), no.clone(), no.clone()],
                true,
                Glance::Quiet,
            ),
            (
                "CDNSKEY is there",
                [denied(&[SOA, CDNSKEY]), no.clone(), no.clone()],
                true,
                ask(Slot::Cdnskey),
            ),
            (
                "only CSYNC is there",
                [denied(&[SOA, CSYNC]), no.clone(), no.clone()],
                true,
                ask(Slot::Csync),
            ),
            (
                "the parent's NSEC",
                [denied(&[RecordType::NS]), no.clone(), no.clone()],
                true,
                ask(Slot::Cdnskey),
            ),
            (
                "no proof",
                [empty.clone(), no.clone(), no.clone()],
                true,
                ask(Slot::Cdnskey),
            ),
            (
                "no proof twice",
                [empty.clone(), empty.clone(), no.clone()],
                true,
                ask(Slot::Csync),
            ),
            (
                "no proof, but all",
                [empty.clone(), empty.clone(), empty],
                true,
                Glance::Quiet,
            ),
            (
                "the apex's NSEC3",
                [denied_by_hash(&child(), 1), no.clone(), no.clone()],
                true,
                Glance::Quiet,
            ),
            (
                "another's NSEC3",
                [denied_by_hash(&other, 1), no.clone(), no.clone()],
                true,
                ask(Slot::Cdnskey),
            ),
            (
                "a dear NSEC3",
                [denied_by_hash(&child(), 5_000), no.clone(), no.clone()],
                true,
                ask(Slot::Cdnskey),
            ),
            (
                "the same CDS",
                [cds(), no.clone(), no.clone()],
                true,
                ask(Slot::Csync),
            ),
            (
                "the same CDS, no CSYNC",
                [cds(), no.clone(), denied(&[SOA])],
                true,
                Glance::Quiet,
            ),
            (
                "a new CDS",
                [cds(), no.clone(), no.clone()],
                false,
                Glance::Worthwhile,
            ),
            (
                "a CSYNC",
                [denied(&[SOA, CSYNC]), no.clone(), csync],
                true,
                Glance::Worthwhile,
            ),
            (
                "half an answer",
                [cds(), no.clone(), unusable],
                true,
                Glance::Worthwhile,
            ),
        ] {
            let [cds, cdnskey, csync] = answers;
            let server = Server {
                cds,
                cdnskey,
                csync,
                ..Server::default()
            };
            let glanced = match is_quiet {
                true => glance(&child(), &server, &SLOTS, || true),
                false => glance(&child(), &server, &SLOTS, is_new),
            };
            assert_eq!(glanced, expected, "{what}");
        }
    }

    #[test]
    fn what_was_denied_along_the_way_counts_as_denied() {
        let mut server = Server {
            cds: denied(&[RecordType::SOA, RecordType::CDNSKEY]),
            ..Server::default()
        };
        fill_in(&child(), &mut server, &SLOTS);
        assert_eq!(server.cdnskey, Answer::NotAsked);
        assert_eq!(server.csync, server.cds);
    }
}
