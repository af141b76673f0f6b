//! What can be said on the command line.

use std::{net::SocketAddr, path::PathBuf, str::FromStr};

use clap::{Args, Parser, Subcommand};

use crate::brakes::{BRAKES, FIXED};

const EXAMPLES: &str = "\
Examples:
  counterpoint-scanner audit --zone-file example.zone --sample 500
      ask 500 children, print what would change and why not; write nothing
  counterpoint-scanner --zone-file example.zone --out scan
      the same for all children, as a plan and a report in the directory scan
  counterpoint-scanner apply scan/plan.toml --zone-file example.zone --update 192.0.2.1:53 --tsig-key update.key
      check everything again, change the zone, look whether it changed
  counterpoint-scanner explain child.example --zone-file example.zone
      each rule's verdict on one child
  counterpoint-scanner watch --policy policy.toml --out watch
      stay and do all of it, day after day; changes nothing without --apply

Exit codes:
  0  everything went as it should
  1  something was refused, held back by a brake, or did not verify
  2  bad input or usage
  3  a defect of this program, or a disk that failed";

/// Finds CDS, CDNSKEY and CSYNC in the children of a zone, judges them by named rules, and turns them
/// into safe changes of the delegations. Without a command it plans.
#[derive(Debug, Parser)]
#[command(
    name = "counterpoint-scanner",
    version,
    after_long_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub struct Arguments {
    /// Print one JSON object instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(flatten)]
    pub plan: Plan,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask children and print what would change, and why not. Writes nothing.
    Audit(Audit),
    /// Ask children and write a plan of what would change. The default.
    Plan(Plan),
    /// Check every precondition of a plan again, then change the zone by dynamic update.
    Apply(Apply),
    /// Show each rule's verdict on one child, with the servers' answers.
    Explain(Explain),
    /// Watch all children, day after day: scan them when they are due or somebody notifies, plan, and
    /// apply if told so.
    Watch(Watch),
    /// Let a plan go that a brake of `watch` holds back.
    Release(Release),
    /// Print the DSYNC records for the parent's zone.
    Dsync(Dsync),
    /// Test resolver, trust anchor and clock with names that must be secure and names that must be bogus.
    Verify(Verify),
    /// Show what is remembered of a child, and what was decided about it.
    History(History),
    /// Go on with a plan or an apply that was interrupted.
    Resume(Resume),
    /// Write the state out, or read it in, as JSON Lines.
    State(State),
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the man page.
    Man,
}

/// Where the delegations come from, and by which policy they are judged.
#[derive(Clone, Debug, Args)]
pub struct Input {
    /// The policy file (TOML); without one, the defaults.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The parent's zone [default: the policy's, or that of the zone file's SOA].
    #[arg(long, value_name = "NAME")]
    pub zone: Option<String>,
    /// The parent's zone as a master file; `-` is standard input.
    #[arg(long, value_name = "FILE", group = "source")]
    pub zone_file: Option<PathBuf>,
    /// A list of delegations: `child ns1 ns2/ADDRESS … DS tag algorithm type digest`, one a line.
    #[arg(long, value_name = "FILE", group = "source", requires = "zone")]
    pub list: Option<PathBuf>,
    /// Transfer the parent's zone from this primary, with the TSIG key if there is one.
    #[arg(long, value_name = "ADDRESS:PORT", group = "source")]
    pub axfr: Option<SocketAddr>,
    /// The TSIG key for transfers and updates, as `tsig-keygen` writes it.
    #[arg(long, value_name = "FILE")]
    pub tsig_key: Option<PathBuf>,
    /// The registry's export (CSV or JSON): registrar, locks, last change, opt-outs.
    #[arg(long, value_name = "FILE")]
    pub registry: Option<PathBuf>,
    /// For trials: servers listen on this port, not on 53.
    #[arg(long, value_name = "PORT")]
    pub server_port: Option<u16>,
    /// For trials: a server known by one address is found at another.
    #[arg(long = "route", value_name = "ADDRESS:PORT=ADDRESS:PORT")]
    pub routes: Vec<Route>,
}

impl Input {
    /// Whether delegations come from the primary itself.
    pub fn is_transfer(&self) -> bool {
        self.zone_file.is_none() && self.list.is_none()
    }
}

/// The file that remembers.
#[derive(Clone, Debug, Args)]
pub struct StateFile {
    /// The state: what was seen and accepted of each child.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "counterpoint-scanner.state"
    )]
    pub state: PathBuf,
}

#[derive(Clone, Debug, Args)]
pub struct Audit {
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub state: StateFile,
    /// Ask only so many children, drawn by --seed.
    #[arg(long, value_name = "N")]
    pub sample: Option<usize>,
    /// Draws the sample: the same seed, the same children.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Write a report, the decisions and a CSV into this directory, and nothing anywhere else.
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub state: StateFile,
    /// The directory for plan.toml, the scripts, the decisions and the report.
    #[arg(long, value_name = "DIR", default_value = "counterpoint-scan")]
    pub out: PathBuf,
    /// Release a brake that would hold the plan back; more than once for several.
    #[arg(long = "release", value_name = "BRAKE", value_parser = brake)]
    pub releases: Vec<String>,
    /// Plan although the self-test fails or cannot be made.
    #[arg(long)]
    pub no_self_test: bool,
}

