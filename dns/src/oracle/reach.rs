//! When each server can be asked at all: reach, as a least fixpoint.
//!
//! Owns the sweep over NS and address versions. A cache reaches a server only through an NS RRset that
//! names it and, if its name lies inside the zone, an address record that leads to it. An NS RRset from the zone's own servers counts only while that server is reached itself, and
//! may keep those it names in reach, itself included (ghost name servers). A server that an injected
//! fault has taken out of order answers nobody until it is back. Knows nothing of keys.
//!
//! The sweep does not walk TTL by TTL. Between two events nothing changes: a reached server that
//! serves an NS RRset *feeds* those it names; when a feed ends at `e`, they stay in reach until
//! `e + ttl`. A circle of feeds with any TTL above zero feeds itself for as long as it is served,
//! for each fetch happens while an earlier one is still kept. An NS RRset of TTL zero is good for
//! the query at hand (RFC 1035 §3.2.1): it leads on while it can be fetched, and keeps nothing.

use std::time::Duration;

use super::{
    history::{Address, History, InstanceId, Side, Version},
    intervals::{Interval, Intervals},
    profile::NsView,
};
use crate::time::Timestamp;

/// When each instance can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach(Vec<Intervals>);

impl Reach {
    /// Computes reach for caches that follow `view` and keep an NS RRset of TTL `t` for `kept(t)`.
    pub fn of(history: &History, view: NsView, kept: impl Fn(Duration) -> Duration) -> Self {
        Sweep::new(history, view, kept).run()
    }

    /// When this instance can be asked and answers; never, if the history does not know it.
    pub fn at(&self, instance: InstanceId) -> &Intervals {
        const NEVER: &Intervals = &Intervals::none();
        self.0.get(instance.0 as usize).unwrap_or(NEVER)
    }

    /// The maximal intervals during which a version could be fetched.
    pub fn fetchable<'r, C>(
        &'r self,
        version: &Version<C>,
    ) -> impl Iterator<Item = Interval> + use<'r, C> {
        self.at(version.instance)
            .within(Interval::new(version.from, version.until))
    }
}

/// A version that may feed: an NS RRset names, an address record leads.
struct Feed {
    source: usize,
    targets: Vec<usize>,
    served: Interval,
    kept: Duration,
}

/// What can be held: that a name is a nameserver's, by the number of its instance; then, for names whose
/// addresses have to be found, that it leads to an instance.
struct Links {
    /// Name and instance of each link of the second kind.
    leads: Vec<(usize, usize)>,
    /// Whether the address of the name has to be found.
    wanders: Vec<bool>,
    /// For each name and instance, the links of the second kind that it is part of.
    of_name: Vec<Vec<usize>>,
}

impl Links {
    fn new(history: &History, count: usize) -> Self {
        let mut links = Self {
            leads: Vec::new(),
            wanders: vec![false; count],
            of_name: vec![Vec::new(); count],
        };
        for name in history.wandering() {
            if let Some(wanders) = links.wanders.get_mut(name.0 as usize) {
                *wanders = true;
            }
        }
        for version in &history.addresses {
            let name = version.content.of.0 as usize;
            for target in targets(&version.content.leads_to, count) {
                if name < count && !links.leads.contains(&(name, target)) {
                    links.of_name[name].push(count + links.leads.len());
                    links.leads.push((name, target));
                }
            }
        }
        links
    }

    /// How many there are, names first.
    fn count(&self) -> usize {
        self.wanders.len() + self.leads.len()
    }

    /// The link that `name` leads to `target`.
    fn number(&self, name: usize, target: usize) -> Option<usize> {
        let mut own = self.of_name.get(name)?.iter().copied();
        own.find(|&link| self.leads[link - self.wanders.len()].1 == target)
    }

    /// The instances that are led to now that `link` is held, with all that are held.
    fn led_to<'a>(&'a self, link: usize, held: &'a [bool]) -> Vec<usize> {
        let names = self.wanders.len();
        match link.checked_sub(names) {
            None if !self.wanders[link] => vec![link],
            None => {
                let own = self.of_name[link].iter().filter(|&&lead| held[lead]);
                own.map(|&lead| self.leads[lead - names].1).collect()
            }
            Some(lead) => {
                let (name, target) = self.leads[lead];
                held[name].then_some(target).into_iter().collect()
            }
        }
    }
}

/// The state of the sweep: what holds from `now` until the next event.
struct Sweep {
    feeds: Vec<Feed>,
    /// Feed indices by start, latest first.
    waiting: Vec<usize>,
    /// Feeds that are served now.
    served: Vec<usize>,
    always: Vec<bool>,
    /// When each instance is out of order.
    out: Vec<Intervals>,
    reached: Vec<bool>,
    links: Links,
    /// Until when a link is held by what was fetched before `now`.
    kept_until: Vec<Timestamp>,
    /// Whether a reached instance feeds it now, with a TTL above zero.
    fed: Vec<bool>,
    since: Vec<Timestamp>,
    done: Vec<Vec<Interval>>,
}

