//! Every operation of the document, asked by the right and the wrong people, with good and bad bodies.

use serde_json::{Value, json};

use crate::{
    client::Client,
    daemon::{Daemon, office, token},
};

/// An operation, as the document has it.
struct Documented {
    id: String,
    method: String,
    path: String,
    role: String,
    takes: bool,
    has_places: bool,
    status: u64,
}

async fn documented(client: &Client) -> Vec<Documented> {
    let document = client.get("/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let about = operation["description"].as_str().unwrap();
            let role = about.split('`').nth(1).unwrap();
            let statuses = operation["responses"].as_object().unwrap();
            let good = statuses
                .keys()
                .find(|status| status.starts_with('2'))
                .unwrap();
            all.push(Documented {
                id: operation["operationId"].as_str().unwrap().into(),
                method: method.to_uppercase(),
                path: path.clone(),
                role: role.into(),
                takes: operation["requestBody"].is_object(),
                has_places: path.contains('{'),
                status: good.parse().unwrap(),
            });
        }
    }
    assert!(all.len() > 30, "{}", all.len());
    all
}

/// A path with these in its places.
fn filled(path: &str, zone: &str, signer: &str, group: &str, process: &str) -> String {
    let path = path.replace("{zone}", zone).replace("{signer}", signer);
    path.replace("{group}", group).replace("{process}", process)
}

#[tokio::test]
async fn who_may_not_ask_is_told_so_and_changes_nothing() {
    let office = office();
    let daemon = Daemon::start(&office);
    let admin = daemon.client(&office, "admin");
    let before = office.read("c.toml");
    let roles = ["anyone", "read", "operate", "admin"];
    for operation in documented(&admin).await {
        let Documented {
            id,
            method,
            path,
            role,
            ..
        } = &operation;
        let path = filled(path, "example.test.", "alpha", "g", "join");
        let wrong = admin
            .with(Some("cpt_wrong"))
            .ask(method, &path, "{}", &[])
            .await;
        assert_eq!(wrong.status, 401, "{id}: {wrong:?}");
        assert!(wrong.field("www-authenticate").is_some(), "{id}");
        assert_eq!(
            wrong.field("content-type"),
            Some("application/problem+json")
        );
        let rank = roles.iter().position(|known| known == role).unwrap();
        for lower in &roles[..rank] {
            let who = match *lower {
                "anyone" => None,
                lower => Some(token(&office, lower)),
            };
            let said = admin
                .with(who.as_deref())
                .ask(method, &path, "{}", &[])
                .await;
            let expected = if who.is_none() { 401 } else { 403 };
            assert_eq!(said.status, expected, "{id} by {lower}: {said:?}");
            let problem = said.json();
            assert_eq!(problem["status"], expected, "{problem}");
            assert!(
                problem["detail"].as_str().unwrap().contains(role),
                "{problem}"
            );
        }
    }
    assert_eq!(office.read("c.toml"), before);
}

#[tokio::test]
async fn bodies_that_are_none_and_names_of_nothing_are_answered() {
    let office = office();
    let daemon = Daemon::start(&office);
    let admin = daemon.client(&office, "admin");
    let before = office.read("c.toml");
    let huge = format!("\"{}\"", "x".repeat(300 * 1_024));
    for operation in documented(&admin).await {
        let Documented {
            id,
            method,
            path,
            takes,
            has_places,
            ..
        } = &operation;
        let here = filled(path, "example.test.", "alpha", "g", "join");
        if id == "changes" {
            continue;
        }
        let said = admin.ask(method, &here, huge.clone(), &[]).await;
        assert_eq!(said.status, 413, "{id}: {said:?}");
        let said = admin.ask(method, &here, "{\"a\":", &[]).await;
        assert_eq!(said.status, 400, "{id}: {said:?}");
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let said = admin.ask(method, &here, "a=b", &form).await;
        assert_eq!(said.status, 415, "{id}: {said:?}");
        for strange in ["[]", "7", "{\"strange\": 1}", "{\"name\": {}}"] {
            let said = admin.ask(method, &here, strange, &[]).await;
            let is_known = [404, 422].contains(&said.status);
            assert!(is_known, "{id} with {strange}: {said:?}");
        }
        if *takes {
            let said = admin.ask(method, &here, "", &[]).await;
            assert_eq!(said.status, 415, "{id}: {said:?}");
        }
        let said = admin
            .ask(method, &format!("{here}?strange=1"), "", &[])
            .await;
        assert!([404, 415, 422].contains(&said.status), "{id}: {said:?}");
        if *has_places {
            let there = filled(path, "nothing.test.", "nobody", "none", "dance");
            let body = if *takes { good_body(id) } else { String::new() };
            let said = admin.ask(method, &there, body, &[]).await;
            // A group without zones can be asked, and refuses.
            let expected = if id == "group-ask" { 409 } else { 404 };
            assert_eq!(said.status, expected, "{id}: {said:?}");
            let detail = said.json()["detail"].as_str().unwrap().to_string();
            let names = ["nothing.test", "nobody", "none", "dance"];
            assert!(
                names.iter().any(|name| detail.contains(name)),
                "{id}: {detail}"
            );
        }
    }
    assert_eq!(office.read("c.toml"), before);
    for (method, path, status) in [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/zones/%ff", 404),
        ("GET", "/api/v1/zones?limit=0", 422),
        ("GET", "/api/v1/zones?state=odd", 422),
        ("GET", "/api/v1/zones?q=a&q=b", 400),
        ("GET", "/nothing", 404),
        ("PUT", "/api/v1/zones", 405),
        ("POST", "/", 405),
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("HEAD", "/api/v1/zones", 200),
    ] {
        let said = admin.ask(method, path, "", &[]).await;
        assert_eq!(said.status, status, "{method} {path}: {said:?}");
    }
    let said = admin.ask("PUT", "/api/v1/zones", "", &[]).await;
    assert_eq!(said.field("allow"), Some("GET, POST"));
    assert!(!daemon.log().contains("\"defect\""));
}

