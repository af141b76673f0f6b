//! Stories of one resolver in a small world: what it holds, and for how long.

mod authority;

use authority::{story::*, *};
use counterpoint_dns::{
    agent::{Agent as _, Input, Output},
    message::ResponseCode,
    name::RecordType,
    resolver::{Command, Status, Validation},
    signature::Rrsig,
    validate::shared::SharedVerifier,
};

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
fn equal_streams_give_equal_runs_and_notes_tell_of_them() {
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
            Output::Persist(_) | Output::Web { .. } => unreachable!("a resolver keeps nothing"),
        }
    }
    let note = ("resolved", "www.example.test. A".into(), "secure".into());
    assert_eq!(notes, [note]);
    assert_eq!(resolver.take_resolution().unwrap().ticket, 5);
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
                signed.signatures = vec![Rrsig::sign(
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
fn questions_at_the_same_time_share_their_fetches_and_a_flush_forgets() {
    for config in configs(&Story::new(START)) {
        let mut story = Story::new(START);
        let mut resolver = story.resolver(config);
        for turn in 0..20 {
            resolver.resolve(START, ask(&format!("x{turn}.wild.example.test."), A_TYPE));
        }
        story.world.drive(&mut resolver, START);
        let ends: Vec<_> = std::iter::from_fn(|| resolver.take_resolution()).collect();
        assert_eq!(ends.len(), 20);
        assert!(
            ends.iter()
                .all(|end| end.status == Status::Secure && !end.cached)
        );
        for rtype in [RecordType::DNSKEY, RecordType::DS, RecordType::NS] {
            let asked = |zone: &str| {
                let asked = story.world.asked.iter();
                asked
                    .filter(|(_, asked)| *asked == ask(zone, rtype))
                    .count()
            };
            assert!(asked(".") <= 1 && asked("test.") <= 1 && asked("example.test.") <= 1);
        }
        resolver.handle(START, Input::Command(Command::Flush));
        let question = ask("x1.wild.example.test.", A_TYPE);
        assert!(!story.world.resolve(&mut resolver, START, question).cached);
    }
}

#[test]
fn resolvers_that_share_a_verifier_verify_each_signature_once() {
    let mut story = Story::new(START);
    let shared = SharedVerifier::default();
    let mut counts = Vec::new();
    for _ in 0..3 {
        let mut resolver = story.resolver(story.config()).sharing(shared.clone());
        pin(&mut resolver, &[A]);
        let www = ask("www.example.test.", A_TYPE);
        story.world.resolve(&mut resolver, START, www);
        counts.push(resolver.verifications());
    }
    // Three DNSKEY RRsets, two DS RRsets, one answer.
    assert_eq!(counts, [6, 6, 6]);
}