impl Sweep {
    /// Nothing reached yet, and every version that feeds waiting.
    fn new(history: &History, view: NsView, kept: impl Fn(Duration) -> Duration) -> Self {
        let count = history.instances.len();
        let always: Vec<bool> = history
            .instances
            .iter()
            .map(|instance| instance.side == Side::Parent)
            .collect();
        let out = history.by_instance(&history.outages);
        let links = Links::new(history, count);
        let mut feeds = Vec::new();
        let mut add =
            |instance: InstanceId, served: Interval, ttl: Duration, targets: Vec<usize>| {
                let source = instance.0 as usize;
                let is_parent = always.get(source).copied();
                let is_followed = is_parent.is_some_and(|is| is || view == NsView::ChildCentric);
                if !is_followed || served.is_empty() {
                    return;
                }
                for served in Intervals::from(served).minus(&out[source]).iter() {
                    feeds.push(Feed {
                        source,
                        targets: targets.clone(),
                        served,
                        kept: kept(ttl),
                    });
                }
            };
        for ns in &history.ns {
            let names = targets(&ns.content, count);
            add(ns.instance, Interval::new(ns.from, ns.until), ns.ttl, names);
        }
        for version in &history.addresses {
            let Address { of, leads_to } = &version.content;
            let led = targets(leads_to, count).into_iter();
            let led = led.filter_map(|target| links.number(of.0 as usize, target));
            let served = Interval::new(version.from, version.until);
            add(version.instance, served, version.ttl, led.collect());
        }
        let mut waiting: Vec<usize> = (0..feeds.len()).collect();
        waiting.sort_by_key(|&index| std::cmp::Reverse(feeds[index].served.from));
        Self {
            feeds,
            waiting,
            served: Vec::new(),
            reached: vec![false; count],
            kept_until: vec![Timestamp::MIN; links.count()],
            fed: vec![false; links.count()],
            links,
            since: vec![Timestamp::MIN; count],
            done: vec![Vec::new(); count],
            always,
            out,
        }
    }

    /// Goes from event to event until nothing changes any more.
    fn run(mut self) -> Reach {
        let mut now = Timestamp::MIN;
        loop {
            self.step(now);
            match self.next_event(now) {
                Some(next) => {
                    debug_assert!(now < next, "events come in order");
                    now = next;
                }
                None => break,
            }
        }
        for instance in 0..self.reached.len() {
            if self.reached[instance] {
                self.done[instance].push(Interval::new(self.since[instance], Timestamp::MAX));
            }
        }
        let reached = self.done.into_iter().map(Intervals::from_iter);
        let answers = |(reached, out): (Intervals, &Intervals)| reached.minus(out);
        Reach(reached.zip(&self.out).map(answers).collect())
    }

    /// Moves to `now`: what was fed until now stays kept, feeds change, reach follows.
    fn step(&mut self, now: Timestamp) {
        for &index in &self.served {
            let feed = &self.feeds[index];
            if self.reached[feed.source] {
                for &target in &feed.targets {
                    let until = now + feed.kept;
                    self.kept_until[target] = self.kept_until[target].max(until);
                }
            }
        }
        self.served
            .retain(|&index| self.feeds[index].served.until > now);
        while let Some(&index) = self.waiting.last() {
            if self.feeds[index].served.from > now {
                break;
            }
            self.waiting.pop();
            if self.feeds[index].served.until > now {
                self.served.push(index);
            }
        }
        let reached = self.closure(now);
        for (instance, &is) in reached.iter().enumerate() {
            match (self.reached[instance], is) {
                (false, true) => self.since[instance] = now,
                (true, false) => {
                    self.done[instance].push(Interval::new(self.since[instance], now));
                }
                _ => {}
            }
        }
        self.reached = reached;
    }

    /// Everyone whom what is held at `now` leads to, and whoever they lead to; notes what is fed.
    fn closure(&mut self, now: Timestamp) -> Vec<bool> {
        let mut from_source: Vec<Vec<usize>> = vec![Vec::new(); self.always.len()];
        for &index in &self.served {
            from_source[self.feeds[index].source].push(index);
        }
        let mut held: Vec<bool> = self.kept_until.iter().map(|&until| until > now).collect();
        let mut reached = self.always.clone();
        let kept = (0..held.len()).filter(|&link| held[link]);
        for target in kept.flat_map(|link| self.links.led_to(link, &held)) {
            reached[target] = true;
        }
        self.fed = vec![false; held.len()];
        let mut todo: Vec<usize> = (0..reached.len()).filter(|&one| reached[one]).collect();
        while let Some(source) = todo.pop() {
            for &index in &from_source[source] {
                let feed = &self.feeds[index];
                for &link in &feed.targets {
                    self.fed[link] |= !feed.kept.is_zero();
                    if std::mem::replace(&mut held[link], true) {
                        continue;
                    }
                    for target in self.links.led_to(link, &held) {
                        if !std::mem::replace(&mut reached[target], true) {
                            todo.push(target);
                        }
                    }
                }
            }
        }
        reached
    }

    /// The next instant at which a feed starts or ends, or something kept without a feed runs out.
    fn next_event(&self, now: Timestamp) -> Option<Timestamp> {
        let starts = self
            .waiting
            .last()
            .map(|&index| self.feeds[index].served.from);
        let ends = self
            .served
            .iter()
            .map(|&index| self.feeds[index].served.until);
        let lapses = (0..self.fed.len())
            .filter(|&link| !self.fed[link])
            .map(|link| self.kept_until[link])
            .filter(|&until| until > now);
        starts
            .into_iter()
            .chain(ends)
            .chain(lapses)
            .filter(|&at| at < Timestamp::MAX)
            .min()
    }
}

/// The instances that an NS RRset leads to, each once, without those that the history does not know.
fn targets(content: &[InstanceId], count: usize) -> Vec<usize> {
    let mut targets: Vec<usize> = content
        .iter()
        .map(|instance| instance.0 as usize)
        .filter(|&index| index < count)
        .collect();
    targets.sort_unstable();
    targets.dedup();
    targets
}
