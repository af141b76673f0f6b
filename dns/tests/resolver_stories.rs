//! Stories of one resolver in a small world: every status, every way to get there.

mod authority;

use authority::{
    A, B, Mood, OTHER, ROOT, START, Signer, Story, TEST, Zone, ask, at, ip, name, put,
};
use counterpoint_dns::{
    message::ResponseCode,
    name::RecordType,
    rdata::Rdata,
    resolver::{Config, Resolution, Resolver, Status, Validation, View},
    rrset::{RrSet, SignedRrSet},
};

const A_TYPE: RecordType = RecordType::A;

fn addresses(resolution: &Resolution) -> Vec<String> {
    let answer = resolution.answer.as_ref().expect("an answer");
    answer
        .set
        .data
        .iter()
        .map(|data| data.present(answer.set.rtype))
        .collect()
}

#[track_caller]
fn assert_bogus(resolution: &Resolution, why: &str) {
    assert!(
        matches!(&resolution.status, Status::Bogus(found) if found.contains(why)),
        "bogus because `{why}`, not {:?}",
        resolution.status
    );
    assert_eq!(resolution.rcode, ResponseCode::ServFail);
    assert_eq!(resolution.answer, None);
}

#[track_caller]
fn assert_failed(resolution: &Resolution, why: &str) {
    assert!(
        matches!(&resolution.status, Status::Failed(found) if found.contains(why)),
        "failed because `{why}`, not {:?}",
        resolution.status
    );
    assert_eq!(resolution.rcode, ResponseCode::ServFail);
}

fn configs(story: &Story) -> Vec<Config> {
    let mut configs = Vec::new();
    for view in [View::ParentCentric, View::ChildCentric] {
        for validation in [Validation::AtFetch, Validation::BehindCache] {
            configs.push(story.config().view(view).validation(validation));
        }
    }
    configs
}

