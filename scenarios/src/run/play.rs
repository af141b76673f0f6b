//! Plays a scenario: hands every occurrence of the world to whom it concerns, until all is quiet.

use std::{collections::BTreeSet, time::Duration};

use counterpoint_controller::{self as controller, audit::Line};
use counterpoint_dns::{
    agent::Note,
    message::Question,
    name::{Name, parse_name},
    resolver::{Command, Resolution, Status},
    rrset::SignedRrSet,
    stream::stream,
    time::Timestamp,
};
use counterpoint_reports::{
    At,
    run::{self as told, Got, Stretch},
};
use counterpoint_simnet::{
    meddling,
    topology::Stage,
    world::{Occurrence, SeatId},
};

use super::{
    cast::{Cast, Seated},
    direction::Direction,
    faults, models, plan,
    replay::Replay,
    script,
};
use crate::scenario::{
    ControllerSabotage, Denial, Fault, FaultKind, Model, Range, Scenario, Target, What, Zone,
};

/// A world that does so much in one instant does not go forward any more.
const EVENTS_MAX: u64 = 200_000_000;

/// A replay comes after everything that follows from what happens in its instant: an event, a
/// version, its arrival.
const REPLAY_DEFERRALS: u8 = 8;

/// How long an operator waits before asking again what a dying controller may have forgotten.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(120);

/// What a concrete resolver told its client, where it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which resolver, by number.
    pub resolver: usize,
    /// When it was asked.
    pub asked: Timestamp,
    /// When it answered.
    pub answered: Timestamp,
    /// What it was asked.
    pub question: Question,
    /// Why it failed; `true` if Bogus.
    pub is_bogus: bool,
    /// In words.
    pub why: String,
}

/// How a concrete resolver fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Questions answered as secure.
    pub secure: u64,
    /// Answered as insecure.
    pub insecure: u64,
    /// Bogus.
    pub bogus: u64,
    /// No server answered.
    pub failed: u64,
    /// Secure in the end, because another server was asked.
    pub masked: u64,
    /// Answered when the client had given up (`stub-timeout`).
    pub late: u64,
}

/// What one resolution took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timed {
    /// Which resolver, by number.
    pub resolver: usize,
    /// When it was asked.
    pub asked: Timestamp,
    /// For how long its client waited.
    pub took: Duration,
    /// How many queries it had sent in all when it answered.
    pub sent: u64,
    /// Whether its client got an answer.
    pub is_answered: bool,
    /// Whether that took another server than the first.
    pub is_masked: bool,
}

/// A scenario that has been played.
pub struct Played {
    /// The world as it stands at the end.
    pub stage: Stage,
    /// Its agents.
    pub cast: Cast,
    /// The last instant.
    pub end: Timestamp,
    /// Steps, faults and events that were reached.
    pub reached: BTreeSet<String>,
    /// What a person should know.
    pub warnings: Vec<String>,
    /// How each resolver fared.
    pub tallies: Vec<Tally>,
    /// What their clients got.
    pub fared: Vec<told::Resolver>,
    /// Where resolvers failed.
    pub failures: Vec<Failure>,
    /// What each resolution took, if that is wanted.
    pub timed: Vec<Timed>,
    /// Set if the run did not come to its end.
    pub internal_error: Option<String>,
    /// How often the scanner said that it changed the parent.
    pub scanner_changes: u64,
    /// The controller's audit log, if it keeps one.
    pub audit: Vec<Line>,
}

/// What the script's numbers stand for.
#[derive(Clone, Copy)]
enum Cue {
    Event(usize),
    /// A request on which the controller died is made again, unless there are more processes now.
    AskAgain(usize, usize),
    StartController,
    /// The clock of the fault of this number is off, or right again.
    Clock(usize, bool),
    /// Whoever holds common keys may make no signatures from now on, or make them again.
    Holders,
    Ask(usize),
    /// After everything else of its instant: it is put off as often as this.
    Replay(usize, u8),
}

