//! From a request to a call, and from its answer to a response: paths, roles, fields, problems.
//!
//! Everything about operations comes from their table. Beside them there are the page, `/healthz`,
//! `/readyz` and `/metrics`, which tell no names.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    net::IpAddr,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use counterpoint_dns::{
    driver::daemon::{
        journal,
        metrics::{CONTENT_TYPE, Kind, Metrics},
    },
    pace::{Pace, Rate},
};
use data_encoding::HEXLOWER;
use http_body_util::{BodyExt as _, Limited};
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::{Body, Bytes, Frame, Incoming},
    header,
};
use ring::digest::{SHA256, digest};
use serde_json::Value;
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_local,
    time::timeout,
};

use super::{
    FINE,
    feed::Feed,
    page,
    service::{Job, Key, Reply, etag},
};
use crate::{
    api::{
        Act, Answer, Call, Failure, OPERATIONS, Operation, ROOT, Role, resources::Problem,
        table::Method, unpercent,
    },
    declarations::Token,
    setup::now,
};

/// Longer bodies are refused.
const BODY_OCTETS_MAX: usize = 256 * 1_024;
/// How long a body may take.
const BODY_PATIENCE: Duration = Duration::from_secs(10);
/// How long an answer of an operation may take; of one that asks servers, the longer one.
const PATIENCE: Duration = Duration::from_secs(30);
const APART_PATIENCE: Duration = Duration::from_secs(300);
/// How many requests one address may make.
const RATES: [Rate; 1] = [Rate::new(500, 1)];
/// Of how many addresses that is counted.
const ADDRESSES_MAX: usize = 10_000;
/// How many may listen to what happens.
const LISTENERS_MAX: usize = 128;
/// A connection on which nothing happens is kept alive by a comment.
const SILENCE: Duration = Duration::from_secs(15);
/// A field of a request that is longer is of no use in a log.
const TARGET_SHOWN: usize = 200;
/// Longer keys of repetitions are refused.
const KEY_CHARS_MAX: usize = 255;

/// A response, whole or as it comes.
pub(super) enum Content {
    /// All of it.
    Whole(Option<Bytes>),
    /// What happens.
    Stream(mpsc::Receiver<Bytes>),
}

impl Body for Content {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut *self {
            Self::Whole(octets) => Poll::Ready(octets.take().map(|octets| Ok(Frame::data(octets)))),
            Self::Stream(octets) => {
                let next = octets.poll_recv(context);
                next.map(|octets| octets.map(|octets| Ok(Frame::data(octets))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Self::Whole(octets) => {
                hyper::body::SizeHint::with_exact(octets.as_ref().map_or(0, Bytes::len) as u64)
            }
            Self::Stream(_) => hyper::body::SizeHint::default(),
        }
    }
}

type Answered = Response<Content>;

/// Who asks.
struct Caller {
    name: String,
    role: Role,
}

/// Where requests come in.
pub(super) struct Desk {
    jobs: mpsc::Sender<Job>,
    feed: Feed,
    is_open: bool,
    tokens: RefCell<Vec<Token>>,
    paces: RefCell<BTreeMap<IpAddr, Pace>>,
    /// Responses so far, by their status.
    responses: RefCell<BTreeMap<u16, u64>>,
    listeners: Rc<Cell<usize>>,
}

/// Why a request gets nothing of what it asked for.
struct Refusal {
    status: StatusCode,
    detail: String,
    field: Option<(header::HeaderName, String)>,
}

impl Refusal {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            field: None,
        }
    }

    fn with(mut self, name: header::HeaderName, text: impl Into<String>) -> Self {
        self.field = Some((name, text.into()));
        self
    }

    /// RFC 9457.
    fn response(self) -> Answered {
        let problem = Problem {
            kind: "about:blank".into(),
            title: self.status.canonical_reason().unwrap_or_default().into(),
            status: self.status.as_u16(),
            detail: self.detail,
        };
        // Plain data: to JSON it cannot fail.
        let body = serde_json::to_string(&problem).unwrap_or_default();
        let mut response = whole(self.status, "application/problem+json", body);
        if let Some((name, text)) = self.field
            && let Ok(text) = text.parse()
        {
            response.headers_mut().insert(name, text);
        }
        response
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(why) => Self::new(StatusCode::CONFLICT, why),
            Failure::BadInput(why) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, why),
            Failure::Unknown(why) => Self::new(StatusCode::NOT_FOUND, why),
            Failure::Defect(why) => {
                journal::event("defect", &[("why", &why)]);
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "a defect, or a disk that failed: see the log",
                )
            }
        }
    }
}

