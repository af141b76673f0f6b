//! The servers: every signer's instances and the parent's, each on an address of its own, all on one port.
//!
//! An answer is made and signed when it is asked for first, and kept. Zones are at rest: every signer has
//! its own KSK, the ZSKs of all, and the CDS and CDNSKEY of all; the parent has the DS of all.

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use counterpoint_dns::{
    key::{Algorithm, DIGEST_SHA256, SECURE_ENTRY_POINT, SigningKey, ZONE_KEY},
    message::{Question, decode, encode, records, signature_record},
    name::{Name, RecordType, parse_name},
    rdata::{Rdata, Soa},
    rrset::RrSet,
    signature::Rrsig,
    stream::octets,
    time::Timestamp,
};
use hickory_proto::op::{Message, OpCode};

/// Signers in a group.
pub const SIGNERS: usize = 2;
/// The parent's address.
pub const PARENT: Ipv4Addr = Ipv4Addr::new(127, 80, 255, 1);

const TTL: u32 = 3_600;
const DAY: Duration = Duration::from_secs(86_400);
/// Signing needs little.
const STACK_OCTETS: usize = 512 * 1_024;

/// The address of an instance.
pub fn address(group: usize, signer: usize, instance: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 80, group as u8, (10 * (signer + 1) + instance) as u8)
}

/// The name of an instance.
pub fn nameserver(group: usize, signer: usize, instance: usize) -> String {
    format!("ns{instance}.s{signer}-{group}.test.")
}

/// The name of a zone.
pub fn zone(number: usize) -> String {
    format!("z{number}.test.")
}

/// All of them, and what they were asked.
pub struct Servers {
    /// Where they listen.
    pub port: u16,
    tally: Arc<Tally>,
}

#[derive(Default)]
struct Tally {
    asked: AtomicU64,
    different: AtomicU64,
}

impl Servers {
    /// Starts the servers of so many groups.
    pub fn start(groups: usize) -> io::Result<Self> {
        let parent = UdpSocket::bind((PARENT, 0))?;
        let port = parent.local_addr()?.port();
        let tally = Arc::new(Tally::default());
        let began = SystemTime::now().duration_since(UNIX_EPOCH);
        let began = Timestamp::from_seconds(began.map_or(0, |since| since.as_secs() as i64));
        serve(
            Arc::new(Site::new(Role::Parent, groups, began)),
            parent,
            &tally,
        )?;
        for group in 0..groups {
            for signer in 0..SIGNERS {
                let site = Arc::new(Site::new(Role::Signer(signer), groups, began));
                for instance in 0..2 {
                    let at = SocketAddr::from((address(group, signer, instance), port));
                    serve(site.clone(), UdpSocket::bind(at)?, &tally)?;
                }
            }
        }
        Ok(Self { port, tally })
    }

    /// How many questions were asked so far.
    pub fn asked(&self) -> u64 {
        self.tally.asked.load(Ordering::Relaxed)
    }

    /// How many of them were the first of their kind at their instance.
    pub fn different(&self) -> u64 {
        self.tally.different.load(Ordering::Relaxed)
    }
}

/// Answers what comes, in a thread of its own.
fn serve(site: Arc<Site>, socket: UdpSocket, tally: &Arc<Tally>) -> io::Result<()> {
    let tally = tally.clone();
    let builder = thread::Builder::new().stack_size(STACK_OCTETS);
    builder.spawn(move || {
        let mut heard = BTreeMap::new();
        let mut octets = [0; 4_096];
        while let Ok((length, from)) = socket.recv_from(&mut octets) {
            let Ok(request) = decode(&octets[..length]) else {
                continue;
            };
            tally.asked.fetch_add(1, Ordering::Relaxed);
            let Some(query) = request.queries.first() else {
                continue;
            };
            let question = Question::new(query.name().into(), query.query_type());
            if heard.insert(question.clone(), ()).is_none() {
                tally.different.fetch_add(1, Ordering::Relaxed);
            }
            if let Some(answer) = site.answer(&request, question) {
                // A lost answer is asked for again.
                let _ = socket.send_to(&answer, from);
            }
        }
    })?;
    Ok(())
}

enum Role {
    Parent,
    Signer(usize),
}

