//! The command line against a daemon: the same commands, the same words, the same exit codes.

use std::{fs, os::unix::fs::PermissionsExt as _};

use tokio::task::spawn_blocking;

use crate::{
    daemon::{Daemon, office},
    kit::{Office, Said, controller},
};

/// The tool, here or at a daemon.
async fn say(office: &Office, daemon: Option<(&Daemon, &str)>, words: &[&str]) -> Said {
    let mut words: Vec<String> = words.iter().map(|word| word.to_string()).collect();
    match daemon {
        None => words.extend(["--config".into(), office.path("c.toml")]),
        Some((daemon, role)) => words.extend([
            "--server".into(),
            daemon.url.clone(),
            "--server-ca".into(),
            office.path("serve.pem"),
            "--server-token".into(),
            office.path(&format!("{role}.token")),
        ]),
    }
    spawn_blocking(move || controller(&words)).await.unwrap()
}

#[tokio::test]
async fn what_is_said_here_is_said_there() {
    let (here, there) = (office(), office());
    let daemon = Daemon::start(&there);
    there.secret("gamma.secret", &there.read("alpha.secret"));
    here.secret("gamma.secret", &here.read("alpha.secret"));
    let secrets = [here.path("gamma.secret"), there.path("gamma.secret")];
    for words in [
        &["zone", "list"][..],
        &["zone", "list", "--state", "blocked"],
        &["zone", "list", "--json"],
        &["zone", "show", "example.test"],
        &["zone", "show", "nothing.test"],
        &["signer", "list"],
        &["signer", "show", "alpha", "--json"],
        &[
            "signer",
            "add",
            "gamma",
            "--ns",
            "ns1.gamma.test",
            "--primary",
            "192.0.2.1:53",
            "--tsig-name",
            "k",
            "--secret-file",
            "gamma.secret",
        ],
        &["signer", "update", "gamma", "--max-ttl", "2h"],
        &["group", "add", "g", "--signer", "alpha"],
        &["group", "list"],
        &[
            "zone",
            "add",
            "second.test",
            "--group",
            "g",
            "--mode",
            "manual",
        ],
        &["zone", "update", "second.test", "--meta", "contact=nobody"],
        &["zone", "show", "second.test"],
        &["zone", "join", "example.test", "nobody"],
        &["process", "step", "example.test"],
        &["process", "cancel", "example.test"],
        &["process", "graph", "join"],
        &["process", "graph", "join", "--mermaid"],
        &["process", "graph", "dance"],
        &["process", "graph"],
        &["show", "api"],
        &["show", "updaters"],
        &["zone", "remove", "second.test"],
        &["audit-log", "nothing.test"],
        &["status"],
    ] {
        let words_of = |secret: &'static str, at: &str| -> Vec<String> {
            let words = words.iter().map(|word| {
                if *word == secret {
                    at.to_string()
                } else {
                    word.to_string()
                }
            });
            words.collect()
        };
        let [local, remote] = [0, 1].map(|n| words_of("gamma.secret", &secrets[n]));
        let local: Vec<&str> = local.iter().map(String::as_str).collect();
        let remote: Vec<&str> = remote.iter().map(String::as_str).collect();
        let (code, out, err) = say(&here, None, &local).await;
        let (code_there, out_there, err_there) =
            say(&there, Some((&daemon, "admin")), &remote).await;
        assert_eq!(
            code, code_there,
            "{words:?}: {out}{err} / {out_there}{err_there}"
        );
        let plain = |text: &str, office: &Office| {
            // Where their files are is all that differs.
            text.replace(&office.0.display().to_string(), "")
        };
        assert_eq!(plain(&out, &here), plain(&out_there, &there), "{words:?}");
        assert_eq!(plain(&err, &here), plain(&err_there, &there), "{words:?}");
    }
    let (code, out, _) = say(&there, Some((&daemon, "admin")), &["ping"]).await;
    assert_eq!(
        (code, out.starts_with("counterpoint-controller ")),
        (0, true),
        "{out}"
    );
    let (code, out, _) = say(&there, Some((&daemon, "operate")), &["process", "check"]).await;
    assert_eq!((code, out.contains("example.test.")), (0, true), "{out}");
}

#[tokio::test]
async fn who_cannot_be_asked_is_told_why_and_what_to_do() {
    let office = office();
    let daemon = Daemon::start(&office);
    let (code, _, err) = say(
        &office,
        Some((&daemon, "read")),
        &["zone", "remove", "example.test"],
    )
    .await;
    assert_eq!(
        (code, err.contains("needs the role admin")),
        (2, true),
        "{err}"
    );
    let (code, _, err) = say(&office, Some((&daemon, "admin")), &["run"]).await;
    assert_eq!(
        (code, err.contains("leave --server out")),
        (2, true),
        "{err}"
    );
    // Two at the files at once are one too many.
    let (code, _, err) = say(&office, None, &["status"]).await;
    assert_eq!((code, err.contains("--server URL")), (2, true), "{err}");
    // A certificate that nobody vouches for is not believed.
    let words = ["ping", "--server", &daemon.url];
    let words = words.map(String::from);
    let (code, _, err) = spawn_blocking(move || controller(&words)).await.unwrap();
    assert_eq!((code, err.contains("--server-ca")), (2, true), "{err}");
    let words = ["ping", "--server", "http://192.0.2.1/"].map(String::from);
    let (code, _, err) = spawn_blocking(move || controller(&words)).await.unwrap();
    assert_eq!((code, err.contains("without TLS")), (2, true), "{err}");
    fs::set_permissions(office.path("read.token"), fs::Permissions::from_mode(0o644)).unwrap();
    let (code, _, err) = say(&office, Some((&daemon, "read")), &["ping"]).await;
    assert_eq!((code, err.contains("chmod 600")), (2, true), "{err}");
}

#[test]
fn a_serve_that_cannot_begin_says_why() {
    let office = Office::new(&crate::kit::stage());
    let words = ["serve", "--config", &office.path("c.toml")].map(String::from);
    let (code, _, err) = controller(&words);
    assert_eq!(
        (code, err.contains("there is no [serve]")),
        (2, true),
        "{err}"
    );
}
