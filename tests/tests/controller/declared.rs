//! Declarations by command, and what is refused.

use counterpoint_controller::declarations::Declarations;

use crate::kit::{Office, controller, stage};

fn say(office: &Office, words: &[&str]) -> (u8, String, String) {
    let mut words: Vec<String> = words.iter().map(|word| word.to_string()).collect();
    words.extend(["--config".into(), office.path("c.toml")]);
    controller(&words)
}

#[test]
fn a_file_is_begun_and_filled_by_commands() {
    let office = Office::new(&stage());
    std::fs::remove_file(office.path("c.toml")).unwrap();
    let (code, out, err) = say(&office, &["init", "--parent", "test"]);
    assert_eq!(code, 0, "{out}{err}");
    let (code, _, err) = say(&office, &["init", "--parent", "test"]);
    assert_eq!(code, 2, "{err}");
    let add = |signer: &str, more: &[&str]| {
        let (ns, secret) = (format!("ns1.{signer}.test"), format!("{signer}.secret"));
        let mut words = vec![
            "signer",
            "add",
            signer,
            "--ns",
            &ns,
            "--primary",
            "192.0.2.1:53",
            "--tsig-name",
            "k",
            "--secret-file",
            &secret,
        ];
        words.extend(more);
        say(&office, &words)
    };
    assert_eq!(add("alpha", &[]).0, 0);
    let (code, out, err) = add(
        "beta",
        &[
            "--tsig-algorithm",
            "hmac-sha512",
            "--via",
            "udp",
            "--max-ttl",
            "2h",
            "--signal-zone",
            "_signal.ns1.beta.test",
        ],
    );
    assert_eq!(code, 0, "{out}{err}");
    let (code, out, err) = say(
        &office,
        &["signer", "update", "beta", "--signal-zone", "beta.test"],
    );
    assert_eq!(code, 0, "{out}{err}");
    let (code, _, err) = say(
        &office,
        &["signer", "update", "beta", "--signal-zone", "alpha.test"],
    );
    assert_eq!(
        (code, err.contains("holds no signalling name")),
        (2, true),
        "{err}"
    );
    let (code, _, err) = add("alpha", &[]);
    assert_eq!((code, err.contains("declared already")), (2, true), "{err}");
    let (code, _, err) = add("gamma", &[]);
    assert_eq!((code, err.contains("gamma.secret")), (2, true), "{err}");
    assert_eq!(
        say(&office, &["group", "add", "g", "--signer", "alpha"]).0,
        0
    );
    assert_eq!(
        say(&office, &["zone", "add", "example.test", "--group", "g"]).0,
        0
    );
    let (code, _, err) = say(&office, &["zone", "add", "example.net", "--group", "g"]);
    assert_eq!(
        (code, err.contains("not below the parent")),
        (2, true),
        "{err}"
    );

    let (code, out, _) = say(&office, &["signer", "show", "beta"]);
    assert_eq!(code, 0);
    assert!(
        out.contains("via udp") && out.contains("max-ttl-seconds 7200"),
        "{out}"
    );
    assert!(out.contains("signal-zones beta.test."), "{out}");
    let secret = office.read("beta.secret");
    for words in [
        &["signer", "list"][..],
        &["signer", "list", "--json"],
        &["signer", "show", "beta"],
    ] {
        let (_, out, err) = say(&office, words);
        assert!(!out.contains(secret.trim()) && !err.contains(secret.trim()));
    }
    let (_, out, _) = say(&office, &["zone", "list"]);
    assert!(
        out.starts_with("example.test.") && out.contains("members alpha"),
        "{out}"
    );
    assert!(Declarations::load(office.path("c.toml").as_ref()).is_ok());
    let (code, _, err) = say(&office, &["signer", "remove", "alpha"]);
    assert_eq!(
        (code, err.contains("no signer `alpha`")),
        (2, true),
        "{err}"
    );
    assert_eq!(say(&office, &["signer", "remove", "beta"]).0, 0);
}

#[test]
fn what_is_under_way_needs_its_declarations() {
    let office = Office::new(&stage());
    let (code, out, err) = say(&office, &["zone", "join", "example.test", "beta"]);
    assert_eq!(code, 0, "{out}{err}");
    let (code, _, err) = say(&office, &["signer", "remove", "beta"]);
    assert_eq!(code, 2);
    assert!(
        err.contains("beta serves example.test., or is about to"),
        "{err}"
    );
    let (code, _, err) = say(&office, &["zone", "remove", "example.test"]);
    assert_eq!((code, err.contains("under way")), (1, true), "{err}");
    let (code, out, _) = say(&office, &["process", "list"]);
    assert_eq!(code, 0);
    assert!(out.contains("join beta of example.test.: queued"), "{out}");
    let (code, out, err) = say(&office, &["process", "cancel", "example.test"]);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(say(&office, &["signer", "remove", "beta"]).0, 0);
}

