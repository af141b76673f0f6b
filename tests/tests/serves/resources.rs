//! What is declared comes and goes; what changed meanwhile is not written over; what was asked twice is
//! done once.

use std::{collections::BTreeSet, os::unix::net::UnixDatagram, time::Duration};

use serde_json::{Value, json};

use crate::{
    daemon::{Daemon, office, pause},
    kit::controller,
};

#[tokio::test]
async fn signers_groups_and_zones_come_change_and_go() {
    let office = office();
    let daemon = Daemon::start(&office);
    let admin = daemon.client(&office, "admin");
    let gamma = json!({
        "name": "gamma", "ns": ["ns1.gamma.test"], "primary": "192.0.2.7:53", "max-ttl": "2h",
        "tsig": { "name": "k", "algorithm": "hmac-sha512", "secret": "cGxhbnRlZC1zZWNyZXQtb2YtZ2FtbWE=" },
    });
    let said = admin.post("/signers", &gamma).await;
    assert_eq!(said.status, 201, "{said:?}");
    assert_eq!(said.field("location"), Some("/api/v1/signers/gamma"));
    let said = admin.post("/signers", &gamma).await;
    assert_eq!(said.status, 422, "{said:?}");
    let shown = admin.get("/signers/gamma").await;
    assert_eq!(shown.json()["tsig"], "k.");
    assert_eq!(shown.json()["max-ttl-seconds"], 7_200);
    let stranger = json!({ "tsig": { "name": "k", "secret-file": "/etc/passwd" } });
    let said = admin
        .ask("PATCH", "/api/v1/signers/gamma", stranger.to_string(), &[])
        .await;
    assert_eq!(said.status, 422, "{said:?}");
    assert!(
        said.body.contains("at the machine of the controller"),
        "{said:?}"
    );

    let group = json!({ "name": "g", "signers": ["alpha", "gamma"] });
    assert_eq!(admin.post("/groups", &group).await.status, 201);
    let zone = json!({ "name": "Other.test", "group": "g", "mode": "manual" });
    let said = admin.post("/zones", &zone).await;
    assert_eq!(said.status, 201, "{said:?}");
    let shown = admin.get("/zones/other.TEST").await.json();
    assert_eq!(shown["mode"], "manual");
    assert_eq!(shown["members"], json!(["alpha", "gamma"]));
    assert_eq!(shown["state"], "rest");
    assert_eq!(
        admin.get("/groups/g").await.json()["zones"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let noted = json!({ "mode": "automatic", "meta": { "contact": "hostmaster@other.test" } });
    let said = admin
        .ask("PATCH", "/api/v1/zones/other.test", noted.to_string(), &[])
        .await;
    assert_eq!(said.status, 200, "{said:?}");
    let shown = admin.get("/zones/other.test").await.json();
    assert_eq!(shown["meta"]["contact"], "hostmaster@other.test");
    assert_eq!(shown["mode"], "automatic");
    let updaters = admin.get("/updaters").await.json();
    assert_eq!(updaters.as_array().unwrap().len(), 3);

    // Who is needed stays.
    assert_eq!(
        admin
            .ask("DELETE", "/api/v1/signers/gamma", "", &[])
            .await
            .status,
        422
    );
    assert_eq!(
        admin
            .ask("DELETE", "/api/v1/groups/g", "", &[])
            .await
            .status,
        422
    );
    for path in ["zones/other.test", "groups/g", "signers/gamma"] {
        let said = admin
            .ask("DELETE", &format!("/api/v1/{path}"), "", &[])
            .await;
        assert_eq!(said.status, 200, "{path}: {said:?}");
        assert_eq!(admin.get(&format!("/{path}")).await.status, 404);
    }

    // What was declared over the network is declared in the file.
    drop(daemon);
    let words = ["signer", "list", "--config", &office.path("c.toml")];
    let (code, out, _) = controller(&words.map(String::from));
    assert!(code == 0 && !out.contains("gamma"), "{out}");
}

#[tokio::test]
async fn what_changed_meanwhile_is_not_written_over() {
    let office = office();
    let daemon = Daemon::start(&office);
    let admin = daemon.client(&office, "admin");
    let zone = "/api/v1/zones/example.test.";
    let seen = admin.ask("GET", zone, "", &[]).await;
    let mark = seen.field("etag").unwrap().to_string();
    let again = admin
        .ask("GET", zone, "", &[("if-none-match", &mark)])
        .await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));

    // Ten change it at once, each having seen the same: one does.
    let changes = (0..10).map(|n| {
        let (admin, mark) = (admin.clone(), mark.clone());
        async move {
            let body = json!({ "meta": { "by": n.to_string() } }).to_string();
            admin
                .ask("PATCH", zone, body, &[("if-match", &mark)])
                .await
                .status
        }
    });
    let mut statuses = futures_util::future::join_all(changes).await;
    statuses.sort();
    assert_eq!(statuses[0], 200);
    assert!(
        statuses[1..].iter().all(|status| *status == 412),
        "{statuses:?}"
    );
    let said = admin.ask("DELETE", zone, "", &[("if-match", &mark)]).await;
    assert_eq!(said.status, 412, "{said:?}");
    let said = admin.ask("DELETE", zone, "", &[("if-match", "*")]).await;
    assert_eq!(said.status, 200, "{said:?}");
}

