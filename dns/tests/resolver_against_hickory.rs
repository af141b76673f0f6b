//! A second opinion: the resolver's verdicts agree with those of hickory's `DnssecDnsHandle`.
//!
//! Small worlds, one fault each, are served twice: by servers on which the resolver iterates, and by a
//! handle in memory that answers any question from the same zones, as a cache that does not validate.
//! Differences that are understood are listed in [`understood`], each with its reason; any other
//! fails.

mod authority;

use std::{
    collections::BTreeMap,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use authority::{story::*, *};
use counterpoint_dns::{
    message::{Question, decode, encode},
    name::RecordType,
    rdata::Rdata,
    resolver::{Status, Validation},
    rrset::{RrSet, SignedRrSet},
    time::Timestamp,
};
use futures_util::{
    StreamExt as _,
    stream::{Stream, once},
};
use hickory_client::{
    DnsError, NetError,
    dnssec::DnssecDnsHandle,
    proto::{
        dnssec::{Algorithm, Proof, PublicKeyBuf, TrustAnchors},
        op::{DnsRequest, DnsRequestOptions, DnsResponse, Message, Query},
    },
    runtime::TokioRuntimeProvider,
    xfer::DnsHandle,
};

/// hickory's validator reads the real clock, so these worlds are signed around the real now.
#[allow(
    clippy::disallowed_methods,
    reason = "the second opinion reads the clock, and both must agree"
)]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_seconds(since.as_secs() as i64)
}

/// What is wrong with a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// Nothing.
    None,
    /// The DNSKEY RRset of example.test lacks the ZSK that signs.
    MissingZsk,
    /// The DS of example.test matches no key.
    WrongDs,
    /// The DS of example.test has an algorithm that nobody knows.
    UnknownDs,
    /// The signatures of example.test have expired.
    Expired,
    /// Those of the parent have.
    ParentExpired,
    /// example.test is served without signatures.
    Unsigned,
    /// The answers' signatures are taken out on the way, in example.test.
    StrippedAnswers,
    /// The NSEC records are taken out on the way, in example.test.
    StrippedNsec,
    /// Addresses are changed on the way.
    Forged,
    /// The proof of "no DS" is taken out on the way.
    StrippedNoDs,
    /// Names that exist are denied, with NSEC records that are authentic but beside the point.
    FalseDenial,
}

const FAULTS: [Fault; 12] = [
    Fault::None,
    Fault::MissingZsk,
    Fault::WrongDs,
    Fault::UnknownDs,
    Fault::Expired,
    Fault::ParentExpired,
    Fault::Unsigned,
    Fault::StrippedAnswers,
    Fault::StrippedNsec,
    Fault::Forged,
    Fault::StrippedNoDs,
    Fault::FalseDenial,
];

fn questions() -> Vec<Question> {
    let address = RecordType::A;
    vec![
        ask("www.example.test.", address),
        ask("deep.er.example.test.", address),
        ask("x.wild.example.test.", address),
        ask("y.z.wild.example.test.", address),
        ask("no.example.test.", address),
        ask("zz.no.example.test.", address),
        ask("www.example.test.", RecordType::TXT),
        ask("er.example.test.", RecordType::TXT),
        ask("x.wild.example.test.", RecordType::TXT),
        ask("example.test.", RecordType::NS),
        ask("example.test.", RecordType::DNSKEY),
        ask("example.test.", RecordType::DS),
        ask("insecure.test.", RecordType::DS),
        ask("www.insecure.test.", address),
        ask("no.insecure.test.", address),
        ask("no.test.", address),
        ask("test.", RecordType::SOA),
    ]
}

/// The world with this fault; `label` makes its keys.
fn world(fault: Fault, label: u64, now: Timestamp) -> Story {
    let mut story = Story::new(now);
    story.a = Signer::new(&format!("a/{label}"));
    let ds = (name("example.test."), RecordType::DS);
    story.parent.sets.remove(&ds);
    let mut anchor = match fault {
        Fault::WrongDs => Signer::new("stranger").ds("example.test."),
        _ => story.a.ds("example.test."),
    };
    if fault == Fault::UnknownDs {
        anchor.algorithm = 200;
    }
    story.parent = story.parent.clone().with_ds("example.test.", anchor);
    let days = if fault == Fault::ParentExpired { 0 } else { 30 };
    // Zero days: valid from an hour ago until a minute ago.
    let early = Timestamp::from_seconds(now.as_seconds() - 60);
    let parent = match days {
        0 => story.parent.signed(&story.test, early, 0),
        days => story.parent.signed(&story.test, now, days),
    };
    story.world.serve(TEST, [parent]);
    let mut child = story.child.clone().with_keys(&[&story.a]);
    if fault == Fault::MissingZsk {
        let keys = child
            .sets
            .get_mut(&(name("example.test."), RecordType::DNSKEY));
        keys.unwrap().data.remove(&story.a.zsk.public().to_rdata());
    }
    let served = match fault {
        Fault::Unsigned => child.unsigned(),
        Fault::Expired => child.signed(&story.a, early, 0),
        _ => child.signed(&story.a, now, 30),
    };
    for last in [A, B] {
        story.world.serve(last, [served.clone()]);
        tamper(&mut story, last, fault);
    }
    tamper(&mut story, TEST, fault);
    story
}

