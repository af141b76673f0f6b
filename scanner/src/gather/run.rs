//! The scan of one child: asks, phase by phase, until everything is there that a verdict needs.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::{IpAddr, SocketAddr},
};

use counterpoint_dns::{
    agent::Transport,
    message::Question,
    name::{Name, RecordType},
    resolver::Resolution,
    time::Timestamp,
};

use super::{
    Answer, Gathered, Server, Signal, Vouched,
    glance::{Glance, fill_in, glance},
    phase::{
        AddressBook, Phase, Slot, Target, ZoneAddresses, has_csync, hosts_to_ask, next_to_read,
        proposal, servers, signal_slots,
    },
};
use crate::{
    config::{Config, Depth},
    judge::judge_request,
    policy::{InitialAccept, Policy},
    verdict::Outcome,
};

/// Something that a run wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// One answer of one server.
    Ask {
        /// Its address.
        to: SocketAddr,
        /// How.
        via: Transport,
        /// What.
        question: Question,
        /// Where the answer belongs.
        target: Target,
        /// Where the answer belongs.
        slot: Slot,
    },
    /// Addresses of a nameserver name, from the resolver.
    Resolve(Question),
    /// What a signalling name holds, by a fresh question of the resolver (RFC 9615 §5.2).
    Vouch(Question),
}

/// What a run needs to see of the scanner.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// Its configuration.
    pub config: &'a Config,
    /// What judging depends on.
    pub policy: &'a Policy,
    /// Addresses in the parent's zone.
    pub zone: &'a dyn ZoneAddresses,
    /// Whether there is a resolver.
    pub resolves: bool,
    /// The time.
    pub now: Timestamp,
}

/// One scan of one child, under way.
#[derive(Clone, Debug)]
pub struct Run {
    /// What came so far.
    pub gathered: Gathered,
    phase: Phase,
    waiting: usize,
    resolved: BTreeMap<Name, BTreeSet<IpAddr>>,
    given_up: BTreeSet<String>,
    lot: u16,
    /// The servers that may be glanced at; the first one is.
    glanced: VecDeque<usize>,
}

impl Run {
    /// Begins. `given_up` are the servers that were silent for the whole retry schedule; any number
    /// `lot` says which server is glanced at.
    pub fn start(
        gathered: Gathered,
        given_up: BTreeSet<String>,
        lot: u16,
        around: Surroundings<'_>,
    ) -> (Self, Vec<Want>) {
        let mut run = Self {
            gathered,
            phase: Phase::Addresses,
            waiting: 0,
            resolved: BTreeMap::new(),
            given_up,
            lot,
            glanced: VecDeque::new(),
        };
        let wants = run.proceed(around);
        (run, wants)
    }

    /// Whether everything is there.
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// The server at this place.
    pub fn server(&self, target: Target) -> Option<&Server> {
        match target {
            Target::Current(at) => self.gathered.servers.get(at),
            Target::Added(at) => self.gathered.added.get(at),
        }
    }

    /// Takes one answer.
    pub fn answered(
        &mut self,
        target: Target,
        slot: &Slot,
        answer: Answer,
        around: Surroundings<'_>,
    ) -> Vec<Want> {
        self.waiting = self.waiting.saturating_sub(1);
        let server = match target {
            Target::Current(at) => self.gathered.servers.get_mut(at),
            Target::Added(at) => self.gathered.added.get_mut(at),
        };
        if let Some(server) = server {
            *slot.of(server) = answer;
        }
        if self.phase == Phase::Glance
            && let Some(next) = self.glance_on(around)
        {
            self.waiting += 1;
            return vec![next];
        }
        if self.phase == Phase::Reading
            && let Some(next) = self.read_on(target, around.policy)
        {
            self.waiting += 1;
            return vec![next];
        }
        self.when_idle(around)
    }

    /// Takes what the resolver found; nothing, if that was nothing.
    pub fn resolved(
        &mut self,
        host: &Name,
        addresses: impl IntoIterator<Item = IpAddr>,
        around: Surroundings<'_>,
    ) -> Vec<Want> {
        self.waiting = self.waiting.saturating_sub(1);
        let known = self.resolved.entry(host.clone()).or_default();
        known.extend(addresses);
        self.when_idle(around)
    }

