//! What others see of the daemon: NOTIFY, `/health` and `/metrics`, signals, signs of life. One thread,
//! which waits for nothing that takes longer than a lock.

use std::{cell::RefCell, convert::Infallible, rc::Rc, sync::Arc, time::Duration};

use counterpoint_dns::{
    agent::{Peer, Server, Transport},
    driver::{
        clock::Clock,
        daemon::{
            connections::{self, Limits},
            journal,
            metrics::CONTENT_TYPE,
            strangers::Door,
            systemd,
        },
    },
    time::Timestamp,
};
use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
    task::{LocalSet, spawn_local},
    time::{MissedTickBehavior, interval, timeout},
};

use super::shared::{Live, Shared};
use crate::{
    brakes::BRAKES,
    cli::{Failure, survey_all::lock},
    input::BadInput,
};

/// Without a sign of life for this long, something is wrong.
const STALLED: Duration = Duration::from_secs(120);
/// How often it is looked whether all is to end.
const LOOK: Duration = Duration::from_millis(200);
/// How long a connection of `/health` and `/metrics` may take.
const PATIENCE: Duration = Duration::from_secs(10);
const LIMITS: Limits = Limits {
    connections_max: 64,
    of_address_max: 16,
};
/// Longer heads are refused; hyper wants no less.
const HEAD_OCTETS_MAX: usize = 8 * 1_024;

/// Sockets that are open.
pub struct Front {
    runtime: Runtime,
    doors: Vec<Door>,
    status: Option<TcpListener>,
}

impl Front {
    /// Opens them, as the policy says.
    pub fn open(shared: &Shared<'_>) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let setup = shared.setup();
        let policy = &setup.base.policy;
        let bad = |place: &dyn std::fmt::Display, error: std::io::Error, key: &str| {
            let remedy =
                format!("name another address as `{key}` in the policy, or stop who listens there");
            Failure::from(BadInput::new(place, error, remedy))
        };
        let mut doors = Vec::new();
        for address in &policy.notify.listen {
            let door = runtime.block_on(Door::open(*address));
            let door = door.map_err(|error| bad(address, error, "notify.listen"))?;
            let at = door.address().to_string();
            journal::event("listening", &[("for", "notify"), ("at", &at)]);
            doors.push(door);
        }
        let mut status = None;
        if let Some(address) = policy.watch.status {
            let socket = runtime.block_on(TcpListener::bind(address));
            let socket = socket.map_err(|error| bad(&address, error, "watch.status"))?;
            let at = format!("http://{}", socket.local_addr()?);
            journal::event("listening", &[("for", "status"), ("at", &at)]);
            status = Some(socket);
        }
        Ok(Self {
            runtime,
            doors,
            status,
        })
    }

    /// Serves until it is told to stop, or somebody else ends all.
    pub fn serve(self, shared: &Shared<'_>) -> Result<(), Failure> {
        let Self {
            runtime,
            doors,
            status,
        } = self;
        let live = shared.live.clone();
        runtime.block_on(LocalSet::new().run_until(async {
            let desk = Rc::new(RefCell::new(Desk(live.clone())));
            for door in doors {
                spawn_local(door.attend(desk.clone()));
            }
            if let Some(socket) = status {
                let live = live.clone();
                let talk = move |stream, _| talk(stream, live.clone());
                spawn_local(connections::accept(vec![socket], LIMITS, talk, |_| {}));
            }
            let mut stop = signal(SignalKind::terminate())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut hangup = signal(SignalKind::hangup())?;
            let every = systemd::sign_of_life_every();
            let mut signs = interval(every.unwrap_or(STALLED));
            let mut look = interval(LOOK);
            signs.set_missed_tick_behavior(MissedTickBehavior::Delay);
            look.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while !shared.is_stopping() {
                tokio::select! {
                    _ = stop.recv() => break,
                    _ = interrupt.recv() => break,
                    _ = hangup.recv() => shared.ask_for_reload(),
                    _ = signs.tick() => {
                        if every.is_some() && !is_stalled(&live, Clock.now()) {
                            systemd::tell("WATCHDOG=1");
                        }
                    }
                    _ = look.tick() => {}
                }
            }
            Ok(())
        }))
    }
}

fn is_stalled(live: &Live, now: Timestamp) -> bool {
    live.silent_for(now) > STALLED
}

/// Takes NOTIFY for the schedule.
struct Desk(Arc<Live>);

impl Server for Desk {
    fn respond(
        &mut self,
        now: Timestamp,
        from: Peer,
        _: Transport,
        request: &[u8],
    ) -> Option<Vec<u8>> {
        let (answer, heard) = lock(&self.0.schedule).respond(request, from.ip(), now);
        lock(&self.0.counts).heard(&heard);
        answer
    }
}

/// One connection, until either side has enough of it.
async fn talk(stream: TcpStream, live: Arc<Live>) {
    let service = service_fn(|request| {
        let answer = answer(&request, &live);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(HEAD_OCTETS_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // Whatever went wrong, the other side did it, or is gone.
    let _ = timeout(PATIENCE, connection).await;
}

fn answer(request: &Request<Incoming>, live: &Live) -> Response<Full<Bytes>> {
    let now = Clock.now();
    let is_read = ["GET", "HEAD"].contains(&request.method().as_str());
    let (status, kind, text) = match (is_read, request.uri().path()) {
        (false, _) => (
            StatusCode::METHOD_NOT_ALLOWED,
            "text/plain",
            "GET, HEAD\n".into(),
        ),
        (true, "/health") => match is_stalled(live, now) {
            false => (StatusCode::OK, "text/plain", "alive\n".into()),
            true => {
                let silent = live.silent_for(now).as_secs();
                let text = format!("no child was asked for {silent} s\n");
                (StatusCode::SERVICE_UNAVAILABLE, "text/plain", text)
            }
        },
        (true, "/metrics") => {
            let standing = live.standing(now);
            let text = lock(&live.counts).text(&standing, &BRAKES, now);
            (StatusCode::OK, CONTENT_TYPE, text)
        }
        (true, _) => (
            StatusCode::NOT_FOUND,
            "text/plain",
            "/health, /metrics\n".into(),
        ),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