/// What the instances of one operator serve.
struct Site {
    role: Role,
    groups: usize,
    began: Timestamp,
    made: Mutex<BTreeMap<Question, Vec<u8>>>,
}

impl Site {
    fn new(role: Role, groups: usize, began: Timestamp) -> Self {
        let made = Mutex::default();
        Self {
            role,
            groups,
            began,
            made,
        }
    }

    /// The answer to a request; nothing, if it is about no zone.
    fn answer(&self, request: &Message, question: Question) -> Option<Vec<u8>> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if !made.contains_key(&question) {
            let answer = self.make(request, &question)?;
            made.insert(question.clone(), answer);
        }
        let mut answer = made.get(&question)?.clone();
        answer[..2].copy_from_slice(&request.id.to_be_bytes());
        Some(answer)
    }

    fn make(&self, request: &Message, question: &Question) -> Option<Vec<u8>> {
        let mut answer = Message::response(request.id, OpCode::Query);
        answer.queries.clone_from(&request.queries);
        let zone = &question.name;
        let text = zone.to_string();
        let number: usize = text
            .strip_prefix('z')?
            .strip_suffix(".test.")?
            .parse()
            .ok()?;
        let group = number % self.groups;
        let ns = (0..SIGNERS)
            .flat_map(|signer| (0..2).map(move |instance| nameserver(group, signer, instance)));
        let ns: Vec<Name> = ns.filter_map(|name| parse_name(&name).ok()).collect();
        let set = |rtype, data: Vec<Rdata>| RrSet::new(zone.clone(), rtype, TTL, data);
        let keys = |is_ksk| (0..SIGNERS).map(move |signer| key(number, signer, is_ksk));
        let ds =
            || keys(true).filter_map(|key| Some(key.public().ds(zone, DIGEST_SHA256)?.to_rdata()));
        let names = ns.iter().map(Rdata::name).collect();
        let Role::Signer(own) = self.role else {
            if question.rtype == RecordType::DS {
                answer.metadata.authoritative = true;
                answer
                    .answers
                    .extend(records(&set(RecordType::DS, ds().collect())));
            } else {
                answer
                    .authorities
                    .extend(records(&set(RecordType::NS, names)));
            }
            return Some(encode(&answer));
        };
        answer.metadata.authoritative = true;
        let ksk = key(number, own, true);
        let all = |is_ksk| keys(is_ksk).map(|key| key.public().to_rdata());
        let data = match question.rtype {
            RecordType::DNSKEY => all(false).chain([ksk.public().to_rdata()]).collect(),
            RecordType::CDS => ds().collect(),
            RecordType::CDNSKEY => all(true).collect(),
            RecordType::NS => names,
            RecordType::SOA => vec![soa(ns.first()?)],
            _ => Vec::new(),
        };
        let is_there = !data.is_empty();
        let shown = match is_there {
            true => set(question.rtype, data),
            false => set(RecordType::SOA, vec![soa(ns.first()?)]),
        };
        let by_ksk = [RecordType::DNSKEY, RecordType::CDS, RecordType::CDNSKEY];
        let signer = match by_ksk.contains(&shown.rtype) {
            true => ksk,
            false => key(number, own, false),
        };
        let (from, until) = (self.began.before(DAY), self.began + 14 * DAY);
        let rrsig = Rrsig::sign(&shown, &signer, zone, from, until);
        let section = match is_there {
            true => &mut answer.answers,
            false => &mut answer.authorities,
        };
        section.extend(records(&shown));
        section.push(signature_record(&shown, &rrsig));
        Some(encode(&answer))
    }
}

/// A key of one signer for one zone.
fn key(zone: usize, signer: usize, is_ksk: bool) -> SigningKey {
    let flags = ZONE_KEY | if is_ksk { SECURE_ENTRY_POINT } else { 0 };
    let seed = octets(1, &format!("{zone}/{signer}/{is_ksk}"));
    SigningKey::from_seed(Algorithm::EcdsaP256Sha256, flags, seed)
}

fn soa(mname: &Name) -> Rdata {
    let soa = Soa {
        mname: mname.clone(),
        rname: mname.clone(),
        serial: 1,
        refresh: TTL,
        retry: TTL,
        expire: TTL,
        minimum: 900,
    };
    soa.to_rdata()
}
