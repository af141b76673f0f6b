//! Planted secrets, looked for in everything that the daemon says, answers, logs and remembers.

use std::fs;

use serde_json::json;

use crate::daemon::{Daemon, office, token};

/// In base64, as a TSIG key is; sent over the network.
const SENT: &str = "cGxhbnRlZC1vdmVyLXRoZS1uZXR3b3JrLTAx";
const SENT_TOKEN: &str = "planted-desec-token-02";

#[tokio::test]
async fn no_secret_shows_anywhere() {
    let office = office();
    let daemon = Daemon::start(&office);
    let admin = daemon.client(&office, "admin");
    let mut heard = String::new();
    let tsig = json!({ "name": "k", "secret": SENT });
    let gamma = json!({ "name": "gamma", "ns": ["ns1.gamma.test"], "primary": "192.0.2.7:53", "tsig": tsig });
    let desec = json!({ "url": "https://desec.io/api/v1", "token": SENT_TOKEN });
    let delta = json!({ "name": "delta", "ns": ["ns1.delta.test"], "desec": desec });
    let bad = json!({ "name": "bad", "ns": [], "primary": SENT, "tsig": tsig });
    let twice =
        json!({ "name": "gamma", "ns": ["x.test"], "primary": "192.0.2.7:53", "tsig": tsig });
    let short = json!({ "tsig": { "name": "k", "secret": "c2hvcnQ=" } });
    for (body, status) in [(&gamma, 201), (&delta, 201), (&twice, 422)] {
        let said = admin.post("/signers", body).await;
        assert_eq!(said.status, status, "{said:?}");
        heard += &format!("{said:?}");
    }
    let said = admin.post("/signers", &bad).await;
    assert_eq!(said.status, 422);
    let said = admin
        .ask("PATCH", "/api/v1/signers/gamma", short.to_string(), &[])
        .await;
    assert_eq!(said.status, 422, "{said:?}");
    let broken = format!("{{\"tsig\": {{\"secret\": \"{SENT}\"");
    heard += &format!(
        "{:?}",
        admin.ask("POST", "/api/v1/signers", broken, &[]).await
    );
    let join = json!({ "process": "join", "signer": "beta" });
    assert_eq!(
        admin
            .post("/zones/example.test./processes", &join)
            .await
            .status,
        202
    );
    let wrong = token(&office, "read") + "x";
    heard += &format!("{:?}", admin.with(Some(&wrong)).get("/signers").await);
    let document = admin.get("/openapi.json").await.json();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let is_apart = ["observation", "plan", "rrsets", "changes"]
            .iter()
            .any(|end| path.ends_with(end));
        if methods["get"].is_object() && !is_apart {
            for signer in ["gamma", "delta"] {
                let path = path
                    .replace("{zone}", "example.test.")
                    .replace("{signer}", signer);
                let path = path.replace("{process}", "join").replace("{group}", "g");
                for accept in ["application/json", "text/plain"] {
                    let said = admin.ask("GET", &path, "", &[("accept", accept)]).await;
                    heard += &format!("{said:?}");
                }
            }
        }
    }
    for path in ["/", "/page.js", "/page.css", "/metrics", "/healthz"] {
        heard += &format!("{:?}", admin.ask("GET", path, "", &[]).await);
    }
    daemon.signal("HUP");
    heard += &daemon.log();
    drop(daemon);

    // What is kept in files, but for those that are there to hold a secret, which nobody else may read.
    let mut holders = 0;
    for file in fs::read_dir(&office.0).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_string();
        let octets = fs::read(&path).unwrap();
        if [".secret", ".token", ".key"]
            .iter()
            .any(|end| name.ends_with(end))
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{name}");
            holders += 1;
        } else {
            heard += &String::from_utf8_lossy(&octets);
        }
    }
    assert_eq!(
        holders,
        2 + 3 + 1 + 2,
        "alpha, beta; three tokens; the key; gamma and delta"
    );
    let key = office.read("serve.key");
    let key = key.lines().nth(1).unwrap().to_string();
    let planted = [
        ("what was sent", SENT.to_string()),
        ("the token that was sent", SENT_TOKEN.into()),
        ("alpha's secret", office.read("alpha.secret").trim().into()),
        ("a token", token(&office, "admin")),
        ("a wrong token", wrong),
        ("the key", key),
    ];
    assert!(
        heard.contains("gamma") && heard.contains("asked"),
        "it was looked into"
    );
    for (what, secret) in planted {
        assert!(secret.len() >= 16, "{what}");
        assert!(!heard.contains(&secret), "{what} shows");
    }
}
