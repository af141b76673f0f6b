//! Fresh questions: nothing old serves them, and no ancestor hears more than it must.

mod authority;

use authority::{story::*, zone::*, *};
use counterpoint_dns::{
    message::{Message, Question},
    resolver::{Resolution, Resolver, Status},
};

const DEEP: &str = "deep.er.example.test.";

fn resolve_fresh(story: &mut Story, resolver: &mut Resolver) -> Resolution {
    resolver.resolve_fresh(START, ask(DEEP, A_TYPE));
    story.world.drive(resolver, START);
    resolver.take_resolution().unwrap()
}

#[test]
fn a_fresh_question_sees_what_the_cache_hides() {
    // RFC 9615 §5.2.
    let mut story = Story::new(at(-60));
    let mut resolver = story.resolver(story.config());
    let before = story
        .world
        .resolve(&mut resolver, at(-60), ask(DEEP, A_TYPE));
    assert_eq!(addresses(&before), ["192.0.2.82"]);
    let moved = Zone::new("example.test.", &["ns1.example.test.", "ns2.example.test."])
        .with_a("ns1.example.test.", ip(A))
        .with_a("ns2.example.test.", ip(B))
        .with_a(DEEP, ip(83))
        .with_keys(&[&story.a, &story.b]);
    let signer = story.a.clone();
    story.serve_child(A, &moved, &signer, 30);
    story.serve_child(B, &moved, &signer, 30);
    let cached = story.world.resolve(&mut resolver, START, ask(DEEP, A_TYPE));
    assert_eq!(addresses(&cached), ["192.0.2.82"]);
    let fresh = resolve_fresh(&mut story, &mut resolver);
    assert_eq!(fresh.status, Status::Secure);
    assert_eq!(addresses(&fresh), ["192.0.2.83"]);
}

#[test]
fn an_ancestor_that_answers_itself_is_not_asked() {
    let mut story = Story::new(START);
    // test. signs what it has delegated, and would be believed.
    let forged = Zone::new("test.", &["ns.test."])
        .with_a("ns.test.", ip(TEST))
        .with_a(DEEP, ip(66))
        .with_keys(&[&story.test])
        .signed(&story.test, START, 30);
    let full = ask(DEEP, A_TYPE);
    story
        .world
        .tamper(TEST, move |question: &Question, message: &mut Message| {
            if *question == full {
                message.answers.clear();
                message.authorities.clear();
                message.additionals.clear();
                forged.respond(question, message);
            }
        });
    let mut resolver = story.resolver(story.config());
    let deceived = story.world.resolve(&mut resolver, START, ask(DEEP, A_TYPE));
    assert_eq!(addresses(&deceived), ["192.0.2.66"], "the trap works");
    story.world.asked.clear();
    let mut resolver = story.resolver(story.config());
    let fresh = resolve_fresh(&mut story, &mut resolver);
    assert_eq!(fresh.status, Status::Secure);
    assert_eq!(addresses(&fresh), ["192.0.2.82"]);
    let labels_heard = |server: u8| {
        let asked = story.world.asked.iter();
        let heard = asked.filter(|(to, _)| *to == ip(server));
        heard.map(|(_, question)| question.name.num_labels()).max()
    };
    assert_eq!(labels_heard(ROOT), Some(1));
    assert_eq!(labels_heard(TEST), Some(2));
}
