//! The event queue: one world, one thread, virtual time.
//!
//! The world owns servers, network, clock and log. It does not know what the agents in it pursue:
//! whoever runs it owns them, takes an [`Occurrence`] at a time, and hands their requests back in by
//! [`World::carry`].

use std::{
    cell::Cell,
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    net::{IpAddr, SocketAddr},
    rc::Rc,
    time::Duration,
};

use counterpoint_dns::{
    agent::{AskId, Input, Output, Peer, Server as _, Transport},
    name::{Name, RecordType},
    oracle::history::Side,
    stream::stream,
    time::Timestamp,
    web,
};
use rand::RngExt as _;

use crate::{
    clock::Skew,
    desec::Desec,
    log::EventLog,
    meddling,
    network::{Fault, Network, Touch, Trouble, Verdict, patience},
    operator::{Instance, Operator},
    primary::INCEPTION_BACKDATE,
    published::{Published, Served},
    recorder::Recorder,
    secondary::Secondary,
};

/// One agent's place in the world. A restarted agent takes a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeatId(usize);

/// What the world's owner must see to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occurrence<C> {
    /// An agent has input: its commands come from elsewhere.
    Input(SeatId, Input<C>),
    /// The time of the script's event of this number has come.
    Script(usize),
    /// An agent is asked something, where it listens: [`World::answer`] wants to know what it says.
    Request(Heard),
}

/// A request to an agent that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Who is asked.
    pub seat: SeatId,
    /// Who asks.
    pub from: Peer,
    /// How.
    pub via: Transport,
    /// The octets.
    pub bytes: Vec<u8>,
    to: IpAddr,
    asker: SeatId,
    id: AskId,
}

/// The start state is as if it had been served for a year.
pub(crate) const SERVED_BEFORE_START: Duration = Duration::from_secs(365 * 86_400);

/// The cause of a version in which nothing but signatures is new.
const RESIGNING: &str = "re-signing";

/// How much work a run was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that reached a server and were answered.
    pub exchanges: u64,
    /// Those of them whose answer the server had given before, from the same copies.
    pub repeated: u64,
    /// Those of them that asked for a whole zone.
    pub transfers: u64,
    /// Those of them that were dynamic updates.
    pub updates: u64,
    /// Signatures really made.
    pub signatures: u64,
    /// Events taken from the queue.
    pub events: u64,
}

#[derive(Debug)]
struct Seat {
    address: IpAddr,
    wake: Option<Timestamp>,
    is_taken: bool,
}

#[derive(Debug)]
enum Event {
    Script(usize),
    Wake(SeatId),
    Request {
        seat: SeatId,
        id: AskId,
        to: SocketAddr,
        via: Transport,
        bytes: Vec<u8>,
    },
    Answer {
        seat: SeatId,
        id: AskId,
        bytes: Vec<u8>,
    },
    Web {
        seat: SeatId,
        id: AskId,
        request: Box<web::Request>,
    },
    WebAnswer {
        seat: SeatId,
        id: AskId,
        answer: web::Answer,
    },
    Failure {
        seat: SeatId,
        id: AskId,
    },
    Arrival {
        operator: usize,
        instance: usize,
        zone: Name,
        version: Option<Rc<Published>>,
    },
    Resign {
        operator: usize,
        zone: Name,
    },
    FaultEdge {
        operator: usize,
        instance: usize,
        kind: Edge,
        begins: bool,
    },
    Keep {
        operator: usize,
        instance: usize,
    },
    Gone {
        operator: usize,
        instance: usize,
    },
}

/// A fault that is more than trouble with messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The instance is out of order.
    Outage,
    /// The instance is cut off from everybody, its own primary included.
    Partition,
    /// The instance keeps serving what it serves.
    Stale,
    /// The instance serves again what it served at this instant.
    Replay(Timestamp),
}