    /// Takes what the resolver found under a signalling name.
    pub fn vouched(&mut self, resolution: Resolution, around: Surroundings<'_>) -> Vec<Want> {
        self.waiting = self.waiting.saturating_sub(1);
        let Question { name, rtype } = resolution.question.clone();
        let mut signals = self.gathered.signals.iter_mut();
        if let Some(signal) = signals.find(|signal| signal.name.as_ref() == Some(&name)) {
            *signal.slot(rtype) = Vouched::from_resolution(resolution);
        }
        self.when_idle(around)
    }

    fn when_idle(&mut self, around: Surroundings<'_>) -> Vec<Want> {
        if self.waiting > 0 || self.is_done() {
            return Vec::new();
        }
        self.phase = self.next(around);
        self.proceed(around)
    }

    /// Enters phases until one has questions.
    fn proceed(&mut self, around: Surroundings<'_>) -> Vec<Want> {
        while !self.is_done() {
            let wants = self.enter(around);
            if !wants.is_empty() {
                self.waiting = wants.len();
                return wants;
            }
            self.phase = self.next(around);
        }
        Vec::new()
    }

    fn next(&self, around: Surroundings<'_>) -> Phase {
        let depth = around.config.depth;
        match self.phase {
            Phase::Addresses if depth == Depth::Glance => Phase::Glance,
            Phase::Addresses => Phase::Signals,
            Phase::Glance if self.is_glanced_quiet(around) => Phase::Done,
            Phase::Glance => Phase::Signals,
            Phase::Signals if depth != Depth::Everything && self.is_quiet(around) => Phase::Done,
            Phase::Signals if has_csync(&self.gathered) => Phase::Reading,
            Phase::Signals | Phase::Reading => Phase::Keys,
            Phase::Keys if self.wants_signals(around) => Phase::Vouching,
            Phase::Keys if proposal(&self.gathered, around.policy).is_some() => Phase::NewAddresses,
            Phase::NewAddresses => Phase::NewServers,
            Phase::Keys | Phase::Vouching | Phase::NewServers | Phase::Done => Phase::Done,
        }
    }

    /// nothing is asked for, or only what is there; or nobody said anything at all.
    fn is_quiet(&self, around: Surroundings<'_>) -> bool {
        let is_secure = self.gathered.delegation.ds.is_some();
        if has_csync(&self.gathered) || around.policy.ds.recheck && is_secure {
            return false;
        }
        let verdict = || judge_request(&self.gathered, around.policy, around.now);
        !around.policy.cds
            || verdict().is_some_and(|verdict| {
                // What is wrong with a request may yet be wrong in more ways: they are reported.
                let is_wrong = matches!(verdict.outcome, Outcome::Ignore | Outcome::Abort);
                !is_wrong || verdict.reason == "NO_RESPONSE"
            })
    }

    /// Whether authenticated signals could make a first DS RRset.
    fn wants_signals(&self, around: Surroundings<'_>) -> bool {
        use InitialAccept::{Rfc9615, Rfc9615ElseAfterDelay};
        let by_signals = matches!(
            around.policy.initial.accept,
            Rfc9615 | Rfc9615ElseAfterDelay
        );
        self.gathered.delegation.ds.is_none() && by_signals
    }

