//! How much time and memory very many delegations take: writes parent zones, answers for every child in
//! them that there is nothing, and has each planned and audited, in processes of their own.
//!
//! `cargo run --release -p counterpoint-farm --example million [-- DELEGATIONS…]`; 100,000, 300,000 and a
//! million without. A third of the delegations have a DS RRset. Rates are off; no more questions are under
//! way than the answerer's socket holds. It shares the processor's cores with the tool, not its memory.

#![allow(clippy::disallowed_methods, reason = "an example measures real time")]

use std::{
    env,
    error::Error,
    ffi::OsString,
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    net::UdpSocket,
    path::Path,
    process::{Command, ExitCode},
    thread,
    time::Instant,
};

use counterpoint_scanner::cli::{self, Streams};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const DELEGATIONS: [usize; 3] = [100_000, 300_000, 1_000_000];
const POLICY: &str = r#"
[gathering]
retry = []
address-rate = 0
address-in-flight = 0
operator-rate = 0
operator-in-flight = 0
in-flight = 128
private-addresses = ["127.0.0.1"]
[resolver]
roots = ["127.0.0.1"]
[self-test]
good = []
bogus = []
"#;
/// What this program calls itself with, to be the tool.
const AS_TOOL: &str = "counterpoint-scanner";

fn main() -> Result<ExitCode> {
    let mut words = env::args_os().skip(1).peekable();
    if words.peek().is_some_and(|word| word == AS_TOOL) {
        return be_the_tool(words);
    }
    let counts: Vec<usize> = words
        .map(|word| word.to_string_lossy().parse())
        .collect::<std::result::Result<_, _>>()?;
    let server = UdpSocket::bind(("127.0.0.1", 0))?;
    let port = server.local_addr()?.port().to_string();
    thread::spawn(move || answer(&server));
    for count in if counts.is_empty() {
        DELEGATIONS.to_vec()
    } else {
        counts
    } {
        let folder = tempfile::tempdir()?;
        write_zone(&folder.path().join("zone"), count)?;
        fs::write(folder.path().join("policy.toml"), POLICY)?;
        for words in ["plan --no-self-test --out out", "audit --report report"] {
            run(words, &port, folder.path(), count)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the tool in a process of its own, and prints what that took.
fn run(words: &str, port: &str, folder: &Path, count: usize) -> Result<()> {
    let began = Instant::now();
    let output = Command::new(env::current_exe()?)
        .current_dir(folder)
        .arg(AS_TOOL)
        .args(words.split(' '))
        .args(["--server-port", port, "--zone-file", "zone"])
        .args(["--policy", "policy.toml", "--state", "state"])
        .output()?;
    let took = began.elapsed().as_secs_f64();
    let said = String::from_utf8(output.stdout)?;
    if !output.status.success() || !said.contains(&format!("\n{count} children\n")) {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{words}` of {count}:\n{said}\n{errors}").into());
    }
    let told = said.lines().last().unwrap_or_default();
    let rate = count as f64 / took;
    println!("{count:>9} delegations, {words}: {took:.1} s, {rate:.0} children/s; {told}");
    Ok(())
}

/// The tool itself; its last line tells what it took.
fn be_the_tool(words: impl Iterator<Item = OsString>) -> Result<ExitCode> {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let mut streams = Streams {
        out: &mut out,
        err: &mut err,
        progress: false,
    };
    let code = cli::main(words, &mut streams);
    println!("CPU {:.1} s, peak {} MiB", cpu_seconds()?, peak_mib()?);
    Ok(ExitCode::from(code))
}

/// A zone of so many delegations, a third of them secure, with two nameservers each.
fn write_zone(path: &Path, count: usize) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(
        file,
        "$ORIGIN big.\n$TTL 3600\n@ SOA ns1 hostmaster 1 1 1 1 1\n NS ns1\nns1 A 127.0.0.1\nns2 A 127.0.0.1"
    )?;
    for number in 0..count {
        writeln!(file, "child-{number} NS ns1\n\tNS ns2")?;
        if number % 3 == 0 {
            writeln!(file, "\tDS {} 13 2 {number:064X}", number % 65_536)?;
        }
    }
    file.flush()
}

/// Answers every question with NODATA, as the zone of that name.
fn answer(server: &UdpSocket) {
    let mut octets = [0; 4_096];
    // When nobody can be heard any more, nobody is answered.
    while let Ok((length, from)) = server.recv_from(&mut octets) {
        if let Some(answer) = nodata(&octets[..length]) {
            // A lost answer is asked for again.
            let _ = server.send_to(&answer, from);
        }
    }
}

fn nodata(request: &[u8]) -> Option<Vec<u8>> {
    let mut at = 12;
    while *request.get(at)? != 0 {
        at += 1 + usize::from(request[at]);
    }
    let question = request.get(12..at + 5)?;
    let mut answer = request[..2].to_vec();
    // QR and AA; one question, one record of authority.
    answer.extend([0x84, 0, 0, 1, 0, 0, 0, 1, 0, 0]);
    answer.extend(question);
    // SOA of that name, IN, TTL 300: the root twice, and five numbers.
    answer.extend([0xC0, 12, 0, 6, 0, 1, 0, 0, 1, 44, 0, 22, 0, 0]);
    answer.extend([0, 0, 0, 1].repeat(5));
    Some(answer)
}

/// The most memory that this process ever had, MiB.
fn peak_mib() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.ok_or("no VmHWM in /proc/self/status")?.parse::<u64>()? / 1_024)
}

/// CPU time of this process so far, seconds.
fn cpu_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // After the name in brackets; fields 14 and 15 of proc(5), in hundredths of a second.
    let rest = stat.rsplit(')').next().ok_or("no stat")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
}
