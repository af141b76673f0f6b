//! Stories of one resolver in a small world: what is secure, what is insecure, what is bogus.

mod authority;

use authority::{story::*, *};
use counterpoint_dns::{
    key::{Algorithm, DIGEST_SHA256, SigningKey},
    message::ResponseCode,
    name::RecordType,
    rdata::Rdata,
    resolver::{Status, Validation},
    rrset::{RrSet, SignedRrSet},
    signature::Rrsig,
};

#[test]
fn denials_are_proven() {
    for config in configs(&Story::new(START)) {
        let mut story = Story::new(START);
        let mut resolver = story.resolver(config);
        let mut resolve = |text: &str, rtype| {
            let resolution = story.world.resolve(&mut resolver, START, ask(text, rtype));
            assert_eq!(resolution.status, Status::Secure, "{text} {rtype}");
            (
                resolution.rcode,
                resolution.answer.is_some(),
                resolution.cached,
            )
        };
        let (absent, empty) = (ResponseCode::NXDomain, ResponseCode::NoError);
        assert_eq!(resolve("no.example.test.", A_TYPE), (absent, false, false));
        assert_eq!(
            resolve("no.example.test.", RecordType::TXT),
            (absent, false, true)
        );
        assert_eq!(
            resolve("www.example.test.", RecordType::TXT),
            (empty, false, false)
        );
        assert_eq!(
            resolve("er.example.test.", A_TYPE),
            (empty, false, false),
            "empty non-terminal"
        );
        assert_eq!(
            resolve("x.wild.example.test.", A_TYPE),
            (empty, true, false)
        );
        assert_eq!(
            resolve("y.z.wild.example.test.", A_TYPE),
            (empty, true, false)
        );
        assert_eq!(
            resolve("x.wild.example.test.", RecordType::TXT),
            (empty, false, false)
        );
        assert_eq!(resolve("alias.example.test.", A_TYPE), (empty, true, false));
        assert_eq!(resolve("nowhere.", A_TYPE), (absent, false, false));
        assert_eq!(
            resolve("www.example.test.", RecordType::DS),
            (empty, false, false)
        );
    }
}

#[test]
fn an_insecure_delegation_is_proven_and_what_lies_below_is_insecure() {
    for config in configs(&Story::new(START)) {
        let mut story = Story::new(START);
        let mut resolver = story.resolver(config);
        let www = ask("www.insecure.test.", A_TYPE);
        let resolution = story.world.resolve(&mut resolver, START, www);
        assert_eq!(resolution.status, Status::Insecure);
        assert_eq!(addresses(&resolution), ["192.0.2.90"]);
    }
}

#[test]
fn an_insecure_delegation_without_proof_is_bogus() {
    for config in configs(&Story::new(START)) {
        let mut story = Story::new(START);
        story.world.tamper(TEST, |_, message| {
            message
                .authorities
                .retain(|record| record.record_type() != RecordType::NSEC);
        });
        let mut resolver = story.resolver(config);
        let www = ask("www.insecure.test.", A_TYPE);
        let resolution = story.world.resolve(&mut resolver, START, www);
        assert_bogus(
            &resolution,
            "insecure.test. DS from 192.0.2.2: no NSEC or NSEC3 record came along",
        );
    }
}

