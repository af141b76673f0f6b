//! What a signer can import, by trying: each RRset is written, read back, and put back as it was.
//!
//! The keys that are written are made for that from fixed seeds and used for nothing. A check that was
//! killed is put right by the next: what it takes out is what it puts in. It is refused for a zone that the
//! parent delegates to the signer: caches would see the keys, and the parent the signals.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use counterpoint_dns::{
    driver::{agent::Options, chance, http},
    key::{Algorithm, DIGEST_SHA256, Dnskey, SECURE_ENTRY_POINT, SigningKey, ZONE_KEY},
    message::{Question, Reply, ResponseCode, query},
    name::{Name, RecordType},
    rdata::{Csync, Rdata},
    rrset::RrSet,
    stream::{Stream, octets},
    web,
};
use rand::RngExt as _;
use serde_json::json;
use tokio::time::timeout;

use super::{Answer, Call, Failure, resources::CheckIn};
use crate::{
    Interface, SignerName,
    keeper::Keeper,
    place::{Item, Owner},
    setup::{a_zone, now, runtime},
    updater::{Answer as Came, Change, Message, Next, Written, updater},
};

/// How long each step of an exchange is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often what was written is looked for, and how long between.
const LOOKS: u32 = 20;
/// Where changes take their time to the instances: two minutes.
const LOOKS_WITHOUT_PRIMARY: u32 = 480;
/// How often a write is tried that something else was quicker than, or that comes too early.
const TRIES: u8 = 10;
/// Nobody waits longer at a terminal.
const PATIENCE_MAX: Duration = Duration::from_secs(120);
const BETWEEN: Duration = Duration::from_millis(250);
/// The TTL of what was not there before, seconds.
const TTL: u32 = 60;

/// Tries, and tells.
pub(super) fn run(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let setup = &keeper.setup;
    let name = call.place("signer");
    let signer = setup.signer(name)?;
    let zone = a_zone(&call.read::<CheckIn>()?.zone)?;
    let declared = &setup.declared.config.signers[&signer];
    let sights = setup.survey(&zone, [signer.clone()].into())?;
    let delegations = sights
        .all
        .iter()
        .filter(|s| s.item == Item::Delegation && s.place.owner == Owner::Parent);
    let mut delegated = delegations.flat_map(|sight| sight.shown.iter().flat_map(|s| &s.set.data));
    if delegated.any(|data| data.as_name().is_some_and(|ns| declared.ns.contains(&ns))) {
        return Err(Failure::Refused(format!(
            "the parent delegates {zone} to {name}: caches would see keys of nobody, and the parent \
             signals; check it with a zone that it serves and nobody asks it for"
        )));
    }
    // Where it is written, or else the first instance: what is written shows there.
    let owner = Owner::Signer(signer.clone());
    let places = sights.all.iter().map(|sight| &sight.place);
    let mut own = places.filter(|place| place.owner == owner);
    let at = match declared.interface.primary() {
        Some(primary) => primary,
        None => own.next().map(|place| place.address).ok_or_else(|| {
            Failure::Refused(format!("no address of {name}'s nameservers is known"))
        })?,
    };
    let at = setup.options.route(at);
    let mut primary = Primary::new(&zone, &signer, at, &declared.interface)?;
    let mut text = String::new();
    let mut json = serde_json::Map::new();
    let mut is_fine = true;
    for trial in trials(&zone, &mut primary).map_err(Failure::Refused)? {
        let found = primary.try_out(&trial);
        let told = match &found {
            Ok(told) => (*told).to_string(),
            Err(why) => why.clone(),
        };
        is_fine &= found.is_ok();
        text.push_str(&format!("{:24} {told}\n", trial.what));
        json.insert(trial.what.into(), told.into());
    }
    Ok(Answer {
        text,
        json: json!({ "signer": name, "zone": zone.to_string(), "imports": json }),
        is_fine,
    })
}

/// One record that is tried.
struct Trial {
    what: &'static str,
    rtype: RecordType,
    data: Rdata,
    /// It is about a key of the signer itself, which may publish it unasked.
    is_own: bool,
}

