//! Stories of one resolver in a small world: whom it asks, and what it does when they fail.

mod authority;

use authority::{story::*, zone::*, *};
use counterpoint_dns::{
    agent::{Agent as _, Input, Output},
    message::ResponseCode,
    name::RecordType,
    rdata::Rdata,
    resolver::{Status, View},
    rrset::{RrSet, SignedRrSet},
    stream,
};
use rand::RngExt as _;

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
fn whatever_octets_come_nothing_wrong_is_called_secure_and_every_question_ends() {
    let mut spoilt = 0;
    for seed in 0..160 {
        let story = Story::new(START);
        let configs = configs(&story);
        let mut chance = stream::stream(seed, "vandal");
        let config = configs[seed as usize % configs.len()].clone();
        let mut resolver = story.resolver(config);
        resolver.resolve(START, ask("www.example.test.", A_TYPE));
        while let Some(output) = resolver.poll(START) {
            let Output::Ask { id, to, bytes, .. } = output else {
                continue;
            };
            let server = story.world.servers.get(&to.ip());
            let Some(mut bytes) = server.and_then(|server| server.respond(&bytes)) else {
                resolver.handle(START, Input::Failure { id });
                continue;
            };
            // The id stays, or nothing but retries would be seen.
            match chance.random_range(0..4) {
                0 => bytes.truncate(chance.random_range(0..bytes.len())),
                1 => {
                    let at = chance.random_range(2..bytes.len());
                    bytes[at] = chance.random();
                }
                _ => {}
            }
            resolver.handle(START, Input::Answer { id, bytes });
        }
        let resolution = resolver.take_resolution().expect("it ends");
        assert!(resolver.is_idle());
        match resolution.status {
            Status::Secure => assert_eq!(addresses(&resolution), ["192.0.2.80"], "seed {seed}"),
            Status::Insecure => panic!("seed {seed} made it insecure"),
            _ => spoilt += 1,
        }
    }
    assert!(spoilt > 10, "{spoilt}");
}

#[test]
fn types_that_are_no_data_are_not_resolved() {
    let mut story = Story::new(START);
    let mut resolver = story.resolver(story.config());
    for rtype in [RecordType::ANY, RecordType::RRSIG, RecordType::AXFR] {
        let question = ask("www.example.test.", rtype);
        let resolution = story.world.resolve(&mut resolver, START, question);
        assert_failed(&resolution, "is no type of data");
    }
    assert!(story.world.asked.is_empty());
}

#[test]
fn a_server_that_answers_for_another_zone_is_lame_and_not_bogus() {
    for config in configs(&Story::new(START)) {
        let mut story = Story::new(START);
        // It serves test as it was before example.test, and denies with authority.
        let stale = Zone::new("test.", &["ns.test."]).with_keys(&[&story.test]);
        let stale = stale.signed(&story.test, START, 30);
        story.world.serve(A, [stale.clone()]);
        let www = ask("www.example.test.", A_TYPE);
        let mut resolver = story.resolver(config.clone());
        let resolution = story.world.resolve(&mut resolver, START, www.clone());
        assert_eq!(
            (resolution.status, resolution.masked_by_retry),
            (Status::Secure, false)
        );
        story.world.serve(B, [stale]);
        let mut resolver = story.resolver(config);
        let resolution = story.world.resolve(&mut resolver, START, www);
        assert_failed(&resolution, "it answers for the zone test.");
    }
}

#[test]
fn glue_from_outside_the_bailiwick_is_not_taken() {
    let mut story = Story::new(START);
    story.parent = story
        .parent
        .clone()
        .with_ns("far.test.", &["ns.elsewhere."]);
    story.serve_parent();
    let glue = RrSet::new(
        name("ns.elsewhere."),
        A_TYPE,
        600,
        [Rdata::address(ip(OTHER))],
    );
    let glue = SignedRrSet {
        set: glue,
        signatures: Vec::new(),
    };
    story
        .world
        .tamper(TEST, move |_, message| put(&mut message.additionals, &glue));
    let far = Zone::new("far.test.", &["ns.elsewhere."]).with_a("www.far.test.", ip(92));
    story.world.serve(OTHER, [far.unsigned()]);
    let mut resolver = story.resolver(story.config());
    let www = ask("www.far.test.", A_TYPE);
    let resolution = story.world.resolve(&mut resolver, START, www);
    assert_failed(&resolution, "no server of far.test. has an address");
}