    fn enter(&mut self, around: Surroundings<'_>) -> Vec<Want> {
        match self.phase {
            Phase::Addresses => {
                let hosts = hosts_to_ask(&self.gathered.delegation, around.policy);
                self.lookups(&hosts, around)
            }
            Phase::Glance => {
                self.find_servers(around);
                self.line_up();
                self.glance_on(around).into_iter().collect()
            }
            Phase::Signals => {
                if around.config.depth != Depth::Glance {
                    self.find_servers(around);
                }
                self.ask_all(&self.signal_slots(around))
            }
            Phase::Keys => {
                self.take_read_soas();
                self.ask_all(&[Slot::Dnskey, Slot::Soa])
            }
            Phase::Vouching => {
                self.gathered.signals = Signal::of(&self.gathered.delegation);
                self.vouching(around)
            }
            Phase::Reading => (0..self.gathered.servers.len())
                .filter(|at| self.gathered.servers[*at].csync.present().is_some())
                .map(Target::Current)
                .collect::<Vec<_>>()
                .into_iter()
                .filter_map(|target| self.read_on(target, around.policy))
                .collect(),
            Phase::NewAddresses => {
                let known = self.gathered.delegation.hosts();
                let hosts = proposal(&self.gathered, around.policy)
                    .map(|proposal| proposal.hosts)
                    .unwrap_or_default();
                self.lookups(&hosts.difference(&known).cloned().collect(), around)
            }
            Phase::NewServers => {
                self.find_new_servers(around);
                self.ask_added()
            }
            Phase::Done => Vec::new(),
        }
    }

    /// The SOA that a reading began with need not be asked for again.
    fn take_read_soas(&mut self) {
        for server in &mut self.gathered.servers {
            let read = server.sequence.as_ref().map(|read| &read.soa_before);
            if let Some(soa) = read.filter(|soa| soa.is_response()) {
                server.soa = soa.clone();
            }
        }
    }

    /// Those with an address, from the one on that the lot fell on.
    fn line_up(&mut self) {
        let servers = self.gathered.servers.iter().enumerate();
        self.glanced = servers
            .filter_map(|(at, server)| server.address.map(|_| at))
            .collect();
        let first = usize::from(self.lot) % self.glanced.len().max(1);
        self.glanced.rotate_left(first);
    }

    fn glance(&self, around: Surroundings<'_>) -> Option<(Target, &Server, Glance)> {
        let at = *self.glanced.front()?;
        let server = self.gathered.servers.get(at)?;
        let slots = self.signal_slots(around);
        let is_quiet = || self.is_quiet(around);
        let seen = glance(self.gathered.child(), server, &slots, is_quiet);
        Some((Target::Current(at), server, seen))
    }

    /// The next question of the glance, to the next server if one is silent; nothing once it is over.
    fn glance_on(&mut self, around: Surroundings<'_>) -> Option<Want> {
        loop {
            match self.glance(around)? {
                (target, server, Glance::Ask(slot)) => {
                    return ask(self.gathered.child(), target, server, slot);
                }
                (_, _, Glance::Silent) => {
                    self.glanced.pop_front();
                }
                (_, _, Glance::Worthwhile) => return None,
                (_, _, Glance::Quiet) => {
                    self.take_as_denied(around);
                    return None;
                }
            }
        }
    }

    /// Nothing more will be asked: what was denied along the way is all that is known.
    fn take_as_denied(&mut self, around: Surroundings<'_>) {
        let child = self.gathered.child().clone();
        let slots = self.signal_slots(around);
        let at = self.glanced.front().copied();
        if let Some(server) = at.and_then(|at| self.gathered.servers.get_mut(at)) {
            fill_in(&child, server, &slots);
        }
    }

    fn is_glanced_quiet(&self, around: Surroundings<'_>) -> bool {
        matches!(self.glance(around), Some((_, _, Glance::Quiet)))
    }

    fn signal_slots(&self, around: Surroundings<'_>) -> Vec<Slot> {
        let is_secure = self.gathered.delegation.ds.is_some();
        signal_slots(around.policy, is_secure).collect()
    }

    /// where one name is too long nothing is asked at all.
    fn vouching(&self, around: Surroundings<'_>) -> Vec<Want> {
        let names = self
            .gathered
            .signals
            .iter()
            .map(|signal| signal.name.clone());
        let names: Option<Vec<Name>> = names.collect();
        let asked = names.filter(|_| around.resolves).into_iter().flatten();
        asked
            .flat_map(|name| {
                [RecordType::CDS, RecordType::CDNSKEY]
                    .map(|rtype| Want::Vouch(Question::new(name.clone(), rtype)))
            })
            .collect()
    }

