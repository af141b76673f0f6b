//! The interface is asked thousands of things that its own document suggests, right, half right and wrong:
//! no answer is a defect, each is one that the document knows, and has the shape that it has there.
//!
//! `FUZZ_REQUESTS=100000 FUZZ_SEED=7 cargo test --workspace --test serves fuzz` asks more, and others.

use std::collections::{BTreeMap, BTreeSet};

use counterpoint_dns::stream::{Stream, stream};
use rand::{RngExt as _, seq::IndexedRandom as _};
use serde_json::{Map, Value, json};

use crate::{
    client::{Client, Said},
    daemon::{Daemon, office, pause},
    operations::fits,
};

const REQUESTS: u64 = 1_500;

/// Operations that ask servers. Here are none: whoever asks waits, so few do.
const PATIENT: [&str; 5] = [
    "signer-check",
    "zone-copy",
    "zone-observe",
    "zone-plan",
    "zone-rrsets",
];
/// They are asked in one round of so many.
const PATIENT_ROUNDS: u64 = 20;

/// What means something under a name: not everything is to be refused at the door.
const HINTS: [(&str, &[&str]); 19] = [
    ("algorithm", &["hmac-sha256"]),
    ("secret", &["c2VjcmV0"]),
    ("zone", &["example.test.", "example.test", "other.test."]),
    ("signer", &["alpha", "beta", "gamma"]),
    ("signers", &["alpha", "beta", "gamma"]),
    ("from", &["alpha", "beta"]),
    ("to", &["beta", "gamma"]),
    ("group", &["g", "h"]),
    (
        "process",
        &[
            "join",
            "leave",
            "replace",
            "roll",
            "roll-algorithm",
            "go-insecure",
        ],
    ),
    ("key", &["zsk", "ksk", "csk"]),
    ("name", &["g", "gamma", "other.test.", "third.test"]),
    ("ns", &["ns1.gamma.test"]),
    ("primary", &["127.0.0.1:53"]),
    ("max-ttl", &["2h", "1d"]),
    ("mode", &["automatic", "manual"]),
    ("rtype", &["TXT", "A"]),
    ("limit", &["1", "10"]),
    ("state", &["rest", "running", "blocked"]),
    ("after", &["alpha", "example.test."]),
];

/// What is wrong, or odd, wherever it stands.
const STRANGE: [&str; 16] = [
    "",
    " ",
    ".",
    "..",
    "../../etc/passwd",
    "a..b",
    "*",
    "\\",
    "\\000.test.",
    "%00",
    "\u{0}",
    "\u{202e}tset",
    "é.test",
    "-1",
    "1e999",
    "'; DROP TABLE zones; --",
];

/// One operation of the document.
struct Documented {
    id: String,
    method: String,
    path: String,
    queries: Vec<String>,
    fields: Vec<String>,
    body: Option<Value>,
    answers: BTreeMap<u16, Value>,
}

impl Documented {
    fn read(path: &str, method: &str, operation: &Value) -> Self {
        let names = |place: &str| {
            let parameters = operation["parameters"].as_array().unwrap().iter();
            let here = parameters.filter(|parameter| parameter["in"] == place);
            here.map(|parameter| parameter["name"].as_str().unwrap().to_string())
                .collect()
        };
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        let answers = operation["responses"].as_object().unwrap().iter();
        Self {
            id: operation["operationId"].as_str().unwrap().into(),
            method: method.to_uppercase(),
            path: path.into(),
            queries: names("query"),
            fields: names("header"),
            body: (!body.is_null()).then(|| body.clone()),
            answers: answers
                .map(|(status, answer)| {
                    let schema = answer["content"]["application/json"]["schema"].clone();
                    (status.parse().unwrap(), schema)
                })
                .collect(),
        }
    }
}

/// Somebody who tries everything.
struct Fuzzer(Stream);

impl Fuzzer {
    fn one_in(&mut self, count: u32) -> bool {
        self.0.random_range(0..count) == 0
    }

