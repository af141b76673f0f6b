//! Run: carries out what was asked for, until it is done or a person must act.

use std::collections::BTreeSet;

use counterpoint_dns::{
    agent::{Agent, Input, Note, Output},
    driver::{agent::Driver, store::Store as _},
    time::Timestamp,
};
use tokio::sync::oneshot;

use super::{Streams, arguments::Common, setup};
use crate::{
    Command, Controller, Outcome as How,
    api::{
        Answer, Failure,
        processes::{describe, to_json},
    },
    audit::{DECLARED, OBSERVED},
    setup::runtime,
};

/// Runs until it is over; with `watch` for ever.
pub fn run(common: &Common, watch: bool, streams: &mut Streams<'_>) -> Result<Answer, Failure> {
    let setup = setup(common)?;
    let config = &setup.declared.config;
    let store = setup.store()?;
    let controller = setup.controller(store.records())?;
    let before = controller.report();
    let open = before
        .iter()
        .filter(|report| !report.outcome.is_final())
        .count();
    if open == 0 && !watch {
        let text = "nothing was asked for, or all of it is done\n".to_string();
        return Ok(Answer {
            text,
            json: to_json(config, &controller),
            is_fine: true,
        });
    }
    let (finished, end) = oneshot::channel();
    let attended = Attended {
        controller,
        blocked: BTreeSet::new(),
        is_news: false,
        finished: Some(finished).filter(|_| !watch),
    };
    let runtime = runtime()?;
    let err = &mut *streams.err;
    let hear = |at: Timestamp, note: Note| {
        if ![DECLARED, OBSERVED].contains(&note.kind) {
            // Who does not listen does not stop the work.
            let _ = writeln!(err, "{at} {note}");
        }
    };
    let (driver, handle) = Driver::new(attended, store, hear, setup.options.clone());
    let watching = async {
        match end.await {
            // An error means that the driver has ended by itself.
            Ok(()) => drop(handle.stop().await),
            Err(_) if watch => std::future::pending().await,
            Err(_) => {}
        }
    };
    let ran = runtime.block_on(async {
        tokio::pin!(watching);
        let running = driver.run();
        tokio::pin!(running);
        tokio::select! {
            ran = &mut running => ran,
            () = &mut watching => running.await,
        }
    });
    let (attended, _) = ran?;
    let controller = attended.controller;
    let after = controller.report();
    // Those that were over before are no result of this run; new ones come after them.
    let was_open = |index: usize| {
        let earlier = before.get(index);
        earlier.is_none_or(|report| !report.outcome.is_final())
    };
    let all = after.iter().enumerate();
    let worked: Vec<_> = all.filter(|(index, _)| was_open(*index)).collect();
    let is_done = worked.iter().all(|(_, report)| report.outcome == How::Done);
    let text: String = (worked.iter())
        .map(|(_, report)| describe(report, true))
        .collect();
    Ok(Answer {
        text,
        json: to_json(config, &controller),
        is_fine: is_done,
    })
}

/// A controller that tells when nothing is left that it could do by itself.
struct Attended {
    controller: Controller,
    /// Zones where a person must act, as was seen in this run.
    blocked: BTreeSet<String>,
    is_news: bool,
    finished: Option<oneshot::Sender<()>>,
}

impl Attended {
    fn hear(&mut self, note: &Note) {
        match note.kind {
            "blocked" | "guard" => {
                self.is_news |= self.blocked.insert(note.zone.clone());
            }
            "done" | "refused" => self.is_news = true,
            OBSERVED | "notify" => {}
            _ => {
                self.blocked.remove(&note.zone);
            }
        }
    }

    fn is_over(&self) -> bool {
        let reports = self.controller.report();
        let mut open = reports.iter().filter(|report| !report.outcome.is_final());
        open.all(|report| self.blocked.contains(&report.zone.to_string()))
    }
}

impl Agent for Attended {
    type Command = Command;

    fn handle(&mut self, now: Timestamp, input: Input<Command>) {
        self.controller.handle(now, input);
    }

    fn poll(&mut self, now: Timestamp) -> Option<Output> {
        let output = self.controller.poll(now);
        match &output {
            Some(Output::Note(note)) => self.hear(note),
            Some(_) => {}
            None if self.is_news => {
                self.is_news = false;
                // To look at every zone is worth it only for who waits for the end.
                if self.finished.is_some()
                    && self.is_over()
                    && let Some(finished) = self.finished.take()
                {
                    // The receiver waits as long as the driver runs.
                    let _ = finished.send(());
                }
            }
            None => {}
        }
        output
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.controller.wake_at()
    }
}
