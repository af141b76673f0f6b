//! Every case comes out as its file says.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use counterpoint_tests::vectors::{
    file::{self, Case},
    memory::Memory,
    sockets::Sockets,
    story::{Carrier, play},
    town::Town,
};

/// How many cases are played at once.
const THREADS: usize = 4;

/// The cases that come out wrong, by place.
fn wrong(cases: &[Case], carrier: fn(&Town) -> Box<dyn Carrier>) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut wrong = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = play(case, &[], carrier) {
                wrong.push(format!("{}: {}\n    {error}", case.place, case.title));
            }
        }
        wrong
    };
    let mut all: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined
            .flat_map(|wrong| wrong.expect("no case panics"))
            .collect()
    });
    all.sort();
    all
}

fn check(carrier: fn(&Town) -> Box<dyn Carrier>) {
    let only = std::env::var("VECTORS").unwrap_or_default();
    let mut cases = file::all().unwrap_or_else(|error| panic!("{error}"));
    cases.retain(|case| case.place.starts_with(&only));
    let wrong = wrong(&cases, carrier);
    let count = wrong.len();
    assert!(
        wrong.is_empty(),
        "{count} of {} cases:\n{}",
        cases.len(),
        wrong.join("\n")
    );
    println!("{} cases", cases.len());
}

#[test]
fn in_memory() {
    check(|_| Memory::boxed());
}

#[test]
fn over_sockets() {
    check(Sockets::boxed);
}