    /// Text for something of this name.
    fn text(&mut self, name: &str) -> String {
        let hint = HINTS.iter().find(|(known, _)| *known == name);
        let words = hint.map_or(&["x", "7", "127.0.0.1:53"][..], |(_, words)| words);
        match self.0.random_range(0..24_u8) {
            0 => STRANGE
                .choose(&mut self.0)
                .copied()
                .unwrap_or_default()
                .into(),
            1 => "x".repeat(self.0.random_range(60..400)),
            2 => (0..self.0.random_range(0..20))
                .map(|_| self.0.random::<char>())
                .collect(),
            _ => words
                .choose(&mut self.0)
                .copied()
                .unwrap_or_default()
                .into(),
        }
    }

    /// Anything that is JSON.
    fn anything(&mut self, depth: u8) -> Value {
        match self.0.random_range(0..if depth < 3 { 8_u8 } else { 5 }) {
            0 => Value::Null,
            1 => json!(self.one_in(2)),
            2 => [
                json!(0),
                json!(-1),
                json!(u64::MAX),
                json!(1.5),
                json!(1e300),
            ][self.0.random_range(0..5)]
            .clone(),
            3 | 4 => json!(self.text("")),
            5 | 6 => (0..self.0.random_range(0..3))
                .map(|_| self.anything(depth + 1))
                .collect(),
            _ => {
                let fields = (0..self.0.random_range(0..3))
                    .map(|_| (self.text(""), self.anything(depth + 1)));
                Value::Object(fields.collect())
            }
        }
    }

    /// What fits a schema, mostly.
    fn value(&mut self, name: &str, schema: &Value, depth: u8) -> Value {
        if self.one_in(30) {
            return self.anything(depth);
        }
        if let Some(any) = schema["anyOf"].as_array() {
            let one = any.choose(&mut self.0).unwrap_or(&Value::Null).clone();
            return self.value(name, &one, depth);
        }
        match schema["type"].as_str() {
            Some("string") => json!(self.text(name)),
            Some("boolean") => json!(self.one_in(2)),
            Some("integer") => json!([0, 1, 13, 15, 255, 256, u64::MAX][self.0.random_range(0..7)]),
            Some("null") => Value::Null,
            Some("array") => {
                let count = self.0.random_range(0..4);
                (0..count)
                    .map(|_| self.value(name, &schema["items"], depth + 1))
                    .collect()
            }
            Some("object") => self.object(schema, depth),
            _ => self.anything(depth),
        }
    }

    fn object(&mut self, schema: &Value, depth: u8) -> Value {
        let mut object = Map::new();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            let is_required = required.iter().any(|one| one == name);
            let is_left_out = if is_required {
                self.one_in(15)
            } else {
                self.one_in(2)
            };
            if !is_left_out {
                object.insert(name.clone(), self.value(name, schema, depth + 1));
            }
        }
        if schema["additionalProperties"].is_object() || self.one_in(20) {
            object.insert(
                self.text(""),
                self.value("", &schema["additionalProperties"], depth + 1),
            );
        }
        Value::Object(object)
    }

    /// The path of an operation, with something in its places and behind it.
    fn target(&mut self, operation: &Documented) -> String {
        let mut target = String::new();
        for part in operation.path.split('/').skip(1) {
            let part = match part.starts_with('{') {
                true => escaped(&self.text(part.trim_matches(['{', '}']))),
                false => part.into(),
            };
            target += &format!("/{part}");
        }
        let mut queries = Vec::new();
        for name in &operation.queries {
            if self.one_in(2) {
                queries.push(format!("{name}={}", escaped(&self.text(name))));
            }
        }
        if self.one_in(20) {
            queries.push(format!(
                "{}={}",
                escaped(&self.text("")),
                escaped(&self.text(""))
            ));
        }
        match queries.is_empty() {
            true => target,
            false => format!("{target}?{}", queries.join("&")),
        }
    }

    /// Fields of the head.
    fn head<'a>(&mut self, operation: &'a Documented) -> Vec<(&'a str, String)> {
        let mut fields = Vec::new();
        for name in &operation.fields {
            if self.one_in(4) {
                fields.push((name.as_str(), escaped(&self.text(name))));
            }
        }
        fields
    }

    fn body(&mut self, operation: &Documented) -> Vec<u8> {
        let body = match &operation.body {
            Some(schema) => self.value("", schema, 0).to_string(),
            None if self.one_in(10) => self.anything(0).to_string(),
            None => String::new(),
        };
        let mut body = body.into_bytes();
        if self.one_in(15) && !body.is_empty() {
            let at = self.0.random_range(0..body.len());
            match self.one_in(2) {
                true => body.truncate(at),
                false => body[at] = self.0.random(),
            }
        }
        body
    }
}

