//! Questions to the tool's own resolver, on real sockets.

use std::{collections::BTreeMap, io};

use counterpoint_dns::{
    agent::{Agent, Input, Output},
    driver::{
        agent::{Driver, Options},
        clock::Clock,
        store::MemoryStore,
    },
    message::Question,
    resolver::{Command, Config, Resolution, Resolver},
    stream::Stream,
    time::Timestamp,
};
use tokio::sync::oneshot;

/// Resolves all questions; the resolutions come in their order.
pub fn resolve_all(
    questions: &[Question],
    config: &Config,
    options: &Options,
    stream: Stream,
) -> io::Result<Vec<Resolution>> {
    let (finished, end) = oneshot::channel();
    let mut asking = Asking {
        resolver: Resolver::new(config.clone(), stream),
        wanted: questions.len(),
        came: BTreeMap::new(),
        finished: Some(finished),
    };
    for question in questions {
        let ticket = asking.resolver.resolve(Clock.now(), question.clone());
        asking.came.insert(ticket, None);
    }
    asking.take();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (driver, handle) = Driver::new(asking, MemoryStore::default(), |_, _| {}, options.clone());
    let watch = async {
        if end.await.is_ok() {
            let _ = handle.stop().await;
        }
    };
    let (ran, ()) = runtime.block_on(async { tokio::join!(driver.run(), watch) });
    let (asking, _) = ran?;
    Ok(asking.came.into_values().flatten().collect())
}

/// A resolver with a list of questions.
struct Asking {
    resolver: Resolver,
    wanted: usize,
    came: BTreeMap<u64, Option<Resolution>>,
    finished: Option<oneshot::Sender<()>>,
}

impl Asking {
    fn take(&mut self) {
        while let Some(resolution) = self.resolver.take_resolution() {
            self.came.insert(resolution.ticket, Some(resolution));
        }
        let came = self.came.values().flatten().count();
        if came == self.wanted
            && let Some(finished) = self.finished.take()
        {
            // The receiver waits as long as the driver runs.
            let _ = finished.send(());
        }
    }
}

impl Agent for Asking {
    type Command = Command;

    fn handle(&mut self, now: Timestamp, input: Input<Command>) {
        self.resolver.handle(now, input);
        self.take();
    }

    fn poll(&mut self, now: Timestamp) -> Option<Output> {
        self.resolver.poll(now)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.resolver.wake_at()
    }
}