impl Desk {
    /// One that hands jobs on.
    pub(super) fn new(
        jobs: mpsc::Sender<Job>,
        feed: Feed,
        is_open: bool,
        tokens: &[Token],
    ) -> Self {
        Self {
            jobs,
            feed,
            is_open,
            tokens: RefCell::new(tokens.to_vec()),
            paces: RefCell::default(),
            responses: RefCell::default(),
            listeners: Rc::default(),
        }
    }

    /// Knows these from now on.
    pub(super) fn know(&self, tokens: &[Token]) {
        *self.tokens.borrow_mut() = tokens.to_vec();
    }

    /// Answers one request.
    pub(super) async fn answer(&self, peer: IpAddr, request: Request<Incoming>) -> Answered {
        let since = now();
        let method = request.method().to_string();
        let target: String = request
            .uri()
            .to_string()
            .chars()
            .take(TARGET_SHOWN)
            .collect();
        let caller = self.caller(request.headers());
        let who = match &caller {
            Ok(caller) => caller.name.clone(),
            Err(_) => "unknown".into(),
        };
        let answered = match self.is_too_much(peer) {
            Some(seconds) => Err(Refusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!(
                    "more than {} of this address: ask again in {seconds} s",
                    RATES[0]
                ),
            )
            .with(header::RETRY_AFTER, seconds.to_string())),
            None => self.route(caller, request).await,
        };
        let mut response = answered.unwrap_or_else(Refusal::response);
        let fields = response.headers_mut();
        let fixed = [
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CONTENT_SECURITY_POLICY, page::POLICY),
            (header::CACHE_CONTROL, "no-store"),
        ];
        for (name, text) in fixed {
            fields.insert(name, header::HeaderValue::from_static(text));
        }
        let status = response.status().as_u16();
        *self.responses.borrow_mut().entry(status).or_default() += 1;
        let took = u64::try_from(now().since(since).as_millis()).unwrap_or(u64::MAX);
        journal::request(&who, &method, &target, status, took);
        response
    }

    /// After how many seconds this address may ask again; `None`: now.
    fn is_too_much(&self, peer: IpAddr) -> Option<u64> {
        let mut paces = self.paces.borrow_mut();
        if paces.len() >= ADDRESSES_MAX && !paces.contains_key(&peer) {
            paces.clear();
        }
        let pace = paces.entry(peer).or_default();
        let at = now();
        let next = pace.next(&RATES, at);
        if next <= at {
            pace.take(&RATES, at);
            return None;
        }
        Some(next.since(at).as_secs() + 1)
    }

    /// Who asks, by the token (RFC 6750 §2.1).
    fn caller(&self, fields: &HeaderMap) -> Result<Caller, Refusal> {
        let Some(field) = fields.get(header::AUTHORIZATION) else {
            return Ok(Caller {
                name: "anyone".into(),
                role: Role::Anyone,
            });
        };
        let text = field.to_str().unwrap_or_default();
        let token = text
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, token) = token.unwrap_or_default();
        let tokens = self.tokens.borrow();
        // All of them are compared, so that the time tells nothing.
        let known: Vec<&Token> = tokens
            .iter()
            .filter(|known| known.is(token.trim()))
            .collect();
        match known.first() {
            Some(known) => Ok(Caller {
                name: known.name.clone(),
                role: known.role,
            }),
            None => {
                let detail =
                    "nobody knows this token: `token add` makes one, and SIGHUP has it known";
                Err(Refusal::new(StatusCode::UNAUTHORIZED, detail)
                    .with(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""))
            }
        }
    }

    async fn route(
        &self,
        caller: Result<Caller, Refusal>,
        request: Request<Incoming>,
    ) -> Result<Answered, Refusal> {
        let path = request.uri().path();
        let method = request.method().as_str();
        if let Some(path) = path.strip_prefix(ROOT).filter(|path| path.starts_with('/')) {
            let found = found(path)?;
            let (operation, places) = of_method(found, method)?;
            return self.operate(caller?, operation, places, request).await;
        }
        if !["GET", "HEAD"].contains(&method) {
            return Err(not_allowed("GET, HEAD"));
        }
        if let Some(file) = page::FILES.iter().find(|file| file.path == path) {
            return Ok(whole(StatusCode::OK, file.kind, file.text));
        }
        match path {
            "/healthz" => Ok(whole(StatusCode::OK, "text/plain", "alive\n")),
            "/readyz" => {
                self.ask(
                    call("ping"),
                    Caller {
                        name: "anyone".into(),
                        role: Role::Anyone,
                    },
                )
                .await?;
                Ok(whole(StatusCode::OK, "text/plain", "ready\n"))
            }
            "/metrics" => self.metrics().await,
            _ => Err(no_path(path)),
        }
    }

    async fn operate(
        &self,
        caller: Caller,
        operation: &'static Operation,
        path: BTreeMap<&'static str, String>,
        request: Request<Incoming>,
    ) -> Result<Answered, Refusal> {
        let is_bare = ["ping", "openapi", "api-show"].contains(&operation.id);
        let needed = match operation.role {
            Role::Anyone if !self.is_open && !is_bare => Role::Read,
            role => role,
        };
        if caller.role < needed {
            let name = needed.name();
            return Err(match caller.role {
                Role::Anyone => Refusal::new(
                    StatusCode::UNAUTHORIZED,
                    format!("`{}` needs a token of the role {name}", operation.id),
                )
                .with(header::WWW_AUTHENTICATE, "Bearer"),
                _ => Refusal::new(
                    StatusCode::FORBIDDEN,
                    format!(
                        "`{}` needs the role {name}, and the token of {} has {}",
                        operation.id,
                        caller.name,
                        caller.role.name()
                    ),
                ),
            });
        }
        let query = query(request.uri().query().unwrap_or_default())?;
        let fields = request.headers().clone();
        let field = |name: header::HeaderName| fields.get(name)?.to_str().ok();
        if let Act::Changes = operation.act {
            return self.changes(field(header::HeaderName::from_static("last-event-id")));
        }
        let body = body(operation, &fields, request).await?;
        let key = field(header::HeaderName::from_static("idempotency-key"));
        let key = key.filter(|_| operation.method == Method::Post);
        let key = key
            .map(|key| a_key(key, &caller, operation, &path, &body))
            .transpose()?;
        let if_match = field(header::IF_MATCH).map(str::to_string);
        let if_match = if_match.filter(|_| operation.method != Method::Get);
        let call = Call {
            operation,
            path,
            query,
            body,
            is_local: false,
        };
        let target = call.clone();
        let answer = self.hand_over(call, caller, if_match, key).await?;
        Ok(shown(&target, answer, &field))
    }

    /// Has an operation carried out.
    async fn ask(&self, call: Call, caller: Caller) -> Result<Answer, Refusal> {
        self.hand_over(call, caller, None, None).await
    }

    async fn hand_over(
        &self,
        call: Call,
        caller: Caller,
        if_match: Option<String>,
        key: Option<Key>,
    ) -> Result<Answer, Refusal> {
        let patience = match call.operation.act {
            Act::Apart(_) => APART_PATIENCE,
            Act::Now(_) | Act::Changes => PATIENCE,
        };
        let (reply, replied) = oneshot::channel();
        let job = Job {
            call,
            who: caller.name,
            if_match,
            key,
            reply,
        };
        let stopping = || {
            Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "it is stopping: ask again in a moment",
            )
        };
        let asking = async {
            self.jobs.send(job).await.map_err(|_| stopping())?;
            replied.await.map_err(|_| stopping())
        };
        let replied = timeout(patience, asking).await.map_err(|_| {
            Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "it is busy: see whether it was done, and ask again",
            )
        })?;
        match replied? {
            Reply::Done(done) => Ok(done?),
            Reply::Changed => Err(Refusal::new(
                StatusCode::PRECONDITION_FAILED,
                "it is not what `If-Match` says any more: look at it again",
            )),
            Reply::OtherKey => Err(Refusal::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "this `Idempotency-Key` was used for another request: take a new one",
            )),
        }
    }

    /// What happens, from now on.
    fn changes(&self, behind: Option<&str>) -> Result<Answered, Refusal> {
        if self.listeners.get() >= LISTENERS_MAX {
            let detail = format!("{LISTENERS_MAX} listen already");
            return Err(
                Refusal::new(StatusCode::TOO_MANY_REQUESTS, detail).with(header::RETRY_AFTER, "60")
            );
        }
        let (sender, receiver) = mpsc::channel(4);
        let mut listener = self.feed.listen(behind);
        let count = self.listeners.clone();
        count.set(count.get() + 1);
        spawn_local(async move {
            let mut octets = listener.greeting();
            while sender.send(octets).await.is_ok() {
                octets = tokio::select! {
                    heard = timeout(SILENCE, listener.next()) => {
                        heard.unwrap_or_else(|_| Bytes::from_static(b": still here\n\n"))
                    }
                    () = sender.closed() => break,
                };
            }
            count.set(count.get() - 1);
        });
        let mut response = Response::new(Content::Stream(receiver));
        let kind = header::HeaderValue::from_static("text/event-stream");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        Ok(response)
    }

    /// Counts, and no names (Prometheus text exposition format 0.0.4).
    async fn metrics(&self) -> Result<Answered, Refusal> {
        let anyone = Caller {
            name: "anyone".into(),
            role: Role::Anyone,
        };
        let status = self.ask(call("status"), anyone).await?.json;
        let mut metrics = Metrics::new("counterpoint_controller");
        let count = |key: &str| status[key].as_u64().unwrap_or_default();
        let what = "Signers that are declared.";
        metrics.one("signers", Kind::Gauge, what, count("signers"));
        let what = "Groups that are declared.";
        metrics.one("groups", Kind::Gauge, what, count("groups"));
        let states = [
            "rest", "queued", "running", "waiting", "watching", "blocked",
        ];
        let states = states.map(|state| {
            let zones = status["states"][state].as_u64().unwrap_or_default();
            (state, zones)
        });
        let what = "Zones, by how they stand.";
        metrics.by("zones", Kind::Gauge, what, "state", states);
        let what = "Questions and updates since the declarations were last read.";
        metrics.one("sent", Kind::Gauge, what, count("sent"));
        let told = self.feed.told();
        metrics.one(
            "changes_total",
            Kind::Counter,
            "Changes that were told.",
            told,
        );
        let listeners = self.listeners.get() as u64;
        metrics.one(
            "listeners",
            Kind::Gauge,
            "Who listens to changes.",
            listeners,
        );
        let responses = self.responses.borrow();
        let responses = responses.iter();
        let responses: Vec<(String, u64)> = responses
            .map(|(status, count)| (status.to_string(), *count))
            .collect();
        let responses = responses
            .iter()
            .map(|(status, count)| (status.as_str(), *count));
        let what = "Responses, by status.";
        metrics.by("responses_total", Kind::Counter, what, "status", responses);
        Ok(whole(StatusCode::OK, CONTENT_TYPE, metrics.text()))
    }
}

