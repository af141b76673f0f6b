//! What watching very many zones costs: their signers and their parent answer on loopback, and the tool
//! watches them in a process of its own, first without haste, then within its usual budget.
//!
//! `cargo run --release -p counterpoint-controller --example many_zones [-- ZONES [GROUPS]]`; 10,000 zones
//! in 100 groups without. Each group has two signers with two instances each; all have one parent. It
//! prints how long the first look at all zones takes, how soon a tool that was killed asks again, how
//! many questions it asks then, and the most memory that it ever had. It fails where the tool did or
//! reported anything, or kept no bound. Servers and tool share the processor's cores, not their memory.

#![allow(clippy::disallowed_methods, reason = "an example measures real time")]

mod servers;

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use counterpoint_controller::cli::{self, Streams};
use servers::{PARENT, SIGNERS, Servers, address};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ZONES: usize = 10_000;
const GROUPS: usize = 100;
/// Questions a second: in the first round, and afterwards.
const BUDGETS: [u32; 2] = [2_000, 100];
/// How long questions are counted.
const COUNTED: Duration = Duration::from_secs(60);
/// After so long without a question that is new, all were asked.
const NOTHING_NEW: Duration = Duration::from_secs(3);
/// What was promised: the most memory, and the longest time from start to work.
const MIB_MAX: u64 = 500;
const RESTART_MAX: Duration = Duration::from_secs(2);
/// What this program calls itself with, to be the tool.
const AS_TOOL: &str = "counterpoint-controller";

fn main() -> Result<ExitCode> {
    let mut words = env::args_os().skip(1).peekable();
    if words.peek().is_some_and(|word| word == AS_TOOL) {
        let (mut out, mut err) = (io::stdout(), io::stderr());
        let mut streams = Streams {
            out: &mut out,
            err: &mut err,
        };
        return Ok(ExitCode::from(cli::main(words, &mut streams)));
    }
    let mut counts = words.map(|word| word.to_string_lossy().parse::<usize>());
    let zones = counts.next().transpose()?.unwrap_or(ZONES);
    let groups = counts.next().transpose()?.unwrap_or(GROUPS);
    measure(zones, groups.clamp(1, 250))
}

fn measure(zones: usize, groups: usize) -> Result<ExitCode> {
    let servers = Servers::start(groups)?;
    let folder = tempfile::tempdir()?;
    let mut kept = true;

    declare(folder.path(), zones, groups, BUDGETS[0])?;
    let mut tool = Tool::start(folder.path(), servers.port)?;
    let first = servers.await_question(&mut tool)?;
    let began = Instant::now();
    let mut last = (0, began);
    while last.1.elapsed() < NOTHING_NEW {
        thread::sleep(Duration::from_millis(50));
        tool.is_running()?;
        let different = servers.different();
        if different > last.0 {
            last = (different, Instant::now());
        }
    }
    let round = last.1 - began;
    let peak = tool.peak_mib()?;
    tool.kill()?;
    println!(
        "{zones} zones in {groups} groups: {} questions a round; the first, within {} a second, took {:.1} s ({:.0} a second)",
        last.0,
        BUDGETS[0],
        round.as_secs_f64(),
        last.0 as f64 / round.as_secs_f64()
    );
    println!(
        "first question {:.2} s after an empty start; peak {peak} MiB",
        first.as_secs_f64()
    );
    kept &= peak < MIB_MAX;

    declare(folder.path(), zones, groups, BUDGETS[1])?;
    let mut tool = Tool::start(folder.path(), servers.port)?;
    let again = servers.await_question(&mut tool)?;
    let (began, before) = (Instant::now(), servers.asked());
    let mut busiest = 0;
    while began.elapsed() < COUNTED {
        let earlier = servers.asked();
        thread::sleep(Duration::from_secs(1));
        tool.is_running()?;
        busiest = busiest.max(servers.asked() - earlier);
    }
    let rate = (servers.asked() - before) as f64 / began.elapsed().as_secs_f64();
    let peak = tool.peak_mib()?;
    tool.kill()?;
    println!(
        "after kill and restart: first question after {:.2} s; {rate:.1} questions a second over {} s within {} \
         (at most {busiest} in one); a round takes {:.0} s; peak {peak} MiB",
        again.as_secs_f64(),
        COUNTED.as_secs(),
        BUDGETS[1],
        last.0 as f64 / f64::from(BUDGETS[1]),
    );
    kept &= peak < MIB_MAX && again < RESTART_MAX && rate <= f64::from(BUDGETS[1]) * 1.01;
    let told = fs::read_to_string(folder.path().join("told"))?;
    if !told.is_empty() {
        let few: Vec<&str> = told.lines().take(5).collect();
        println!("the tool told what nobody expected:\n{}", few.join("\n"));
        kept = false;
    }
    Ok(if kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The tool, in a process of its own.
struct Tool {
    process: Child,
    began: Instant,
}

impl Tool {
    fn start(folder: &Path, port: u16) -> Result<Self> {
        let told = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("told"))?;
        let began = Instant::now();
        let process = Command::new(env::current_exe()?)
            .current_dir(folder)
            .args([
                AS_TOOL,
                "--config",
                "many.toml",
                "--server-port",
                &port.to_string(),
            ])
            .args(["run", "--watch"])
            .stdout(Stdio::null())
            .stderr(File::try_clone(&told)?)
            .spawn()?;
        Ok(Self { process, began })
    }

    /// An error, if it is not.
    fn is_running(&mut self) -> Result<()> {
        match self.process.try_wait()? {
            None => Ok(()),
            Some(status) => Err(format!("the tool has ended: {status}").into()),
        }
    }

    /// The most memory that it ever had, MiB.
    fn peak_mib(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib.ok_or("no VmHWM in /proc/PID/status")?.parse::<u64>()? / 1_024)
    }

    fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.kill();
    }
}

