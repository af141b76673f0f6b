//! Secondaries: who serves a zone that another keeps (RFC 1034 §4.3.5, RFC 5936), told by NOTIFY
//! (RFC 1996) and by the timers of the SOA, with TSIG (RFC 8945).
//!
//! Owns the timers: *refresh* after a success, *retry* after a failure, *expire*, after which the zone is
//! answered with SERVFAIL. Messages travel through the world's network, so its faults meet them. A
//! transfer is always whole: RFC 1995 §4 allows that as an answer to IXFR too.

use std::{cell::Cell, collections::BTreeMap, net::SocketAddr, rc::Rc, time::Duration};

use counterpoint_dns::{
    agent::{AskId, Input, Output, Transport},
    key::Dnskey,
    message::{Message, Question, Reply, decode, query},
    name::{Name, RecordType},
    rdata::Soa,
    rrset::SignedRrSet,
    time::Timestamp,
    transfer::split_first,
    tsig::{RequestMac, TsigKey},
};

use crate::{
    denial::{Denial, Hashing},
    published::{Given, Published, Served, Sets},
    world::{SeatId, World},
};

/// Types at the apex that belong to who signs the zone, where that is not who keeps it.
pub const OF_THE_SIGNER: [RecordType; 7] = [
    RecordType::SOA,
    RecordType::NS,
    RecordType::DNSKEY,
    RecordType::CDS,
    RecordType::CDNSKEY,
    RecordType::CSYNC,
    RecordType::NSEC3PARAM,
];

/// One zone at one operator that is kept at another.
#[derive(Debug)]
pub struct Secondary {
    zone: Name,
    operator: usize,
    source: usize,
    /// It signs what it gets; else it serves it as it came.
    signs: bool,
    /// The version that it has.
    have: Option<Rc<Published>>,
    /// Its serial, which is the signer's own no more once it is signed.
    serial: Option<u32>,
    due: Timestamp,
    expires: Timestamp,
    is_expired: bool,
    /// NOTIFY came while it was asking.
    is_told: bool,
    asked: Option<(AskId, RecordType, Option<RequestMac>)>,
    asks: u64,
    counter: Rc<Cell<u64>>,
}

/// Before a first transfer.
const FIRST_RETRY: Duration = Duration::from_secs(60);

impl World {
    /// `operator` serves `zone` from now on as `source` keeps it; if it `signs`, with its own keys. The
    /// first transfer begins at once, unless the version that the source has was there for ever.
    pub(crate) fn add_secondary(
        &mut self,
        operator: usize,
        source: usize,
        zone: &Name,
        signs: bool,
        is_installed: bool,
    ) {
        let seat = self.seat(self.operators[operator].primary_address);
        let now = self.now();
        let mut secondary = Secondary {
            zone: zone.clone(),
            operator,
            source,
            signs,
            have: None,
            serial: None,
            due: now,
            expires: Timestamp::MAX,
            is_expired: false,
            is_told: false,
            asked: None,
            asks: 0,
            counter: Rc::clone(&self.signature_counter),
        };
        if is_installed && let Some(version) = self.kept(source, zone) {
            if !signs {
                self.serve_for_ever(operator, &version);
            }
            secondary.take(version, now);
        }
        self.wake(seat, Some(secondary.due));
        self.secondaries.insert(seat, secondary);
    }

    /// `operator` asks for `zone` no more. Whether it did.
    pub(crate) fn remove_secondary(&mut self, operator: usize, zone: &Name) -> bool {
        let mut all = self.secondaries.iter();
        let found = all.find(|(_, one)| one.operator == operator && one.zone == *zone);
        let Some(seat) = found.map(|(seat, _)| *seat) else {
            return false;
        };
        self.leave_seat(seat);
        self.secondaries.remove(&seat);
        true
    }

    /// Whether `operator` serves `zone` as another keeps it.
    pub(crate) fn is_secondary(&self, operator: usize, zone: &Name) -> bool {
        let mut all = self.secondaries.values();
        all.any(|one| one.operator == operator && one.zone == *zone)
    }

    fn kept(&self, source: usize, zone: &Name) -> Option<Rc<Published>> {
        self.operators[source]
            .primaries
            .get(zone)?
            .published()
            .cloned()
    }

    /// Tells every secondary of a new version. What is lost on the way the timers make up for.
    pub(crate) fn notify_secondaries(&mut self, source: usize, zone: &Name) {
        let all = self.secondaries.iter();
        let told = all.filter(|(_, one)| one.source == source && one.zone == *zone);
        let told: Vec<(SeatId, usize)> = told.map(|(seat, one)| (*seat, one.operator)).collect();
        let from = self.operators[source].primary_address;
        for (seat, operator) in told {
            let to = self.operators[operator].primary_address;
            let Some(takes) = self.message(from, to) else {
                continue;
            };
            let at = self.now() + takes;
            if let Some(one) = self.secondaries.get_mut(&seat) {
                one.is_told = one.asked.is_some();
                one.due = one.due.min(at);
            }
            self.schedule_refresh(seat);
        }
    }