struct Scheduled {
    at: Timestamp,
    sequence: u64,
    event: Event,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Scheduled {
    fn key(&self) -> (Timestamp, u64) {
        (self.at, self.sequence)
    }
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Primary(usize),
    Instance(usize, usize),
}

/// The simulated DNS world.
pub struct World {
    now: Timestamp,
    queue: BinaryHeap<Reverse<Scheduled>>,
    sequence: u64,
    /// Everybody who runs servers.
    pub operators: Vec<Operator>,
    places: BTreeMap<IpAddr, Place>,
    listeners: BTreeMap<SocketAddr, SeatId>,
    network: Network,
    seats: Vec<Seat>,
    /// Those of them that keep a zone as another has it.
    pub(crate) secondaries: BTreeMap<SeatId, Secondary>,
    /// The ground truth.
    pub log: EventLog,
    /// What the oracle reads, by judged zone.
    pub recorders: BTreeMap<Name, Recorder>,
    /// The zone above the judged ones.
    pub parent: Name,
    /// When anything that an instance serves was last changed on purpose: re-signing does not count.
    pub last_change: Timestamp,
    /// Versions of the parent zone in which a delegation, a DS or glue differs from before.
    pub parent_changes: u64,
    /// Where data of a forger were published, as `parent: example.test. DS`: somebody believed them.
    pub believed: BTreeSet<String>,
    pub(crate) signature_counter: Rc<Cell<u64>>,
    counts: Counts,
}

impl World {
    /// An empty world whose clock stands at `start`.
    pub fn new(seed: u64, start: Timestamp, parent: Name) -> Self {
        Self {
            now: start,
            queue: BinaryHeap::new(),
            sequence: 0,
            operators: Vec::new(),
            places: BTreeMap::new(),
            listeners: BTreeMap::new(),
            network: Network::new(stream(seed, "network")),
            seats: Vec::new(),
            secondaries: BTreeMap::new(),
            log: EventLog::new(start),
            recorders: BTreeMap::new(),
            parent,
            last_change: start,
            parent_changes: 0,
            believed: BTreeSet::new(),
            signature_counter: Rc::default(),
            counts: Counts::default(),
        }
    }

    /// The instant that the world has reached.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Since when the start state has been served: long enough for every cache to know it.
    pub fn since(&self) -> Timestamp {
        self.log.start().before(SERVED_BEFORE_START)
    }

    /// How much work it was so far.
    pub fn counts(&self) -> Counts {
        let repeated = self.operators.iter().map(|owner| {
            let instances = owner.instances.iter();
            owner.repeated + instances.map(|instance| instance.repeated).sum::<u64>()
        });
        Counts {
            transfers: self.operators.iter().map(|owner| owner.transfers).sum(),
            updates: self.operators.iter().map(|owner| owner.updates).sum(),
            repeated: repeated.sum(),
            signatures: self.signature_counter.get(),
            ..self.counts
        }
    }

    /// Adds an operator; its instances serve nothing yet.
    pub fn add_operator(&mut self, operator: Operator) -> usize {
        let index = self.operators.len();
        self.places
            .insert(operator.primary_address, Place::Primary(index));
        for (number, instance) in operator.instances.iter().enumerate() {
            self.places
                .insert(instance.address, Place::Instance(index, number));
        }
        self.operators.push(operator);
        index
    }

    /// The operator of this name.
    pub fn operator(&self, name: &str) -> Option<usize> {
        self.operators
            .iter()
            .position(|operator| operator.name == name)
    }

    /// A seat for an agent that speaks from `address`.
    pub fn seat(&mut self, address: IpAddr) -> SeatId {
        self.seats.push(Seat {
            address,
            wake: None,
            is_taken: true,
        });
        SeatId(self.seats.len() - 1)
    }

    /// What is sent to `address` reaches the agent in this seat from now on.
    pub fn listen(&mut self, seat: SeatId, address: SocketAddr) {
        self.listeners.insert(address, seat);
    }

    /// The agent is gone: nothing that is under way reaches it any more.
    pub fn leave_seat(&mut self, seat: SeatId) {
        self.seats[seat.0].is_taken = false;
    }

    /// Calls the owner at `at` with this number.
    pub fn schedule_script(&mut self, at: Timestamp, number: usize) {
        self.schedule(at, Event::Script(number));
    }

    /// Wakes the agent at `at`, and at no other time that was asked for before.
    pub fn wake(&mut self, seat: SeatId, at: Option<Timestamp>) {
        let at = at.map(|at| at.max(self.now));
        if self.seats[seat.0].wake == at {
            return;
        }
        self.seats[seat.0].wake = at;
        if let Some(at) = at {
            self.schedule(at, Event::Wake(seat));
        }
    }

    /// Notes from now on what a fault would have met.
    pub fn note_touches(&mut self) {
        self.network.note_touches();
    }

    /// The names of the troubles that befell a message.
    pub fn met(&self) -> &BTreeSet<&'static str> {
        self.network.met()
    }