/// As it stands in a URL.
fn escaped(text: &str) -> String {
    let octets = text.bytes().map(|octet| match octet {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
            char::from(octet).to_string()
        }
        octet => format!("%{octet:02X}"),
    });
    octets.collect()
}

#[tokio::test]
async fn whatever_is_asked_has_a_documented_answer() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seed = number("FUZZ_SEED").unwrap_or(1);
    let requests: u64 = number("FUZZ_REQUESTS").unwrap_or(REQUESTS);
    let office = office();
    let daemon = Daemon::start(&office);
    let admin = daemon.client(&office, "admin");
    let operations = documented(&admin).await;
    let mut fuzzer = Fuzzer(stream(seed, "fuzz"));
    let mut statuses: BTreeMap<&str, BTreeSet<u16>> = BTreeMap::new();
    for at in 0..requests {
        let operation = &operations[at as usize % operations.len()];
        let round = at / operations.len() as u64;
        if PATIENT.contains(&operation.id.as_str()) && !round.is_multiple_of(PATIENT_ROUNDS) {
            continue;
        }
        let (target, body) = (fuzzer.target(operation), fuzzer.body(operation));
        let head = fuzzer.head(operation);
        let fields: Vec<(&str, &str)> = head
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        let said = patient(&admin, &operation.method, &target, &body, &fields).await;
        let asked = format!(
            "seed {seed}, request {at}: {} {target} {}",
            operation.method,
            String::from_utf8_lossy(&body)
        );
        judge(operation, &said, &asked);
        statuses
            .entry(&operation.id)
            .or_default()
            .insert(said.status);
    }
    let count = |is: fn(&u16) -> bool| statuses.values().filter(|all| all.iter().any(is)).count();
    let (good, refused) = (
        count(|status| *status < 300),
        count(|status| *status >= 400),
    );
    assert!(
        good * 2 > operations.len() && refused * 3 > operations.len() * 2,
        "it asked nothing of interest: {statuses:?}"
    );
    let ping = patient(&admin, "GET", "/api/v1/ping", b"", &[]).await;
    assert_eq!(ping.status, 200, "{ping:?}");
    assert!(!daemon.log().contains("\"defect\""), "{}", daemon.log());
}

/// Asks until it is not too often.
async fn patient(
    client: &Client,
    method: &str,
    target: &str,
    body: &[u8],
    fields: &[(&str, &str)],
) -> Said {
    loop {
        let said = client.ask(method, target, body.to_vec(), fields).await;
        if said.status != 429 {
            return said;
        }
        pause();
    }
}

async fn documented(client: &Client) -> Vec<Documented> {
    let document = client.get("/openapi.json").await.json();
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            all.push(Documented::read(path, method, operation));
        }
    }
    // A stream of events never ends.
    all.retain(|operation| operation.id != "changes");
    all
}

fn judge(operation: &Documented, said: &Said, asked: &str) {
    // Some of what is asked is no path of this operation any more.
    let is_elsewhere = [404, 405].contains(&said.status);
    let is_known = operation.answers.contains_key(&said.status) || is_elsewhere;
    assert!(said.status < 500 && is_known, "{asked}: {said:?}");
    match said.status {
        200..300 => fits(&operation.answers[&said.status], &said.json(), asked),
        status => {
            assert_eq!(
                said.field("content-type"),
                Some("application/problem+json"),
                "{asked}: {said:?}"
            );
            assert_eq!(said.json()["status"], status, "{asked}: {said:?}");
        }
    }
}
