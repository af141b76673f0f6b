//! Several surveys at work on real sockets, one a thread.
//!
//! Subjects are pulled from one source as there is room, so that memory does not grow with their
//! number; the source may have an end, or none. Children whose nameservers are the same go to the same hand, and so share its streams and
//! its pace; where that hand is busy, any other takes them, which is polite because the limits are
//! divided among all. Findings go to one sink, one at a time, in no order.

use std::{
    collections::{BTreeSet, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use counterpoint_dns::{
    agent::{Agent as _, Input, Output},
    driver::{agent::Options, bulk::Bulk, chance, clock::Clock},
    stream::Stream,
};

use crate::survey::{Finding, Subject, Survey};

/// How soon a hand that has room looks again, where there was nothing.
const LOOK: Duration = Duration::from_millis(50);
/// How many subjects may wait for a hand that is busy.
const WAITING_MAX: usize = 64;

/// How a crew works.
#[derive(Clone, Debug)]
pub struct Orders {
    /// How many threads; see [`Limits::hands_max`](crate::survey::pace::Limits::hands_max).
    pub hands: NonZeroU32,
    /// How many children each has under way.
    pub under_way_max: usize,
    /// Patience and routes.
    pub options: Options,
}

/// What a crew did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Children surveyed.
    pub children: u64,
    /// Questions asked, retries included.
    pub questions: u64,
}

/// What a source has for a hand that has room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// A child.
    Child(Box<Subject>),
    /// Nothing now, but perhaps soon.
    Later,
    /// Nothing any more: what is under way is brought to its end.
    Over,
    /// Nothing any more, and what is under way is given up.
    Stop,
}

impl Work {
    /// From a list: when there are no more it is over.
    pub fn of(subject: Option<Subject>) -> Self {
        subject.map_or(Self::Over, |subject| Self::Child(Box::new(subject)))
    }
}

/// Surveys what `source` gives, until it says that there is no more, each hand with a survey by `hire`, and hands every finding to `sink`.
/// Fails if the system gives no sockets; what was found by then has been handed over.
pub fn survey(
    orders: &Orders,
    source: impl FnMut() -> Work + Send,
    hire: impl Fn(Stream) -> Survey + Sync,
    sink: impl FnMut(Finding) + Send,
) -> io::Result<Tally> {
    let hands = orders.hands.get() as usize;
    let source = Mutex::new(Source {
        next: source,
        end: None,
        waiting: vec![VecDeque::new(); hands],
    });
    let sink = Mutex::new(sink);
    let work = |hand: usize| {
        let survey = hire(chance::stream()?);
        let take = || lock(&source).take(hand);
        work(orders, survey, take, |finding| lock(&sink)(finding))
    };
    let tallies = thread::scope(|scope| {
        let work = &work;
        let hands: Vec<_> = (0..hands)
            .map(|hand| scope.spawn(move || work(hand)))
            .collect();
        let tallies: Vec<io::Result<Tally>> = hands
            .into_iter()
            .map(|hand| match hand.join() {
                Ok(tally) => tally,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect();
        tallies
    });
    let mut all = Tally::default();
    for tally in tallies {
        let tally = tally?;
        all.children += tally.children;
        all.questions += tally.questions;
    }
    Ok(all)
}

/// One hand's work, until there is no more.
fn work(
    orders: &Orders,
    mut survey: Survey,
    mut take: impl FnMut() -> Work,
    mut sink: impl FnMut(Finding),
) -> io::Result<Tally> {
    let mut bulk = Bulk::new(orders.options.clone(), chance::stream()?)?;
    let mut tally = Tally::default();
    let mut is_over = false;
    loop {
        let mut now = Clock.now();
        let mut is_idle = false;
        while !is_over && !is_idle && survey.under_way() < orders.under_way_max.max(1) {
            match take() {
                Work::Child(subject) => survey.begin(*subject, now),
                Work::Later => is_idle = true,
                Work::Over => is_over = true,
                Work::Stop => return Ok(tally),
            }
        }
        while let Some(output) = survey.poll(now) {
            // A survey has nothing to remember and nothing to tell but its findings.
            if let Output::Ask { id, to, via, bytes } = output {
                bulk.ask(id, to, via, bytes, now);
            }
        }
        while let Some(finding) = survey.take_finding() {
            tally.children += 1;
            sink(finding);
        }
        if is_over && survey.under_way() == 0 {
            tally.questions = survey.sent();
            return Ok(tally);
        }
        let wake_at = survey.wake_at();
        let is_full = is_over || survey.under_way() >= orders.under_way_max.max(1);
        let wake_in = wake_at.map(|at| at - now);
        let longest = match (is_full, is_idle) {
            (true, _) => wake_in,
            (false, true) => Some(wake_in.map_or(LOOK, |wake_in| wake_in.min(LOOK))),
            (false, false) => Some(Duration::ZERO),
        };
        bulk.wait(longest, now)?;
        now = Clock.now();
        bulk.expire(now);
        while let Some((id, bytes)) = bulk.take() {
            let input = match bytes {
                Some(bytes) => Input::Answer { id, bytes },
                None => Input::Failure { id },
            };
            survey.handle(now, input);
        }
        if wake_at.is_some_and(|at| at <= now) {
            survey.handle(now, Input::Wake);
        }
    }
}

/// Where subjects come from.
struct Source<F> {
    next: F,
    /// Why nothing new comes, once that is so.
    end: Option<Work>,
    waiting: Vec<VecDeque<Box<Subject>>>,
}

impl<F: FnMut() -> Work> Source<F> {
    /// What this hand does next.
    fn take(&mut self, hand: usize) -> Work {
        if self.end == Some(Work::Stop) {
            return Work::Stop;
        }
        if let Some(subject) = self.waiting[hand].pop_front() {
            return Work::Child(subject);
        }
        let mut none = Work::Over;
        while self.end.is_none() {
            match (self.next)() {
                Work::Child(subject) => {
                    let home = home(&subject, self.waiting.len());
                    if home == hand || self.waiting[home].len() >= WAITING_MAX {
                        return Work::Child(subject);
                    }
                    self.waiting[home].push_back(subject);
                }
                Work::Later => {
                    none = Work::Later;
                    break;
                }
                Work::Over => self.end = Some(Work::Over),
                Work::Stop => {
                    self.end = Some(Work::Stop);
                    return Work::Stop;
                }
            }
        }
        // Nothing new comes now: those that wait for others need not.
        let left = self.waiting.iter_mut().find_map(VecDeque::pop_front);
        left.map_or(none, Work::Child)
    }
}

/// Whose this is: the same nameservers, the same hand.
fn home(subject: &Subject, hands: usize) -> usize {
    let delegation = &subject.delegation;
    let hosts = delegation.hosts();
    let addresses: BTreeSet<IpAddr> = hosts
        .iter()
        .flat_map(|host| delegation.glue_of(host))
        .collect();
    let mut hasher = DefaultHasher::new();
    match addresses.first() {
        Some(address) => address.hash(&mut hasher),
        None => hosts.hash(&mut hasher),
    }
    (hasher.finish() % hands.max(1) as u64) as usize
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // If a hand panicked, so does the whole crew as soon as the others are done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