#[test]
fn the_story_of_rfc_8901_a_cached_dnskey_rrset_that_lacks_the_other_signers_zsk() {
    // A's DNSKEY RRset has B's KSK (its DS is out) but not yet B's ZSK.
    let story = || {
        let mut story = Story::new(START);
        let mut half = story.child.clone().with_keys(&[&story.a, &story.b]);
        let zsk = story.b.zsk.public().to_rdata();
        let keys = (name("example.test."), RecordType::DNSKEY);
        half.sets.get_mut(&keys).unwrap().data.remove(&zsk);
        story.serve_child(A, &half, &story.a.clone(), 30);
        story
    };
    let replay = |validation| {
        let mut story = story();
        let mut resolver = story.resolver(story.config().validation(validation));
        pin(&mut resolver, &[A]);
        let dnskey = ask("example.test.", RecordType::DNSKEY);
        let keys = story.world.resolve(&mut resolver, START, dnskey);
        assert_eq!((keys.status, keys.from), (Status::Secure, Some(ip(A))));
        (story, resolver)
    };
    let www = || ask("www.example.test.", A_TYPE);

    let (mut world, mut resolver) = replay(Validation::BehindCache);
    pin(&mut resolver, &[B]);
    let bogus = world.world.resolve(&mut resolver, at(60), www());
    assert_bogus(&bogus, "www.example.test. A from 192.0.2.4");
    assert_bogus(&bogus, "by the DNSKEY RRset from 192.0.2.3");
    pin(&mut resolver, &[]);
    let held = world.world.resolve(&mut resolver, at(120), www());
    assert_bogus(&held, "none of which may sign here");
    assert!(held.cached, "another server is not asked because of it");

    let (mut world, mut resolver) = replay(Validation::AtFetch);
    pin(&mut resolver, &[B]);
    let bogus = world.world.resolve(&mut resolver, at(60), www());
    assert_bogus(&bogus, "www.example.test. A from 192.0.2.4");
    pin(&mut resolver, &[]);
    // Whichever server chance gives first, sooner or later it is B, and A makes up for it.
    let mut masked = 0;
    for turn in 0..20 {
        let question = ask(&format!("x{turn}.wild.example.test."), A_TYPE);
        let resolution = world.world.resolve(&mut resolver, at(60 + turn), question);
        assert_eq!(
            (resolution.status, resolution.from),
            (Status::Secure, Some(ip(A)))
        );
        masked += u32::from(resolution.masked_by_retry);
    }
    assert!((1..20).contains(&masked), "{masked} of 20");
}

#[test]
fn forged_answers_are_bogus_and_another_server_makes_up_for_them() {
    let forge = |story: &mut Story, last| {
        story.world.tamper(last, |question, message| {
            if question.rtype == A_TYPE {
                message.answers.clear();
                let data = [Rdata::address(ip(66))];
                let set = RrSet::new(question.name.clone(), A_TYPE, 600, data);
                put(
                    &mut message.answers,
                    &SignedRrSet {
                        set,
                        signatures: vec![],
                    },
                );
            }
        });
    };
    let www = || ask("www.example.test.", A_TYPE);
    for config in configs(&Story::new(START)) {
        let mut story = Story::new(START);
        forge(&mut story, A);
        forge(&mut story, B);
        let mut resolver = story.resolver(config);
        let resolution = story.world.resolve(&mut resolver, START, www());
        assert_bogus(&resolution, "it carries no signature");
    }
    let mut story = Story::new(START);
    forge(&mut story, A);
    let mut resolver = story.resolver(story.config());
    pin(&mut resolver, &[A]);
    story.world.resolve(
        &mut resolver,
        START,
        ask("example.test.", RecordType::DNSKEY),
    );
    assert_bogus(
        &story.world.resolve(&mut resolver, START, www()),
        "from 192.0.2.3",
    );
    pin(&mut resolver, &[]);
    let resolution = story.world.resolve(&mut resolver, START, www());
    assert_eq!(
        (resolution.status, resolution.from),
        (Status::Secure, Some(ip(B)))
    );
}

#[test]
fn a_wildcard_does_not_stand_for_a_name_that_is_there() {
    // The server passes the wildcard's RRset off as deep.er.example.test's sibling's.
    let mut story = Story::new(START);
    for last in [A, B] {
        story.world.tamper(last, |question, message| {
            if question.rtype == A_TYPE && !message.answers.is_empty() {
                message.authorities.clear();
            }
        });
    }
    for config in configs(&story) {
        let mut resolver = story.resolver(config);
        let question = ask("x.wild.example.test.", A_TYPE);
        let resolution = story.world.resolve(&mut resolver, START, question);
        assert_bogus(
            &resolution,
            "it was made from a wildcard, but no NSEC or NSEC3 record came along",
        );
        let www = ask("www.example.test.", A_TYPE);
        let resolution = story.world.resolve(&mut resolver, START, www);
        assert_eq!(resolution.status, Status::Secure);
    }
}