struct Player<'a> {
    scenario: &'a Scenario,
    direction: Direction,
    played: Played,
    cues: Vec<Cue>,
    asked: Vec<Timestamp>,
    questions: Vec<Vec<Question>>,
    replays: Vec<Replay>,
    /// Zones whose common keys nobody signs with now.
    silent_holders: BTreeSet<Name>,
}

/// Plays `scenario` to its end.
pub fn play(scenario: &Scenario) -> Played {
    play_under(scenario, Direction::default())
}

/// Plays `scenario` under `direction`, and `replays` in it; they change nothing.
pub fn play_with(
    scenario: &Scenario,
    direction: Direction,
    replays: Vec<Replay>,
) -> (Played, Vec<Replay>) {
    begin(scenario, direction, replays).play()
}

/// Plays `scenario` under `direction`.
pub fn play_under(scenario: &Scenario, direction: Direction) -> Played {
    begin(scenario, direction, Vec::new()).play().0
}

fn begin(scenario: &Scenario, direction: Direction, replays: Vec<Replay>) -> Player<'_> {
    let mut stage = Stage::within(direction.net, plan::topology(scenario));
    plan::give_interfaces(scenario, &mut stage.world);
    if direction.is_noted {
        stage.world.note_touches();
    }
    let cast = Cast::new(scenario, &mut stage, direction);
    let played = Played {
        end: stage.world.now(),
        stage,
        cast,
        reached: BTreeSet::new(),
        warnings: Vec::new(),
        tallies: vec![Tally::default(); scenario.resolvers.len()],
        fared: scenario.resolvers.iter().map(unasked).collect(),
        failures: Vec::new(),
        timed: Vec::new(),
        internal_error: None,
        scanner_changes: 0,
        audit: Vec::new(),
    };
    Player {
        scenario,
        direction,
        played,
        cues: Vec::new(),
        asked: vec![scenario.start; scenario.resolvers.len()],
        questions: Vec::new(),
        replays,
        silent_holders: BTreeSet::new(),
    }
}

fn unasked(resolver: &crate::scenario::Resolver) -> told::Resolver {
    told::Resolver {
        name: resolver.name.clone(),
        stretches: Vec::new(),
    }
}

