//! What can be said on the command line.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::declarations::span;

const EXAMPLES: &str = "\
Examples:
  counterpoint-controller init --parent se.
      begin a file of declarations
  counterpoint-controller signer add beta --ns ns1.beta.example --primary 192.0.2.1:53 \\
      --tsig-name ctl. --secret-file beta.secret
      declare a signer
  counterpoint-controller plan example.se --join beta
      what would be done, when, and why that is safe; nothing is written
  counterpoint-controller zone join example.se beta
      ask for it
  counterpoint-controller run
      do it; may be stopped and run again at any time
  counterpoint-controller serve
      do it from now on, and answer over HTTPS; ask it with --server URL --server-token FILE

Exit codes:
  0  everything went as it should
  1  something was refused, or a person must act
  2  bad input or usage
  3  a defect of this program, or a disk that failed";

/// Keeps zones that several signers sign valid while signers join, leave and roll their keys.
#[derive(Debug, Parser)]
#[command(name = "counterpoint-controller", version, after_long_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command can be told.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// The declarations: parent, signers, groups, zones.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = "counterpoint-controller.toml"
    )]
    pub config: PathBuf,
    /// Print one JSON object instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// For trials: servers listen on this port, not on 53.
    #[arg(long, global = true, value_name = "PORT")]
    pub server_port: Option<u16>,
    /// For trials: a server known by one address is found at another.
    #[arg(
        long = "route",
        global = true,
        value_name = "ADDRESS:PORT=ADDRESS:PORT"
    )]
    pub routes: Vec<Route>,
    /// Ask a controller that serves, instead of the files here: its root, as https://127.0.0.1:8453.
    #[arg(long, global = true, value_name = "URL")]
    pub server: Option<String>,
    /// The file that holds the token for it.
    #[arg(long, global = true, value_name = "FILE", requires = "server")]
    pub server_token: Option<PathBuf>,
    /// The only certificates that are trusted there, in PEM; else those of the public authorities.
    #[arg(long, global = true, value_name = "FILE", requires = "server")]
    pub server_ca: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Begin a file of declarations, with every default in it; and key, certificate and a token for `serve`.
    Init {
        /// The delegating zone.
        #[arg(long, value_name = "NAME")]
        parent: String,
        /// Where `serve` will listen.
        #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8453")]
        listen: SocketAddr,
        /// A name, or an address, by which it will be asked; more than once for several.
        #[arg(long = "host", value_name = "NAME", default_values = ["localhost", "127.0.0.1", "::1"])]
        hosts: Vec<String>,
    },
    /// Serve: carry out what is asked for, watch the zones, answer over HTTPS, show a page. Ends on SIGTERM.
    Serve,
    /// Tokens: who may ask a `serve` for what.
    #[command(subcommand)]
    Token(Token),
    /// Ask who answers.
    Ping,
    /// Show what can be asked for, or how signers are written to.
    #[command(subcommand)]
    Show(Show),
    /// Signers: who signs and serves.
    #[command(subcommand)]
    Signer(Signer),
    /// Groups of signers.
    #[command(subcommand)]
    Group(Group),
    /// Zones, and what is to become of them.
    #[command(subcommand)]
    Zone(Zone),
    /// Processes: what was asked for, and how it stands.
    #[command(subcommand)]
    Process(Process),
    /// How everything stands: zones, members, processes.
    Status {
        /// Show it again whenever something happens; for a controller that serves.
        #[arg(long)]
        watch: bool,
    },
    /// Ask every instance of a zone and its parent what it serves. Writes nothing.
    Observe {
        /// The zone.
        zone: String,
    },
    /// Show what would be done, when, and why that is safe. Writes nothing.
    Plan(Plan),
    /// Carry out what was asked for, until it is done or a person must act.
    Run {
        /// Go on watching zones at rest: put back keys that vanish, follow signers that roll.
        #[arg(long)]
        watch: bool,
    },
    /// Write out what was observed, decided and done in a zone, for `counterpoint judge`.
    AuditLog {
        /// The zone.
        zone: String,
    },
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the man page.
    Man,
}

