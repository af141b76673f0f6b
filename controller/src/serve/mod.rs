//! The daemon: it carries out what is asked for, watches the zones, answers over HTTPS and shows a page.
//!
//! One thread. [`service`] owns the one [`Keeper`] and the driver of its controller; connections hand it
//! jobs and wait for their answers. Operations are those of [`crate::api`]; nothing is decided here.
//!
//! - [`service`] – jobs, one after the other, each durable before it is answered
//! - [`listen`] – sockets, TLS, and limits on what strangers may hold
//! - [`route`] – from a request to a call, and from its answer to a response
//! - [`feed`] – what happens, for those who listen
//! - [`page`] – the files of the page
//!
//! Journal, metrics and signs of life are those of every daemon: [`counterpoint_dns::driver::daemon`].

mod feed;
mod listen;
mod page;
mod route;
mod service;

use std::{cell::RefCell, io, rc::Rc};

use counterpoint_dns::driver::daemon::{journal, systemd};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    task::LocalSet,
};

use self::{feed::Feed, listen::Listeners, route::Desk, service::Service};
use crate::{
    api::{Answer, Failure},
    declarations::BadDeclaration,
    keeper::Keeper,
    setup::runtime,
};

/// The field of a response that says whether everything is as it should be.
pub(crate) const FINE: &str = "counterpoint-fine";

/// How many jobs may wait.
const JOBS_MAX: usize = 256;

/// Serves until it is told to stop.
pub(crate) fn run(mut keeper: Keeper) -> Result<Answer, Failure> {
    keeper.is_served = true;
    let declared = &keeper.setup.declared;
    let serving = declared.serving.clone().ok_or_else(|| {
        let what = "there is no [serve]";
        let remedy = "write one, as `init` does: listen, certificate, key";
        BadDeclaration::new(declared.path.display(), what, remedy)
    })?;
    keeper.store()?;
    keeper.controller()?;
    runtime()?.block_on(LocalSet::new().run_until(async {
        let listeners = Listeners::open(&serving).await?;
        let (jobs, waiting) = mpsc::channel(JOBS_MAX);
        let feed = Feed::new();
        let desk = Desk::new(
            jobs,
            feed.clone(),
            serving.is_open,
            &keeper.setup.declared.tokens,
        );
        let desk = Rc::new(desk);
        for address in listeners.addresses() {
            journal::event("listening", &[("at", &format!("https://{address}"))]);
        }
        let accepting = tokio::task::spawn_local(listeners.accept(desk.clone()));
        let mut service = Service::new(Rc::new(RefCell::new(keeper)), waiting, feed, desk);
        let (mut stop, mut interrupt) = (
            told(SignalKind::terminate())?,
            told(SignalKind::interrupt())?,
        );
        let hangup = told(SignalKind::hangup())?;
        systemd::tell("READY=1");
        let served = service
            .serve(hangup, async {
                tokio::select! {
                    _ = stop.recv() => {}
                    _ = interrupt.recv() => {}
                }
                systemd::tell("STOPPING=1");
                journal::event("stopping", &[]);
            })
            .await;
        accepting.abort();
        served?;
        journal::event("stopped", &[]);
        Ok(Answer::fine(String::new(), &serde_json::Value::Null))
    }))
}

fn told(kind: SignalKind) -> io::Result<tokio::signal::unix::Signal> {
    signal(kind)
}