    /// An operator's clock is off by so much more from now on. It makes signatures that it now takes to
    /// be due.
    pub fn shift_clock(&mut self, operator: usize, by: Skew) {
        let owner = &mut self.operators[operator];
        owner.clock = owner.clock + by;
        let clock = owner.clock;
        let signed = owner
            .primaries
            .iter_mut()
            .filter_map(|(zone, primary)| Some((zone.clone(), primary.signing.as_mut()?)));
        let zones: Vec<Name> = signed
            .map(|(zone, signing)| {
                signing.clock = clock;
                zone
            })
            .collect();
        for zone in zones {
            let due = self.operators[operator].primaries[&zone].next_resign();
            if let Some(due) = due {
                let at = due.max(self.now);
                self.schedule(at, Event::Resign { operator, zone });
            }
        }
    }

    /// What a fault would have met, if that was noted: in the order of time.
    pub fn touches(&self) -> &[Touch] {
        self.network.touches()
    }

    /// Adds trouble with messages.
    pub fn add_fault(&mut self, fault: Fault) {
        self.network.add(fault);
    }

    /// Adds an outage or staleness of an instance, to be recorded as such.
    pub fn add_edge(
        &mut self,
        operator: usize,
        instance: usize,
        kind: Edge,
        from: Timestamp,
        until: Timestamp,
    ) {
        if let Edge::Replay(of) = kind {
            self.schedule(of, Event::Keep { operator, instance });
        }
        self.schedule(
            from,
            Event::FaultEdge {
                operator,
                instance,
                kind,
                begins: true,
            },
        );
        if until < Timestamp::MAX {
            self.schedule(
                until,
                Event::FaultEdge {
                    operator,
                    instance,
                    kind,
                    begins: false,
                },
            );
        }
    }

    /// Carries out an agent's request; other outputs are the owner's business.
    pub fn carry(&mut self, seat: SeatId, output: Output) {
        let (id, to, via, bytes) = match output {
            Output::Ask { id, to, via, bytes } => (id, to, via, bytes),
            Output::Web { id, request } => return self.carry_web(seat, id, request),
            Output::Persist(_) | Output::Note(_) => return,
        };
        let give_up = self.now + patience(via);
        match self
            .network
            .carry(self.now, self.seats[seat.0].address, to.ip(), via)
        {
            Verdict::Deliver(takes) => {
                let at = self.now + takes;
                self.schedule(
                    at,
                    Event::Request {
                        seat,
                        id,
                        to,
                        via,
                        bytes,
                    },
                );
            }
            Verdict::Twice(first, again) => {
                for takes in [first, again] {
                    let bytes = bytes.clone();
                    let request = Event::Request {
                        seat,
                        id,
                        to,
                        via,
                        bytes,
                    };
                    self.schedule(self.now + takes, request);
                }
            }
            Verdict::Drop => self.schedule(give_up, Event::Failure { seat, id }),
        }
    }

    fn carry_web(&mut self, seat: SeatId, id: AskId, request: Box<web::Request>) {
        let from = self.seats[seat.0].address;
        let to = web_address(&request.url);
        let verdict = to.map(|to| self.network.carry(self.now, from, to, Transport::Tcp));
        match verdict {
            Some(Verdict::Deliver(takes) | Verdict::Twice(takes, _)) => {
                self.schedule(self.now + takes, Event::Web { seat, id, request });
            }
            _ => {
                let lost = self.now + patience(Transport::Tcp);
                self.schedule(lost, Event::Failure { seat, id });
            }
        }
    }

