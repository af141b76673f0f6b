//! A server process: started, waited for until it answers, stopped when dropped.

use std::{
    fs::{self, File},
    io,
    net::{SocketAddr, UdpSocket},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use counterpoint_dns::{
    message::{Question, Reply, ResponseCode, query},
    name::{Name, RecordType},
};

/// How long a server may take until it answers.
const START_MAX: Duration = Duration::from_secs(60);
/// How long it may take to stop before it is killed.
const STOP_MAX: Duration = Duration::from_secs(10);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// How much of a log is shown when a server does not come up, octets.
const LOG_MAX: usize = 2_000;

/// A running server.
#[derive(Debug)]
pub struct Daemon {
    process: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts `program`, which stays in the foreground and writes to `log`.
    pub fn start(program: &str, arguments: &[String], log: PathBuf) -> io::Result<Self> {
        let file = File::create(&log)?;
        // The server ends with us even if we are killed.
        let process = Command::new("setpriv")
            .args(["--pdeathsig", "TERM", program])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()?;
        Ok(Self { process, log })
    }

    /// Waits until the server has an RRset of `zone` to give.
    pub fn wait_for(&mut self, at: SocketAddr, zone: &Name, rtype: RecordType) -> io::Result<()> {
        let socket = UdpSocket::bind(("127.0.0.1", 0))?;
        socket.set_read_timeout(Some(PAUSE))?;
        let mut octets = [0; 4_096];
        for id in 0..(START_MAX.as_millis() / PAUSE.as_millis()) as u16 {
            if let Some(status) = self.process.try_wait()? {
                return Err(self.failed(&format!("it ended: {status}")));
            }
            let mut request = query(id, &Question::new(zone.clone(), rtype));
            // RD: a resolver gives nothing without being asked for it; other servers pass over it.
            request[2] |= 1;
            socket.send_to(&request, at)?;
            if let Ok((length, from)) = socket.recv_from(&mut octets)
                && from == at
                && let Ok(reply) = Reply::parse(&octets[..length])
                && reply.rcode == ResponseCode::NoError
                && !reply.answer.is_empty()
            {
                return Ok(());
            }
            pause();
        }
        Err(self.failed(&format!("{at} has no {rtype} of {zone}")))
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it wrote.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn failed(&self, why: &str) -> io::Error {
        let log = self.log();
        let from = log.len().saturating_sub(LOG_MAX);
        let end = log.get(from..).unwrap_or_default();
        io::Error::other(format!("{why}; the end of {}:\n{end}", self.log.display()))
    }

    fn stop(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.process.try_wait()?.is_none() {
            // A polite request: some leave processes of their own behind if they are killed.
            Command::new("kill").arg(self.id().to_string()).status()?;
        }
        for _ in 0..STOP_MAX.as_millis() / PAUSE.as_millis() {
            if let Some(status) = self.process.try_wait()? {
                return Ok(Some(status));
            }
            pause();
        }
        self.process.kill()?;
        self.process.wait().map(Some)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Whatever fails here, there is nobody left to tell.
        let _ = self.stop();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "real processes start and stop in real time"
)]
fn pause() {
    thread::sleep(PAUSE);
}