/// What is tried, in the algorithm in which the signer signs.
fn trials(zone: &Name, primary: &mut Primary<'_>) -> Result<Vec<Trial>, String> {
    let served = primary.rrset(RecordType::DNSKEY)?.data;
    let numbers: BTreeSet<u8> = (served.iter().filter_map(Dnskey::parse))
        .map(|key| key.algorithm)
        .collect();
    if numbers.is_empty() {
        return Err(format!("it serves {zone} unsigned; sign the zone there"));
    }
    let known = numbers
        .iter()
        .find_map(|number| Algorithm::from_number(*number));
    let algorithm = known.unwrap_or(Algorithm::EcdsaP256Sha256);
    let key = |flags, label| {
        let seed = octets(0, label);
        SigningKey::from_seed(algorithm, flags, seed)
            .public()
            .clone()
    };
    let zsk = key(ZONE_KEY, "counterpoint-controller signer check zsk");
    let ksk = key(
        ZONE_KEY | SECURE_ENTRY_POINT,
        "counterpoint-controller signer check ksk",
    );
    let ds = ksk.ds(zone, DIGEST_SHA256).ok_or("no digest of a key")?;
    let csync = Csync {
        serial: 0,
        flags: Csync::SOA_MINIMUM,
        types: vec![RecordType::NS],
    };
    let mut trials = vec![
        ("foreign ZSK in DNSKEY", RecordType::DNSKEY, zsk.to_rdata()),
        ("foreign CSK in DNSKEY", RecordType::DNSKEY, ksk.to_rdata()),
        ("foreign CDS", RecordType::CDS, ds.to_rdata()),
        ("foreign CDNSKEY", RecordType::CDNSKEY, ksk.to_rdata()),
        ("CSYNC", RecordType::CSYNC, csync.to_rdata()),
    ];
    let mut entries = served
        .iter()
        .filter_map(Dnskey::parse)
        .filter(Dnskey::is_sep);
    let own = entries.find(|key| *key != ksk);
    if let Some((own, ds)) = own.and_then(|own| Some((own.clone(), own.ds(zone, DIGEST_SHA256)?))) {
        trials.push(("own CDS", RecordType::CDS, ds.to_rdata()));
        trials.push(("own CDNSKEY", RecordType::CDNSKEY, own.to_rdata()));
    }
    let trials = trials.into_iter();
    let trials = trials.map(|(what, rtype, data)| Trial {
        what,
        rtype,
        data,
        is_own: what.starts_with("own"),
    });
    Ok(trials.collect())
}

/// The primary of a signer, spoken to directly.
pub(super) struct Primary<'a> {
    zone: &'a Name,
    at: SocketAddr,
    signer: &'a SignerName,
    interface: &'a Interface,
    stream: Stream,
}

impl<'a> Primary<'a> {
    /// That of `signer`, which is found at `at`.
    pub(super) fn new(
        zone: &'a Name,
        signer: &'a SignerName,
        at: SocketAddr,
        interface: &'a Interface,
    ) -> io::Result<Self> {
        Ok(Self {
            zone,
            at,
            signer,
            interface,
            stream: chance::stream()?,
        })
    }

