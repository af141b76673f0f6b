//! A world that is served by a thread of its own.

use std::{
    path::Path,
    sync::mpsc as told,
    thread::{self, JoinHandle},
    time::Duration,
};

use counterpoint_dns::driver::clock::Clock;
use counterpoint_scenarios::{
    load::load_with,
    scenario::time::parse_span,
    serve::{Ended, Show},
};
use counterpoint_simnet::{net::Net, topology::Stage};
use tokio::sync::mpsc;

/// A served world.
pub struct Served {
    /// What is served.
    pub show: Show,
    turns: Option<mpsc::Sender<()>>,
    told: told::Receiver<usize>,
    thread: Option<JoinHandle<Result<(), Ended>>>,
}

/// The scenario of a file of `scenarios/`, with these values overridden, in this network.
pub fn show(file: &str, sets: &[&str], net: Net) -> Show {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../scenarios")
        .join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let sets: Vec<String> = sets.iter().map(|set| (*set).into()).collect();
    let scenario = load_with(file, &text, &sets).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    Show { scenario, net }
}

/// An instant, as the command line takes it.
pub fn instant(text: &str) -> Duration {
    parse_span(text).unwrap()
}

impl Served {
    /// Serves a scenario as it is at the first of these instants.
    pub fn open(show: Show, instants: &[Duration]) -> Self {
        let (turns, mut taken) = mpsc::channel(1);
        let (tell, told) = told::channel();
        let (playing, instants) = (show.clone(), instants.to_vec());
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let tell = move |number, _: &Stage| {
                // The test may have failed meanwhile.
                let _ = tell.send(number);
                Ok(())
            };
            let serving = playing.serve(53, &instants, &mut taken, || Clock.now(), tell);
            runtime.unwrap().block_on(serving)
        });
        let served = Self {
            show,
            turns: Some(turns),
            told,
            thread: Some(thread),
        };
        served.told.recv().expect("it is served");
        served
    }

    /// Goes on to the next instant.
    pub fn turn(&self) {
        self.turns.as_ref().unwrap().blocking_send(()).unwrap();
        self.told.recv().expect("it is served");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.turns.take());
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            ended.unwrap().unwrap().unwrap();
        }
    }
}
