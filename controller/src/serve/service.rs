//! Jobs, one after the other, and the driver of the controller beside them.
//!
//! A job is durable before it is answered. When the declarations change, the driver is dropped where it
//! stands, as a kill would, and another begins with a controller that was restored: agents are made for
//! that, and nothing else has to be.

use std::{cell::RefCell, io, pin::pin, rc::Rc, sync::Arc, time::Duration};

use counterpoint_dns::{
    agent::{Agent, Input, Note, Output, Record},
    driver::{
        agent::Driver,
        daemon::{journal, systemd},
    },
    time::Timestamp,
};
use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{
    signal::unix::Signal,
    sync::{Semaphore, mpsc, oneshot},
    task::spawn_blocking,
    time::timeout,
};

use super::{feed::Feed, route::Desk};
use crate::{
    Command,
    api::{Act, Answer, Call, Failure, OPERATIONS, table::Method},
    audit::{DECLARED, OBSERVED},
    keeper::Keeper,
    setup::now,
};

/// How long requests that are under way may still take when it is told to stop.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many operations that ask servers run at once.
const APART_MAX: usize = 4;
/// Where it is remembered what was answered to a request with a key of its own.
const ANSWERED: &str = "answered/";
/// How long.
const ANSWERED_SPAN: Duration = Duration::from_secs(86_400);
/// How many, at most.
const ANSWERED_MAX: usize = 1_000;

/// The kind of a note that says who asked for something.
const ASKED: &str = "asked";

/// One request of somebody who may make it.
pub(super) struct Job {
    /// What is asked.
    pub call: Call,
    /// Who asks, for the log.
    pub who: String,
    /// What is changed must still be this.
    pub if_match: Option<String>,
    /// A key by which a repetition is known, and what was asked with it.
    pub key: Option<Key>,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Reply>,
}

/// A key by which a repetition is known.
pub(super) struct Key {
    /// Of whom, and which.
    pub hash: String,
    /// Of what was asked.
    pub digest: String,
}

/// What became of a job.
pub(super) enum Reply {
    /// It was carried out, or why not.
    Done(Result<Answer, Failure>),
    /// What is to be changed is something else by now.
    Changed,
    /// The key belongs to another request.
    OtherKey,
}

/// What was answered to a request with a key of its own.
#[derive(Serialize, Deserialize)]
struct Answered {
    at: i64,
    digest: String,
    text: String,
    json: Value,
    is_fine: bool,
    /// Why it was refused, if it was.
    refused: Option<String>,
}

/// The controller, as its driver sees it.
struct Seat(Rc<RefCell<Keeper>>);

impl Agent for Seat {
    /// Nothing: that somebody asked for something, so that it is polled.
    type Command = ();

    fn handle(&mut self, now: Timestamp, input: Input<()>) {
        let input: Input<Command> = match input {
            Input::Command(()) => return,
            Input::Answer { id, bytes } => Input::Answer { id, bytes },
            Input::Web { id, answer } => Input::Web { id, answer },
            Input::Failure { id } => Input::Failure { id },
            Input::Wake => Input::Wake,
        };
        self.0.borrow_mut().handle(now, input);
    }

    fn poll(&mut self, now: Timestamp) -> Option<Output> {
        self.0.borrow_mut().poll(now)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.0.borrow().wake_at()
    }
}

/// Everything that happens in one place.
pub(super) struct Service {
    keeper: Rc<RefCell<Keeper>>,
    jobs: mpsc::Receiver<Job>,
    feed: Feed,
    desk: Rc<Desk>,
    apart: Arc<Semaphore>,
}

impl Service {
    /// One that has not begun.
    pub(super) fn new(
        keeper: Rc<RefCell<Keeper>>,
        jobs: mpsc::Receiver<Job>,
        feed: Feed,
        desk: Rc<Desk>,
    ) -> Self {
        let apart = Arc::new(Semaphore::new(APART_MAX));
        Self {
            keeper,
            jobs,
            feed,
            desk,
            apart,
        }
    }