#[test]
fn a_ds_that_matches_no_key_is_bogus() {
    for config in configs(&Story::new(START)) {
        let mut story = Story::new(START);
        let stranger = Signer::new("stranger").ds("example.test.");
        story
            .parent
            .sets
            .remove(&(name("example.test."), RecordType::DS));
        story.parent = story.parent.clone().with_ds("example.test.", stranger);
        story.serve_parent();
        let mut resolver = story.resolver(config);
        let www = ask("www.example.test.", A_TYPE);
        let resolution = story.world.resolve(&mut resolver, START, www);
        assert_bogus(&resolution, "example.test. DNSKEY from 192.0.2.");
        assert_bogus(&resolution, "no DS matches any key");
    }
}

#[test]
fn a_ds_of_an_unknown_algorithm_makes_the_zone_insecure() {
    for config in configs(&Story::new(START)) {
        let mut story = Story::new(START);
        let mut unknown = story.a.ds("example.test.");
        unknown.algorithm = 200;
        story
            .parent
            .sets
            .remove(&(name("example.test."), RecordType::DS));
        story.parent = story.parent.clone().with_ds("example.test.", unknown);
        story.serve_parent();
        let mut resolver = story.resolver(config);
        let www = ask("www.example.test.", A_TYPE);
        let resolution = story.world.resolve(&mut resolver, START, www);
        assert_eq!(resolution.status, Status::Insecure);
    }
}

#[test]
fn only_a_strict_validator_wants_every_algorithm_of_the_ds_rrset() {
    // A second algorithm in DS and DNSKEY, which signs the DNSKEY RRset alone.
    let key = SigningKey::from_seed(Algorithm::Ed25519, 257, [9; 32]);
    let zone = name("example.test.");
    let ds = key.public().ds(&zone, DIGEST_SHA256).unwrap();
    let world = || {
        let mut story = Story::new(START);
        story.parent = story.parent.clone().with_ds("example.test.", ds.clone());
        story.serve_parent();
        let mut child = story.child.clone().with_keys(&[&story.a, &story.b]);
        child.add(
            "example.test.",
            RecordType::DNSKEY,
            3600,
            key.public().to_rdata(),
        );
        for (last, signer) in [(A, &story.a.clone()), (B, &story.b.clone())] {
            let mut served = child.signed(signer, START, 30);
            let dnskey = served
                .sets
                .get_mut(&(zone.clone(), RecordType::DNSKEY))
                .unwrap();
            let also = Rrsig::sign(&dnskey.set, &key, &zone, at(-60), at(86_400));
            dnskey.signatures.push(also);
            story.world.serve(last, [served]);
        }
        story
    };
    for mut config in configs(&world()) {
        for strict in [false, true] {
            config.policy.every_ds_algorithm = strict;
            let mut story = world();
            let mut resolver = story.resolver(config.clone());
            let keys = ask("example.test.", RecordType::DNSKEY);
            let keys = story.world.resolve(&mut resolver, START, keys);
            assert_eq!(keys.status, Status::Secure, "every algorithm signs it");
            let www = ask("www.example.test.", A_TYPE);
            let www = story.world.resolve(&mut resolver, START, www);
            match strict {
                true => assert_bogus(&www, "algorithm 15 has to sign and has no valid signature"),
                false => assert_eq!(www.status, Status::Secure),
            }
        }
    }
}

#[test]
fn a_validator_behind_a_cache_judges_anew_when_a_link_changes() {
    let mut story = Story::new(START);
    let behind = story.config().validation(Validation::BehindCache);
    let mut resolver = story.resolver(behind);
    let www = || ask("www.example.test.", A_TYPE);
    let ds = || ask("example.test.", RecordType::DS);
    assert_eq!(
        story.world.resolve(&mut resolver, START, www()).status,
        Status::Secure
    );
    // All along the answer is held, fetched anew when its TTL of 600 ends; the DS and the keys
    // until 3600. Then the parent serves a stranger's DS.
    let stranger = Signer::new("stranger").ds("example.test.");
    story
        .parent
        .sets
        .remove(&(name("example.test."), RecordType::DS));
    story.parent = story.parent.clone().with_ds("example.test.", stranger);
    story.serve_parent();
    let held = story.world.resolve(&mut resolver, at(3500), www());
    assert_eq!(held.status, Status::Secure);
    let fresh = story.world.resolve(&mut resolver, at(3600), ds());
    assert_eq!((fresh.status, fresh.cached), (Status::Secure, false));
    let judged = story.world.resolve(&mut resolver, at(3601), www());
    assert_bogus(&judged, "no DS matches any key");
}