/// A call of the daemon itself.
fn call(id: &str) -> Call {
    Call {
        is_local: false,
        ..Call::of(id)
    }
}

type Found = Vec<(&'static Operation, BTreeMap<&'static str, String>)>;

/// The operations of a path, and what stands in its places.
fn found(path: &str) -> Result<Found, Refusal> {
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |operation: &'static Operation| {
        let known: Vec<&str> = operation.path.split('/').collect();
        let mut places = BTreeMap::new();
        if known.len() != parts.len() {
            return None;
        }
        for (known, part) in known.iter().zip(&parts) {
            match known
                .strip_prefix('{')
                .and_then(|known| known.strip_suffix('}'))
            {
                Some(place) => {
                    let text = unpercent(part).filter(|text| !text.is_empty())?;
                    places.insert(place, text);
                }
                None if known != part => return None,
                None => {}
            }
        }
        Some((operation, places))
    };
    let found: Found = OPERATIONS.iter().filter_map(fits).collect();
    match found.is_empty() {
        true => Err(no_path(path)),
        false => Ok(found),
    }
}

fn of_method(
    found: Found,
    method: &str,
) -> Result<(&'static Operation, BTreeMap<&'static str, String>), Refusal> {
    let wanted = if method == "HEAD" { "GET" } else { method };
    let names: Vec<&str> = found
        .iter()
        .map(|(operation, _)| operation.method.name())
        .collect();
    let allowed = names.join(", ");
    let mut found = found.into_iter();
    let found = found.find(|(operation, _)| operation.method.name() == wanted);
    found.ok_or_else(|| not_allowed(&allowed))
}