    /// Goes on to the next occurrence that concerns the owner, up to and including `until`.
    pub fn step<C>(&mut self, until: Timestamp) -> Option<Occurrence<C>> {
        loop {
            if self
                .queue
                .peek()
                .is_none_or(|Reverse(next)| next.at > until)
            {
                return None;
            }
            let Reverse(next) = self.queue.pop()?;
            debug_assert!(next.at >= self.now, "time goes forward only");
            self.now = next.at;
            self.counts.events += 1;
            match next.event {
                Event::Script(number) => return Some(Occurrence::Script(number)),
                Event::Wake(seat) => {
                    let place = &mut self.seats[seat.0];
                    if place.is_taken && place.wake == Some(self.now) {
                        place.wake = None;
                        if let Some(occurrence) = self.hand(seat, Input::Wake) {
                            return Some(occurrence);
                        }
                    }
                }
                Event::Answer { seat, id, bytes } => {
                    if let Some(occurrence) = self.hand(seat, Input::Answer { id, bytes }) {
                        return Some(occurrence);
                    }
                }
                Event::Web { seat, id, request } => self.web_request(seat, id, &request),
                Event::WebAnswer { seat, id, answer } => {
                    if self.seats[seat.0].is_taken {
                        let answer = Ok(answer);
                        return Some(Occurrence::Input(seat, Input::Web { id, answer }));
                    }
                }
                Event::Failure { seat, id } => {
                    if let Some(occurrence) = self.hand(seat, Input::Failure { id }) {
                        return Some(occurrence);
                    }
                }
                Event::Request {
                    seat,
                    id,
                    to,
                    via,
                    bytes,
                } => match self.listeners.get(&to).copied() {
                    _ if self.is_answered_on_the_way(seat, id, to, via, &bytes) => {}
                    Some(listener) if self.seats[listener.0].is_taken => {
                        return Some(Occurrence::Request(Heard {
                            seat: listener,
                            from: self.peer(seat),
                            via,
                            bytes,
                            to: to.ip(),
                            asker: seat,
                            id,
                        }));
                    }
                    _ => self.request(seat, id, to, via, &bytes),
                },
                Event::Arrival {
                    operator,
                    instance,
                    zone,
                    version,
                } => {
                    self.arrive(operator, instance, zone, version);
                }
                Event::Resign { operator, zone } => self.resign(operator, &zone),
                Event::FaultEdge {
                    operator,
                    instance,
                    kind,
                    begins,
                } => {
                    self.edge(operator, instance, kind, begins);
                }
                Event::Gone { operator, instance } => self.gone(operator, instance),
                Event::Keep { operator, instance } => {
                    let now = self.now;
                    self.operators[operator].instances[instance].keep(now);
                }
            }
        }
    }

    /// An input for the world's owner, unless its seat is empty or the world sees to it itself.
    fn hand<C>(&mut self, seat: SeatId, input: Input<C>) -> Option<Occurrence<C>> {
        if self.secondaries.contains_key(&seat) {
            self.refresh(seat, &input);
            return None;
        }
        let is_taken = self.seats[seat.0].is_taken;
        is_taken.then_some(Occurrence::Input(seat, input))
    }

    /// A message between servers: how long it takes, unless it is lost.
    pub(crate) fn message(&mut self, from: IpAddr, to: IpAddr) -> Option<Duration> {
        self.travels(from, to, Transport::Udp)
    }

    /// Lets time pass to `until`, when nothing more is to happen before.
    pub fn rest_until(&mut self, until: Timestamp) {
        self.now = self.now.max(until);
    }

    /// Asks an address directly and at once, outside of the network: for reports and replays.
    pub fn ask_directly(&mut self, address: IpAddr, request: &[u8]) -> Option<Vec<u8>> {
        let peer = SocketAddr::new(address, 53);
        match *self.places.get(&address)? {
            Place::Primary(operator) => {
                self.operators[operator].respond(self.now, peer, Transport::Tcp, request)
            }
            Place::Instance(operator, instance) => self.operators[operator].instances[instance]
                .respond(self.now, peer, Transport::Tcp, request),
        }
    }

    fn schedule(&mut self, at: Timestamp, event: Event) {
        self.sequence += 1;
        self.queue.push(Reverse(Scheduled {
            at,
            sequence: self.sequence,
            event,
        }));
    }

    fn request(&mut self, seat: SeatId, id: AskId, to: SocketAddr, via: Transport, bytes: &[u8]) {
        let peer = self.peer(seat);
        let is_open = to.port() == 53;
        let answer = is_open.then(|| self.serve(to.ip(), peer, via, bytes));
        self.send_back(seat, id, to.ip(), via, answer.flatten());
    }

    /// Whether somebody else answers before the request reaches its addressee.
    fn is_answered_on_the_way(
        &mut self,
        seat: SeatId,
        id: AskId,
        to: SocketAddr,
        via: Transport,
        bytes: &[u8],
    ) -> bool {
        let from = self.seats[seat.0].address;
        let answer = self.network.answered(self.now, from, to.ip(), bytes);
        let is_answered = answer.is_some();
        if is_answered {
            self.send_back(seat, id, to.ip(), via, answer);
        }
        is_answered
    }

