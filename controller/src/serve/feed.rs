//! What happens, for those who listen: server-sent events (HTML Living Standard §9.2).
//!
//! The last events are kept, so that whoever was away for a moment goes on where it was; whoever was away
//! longer, or knows events of another run, is told to look at everything anew (`reset`).

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use counterpoint_dns::time::Timestamp;
use hyper::body::Bytes;
use serde_json::json;
use tokio::sync::watch;

use crate::setup::now;

/// How many events are kept: what a request for 10,000 zones brings at once is among them.
const KEPT: usize = 65_536;
/// How many events go out at once, at most.
const BATCH: usize = 256;

/// What happens. Clones tell and hear the same.
#[derive(Clone)]
pub(super) struct Feed {
    shared: Rc<Shared>,
}

struct Shared {
    /// Tells the events of this run from those of others.
    run: String,
    ring: RefCell<Ring>,
    /// The number of the next event.
    next: watch::Sender<u64>,
}

#[derive(Default)]
struct Ring {
    /// The number of the first event that is kept.
    first: u64,
    events: VecDeque<Bytes>,
}

/// Somebody who listens.
pub(super) struct Listener {
    feed: Feed,
    /// The event to hear next; none: it must begin anew.
    at: Option<u64>,
    news: watch::Receiver<u64>,
}

impl Feed {
    /// One in which nothing has happened.
    pub(super) fn new() -> Self {
        Self {
            shared: Rc::new(Shared {
                run: format!("{:x}", now().as_nanos()),
                ring: RefCell::default(),
                next: watch::channel(0).0,
            }),
        }
    }

    /// Tells something.
    pub(super) fn tell(&self, at: Timestamp, zone: &str, kind: &str, subject: &str, text: &str) {
        let mut ring = self.shared.ring.borrow_mut();
        let number = ring.first + ring.events.len() as u64;
        let data = json!({
            "time": at.to_string(),
            "zone": zone,
            "kind": kind,
            "subject": subject,
            "text": text,
        });
        let event = format!(
            "id: {}-{number}\nevent: change\ndata: {data}\n\n",
            self.shared.run
        );
        ring.events.push_back(event.into());
        if ring.events.len() > KEPT {
            ring.events.pop_front();
            ring.first += 1;
        }
        drop(ring);
        self.shared.next.send_replace(number + 1);
    }

    /// How many events were told.
    pub(super) fn told(&self) -> u64 {
        *self.shared.next.borrow()
    }

    /// Listens from now on, or from behind the event of this id.
    pub(super) fn listen(&self, behind: Option<&str>) -> Listener {
        let next = self.told();
        let at = match behind {
            None => Some(next),
            Some(id) => id.split_once('-').and_then(|(run, number)| {
                let number: u64 = number.parse().ok()?;
                (run == self.shared.run && number < next).then_some(number + 1)
            }),
        };
        Listener {
            feed: self.clone(),
            at,
            news: self.shared.next.subscribe(),
        }
    }
}

impl Listener {
    /// What is sent first: how soon to come back, and behind which event.
    pub(super) fn greeting(&self) -> Bytes {
        let run = &self.feed.shared.run;
        let id = self.at.and_then(|at| at.checked_sub(1));
        let id = id.map_or(String::new(), |last| format!("id: {run}-{last}\n"));
        Bytes::from(format!("{id}retry: 2000\n\n"))
    }

    /// The next events, as soon as there are any.
    pub(super) async fn next(&mut self) -> Bytes {
        loop {
            let (number, octets) = self.waiting();
            self.at = Some(number);
            if !octets.is_empty() {
                return octets;
            }
            if self.news.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn waiting(&mut self) -> (u64, Bytes) {
        self.news.mark_unchanged();
        let ring = self.feed.shared.ring.borrow();
        let end = ring.first + ring.events.len() as u64;
        let run = &self.feed.shared.run;
        let reset = || {
            let id = end
                .checked_sub(1)
                .map_or(String::new(), |last| format!("id: {run}-{last}\n"));
            (
                end,
                Bytes::from(format!("{id}event: reset\ndata: {{}}\n\n")),
            )
        };
        match self.at {
            Some(at) if at >= ring.first => {
                let skip = usize::try_from(at - ring.first).unwrap_or(usize::MAX);
                let some: Vec<&Bytes> = ring.events.iter().skip(skip).take(BATCH).collect();
                (
                    at + some.len() as u64,
                    some.into_iter().flatten().copied().collect(),
                )
            }
            _ => reset(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(feed: &Feed, count: u64) {
        (0..count).for_each(|n| feed.tell(now(), "example.", "step", "join/1", &n.to_string()));
    }

    fn events(octets: &Bytes) -> usize {
        String::from_utf8_lossy(octets)
            .matches("event: change")
            .count()
    }

    #[tokio::test]
    async fn who_was_away_goes_on_or_begins_anew() {
        let feed = Feed::new();
        told(&feed, 3);
        let mut listener = feed.listen(None);
        told(&feed, 2);
        let heard = listener.next().await;
        assert_eq!(events(&heard), 2);
        let text = String::from_utf8(heard.to_vec()).unwrap();
        let last = text.lines().rfind(|line| line.starts_with("id: ")).unwrap();
        let last = last.strip_prefix("id: ").unwrap();
        told(&feed, 300);
        let mut again = feed.listen(Some(last));
        assert_eq!(events(&again.next().await), BATCH);
        assert_eq!(events(&again.next().await), 300 - BATCH);
        for stranger in [
            "",
            "x-1",
            "nonsense",
            &last.replace(|c: char| c != '-', "9"),
        ] {
            let heard = feed.listen(Some(stranger)).next().await;
            assert!(
                heard.windows(12).any(|w| w == b"event: reset"),
                "{stranger}"
            );
        }
        let mut slow = feed.listen(None);
        told(&feed, KEPT as u64 + 1);
        let heard = String::from_utf8(slow.next().await.to_vec()).unwrap();
        assert!(heard.contains("event: reset"), "{heard}");
        told(&feed, 1);
        assert_eq!(events(&slow.next().await), 1);
    }
}
