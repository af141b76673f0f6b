//! A daemon in a process of its own, and what its operator gave it.

use std::{
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use counterpoint_dns::driver::clock::Clock;
use serde_json::Value;

use crate::{
    client::Client,
    kit::{Office, WORDS, controller, stage},
};

/// A daemon that does not begin to listen by then will not.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A daemon; killed when it is let go.
pub struct Daemon {
    pub child: Child,
    pub url: String,
    log: String,
}

/// An operator's files, with tokens of three roles, for a daemon on a port that is free.
pub fn office() -> Office {
    equip(Office::new(&stage()))
}

/// The same for a world.
pub fn equip(office: Office) -> Office {
    let say = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| word.to_string()).collect();
        let (code, out, err) = controller(&words);
        assert_eq!(code, 0, "{words:?}: {out}{err}");
    };
    let begun = office.path("begun.toml");
    say(&["init", "--parent", "test", "--config", &begun]);
    let text = office.read("begun.toml");
    let (_, serve) = text.split_once("\n[serve]").unwrap();
    let serve = serve.replace("127.0.0.1:8453", "127.0.0.1:0");
    let declared = office.read("c.toml");
    office.write("c.toml", &format!("{declared}\n[serve]{serve}"));
    fs::remove_file(&begun).unwrap();
    for role in ["read", "operate"] {
        let config = office.path("c.toml");
        say(&["token", "add", role, "--role", role, "--config", &config]);
    }
    office
}

/// The token of a role.
pub fn token(office: &Office, role: &str) -> String {
    office.read(&format!("{role}.token")).trim().to_string()
}

impl Daemon {
    /// Starts one that has nobody to ask.
    pub fn start(office: &Office) -> Self {
        let words = ["serve", "--config", &office.path("c.toml")];
        Self::start_with(office, &words.map(String::from))
    }

    /// Starts one with these words.
    pub fn start_with(office: &Office, words: &[String]) -> Self {
        let log = office.path("log");
        let mut options = fs::OpenOptions::new();
        let said = options.create(true).append(true).open(&log).unwrap();
        let before = fs::metadata(&log).unwrap().len() as usize;
        let mut tool = Command::new(std::env::current_exe().unwrap());
        let notify = office.path("notify");
        if fs::exists(&notify).unwrap() {
            tool.env("NOTIFY_SOCKET", notify);
        }
        let child = tool
            .args(["--exact", "kit::as_the_tool", "--nocapture"])
            .env(WORDS, serde_json::to_string(words).unwrap())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .unwrap();
        let mut daemon = Self {
            child,
            url: String::new(),
            log,
        };
        let since = Clock.now();
        while daemon.url.is_empty() {
            let said = daemon.log();
            let at = said[before..].lines().find_map(|line| {
                let line: Value = serde_json::from_str(line).ok()?;
                (line["event"] == "listening").then(|| line["at"].as_str().unwrap().to_string())
            });
            daemon.url = at.unwrap_or_default();
            let gone = daemon.child.try_wait().unwrap();
            assert!(
                gone.is_none() && Clock.now().since(since) < PATIENCE,
                "{said}"
            );
            pause();
        }
        daemon
    }

    /// All that it said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Somebody who asks it, with the token of a role.
    pub fn client(&self, office: &Office, role: &str) -> Client {
        Client {
            url: self.url.clone(),
            ca: office.read("serve.pem"),
            token: Some(token(office, role)),
        }
    }

    /// Has the system send it a signal.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Kills it where it stands.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A moment, in which another process does something.
#[expect(
    clippy::disallowed_methods,
    reason = "a process of its own is waited for; nothing is decided by it"
)]
pub fn pause() {
    thread::sleep(Duration::from_millis(20));
}