#[test]
fn what_is_not_declared_is_refused_with_a_remedy() {
    let office = Office::new(&stage());
    for (words, code, what) in [
        (
            &["audit-log", "example.test"][..],
            2,
            "nothing was ever done",
        ),
        (
            &["zone", "join", "example.test", "gamma"],
            2,
            "no signer `gamma`",
        ),
        (
            &["zone", "join", "other.test", "beta"],
            2,
            "no zone `other.test`",
        ),
        (&["observe", "other.test"], 2, "no zone `other.test`"),
        (
            &["group", "join", "g", "beta"],
            1,
            "no zone belongs to a group `g`",
        ),
        (
            &["process", "cancel", "example.test"],
            1,
            "nothing is under way",
        ),
        (&["process", "step", "example.test"], 1, "goes on by itself"),
        (
            &["process", "graph", "dance"],
            2,
            "there is no process `dance`",
        ),
        (
            &["zone", "roll", "example.test", "alpha", "dsk"],
            2,
            "invalid value",
        ),
    ] {
        let (found, out, err) = say(&office, words);
        assert_eq!(found, code, "{words:?}: {out}{err}");
        assert!(err.contains(what), "{words:?}: {err}");
    }
    // The owner is no signer, and may roll.
    let (code, out, err) = say(&office, &["zone", "roll", "example.test", "owner", "ksk"]);
    assert_eq!((code, out.contains("written down")), (0, true), "{err}");
    let (code, out, _) = say(&office, &["process", "graph", "join"]);
    assert_eq!((code, out.starts_with("join/1")), (0, true), "{out}");
    for words in [&["completions", "bash"][..], &["man"]] {
        let (code, out, _) = say(&office, words);
        assert!(code == 0 && out.contains("counterpoint-controller"));
    }
    // One at a time.
    let store = office.path("counterpoint-controller.state");
    let owner = counterpoint_dns::driver::sqlite::Owner {
        mark: 0x4350_6374,
        name: "counterpoint-controller",
    };
    let held = counterpoint_dns::driver::sqlite::SqliteStore::open(store.as_ref(), owner).unwrap();
    let (code, _, err) = say(&office, &["status"]);
    assert_eq!(
        (code, err.contains("another process uses it")),
        (2, true),
        "{err}"
    );
    drop(held);
    assert_eq!(say(&office, &["status"]).0, 0);
}

#[test]
fn a_web_interface_is_declared_with_a_token_that_nobody_else_reads() {
    let office = Office::new(&stage());
    let add = |more: &[&str]| {
        let mut words = vec!["signer", "add", "gamma", "--ns", "ns1.gamma.test"];
        words.extend(more);
        say(&office, &words)
    };
    let url = "https://desec.io/api/v1";
    for (more, part) in [
        (&[][..], "--primary"),
        (&["--desec", url], "--token-file"),
        (
            &["--desec", url, "--token-file", "gamma.token"],
            "gamma.token",
        ),
        (
            &["--desec", "http://desec.io", "--token-file", "gamma.token"],
            "https://",
        ),
    ] {
        let (code, out, err) = add(more);
        assert_eq!(
            (code, err.contains(part)),
            (2, true),
            "{more:?}: {out}{err}"
        );
        if part == "gamma.token" {
            office.write("gamma.token", "planted");
            let (code, _, err) = add(more);
            assert_eq!((code, err.contains("chmod 600")), (2, true), "{err}");
            office.secret("gamma.token", "planted\n");
        }
    }
    let (code, out, err) = add(&["--desec", url, "--token-file", "gamma.token"]);
    assert_eq!(code, 0, "{out}{err}");
    let (code, out, _) = say(&office, &["signer", "show", "gamma"]);
    assert_eq!(code, 0);
    assert!(out.contains("desec https://desec.io/api/v1"), "{out}");
    assert!(out.contains("2/s 15/min 100/h 300/day"), "{out}");
    assert!(!out.contains("planted"), "{out}");
    let text = office.read("c.toml").replace(
        "token-file = \"gamma.token\"",
        "token-file = \"gamma.token\", minimum = 1",
    );
    office.write("c.toml", &text);
    let (code, _, err) = say(&office, &["signer", "list"]);
    assert_eq!((code, err.contains("minimum-ttl")), (2, true), "{err}");
}
