//! How fast a change of operator plays: `cargo bench -p counterpoint-scenarios --bench migration`.
//!
//! Prints what one run of `library/migration.toml` amounts to, what its parts cost when nothing is
//! around them, and two bars: 50 ms, and twice the sum of the parts. Exits with 1 if one is missed.
//! Without `--bench`, as under `cargo test --benches`, everything is done once and nothing is judged.

use std::{
    hint::black_box,
    net::IpAddr,
    process::ExitCode,
    rc::Rc,
    time::{Duration, Instant},
};

use counterpoint_dns::{
    agent::Transport,
    key::{Algorithm, SigningKey, ZONE_KEY},
    message::{Question, Reply, decode, query},
    name::{Name, RecordType},
    rdata::Rdata,
    rrset::RrSet,
    signature::{Rrsig, Verifier},
};
use counterpoint_scenarios::{
    load,
    run::{plan, play, run, verdict},
    scenario::Scenario,
};
use counterpoint_simnet::{
    answer::answer,
    published::Published,
    topology::{PARENT, Stage},
};

const SCENARIO: &str = include_str!("../library/migration.toml");
/// The longest that a run may take.
const LONGEST: Duration = Duration::from_millis(50);
/// How many times the sum of its parts a run may cost.
const OVERHEAD_MAX: f64 = 2.0;

fn main() -> ExitCode {
    let is_judged = std::env::args().any(|word| word == "--bench");
    let rounds = if is_judged { 30 } else { 1 };
    let Ok(scenario) = load::load("migration.toml", SCENARIO) else {
        eprintln!("library/migration.toml has mistakes: `counterpoint check` tells which");
        return ExitCode::FAILURE;
    };

    let counts = Counts::of(&scenario);
    let costs = Costs::measured(&scenario, rounds);
    let whole = fastest(rounds, || run(&scenario));
    let playing = fastest(rounds, || play::play(&scenario));

    let rows = [
        ("signatures made", counts.signatures, costs.signature),
        (
            "signatures verified",
            counts.verifications,
            costs.verification,
        ),
        ("exchanges, answer known", counts.repeated, costs.repeated),
        ("exchanges, answer made", counts.answered, costs.answered),
        ("transfers of the parent", counts.transfers, costs.transfer),
    ];
    println!("{:<26} {:>8} {:>12} {:>12}", "", "count", "each", "all");
    let mut sum = Duration::ZERO;
    for (what, count, each) in rows {
        let all = each.mul_f64(count as f64);
        sum += all;
        println!("{what:<26} {count:>8} {:>12} {:>12}", us(each), ms(all));
    }
    let ratio = whole.as_secs_f64() / sum.as_secs_f64();
    println!(
        "{:<26} {:>8} {:>12} {:>12}",
        "sum of the parts",
        "",
        "",
        ms(sum)
    );
    println!(
        "{:<26} {:>8} {:>12} {:>12}",
        "a whole run",
        "",
        "",
        ms(whole)
    );
    println!(
        "{:<26} {:>8} {:>12} {:>12}",
        "  of it playing",
        "",
        "",
        ms(playing)
    );
    let judging = whole.saturating_sub(playing);
    println!(
        "{:<26} {:>8} {:>12} {:>12}",
        "  of it judging",
        "",
        "",
        ms(judging)
    );

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
}

