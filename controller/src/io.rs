//! What an engine may touch: the time, the declarations, and one ordered list of outputs.

use std::collections::VecDeque;

use counterpoint_dns::{
    agent::{Note, Output, Record, Transport},
    exchange::Exchanges,
    message::Question,
    name::Name,
    time::Timestamp,
};

use crate::{
    book::Book,
    config::{Config, SignerName},
    notify::{Notices, Notified},
    place::{Item, Place},
    updater::{Message, Paces, Receipt, Request},
};

/// What an outstanding exchange was for.
#[derive(Clone, Debug)]
pub(crate) struct Tag {
    /// Which zone's engine asked.
    pub zone: Name,
    /// What for.
    pub what: Purpose,
}

/// What an outstanding exchange was for.
#[derive(Clone, Debug)]
pub(crate) enum Purpose {
    /// A look at one item.
    Look(Box<Look>),
    /// A write.
    Update(Box<Sent>),
    /// A word to the parent.
    Notify(Box<Notified>),
}

/// A look under way.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// In which round; answers to older ones come too late.
    pub round: u64,
    /// Where.
    pub place: Place,
    /// At what.
    pub item: Item,
    /// As asked.
    pub question: Question,
}

/// A write under way.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// After which round; answers to writes before older ones come too late.
    pub round: u64,
    /// At whom.
    pub signer: SignerName,
    /// Of what.
    pub items: Vec<Item>,
    /// What the answer is judged by.
    pub receipt: Receipt,
}

/// What an engine may touch.
pub(crate) struct Io<'a> {
    /// The time.
    pub now: Timestamp,
    /// The declarations.
    pub config: &'a Config,
    /// Questions and updates under way.
    pub exchanges: &'a mut Exchanges<Tag>,
    /// Everything that is wanted, in order.
    pub outbox: &'a mut VecDeque<Output>,
    /// Addresses of names, as far as they are known.
    pub book: &'a Book,
    /// What the parent is to be told.
    pub notices: &'a mut Notices,
    /// When signers were written to.
    pub paces: &'a mut Paces,
    /// The place of the next process in the order of requests.
    pub next_id: &'a mut u32,
}

impl Io<'_> {
    /// The place of one more process.
    pub(crate) fn take_id(&mut self) -> u32 {
        *self.next_id += 1;
        *self.next_id - 1
    }

    /// Makes a record durable before anything later.
    pub(crate) fn persist(&mut self, record: Record) {
        self.outbox.push_back(Output::Persist(record));
    }

    /// Tells something.
    pub(crate) fn note(&mut self, zone: &Name, kind: &'static str, subject: String, text: String) {
        self.outbox.push_back(Output::Note(Note {
            zone: zone.to_string(),
            kind,
            subject,
            text,
        }));
    }

    /// Asks a question.
    pub(crate) fn ask(&mut self, place: &Place, question: Question, tag: Tag) {
        self.exchanges
            .ask_via(place.address, Transport::Udp, question, tag);
        self.drain();
    }

    /// Sends a write.
    pub(crate) fn send(&mut self, request: Request, tag: Tag) {
        match request.message {
            Message::Dns { to, via, bytes } => self.exchanges.ask_raw(to, via, bytes, tag),
            Message::Web(request) => self.exchanges.ask_web(request, tag),
        }
        self.drain();
    }

    /// What is asked comes after what was persisted before.
    pub(crate) fn drain(&mut self) {
        self.outbox
            .extend(std::iter::from_fn(|| self.exchanges.poll()));
    }
}