    fn schedule_refresh(&mut self, seat: SeatId) {
        let at = self.secondaries.get(&seat).map(Secondary::wake_at);
        self.wake(seat, at);
    }

    /// What comes to a secondary: its time, an answer, or none.
    pub(crate) fn refresh<C>(&mut self, seat: SeatId, input: &Input<C>) {
        let now = self.now();
        let Some(one) = self.secondaries.get(&seat) else {
            return;
        };
        let (operator, source, zone) = (one.operator, one.source, one.zone.clone());
        let tsig = self.operators[source].tsig.clone();
        let Some(one) = self.secondaries.get_mut(&seat) else {
            return;
        };
        let mut ask = None;
        let mut taken = None;
        match input {
            Input::Wake if one.asked.is_none() && now >= one.due => ask = Some(RecordType::SOA),
            Input::Answer { id, bytes } => match one.answer(*id, bytes, &tsig, now) {
                Some(Answered::Newer) => ask = Some(RecordType::AXFR),
                Some(Answered::Version(version)) => taken = Some(version),
                Some(Answered::Same) | None => {}
            },
            Input::Failure { id } if one.asked.as_ref().is_some_and(|asked| asked.0 == *id) => {
                one.asked = None;
            }
            _ => {}
        }
        let ask = ask.map(|rtype| {
            let to = SocketAddr::new(self.operators[source].primary_address, 53);
            one.ask(rtype, to, &tsig, now)
        });
        let expires = !one.is_expired && now >= one.expires;
        one.is_expired |= expires;
        if let Some(version) = taken {
            let (signs, before) = (one.signs, one.have.clone());
            one.take(Rc::clone(&version), now);
            let who = self.operators[operator].name.clone();
            let text = format!("{zone} serial {}", version.serial);
            self.log.line(now, &who, "transfer", &text);
            match signs {
                true => self.sign_anew(operator, &zone, before.as_deref(), &version),
                false => self.distribute(operator, &zone, Some(&version)),
            }
        } else if expires {
            self.expire(operator, &zone);
        }
        if let Some(ask) = ask {
            self.carry(seat, ask);
        }
        self.schedule_refresh(seat);
    }

    /// What a version of the source changes is changed in what is signed here: what came by update and
    /// the source never had stays, as it does behind the inline signing of BIND.
    fn sign_anew(
        &mut self,
        operator: usize,
        zone: &Name,
        before: Option<&Published>,
        version: &Published,
    ) {
        let Some(primary) = self.operators[operator].primaries.get_mut(zone) else {
            return;
        };
        let is_own = |name: &Name, rtype| name == zone && OF_THE_SIGNER.contains(&rtype);
        let there = before.into_iter().flat_map(Published::all);
        let gone: Vec<(Name, RecordType)> = there
            .map(|served| (served.set.name.clone(), served.set.rtype))
            .filter(|(name, rtype)| !is_own(name, *rtype))
            .filter(|(name, rtype)| version.get(name, *rtype).is_none())
            .collect();
        for (name, rtype) in gone {
            primary.contents.remove(&name, rtype);
        }
        for served in version.all() {
            if !is_own(&served.set.name, served.set.rtype) {
                primary.contents.put(served.set.clone());
            }
        }
        // After an expiry its instances serve nothing, although nothing may be new.
        let before = primary.published().map(|version| version.serial);
        self.publish(operator, zone, "transfer");
        let primary = self.operators[operator].primaries.get(zone);
        let now = primary.and_then(|primary| primary.published()).cloned();
        if let Some(version) = now.filter(|version| Some(version.serial) == before) {
            self.distribute(operator, zone, Some(&version));
        }
    }

    fn expire(&mut self, operator: usize, zone: &Name) {
        let owner = &mut self.operators[operator];
        let who = owner.name.clone();
        for instance in &mut owner.instances {
            instance.expired.insert(zone.clone());
        }
        self.log.line(self.now(), &who, "expire", &zone.to_string());
        self.distribute(operator, zone, None);
    }
}

/// What an answer says.
enum Answered {
    /// The source has a newer version.
    Newer,
    /// It has none.
    Same,
    /// This is it.
    Version(Rc<Published>),
}

impl Secondary {
    /// When it must be woken.
    fn wake_at(&self) -> Timestamp {
        let due = match self.asked {
            Some(_) => Timestamp::MAX,
            None => self.due,
        };
        match self.is_expired {
            true => due,
            false => due.min(self.expires),
        }
    }

    fn soa(&self) -> Option<Soa> {
        soa_of(self.have.as_ref()?)
    }

    /// A version is here, and all is well.
    fn take(&mut self, version: Rc<Published>, now: Timestamp) {
        self.serial = Some(version.serial);
        self.have = Some(version);
        self.confirmed(now);
    }