fn tamper(story: &mut Story, last: u8, fault: Fault) {
    let zone = name("example.test.");
    story.world.tamper(last, move |question, message| {
        let inside = zone.zone_of(&question.name) && question.rtype != RecordType::DS;
        change(fault, inside, question, message);
    });
}

fn change(fault: Fault, inside: bool, question: &Question, message: &mut Message) {
    let is =
        |rtype: RecordType| move |record: &hickory_proto::rr::Record| record.record_type() == rtype;
    match fault {
        Fault::StrippedAnswers if inside && question.rtype != RecordType::DNSKEY => {
            message
                .answers
                .retain(|record| !is(RecordType::RRSIG)(record));
        }
        Fault::StrippedNsec if inside => {
            let soa = (&name("example.test.")).into();
            message.authorities.retain(|record| {
                !(is(RecordType::NSEC)(record)
                    || is(RecordType::RRSIG)(record) && record.name != soa)
            });
        }
        Fault::StrippedNoDs if name("insecure.test.").zone_of(&question.name) => {
            message
                .authorities
                .retain(|record| !is(RecordType::NSEC)(record));
        }
        Fault::Forged if inside && question.rtype == RecordType::A => {
            for record in &mut message.answers {
                if is(RecordType::A)(record) {
                    let set = RrSet::new(
                        (&record.name).into(),
                        RecordType::A,
                        record.ttl,
                        [Rdata::address([10, 6, 6, 6].into())],
                    );
                    let mut forged = Vec::new();
                    let signatures = Vec::new();
                    put(&mut forged, &SignedRrSet { set, signatures });
                    *record = forged.remove(0);
                }
            }
        }
        _ => {}
    }
}

/// FalseDenial: what the servers say about another name, said about these.
fn falsify(server: &Server, bytes: &[u8]) -> Option<Vec<u8>> {
    let request = decode(bytes).unwrap();
    let query = request.queries[0].clone();
    let exists = name("www.example.test.");
    if exists != query.name().into() || query.query_type() != RecordType::A {
        return server.respond(bytes);
    }
    let mut other = request.clone();
    other.queries = vec![Query::query(
        (&name("no.example.test.")).into(),
        RecordType::A,
    )];
    let mut message = decode(&server.respond(&encode(&other))?).unwrap();
    if message.metadata.response_code == hickory_proto::op::ResponseCode::NXDomain {
        message.queries = vec![query];
        return Some(encode(&message));
    }
    server.respond(bytes)
}

/// Answers any question from all zones at once, as a cache that does not validate.
#[derive(Clone)]
struct Everything {
    servers: Arc<BTreeMap<u8, Server>>,
    fault: Fault,
    asked: Arc<Mutex<usize>>,
}

impl DnsHandle for Everything {
    type Response = Pin<Box<dyn Stream<Item = Result<DnsResponse, NetError>> + Send>>;
    type Runtime = TokioRuntimeProvider;

    fn send(&self, request: DnsRequest) -> Self::Response {
        *self.asked.lock().unwrap() += 1;
        let query = request.queries[0].clone();
        let is_ds = query.query_type() == RecordType::DS;
        let within = |zone: &str| {
            let (zone, asked) = (name(zone), query.name().into());
            zone.zone_of(&asked) && !(is_ds && zone == asked)
        };
        let last = match () {
            () if within("example.test.") => A,
            () if within("insecure.test.") => OTHER,
            () if within("test.") => TEST,
            () => ROOT,
        };
        let server = &self.servers[&last];
        let bytes = request.to_vec().unwrap();
        let answer = match self.fault {
            Fault::FalseDenial => falsify(server, &bytes),
            _ => server.respond(&bytes),
        };
        let answer = answer.expect("these servers answer");
        Box::pin(once(async move { Ok(DnsResponse::from_buffer(answer)?) }))
    }
}

/// The verdict, on which both must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Secure,
    Insecure,
    Bogus,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Verdict {
    fn of(proof: Proof) -> Self {
        match proof {
            Proof::Secure => Self::Secure,
            Proof::Insecure => Self::Insecure,
            Proof::Bogus | Proof::Indeterminate => Self::Bogus,
        }
    }
}