impl Player<'_> {
    fn play(mut self) -> (Played, Vec<Replay>) {
        self.schedule();
        let opening = std::mem::take(&mut self.played.cast.opening);
        self.hear(opening);
        self.run();
        (self.played, self.replays)
    }

    fn schedule(&mut self) {
        let start = self.scenario.start;
        for (index, event) in self.scenario.events.iter().enumerate() {
            self.cue(start + event.at, Cue::Event(index));
            if let What::ControllerCrash { lasting } = event.what {
                self.cue(start + event.at + lasting, Cue::StartController);
            }
        }
        for (number, resolver) in self.scenario.resolvers.iter().enumerate() {
            let mut chance = stream(
                self.scenario.seed,
                &format!("resolver/{}/phase", resolver.name),
            );
            let phase = Range::new(Duration::ZERO, resolver.query_every).draw(&mut chance);
            self.cue(start + phase, Cue::Ask(number));
            let given = resolver.names.iter();
            let given = given
                .map(|q| Question::new(q.name.clone(), q.rtype))
                .collect::<Vec<_>>();
            self.questions.push(if given.is_empty() {
                self.usual_questions()
            } else {
                given
            });
        }
        faults::inject(self.scenario, &mut self.played.stage.world);
        for (index, fault) in self.scenario.faults.iter().enumerate() {
            let (from, until) = faults::window(self.scenario, fault);
            if faults::may_stop_a_holder(self.scenario, fault) {
                self.cue(from, Cue::Holders);
                if until < Timestamp::MAX {
                    self.cue(until, Cue::Holders);
                }
            }
            match fault.kind {
                _ if fault.target == Target::Hsm => self.reach_fault(fault),
                FaultKind::ClockSkew(_) => {
                    self.cue(from, Cue::Clock(index, true));
                    if until < Timestamp::MAX {
                        self.cue(until, Cue::Clock(index, false));
                    }
                }
                FaultKind::Stale | FaultKind::Replay(_) => self.reach_fault(fault),
                _ => {}
            }
        }
        for index in 0..self.replays.len() {
            self.cue_replay(index);
        }
    }

    fn reach_fault(&mut self, fault: &Fault) {
        let kind = fault.kind.name();
        self.played.reached.insert(format!("fault/{kind}"));
    }

    /// A clock is off from now on, or right again.
    fn set_clock(&mut self, fault: &Fault, begins: bool) {
        let FaultKind::ClockSkew(skew) = fault.kind else {
            return;
        };
        let skew = faults::skew(skew);
        let by = if begins { skew } else { skew.reversed() };
        let Played { stage, cast, .. } = &mut self.played;
        match faults::operators(stage, &fault.target) {
            Some(operator) => stage.world.shift_clock(operator, by),
            None => cast.shift_clock(&mut stage.world, self.scenario, &fault.target, by),
        }
        self.reach_fault(fault);
    }

    fn cue_replay(&mut self, index: usize) {
        if let Some(at) = self.replays[index].next_at() {
            self.cue(
                at.max(self.played.stage.world.now()),
                Cue::Replay(index, REPLAY_DEFERRALS),
            );
        }
    }

    fn cue(&mut self, at: Timestamp, cue: Cue) {
        self.cues.push(cue);
        self.played
            .stage
            .world
            .schedule_script(at, self.cues.len() - 1);
    }

    /// An existing and a missing name of every zone.
    fn usual_questions(&self) -> Vec<Question> {
        let mut questions = Vec::new();
        for zone in &self.scenario.zones {
            let first = zone.records.first();
            let first = first.and_then(|r| Some(Question::new(r.owner_in(&zone.name)?, r.rtype())));
            let apex = || Question::new(zone.name.clone(), counterpoint_dns::name::RecordType::SOA);
            questions.push(first.unwrap_or_else(apex));
            let missing = parse_name(&format!("nope.{}", zone.name));
            questions.extend(
                missing.map(|name| Question::new(name, counterpoint_dns::name::RecordType::A)),
            );
        }
        questions
    }

    fn run(&mut self) {
        let start = self.scenario.start;
        let limit = start + self.scenario.duration.unwrap_or(self.direction.longest);
        let events = self.scenario.events.iter();
        let last_cue = events.map(|event| match event.what {
            What::MoveServers { lasting, .. } => event.at + lasting,
            _ => event.at,
        });
        let faults = self.scenario.faults.iter();
        let last_fault = faults.map(|fault| fault.until.unwrap_or(fault.from));
        let scripted = start + last_cue.chain(last_fault).max().unwrap_or_default();
        let mut check = match self.scenario.duration {
            Some(_) => limit,
            None => scripted + self.quiet_span(),
        };
        loop {
            while let Some(occurrence) = self.played.stage.world.step(check.min(limit)) {
                self.see_to(occurrence);
                if self.played.stage.world.counts().events > EVENTS_MAX {
                    self.played.internal_error = Some(format!(
                        "more than {EVENTS_MAX} events: the run does not end"
                    ));
                    self.played.end = self.played.stage.world.now();
                    return;
                }
            }
            let reached = check.min(limit);
            self.played.stage.world.rest_until(reached);
            if reached >= limit {
                break;
            }
            let quiet_since = self.played.stage.world.last_change.max(scripted);
            let quiet_at = quiet_since + self.quiet_span();
            if self.all_ended() && quiet_at <= reached {
                break;
            }
            check =
                quiet_at.max(reached + self.scenario.controller.poll.max(Duration::from_secs(60)));
        }
        self.played.end = self.played.stage.world.now();
        let met = self.played.stage.world.met().iter();
        let met = met.map(|name| format!("fault/{name}"));
        self.played.reached.extend(met);
    }

    /// How long nothing must happen until nothing can come of what happened: every hold window has
    /// closed, and the scanner has looked, retried and published.
    fn quiet_span(&self) -> Duration {
        let scenario = self.scenario;
        let parent = &scenario.parent;
        let scanner = match &scenario.scanner {
            table if table.enabled => {
                table.interval * 2 + table.publish_delay.high + table.retry.iter().sum::<Duration>()
            }
            _ => Duration::ZERO,
        };
        if !self.direction.until_forgotten {
            return scanner + parent.propagation.high;
        }
        let signers = scenario.signers.iter();
        let own = signers.flat_map(|s| [s.ns_ttl, s.dnskey_ttl, s.default_ttl, s.negative_ttl]);
        let records = scenario
            .zones
            .iter()
            .flat_map(|zone| &zone.records)
            .filter_map(|r| r.ttl);
        let set = scenario.events.iter().flat_map(|event| match &event.what {
            What::SetTtl { ttl, .. } => vec![*ttl],
            What::SetRrset { records, .. } => records.iter().filter_map(|r| r.ttl).collect(),
            _ => Vec::new(),
        });
        let all = own
            .chain(records)
            .chain(set)
            .chain([parent.ns_ttl, parent.ds_ttl]);
        let longest = all.map(|ttl| ttl.span()).max().unwrap_or_default();
        // NS for one TTL, what was fetched through it for another.
        longest * 2 + scanner + parent.propagation.high
    }

    fn all_ended(&self) -> bool {
        let Some(seated) = &self.played.cast.controller else {
            return true;
        };
        let reports = seated.agent.report();
        let ended = |report: &controller::ProcessReport| {
            use controller::Outcome::{Blocked, Queued};
            // Behind one that a person must act on, all others wait: nothing more will happen.
            let is_behind = || {
                let mut others = reports.iter().filter(|other| other.zone == report.zone);
                !self.direction.until_forgotten && others.any(|other| other.outcome == Blocked)
            };
            let outcome = report.outcome;
            outcome.is_final() || outcome == Blocked || outcome == Queued && is_behind()
        };
        reports.iter().all(ended)
    }

    fn see_to(&mut self, occurrence: Occurrence<()>) {
        match occurrence {
            Occurrence::Script(number) => self.follow(number),
            Occurrence::Input(seat, input) => self.hand_over(seat, input),
            Occurrence::Request(heard) => {
                let Played { stage, cast, .. } = &mut self.played;
                cast.hear(&mut stage.world, &heard);
            }
        }
        let Played { stage, cast, .. } = &mut self.played;
        let notes = cast.revive(self.scenario, stage);
        self.hear(notes);
    }

    fn follow(&mut self, number: usize) {
        match self.cues[number] {
            Cue::Event(index) => {
                let event = &self.scenario.events[index];
                let before = self.processes();
                self.played
                    .reached
                    .insert(format!("event/{}", event.what.name()));
                let Played { stage, cast, .. } = &mut self.played;
                let done = script::perform(self.scenario, event, stage, cast);
                self.played.warnings.extend(done.warning);
                self.hear(done.notes);
                if matches!(
                    event.what,
                    What::StopSigning { .. } | What::StartSigning { .. }
                ) {
                    self.settle_holders();
                }
                let controller = self.played.cast.controller.as_ref();
                if controller.is_some_and(Seated::is_cut) && event.what.is_process() {
                    let at = self.played.stage.world.now() + ASKED_AGAIN_AFTER;
                    self.cue(at, Cue::AskAgain(index, before));
                }
            }
            Cue::AskAgain(index, before) => {
                let is_cancel = self.scenario.events[index].what == What::Cancel {};
                if is_cancel || self.processes() == before {
                    let now = self.played.stage.world.now();
                    self.cue(now, Cue::Event(index));
                }
            }
            Cue::Clock(index, begins) => self.set_clock(&self.scenario.faults[index], begins),
            Cue::StartController => {
                let Played { stage, cast, .. } = &mut self.played;
                let notes = cast.start_controller(self.scenario, stage);
                self.hear(notes);
            }
            Cue::Holders => self.settle_holders(),
            Cue::Replay(index, deferrals) if deferrals > 0 => {
                let now = self.played.stage.world.now();
                self.cue(now, Cue::Replay(index, deferrals - 1));
            }
            Cue::Replay(index, _) => {
                self.replays[index].advance(&mut self.played.stage.world);
                self.cue_replay(index);
            }
            Cue::Ask(resolver) => {
                let world = &mut self.played.stage.world;
                let now = world.now();
                self.asked[resolver] = now;
                world.schedule_script(now + self.scenario.resolvers[resolver].query_every, number);
                for (ticket, question) in self.questions[resolver].clone().into_iter().enumerate() {
                    let command = Command::Resolve {
                        ticket: ticket as u64,
                        question,
                    };
                    let input = counterpoint_dns::agent::Input::Command(command);
                    let seated = &mut self.played.cast.resolvers[resolver];
                    let mut nothing = Default::default();
                    seated.handle(&mut self.played.stage.world, &mut nothing, input);
                    self.collect(resolver);
                }
            }
        }
    }

    /// Whoever holds common keys makes signatures now, or does not.
    fn settle_holders(&mut self) {
        for zone in &self.scenario.zones {
            let Played { stage, cast, .. } = &mut self.played;
            let now = stage.world.now();
            let is_out = models::is_holder_out(self.scenario, zone, now);
            if is_out == self.silent_holders.contains(&zone.name) {
                continue;
            }
            match is_out {
                true => self.silent_holders.insert(zone.name.clone()),
                false => self.silent_holders.remove(&zone.name),
            };
            let state = if is_out { "begins" } else { "ends" };
            let text = format!("{} Outage {state}", zone.name);
            stage
                .world
                .log
                .line(now, &zone.ksk_holder, "signing", &text);
            if zone.model == Model::Three {
                models::stop_hsm(self.scenario, stage, zone, is_out);
            }
            let zone = zone.name.clone();
            let command = controller::Command::KskHolder { zone, is_out };
            let notes = cast.command(&mut stage.world, command);
            self.hear(notes.unwrap_or_default());
        }
    }

    fn hand_over(&mut self, seat: SeatId, input: counterpoint_dns::agent::Input<()>) {
        use counterpoint_dns::agent::Input;
        fn retyped<C>(input: Input<()>) -> Option<Input<C>> {
            Some(match input {
                Input::Answer { id, bytes } => Input::Answer { id, bytes },
                Input::Web { id, answer } => Input::Web { id, answer },
                Input::Failure { id } => Input::Failure { id },
                Input::Wake => Input::Wake,
                Input::Command(()) => return None,
            })
        }
        let Played { stage, cast, .. } = &mut self.played;
        let world = &mut stage.world;
        if let Some(seated) = cast
            .controller
            .as_mut()
            .filter(|seated| seated.seat == seat)
        {
            let Some(input) = retyped(input) else { return };
            let notes = seated.handle(world, &mut cast.controller_store, input);
            self.hear(notes);
        } else if let Some(seated) = cast.scanner.as_mut().filter(|seated| seated.seat == seat) {
            let Some(input) = retyped(input) else { return };
            let notes = seated.handle(world, &mut cast.scanner_store, input);
            let applied = notes.iter().filter(|note| note.kind == "applied").count();
            self.played.scanner_changes += applied as u64;
        } else if let Some(number) = cast.resolvers.iter().position(|r| r.seat == seat) {
            let Some(input) = retyped(input) else { return };
            let mut nothing = Default::default();
            cast.resolvers[number].handle(world, &mut nothing, input);
            self.collect(number);
        }
    }

    /// Takes what a resolver found out.
    fn collect(&mut self, number: usize) {
        while let Some(resolution) = self.played.cast.resolvers[number].agent.take_resolution() {
            let Resolution {
                question,
                status,
                masked_by_retry,
                answer,
                remembered,
                ..
            } = resolution;
            self.weigh(number, &question, &status, answer.as_ref());
            self.note_result(number, &status, masked_by_retry);
            let tally = &mut self.played.tallies[number];
            tally.masked += u64::from(masked_by_retry);
            let took = self.played.stage.world.now() - self.asked[number];
            let timeout = self.scenario.resolvers[number].stub_timeout;
            tally.late += u64::from(took > timeout);
            if self.direction.is_timed {
                self.played.timed.push(Timed {
                    resolver: number,
                    asked: self.asked[number],
                    took,
                    sent: self.played.cast.resolvers[number].agent.sent(),
                    is_answered: matches!(status, Status::Secure | Status::Insecure),
                    is_masked: masked_by_retry,
                });
            }
            let (is_bogus, why) = match status {
                Status::Secure => {
                    tally.secure += 1;
                    continue;
                }
                Status::Insecure => {
                    tally.insecure += 1;
                    continue;
                }
                Status::Bogus(why) => {
                    tally.bogus += 1;
                    (true, why)
                }
                Status::Failed(why) => {
                    tally.failed += 1;
                    (false, why)
                }
            };
            // It was judged when it was new: this is its echo (RFC 9520).
            if remembered {
                continue;
            }
            let world = &mut self.played.stage.world;
            let now = world.now();
            let who = format!("resolver/{}", self.scenario.resolvers[number].name);
            let kind = if is_bogus { "bogus" } else { "failed" };
            world
                .log
                .line(now, &who, kind, &format!("{question} {why}"));
            let asked = self.asked[number];
            let failure = Failure {
                resolver: number,
                asked,
                answered: now,
                question,
                is_bogus,
                why,
            };
            self.played.failures.push(failure);
        }
    }

    /// Notes what a client got; the same again and again is one stretch.
    fn note_result(&mut self, number: usize, status: &Status, masked_by_retry: bool) {
        let got = match status {
            Status::Secure if masked_by_retry => Got::Saved,
            Status::Secure => Got::Secure,
            Status::Insecure => Got::Insecure,
            Status::Bogus(_) => Got::Bogus,
            Status::Failed(_) => Got::Failed,
        };
        let now = At::of(self.played.stage.world.now(), self.scenario.start).unwrap_or_default();
        let stretches = &mut self.played.fared[number].stretches;
        match stretches.last_mut().filter(|last| last.got == got) {
            Some(last) => {
                last.until = now;
                last.count += 1;
            }
            None => stretches.push(Stretch {
                from: now,
                until: now,
                count: 1,
                got,
            }),
        }
    }

    /// A resolver that takes a forger's word gives it to its client as data of a zone that is signed.
    fn weigh(
        &mut self,
        number: usize,
        question: &Question,
        status: &Status,
        answer: Option<&SignedRrSet>,
    ) {
        let is_taken = matches!(status, Status::Secure | Status::Insecure);
        if !is_taken || !self.played.stage.world.met().contains("forge") {
            return;
        }
        let set = answer.map(|answer| &answer.set);
        let is_forged = set.is_some_and(|set| {
            let mut data = set.data.iter();
            data.any(|data| meddling::is_forged(&set.name, set.rtype, data))
        });
        let mut events = self.scenario.events.iter();
        let may_be_insecure = events.any(|event| event.what == What::GoInsecure {});
        let mut zones = self.scenario.zones.iter();
        let zone = zones.find(|zone| zone.name.zone_of(&question.name));
        let is_signed = zone.is_some_and(|zone| zone.secure && self.protects(zone, &question.name))
            && !may_be_insecure;
        // A signed zone that is taken for an unsigned one is a lie as well.
        let is_downgraded = is_signed && *status == Status::Insecure;
        if is_forged && (is_signed || *status == Status::Secure) || is_downgraded {
            let who = &self.scenario.resolvers[number].name;
            let believed = &mut self.played.stage.world.believed;
            believed.insert(format!("resolver/{who}: {question}"));
        }
    }

    /// Whether the zone's denials leave no room for an unsigned `name`. Those with opt-out do, where there
    /// is nothing (RFC 5155 §6): there anybody can put what they like.
    fn protects(&self, zone: &Zone, name: &Name) -> bool {
        let mut signers = self.scenario.signers.iter();
        let mut records = zone.records.iter();
        signers.all(|signer| signer.denial != Denial::Nsec3OptOut)
            || *name == zone.name
            || records.any(|record| record.owner_in(&zone.name).as_ref() == Some(name))
    }

    /// Follows what the controller tells: steps reached, signers released.
    fn hear(&mut self, notes: Vec<Note>) {
        if self.direction.is_audited {
            let now = self.played.stage.world.now();
            let lines = notes.iter().map(|note| Line::of(now, note));
            self.played.audit.extend(lines);
        }
        for note in notes {
            match note.kind {
                "step" => {
                    self.played.reached.insert(note.subject);
                }
                kind @ ("guard" | "blocked" | "refused" | "queued") => {
                    let process = note.subject.split('/').next().unwrap_or_default();
                    self.played.reached.insert(format!("{kind}/{process}"));
                }
                "released" => self.release(&note.zone, &note.subject),
                "process" if note.subject == "join" => self.begin_join(&note.zone),
                "repair" | "detected" | "cancel" | "limited" | "notify" => {
                    self.played
                        .reached
                        .insert(format!("{}/{}", note.kind, note.subject));
                }
                _ => self.take_turn(&note),
            }
        }
    }

    /// How many processes the controller knows of.
    fn processes(&self) -> usize {
        let seated = self.played.cast.controller.as_ref();
        seated.map_or(0, |seated| seated.agent.report().len())
    }

    /// A signer does what the controller asks it to.
    fn take_turn(&mut self, note: &Note) {
        let Played { stage, cast, .. } = &mut self.played;
        if let Some(command) = script::take_turn(self.scenario, note, stage) {
            let notes = cast.command(&mut stage.world, command);
            self.hear(notes.unwrap_or_default());
        }
    }

    /// Whether it was taken out as dead.
    fn is_given_up(&self, signer: &str) -> bool {
        let mut events = self.scenario.events.iter();
        let gone = |what: &What| matches!(what, What::Leave { signer: gone, dead: true } if gone == signer);
        events.any(|event| gone(&event.what))
    }

    /// Who joins serves the zone, even if it left, and stopped, since the join was asked for.
    fn begin_join(&mut self, zone: &str) {
        if let Ok(zone) = parse_name(zone) {
            for signer in self.played.cast.under_way(&zone, "join") {
                script::begin_serving(&mut self.played.stage, &signer, &zone);
            }
        }
    }

    /// A leaver that may stop answering does.
    fn release(&mut self, zone: &str, signer: &str) {
        let stays = ControllerSabotage::LeaverNeverStops;
        let now = self.played.stage.world.now();
        let is_silent = faults::is_silent(self.scenario, signer, now);
        let is_ghost = self.is_given_up(signer) && !is_silent;
        // Nobody reaches a signer that was given up, to tell it to stop.
        if self.scenario.controller.sabotage.contains(&stays) || is_ghost {
            return;
        }
        if let Ok(zone) = parse_name(zone) {
            let world = &mut self.played.stage;
            let now = world.world.now();
            world.world.log.line(
                now,
                signer,
                "stop",
                &format!("{zone} is not served any more"),
            );
            world.stop_serving(signer, &zone);
        }
    }
}
