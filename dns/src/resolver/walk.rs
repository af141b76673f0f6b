//! The next thing that a question needs: the walk from the question through the cache, up the chain
//! of trust and down the delegations, until it ends or something has to be fetched.
//!
//! A function of the cache, run anew after each fetch; it asks nobody itself and remembers nothing
//! but verdicts. Every recursion is bounded by [`DEPTH_MAX`] and by the path of zones whose servers
//! are being sought.

use std::{net::IpAddr, sync::Arc};

use crate::{
    message::{Question, ResponseCode},
    name::{Name, RecordType},
    resolver::{
        cache::{Cache, Cut, Entry, Held},
        config::{Config, Validation, View},
        denials::Denials,
        job::{Job, Stuck},
        judge::{Trust, Verdict},
        memo::Memo,
        resolution::{Resolution, Status},
    },
    time::Timestamp,
    validate::shared::SharedVerifier,
};

/// How long a chain of aliases may be.
const ALIASES_MAX: usize = 8;
/// Types that stand for no RRset of their own: signatures belong to what they cover.
const NO_DATA_TYPES: [RecordType; 8] = [
    RecordType::ANY,
    RecordType::AXFR,
    RecordType::IXFR,
    RecordType::OPT,
    RecordType::RRSIG,
    RecordType::SIG,
    RecordType::TSIG,
    RecordType::ZERO,
];
/// How deep questions may give rise to questions.
const DEPTH_MAX: usize = 64;

/// Something to ask of the servers of a zone.
#[derive(Clone, Debug)]
pub(super) struct Need {
    /// What is asked.
    pub question: Question,
    /// Of whose servers.
    pub zone: Name,
    /// Their addresses.
    pub servers: Vec<IpAddr>,
    /// What is trusted about the zone; None if the answer is not to be judged when it comes.
    pub trust: Option<Trust>,
    /// Whether an unsigned answer is a surprise.
    pub signed: bool,
}

/// How a question that the cache has no answer to goes on.
enum Prepared {
    /// It must be asked.
    Ask(Need),
    /// What is held denies it.
    Denied(Arc<Entry>),
}

/// Why a walk ends early.
#[derive(Clone, Debug)]
pub(super) enum Stop {
    /// Something has to be fetched first.
    Need(Box<Need>),
    /// It leads nowhere.
    Stuck(Stuck),
}

impl Stop {
    pub(super) fn failed(why: String) -> Self {
        Self::Stuck(Stuck::Failed(why))
    }
}

/// One walk on behalf of one job.
pub(super) struct Walk<'a> {
    /// What the resolver was told.
    pub config: &'a Config,
    /// What it holds.
    pub cache: &'a mut Cache,
    /// Verdicts on what it holds.
    pub memo: &'a mut Memo,
    /// Denials that it holds.
    pub denials: &'a mut Denials,
    /// Whoever verifies signatures.
    pub verifier: &'a SharedVerifier,
    /// On whose behalf.
    pub job: &'a Job,
    /// When.
    pub now: Timestamp,
    /// Zones whose servers are being sought.
    pub path: Vec<Name>,
    /// Until when what was found on the way stays as it is, if nothing new comes.
    pub horizon: Timestamp,
    /// How many questions deep.
    pub depth: usize,
}