impl Counts {
    fn of(scenario: &Scenario) -> Self {
        let played = play::play(scenario);
        let world = played.stage.world.counts();
        let counts = Self {
            signatures: world.signatures,
            verifications: played.cast.verifier.verifications(),
            repeated: world.repeated,
            answered: world.exchanges - world.repeated - world.transfers,
            transfers: world.transfers,
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
}

/// What each part costs by itself.
struct Costs {
    /// One Ed25519 signature over an address RRset, from its canonical form to the RRSIG.
    signature: Duration,
    /// The check of that signature by a verifier that has not seen it.
    verification: Duration,
    /// A question encoded, answered from the server's memory, and the answer decoded into RRsets.
    repeated: Duration,
    /// The same, with the answer looked up in the zone and encoded.
    answered: Duration,
    /// A signed AXFR of the parent zone, from the request to the RRsets of the checked answer.
    transfer: Duration,
}

impl Costs {
    fn measured(scenario: &Scenario, rounds: u32) -> Self {
        let zone = scenario.zones[0].name.clone();
        let (from, until) = (scenario.start, scenario.start + Duration::from_secs(86_400));
        let key = SigningKey::from_seed(Algorithm::Ed25519, ZONE_KEY, [7; 32]);
        let www = zone.prepend_label("www").expect("a short name");
        let set = RrSet::new(
            www,
            RecordType::A,
            3_600,
            [Rdata::address([192, 0, 2, 1].into())],
        );
        let sign = || Rrsig::sign(&set, &key, &zone, from, until);
        let rrsig = sign();
        let verify = || Verifier::default().made_by(&set, &rrsig, key.public());
        assert!(verify(), "the signature is right");

        let mut stage = Stage::new(plan::topology(scenario));
        let talk = Talk::in_world(&stage, &zone);
        let asked = talk.0.len() as u32;
        let mut repeated =
            || talk.each(|address, _, request| stage.world.ask_directly(address, request));
        // The first time makes every signature and every answer.
        repeated();
        let repeated = unit(rounds, repeated) / asked;
        let answered = || {
            talk.each(|_, version, request| {
                let message = decode(request).ok()?;
                Some(answer(Some(version), &message, Transport::Udp))
            });
        };
        Self {
            signature: unit(rounds, sign),
            verification: unit(rounds, verify),
            repeated,
            answered: unit(rounds, answered) / asked,
            transfer: unit(rounds, || transfer(&mut stage)),
        }
    }
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

    /// Every exchange once, from the question to the RRsets of the answer.
    fn each(&self, mut respond: impl FnMut(IpAddr, &Published, &[u8]) -> Option<Vec<u8>>) {
        for (id, (question, address, version)) in (0..).zip(&self.0) {
            let octets = respond(*address, version, &query(id, question)).expect("an answer");
            let reply = Reply::parse(&octets).expect("a message");
            assert!(reply.answers(id, question), "the answer to the question");
            black_box(reply);
        }
    }
}

/// The parent zone from its primary, as the scanner asks for it.
fn transfer(stage: &mut Stage) -> Reply {
    let parent = &stage.world.parent;
    let question = Question::new(parent.clone(), RecordType::AXFR);
    let operator = stage.world.operator(PARENT).expect("a parent");
    let operator = &stage.world.operators[operator];
    let (key, primary) = (operator.tsig.clone(), operator.primary_address);
    let now = stage.world.now();
    let plain = decode(&query(1, &question)).expect("a message");
    let (request, mac) = key.sign_request(plain, now);
    let octets = stage
        .world
        .ask_directly(primary, &request)
        .expect("an answer");
    let message = key
        .check_answer(&mac, &octets, now)
        .expect("an authentic answer");
    assert!(message.answers.len() > 2, "a whole zone");
    Reply::from_message(&message)
}

/// The shortest of so many times: what disturbs a measurement only lengthens it.
#[allow(
    clippy::disallowed_methods,
    reason = "a stopwatch is what a benchmark is"
)]
fn fastest<T>(rounds: u32, mut work: impl FnMut() -> T) -> Duration {
    let once = |_| {
        let begun = Instant::now();
        black_box(work());
        begun.elapsed()
    };
    (0..rounds).map(once).min().unwrap_or_default()
}

/// The same of something too short for the clock.
fn unit<T>(rounds: u32, mut work: impl FnMut() -> T) -> Duration {
    const AT_ONCE: u32 = 100;
    let together = || (0..AT_ONCE).for_each(|_| drop(black_box(work())));
    fastest(rounds, together) / AT_ONCE
}

fn us(span: Duration) -> String {
    format!("{:.2} us", span.as_secs_f64() * 1e6)
}

fn ms(span: Duration) -> String {
    format!("{:.2} ms", span.as_secs_f64() * 1e3)
}
