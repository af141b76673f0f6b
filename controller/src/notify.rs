//! Telling the parent that there is something to look at: NOTIFY(CDS) and NOTIFY(CSYNC) (RFC 9859).
//!
//! Owns which NOTIFY is due, where it goes and how often it is tried. Nothing waits for it, nothing
//! fails by it, and nothing of it is persisted: what the parent shows is what counts.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    time::Duration,
};

use counterpoint_dns::{
    agent::{Note, Output, Transport},
    exchange::{Exchanges, Outcome},
    message::Question,
    notify::{DSYNC, Dsync, dsync_names, notify, notify_answered},
    time::Timestamp,
};

use crate::{
    book::Book,
    config::Config,
    io::{Purpose, Tag},
};

/// How often one is sent that nobody acknowledges, and the first pause after it, which doubles (RFC 1996
/// §3.6).
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(60);

/// How far one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It is not known yet where it goes.
    Finding,
    /// Under way, with this message id.
    Sent(u16),
    /// To be sent again then.
    Paused(Timestamp),
}

/// One NOTIFY.
#[derive(Clone, Copy, Debug)]
struct Notice {
    phase: Phase,
    /// How often it was sent.
    tries: u32,
}

/// A NOTIFY under way.
#[derive(Clone, Debug)]
pub(crate) struct Notified {
    question: Question,
    id: u16,
    to: SocketAddr,
}

/// Every NOTIFY that nobody has acknowledged yet, by child and type.
#[derive(Debug, Default)]
pub(crate) struct Notices(BTreeMap<Question, Notice>);

impl Notices {
    /// The parent is to be told that this RRset of a child is new, if it wants to be told.
    pub(crate) fn tell(&mut self, question: Question) {
        let phase = Phase::Finding;
        self.0.insert(question, Notice { phase, tries: 0 });
    }

    /// When the next one is to be sent again.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        let paused = self.0.values().filter_map(|notice| match notice.phase {
            Phase::Paused(until) => Some(until),
            Phase::Finding | Phase::Sent(_) => None,
        });
        paused.min()
    }

    /// Sends what can be sent. A parent that does not say where is not told.
    pub(crate) fn advance(
        &mut self,
        config: &Config,
        book: &mut Book,
        exchanges: &mut Exchanges<Tag>,
        now: Timestamp,
    ) {
        self.0.retain(|question, notice| {
            let is_due = match notice.phase {
                Phase::Finding => true,
                Phase::Sent(_) => false,
                Phase::Paused(until) => until <= now,
            };
            if !is_due {
                return true;
            }
            notice.phase = Phase::Finding;
            let Some(endpoints) = endpoints(config, book, question, now) else {
                return true;
            };
            let Some(to) = endpoints.iter().cycle().nth(notice.tries as usize).copied() else {
                return false;
            };
            let id = exchanges.message_id();
            notice.phase = Phase::Sent(id);
            notice.tries += 1;
            let notified = Notified {
                question: question.clone(),
                id,
                to,
            };
            let tag = Tag {
                zone: question.name.clone(),
                what: Purpose::Notify(Box::new(notified)),
            };
            exchanges.ask_raw(to, Transport::Udp, notify(id, question), tag);
            true
        });
    }

    /// Takes what came back, and says how it ended.
    pub(crate) fn answered(
        &mut self,
        notified: &Notified,
        outcome: &Outcome,
        outbox: &mut VecDeque<Output>,
        now: Timestamp,
    ) {
        let Notified { question, id, to } = notified;
        let Some(notice) = self.0.get_mut(question) else {
            return;
        };
        if notice.phase != Phase::Sent(*id) {
            return;
        }
        let rcode = match outcome {
            Outcome::Raw(octets) => notify_answered(*id, octets),
            Outcome::Reply(_) | Outcome::Unanswered(_) => None,
        };
        let text = match rcode {
            Some(0) => format!("{to} acknowledges it"),
            Some(rcode) => format!("{to} refuses it (response code {rcode})"),
            None if notice.tries < TRIES => {
                notice.phase = Phase::Paused(now + PAUSE * (1 << (notice.tries - 1)));
                return;
            }
            None => format!("{to} does not answer, after {TRIES} tries"),
        };
        self.0.remove(question);
        outbox.push_back(Output::Note(Note {
            zone: question.name.to_string(),
            kind: "notify",
            subject: question.rtype.to_string(),
            text,
        }));
    }
}

/// Where the parent wants to be told of this (RFC 9859 §4.1): nowhere, if nothing or something bogus
/// is found. `None`: that is being looked up.
fn endpoints(
    config: &Config,
    book: &mut Book,
    question: &Question,
    now: Timestamp,
) -> Option<Vec<SocketAddr>> {
    for name in dsync_names(&question.name, &config.parent.zone) {
        let data = book.look_up(now, &Question::new(name, DSYNC))?;
        if data.is_empty() {
            continue;
        }
        let mut views = data.iter().filter_map(Dsync::parse);
        let Some(dsync) = views.find(|dsync| dsync.takes(question.rtype)) else {
            break;
        };
        let hosts = book.look_up_host(config, now, &dsync.target)?;
        let endpoint = |address| SocketAddr::new(address, dsync.port);
        return Some(hosts.into_iter().map(endpoint).collect());
    }
    Some(Vec::new())
}