fn no_path(path: &str) -> Refusal {
    let path: String = path.chars().take(TARGET_SHOWN).collect();
    let detail = format!("there is nothing at `{path}`: {ROOT}/operations lists what there is");
    Refusal::new(StatusCode::NOT_FOUND, detail)
}

fn not_allowed(allowed: &str) -> Refusal {
    let detail = format!("this path takes {allowed}");
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, detail).with(header::ALLOW, allowed)
}

/// `a=b&c=d`.
fn query(text: &str) -> Result<BTreeMap<String, String>, Refusal> {
    let bad = |why: &str| Refusal::new(StatusCode::BAD_REQUEST, format!("the query: {why}"));
    let mut query = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
        let plain = |text: &str| unpercent(&text.replace('+', " "));
        let pair = plain(name).zip(plain(text));
        let (name, text) = pair.ok_or_else(|| bad("it is not UTF-8 behind its percent signs"))?;
        if query.insert(name.clone(), text).is_some() {
            return Err(bad(&format!("`{name}` is said twice")));
        }
    }
    Ok(query)
}

/// What is handed over, if this operation takes anything.
async fn body(
    operation: &Operation,
    fields: &HeaderMap,
    request: Request<Incoming>,
) -> Result<Value, Refusal> {
    let collecting = Limited::new(request.into_body(), BODY_OCTETS_MAX).collect();
    let collected = timeout(BODY_PATIENCE, collecting).await.map_err(|_| {
        Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not arrive in time",
        )
    })?;
    let octets =
        collected.map_err(
            |error| match error.is::<http_body_util::LengthLimitError>() {
                true => {
                    let detail = format!("the body is longer than {BODY_OCTETS_MAX} octets");
                    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
                }
                false => Refusal::new(StatusCode::BAD_REQUEST, "the body broke off"),
            },
        )?;
    let octets = octets.to_bytes();
    if octets.is_empty() && operation.body.is_none() {
        return Ok(Value::Null);
    }
    let kind = fields
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind
        .and_then(|kind| kind.split(';').next())
        .unwrap_or_default();
    if !kind.trim().eq_ignore_ascii_case("application/json") {
        let detail = "the body must be JSON, and `Content-Type` say so: application/json";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    serde_json::from_slice(&octets).map_err(|error| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            format!("the body is no JSON: {error}"),
        )
    })
}