    /// What the agent that was asked says, if anything.
    pub fn answer(&mut self, heard: &Heard, answer: Option<Vec<u8>>) {
        let Heard {
            via, to, asker, id, ..
        } = *heard;
        self.send_back(asker, id, to, via, answer);
    }

    /// Where an agent speaks from.
    fn peer(&self, seat: SeatId) -> Peer {
        SocketAddr::new(self.seats[seat.0].address, 53_000)
    }

    fn send_back(
        &mut self,
        seat: SeatId,
        id: AskId,
        from: IpAddr,
        via: Transport,
        answer: Option<Vec<u8>>,
    ) {
        let address = self.seats[seat.0].address;
        let lost = self.now + patience(via);
        let Some(bytes) = answer else {
            return self.schedule(lost, Event::Failure { seat, id });
        };
        self.counts.exchanges += 1;
        let bytes = self.network.altered(self.now, from, address, via, bytes);
        match self.network.carry(self.now, from, address, via) {
            // An answer later than the asker's patience finds nobody waiting.
            Verdict::Deliver(takes) if takes < patience(via) => {
                self.schedule(self.now + takes, Event::Answer { seat, id, bytes });
            }
            Verdict::Twice(first, again) if first < patience(via) => {
                let copy = bytes.clone();
                self.schedule(self.now + first, Event::Answer { seat, id, bytes });
                self.schedule(
                    self.now + again,
                    Event::Answer {
                        seat,
                        id,
                        bytes: copy,
                    },
                );
            }
            _ => self.schedule(lost, Event::Failure { seat, id }),
        }
    }

    fn web_request(&mut self, seat: SeatId, id: AskId, request: &web::Request) {
        let (to, address) = (web_address(&request.url), self.seats[seat.0].address);
        let lost = self.now + patience(Transport::Tcp);
        let answer = to.and_then(|to| Some((to, self.serve_web(to, request)?)));
        let Some((to, answer)) = answer else {
            return self.schedule(lost, Event::Failure { seat, id });
        };
        self.counts.exchanges += 1;
        match self.network.carry(self.now, to, address, Transport::Tcp) {
            Verdict::Deliver(takes) | Verdict::Twice(takes, _)
                if takes < patience(Transport::Tcp) =>
            {
                self.schedule(self.now + takes, Event::WebAnswer { seat, id, answer });
            }
            _ => self.schedule(lost, Event::Failure { seat, id }),
        }
    }

    /// What the web interface at `address` answers now. A change that it takes is published at once.
    pub fn serve_web(&mut self, address: IpAddr, request: &web::Request) -> Option<web::Answer> {
        let Place::Primary(operator) = *self.places.get(&address)? else {
            return None;
        };
        let answer = self.operators[operator].web_answer(self.now, request)?;
        let text = format!("{} {}", answer.status, request.method.as_str());
        let name = self.operators[operator].name.clone();
        self.log.line(self.now, &name, "web", &text);
        for zone in std::mem::take(&mut self.operators[operator].touched) {
            self.publish(operator, &zone, "web");
        }
        Some(answer)
    }

    /// Gives an operator a web interface instead of dynamic update.
    pub fn give_web(&mut self, operator: usize, desec: Desec) {
        let owner = &mut self.operators[operator];
        let signed = owner
            .primaries
            .values_mut()
            .filter(|primary| primary.signing.is_some());
        signed.for_each(|primary| desec.adopt(primary));
        owner.web = Some(desec);
        let zones: Vec<Name> = owner.primaries.keys().cloned().collect();
        for zone in zones {
            self.publish(operator, &zone, "web");
        }
    }

    /// What the server at `address` answers now. An update that it takes is published at once.
    pub fn serve(
        &mut self,
        address: IpAddr,
        from: Peer,
        via: Transport,
        request: &[u8],
    ) -> Option<Vec<u8>> {
        match *self.places.get(&address)? {
            Place::Primary(operator) => {
                let answer = self.operators[operator].respond(self.now, from, via, request);
                for zone in std::mem::take(&mut self.operators[operator].touched) {
                    self.publish(operator, &zone, "update");
                }
                answer
            }
            Place::Instance(operator, instance) => {
                let instance = &mut self.operators[operator].instances[instance];
                instance.respond(self.now, from, via, request)
            }
        }
    }