    /// Serves until `stop`.
    pub(super) async fn serve(
        &mut self,
        mut hangup: Signal,
        stop: impl Future<Output = ()>,
    ) -> Result<(), Failure> {
        let mut stop = pin!(stop);
        loop {
            let (store, options) = {
                let mut keeper = self.keeper.borrow_mut();
                keeper.is_reloaded = false;
                (keeper.store()?, keeper.setup.options.clone())
            };
            let feed = self.feed.clone();
            let hear = move |at: Timestamp, note: Note| told(&feed, at, &note);
            let seat = Seat(self.keeper.clone());
            let (driver, handle) = Driver::new(seat, store, hear, options);
            let mut running = pin!(driver.run());
            while !self.keeper.borrow().is_reloaded {
                tokio::select! {
                    ran = &mut running => return ended(ran.map(|_| ())),
                    () = &mut stop => {
                        let (_, ran) = tokio::join!(handle.stop(), timeout(PATIENCE, &mut running));
                        return ran.map_or(Ok(()), |ran| ended(ran.map(|_| ())));
                    }
                    Some(job) = self.jobs.recv() => self.carry_out(job)?,
                    _ = hangup.recv() => self.reload(),
                }
                if !self.keeper.borrow().is_reloaded {
                    tokio::select! {
                        _ = handle.command(()) => {}
                        ran = &mut running => return ended(ran.map(|_| ())),
                    }
                }
            }
            self.desk.know(&self.keeper.borrow().setup.declared.tokens);
        }
    }

    /// Reads the declarations again; bad ones change nothing.
    fn reload(&self) {
        systemd::tell("RELOADING=1");
        let reloaded = self.keeper.borrow_mut().reload();
        match reloaded {
            Ok(()) => {
                journal::event("reloaded", &[]);
                self.feed.tell(now(), "", "declarations", "", "read again");
            }
            Err(failure) => {
                journal::event("not-reloaded", &[("why", &failure.to_string())]);
            }
        }
        systemd::tell("READY=1");
    }

    /// Carries out one job. Fails if the store does: nothing may go on from what could be forgotten.
    fn carry_out(&self, job: Job) -> Result<(), Failure> {
        let Job {
            call,
            who,
            if_match,
            key,
            reply,
        } = job;
        if let Act::Apart(_) = call.operation.act {
            self.carry_out_apart(call, reply);
            return Ok(());
        }
        let mut keeper = self.keeper.borrow_mut();
        if let Some(key) = &key
            && let Some(known) = answered(&mut keeper, key)?
        {
            let reply_with = match known.digest == key.digest {
                false => Reply::OtherKey,
                true => Reply::Done(match known.refused {
                    Some(why) => Err(Failure::Refused(why)),
                    None => Ok(Answer {
                        text: known.text,
                        json: known.json,
                        is_fine: known.is_fine,
                    }),
                }),
            };
            let _ = reply.send(reply_with);
            return Ok(());
        }
        if let Some(wanted) = if_match
            && !is_still(&mut keeper, &call, &wanted)
        {
            let _ = reply.send(Reply::Changed);
            return Ok(());
        }
        let done = call.carry_out(&mut keeper);
        let writes = call.operation.method != Method::Get;
        if writes && !matches!(done, Err(Failure::BadInput(_) | Failure::Unknown(_))) {
            keeper.note(asked(&call, &who));
        }
        if let Some(key) = key {
            remember(&mut keeper, key, &done)?;
        }
        let notes = keeper.commit()?;
        let is_edited = keeper.is_reloaded;
        drop(keeper);
        let at = now();
        notes.iter().for_each(|note| told(&self.feed, at, note));
        if is_edited {
            self.feed.tell(at, "", "declarations", "", "changed");
        }
        // Whoever asked may be gone; what was asked is done.
        let _ = reply.send(Reply::Done(done));
        Ok(())
    }

    /// Servers are asked by a keeper of its own, in a thread of its own.
    fn carry_out_apart(&self, call: Call, reply: oneshot::Sender<Reply>) {
        let mut keeper = self.keeper.borrow_mut();
        let setup = keeper.setup.clone();
        let Ok(permit) = self.apart.clone().try_acquire_owned() else {
            let why = format!("{APART_MAX} operations that ask servers are under way: try again");
            let _ = reply.send(Reply::Done(Err(Failure::Refused(why))));
            return;
        };
        let remembered = keeper.remembered();
        spawn_blocking(move || {
            let _permit = permit;
            let done =
                remembered.and_then(|records| call.carry_out(&mut Keeper::aside(setup, records)));
            let _ = reply.send(Reply::Done(done));
        });
    }
}

