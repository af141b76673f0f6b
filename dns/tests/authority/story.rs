//! The usual world of the stories: the root, test, a child of two signers, an insecure one.

use counterpoint_dns::{
    agent::{Agent as _, Input},
    message::ResponseCode,
    name::RecordType,
    resolver::{Command, Config, Resolution, Resolver, Status, Validation, View},
    stream,
    time::Timestamp,
};

use super::{Signer, World, ip, zone::Zone};

/// The start of every story.
pub const START: Timestamp = Timestamp::from_seconds(1_767_225_600);

/// `START` plus so many seconds.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(START.as_seconds() + seconds)
}

/// The addresses: the root, test, and the two signers of example.test.
pub const ROOT: u8 = 1;
/// See [`ROOT`].
pub const TEST: u8 = 2;
/// See [`ROOT`].
pub const A: u8 = 3;
/// See [`ROOT`].
pub const B: u8 = 4;
/// The server of insecure.test and other.test.
pub const OTHER: u8 = 5;

/// The usual world, to be changed by each story.
pub struct Story {
    pub world: World,
    pub now: Timestamp,
    pub root: Signer,
    pub test: Signer,
    pub a: Signer,
    pub b: Signer,
    pub parent: Zone,
    pub child: Zone,
}

impl Story {
    /// Root → test → example.test, which two signers sign; insecure.test beside it.
    pub fn new(now: Timestamp) -> Self {
        let signer = Signer::new;
        let (root, test, a, b) = (signer("root"), signer("test"), signer("a"), signer("b"));
        let parent = Zone::new("test.", &["ns.test."])
            .with_a("ns.test.", ip(TEST))
            .with_keys(&[&test])
            .with_ns("example.test.", &["ns1.example.test.", "ns2.example.test."])
            .with_a("ns1.example.test.", ip(A))
            .with_a("ns2.example.test.", ip(B))
            .with_ds("example.test.", a.ds("example.test."))
            .with_ds("example.test.", b.ds("example.test."))
            .with_ns("insecure.test.", &["ns.insecure.test."])
            .with_a("ns.insecure.test.", ip(OTHER));
        let child = Zone::new("example.test.", &["ns1.example.test.", "ns2.example.test."])
            .with_a("ns1.example.test.", ip(A))
            .with_a("ns2.example.test.", ip(B))
            .with_a("www.example.test.", ip(80))
            .with_a("*.wild.example.test.", ip(81))
            .with_a("deep.er.example.test.", ip(82))
            .with_cname("alias.example.test.", "www.example.test.");
        let mut story = Self {
            world: World::default(),
            now,
            parent,
            child,
            root,
            test,
            a,
            b,
        };
        let top = Zone::new(".", &["ns.test."])
            .with_keys(&[&story.root])
            .with_ns("test.", &["ns.test."])
            .with_a("ns.test.", ip(TEST))
            .with_ds("test.", story.test.ds("test."));
        story.world.serve(ROOT, [top.signed(&story.root, now, 30)]);
        let insecure = Zone::new("insecure.test.", &["ns.insecure.test."])
            .with_a("ns.insecure.test.", ip(OTHER))
            .with_a("www.insecure.test.", ip(90));
        story.world.serve(OTHER, [insecure.unsigned()]);
        story.serve_parent();
        let both = story.child.clone().with_keys(&[&story.a, &story.b]);
        story.serve_child(A, &both, &story.a.clone(), 30);
        story.serve_child(B, &both, &story.b.clone(), 30);
        story
    }

    /// Serves `parent` as it is now.
    pub fn serve_parent(&mut self) {
        let served = self.parent.signed(&self.test, self.now, 30);
        self.world.serve(TEST, [served]);
    }

    /// One signer serves this from now on.
    pub fn serve_child(&mut self, last: u8, zone: &Zone, signer: &Signer, days: i64) {
        self.world
            .serve(last, [zone.signed(signer, self.now, days)]);
    }

    /// A configuration that trusts the root's key.
    pub fn config(&self) -> Config {
        Config::new(vec![ip(ROOT)], vec![self.root.ds(".")])
    }

    /// A resolver of that configuration.
    pub fn resolver(&self, config: Config) -> Resolver {
        Resolver::new(config, stream::stream(7, "resolver"))
    }
}

/// The type of most questions.
pub const A_TYPE: RecordType = RecordType::A;

/// The data of the answer.
pub fn addresses(resolution: &Resolution) -> Vec<String> {
    let answer = resolution.answer.as_ref().expect("an answer");
    answer
        .set
        .data
        .iter()
        .map(|data| data.present(answer.set.rtype))
        .collect()
}

/// Bogus, for a reason that contains `why`.
#[track_caller]
pub fn assert_bogus(resolution: &Resolution, why: &str) {
    assert!(
        matches!(&resolution.status, Status::Bogus(found) if found.contains(why)),
        "bogus because `{why}`, not {:?}",
        resolution.status
    );
    assert_eq!(resolution.rcode, ResponseCode::ServFail);
    assert_eq!(resolution.answer, None);
}

/// Failed, for a reason that contains `why`.
#[track_caller]
pub fn assert_failed(resolution: &Resolution, why: &str) {
    assert!(
        matches!(&resolution.status, Status::Failed(found) if found.contains(why)),
        "failed because `{why}`, not {:?}",
        resolution.status
    );
    assert_eq!(resolution.rcode, ResponseCode::ServFail);
}

/// Both views, each with both ways to validate.
pub fn configs(story: &Story) -> Vec<Config> {
    let mut configs = Vec::new();
    for view in [View::ParentCentric, View::ChildCentric] {
        for validation in [Validation::AtFetch, Validation::BehindCache] {
            configs.push(story.config().view(view).validation(validation));
        }
    }
    configs
}

/// Has the resolver ask these alone from now on, of any set that they are in.
pub fn pin(resolver: &mut Resolver, servers: &[u8]) {
    let pins = servers.iter().map(|last| ip(*last)).collect();
    resolver.handle(START, Input::Command(Command::Pin(pins)));
}