#[derive(Clone, Debug, Args)]
pub struct Apply {
    /// The plan.
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub state: StateFile,
    /// The primary that takes the updates [default: the policy's].
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub update: Option<SocketAddr>,
    /// Tell the registry of `[epp]` in the policy by EPP, instead of updating the zone.
    #[arg(long, conflicts_with = "update")]
    pub epp: bool,
    /// Release a brake that holds the plan back; more than once for several.
    #[arg(long = "release", value_name = "BRAKE", value_parser = brake)]
    pub releases: Vec<String>,
    /// Apply although the self-test fails or cannot be made.
    #[arg(long)]
    pub no_self_test: bool,
}

#[derive(Clone, Debug, Args)]
pub struct Watch {
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub state: StateFile,
    /// The directory for plan.toml, the scripts, the decisions and the notices.
    #[arg(long, value_name = "DIR", default_value = "counterpoint-watch")]
    pub out: PathBuf,
    /// Change the zone; without it, plans are written and nothing is changed.
    #[arg(long)]
    pub apply: bool,
    /// The primary that takes the updates [default: the policy's].
    #[arg(long, value_name = "ADDRESS:PORT", requires = "apply")]
    pub update: Option<SocketAddr>,
    /// Go on although the self-test fails or cannot be made.
    #[arg(long)]
    pub no_self_test: bool,
}

#[derive(Clone, Debug, Args)]
pub struct Release {
    /// The directory of `watch`, with the plan that is held back.
    #[arg(long, value_name = "DIR", default_value = "counterpoint-watch")]
    pub out: PathBuf,
    /// The brakes.
    #[arg(value_name = "BRAKE", required = true, value_parser = brake)]
    pub brakes: Vec<String>,
}

#[derive(Clone, Debug, Args)]
pub struct Dsync {
    /// The policy file (TOML); without one, the defaults.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The parent's zone [default: the policy's].
    #[arg(long, value_name = "NAME")]
    pub zone: Option<String>,
    /// The host that takes NOTIFY [default: `notify.target` of the policy].
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// Its port [default: `notify.port` of the policy].
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// The TTL, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    pub ttl: u32,
    /// Only for this child: the endpoint of a registrar.
    #[arg(long, value_name = "NAME")]
    pub child: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct Explain {
    /// The child.
    #[arg(value_name = "CHILD")]
    pub child: String,
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub state: StateFile,
}

#[derive(Clone, Debug, Args)]
pub struct Verify {
    /// The policy file (TOML); without one, the defaults.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// For trials: servers listen on this port, not on 53.
    #[arg(long, value_name = "PORT")]
    pub server_port: Option<u16>,
    /// For trials: a server known by one address is found at another.
    #[arg(long = "route", value_name = "ADDRESS:PORT=ADDRESS:PORT")]
    pub routes: Vec<Route>,
}

#[derive(Clone, Debug, Args)]
pub struct History {
    /// The child.
    #[arg(value_name = "CHILD")]
    pub child: String,
    #[command(flatten)]
    pub state: StateFile,
}

#[derive(Clone, Debug, Args)]
pub struct Resume {
    #[command(flatten)]
    pub state: StateFile,
}

#[derive(Clone, Debug, Args)]
pub struct State {
    #[command(subcommand)]
    pub action: StateAction,
}

#[derive(Clone, Debug, Subcommand)]
pub enum StateAction {
    /// Write all records and the log to FILE, or to standard output.
    Export {
        /// The file; it must not be there yet.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        state: StateFile,
    },
    /// Read what export wrote into a state that is still empty.
    Import {
        /// The file; `-` is standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        state: StateFile,
    },
}

/// Where a server is really found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    pub known_as: SocketAddr,
    pub found_at: SocketAddr,
}

impl FromStr for Route {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form =
            || "expected ADDRESS:PORT=ADDRESS:PORT, as 192.0.2.1:53=127.0.0.1:5300".to_string();
        let (known_as, found_at) = text.split_once('=').ok_or_else(form)?;
        Ok(Self {
            known_as: known_as.parse().map_err(|_| form())?,
            found_at: found_at.parse().map_err(|_| form())?,
        })
    }
}

fn brake(text: &str) -> Result<String, String> {
    let releasable = || BRAKES.into_iter().filter(|brake| !FIXED.contains(brake));
    match releasable().any(|brake| brake == text) {
        true => Ok(text.into()),
        false => Err(format!(
            "expected one of {}; what {} hold is never released",
            Vec::from_iter(releasable()).join(", "),
            FIXED.join(" and ")
        )),
    }
}