/// A body that this operation can read.
fn good_body(id: &str) -> String {
    let body = match id {
        "signer-update" => json!({ "max-ttl": "2h" }),
        "signer-check" => json!({ "zone": "nothing.test." }),
        "group-update" => json!({ "signers": ["alpha"] }),
        "group-ask" => json!({ "process": "join", "signer": "beta" }),
        "zone-update" => json!({ "mode": "manual" }),
        "zone-ask" => json!({ "process": "join", "signer": "beta" }),
        "zone-announce" => json!({ "signer": "alpha", "keys": [] }),
        "zone-copy" => json!({ "from": "alpha", "to": "beta", "rtype": "TXT" }),
        other => panic!("{other} takes a body that no test knows"),
    };
    body.to_string()
}

#[tokio::test]
async fn what_is_given_has_the_shape_that_is_documented() {
    let office = office();
    let daemon = Daemon::start(&office);
    let admin = daemon.client(&office, "admin");
    let said = admin
        .post("/groups", &json!({ "name": "g", "signers": ["alpha"] }))
        .await;
    assert_eq!(said.status, 201, "{said:?}");
    let join = json!({ "process": "join", "signer": "beta" });
    let said = admin.post("/zones/example.test./processes", &join).await;
    assert_eq!(said.status, 202, "{said:?}");
    let document = admin.get("/openapi.json").await.json();
    let mut checked = 0;
    for operation in documented(&admin).await {
        // The others ask servers, and there are none here; or never end.
        let apart = ["zone-observe", "zone-plan", "zone-rrsets", "changes"];
        if operation.method != "GET" || apart.contains(&operation.id.as_str()) {
            continue;
        }
        let path = filled(&operation.path, "example.test.", "alpha", "g", "join");
        let said = admin.ask("GET", &path, "", &[]).await;
        assert_eq!(
            u64::from(said.status),
            operation.status,
            "{}: {said:?}",
            operation.id
        );
        let answers = &document["paths"][&operation.path]["get"]["responses"]["200"]["content"];
        let schema = &answers["application/json"]["schema"];
        fits(schema, &said.json(), &operation.id);
        checked += 1;
        let text = admin
            .ask("GET", &path, "", &[("accept", "text/plain")])
            .await;
        assert!(
            !text.body.is_empty()
                && text
                    .field("content-type")
                    .unwrap()
                    .starts_with("text/plain")
        );
    }
    assert!(checked > 12, "{checked}");
}

/// The part of JSON Schema that the document uses.
pub fn fits(schema: &Value, value: &Value, place: &str) {
    if let Some(any) = schema["anyOf"].as_array() {
        let is_null = any.iter().any(|one| one["type"] == "null");
        if !(value.is_null() && is_null) {
            fits(&any[0], value, place);
        }
        return;
    }
    match schema["type"].as_str() {
        None => {}
        Some("string") => assert!(value.is_string(), "{place}: {value}"),
        Some("boolean") => assert!(value.is_boolean(), "{place}: {value}"),
        Some("integer") => assert!(value.is_u64(), "{place}: {value}"),
        Some("array") => {
            let all = value
                .as_array()
                .unwrap_or_else(|| panic!("{place}: {value}"));
            all.iter()
                .for_each(|one| fits(&schema["items"], one, place));
        }
        Some("object") => {
            let fields = value
                .as_object()
                .unwrap_or_else(|| panic!("{place}: {value}"));
            for required in schema["required"].as_array().into_iter().flatten() {
                let name = required.as_str().unwrap();
                assert!(
                    fields.contains_key(name),
                    "{place}: {name} is missing in {value}"
                );
            }
            for (name, value) in fields {
                let known = match &schema["properties"][name] {
                    Value::Null => &schema["additionalProperties"],
                    known => known,
                };
                assert!(known.is_object(), "{place}: {name} is not documented");
                fits(known, value, &format!("{place}.{name}"));
            }
        }
        Some(other) => panic!("{place}: {other}"),
    }
}

#[tokio::test]
async fn who_shows_nothing_to_strangers_shows_them_nothing() {
    let office = office();
    let declared = office.read("c.toml");
    let closed = declared.replacen(
        "certificate = ",
        "anonymous = \"nothing\"\ncertificate = ",
        1,
    );
    office.write("c.toml", &closed);
    let daemon = Daemon::start(&office);
    let admin = daemon.client(&office, "admin");
    let anyone = admin.with(None);
    for operation in documented(&anyone).await {
        if operation.method == "GET" {
            let path = filled(&operation.path, "example.test.", "alpha", "g", "join");
            let said = anyone.ask("GET", &path, "", &[]).await;
            let is_bare = ["ping", "openapi", "api-show"].contains(&operation.id.as_str());
            assert_eq!(
                said.status,
                if is_bare { 200 } else { 401 },
                "{}",
                operation.id
            );
        }
    }
    let metrics = anyone.ask("GET", "/metrics", "", &[]).await;
    assert!(
        metrics
            .body
            .contains("counterpoint_controller_zones{state=\"rest\"} 1\n"),
        "{metrics:?}"
    );
    assert!(!metrics.body.contains("example"), "{metrics:?}");
    assert!(
        metrics.body.contains("responses_total{status=\"401\"}"),
        "{metrics:?}"
    );
}
