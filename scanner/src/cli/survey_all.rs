//! Surveys any number of children on real sockets: subjects in, findings out as they come.
//!
//! Owns what the policy says of politeness, and how the work is divided among the processor's cores.

use std::{
    io,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use counterpoint_dns::{
    driver::{agent::Options, clock::Clock},
    time::Timestamp,
};

use crate::{
    config::{Config, Depth},
    crew::{self, Orders, Work},
    gather::phase::ZoneAddresses,
    policy::Gathering,
    survey::{Finding, Subject, Survey, pace::Limits},
};

/// How many children each hand has under way.
const UNDER_WAY_MAX: usize = 256;

/// How servers are found and asked.
#[derive(Clone, Debug)]
pub struct Means {
    /// The scanner's configuration: policy, resolver, known addresses.
    pub config: Config,
    /// Addresses in the parent's zone.
    pub zone: Arc<dyn ZoneAddresses>,
    /// The driver's patience, limits and routes.
    pub options: Options,
}

impl Means {
    /// The same for children of which most ask for nothing: one server is asked first, and all only
    /// where there is something to judge.
    pub fn at_a_glance(mut self) -> Self {
        self.config.depth = Depth::Glance;
        self
    }

    /// The same for one child of which everything is to be shown, also where it was clear early that
    /// nothing is requested.
    pub fn to_the_end(mut self) -> Self {
        self.config.depth = Depth::Everything;
        self
    }
}

/// Surveys all subjects; hands each finding to `sink` with the time of its end. Stops at the first error
/// of the sink, and returns how many questions were sent.
pub fn survey_all<E: Send>(
    mut subjects: impl Iterator<Item = Subject> + Send,
    means: &Means,
    sink: impl FnMut(Finding, Timestamp) -> Result<(), E> + Send,
) -> Result<u64, Stopped<E>> {
    survey_from(|| Work::of(subjects.next()), means, sink)
}

/// The same for whatever `source` gives, until it says that there is no more.
pub fn survey_from<E: Send>(
    mut source: impl FnMut() -> Work + Send,
    means: &Means,
    mut sink: impl FnMut(Finding, Timestamp) -> Result<(), E> + Send,
) -> Result<u64, Stopped<E>> {
    let limits = limits(&means.config.policy.gathering);
    let hands = hands(&means.config.policy.gathering, &limits);
    let orders = Orders {
        hands: NonZeroU32::new(hands).unwrap_or(NonZeroU32::MIN),
        under_way_max: UNDER_WAY_MAX,
        options: means.options.clone(),
    };
    let share = limits.divided(hands);
    let hire = |stream| {
        let mut survey = Survey::new(means.config.clone(), stream).paced(share.clone());
        survey.set_zone_addresses(means.zone.clone());
        survey
    };
    let has_failed = AtomicBool::new(false);
    let failed = Mutex::new(None);
    let source = || match has_failed.load(Ordering::Relaxed) {
        true => Work::Stop,
        false => source(),
    };
    let tally = crew::survey(&orders, source, hire, |finding| {
        if has_failed.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = sink(finding, Clock.now()) {
            has_failed.store(true, Ordering::Relaxed);
            *lock(&failed) = Some(error);
        }
    });
    let tally = tally.map_err(Stopped::Driver)?;
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(Stopped::Sink(error)),
        None => Ok(tally.questions),
    }
}

/// How many threads ask: one a core, if neither the policy nor its limits want fewer.
fn hands(gathering: &Gathering, limits: &Limits) -> u32 {
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
    let wanted = match gathering.hands_max {
        0 => cores,
        most => cores.min(most),
    };
    wanted.min(limits.hands_max()).max(1)
}

/// Takes the lock; a thread that panicked while it had it ends the survey anyway.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How politely the policy wants servers to be asked.
fn limits(gathering: &Gathering) -> Limits {
    Limits {
        address_rate: gathering.address_rate,
        address_in_flight: gathering.address_in_flight,
        operator_rate: gathering.operator_rate,
        operator_in_flight: gathering.operator_in_flight,
        in_flight: gathering.in_flight,
        jitter: gathering.jitter,
        private: gathering.private_addresses.clone(),
    }
}

/// Why a survey ended early.
#[derive(Debug)]
pub enum Stopped<E> {
    /// The sink refused a finding.
    Sink(E),
    /// The driver failed.
    Driver(io::Error),
}