impl Walk<'_> {
    /// The end of the job, or what has to be fetched first.
    pub fn run(&mut self) -> Result<Resolution, Box<Need>> {
        let end = self.chase();
        let (status, rcode, entry) = match end {
            Ok((status, entry)) => {
                let rcode = match (&status, &entry.held) {
                    (Status::Bogus(_) | Status::Failed(_), _) => ResponseCode::ServFail,
                    (_, Held::NoName(_)) => ResponseCode::NXDomain,
                    _ => ResponseCode::NoError,
                };
                (status, rcode, Some(entry))
            }
            Err(Stop::Need(need)) => return Err(need),
            Err(Stop::Stuck(Stuck::Failed(why))) => {
                (Status::Failed(why), ResponseCode::ServFail, None)
            }
            Err(Stop::Stuck(Stuck::Bogus(why, from))) => {
                let mut resolution = self.resolution(Status::Bogus(why), ResponseCode::ServFail);
                resolution.from = from;
                return Ok(resolution);
            }
        };
        let mut resolution = self.resolution(status, rcode);
        resolution.from = entry.as_ref().map(|entry| entry.from);
        if let Some(entry) = entry.filter(|_| rcode != ResponseCode::ServFail)
            && let Held::Answer(signed, _) = &entry.held
        {
            let mut signed = signed.clone();
            let left = u32::try_from(entry.left(self.now).as_secs()).unwrap_or(u32::MAX);
            signed.set.ttl = left;
            resolution.answer = Some(signed);
        }
        Ok(resolution)
    }

    fn resolution(&self, status: Status, rcode: ResponseCode) -> Resolution {
        Resolution {
            ticket: self.job.ticket,
            question: self.job.question.clone(),
            status,
            rcode,
            answer: None,
            from: None,
            masked_by_retry: self.job.masked,
            cached: self.job.fetches == 0,
            remembered: false,
        }
    }

    /// Follows aliases; the status is that of the weakest link.
    fn chase(&mut self) -> Result<(Status, Arc<Entry>), Stop> {
        let rtype = self.job.question.rtype;
        if NO_DATA_TYPES.contains(&rtype) {
            return Err(Stop::failed(format!("{rtype} is no type of data")));
        }
        let mut question = self.job.question.clone();
        let mut status = Status::Secure;
        for _ in 0..=ALIASES_MAX {
            let entry = self.obtain(&question)?;
            status = match self.verdict(&entry)? {
                Verdict::Bogus(why) => return Ok((Status::Bogus(self.blame(&entry, &why)), entry)),
                Verdict::Insecure => Status::Insecure,
                Verdict::Secure(_) => status,
            };
            match &entry.held {
                Held::Alias(_, _, target) => question.name = target.clone(),
                _ => return Ok((status, entry)),
            }
        }
        Err(Stop::failed(format!(
            "the chain of aliases from {} is longer than {ALIASES_MAX}",
            self.job.question.name
        )))
    }

    pub(super) fn blame(&self, entry: &Entry, why: &str) -> String {
        match self.config.validation {
            // The reason names its link and server already.
            Validation::AtFetch => why.into(),
            _ => format!("{} from {}: {why}", entry.question, entry.from),
        }
    }

    /// What is held in answer to `question`, judged or not.
    pub(super) fn obtain(&mut self, question: &Question) -> Result<Arc<Entry>, Stop> {
        if let Some(entry) = self
            .cache
            .answer(question, self.read_at(), self.job.started)
            .filter(|entry| !self.job.wants_anew(entry))
        {
            return Ok(entry);
        }
        self.depth += 1;
        let found = match self.depth > DEPTH_MAX {
            true => Err(Stop::failed(format!(
                "{question} needs too many other questions"
            ))),
            false => self.prepare(question),
        };
        self.depth -= 1;
        match found? {
            Prepared::Ask(need) => Err(Stop::Need(Box::new(need))),
            Prepared::Denied(entry) => Ok(entry),
        }
    }

    /// What must be asked to learn the answer to `question`.
    fn prepare(&mut self, question: &Question) -> Result<Prepared, Stop> {
        loop {
            if let Some(stuck) = self.job.stuck.get(question) {
                return Err(Stop::Stuck(stuck.clone()));
            }
            let zone = self.zone_of(question)?;
            let trust = self.trust_at_fetch(question, &zone)?;
            if let Some(Trust::Bogus(why)) = trust {
                return Err(Stop::Stuck(Stuck::Bogus(why, None)));
            }
            if self.config.aggressive
                && let Some(entry) = self.denied(question, &zone, trust.as_ref())
            {
                return Ok(Prepared::Denied(entry));
            }
            if self.config.view != View::ParentCentric {
                self.refresh_servers(question, &zone)?;
            }
            let servers = self.servers(&zone)?;
            if servers.is_empty() && self.own(&zone).is_some() {
                // What the child says of its servers leads nowhere: begin again at its parent.
                self.cache.disown(&zone);
                continue;
            }
            let need = self.need(question, zone, servers, trust);
            return Ok(Prepared::Ask(need));
        }
    }

    pub(super) fn need(
        &mut self,
        question: &Question,
        zone: Name,
        servers: Vec<IpAddr>,
        trust: Option<Trust>,
    ) -> Need {
        let signed = match &trust {
            Some(trust) => matches!(trust, Trust::Keys(..)),
            None if self.config.validation == Validation::Off => false,
            None if zone.is_root() => !self.config.trust_anchor.is_empty(),
            None => {
                let ds = Question::new(zone.clone(), RecordType::DS);
                let held = self.cache.answer(&ds, self.read_at(), self.job.started);
                held.is_some_and(|entry| matches!(entry.held, Held::Answer(..)))
            }
        };
        Need {
            question: question.clone(),
            zone,
            servers,
            trust,
            signed,
        }
    }

    /// The zone whose servers are to be asked: the closest one known, after a look at the names in
    /// between of which some answer suggested that they are apexes.
    fn zone_of(&mut self, question: &Question) -> Result<Name, Stop> {
        let mut zone = match question.rtype {
            RecordType::DS => question.name.base_name(),
            _ => question.name.clone(),
        };
        let mut below = Vec::new();
        while !zone.is_root() && !self.is_cut(&zone) {
            let above = zone.base_name();
            if self.job.probed.contains(&zone) {
                below.push(zone);
            }
            zone = above;
        }
        for name in below.into_iter().rev() {
            let probe = Question::new(name, RecordType::NS);
            if probe == *question {
                continue;
            }
            match self.job.stuck.get(&probe) {
                // Whoever asks label by label does not ask on past a name of which nothing is known.
                Some(stuck) if self.job.fresh => return Err(Stop::Stuck(stuck.clone())),
                Some(_) => continue,
                None => {}
            }
            if self
                .cache
                .answer(&probe, self.read_at(), self.job.started)
                .is_none()
            {
                let trust = self.trust_at_fetch(&probe, &zone)?;
                let servers = self.servers(&zone)?;
                let need = self.need(&probe, zone, servers, trust);
                return Err(Stop::Need(Box::new(need)));
            }
        }
        Ok(zone)
    }

    /// The time by which the cache is read.
    pub(super) fn read_at(&self) -> Timestamp {
        self.job.reads_at(self.now)
    }

    pub(super) fn is_cut(&self, name: &Name) -> bool {
        self.cut(name).is_some() || self.own(name).is_some()
    }

    pub(super) fn cut(&self, name: &Name) -> Option<Arc<Cut>> {
        self.cache.cut(name, self.read_at(), self.job.started)
    }
}
