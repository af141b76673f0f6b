//! What a declarations file owes: every mistake has its place and its remedy, and an edit leaves the rest
//! alone.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use counterpoint_dns::agent::Transport;

use super::*;
use crate::config::{Interface, KskRoll, Safety, SignerName};

/// A directory that is gone afterwards.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("counterpoint-declared-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        let place = Self(path);
        place.write("a.secret", "c2VjcmV0IHNlY3JldCBzZWNyZXQ=\n", 0o600);
        place
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const GOOD: &str = r#"# kept
[parent]
zone = "test."

[[signer]]
name = "alpha"
ns = ["ns1.alpha.test."]
primary = "192.0.2.1:53"
tsig = { name = "ctl.", secret-file = "a.secret" }

[[zone]]
name = "example.test."   # kept too
signers = ["alpha"]
"#;

#[test]
fn what_is_not_said_is_as_by_default_and_what_is_said_counts() {
    let place = Place::new();
    let path = place.write("c.toml", GOOD, 0o644);
    let plain = Declarations::load(&path).unwrap().config;
    let default = Config::new(plain.parent.zone.clone());
    assert_eq!(plain.poll, default.poll);
    assert_eq!(plain.safety, default.safety);
    assert_eq!(plain.parent.max_ttl, default.parent.max_ttl);
    assert_eq!(plain.digests, default.digests);
    assert!(plain.guard && plain.audit && plain.manual.is_empty());
    assert_eq!(plain.resolver.as_ref().unwrap().roots.len(), 13);
    assert_eq!(plain.resolver.as_ref().unwrap().trust_anchor.len(), 2);

    let more = GOOD
        .replace("primary", "via = \"udp\"\nmax-ttl = \"2h\"\nprimary")
        .replace(
            "primary",
            "signal-zones = [\"alpha.test.\", \"_signal.ns1.alpha.test.\"]\nprimary",
        )
        .replace(
            "signers = [\"alpha\"]",
            "signers = [\"alpha\"]\nmode = \"manual\"",
        );
    let more =
        format!("[controller]\nsafety = \"25%\"\nksk-roll = \"double\"\nguard = false\n{more}");
    let config = Declarations::read(&path, &more).unwrap().config;
    let alpha = &config.signers[&SignerName::from("alpha")];
    let Interface::Ddns(access) = &alpha.interface else {
        panic!("{alpha:?}");
    };
    assert_eq!(
        (access.via, alpha.max_ttl),
        (Transport::Udp, Duration::from_secs(7_200))
    );
    assert_eq!(
        (
            plain.signers[&"alpha".into()].signal_zones.len(),
            alpha.signal_zones.len()
        ),
        (0, 2)
    );
    assert_eq!(
        (config.safety, config.ksk_roll),
        (Safety::Share(0.25), KskRoll::Double)
    );
    assert!(!config.guard && config.manual.len() == 1);
}

#[test]
fn every_mistake_has_its_place_and_a_remedy() {
    let place = Place::new();
    let path = place.write("c.toml", GOOD, 0o644);
    for (from, to, at, what) in [
        (
            "[parent]",
            "[parent]\nzoom = 1",
            "3:1",
            "unknown field `zoom`",
        ),
        ("zone = \"test.\"", "", "2:1", "missing field `zone`"),
        ("\"test.\"", "\"te..st\"", "3:8", "is no name"),
        (
            "name = \"alpha\"",
            "name = \"a b\"",
            "6:8",
            "cannot be a name",
        ),
        ("[\"ns1.alpha.test.\"]", "[]", "7:6", "without nameservers"),
        (
            "[\"ns1.alpha.test.\"]",
            "[\"ns1.alpha.test.\"]\nsignal-zones = [\"beta.test.\"]",
            "8:16",
            "beta.test. holds no signalling name of this signer",
        ),
        (
            "primary = \"192.0.2.1:53\"\ntsig = { name = \"ctl.\", secret-file = \"a.secret\" }",
            "desec = { token-file = \"a.secret\" }\nsignal-zones = [\"alpha.test.\"]",
            "9:16",
            "deSEC's web interface writes no signalling names",
        ),
        ("[\"alpha\"]", "[\"beta\"]", "13:12", "no signer `beta`"),
        ("[\"alpha\"]", "[]", "13:11", "nobody serves it"),
        (
            "signers = [\"alpha\"]",
            "group = \"g\"",
            "13:9",
            "no group `g`",
        ),
        (
            "signers = [\"alpha\"]",
            "",
            "12:8",
            "one of `signers` and `group`",
        ),
        (
            "\"example.test.\"",
            "\"example.net.\"",
            "12:8",
            "not below the parent",
        ),
        (
            "primary",
            "via = \"tls\"\nprimary",
            "8:7",
            "unknown variant `tls`",
        ),
        (
            "primary",
            "max-ttl = \"3 moons\"\nprimary",
            "8:11",
            "is no span of time",
        ),
        (
            "secret-file",
            "secret = \"x\", secret-file",
            "9:8",
            "one of `secret` and",
        ),
    ] {
        let text = GOOD.replacen(from, to, 1);
        let error = Declarations::read(&path, &text).unwrap_err();
        let shown = error.to_string();
        assert!(
            error.place.ends_with(&format!("c.toml:{at}")),
            "{shown}\n{text}"
        );
        assert!(error.what.contains(what), "{shown}");
        assert!(!error.remedy.is_empty());
    }
    let twice = format!("{GOOD}[[zone]]\nname = \"EXAMPLE.test\"\nsigners = [\"alpha\"]\n");
    let error = Declarations::read(&path, &twice).unwrap_err();
    assert!(error.what.contains("declared twice"), "{error}");
}

