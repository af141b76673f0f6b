//! How fast a change of operator plays: `cargo bench -p counterpoint-scenarios --bench migration`.
//!
//! Plays `library/migration.toml` and then does its parts: as many signatures, verifications and
//! exchanges of each kind as the run had, mixed as a run mixes them, with nothing around them. Run and
//! parts take turns, so that what disturbs the machine disturbs both, and the parts are mixed, because a
//! processor does the same thing eighty times in a row faster than any run can. Prints the middle of
//! each, and two bars: 50 ms, and twice the sum of the parts. Exits with 1 if one is missed. Without
//! `--bench`, as under `cargo test --benches`, everything is done once and nothing is judged.

use std::{
    cmp::Ordering,
    hint::black_box,
    net::IpAddr,
    process::ExitCode,
    rc::Rc,
    time::{Duration, Instant},
};

use counterpoint_dns::{
    agent::Transport,
    key::{Algorithm, SigningKey, ZONE_KEY},
    message::{Message, Question, Reply, ResponseCode, decode, query},
    name::{Name, RecordType},
    rdata::Rdata,
    rrset::RrSet,
    signature::{Rrsig, Verifier},
    time::Timestamp,
    update::Update,
};
use counterpoint_scenarios::{
    load,
    run::{plan, play, run, verdict},
    scenario::Scenario,
};
use counterpoint_simnet::{
    answer::answer,
    operator::Operator,
    published::Published,
    topology::{PARENT, Stage},
};

const SCENARIO: &str = include_str!("../library/migration.toml");
/// The longest that a run may take.
const LONGEST: Duration = Duration::from_millis(50);
/// How many times the sum of its parts a run may cost.
const OVERHEAD_MAX: f64 = 2.0;

/// The command's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let is_judged = std::env::args().any(|word| word == "--bench");
    let rounds = if is_judged { 61 } else { 1 };
    let Ok(scenario) = load::load("migration.toml", SCENARIO) else {
        eprintln!("library/migration.toml has mistakes: `counterpoint check` tells which");
        return ExitCode::FAILURE;
    };

    let counts = Counts::of(&scenario);
    let mut parts = Parts::of(&scenario);
    let measured = Vec::from_iter((0..rounds).map(|_| Round::of(&scenario, &counts, &mut parts)));
    let middle = |of: &dyn Fn(&Round) -> Duration| median(measured.iter().map(of));

    println!("{:<26} {:>8} {:>12} {:>12}", "", "count", "each", "all");
    for (at, (what, count)) in counts.kinds().into_iter().enumerate() {
        let all = middle(&|round| round.parts[at]);
        let each = all / u32::try_from(count).unwrap_or(u32::MAX).max(1);
        println!("{what:<26} {count:>8} {:>12} {:>12}", us(each), ms(all));
    }
    let whole = middle(&|round| round.whole);
    let playing = middle(&|round| round.playing);
    for (what, span) in [
        ("sum of the parts", middle(&Round::sum)),
        ("a whole run", whole),
        ("  of it playing", playing),
        ("  of it judging", whole.saturating_sub(playing)),
    ] {
        println!("{what:<26} {:>8} {:>12} {:>12}", "", "", ms(span));
    }

    let ratio = median(measured.iter().map(Round::ratio));
    let bars = [
        (
            format!("{} of {}", ms(whole), ms(LONGEST)),
            whole <= LONGEST,
        ),
        (
            format!("{ratio:.2} times its parts of {OVERHEAD_MAX:.2}"),
            ratio <= OVERHEAD_MAX,
        ),
    ];
    for (bar, is_met) in &bars {
        println!("{}  {bar}", if *is_met { "PASS" } else { "FAIL" });
    }
    ExitCode::from(u8::from(
        is_judged && bars.iter().any(|(_, is_met)| !is_met),
    ))
}

/// The kinds of parts that there are.
const KINDS: usize = 6;

/// A run and its parts, right behind each other.
struct Round {
    whole: Duration,
    playing: Duration,
    parts: [Duration; KINDS],
}

impl Round {
    fn of(scenario: &Scenario, counts: &Counts, parts: &mut Parts) -> Self {
        Self {
            whole: timed(|| run(scenario)),
            playing: timed(|| play::play(scenario)),
            parts: parts.mixed(counts),
        }
    }

    fn sum(&self) -> Duration {
        self.parts.iter().sum()
    }

    fn ratio(&self) -> f64 {
        self.whole.as_secs_f64() / self.sum().as_secs_f64()
    }
}

/// How much of each part one run is.
struct Counts {
    signatures: u64,
    verifications: u64,
    /// Exchanges of which the server had given the answer before, from the same version.
    repeated: u64,
    /// Exchanges of which the server made the answer.
    answered: u64,
    /// Exchanges of a whole zone, signed both ways.
    transfers: u64,
    /// Dynamic updates, signed both ways.
    updates: u64,
}