/// The key of a repetition, bound to who uses it.
fn a_key(
    key: &str,
    caller: &Caller,
    operation: &Operation,
    path: &BTreeMap<&str, String>,
    body: &Value,
) -> Result<Key, Refusal> {
    if key.is_empty() || key.len() > KEY_CHARS_MAX {
        let detail = format!("`Idempotency-Key` has 1 to {KEY_CHARS_MAX} characters");
        return Err(Refusal::new(StatusCode::BAD_REQUEST, detail));
    }
    let hash = |parts: String| HEXLOWER.encode(digest(&SHA256, parts.as_bytes()).as_ref());
    Ok(Key {
        hash: hash(format!("{}\n{key}", caller.name)),
        digest: hash(format!("{}\n{path:?}\n{body}", operation.id)),
    })
}

/// The response that brings an answer.
fn shown<'a>(
    call: &Call,
    answer: Answer,
    field: &impl Fn(header::HeaderName) -> Option<&'a str>,
) -> Answered {
    let accepted = field(header::ACCEPT).unwrap_or_default();
    let is_text = accepted.trim_start().starts_with("text/plain");
    let mark = (call.operation.method == Method::Get).then(|| etag(&answer.json));
    let known = field(header::IF_NONE_MATCH).unwrap_or_default();
    let is_known = mark.as_deref().is_some_and(|mark| {
        known
            .split(',')
            .map(str::trim)
            .any(|known| known == mark || known == "*")
    });
    let status = match is_known {
        true => StatusCode::NOT_MODIFIED,
        false => StatusCode::from_u16(call.operation.status).unwrap_or_default(),
    };
    let next = answer.json["next"].as_str().map(|next| {
        let mut next_call = call.clone();
        next_call.query.insert("after".into(), next.into());
        format!("<{}>; rel=\"next\"", next_call.target())
    });
    let mut response = match (is_known, is_text) {
        (true, _) => {
            let mut response = Response::new(Content::Whole(None));
            *response.status_mut() = status;
            response
        }
        (_, true) => whole(status, "text/plain; charset=utf-8", answer.text),
        _ => whole(status, "application/json", answer.json.to_string()),
    };
    let fields = [
        (header::ETAG, mark.filter(|_| !is_text)),
        (header::LINK, next),
        (header::VARY, Some("accept".into())),
        (
            header::HeaderName::from_static(FINE),
            Some(answer.is_fine.to_string()),
        ),
        (header::LOCATION, location(call)),
    ];
    for (name, text) in fields {
        if let Some(text) = text.and_then(|text| text.parse().ok()) {
            response.headers_mut().insert(name, text);
        }
    }
    response
}

/// Where what was made is found.
fn location(call: &Call) -> Option<String> {
    match call.operation.status {
        201 => {
            let name = call.body["name"].as_str()?;
            let here = call.target();
            let there = Call::of("zone-show").at("zone", name).target();
            Some(format!("{here}/{}", there.rsplit('/').next()?))
        }
        202 => {
            let zone = call.path.get("zone")?;
            Some(Call::of("zone-processes").at("zone", zone).target())
        }
        _ => None,
    }
}

fn whole(status: StatusCode, kind: &'static str, text: impl Into<Bytes>) -> Answered {
    let mut response = Response::new(Content::Whole(Some(text.into())));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
