//! The same commands, asked of a controller that serves: each is one request, over TLS.
//!
//! What is shown is what the controller says, for people or for programs; nothing is made of it here.
//! Files that a command names are read here, and what they hold is sent.

use std::{fs, io, io::IsTerminal as _, path::Path, time::Duration};

use counterpoint_dns::{
    driver::http::connect,
    web::{Secret, Url},
};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    header::LINK,
};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::{
    Streams,
    arguments::{Command, Common, Process},
    charts,
};
use crate::{
    api::{Answer, Call, Failure, resources::Problem},
    declarations::{BadDeclaration, private_text},
    serve::FINE,
    setup::runtime,
};

/// How long an answer is waited for: as long as a signer that is checked may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// Longer answers are none.
const OCTETS_MAX: usize = 64 << 20;
/// How often a status is shown anew, at most.
const BETWEEN: Duration = Duration::from_secs(1);

/// Asks for one operation.
pub(super) fn ask(
    common: &Common,
    url: &str,
    command: &Command,
    mut call: Call,
) -> Result<Answer, Failure> {
    if let Command::Plan(plan) = command
        && plan.scenario.is_some()
    {
        let what = "the scenario is written where the controller is";
        return Err(BadDeclaration::new("--scenario", what, "leave it out, or --server").into());
    }
    let is_chart = matches!(
        command,
        Command::Process(Process::Graph { mermaid: true, .. })
    );
    inline(&mut call.body)?;
    let server = Server::new(common, url)?;
    let mut target = call.target();
    let mut whole: Option<Answer> = None;
    loop {
        let (answer, next) = runtime()?.block_on(async {
            let limit = timeout(
                PATIENCE,
                server.answer(&call, &target, common.json || is_chart),
            );
            limit
                .await
                .unwrap_or_else(|_| Err(server.failed(&"no answer")))
        })?;
        whole = Some(match whole {
            None => answer,
            Some(whole) => joined(whole, answer),
        });
        match (next, whole) {
            (Some(next), so_far) => (target, whole) = (next, so_far),
            (None, Some(mut answer)) => {
                if is_chart {
                    answer.text = charts(&answer.json);
                }
                return Ok(answer);
            }
            (None, None) => unreachable!("an answer was just put there"),
        }
    }
}

/// Shows the status, and shows it again when something happens.
pub(super) fn watch(
    common: &Common,
    url: &str,
    streams: &mut Streams<'_>,
) -> Result<Answer, Failure> {
    let server = Server::new(common, url)?;
    let status = Call::of("status");
    let changes = Call::of("changes");
    runtime()?.block_on(async {
        let mut feed = server.send(&changes, &changes.target(), false).await?;
        loop {
            let (answer, _) = server
                .answer(&status, &status.target(), common.json)
                .await?;
            if io::stdout().is_terminal() {
                // Clears the screen (ECMA-48 §8.3.39, §8.3.21).
                write!(streams.out, "\x1b[2J\x1b[H")?;
            }
            match common.json {
                true => writeln!(streams.out, "{}", answer.json)?,
                false => writeln!(streams.out, "{}", answer.text)?,
            }
            streams.out.flush()?;
            // A comment that keeps the connection alive is no news.
            loop {
                let frame = feed.body_mut().frame().await;
                let Some(Ok(frame)) = frame else {
                    return Err(server.failed(&"it tells no more"));
                };
                let is_news = |data: &Bytes| data.windows(7).any(|octets| octets == b"event: ");
                if frame.data_ref().is_some_and(is_news) {
                    break;
                }
            }
            sleep(BETWEEN).await;
        }
    })
}

/// A controller that serves.
struct Server<'a> {
    url: &'a str,
    token: Option<Secret>,
    ca: Option<String>,
}

impl<'a> Server<'a> {
    fn new(common: &Common, url: &'a str) -> Result<Self, Failure> {
        let url = url.trim_end_matches('/');
        Url::parse(url).map_err(|why| {
            BadDeclaration::new("--server", why, "write it as https://127.0.0.1:8453")
        })?;
        let token = common.server_token.as_deref().map(|path| {
            let text = private_text(path)?;
            Ok::<_, Failure>(Secret::new(format!("Bearer {}", text.trim())))
        });
        let ca = common.server_ca.as_deref().map(|path| {
            fs::read_to_string(path).map_err(|error| {
                let remedy = "name the certificate that `init` wrote";
                Failure::from(BadDeclaration::new(path.display(), error, remedy))
            })
        });
        Ok(Self {
            url,
            token: token.transpose()?,
            ca: ca.transpose()?,
        })
    }