#[test]
fn a_chain_from_the_root_makes_an_answer_secure_and_the_cache_repeats_it() {
    for config in configs(&Story::new(START)) {
        let mut story = Story::new(START);
        let mut resolver = story.resolver(config);
        let www = ask("www.example.test.", A_TYPE);
        let first = story.world.resolve(&mut resolver, START, www.clone());
        assert_eq!(first.status, Status::Secure);
        assert_eq!((first.rcode, first.cached), (ResponseCode::NoError, false));
        assert!([ip(A), ip(B)].contains(&first.from.unwrap()));
        assert_eq!(addresses(&first), ["192.0.2.80"]);
        assert_eq!(first.answer.as_ref().unwrap().set.ttl, 600);
        let (asked, verified) = (story.world.asked.len(), resolver.verifications());
        let again = story.world.resolve(&mut resolver, at(200), www.clone());
        assert_eq!(again.status, Status::Secure);
        assert!(again.cached);
        assert_eq!(again.answer.unwrap().set.ttl, 400, "it counts down");
        assert_eq!(story.world.asked.len(), asked, "nobody was asked");
        assert_eq!(
            resolver.verifications(),
            verified,
            "nothing was verified anew"
        );
        let later = story.world.resolve(&mut resolver, at(600), www);
        assert!(!later.cached, "its TTL has ended");
    }
}

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
fn negative_answers_live_as_long_as_the_soa_says() {
    let mut story = Story::new(START);
    let mut resolver = story.resolver(story.config());
    let question = ask("no.example.test.", A_TYPE);
    story.world.resolve(&mut resolver, START, question.clone());
    let held = story
        .world
        .resolve(&mut resolver, at(299), question.clone());
    let gone = story.world.resolve(&mut resolver, at(300), question);
    assert_eq!((held.cached, gone.cached), (true, false));
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
            "insecure.test. DS from 192.0.2.2: no NSEC record came along",
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

fn pin(resolver: &mut Resolver, servers: &[u8]) {
    use counterpoint_dns::{
        agent::{Agent as _, Input},
        resolver::Command,
    };
    let pins = servers.iter().map(|last| ip(*last)).collect();
    resolver.handle(START, Input::Command(Command::Pin(pins)));
}

#[test]
fn signatures_end_cache_time_at_fetch_and_secure_status_behind_a_cache() {
    let expiring = || {
        let mut story = Story::new(START);
        let both = story.child.clone().with_keys(&[&story.a, &story.b]);
        for (last, signer) in [(A, story.a.clone()), (B, story.b.clone())] {
            let from = at(-3600);
            let mut served = both.signed(&signer, START, 30);
            for signed in served
                .sets
                .values_mut()
                .filter(|signed| signed.set.rtype == A_TYPE)
            {
                let until = at(100);
                signed.signatures = vec![counterpoint_dns::signature::Rrsig::sign(
                    &signed.set,
                    &signer.zsk,
                    &name("example.test."),
                    from,
                    until,
                )];
            }
            story.world.serve(last, [served]);
        }
        story
    };
    let www = || ask("www.example.test.", A_TYPE);

    let mut story = expiring();
    let mut resolver = story.resolver(story.config());
    let first = story.world.resolve(&mut resolver, START, www());
    assert_eq!(first.answer.unwrap().set.ttl, 100, "RFC 4035 §5.3.3");
    let held = story.world.resolve(&mut resolver, at(99), www());
    assert_eq!((held.status, held.cached), (Status::Secure, true));
    let late = story.world.resolve(&mut resolver, at(101), www());
    assert_bogus(&late, "has expired");

    let mut story = expiring();
    let behind = story.config().validation(Validation::BehindCache);
    let mut resolver = story.resolver(behind);
    let first = story.world.resolve(&mut resolver, START, www());
    assert_eq!(
        first.answer.unwrap().set.ttl,
        600,
        "the cache looks at no signature"
    );
    let held = story.world.resolve(&mut resolver, at(100), www());
    assert_eq!((held.status, held.cached), (Status::Secure, true));
    let late = story.world.resolve(&mut resolver, at(101), www());
    assert_bogus(&late, "has expired");
    assert!(late.cached);
}

#[test]
fn silence_lameness_and_refusal_are_failures_and_never_bogus() {
    let moods = [
        Mood::Silent,
        Mood::Babbles,
        Mood::Lame,
        Mood::Refuses(ResponseCode::ServFail),
        Mood::Refuses(ResponseCode::Refused),
    ];
    for config in configs(&Story::new(START)) {
        for mood in moods {
            let mut story = Story::new(START);
            story.world.mood(A, mood);
            let www = ask("www.example.test.", A_TYPE);
            let mut resolver = story.resolver(config.clone());
            let resolution = story.world.resolve(&mut resolver, START, www.clone());
            assert_eq!(
                resolution.status,
                Status::Secure,
                "the other server serves: {mood:?}"
            );
            assert!(
                !resolution.masked_by_retry,
                "nothing bogus was seen: {mood:?}"
            );
            story.world.mood(B, mood);
            let mut resolver = story.resolver(config.clone());
            let resolution = story.world.resolve(&mut resolver, START, www);
            assert_failed(&resolution, "no server of example.test. answers");
            assert_failed(&resolution, "192.0.2.3: ");
            assert_failed(&resolution, "192.0.2.4: ");
        }
    }
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
            "it was made from a wildcard, but no NSEC record came along",
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
fn a_departed_server_that_still_names_itself_keeps_the_child_centric_only() {
    for (view, haunted) in [(View::ParentCentric, false), (View::ChildCentric, true)] {
        let mut story = Story::new(START);
        let keys = |zone: Zone, story: &Story| zone.with_keys(&[&story.a, &story.b]);
        let itself = story
            .child
            .clone()
            .with_ns("example.test.", &["ns1.example.test."]);
        let itself = keys(itself, &story);
        story.serve_child(A, &itself, &story.a.clone(), 30);
        let mut resolver = story.resolver(story.config().view(view));
        pin(&mut resolver, &[A]);
        story
            .world
            .resolve(&mut resolver, START, ask("www.example.test.", A_TYPE));
        pin(&mut resolver, &[]);
        // A leaves: the delegation names B alone, and so does B; A goes on as if nothing were.
        story.parent = story
            .parent
            .clone()
            .with_ns("example.test.", &["ns2.example.test."]);
        story.serve_parent();
        let after = story
            .child
            .clone()
            .with_ns("example.test.", &["ns2.example.test."]);
        let after = keys(after, &story);
        story.serve_child(B, &after, &story.b.clone(), 30);
        // A question every half hour, for ten hours: the delegation's NS RRset has ended at 3600.
        let mut from = Vec::new();
        for turn in 1..=20 {
            let question = ask(&format!("x{turn}.wild.example.test."), A_TYPE);
            let resolution = story
                .world
                .resolve(&mut resolver, at(turn * 1790), question);
            assert_eq!(resolution.status, Status::Secure);
            from.push(resolution.from.unwrap());
        }
        let whose = if haunted { ip(A) } else { ip(B) };
        assert!(
            from[2..].iter().all(|server| *server == whose),
            "{view:?}: {from:?}"
        );
    }
}

#[test]
fn the_delegation_is_never_replaced_by_the_childs_ns_in_the_parent_centric_view() {
    // The child names B alone, the parent both.
    for (view, only_b) in [(View::ParentCentric, false), (View::ChildCentric, true)] {
        let mut story = Story::new(START);
        let one = story
            .child
            .clone()
            .with_ns("example.test.", &["ns2.example.test."]);
        let one = one.with_keys(&[&story.a, &story.b]);
        story.serve_child(A, &one, &story.a.clone(), 30);
        story.serve_child(B, &one, &story.b.clone(), 30);
        let mut resolver = story.resolver(story.config().view(view));
        let ns = ask("example.test.", RecordType::NS);
        let ns = story.world.resolve(&mut resolver, START, ns);
        assert_eq!(
            addresses(&ns),
            ["ns2.example.test."],
            "the answer is the child's in both views"
        );
        let from: Vec<bool> = (0..20)
            .map(|turn| {
                let question = ask(&format!("x{turn}.wild.example.test."), A_TYPE);
                story.world.resolve(&mut resolver, START, question).from == Some(ip(B))
            })
            .collect();
        assert_eq!(from.iter().all(|is_b| *is_b), only_b, "{view:?}");
    }
}

#[test]
fn servers_outside_the_zone_are_found_first_and_loops_end() {
    for config in configs(&Story::new(START)) {
        let mut story = Story::new(START);
        // other.test's servers are in example.test; the two of loop-a and loop-b in each other.
        story.parent = story
            .parent
            .clone()
            .with_ns("other.test.", &["ns.far.example.test."])
            .with_ns("loop-a.test.", &["ns.loop-b.test."])
            .with_ns("loop-b.test.", &["ns.loop-a.test."]);
        story.serve_parent();
        let far = story
            .child
            .clone()
            .with_a("ns.far.example.test.", ip(OTHER));
        let far = far.with_keys(&[&story.a, &story.b]);
        story.serve_child(A, &far, &story.a.clone(), 30);
        story.serve_child(B, &far, &story.b.clone(), 30);
        let other = Zone::new("other.test.", &["ns.far.example.test."]);
        let other = other.with_a("www.other.test.", ip(91));
        story.world.serve(OTHER, [other.unsigned()]);
        let mut resolver = story.resolver(config);
        let www = ask("www.other.test.", A_TYPE);
        let resolution = story.world.resolve(&mut resolver, START, www);
        assert_eq!(resolution.status, Status::Insecure);
        assert_eq!(addresses(&resolution), ["192.0.2.91"]);
        let lost = ask("www.loop-a.test.", A_TYPE);
        let resolution = story.world.resolve(&mut resolver, START, lost);
        assert_failed(&resolution, "no server of loop-a.test. has an address");
    }
}

#[test]
fn a_zone_on_its_parents_server_is_found_without_a_referral() {
    // One server serves the root, test, insecure.test and example.test.
    for config in configs(&Story::new(START)) {
        let mut story = Story::new(START);
        story.parent = story.parent.clone().with_a("ns.insecure.test.", ip(ROOT));
        let insecure = Zone::new("insecure.test.", &["ns.insecure.test."])
            .with_a("ns.insecure.test.", ip(ROOT))
            .with_a("www.insecure.test.", ip(90));
        let child = story.child.clone().with_keys(&[&story.a, &story.b]);
        let top = story.world.servers[&ip(ROOT)].zones[0].clone();
        let zones = [
            top,
            story.parent.signed(&story.test, START, 30),
            insecure.unsigned(),
            child.signed(&story.a, START, 30),
        ];
        for last in [ROOT, TEST, A] {
            story.world.serve(last, zones.clone());
        }
        let mut resolver = story.resolver(config);
        for (text, status) in [
            ("www.example.test.", Status::Secure),
            ("no.example.test.", Status::Secure),
            ("www.insecure.test.", Status::Insecure),
            ("no.insecure.test.", Status::Insecure),
            ("no.test.", Status::Secure),
        ] {
            let resolution = story.world.resolve(&mut resolver, START, ask(text, A_TYPE));
            assert_eq!(resolution.status, status, "{text}");
        }
    }
}

#[test]
fn without_validation_or_anchor_everything_is_insecure() {
    let mut story = Story::new(START);
    let off = story.config().validation(Validation::Off);
    let mut blind = story.config();
    blind.trust_anchor.clear();
    for config in [off, blind] {
        let mut resolver = story.resolver(config);
        for text in ["www.example.test.", "no.example.test."] {
            let resolution = story.world.resolve(&mut resolver, START, ask(text, A_TYPE));
            assert_eq!(resolution.status, Status::Insecure);
        }
        assert_eq!(resolver.verifications(), 0);
    }
}

#[test]
fn aliases_end_in_their_target_or_in_a_limit() {
    for config in configs(&Story::new(START)) {
        let mut story = Story::new(START);
        let round = story
            .child
            .clone()
            .with_cname("out.example.test.", "www.insecure.test.")
            .with_cname("round.example.test.", "about.example.test.")
            .with_cname("about.example.test.", "round.example.test.")
            .with_keys(&[&story.a, &story.b]);
        story.serve_child(A, &round, &story.a.clone(), 30);
        story.serve_child(B, &round, &story.b.clone(), 30);
        let mut resolver = story.resolver(config);
        let out = story
            .world
            .resolve(&mut resolver, START, ask("out.example.test.", A_TYPE));
        assert_eq!(out.status, Status::Insecure, "as its weakest link");
        assert_eq!(out.answer.unwrap().set.name, name("www.insecure.test."));
        let round = story
            .world
            .resolve(&mut resolver, START, ask("round.example.test.", A_TYPE));
        assert_failed(&round, "chain of aliases");
    }
}

#[test]
fn ttls_are_clamped_and_a_ttl_of_zero_serves_its_own_question_only() {
    let www = || ask("www.example.test.", A_TYPE);
    let mut story = Story::new(START);
    let mut config = story.config();
    config.ttl_max = Some(60);
    let mut resolver = story.resolver(config.clone());
    assert_eq!(
        story
            .world
            .resolve(&mut resolver, START, www())
            .answer
            .unwrap()
            .set
            .ttl,
        60
    );
    assert!(!story.world.resolve(&mut resolver, at(60), www()).cached);
    config.ttl_max = None;
    config.ttl_min = 900;
    let mut resolver = story.resolver(config.clone());
    story.world.resolve(&mut resolver, START, www());
    assert!(story.world.resolve(&mut resolver, at(899), www()).cached);
    config.ttl_min = 0;
    config.ttl_max = Some(0);
    for config in [config.clone(), config.validation(Validation::BehindCache)] {
        let mut resolver = story.resolver(config);
        for second in 0..2 {
            let resolution = story.world.resolve(&mut resolver, at(second), www());
            assert_eq!(
                (resolution.status, resolution.cached),
                (Status::Secure, false)
            );
        }
    }
}

#[test]
fn equal_streams_give_equal_runs_and_notes_tell_of_them() {
    use counterpoint_dns::agent::{Agent as _, Input, Output};
    use counterpoint_dns::resolver::Command;
    let run = || {
        let mut story = Story::new(START);
        let mut resolver = story.resolver(story.config()).announcing();
        for turn in 0..10 {
            let question = ask(&format!("x{turn}.wild.example.test."), A_TYPE);
            story.world.resolve(&mut resolver, START, question);
        }
        story.world.asked
    };
    assert_eq!(run(), run());
    let story = Story::new(START);
    let mut resolver = story.resolver(story.config()).announcing();
    let question = ask("www.example.test.", A_TYPE);
    resolver.handle(
        START,
        Input::Command(Command::Resolve {
            ticket: 5,
            question,
        }),
    );
    let mut notes = Vec::new();
    while let Some(output) = resolver.poll(START) {
        match output {
            Output::Ask { id, to, bytes, .. } => {
                let bytes = story.world.servers[&to.ip()].respond(&bytes).unwrap();
                resolver.handle(START, Input::Answer { id, bytes });
            }
            Output::Note(note) => notes.push((note.kind, note.subject, note.text)),
            Output::Persist(_) => unreachable!("a resolver keeps nothing"),
        }
    }
    let note = ("resolved", "www.example.test. A".into(), "secure".into());
    assert_eq!(notes, [note]);
    assert_eq!(resolver.take_resolution().unwrap().ticket, 5);
}