    /// What somebody outside the world hears from the instance at `address` now: through the same faults
    /// as everybody, but at once. What would come when nobody waits any more does not come.
    pub fn serve_outsider(
        &mut self,
        address: IpAddr,
        from: Peer,
        via: Transport,
        request: &[u8],
    ) -> Option<Vec<u8>> {
        let asker = from.ip();
        let there = self.travels(asker, address, via)?;
        let told = self.network.answered(self.now, asker, address, request);
        let answer = told.or_else(|| match self.places.get(&address)? {
            Place::Instance(..) => self.serve(address, from, via, request),
            Place::Primary(_) => None,
        })?;
        let answer = self.network.altered(self.now, address, asker, via, answer);
        let back = self.travels(address, asker, via)?;
        (there + back < patience(via)).then_some(answer)
    }

    /// How long a message takes, unless it is lost.
    fn travels(&mut self, from: IpAddr, to: IpAddr, via: Transport) -> Option<Duration> {
        match self.network.carry(self.now, from, to, via) {
            Verdict::Deliver(takes) | Verdict::Twice(takes, _) => Some(takes),
            Verdict::Drop => None,
        }
    }

    /// The addresses of every server.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.places.keys().copied()
    }

    /// Makes the zone's next version, if there is anything new, and sends it to the instances.
    pub fn publish(&mut self, operator: usize, zone: &Name, cause: &str) {
        let now = self.now;
        let owner = &mut self.operators[operator];
        let Some(primary) = owner.primaries.get_mut(zone) else {
            return;
        };
        let before = primary.published().cloned();
        let Some(version) = primary.publish(now) else {
            return;
        };
        let due = primary.next_resign();
        if self.network.met().contains(Trouble::Forge.name()) {
            let forged = meddling::forged_in(&version);
            let forged = forged.map(|text| format!("{}: {text}", owner.name));
            self.believed.extend(forged);
        }
        if *zone == self.parent
            && before
                .as_ref()
                .is_some_and(|before| !before.says_the_same(&version))
        {
            self.parent_changes += 1;
        }
        self.log.line(
            now,
            &owner.name,
            "publish",
            &format!("{zone} serial {}  by {cause}", version.serial),
        );
        let renewed = cause == RESIGNING;
        let last_change = self.last_change;
        self.operators[operator].sign(before.as_deref(), &version, now);
        self.distribute(operator, zone, Some(&version));
        self.notify_secondaries(operator, zone);
        if renewed {
            self.last_change = last_change;
        }
        if let Some(due) = due {
            self.schedule(
                due.max(now),
                Event::Resign {
                    operator,
                    zone: zone.clone(),
                },
            );
        }
    }

    /// Sends a version, or the end of service, to every instance of the operator.
    pub fn distribute(&mut self, operator: usize, zone: &Name, version: Option<&Rc<Published>>) {
        let owner = &mut self.operators[operator];
        let mut arrivals = Vec::with_capacity(owner.instances.len());
        for (number, instance) in owner.instances.iter_mut().enumerate() {
            if instance.is_gone {
                continue;
            }
            let lag = draw(&mut owner.stream, &owner.propagation);
            let at = (self.now.max(owner.busy_until) + lag).max(instance.last_arrival);
            instance.last_arrival = at;
            arrivals.push((at, number));
        }
        for (at, instance) in arrivals {
            self.last_change = self.last_change.max(at);
            let version = version.cloned();
            self.schedule(
                at,
                Event::Arrival {
                    operator,
                    instance,
                    zone: zone.clone(),
                    version,
                },
            );
        }
    }

    /// Another address takes the place of an instance's, and serves what it serves; the old one answers
    /// until then.
    pub(crate) fn move_instance(
        &mut self,
        operator: usize,
        instance: usize,
        to: IpAddr,
        until: Timestamp,
    ) {
        let owner = &mut self.operators[operator];
        let old = &mut owner.instances[instance];
        old.is_left = true;
        let name = format!("{}@{to}", old.name);
        let (host, number) = (old.host.clone(), old.number);
        let copies: Vec<_> = old.copies().collect();
        let number_of_new = owner.instances.len();
        owner
            .instances
            .push(Instance::new(name.clone(), host, to, number));
        self.places
            .insert(to, Place::Instance(operator, number_of_new));
        for recorder in self.recorders.values_mut() {
            recorder.moved(&name, Side::Child, to);
        }
        for (zone, version) in copies {
            self.arrive(operator, number_of_new, zone, Some(version));
        }
        self.schedule(until, Event::Gone { operator, instance });
    }

    /// Nobody answers at the address of an instance any more.
    fn gone(&mut self, operator: usize, instance: usize) {
        let server = &mut self.operators[operator].instances[instance];
        let zones: Vec<Name> = server.copies().map(|(zone, _)| zone).collect();
        server.is_gone = true;
        zones.iter().for_each(|zone| server.serve(zone, None));
        let (name, address) = (server.name.clone(), server.address);
        self.places.remove(&address);
        self.log
            .line(self.now, &name, "gone", "nobody answers there");
        self.last_change = self.last_change.max(self.now);
        for zone in zones {
            if let Some(recorder) = self.recorders.get_mut(&zone) {
                recorder.child_stops(&name, self.now);
            }
        }
    }

    /// The instance serves `version` from this instant on.
    pub fn arrive(
        &mut self,
        operator: usize,
        instance: usize,
        zone: Name,
        version: Option<Rc<Published>>,
    ) {
        let server = &mut self.operators[operator].instances[instance];
        if server.is_gone {
            return;
        }
        self.network.touch(self.now, server.address, true);
        if server.held_by > 0 {
            server.withheld.insert(zone, version);
            return;
        }
        let before = server.copy(&zone).cloned();
        server.serve(&zone, version.clone());
        let name = server.name.clone();
        self.record(
            &name,
            &zone,
            before.as_deref(),
            version.as_deref(),
            self.now,
        );
    }

    /// Makes the zone's first version and serves it at every instance, as if it had always been so.
    pub(crate) fn install(&mut self, operator: usize, zone: &Name) {
        let (now, since) = (self.now, self.since());
        let Some(primary) = self.operators[operator].primaries.get_mut(zone) else {
            return;
        };
        primary.backdate = now - since;
        let version = primary.publish(now);
        primary.backdate = INCEPTION_BACKDATE;
        let Some(version) = version else {
            return;
        };
        let due = primary.next_resign();
        self.serve_for_ever(operator, &version);
        if let Some(due) = due {
            self.schedule(
                due.max(now),
                Event::Resign {
                    operator,
                    zone: zone.clone(),
                },
            );
        }
    }

    /// Serves a version at every instance, as if it had always been so.
    pub(crate) fn serve_for_ever(&mut self, operator: usize, version: &Rc<Published>) {
        let since = self.since();
        let mut names = Vec::new();
        for instance in &mut self.operators[operator].instances {
            instance.serve(&version.zone, Some(Rc::clone(version)));
            names.push(instance.name.clone());
        }
        for name in names {
            self.record(&name, &version.zone, None, Some(version), since);
        }
    }

    fn record(
        &mut self,
        name: &str,
        zone: &Name,
        before: Option<&Published>,
        after: Option<&Published>,
        now: Timestamp,
    ) {
        self.log_changes(name, zone, before, after);
        if *zone == self.parent {
            let Some(after) = after else { return };
            for child in self.children(before, Some(after)) {
                let child = &child;
                let Some(recorder) = self.recorders.get_mut(child) else {
                    continue;
                };
                type Part = fn(&Published, &Name) -> Option<Rc<Served>>;
                let is_same = |of: Part, name: &Name| {
                    let old = before.and_then(|before| of(before, name));
                    match (old, of(after, name)) {
                        (Some(old), Some(new)) => Rc::ptr_eq(&old, &new),
                        (old, new) => old.is_none() && new.is_none(),
                    }
                };
                let ns: Part = |zone, child| zone.get(child, RecordType::NS).cloned();
                let glue: Part = |zone, host| zone.get(host, RecordType::A).cloned();
                let stays = before.is_some()
                    && is_same(ns, child)
                    && is_same(Published::ds_or_denial, child)
                    && recorder.hosts_inside().all(|(host, _)| is_same(glue, host));
                if !stays {
                    recorder.parent_serves(name, after, now);
                }
            }
        } else if let Some(recorder) = self.recorders.get_mut(zone) {
            match after {
                Some(after) => recorder.child_serves(name, after, now),
                None => recorder.child_stops(name, now),
            }
        }
    }

    /// The judged zones whose delegations may differ between these versions of the parent zone, in order.
    fn children(&self, before: Option<&Published>, after: Option<&Published>) -> Vec<Name> {
        let (Some(before), Some(after)) = (before, after) else {
            return self.recorders.keys().cloned().collect();
        };
        // Glue belongs to the zone that it lies in.
        let above = |name: &Name| (!name.is_root()).then(|| name.base_name());
        let judged = |name: &Name| {
            let mut all = std::iter::successors(Some(name.clone()), above);
            all.find(|name| self.recorders.contains_key(name))
        };
        let changed = after.changed_since(before).into_iter();
        let judged: BTreeSet<Name> = changed.filter_map(judged).collect();
        judged.into_iter().collect()
    }

    fn log_changes(
        &mut self,
        name: &str,
        zone: &Name,
        before: Option<&Published>,
        after: Option<&Published>,
    ) {
        let shown: &[RecordType] = match *zone == self.parent {
            true => &[RecordType::DS, RecordType::NS],
            false => &crate::describe::APEX_TYPES,
        };
        let mut owners = vec![zone.clone()];
        if *zone == self.parent {
            owners = self.children(before, after);
        } else if !self.recorders.contains_key(zone) {
            return;
        }
        for owner in owners {
            let recorder = &self.recorders[&owner];
            for rtype in shown {
                let old = before.and_then(|before| before.get(&owner, *rtype));
                let new = after.and_then(|after| after.get(&owner, *rtype));
                let is_same = match (old, new) {
                    (Some(old), Some(new)) => Rc::ptr_eq(old, new) || old.set == new.set,
                    (old, new) => old.is_none() && new.is_none(),
                };
                if !is_same {
                    let describe = |served: Option<&Rc<Served>>| match served {
                        Some(served) => crate::describe::describe(&served.set, &owner, recorder),
                        None => "none".into(),
                    };
                    let text = format!("{owner} {} -> {}", describe(old), describe(new));
                    self.log.line(self.now, name, &rtype.to_string(), &text);
                }
            }
        }
    }

    fn resign(&mut self, operator: usize, zone: &Name) {
        let Some(primary) = self.operators[operator].primaries.get(zone) else {
            return;
        };
        // A newer version may have renewed what was due.
        if primary.next_resign().is_some_and(|due| due <= self.now) {
            self.publish(operator, zone, RESIGNING);
        }
    }

    /// The instance holds back what arrives, or shows it.
    fn hold(&mut self, operator: usize, instance: usize, begins: bool) {
        let server = &mut self.operators[operator].instances[instance];
        server.held_by = match begins {
            true => server.held_by + 1,
            false => server.held_by.saturating_sub(1),
        };
        if server.held_by == 0 {
            for (zone, version) in std::mem::take(&mut server.withheld) {
                self.arrive(operator, instance, zone, version);
            }
        }
    }

    fn outage(&mut self, instance: &str, begins: bool) {
        for recorder in self.recorders.values_mut() {
            recorder.outage(instance, begins, self.now);
        }
    }

    fn edge(&mut self, operator: usize, instance: usize, kind: Edge, begins: bool) {
        let server = &mut self.operators[operator].instances[instance];
        let name = server.name.clone();
        let text = format!("{kind:?} {}", if begins { "begins" } else { "ends" });
        self.log.line(self.now, &name, "fault", &text);
        match kind {
            Edge::Outage => self.outage(&name, begins),
            Edge::Partition => {
                // It answers nobody before it has what it missed, nor with what reached it in time.
                self.outage(&name, begins);
                self.hold(operator, instance, begins);
            }
            Edge::Stale => self.hold(operator, instance, begins),
            Edge::Replay(of) if begins => {
                let old = server.kept.remove(&of).unwrap_or_default();
                let held: Vec<(Name, Rc<Published>)> = server.copies().collect();
                // A zone that it did not serve then it goes on serving as it does.
                for (zone, version) in old {
                    self.arrive(operator, instance, zone, Some(version));
                }
                self.hold(operator, instance, true);
                for (zone, version) in held {
                    self.arrive(operator, instance, zone, Some(version));
                }
            }
            Edge::Replay(_) => self.hold(operator, instance, false),
        }
    }
}

/// The address that a URL names; the world knows no other hosts.
fn web_address(url: &str) -> Option<IpAddr> {
    web::Url::parse(url).ok()?.host.parse().ok()
}

/// A span from this range.
pub fn draw(
    stream: &mut counterpoint_dns::stream::Stream,
    range: &std::ops::RangeInclusive<Duration>,
) -> Duration {
    let (low, high) = (
        range.start().as_nanos() as u64,
        range.end().as_nanos() as u64,
    );
    Duration::from_nanos(if low >= high {
        low
    } else {
        stream.random_range(low..=high)
    })
}