impl Counts {
    fn of(scenario: &Scenario) -> Self {
        let played = play::play(scenario);
        let world = played.stage.world.counts();
        let counts = Self {
            signatures: world.signatures,
            verifications: played.cast.verifier.verifications(),
            repeated: world.repeated,
            answered: world.exchanges - world.repeated - world.transfers - world.updates,
            transfers: world.transfers,
            updates: world.updates,
        };
        let outcome = verdict::outcome(scenario, played);
        assert!(
            outcome.internal_error.is_none(),
            "{:?}",
            outcome.internal_error
        );
        println!(
            "{}: {:?}, {:.1} days of virtual time, {} events",
            outcome.title,
            outcome.verdict,
            outcome.virtual_time.as_secs_f64() / 86_400.0,
            world.events
        );
        counts
    }

    /// Each with its name, in the order of [`Parts::one`].
    fn kinds(&self) -> [(&'static str, u64); KINDS] {
        [
            ("signatures made", self.signatures),
            ("signatures verified", self.verifications),
            ("exchanges, answer known", self.repeated),
            ("exchanges, answer made", self.answered),
            ("transfers of the parent", self.transfers),
            ("updates", self.updates),
        ]
    }
}

/// The parts, each by itself, in a world that just stands there.
struct Parts {
    stage: Stage,
    zone: Name,
    key: SigningKey,
    set: RrSet,
    validity: (Timestamp, Timestamp),
    rrsig: Rrsig,
    talk: Talk,
    /// An update, and the signer that it is for.
    update: (String, Update),
}

impl Parts {
    fn of(scenario: &Scenario) -> Self {
        let zone = scenario.zones[0].name.clone();
        let validity = (scenario.start, scenario.start + Duration::from_secs(86_400));
        let key = SigningKey::from_seed(Algorithm::Ed25519, ZONE_KEY, [7; 32]);
        let www = zone.prepend_label("www").expect("a short name");
        let address = Rdata::address([192, 0, 2, 1].into());
        let set = RrSet::new(www, RecordType::A, 3_600, [address]);
        let rrsig = Rrsig::sign(&set, &key, &zone, validity.0, validity.1);
        let stage = Stage::new(plan::topology(scenario));
        let talk = Talk::in_world(&stage, &zone);
        let mut parts = Self {
            update: standing(&stage, &zone),
            stage,
            zone,
            key,
            set,
            validity,
            rrsig,
            talk,
        };
        // The first time makes every signature and every answer.
        (0..parts.talk.0.len()).for_each(|turn| parts.ask_again(turn));
        parts
    }

    /// All of them, spread evenly over each other; how long those of each kind took together.
    fn mixed(&mut self, counts: &Counts) -> [Duration; KINDS] {
        let wanted = counts.kinds().map(|(_, count)| count);
        let rounds = wanted.into_iter().max().unwrap_or(0);
        let mut took = [Duration::ZERO; KINDS];
        for round in 0..rounds {
            for (kind, count) in wanted.into_iter().enumerate() {
                // Of `rounds` turns every kind takes `count`, evenly.
                let done = |rounds_over: u64| rounds_over * count / rounds;
                if done(round + 1) > done(round) {
                    took[kind] += timed(|| self.one(kind, done(round) as usize));
                }
            }
        }
        took
    }

    /// One of this kind, in the order of [`Counts::kinds`].
    fn one(&mut self, kind: usize, turn: usize) {
        match kind {
            0 => self.sign(),
            1 => self.verify(),
            2 => self.ask_again(turn),
            3 => self.ask(turn),
            4 => self.transfer(),
            _ => self.update(),
        }
    }

    /// One Ed25519 signature over an address RRset, from its canonical form to the RRSIG.
    fn sign(&mut self) {
        let (from, until) = self.validity;
        let rrsig = Rrsig::sign(&self.set, &self.key, &self.zone, from, until);
        black_box(rrsig);
    }

    /// The check of that signature by a verifier that has not seen it.
    fn verify(&mut self) {
        let made = Verifier::default().made_by(&self.set, &self.rrsig, self.key.public());
        assert!(made, "the signature is right");
    }

    /// A question encoded, answered from the server's memory, and the answer decoded into RRsets.
    fn ask_again(&mut self, turn: usize) {
        let world = &mut self.stage.world;
        self.talk.exchange(turn, |address, _, request| {
            world.ask_directly(address, request)
        });
    }

    /// The same, with the answer looked up in the zone and encoded.
    fn ask(&mut self, turn: usize) {
        self.talk.exchange(turn, |_, version, request| {
            let message = decode(request).ok()?;
            Some(answer(Some(version), &message, Transport::Udp))
        });
    }