    /// The source was heard: the timers begin again.
    fn confirmed(&mut self, now: Timestamp) {
        let Some(soa) = self.soa() else { return };
        let seconds = |count: u32| Duration::from_secs(count.into());
        self.is_expired = false;
        self.expires = now + seconds(soa.expire);
        self.due = now + seconds(soa.refresh);
        if std::mem::take(&mut self.is_told) {
            self.due = now;
        }
    }

    fn ask(&mut self, rtype: RecordType, to: SocketAddr, tsig: &TsigKey, now: Timestamp) -> Output {
        let retry = self.soa().map_or(FIRST_RETRY, |soa| {
            Duration::from_secs(soa.retry.into()).max(Duration::from_secs(1))
        });
        self.due = now + retry;
        self.asks += 1;
        let id = AskId(self.asks);
        let plain = query(self.asks as u16, &Question::new(self.zone.clone(), rtype));
        let signed = (rtype == RecordType::AXFR)
            .then(|| decode(&plain).ok())
            .flatten()
            .map(|message: Message| tsig.sign_request(message, now));
        let (bytes, mac) = match signed {
            Some((bytes, mac)) => (bytes, Some(mac)),
            None => (plain, None),
        };
        self.asked = Some((id, rtype, mac));
        Output::Ask {
            id,
            to,
            via: Transport::Tcp,
            bytes,
        }
    }

    /// What the answer to its last question means; none: nothing that can be believed.
    fn answer(
        &mut self,
        id: AskId,
        bytes: &[u8],
        tsig: &TsigKey,
        now: Timestamp,
    ) -> Option<Answered> {
        let (_, rtype, mac) = self.asked.take_if(|asked| asked.0 == id)?;
        if rtype == RecordType::SOA {
            let reply = Reply::parse(bytes).ok()?;
            let question = Question::new(self.zone.clone(), RecordType::SOA);
            let soa = reply
                .answer_for(&question)
                .filter(|_| reply.authoritative)?;
            let serial = Soa::parse(soa.set.data.first()?)?.serial;
            // RFC 1982: a serial that is behind is not newer.
            let is_newer = self
                .serial
                .is_none_or(|have| (serial.wrapping_sub(have) as i32) > 0);
            return Some(match is_newer {
                true => Answered::Newer,
                false if self.is_expired => Answered::Newer,
                false => {
                    self.confirmed(now);
                    Answered::Same
                }
            });
        }
        let mac = mac?;
        let mut chain = tsig.check_chain(&mac);
        let (mut rest, mut sets) = (bytes, Vec::new());
        while !rest.is_empty() {
            let (message, after) = split_first(rest).ok()?;
            chain.take(message, now).ok()?;
            sets.extend(Reply::parse(message).ok()?.answer);
            rest = after;
        }
        let version = chain.is_closed().then(|| self.version(sets))??;
        Some(Answered::Version(Rc::new(version)))
    }

    /// The version that these records are.
    fn version(&self, sets: Vec<SignedRrSet>) -> Option<Published> {
        let zone = &self.zone;
        let mut keys: BTreeMap<(u16, u8), Dnskey> = BTreeMap::new();
        for signed in sets
            .iter()
            .filter(|signed| signed.set.rtype == RecordType::DNSKEY)
        {
            let all = signed.set.data.iter().filter_map(Dnskey::parse);
            keys.extend(all.map(|key| ((key.tag(), key.algorithm), key)));
        }
        let before = self.have.as_deref();
        let mut all = Sets::new();
        for SignedRrSet { set, signatures } in sets {
            let given: Vec<Given> = signatures
                .into_iter()
                .filter_map(|rrsig| {
                    let key = keys.get(&(rrsig.tag, rrsig.algorithm))?.clone();
                    // The fields are 32 bits; every version of a world lies near its signatures.
                    let (inception, expiration) =
                        rrsig.validity(Timestamp::from_seconds(i64::from(rrsig.inception)));
                    Some(Given {
                        key,
                        rrsig,
                        inception,
                        expiration,
                    })
                })
                .collect();
            let same = before.and_then(|before| before.get(&set.name, set.rtype));
            let same = same.filter(|same| same.set == set && same.given == given);
            let (name, rtype) = (set.name.clone(), set.rtype);
            let served = match same {
                Some(same) => Rc::clone(same),
                None => Rc::new(Served::given(
                    set,
                    given,
                    zone.clone(),
                    Rc::clone(&self.counter),
                )),
            };
            all.entry(name).or_default().insert(rtype, served);
        }
        let at_apex = |rtype| all.get(zone).and_then(|types| types.get(&rtype));
        let serial = Soa::parse(at_apex(RecordType::SOA)?.set.data.first()?)?.serial;
        let hashing = at_apex(RecordType::NSEC3PARAM).and_then(|served| Hashing::of(&served.set));
        let denial = hashing.map_or(Denial::Nsec, Denial::Nsec3);
        Some(Published::new(zone.clone(), serial, all).denying(denial))
    }
}

fn soa_of(version: &Published) -> Option<Soa> {
    Soa::parse(version.apex(RecordType::SOA)?.set.data.first()?)
}
