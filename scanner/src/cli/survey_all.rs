//! Surveys any number of children on real sockets: subjects in, findings out as they come.

use std::{io, sync::Arc};

use counterpoint_dns::{
    agent::{Agent, Input, Output},
    driver::{
        agent::{Driver, Options},
        clock::Clock,
        store::MemoryStore,
    },
    stream::Stream,
    time::Timestamp,
};
use tokio::sync::oneshot;

use crate::{
    config::Config,
    gather::phase::ZoneAddresses,
    survey::{Finding, Subject, Survey},
};

/// How many children are under way at once, if the policy does not say how many questions.
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

/// Surveys all subjects; hands each finding to `sink` with the time of its end. Stops at the first error
/// of the sink, and returns how many questions were sent.
pub fn survey_all<E>(
    subjects: impl Iterator<Item = Subject>,
    means: &Means,
    stream: Stream,
    sink: impl FnMut(Finding, Timestamp) -> Result<(), E>,
) -> Result<u64, Stopped<E>> {
    let mut survey = Survey::new(means.config.clone(), stream);
    survey.set_zone_addresses(means.zone.clone());
    let (finished, end) = oneshot::channel();
    let in_flight = means.config.policy.gathering.in_flight as usize;
    let mut options = means.options.clone();
    if in_flight > 0 {
        options.asks_max = in_flight;
    }
    let mut feed = Feed {
        survey,
        subjects,
        under_way_max: UNDER_WAY_MAX,
        sink,
        failed: None,
        finished: Some(finished),
    };
    feed.go_on(Clock.now());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(Stopped::Driver)?;
    let (driver, handle) = Driver::new(feed, MemoryStore::default(), |_, _| {}, options);
    let watch = async {
        // An error means that the driver is gone, and `run` says why.
        if end.await.is_ok() {
            let _ = handle.stop().await;
        }
    };
    let (ran, ()) = runtime.block_on(async { tokio::join!(driver.run(), watch) });
    let (feed, _) = ran.map_err(Stopped::Driver)?;
    match feed.failed {
        Some(error) => Err(Stopped::Sink(error)),
        None => Ok(feed.survey.sent()),
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

/// A survey that fetches its own subjects, so many at a time.
struct Feed<I, F, E> {
    survey: Survey,
    subjects: I,
    under_way_max: usize,
    sink: F,
    failed: Option<E>,
    finished: Option<oneshot::Sender<()>>,
}

impl<I, F, E> Feed<I, F, E>
where
    I: Iterator<Item = Subject>,
    F: FnMut(Finding, Timestamp) -> Result<(), E>,
{
    fn go_on(&mut self, now: Timestamp) {
        loop {
            while let Some(finding) = self.survey.take_finding() {
                if self.failed.is_none() {
                    self.failed = (self.sink)(finding, now).err();
                }
            }
            if self.failed.is_some() {
                break;
            }
            if self.survey.under_way() >= self.under_way_max {
                return;
            }
            match self.subjects.next() {
                Some(subject) => self.survey.begin(subject, now),
                None if self.survey.under_way() > 0 => return,
                None => break,
            }
        }
        if let Some(finished) = self.finished.take() {
            // The receiver waits as long as the driver runs.
            let _ = finished.send(());
        }
    }
}

impl<I, F, E> Agent for Feed<I, F, E>
where
    I: Iterator<Item = Subject>,
    F: FnMut(Finding, Timestamp) -> Result<(), E>,
{
    type Command = Subject;

    fn handle(&mut self, now: Timestamp, input: Input<Subject>) {
        self.survey.handle(now, input);
        self.go_on(now);
    }

    fn poll(&mut self, now: Timestamp) -> Option<Output> {
        self.survey.poll(now)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.survey.wake_at()
    }
}
