//! Who says whether the zone validates: resolvers of others, each asked all the while, and a cross
//! check of our own.
//!
//! A resolver that asks everybody and tries again until an answer validates sees nothing of a group
//! that is half broken. So there is one Unbound for each signer, which asks nobody else; PowerDNS
//! Recursor, which does not try again; and every signer's signatures are held against every signer's
//! keys.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use counterpoint_dns::{
    driver::clock::Clock,
    message::{Question, ResponseCode},
    name::{Name, RecordType, parse_name},
    rrset::SignedRrSet,
    signature::Verifier,
    validate::{by_keys, keys_of},
};
use counterpoint_farm::{
    Group, Signing,
    ask::{Answer, ask},
    daemon::Daemon,
};

/// The pause between two questions of a judge: caches live a few seconds.
const PAUSE: Duration = Duration::from_millis(40);

/// What one judge saw.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Answers that were as they should be.
    pub good: u32,
    /// What was not, with the time.
    pub bad: Vec<String>,
}

/// Everybody who judges, running until stopped.
pub struct Judges {
    zone: Name,
    benches: BTreeMap<&'static str, Bench>,
    /// Whose signatures the others' keys must fit, and where they are.
    signers: Arc<Mutex<BTreeMap<Signing, SocketAddr>>>,
    retired: BTreeMap<&'static str, Tally>,
}

/// One judge at work.
struct Bench {
    is_over: Arc<AtomicBool>,
    work: JoinHandle<Tally>,
    // Stopped after its last question.
    _resolver: Option<Daemon>,
}

impl Bench {
    fn new(resolver: Option<Daemon>, look: impl FnMut(u32) -> Looked + Send + 'static) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        Self {
            is_over,
            work: thread::spawn(move || judge(&over, look)),
            _resolver: resolver,
        }
    }

    fn close(self) -> Tally {
        self.is_over.store(true, Relaxed);
        self.work.join().unwrap()
    }
}

/// How many things were right, and what was not.
type Looked = Result<u32, String>;

#[expect(
    clippy::disallowed_methods,
    reason = "real resolvers are asked in real time"
)]
fn judge(is_over: &AtomicBool, mut look: impl FnMut(u32) -> Looked) -> Tally {
    let mut tally = Tally::default();
    for round in 0.. {
        if is_over.load(Relaxed) {
            break;
        }
        match look(round) {
            Ok(good) => tally.good += good,
            Err(why) => tally.bad.push(format!("{}: {why}", Clock.now())),
        }
        thread::sleep(PAUSE);
    }
    tally
}

impl Judges {
    /// Opens the court: a resolver for the whole group, and the cross check.
    pub fn open(group: &Group) -> Self {
        let (recursor, at) = group.start_recursor().unwrap();
        let zone = group.zone.clone();
        let signers = Arc::default();
        let mut judges = Self {
            zone: zone.clone(),
            benches: BTreeMap::new(),
            signers: Arc::clone(&signers),
            retired: BTreeMap::new(),
        };
        let look = resolving(zone.clone(), at);
        judges.seat("everybody", Some(recursor), look);
        let mut verifier = Verifier::default();
        judges.seat("cross", None, move |_| {
            cross_check(&zone, &signers.lock().unwrap().clone(), &mut verifier)
        });
        judges
    }

    fn seat(
        &mut self,
        name: &'static str,
        resolver: Option<Daemon>,
        look: impl FnMut(u32) -> Looked + Send + 'static,
    ) {
        self.benches.insert(name, Bench::new(resolver, look));
    }

    /// From now on a cache may ask this signer.
    pub fn admit(&mut self, group: &Group, index: usize) {
        let signer = &group.signers[index];
        if self.benches.contains_key(signer.software.name()) {
            return;
        }
        let at = group.at(signer.address);
        self.signers.lock().unwrap().insert(signer.software, at);
        let (resolver, at) = group.start_pinned(index).unwrap();
        let look = resolving(self.zone.clone(), at);
        self.seat(signer.software.name(), Some(resolver), look);
    }

