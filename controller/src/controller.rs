//! The agent: commands in, records, questions and notes out.

use std::collections::VecDeque;

use counterpoint_dns::{
    agent::{Agent, Input, Output, Record},
    stream::Stream,
    time::Timestamp,
};

use crate::{command::Command, config::Config, report::ProcessReport};

/// Keeps zones valid while their signers change.
pub struct Controller {
    config: Config,
    stream: Stream,
    outbox: VecDeque<Output>,
}

impl Controller {
    /// One that knows what `config` says, and nothing else.
    pub fn new(config: Config, stream: Stream) -> Self {
        Self::restore(config, stream, [])
    }

    /// One that goes on where another, whose records these are, was stopped.
    pub fn restore(
        config: Config,
        stream: Stream,
        records: impl IntoIterator<Item = Record>,
    ) -> Self {
        let _ = records.into_iter().count();
        Self {
            config,
            stream,
            outbox: VecDeque::new(),
        }
    }

    /// Every process so far, in the order in which they were asked for.
    pub fn report(&self) -> Vec<ProcessReport> {
        Vec::new()
    }
}

impl Agent for Controller {
    type Command = Command;

    fn handle(&mut self, _now: Timestamp, _input: Input<Command>) {
        let _ = (&self.config, &self.stream);
    }

    fn poll(&mut self, _now: Timestamp) -> Option<Output> {
        self.outbox.pop_front()
    }

    fn wake_at(&self) -> Option<Timestamp> {
        None
    }
}