    fn lookups(&self, hosts: &BTreeSet<Name>, around: Surroundings<'_>) -> Vec<Want> {
        if !around.resolves {
            return Vec::new();
        }
        hosts
            .iter()
            .filter(|host| !around.config.addresses.contains_key(host))
            .flat_map(|host| {
                [RecordType::A, RecordType::AAAA]
                    .map(|rtype| Want::Resolve(Question::new(host.clone(), rtype)))
            })
            .collect()
    }

    fn addresses_of(&self, host: &Name, around: Surroundings<'_>) -> BTreeSet<IpAddr> {
        let book = AddressBook {
            zone: around.zone,
            configured: &around.config.addresses,
            resolved: &self.resolved,
        };
        book.of(host)
    }

    fn find_servers(&mut self, around: Surroundings<'_>) {
        let delegation = &self.gathered.delegation;
        let hosts = hosts_to_ask(delegation, around.policy);
        let found = hosts.iter().map(|host| {
            let mut addresses = self.addresses_of(host, around);
            addresses.extend(delegation.glue_of(host));
            (host, addresses)
        });
        let mut servers = servers(found);
        for server in &mut servers {
            server.given_up = around.policy.gathering.retry.is_empty()
                || self.given_up.contains(&server.to_string());
        }
        self.gathered.servers = servers;
    }

    fn find_new_servers(&mut self, around: Surroundings<'_>) {
        let Some(proposal) = proposal(&self.gathered, around.policy) else {
            return;
        };
        let child = self.gathered.child();
        let found = proposal.hosts.iter().map(|host| {
            let addresses = match crate::judge::is_in_bailiwick(around.policy, child, host) {
                true => proposal.glue_of(host).collect(),
                false => self.addresses_of(host, around),
            };
            (host, addresses)
        });
        let is_new = |server: &Server| {
            !self.gathered.servers.iter().any(|known| {
                known.address == server.address && !known.hosts.is_disjoint(&server.hosts)
            })
        };
        let added = servers(found).into_iter().filter(is_new).collect();
        self.gathered.added = added;
    }

    /// Asks every server that has said anything so far; at first, every one. One that is given up is
    /// asked as well: if it still gives keys, resolvers are led to it, and a change must not break that.
    fn ask_all(&self, slots: &[Slot]) -> Vec<Want> {
        let child = self.gathered.child();
        let is_first = self.phase == Phase::Signals;
        let servers = self.gathered.servers.iter().enumerate();
        servers
            .filter(|(_, server)| is_first || server.given_up || !server.said_nothing())
            .flat_map(|(at, server)| {
                let is_open = |slot: &&Slot| slot.seen(server) == Some(&Answer::NotAsked);
                let asks = move |slot| ask(child, Target::Current(at), server, slot);
                slots.iter().filter(is_open).cloned().filter_map(asks)
            })
            .collect()
    }

    fn ask_added(&self) -> Vec<Want> {
        let child = self.gathered.child();
        let servers = self.gathered.added.iter().enumerate();
        servers
            .flat_map(|(at, server)| {
                [Slot::Dnskey, Slot::Soa]
                    .into_iter()
                    .filter_map(move |slot| ask(child, Target::Added(at), server, slot))
            })
            .collect()
    }

    /// The next question of one server's reading.
    fn read_on(&self, target: Target, policy: &Policy) -> Option<Want> {
        let Target::Current(at) = target else {
            return None;
        };
        let server = self.gathered.servers.get(at)?;
        let nothing = Default::default();
        let sequence = server.sequence.as_ref().unwrap_or(&nothing);
        let slot = next_to_read(&self.gathered.delegation, sequence, policy)?;
        ask(self.gathered.child(), target, server, slot)
    }
}

fn ask(child: &Name, target: Target, server: &Server, slot: Slot) -> Option<Want> {
    Some(Want::Ask {
        to: server.address?,
        via: slot.transport(),
        question: slot.question(child),
        target,
        slot,
    })
}