    /// A signed AXFR of the parent zone from its primary, as the scanner asks for it: from the request
    /// to the RRsets of the checked answer.
    fn transfer(&mut self) {
        let question = Question::new(self.stage.world.parent.clone(), RecordType::AXFR);
        let plain = decode(&query(1, &question)).expect("a message");
        let message = self.signed(PARENT, plain);
        assert!(message.answers.len() > 2, "a whole zone");
        black_box(Reply::from_message(&message));
    }

    /// A signed update that finds everything as it wants it.
    fn update(&mut self) {
        let (signer, update) = self.update.clone();
        let message = self.signed(&signer, update.to_message(1));
        assert_eq!(message.response_code, ResponseCode::NoError);
    }

    /// The checked answer of an operator's primary to a request that is signed on the way.
    fn signed(&mut self, operator: &str, request: Message) -> Message {
        let world = &mut self.stage.world;
        let at = world.operator(operator).expect("an operator");
        let operator = &world.operators[at];
        let (key, primary) = (operator.tsig.clone(), operator.primary_address);
        let now = world.now();
        let (request, mac) = key.sign_request(request, now);
        let octets = world.ask_directly(primary, &request).expect("an answer");
        key.check_answer(&mac, &octets, now)
            .expect("an authentic answer")
    }
}

/// An update that holds if some signer's NS RRset is what it is, and leaves it so.
fn standing(stage: &Stage, zone: &Name) -> (String, Update) {
    let serves = |owner: &Operator| owner.instances.first()?.copy(zone).cloned();
    let mut operators = stage.world.operators.iter();
    let (signer, version) = operators
        .find_map(|owner| Some((owner.name.clone(), serves(owner)?)))
        .expect("a signer");
    let question = Question::new(zone.clone(), RecordType::NS);
    let request = decode(&query(1, &question)).expect("a message");
    let octets = answer(Some(&version), &request, Transport::Udp);
    let reply = Reply::parse(&octets).expect("a message");
    let ns = &reply.answer.first().expect("an NS RRset").set;
    (signer, Update::adjust(zone.clone(), ns, ns))
}

/// What is asked in a migration: by the controller and the scanner of every signer and the parent, and
/// by resolvers of the zone. Each question with who is asked and what is served there.
struct Talk(Vec<(Question, IpAddr, Rc<Published>)>);

impl Talk {
    fn in_world(stage: &Stage, zone: &Name) -> Self {
        let apex = [
            RecordType::SOA,
            RecordType::NS,
            RecordType::DNSKEY,
            RecordType::CDS,
            RecordType::CDNSKEY,
            RecordType::CSYNC,
        ];
        let below = ["www", "nope"].map(|label| {
            let name = zone.prepend_label(label).expect("a short name");
            Question::new(name, RecordType::A)
        });
        let at_signers = apex.map(|rtype| Question::new(zone.clone(), rtype));
        let at_signers: Vec<Question> = at_signers.into_iter().chain(below).collect();
        let at_parent = [RecordType::DS, RecordType::NS];
        let at_parent = at_parent.map(|rtype| Question::new(zone.clone(), rtype));
        let mut talk = Vec::new();
        for instance in stage.world.operators.iter().flat_map(|o| &o.instances) {
            let asked = [
                (zone, &at_signers[..]),
                (&stage.world.parent, &at_parent[..]),
            ];
            for (served, questions) in asked {
                let Some(version) = instance.copy(served) else {
                    continue;
                };
                let ask =
                    |question: &Question| (question.clone(), instance.address, Rc::clone(version));
                talk.extend(questions.iter().map(ask));
            }
        }
        Self(talk)
    }

    /// One of the exchanges, in turn: from the question to the RRsets of the answer.
    fn exchange(
        &self,
        turn: usize,
        respond: impl FnOnce(IpAddr, &Published, &[u8]) -> Option<Vec<u8>>,
    ) {
        let (question, address, version) = &self.0[turn % self.0.len()];
        let id = turn as u16;
        let octets = respond(*address, version, &query(id, question)).expect("an answer");
        let reply = Reply::parse(&octets).expect("a message");
        assert!(reply.answers(id, question), "the answer to the question");
        black_box(reply);
    }
}

/// How long it takes once.
#[allow(
    clippy::disallowed_methods,
    reason = "a stopwatch is what a benchmark is"
)]
fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let begun = Instant::now();
    black_box(work());
    begun.elapsed()
}

/// The middle of them: neither the luckiest nor the most disturbed.
fn median<T: PartialOrd + Copy + Default>(all: impl Iterator<Item = T>) -> T {
    let mut all = Vec::from_iter(all);
    all.sort_by(|one, other| one.partial_cmp(other).unwrap_or(Ordering::Equal));
    all.get(all.len() / 2).copied().unwrap_or_default()
}

fn us(span: Duration) -> String {
    format!("{:.2} us", span.as_secs_f64() * 1e6)
}

fn ms(span: Duration) -> String {
    format!("{:.2} ms", span.as_secs_f64() * 1e3)
}