#[tokio::test]
async fn what_is_asked_twice_with_one_key_is_done_once() {
    let office = office();
    let daemon = Daemon::start(&office);
    let operate = daemon.client(&office, "operate");
    let ask = |client: &crate::client::Client, signer: &str, key: &'static str| {
        let body = json!({ "process": "join", "signer": signer }).to_string();
        let client = client.clone();
        let path = "/api/v1/zones/example.test./processes";
        async move {
            client
                .ask("POST", path, body, &[("idempotency-key", key)])
                .await
        }
    };
    let once = futures_util::future::join_all((0..8).map(|_| ask(&operate, "beta", "one"))).await;
    let bodies: BTreeSet<&str> = once.iter().map(|said| said.body.as_str()).collect();
    assert!(once.iter().all(|said| said.status == 202), "{once:?}");
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    let other = ask(&operate, "alpha", "one").await;
    assert_eq!(other.status, 422, "{other:?}");
    let admin = daemon.client(&office, "admin");
    let somebody_elses = ask(&admin, "beta", "one").await;
    assert_eq!(somebody_elses.status, 202, "{somebody_elses:?}");

    // After a kill as well.
    daemon.kill();
    let daemon = Daemon::start(&office);
    let operate = daemon.client(&office, "operate");
    let again = ask(&operate, "beta", "one").await;
    assert_eq!((again.status, &again.body), (202, &once[0].body));
    let processes = operate.get("/zones/example.test./processes").await.json();
    let joins = processes.as_array().unwrap();
    assert_eq!(
        joins.len(),
        2,
        "that of `operate`, once, and that of `admin`: {processes}"
    );
}

#[tokio::test]
async fn lists_come_in_pages_that_neither_repeat_nor_lack_anything() {
    let office = office();
    let mut declared = office.read("c.toml");
    for n in 0..250 {
        declared.push_str(&format!(
            "[[zone]]\nname = \"z{n}.test.\"\nsigners = [\"alpha\"]\n"
        ));
    }
    office.write("c.toml", &declared);
    let daemon = Daemon::start(&office);
    let client = daemon.client(&office, "read").with(None);
    let mut target = "/api/v1/zones?q=z&limit=100".to_string();
    let mut names = Vec::new();
    let mut pages = 0;
    loop {
        let said = client.ask("GET", &target, "", &[]).await;
        let page = said.json();
        let items = page["items"].as_array().unwrap();
        names.extend(
            items
                .iter()
                .map(|zone| zone["name"].as_str().unwrap().to_string()),
        );
        pages += 1;
        let Some(link) = said.field("link") else {
            assert_eq!(page["next"], Value::Null);
            break;
        };
        let (next, _) = link.strip_prefix('<').unwrap().split_once('>').unwrap();
        target = next.to_string();
    }
    let distinct: BTreeSet<_> = names.iter().collect();
    assert_eq!((pages, names.len(), distinct.len()), (3, 250, 250));
}

#[tokio::test]
async fn it_reads_anew_when_it_is_told_to_and_stops_in_good_order() {
    let office = office();
    let manager = UnixDatagram::bind(office.path("notify")).unwrap();
    manager
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut daemon = Daemon::start(&office);
    let admin = daemon.client(&office, "admin");
    let good = office.read("c.toml");
    let more = format!("{good}[[zone]]\nname = \"more.test.\"\nsigners = [\"alpha\"]\n");
    let events = |word: &str, daemon: &Daemon| daemon.log().matches(word).count();
    let hang_up = |text: &str, word: &str| {
        let before = events(word, &daemon);
        office.write("c.toml", text);
        daemon.signal("HUP");
        while events(word, &daemon) == before {
            pause();
        }
    };
    hang_up("nonsense", "\"not-reloaded\"");
    assert_eq!(admin.get("/zones/example.test.").await.status, 200);
    hang_up(&more, "\"reloaded\"");
    assert_eq!(admin.get("/zones/more.test.").await.status, 200);
    let revoked = more
        .split("[[token]]\nname = \"operate\"")
        .next()
        .unwrap()
        .to_string();
    let operate = daemon.client(&office, "operate");
    assert_eq!(operate.get("/signers").await.status, 200);
    let before = events("\"reloaded\"", &daemon);
    office.write("c.toml", &revoked);
    daemon.signal("HUP");
    while events("\"reloaded\"", &daemon) == before {
        pause();
    }
    assert_eq!(operate.get("/signers").await.status, 401);
    daemon.signal("TERM");
    let ended = daemon.child.wait().unwrap();
    assert!(ended.success(), "{ended}");
    let mut octets = [0; 64];
    for state in [
        "READY=1",
        "RELOADING=1",
        "READY=1",
        "RELOADING=1",
        "READY=1",
        "RELOADING=1",
        "READY=1",
        "STOPPING=1",
    ] {
        let length = manager.recv(&mut octets).unwrap();
        assert_eq!(&octets[..length], state.as_bytes());
    }
    assert!(daemon.log().contains("\"stopped\""));
    let lines = daemon.log();
    assert!(
        lines
            .lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok()),
        "{lines}"
    );
}