    fn failed(&self, why: &dyn std::fmt::Display) -> Failure {
        let remedy = "see that `serve` runs there, and that --server-ca is its certificate";
        BadDeclaration::new(self.url, why, remedy).into()
    }

    /// Sends one request; the answer's body is still to come.
    async fn send(
        &self,
        call: &Call,
        target: &str,
        is_json: bool,
    ) -> Result<Response<Incoming>, Failure> {
        let url = Url::parse(self.url).map_err(|why| self.failed(&why))?;
        let accept = if is_json {
            "application/json"
        } else {
            "text/plain"
        };
        let mut head = Request::builder()
            .method(call.operation.method.name())
            .uri(target)
            .header("host", url.authority)
            .header("accept", accept);
        if let Some(token) = &self.token {
            head = head.header("authorization", token.reveal());
        }
        let body = match &call.body {
            Value::Null => Bytes::new(),
            body => {
                head = head.header("content-type", "application/json");
                Bytes::from(body.to_string())
            }
        };
        let request = head.body(Full::new(body)).map_err(|_| {
            self.failed(
                &"the request cannot be written: the token has characters that no token has",
            )
        })?;
        let connected = connect(&url, self.ca.as_deref()).await;
        let (mut sender, connection) = connected.map_err(|error| self.failed(&error))?;
        tokio::spawn(connection);
        sender
            .send_request(request)
            .await
            .map_err(|error| self.failed(&error))
    }

    /// The answer, and where the rest of it is.
    async fn answer(
        &self,
        call: &Call,
        target: &str,
        is_json: bool,
    ) -> Result<(Answer, Option<String>), Failure> {
        let response = self.send(call, target, is_json).await?;
        let status = response.status().as_u16();
        let field = |name: &str| response.headers().get(name)?.to_str().ok();
        let is_fine = field(FINE) != Some("false");
        let next = field(LINK.as_str()).and_then(|link| {
            let (target, _) = link.strip_prefix('<')?.split_once(">; rel=\"next\"")?;
            Some(target.to_string())
        });
        let body = Limited::new(response.into_body(), OCTETS_MAX)
            .collect()
            .await;
        let body = body.map_err(|error| self.failed(&error))?.to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        if !(200..300).contains(&status) {
            let problem = serde_json::from_str(&text).map_err(|_| {
                self.failed(&format!(
                    "it answers {status}, and not as a controller does"
                ))
            });
            let Problem { detail, .. } = problem?;
            return Err(match status {
                409 => Failure::Refused(detail),
                404 => Failure::Unknown(detail),
                500.. => Failure::Defect(detail),
                _ => Failure::BadInput(detail),
            });
        }
        let json = match is_json {
            true => serde_json::from_str(&text).map_err(|error| self.failed(&error))?,
            false => Value::Null,
        };
        Ok((
            Answer {
                text,
                json,
                is_fine,
            },
            next,
        ))
    }
}

/// A list, and what follows it.
fn joined(mut whole: Answer, more: Answer) -> Answer {
    whole.text.push_str(&more.text);
    whole.is_fine &= more.is_fine;
    if let (Some(items), Some(more)) = (
        whole.json["items"].as_array_mut(),
        more.json["items"].as_array(),
    ) {
        items.extend(more.iter().cloned());
        whole.json["next"] = Value::Null;
    }
    whole
}

/// What the files hold that a body names.
fn inline(body: &mut Value) -> Result<(), Failure> {
    let places = [
        ("tsig", "secret-file", "secret"),
        ("desec", "token-file", "token"),
        ("desec", "ca-file", "ca"),
    ];
    for (table, file, text) in places {
        let Some(fields) = body.get_mut(table).and_then(Value::as_object_mut) else {
            continue;
        };
        let Some(Value::String(path)) = fields.remove(file) else {
            continue;
        };
        let path = Path::new(&path);
        let held = match text {
            "ca" => fs::read_to_string(path).map_err(|error| {
                BadDeclaration::new(path.display(), error, "name a file that can be read")
            })?,
            _ => private_text(path)?,
        };
        fields.insert(text.into(), held.trim().into());
    }
    Ok(())
}