    /// No cache asks this signer any more.
    pub fn dismiss(&mut self, signer: Signing) {
        self.signers.lock().unwrap().remove(&signer);
        if let Some(bench) = self.benches.remove(signer.name()) {
            self.retired.insert(signer.name(), bench.close());
        }
    }

    /// Closes the court: what each of them saw.
    pub fn close(mut self) -> BTreeMap<&'static str, Tally> {
        for (name, bench) in self.benches {
            self.retired.insert(name, bench.close());
        }
        self.retired
    }
}

/// Asks a validating resolver for what there is, and for what there is not.
fn resolving(zone: Name, at: SocketAddr) -> impl FnMut(u32) -> Looked + Send {
    move |round| {
        let below = |label: String| parse_name(&format!("{label}.{zone}")).unwrap();
        let (name, rtype, rcode) = match round % 4 {
            0 => (below("www".into()), RecordType::A, ResponseCode::NoError),
            1 => (zone.clone(), RecordType::TXT, ResponseCode::NoError),
            2 => (
                below(format!("no{round}")),
                RecordType::A,
                ResponseCode::NXDomain,
            ),
            _ => (below("mail".into()), RecordType::A, ResponseCode::NoError),
        };
        let question = Question::new(name, rtype);
        // A datagram may be lost, even here.
        match ask(at, &question).or_else(|_| ask(at, &question)) {
            Ok(Answer {
                reply,
                is_authentic: true,
            }) if reply.rcode == rcode => Ok(1),
            Ok(Answer {
                reply,
                is_authentic,
            }) => Err(format!(
                "{question}: {}, {}",
                reply.rcode,
                if is_authentic {
                    "validated"
                } else {
                    "not validated"
                }
            )),
            Err(error) => Err(format!("{question}: {error}")),
        }
    }
}

/// Whether what each signer signs validates under the keys that each of them publishes.
fn cross_check(
    zone: &Name,
    signers: &BTreeMap<Signing, SocketAddr>,
    verifier: &mut Verifier,
) -> Looked {
    let mut good = 0;
    let dnskey = Question::new(zone.clone(), RecordType::DNSKEY);
    for (publisher, at) in signers {
        let answer = ask(*at, &dnskey).map_err(|error| format!("{}: {error}", publisher.name()))?;
        let keys = answer.reply.answer_for(&dnskey).map(keys_of);
        let keys = keys.ok_or_else(|| format!("{} has no DNSKEY", publisher.name()))?;
        for (signer, at) in signers {
            for signed in samples(zone, *at).map_err(|why| format!("{}: {why}", signer.name()))? {
                let valid = by_keys(zone, &keys, &signed, Clock.now(), verifier);
                valid.map_err(|why| {
                    let (signer, publisher) = (signer.name(), publisher.name());
                    format!(
                        "{} of {signer} under the keys of {publisher}: {why}",
                        signed.set
                    )
                })?;
                good += 1;
            }
        }
    }
    Ok(good)
}

/// Signed RRsets of every kind that a server hands out.
fn samples(zone: &Name, at: SocketAddr) -> Result<Vec<SignedRrSet>, String> {
    let mut sets = BTreeMap::new();
    for (name, rtype) in [
        (zone.clone(), RecordType::SOA),
        (zone.clone(), RecordType::NS),
        (zone.clone(), RecordType::TXT),
        (parse_name(&format!("www.{zone}")).unwrap(), RecordType::A),
        (parse_name(&format!("none.{zone}")).unwrap(), RecordType::A),
    ] {
        let question = Question::new(name, rtype);
        let answer = ask(at, &question).map_err(|error| format!("{question}: {error}"))?;
        let reply = answer.reply;
        for signed in reply.answer.into_iter().chain(reply.authority) {
            sets.insert((signed.set.name.clone(), signed.set.rtype), signed);
        }
    }
    let types: BTreeSet<RecordType> = sets.keys().map(|(_, rtype)| *rtype).collect();
    match types.contains(&RecordType::NSEC) {
        true => Ok(sets.into_values().collect()),
        false => Err(format!("no proof of absence, only {types:?}")),
    }
}
