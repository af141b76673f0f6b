//! A client of few words: one request, one connection.

use std::{io, time::Duration};

use counterpoint_dns::{driver::http::connect, web::Url};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
};
use serde_json::Value;
use tokio::time::timeout;

/// Whoever waits longer waits in vain.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody who asks.
#[derive(Clone)]
pub struct Client {
    pub url: String,
    pub ca: String,
    pub token: Option<String>,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Said {
    pub status: u16,
    pub fields: Vec<(String, String)>,
    pub body: String,
}

impl Said {
    /// The body, as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A field.
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(known, _)| known == name);
        found.map(|(_, text)| text.as_str())
    }
}

impl Client {
    /// The same with another token.
    pub fn with(&self, token: Option<&str>) -> Self {
        Self {
            token: token.map(str::to_string),
            ..self.clone()
        }
    }

    /// Sends a request as it is; the body of the answer is still to come. `Err`: nobody answers.
    pub async fn send(
        &self,
        method: &str,
        target: &str,
        body: impl Into<Bytes>,
        fields: &[(&str, &str)],
    ) -> io::Result<Response<Incoming>> {
        let url = Url::parse(&self.url).unwrap();
        let (mut sender, connection) = connect(&url, Some(&self.ca)).await?;
        tokio::spawn(connection);
        let body = body.into();
        let mut head = Request::builder()
            .method(method)
            .uri(target)
            .header("host", url.authority);
        if !body.is_empty() && !fields.iter().any(|(name, _)| *name == "content-type") {
            head = head.header("content-type", "application/json");
        }
        if let Some(token) = &self.token {
            head = head.header("authorization", format!("Bearer {token}"));
        }
        for (name, text) in fields {
            head = head.header(*name, *text);
        }
        let request = head.body(Full::new(body)).unwrap();
        let sent = timeout(PATIENCE, sender.send_request(request)).await;
        sent.expect("an answer in time").map_err(io::Error::other)
    }

    /// Asks, and hears the answer out.
    pub async fn ask(
        &self,
        method: &str,
        target: &str,
        body: impl Into<Bytes>,
        fields: &[(&str, &str)],
    ) -> Said {
        self.try_ask(method, target, body, fields).await.unwrap()
    }

    /// The same of somebody who may be gone before it is answered.
    pub async fn try_ask(
        &self,
        method: &str,
        target: &str,
        body: impl Into<Bytes>,
        fields: &[(&str, &str)],
    ) -> io::Result<Said> {
        let response = self.send(method, target, body, fields).await?;
        let status = response.status().as_u16();
        let fields = response.headers().iter();
        let fields = fields
            .map(|(name, text)| (name.to_string(), text.to_str().unwrap().to_string()))
            .collect();
        let body = timeout(PATIENCE, response.into_body().collect()).await;
        let body = body.expect("a body in time").map_err(io::Error::other)?;
        Ok(Said {
            status,
            fields,
            body: String::from_utf8(body.to_bytes().to_vec()).unwrap(),
        })
    }

    /// Looks.
    pub async fn get(&self, path: &str) -> Said {
        self.ask("GET", &format!("/api/v1{path}"), "", &[]).await
    }

    /// Adds to something, or acts upon it.
    pub async fn post(&self, path: &str, body: &Value) -> Said {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        self.ask("POST", &format!("/api/v1{path}"), body, &[]).await
    }
}

/// The events of a stream, as they come.
pub struct Events {
    response: Response<Incoming>,
    rest: String,
}

impl Events {
    /// From now on, or from behind an event.
    pub async fn open(client: &Client, behind: Option<&str>) -> Self {
        let fields: Vec<(&str, &str)> =
            behind.map(|id| ("last-event-id", id)).into_iter().collect();
        let response = client
            .send("GET", "/api/v1/changes", "", &fields)
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        let rest = String::new();
        Self { response, rest }
    }

    /// The next event that is no comment: its id, kind and data.
    pub async fn next(&mut self) -> (String, String, Value) {
        loop {
            if let Some((event, rest)) = self.rest.split_once("\n\n") {
                let field = |name: &str| {
                    let mut lines = event.lines();
                    let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    found.unwrap_or_default().to_string()
                };
                let (id, kind, data) = (field("id"), field("event"), field("data"));
                self.rest = rest.to_string();
                if kind.is_empty() {
                    continue;
                }
                return (id, kind, serde_json::from_str(&data).unwrap());
            }
            let frame = timeout(PATIENCE, self.response.body_mut().frame()).await;
            let frame = frame
                .expect("an event in time")
                .expect("it goes on")
                .unwrap();
            self.rest += str::from_utf8(frame.data_ref().unwrap()).unwrap();
        }
    }
}