#[derive(Debug, Subcommand)]
pub enum Token {
    /// List their names and roles.
    List,
    /// Make one: it goes into a new file that nobody else may read, its hash into the declarations.
    Add {
        name: String,
        /// What it may do.
        #[arg(long, value_enum)]
        role: TokenRole,
        /// The file that is to hold it; else NAME.token beside the declarations.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Forget one: whoever has it is let in no more.
    Remove { name: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TokenRole {
    /// See everything but secrets.
    Read,
    /// Ask for processes, step and cancel them.
    Operate,
    /// Change what is declared.
    Admin,
}

#[derive(Debug, Subcommand)]
pub enum Show {
    /// The operations of the web interface.
    Api,
    /// How each signer is written to, and how often.
    Updaters,
}

#[derive(Debug, Subcommand)]
pub enum Signer {
    /// List them.
    List,
    /// Show one, without its secret.
    Show { name: String },
    /// Declare one.
    Add {
        name: String,
        /// Its nameserver names; more than once for several.
        #[arg(long, required = true, value_name = "NAME")]
        ns: Vec<String>,
        /// Where updates go.
        #[arg(long, value_name = "ADDRESS:PORT", required_unless_present = "desec")]
        primary: Option<SocketAddr>,
        /// The name of its TSIG key.
        #[arg(
            long,
            value_name = "NAME",
            requires = "secret_file",
            required_unless_present = "desec"
        )]
        tsig_name: Option<String>,
        /// The file that holds the secret of that key, in base64.
        #[arg(long, value_name = "FILE", requires = "tsig_name")]
        secret_file: Option<String>,
        #[command(flatten)]
        more: Box<SignerMore>,
    },
    /// Change a declaration.
    Update {
        name: String,
        /// Its nameserver names, all of them.
        #[arg(long, value_name = "NAME")]
        ns: Vec<String>,
        /// Where updates go.
        #[arg(long, value_name = "ADDRESS:PORT")]
        primary: Option<SocketAddr>,
        /// The name of its TSIG key.
        #[arg(long, value_name = "NAME", requires = "secret_file")]
        tsig_name: Option<String>,
        /// The file that holds the secret of that key, in base64.
        #[arg(long, value_name = "FILE", requires = "tsig_name")]
        secret_file: Option<String>,
        #[command(flatten)]
        more: Box<SignerMore>,
    },
    /// Forget one that serves nothing.
    Remove { name: String },
    /// Try what it can import: write foreign DNSKEY, CDS, CDNSKEY and CSYNC into a zone, read them
    /// back, take them out again. For a zone that the parent does not delegate to it.
    Check {
        name: String,
        /// The zone.
        zone: String,
    },
}

/// What a signer need not be told.
#[derive(Clone, Debug, Args)]
pub struct SignerMore {
    /// deSEC's web interface instead of dynamic update: its root, as https://desec.io/api/v1.
    #[arg(long, value_name = "URL", requires = "token_file", conflicts_with_all = ["primary", "tsig_name"])]
    pub desec: Option<String>,
    /// The file that holds the token for it.
    #[arg(long, value_name = "FILE", requires = "desec")]
    pub token_file: Option<String>,
    /// A file with the only certificates that are trusted there, in PEM.
    #[arg(long, value_name = "FILE", requires = "desec")]
    pub ca_file: Option<String>,
    /// hmac-sha256, hmac-sha384 or hmac-sha512.
    #[arg(long, value_name = "NAME", requires = "tsig_name")]
    pub tsig_algorithm: Option<String>,
    /// How updates travel.
    #[arg(long, value_enum)]
    pub via: Option<Via>,
    /// How it is written to: by plain updates, or with what the owner of a zone signed.
    #[arg(long, value_enum)]
    pub interface: Option<Interface>,
    /// A zone at the same primary in which it vouches for a first DS RRset (RFC 9615), at or above
    /// _signal.NAME of one of its nameserver names; more than once for several.
    #[arg(long = "signal-zone", value_name = "NAME", conflicts_with = "desec")]
    pub signal_zones: Vec<String>,
    /// No TTL in a zone that it served was ever longer.
    #[arg(long, value_name = "SPAN", value_parser = a_span)]
    pub max_ttl: Option<String>,
    /// Which keys it has; learned where not declared.
    #[arg(long, value_enum)]
    pub keys: Option<Keys>,
    /// An own key that cannot be learned: `flags protocol algorithm key`; more than once for several.
    #[arg(long, value_name = "DNSKEY")]
    pub own_key: Vec<String>,
    /// The address of a nameserver name inside the zone; more than once for several.
    #[arg(long = "in-zone-address", value_name = "NAME=ADDRESS")]
    pub in_zone: Vec<NamedAddress>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Via {
    Tcp,
    Udp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Interface {
    Ddns,
    SignedRrset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Keys {
    KskZsk,
    Csk,
}

#[derive(Debug, Subcommand)]
pub enum Group {
    /// List them.
    List,
    /// Show one.
    Show { name: String },
    /// Declare one.
    Add {
        name: String,
        /// Its signers; more than once for several.
        #[arg(long = "signer", required = true, value_name = "NAME")]
        signers: Vec<String>,
    },
    /// Change a declaration: who serves a zone of it when the controller first hears of that.
    Update {
        name: String,
        /// Its signers, all of them.
        #[arg(long = "signer", required = true, value_name = "NAME")]
        signers: Vec<String>,
    },
    /// Forget one that has no zone.
    Remove { name: String },
    /// A signer joins every zone of a group.
    Join { name: String, signer: String },
    /// A signer leaves every zone of a group.
    Leave { name: String, signer: String },
}

#[derive(Debug, Subcommand)]
pub enum Zone {
    /// List them.
    List {
        /// Those that stand like this: rest, open, queued, running, waiting, watching, blocked.
        #[arg(long)]
        state: Option<String>,
    },
    /// Show one.
    Show { name: String },
    /// Take one under control.
    Add {
        name: String,
        /// Who serves it now; more than once for several.
        #[arg(
            long = "signer",
            value_name = "NAME",
            required_unless_present = "group"
        )]
        signers: Vec<String>,
        /// The group that does.
        #[arg(long, value_name = "NAME", conflicts_with = "signers")]
        group: Option<String>,
        /// Whether each change waits until it is allowed.
        #[arg(long, value_enum)]
        mode: Option<Mode>,
    },
    /// Change a declaration.
    Update {
        name: String,
        /// Whether each change waits until it is allowed.
        #[arg(long, value_enum, required_unless_present_any = ["meta", "no_meta"])]
        mode: Option<Mode>,
        /// What is noted about it, all of it; more than once for several.
        #[arg(long, value_name = "KEY=TEXT")]
        meta: Vec<Noted>,
        /// Nothing is noted about it any more.
        #[arg(long, conflicts_with = "meta")]
        no_meta: bool,
    },
    /// Ask every instance of the signers of the zone for an RRset.
    GetRrsets {
        name: String,
        /// The type.
        #[arg(long = "type", value_name = "TYPE")]
        rtype: String,
        /// The owner name; the zone's own, if it is left out.
        #[arg(long, value_name = "NAME")]
        owner: Option<String>,
        /// At this signer alone.
        #[arg(long, value_name = "NAME")]
        signer: Option<String>,
    },
    /// Copy an RRset from one signer to another; none that a process brings about.
    CopyRrset {
        name: String,
        /// Who has it.
        #[arg(long, value_name = "NAME")]
        from: String,
        /// Who is to have it.
        #[arg(long, value_name = "NAME")]
        to: String,
        /// The type.
        #[arg(long = "type", value_name = "TYPE")]
        rtype: String,
        /// The owner name; the zone's own, if it is left out.
        #[arg(long, value_name = "NAME")]
        owner: Option<String>,
    },
    /// Make another KSK for a zone whose owner holds it (RFC 8901 model 1), and declare it.
    NewKsk {
        name: String,
        /// The file that is to hold it; relative to the declarations.
        #[arg(long)]
        file: PathBuf,
        /// Its algorithm, which must be that of the signers' ZSKs.
        #[arg(long, default_value = "13", value_parser = ["13", "15"])]
        algorithm: String,
    },
    /// Let one go. It stays as it is: valid, with everybody's keys.
    Remove { name: String },
    /// A signer begins to serve the zone with the others.
    Join { name: String, signer: String },
    /// A signer stops serving the zone.
    Leave {
        name: String,
        signer: String,
        /// It does not answer any more, and will not.
        #[arg(long)]
        dead: bool,
    },
    /// One signer takes another's place.
    Replace {
        name: String,
        from: String,
        to: String,
    },
    /// A signer gets another key.
    Roll {
        name: String,
        /// Who; `owner` for the KSK that the owner of the zone holds.
        signer: String,
        /// Which key.
        #[arg(value_enum)]
        key: Role,
    },
    /// Every signer gets keys of another algorithm.
    RollAlgorithm {
        name: String,
        /// Its number, as 13 or 15 (RFC 8624).
        to: u8,
    },
    /// A signer has made keys and not published them: what an algorithm roll asks for, and a ZSK roll
    /// where the owner of the zone publishes them.
    Announce {
        name: String,
        signer: String,
        /// A key: `flags protocol algorithm key`; more than once for several.
        #[arg(long = "key", required = true, value_name = "DNSKEY")]
        keys: Vec<String>,
    },
    /// The zone loses its DS, then its signatures.
    GoInsecure { name: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    Automatic,
    Manual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    Zsk,
    Ksk,
    Csk,
}

#[derive(Debug, Subcommand)]
pub enum Process {
    /// List those of all zones, in the order in which they were asked for.
    List,
    /// Have a controller that serves look again now, wherever no deadline is waited for.
    Check,
    /// Show those of one zone, step by step.
    Show {
        /// The zone.
        zone: String,
    },
    /// Run the current join or leave of a zone back.
    Cancel {
        /// The zone.
        zone: String,
    },
    /// Allow the changes of the current step, in a zone whose mode is manual.
    Step {
        /// The zone.
        zone: String,
    },
    /// Print the table that a process follows.
    Graph {
        /// Which, as `join`; all, if none is named.
        process: Option<String>,
        /// As a Mermaid flow chart.
        #[arg(long)]
        mermaid: bool,
        /// Who holds the KSKs (RFC 8901 §2.1): the owner, or each signer its own.
        #[arg(long, value_enum, default_value = "2")]
        model: Model,
    },
}

/// Who holds the KSKs of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Model {
    /// The owner, one for all signers.
    #[value(name = "1")]
    Common,
    /// Each signer its own.
    #[value(name = "2")]
    Own,
    /// One set of keys for all signers.
    #[value(name = "shared")]
    Shared,
}

#[derive(Clone, Debug, Args)]
pub struct Plan {
    /// The zone.
    pub zone: String,
    /// After what was asked for already: this signer joins.
    #[arg(long, value_name = "SIGNER", conflicts_with_all = ["leave", "dead"])]
    pub join: Option<String>,
    /// After what was asked for already: this signer leaves.
    #[arg(long, value_name = "SIGNER")]
    pub leave: Option<String>,
    /// Who leaves does not answer any more.
    #[arg(long, requires = "leave")]
    pub dead: bool,
    /// Write the zone as it was observed, and what is planned, as a scenario for `counterpoint run`.
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
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

/// The address of a nameserver name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedAddress {
    pub name: String,
    pub address: IpAddr,
}

impl FromStr for NamedAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "expected NAME=ADDRESS, as ns1.example.se=192.0.2.1".to_string();
        let (name, address) = text.split_once('=').ok_or_else(form)?;
        Ok(Self {
            name: name.into(),
            address: address.parse().map_err(|_| form())?,
        })
    }
}

/// Something noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    pub key: String,
    pub text: String,
}

impl FromStr for Noted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
        let (key, text) = pair.ok_or("expected KEY=TEXT, as contact=hostmaster@example.se")?;
        Ok(Self {
            key: key.into(),
            text: text.into(),
        })
    }
}

fn a_span(text: &str) -> Result<String, String> {
    span::parse(text).map(|_| text.into())
}