/// A driver ends by itself only when its store fails.
fn ended(ran: io::Result<()>) -> Result<(), Failure> {
    Ok(ran?)
}

/// Shows what was told. Who asked for it is for the log alone.
fn told(feed: &Feed, at: Timestamp, note: &Note) {
    if [DECLARED, OBSERVED].contains(&note.kind) {
        return;
    }
    journal::note(at, note);
    if note.kind != ASKED {
        feed.tell(at, &note.zone, note.kind, &note.subject, &note.text);
    }
}

/// That somebody asked for something: for the log of the zone.
fn asked(call: &Call, who: &str) -> Note {
    let zone = counterpoint_dns::name::parse_name(call.place("zone"));
    Note {
        zone: zone.map_or(String::new(), |zone| zone.to_string()),
        kind: ASKED,
        subject: call.operation.id.into(),
        text: format!("by {who}"),
    }
}

/// The mark of a state (RFC 9110 §8.8.3).
pub(super) fn etag(json: &Value) -> String {
    let hash = digest(&SHA256, json.to_string().as_bytes());
    format!("\"{}\"", HEXLOWER.encode(&hash.as_ref()[..16]))
}

/// Whether what is to be changed is still what was seen.
fn is_still(keeper: &mut Keeper, call: &Call, wanted: &str) -> bool {
    let mut same = OPERATIONS.iter();
    let shown = same.find(|o| o.path == call.operation.path && o.method == Method::Get);
    let Some(operation) = shown else {
        return false;
    };
    let look = Call {
        operation,
        path: call.path.clone(),
        query: Default::default(),
        body: Value::Null,
        is_local: false,
    };
    let shown = look.carry_out(keeper);
    shown.is_ok_and(|answer| {
        let mark = etag(&answer.json);
        wanted
            .split(',')
            .map(str::trim)
            .any(|wanted| wanted == "*" || wanted == mark)
    })
}

/// What was answered to the same key before.
fn answered(keeper: &mut Keeper, key: &Key) -> Result<Option<Answered>, Failure> {
    let value = keeper
        .store()?
        .borrow()
        .value(&format!("{ANSWERED}{}", key.hash))?;
    Ok(value.and_then(|value| serde_json::from_str(&value).ok()))
}

/// Remembers what is answered now, with what was done; and forgets the oldest.
fn remember(keeper: &mut Keeper, key: Key, done: &Result<Answer, Failure>) -> Result<(), Failure> {
    let (text, json, is_fine, refused) = match done {
        Ok(answer) => (
            answer.text.clone(),
            answer.json.clone(),
            answer.is_fine,
            None,
        ),
        Err(Failure::Refused(why)) => (String::new(), Value::Null, false, Some(why.clone())),
        // It was not taken: the same key may be used for one that is.
        Err(_) => return Ok(()),
    };
    let at = now();
    let mut kept: Vec<(i64, String)> = Vec::new();
    keeper.store()?.borrow().each(ANSWERED, |record| {
        let answered: Option<Answered> = serde_json::from_str(&record.value).ok();
        kept.push((answered.map_or(0, |answered| answered.at), record.key));
    })?;
    kept.sort();
    let too_many = (kept.len() + 1).saturating_sub(ANSWERED_MAX);
    for (index, (since, old)) in kept.into_iter().enumerate() {
        if index < too_many || Timestamp::from_nanos(since) + ANSWERED_SPAN < at {
            keeper.remember(Record {
                key: old,
                value: String::new(),
            });
        }
    }
    let answered = Answered {
        at: at.as_nanos(),
        digest: key.digest,
        text,
        json,
        is_fine,
        refused,
    };
    keeper.remember(Record {
        key: format!("{ANSWERED}{}", key.hash),
        // Plain data with text keys: to JSON it cannot fail.
        value: serde_json::to_string(&answered).unwrap_or_default(),
    });
    Ok(())
}