#[test]
fn a_secret_is_refused_where_others_may_read_it_and_never_shown() {
    let place = Place::new();
    let inline = GOOD.replace(
        "secret-file = \"a.secret\"",
        "secret = \"c2VjcmV0IHNlY3JldCBzZWNyZXQ=\"",
    );
    let path = place.write("c.toml", &inline, 0o640);
    let error = Declarations::load(&path).unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
    place.write("c.toml", &inline, 0o600);
    let declared = Declarations::load(&path).unwrap();
    let shown = format!("{declared:?}");
    assert!(
        !shown.contains("c2VjcmV0") && !shown.contains("secret secret"),
        "{shown}"
    );

    let path = place.write("d.toml", GOOD, 0o644);
    place.write("a.secret", "c2VjcmV0IHNlY3JldCBzZWNyZXQ=", 0o604);
    let error = Declarations::load(&path).unwrap_err().to_string();
    assert!(
        error.contains("a.secret") && error.contains("chmod 600"),
        "{error}"
    );
    for (text, what) in [("hunter2!", "not in base64"), ("c2hvcnQ=", "shorter than")] {
        place.write("a.secret", text, 0o600);
        let error = Declarations::load(&path).unwrap_err().to_string();
        assert!(error.contains(what) && !error.contains(text), "{error}");
    }
}

#[test]
fn an_edit_changes_what_it_names_and_nothing_else() {
    let place = Place::new();
    let path = place.write("c.toml", GOOD, 0o640);
    let beta = Edit::Add(vec![
        ("ns", Field::Texts(vec!["ns1.beta.test.".into()])),
        ("primary", Field::Text("192.0.2.2:53".into())),
        (
            "tsig",
            Field::Table(vec![
                ("name", "b.".into()),
                ("secret-file", "a.secret".into()),
            ]),
        ),
    ]);
    beta.of(&path, "signer", "beta").unwrap().write().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.starts_with("# kept\n") && text.contains("# kept too"),
        "{text}"
    );
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert_eq!(Declarations::load(&path).unwrap().config.signers.len(), 2);

    let error = beta.of(&path, "signer", "beta").unwrap_err();
    assert!(error.what.contains("declared already"), "{error}");
    let slow = Edit::Update(vec![("max-ttl", Field::Text("2d".into()))]);
    slow.of(&path, "signer", "beta").unwrap().write().unwrap();
    assert!(
        slow.of(&path, "signer", "gamma")
            .unwrap_err()
            .what
            .contains("no signer")
    );
    let wrong = Edit::Update(vec![("max-ttl", Field::Text("soon".into()))]);
    wrong.of(&path, "signer", "beta").unwrap_err();
    let needed = Edit::Remove.of(&path, "signer", "alpha").unwrap_err();
    assert!(needed.what.contains("no signer `alpha`"), "{needed}");
    Edit::Remove
        .of(&path, "signer", "beta")
        .unwrap()
        .write()
        .unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), GOOD);
}