/// hickory's verdict, and how many questions it asked.
fn theirs(handle: &Everything, question: &Question, root: &Signer) -> Verdict {
    let mut anchors = TrustAnchors::empty();
    let key = root.ksk.public();
    anchors.insert(&PublicKeyBuf::new(
        key.public.to_vec(),
        Algorithm::ECDSAP256SHA256,
    ));
    let validator = DnssecDnsHandle::with_trust_anchor(handle.clone(), Arc::new(anchors))
        .validation_cache_size(0);
    let mut options = DnsRequestOptions::default();
    options.use_edns = true;
    options.edns_set_dnssec_ok = true;
    let query = Query::query((&question.name).into(), question.rtype);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let response = runtime.block_on(async { validator.lookup(query, options).next().await });
    match response.expect("an answer") {
        Ok(response) => {
            let answers = response.answers.iter().filter(|record| {
                question.name == (&record.name).into() && record.record_type() == question.rtype
            });
            let proofs: Vec<Proof> = match answers.clone().count() {
                0 => response
                    .authorities
                    .iter()
                    .map(|record| record.proof)
                    .collect(),
                _ => answers.map(|record| record.proof).collect(),
            };
            let worst = proofs.into_iter().map(Verdict::of).max();
            worst.unwrap_or(Verdict::Bogus)
        }
        Err(NetError::Dns(DnsError::Nsec { proof, .. })) => Verdict::of(proof),
        Err(error) => panic!("{question}: {error}"),
    }
}

/// The resolver's verdict.
fn ours(story: &mut Story, fault: Fault, validation: Validation, question: &Question) -> Verdict {
    let config = story.config().validation(validation);
    let mut resolver = story.resolver(config);
    let resolution = match fault {
        Fault::FalseDenial => {
            use counterpoint_dns::agent::{Agent as _, Input, Output};
            resolver.resolve(story.now, question.clone());
            while let Some(output) = resolver.poll(story.now) {
                if let Output::Ask { id, to, bytes, .. } = output {
                    let server = &story.world.servers[&to.ip()];
                    let bytes = falsify(server, &bytes).unwrap();
                    resolver.handle(story.now, Input::Answer { id, bytes });
                }
            }
            resolver.take_resolution().unwrap()
        }
        _ => story
            .world
            .resolve(&mut resolver, story.now, question.clone()),
    };
    match resolution.status {
        Status::Secure => Verdict::Secure,
        Status::Insecure => Verdict::Insecure,
        Status::Bogus(_) => Verdict::Bogus,
        Status::Failed(why) => panic!("{fault:?}: {question}: {why}"),
    }
}

/// Whether a difference of `(ours, theirs)` is understood.
///
/// An answer made from `*.wild.example.test` for a name one label below it: hickory 0.26.3 takes the
/// name's parent for the closest encloser and then wants that very wildcard *denied*, although it is
/// what the answer was made from. RFC 4035 §5.3.4 asks only for proof that nothing closer exists. Two
/// labels below, where another wildcard is the one denied, both agree.
fn understood(question: &Question, pair: (Verdict, Verdict)) -> bool {
    *question == ask("x.wild.example.test.", RecordType::A)
        && pair == (Verdict::Secure, Verdict::Bogus)
}

#[test]
fn verdicts_agree_with_hickorys() {
    let now = now();
    let mut counted: BTreeMap<(Fault, Verdict), usize> = BTreeMap::new();
    let mut differences = Vec::new();
    let mut understood_count = 0;
    for label in 0..3 {
        for fault in FAULTS {
            let mut story = world(fault, label, now);
            let twin = world(fault, label, now);
            let servers = twin.world.servers.into_iter().map(|(address, server)| {
                let std::net::IpAddr::V4(address) = address else {
                    unreachable!("all servers are at 192.0.2.0/24");
                };
                (address.octets()[3], server)
            });
            let handle = Everything {
                servers: Arc::new(servers.collect()),
                fault,
                asked: Arc::default(),
            };
            for question in questions() {
                let theirs = theirs(&handle, &question, &twin.root);
                for validation in [Validation::AtFetch, Validation::BehindCache] {
                    let ours = ours(&mut story, fault, validation, &question);
                    *counted.entry((fault, ours)).or_default() += 1;
                    if understood(&question, (ours, theirs)) {
                        understood_count += 1;
                    } else if ours != theirs {
                        differences.push(format!(
                            "{fault:?} {question} {validation:?}: ours {ours}, theirs {theirs}"
                        ));
                    }
                }
            }
            assert!(*handle.asked.lock().unwrap() > questions().len());
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(
        understood_count,
        3 * 2 * 3,
        "no fault, and two that are elsewhere"
    );
    let count = |verdict| -> usize {
        let of_it = counted.iter().filter(|(key, _)| key.1 == verdict);
        of_it.map(|(_, count)| count).sum()
    };
    for verdict in [Verdict::Secure, Verdict::Insecure, Verdict::Bogus] {
        assert!(count(verdict) > 50, "{verdict}: {}", count(verdict));
    }
    for fault in FAULTS.into_iter().filter(|fault| *fault != Fault::None) {
        let bites = match fault {
            Fault::UnknownDs => Verdict::Insecure,
            _ => Verdict::Bogus,
        };
        assert!(
            counted.contains_key(&(fault, bites)),
            "{fault:?} never bites"
        );
    }
    assert!(!counted.contains_key(&(Fault::None, Verdict::Bogus)));
}
