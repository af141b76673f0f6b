//! Every method of denial proves what is not there, to whoever validates, and nothing else.

use std::net::{IpAddr, Ipv4Addr};

use counterpoint_dns::{
    key::Dnskey,
    message::{Question, Reply, ResponseCode},
    name::RecordType,
    rdata::Rdata,
    signature::Verifier,
    validate::{denial::authenticated, keys_of},
};
use counterpoint_simnet::{
    denial::{Denial, Hashing},
    topology::Stage,
};

use crate::{ZONE, address, ask, name, plan, stage};

const ANYBODY: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A name, one far below another, and a wildcard below a third.
fn world(denial: Denial) -> (Stage, Vec<Dnskey>) {
    let text = Rdata::from_octets(*b"\x04text");
    let mut stage = stage(
        denial,
        plan(&[
            ("www", RecordType::A, address(1)),
            ("x.deep", RecordType::A, address(2)),
            ("*.wild", RecordType::TXT, text),
        ]),
    );
    let dnskey = ask(&mut stage, "alpha", ANYBODY, ZONE, RecordType::DNSKEY);
    (stage, keys_of(&dnskey.answer[0]))
}

fn all() -> [Denial; 3] {
    let hashing = Hashing {
        iterations: 3,
        salt: vec![0xc0, 0xff, 0xee],
        opt_out: false,
    };
    [Denial::Nsec, Denial::Nsec3(hashing), Denial::Compact]
}

/// What the authority section of this answer proves.
fn proof(
    stage: &Stage,
    keys: &[Dnskey],
    reply: &Reply,
) -> counterpoint_dns::validate::denial::Denial {
    let (zone, now) = (name(ZONE), stage.world.now());
    let mut verifier = Verifier::default();
    authenticated(&zone, keys, &reply.authority, now, &mut verifier).expect("authentic")
}

#[test]
fn a_type_that_is_not_there_is_proven_absent_and_one_that_is_there_is_not() {
    for denial in all() {
        let (mut stage, keys) = world(denial.clone());
        for (qname, there) in [
            ("www.example.test.", Some(RecordType::A)),
            ("deep.example.test.", None),
            ("any.wild.example.test.", Some(RecordType::TXT)),
        ] {
            let reply = ask(&mut stage, "alpha", ANYBODY, qname, RecordType::AAAA);
            assert_eq!(reply.rcode, ResponseCode::NoError, "{denial:?} {qname}");
            assert!(reply.answer.is_empty());
            let proof = proof(&stage, &keys, &reply);
            let asked = |rtype| Question::new(name(qname), rtype);
            proof
                .no_data(&asked(RecordType::AAAA))
                .unwrap_or_else(|why| panic!("{denial:?} {qname}: {why}"));
            if let Some(there) = there {
                let why = proof.no_data(&asked(there));
                assert!(why.is_err(), "{denial:?} {qname} {there} is there");
            }
        }
    }
}

#[test]
fn a_name_that_is_not_there_is_proven_absent_and_its_neighbour_is_not() {
    for denial in all() {
        let (mut stage, keys) = world(denial.clone());
        for qname in [
            "nope.example.test.",
            "a.b.www.example.test.",
            "y.deep.example.test.",
        ] {
            let reply = ask(&mut stage, "alpha", ANYBODY, qname, RecordType::A);
            let proof = proof(&stage, &keys, &reply);
            let question = Question::new(name(qname), RecordType::A);
            match denial {
                // RFC 9824: the name is said to be there, without anything.
                Denial::Compact => proof.no_data(&question).expect("no data"),
                _ => {
                    assert_eq!(reply.rcode, ResponseCode::NXDomain);
                    proof.no_name(&name(qname)).expect("no name");
                }
            }
            assert!(proof.no_name(&name("www.example.test.")).is_err());
        }
    }
}

#[test]
fn what_a_wildcard_stands_for_comes_with_the_proof_that_nothing_is_closer() {
    for denial in all() {
        let (mut stage, keys) = world(denial.clone());
        let qname = "any.wild.example.test.";
        let reply = ask(&mut stage, "alpha", ANYBODY, qname, RecordType::TXT);
        let labels = reply.answer[0].signatures[0].labels;
        match denial {
            // Made and signed for the name itself.
            Denial::Compact => assert_eq!(labels, 4),
            _ => {
                assert_eq!(labels, 3, "{denial:?}: signed as the wildcard");
                let proof = proof(&stage, &keys, &reply);
                proof.expansion(&name(qname), labels).expect("an expansion");
            }
        }
    }
}