impl Servers {
    /// How long after its start the tool asks something.
    fn await_question(&self, tool: &mut Tool) -> Result<Duration> {
        let before = self.asked();
        while self.asked() == before {
            tool.is_running()?;
            thread::sleep(Duration::from_millis(1));
        }
        Ok(tool.began.elapsed())
    }
}

/// Declares all of it.
fn declare(folder: &Path, zones: usize, groups: usize, budget: u32) -> Result<()> {
    let mut text = format!(
        "[controller]\nquestions-per-second = {budget}\n\
         [parent]\nzone = \"test.\"\nns = [\"ns.test.\"]\nmax-ttl = \"1h\"\n\
         [resolver]\nroots = []\n[addresses]\n\"ns.test.\" = [\"{PARENT}\"]\n"
    );
    let signers = (0..groups).flat_map(|group| (0..SIGNERS).map(move |signer| (group, signer)));
    for (group, signer) in signers.clone() {
        for instance in 0..2 {
            let name = servers::nameserver(group, signer, instance);
            writeln!(
                text,
                "\"{name}\" = [\"{}\"]",
                address(group, signer, instance)
            )?;
        }
    }
    for (group, signer) in signers {
        let ns =
            [0, 1].map(|instance| format!("\"{}\"", servers::nameserver(group, signer, instance)));
        writeln!(
            text,
            "[[signer]]\nname = \"s{signer}-{group}\"\nns = [{}]\nprimary = \"{}:53\"\nmax-ttl = \"1h\"\n\
             tsig = {{ name = \"ctl.\", secret-file = \"secret\" }}",
            ns.join(", "),
            address(group, signer, 0),
        )?;
    }
    for group in 0..groups {
        let members = [0, 1].map(|signer| format!("\"s{signer}-{group}\""));
        writeln!(
            text,
            "[[group]]\nname = \"g{group}\"\nsigners = [{}]",
            members.join(", ")
        )?;
    }
    for zone in 0..zones {
        let name = servers::zone(zone);
        writeln!(
            text,
            "[[zone]]\nname = \"{name}\"\ngroup = \"g{}\"",
            zone % groups
        )?;
    }
    fs::write(folder.join("many.toml"), text)?;
    let mut options = OpenOptions::new();
    let mut secret = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(folder.join("secret"))?;
    writeln!(secret, "bm9ib2R5IHdyaXRlcyBhbnl0aGluZyBoZXJlIQ==")?;
    Ok(())
}
