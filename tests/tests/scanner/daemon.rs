//! `watch` in a process of its own, and what is seen of it from outside.

use std::{
    fs,
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use counterpoint_dns::{
    driver::clock::Clock,
    message::Question,
    name::RecordType,
    notify::{notify, notify_answered},
};
use counterpoint_simnet::topology::Stage;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UdpSocket},
    time::{sleep, timeout},
};

use crate::kit::{Office, Town, WORDS, name};

/// What does not happen by then does not happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A daemon; killed when it is let go.
pub struct Daemon {
    pub child: Child,
    pub notify: SocketAddr,
    pub status: SocketAddr,
    log: String,
    /// How long the log was when it began.
    before: usize,
}

/// Has the policy say how to watch; `more` are further lines of `[watch]`, and further sections.
pub fn equip(office: &Office, stage: &Stage, more: &str) {
    let watch =
        "[watch]\njitter = \"0s\"\npublish = \"0s\"\nreread = \"1s\"\nstatus = \"127.0.0.1:0\"\n";
    let notify = "[notify]\nlisten = [\"127.0.0.1:0\"]\n";
    let policy = office.policy(stage, &format!("{notify}{watch}{more}"));
    office.write("policy.toml", &policy);
}

impl Daemon {
    /// Starts one, and waits until it listens; the world answers meanwhile.
    pub async fn start(town: &mut Town, office: &Office, more: &[&str]) -> Self {
        let (state, out) = (office.path("state"), office.path("watch"));
        let words = ["watch", "--state", &state, "--out", &out];
        let words = town.words(office, &[&words[..], more].concat());
        let log = office.path("log");
        let mut options = fs::OpenOptions::new();
        let said = options.create(true).append(true).open(&log).unwrap();
        let before = fs::metadata(&log).unwrap().len() as usize;
        let mut tool = Command::new(std::env::current_exe().unwrap());
        let child = tool
            .args(["--exact", "kit::as_the_tool", "--nocapture"])
            .env(WORDS, serde_json::to_string(&words).unwrap())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .unwrap();
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut daemon = Self {
            child,
            notify: nowhere,
            status: nowhere,
            log,
            before,
        };
        let found = town.answering(daemon.listening()).await;
        (daemon.notify, daemon.status) = found;
        daemon
    }

    async fn listening(&self) -> (SocketAddr, SocketAddr) {
        let at = |events: &[Value], what: &str| -> Option<SocketAddr> {
            let one = events
                .iter()
                .find(|e| e["event"] == "listening" && e["for"] == what)?;
            one["at"]
                .as_str()?
                .trim_start_matches("http://")
                .parse()
                .ok()
        };
        loop {
            let events = self.events();
            if let (Some(notify), Some(status)) = (at(&events, "notify"), at(&events, "status")) {
                return (notify, status);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Everything that it said since it began.
    pub fn said(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap();
        log[self.before..].to_string()
    }

    /// The same, as far as it is events.
    pub fn events(&self) -> Vec<Value> {
        let lines = self.said();
        let lines = lines
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        lines.collect()
    }

    /// How many events there were of this kind.
    pub fn count(&self, event: &str) -> usize {
        let events = self.events();
        events.iter().filter(|e| e["event"] == event).count()
    }

    /// A path of its status.
    pub async fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.status).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// The sum of a metric over all its labels that contain this.
    pub async fn metric(&self, family: &str, label: &str) -> u64 {
        let text = self.get("/metrics").await;
        let family = format!("counterpoint_scanner_{family}");
        let values = text.lines().filter_map(|line| {
            let (key, value) = line.rsplit_once(' ')?;
            let is_it = key.split('{').next() == Some(&family) && key.contains(label);
            is_it.then(|| value.parse::<u64>().unwrap())
        });
        values.sum()
    }

    /// Waits until a metric is that much, at least.
    pub async fn reaches(&self, family: &str, label: &str, least: u64) {
        let since = Clock.now();
        while self.metric(family, label).await < least {
            let waited = Clock.now().since(since);
            assert!(waited < PATIENCE, "{family} {label}: {}", self.said());
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends it a NOTIFY about a child over UDP; the response code.
    pub async fn tell(&self, child: &str, rtype: RecordType) -> Option<u8> {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let request = notify(4_711, &Question::new(name(child), rtype));
        socket.send_to(&request, self.notify).await.unwrap();
        let mut octets = [0; 512];
        let came = timeout(Duration::from_secs(2), socket.recv(&mut octets)).await;
        let length = came.ok()?.unwrap();
        notify_answered(4_711, &octets[..length])
    }

    /// The same over TCP.
    pub async fn tell_by_stream(&self, child: &str, rtype: RecordType) -> Option<u8> {
        let mut stream = TcpStream::connect(self.notify).await.unwrap();
        let request = notify(4_712, &Question::new(name(child), rtype));
        stream.write_u16(request.len() as u16).await.unwrap();
        stream.write_all(&request).await.unwrap();
        let mut octets = vec![0; usize::from(stream.read_u16().await.ok()?)];
        stream.read_exact(&mut octets).await.ok()?;
        notify_answered(4_712, &octets)
    }

    /// Has the system send it a signal.
    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), &pid])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Asks it to stop; its exit code.
    pub async fn stop(mut self) -> i32 {
        self.signal("TERM");
        let since = Clock.now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap();
            }
            assert!(Clock.now().since(since) < PATIENCE, "{}", self.said());
            sleep(Duration::from_millis(10)).await;
        }
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