    /// Writes a record beside what is there, reads it back, and puts everything back.
    fn try_out(&mut self, trial: &Trial) -> Result<&'static str, String> {
        let Trial {
            rtype,
            data,
            is_own,
            ..
        } = trial;
        let rtype = *rtype;
        let there = self.rrset(rtype)?;
        if *is_own && there.data.contains(data) {
            return Ok("is there already");
        }
        let mut before = there.clone();
        before.data.remove(data);
        if rtype == RecordType::CSYNC && !before.data.is_empty() {
            // RFC 7477 §2: at most one.
            return Err("not tried: it has a CSYNC already".into());
        }
        let mut with = before.clone();
        with.data.insert(data.clone());
        self.write(&there, &with)?;
        let came = self.shows(rtype, |seen| seen.contains(data))?;
        let there = self.rrset(rtype)?;
        let back = self.write(&there, &before);
        let gone = self.shows(rtype, |seen| *seen == before.data)?;
        match (came, gone) {
            (_, false) => Err(format!(
                "cannot be put back as it was: set {rtype} of {} by hand ({})",
                self.zone,
                back.err()
                    .unwrap_or_else(|| "accepted, and not done".into())
            )),
            (false, true) => Err("accepts it, and does not publish it".into()),
            (true, true) => Ok("imports"),
        }
    }

    fn shows(
        &mut self,
        rtype: RecordType,
        is_it: impl Fn(&BTreeSet<Rdata>) -> bool,
    ) -> Result<bool, String> {
        let looks = match self.interface.primary() {
            Some(_) => LOOKS,
            None => LOOKS_WITHOUT_PRIMARY,
        };
        for look in 1..=looks {
            if is_it(&self.rrset(rtype)?.data) {
                return Ok(true);
            }
            if look < looks {
                pause(BETWEEN);
            }
        }
        Ok(false)
    }

    /// What it serves at the apex.
    fn rrset(&mut self, rtype: RecordType) -> Result<RrSet, String> {
        self.rrset_of(&self.zone.clone(), rtype)
    }

    /// What it serves under a name.
    pub(super) fn rrset_of(&mut self, name: &Name, rtype: RecordType) -> Result<RrSet, String> {
        let id = self.stream.random();
        let question = Question::new(name.clone(), rtype);
        let answer = self.exchange(&query(id, &question))?;
        let reply = Reply::parse(&answer).map_err(|error| self.failed(&error))?;
        if !reply.answers(id, &question)
            || !matches!(reply.rcode, ResponseCode::NoError | ResponseCode::NXDomain)
        {
            return Err(self.failed(&format!("it answers {}", reply.rcode)));
        }
        let found = reply.answer_for(&question).map(|signed| signed.set.clone());
        let none = || RrSet::new(name.clone(), rtype, TTL, []);
        Ok(found.unwrap_or_else(none))
    }

    /// Makes an RRset what it is to be, if it still is what was seen.
    pub(super) fn write(&mut self, from: &RrSet, to: &RrSet) -> Result<(), String> {
        if from.data == to.data {
            return Ok(());
        }
        let change = Change {
            signer: self.signer.clone(),
            item: match to.rtype {
                RecordType::DNSKEY => Item::Dnskey,
                RecordType::CDS => Item::Cds,
                RecordType::CDNSKEY => Item::Cdnskey,
                RecordType::CSYNC => Item::Csync,
                rtype => Item::Address(to.name.clone(), rtype),
            },
            seen: from.clone(),
            wanted: to.clone(),
            signatures: BTreeMap::new(),
            is_unconditional: false,
        };
        for _ in 0..TRIES {
            match self.written(&change)? {
                Written::Accepted => return Ok(()),
                Written::Later(span) if span <= PATIENCE_MAX => pause(span),
                Written::Unmet => pause(BETWEEN),
                other => return Err(format!("refuses it: {other}")),
            }
        }
        Err("refuses it again and again".into())
    }

    /// One write, request by request.
    fn written(&mut self, change: &Change) -> Result<Written, String> {
        let updater = updater(self.interface);
        let changes = std::slice::from_ref(change);
        let mut request = updater.request(self.zone, changes, self.stream.random(), now());
        loop {
            let (dns, web);
            let answer = match &request.message {
                Message::Dns { bytes, .. } => {
                    dns = self.exchange(bytes)?;
                    Came::Dns(&dns)
                }
                Message::Web(request) => {
                    web = self.web(request)?;
                    Came::Web(&web)
                }
            };
            match updater.next(self.zone, &request.receipt, &answer, now()) {
                Next::Ask(next) => request = *next,
                Next::Done(written) => return Ok(written),
            }
        }
    }

    fn web(&self, request: &web::Request) -> Result<web::Answer, String> {
        let Options {
            patience_web,
            web_octets_max,
            ..
        } = Options::default();
        let asking = async { timeout(patience_web, http::ask(request, web_octets_max)).await };
        let runtime = runtime().map_err(|_| "no runtime".to_string())?;
        let came = runtime.block_on(asking);
        let came = came.map_err(|_| format!("{}: no answer", request.url))?;
        came.map_err(|error| format!("{}: {error}", request.url))
    }

    fn failed(&self, why: &dyn std::fmt::Display) -> String {
        format!("its primary {}: {why}", self.at)
    }

    fn exchange(&self, octets: &[u8]) -> Result<Vec<u8>, String> {
        exchange(self.at, octets).map_err(|error| self.failed(&error))
    }
}

/// A question over TCP, and its answer.
pub(super) fn exchange(at: SocketAddr, octets: &[u8]) -> Result<Vec<u8>, String> {
    let exchange = || -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect_timeout(&at, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let length = u16::try_from(octets.len())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "too long"))?;
        stream.write_all(&[&length.to_be_bytes(), octets].concat())?;
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    };
    exchange().map_err(|error| error.to_string())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a command that looks again after a moment; nothing is decided by it"
)]
fn pause(span: Duration) {
    thread::sleep(span);
}
