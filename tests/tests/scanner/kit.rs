//! A world behind sockets, the files of an operator, and the tool, in this process or in one of its own.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use counterpoint_dns::{
    driver::{
        agent::Options,
        clock::Clock,
        server::{Desk, Inquiry, Listener},
    },
    key::Algorithm,
    message::{Message, ResponseCode, decode, encode},
    name::{Name, RecordType, parse_name},
    rdata::Rdata,
    rrset::RrSet,
    stream::octets,
    update::Update,
};
use counterpoint_scanner::cli::{self, Streams};
use counterpoint_simnet::topology::{
    NamesIn, PARENT, ParentPlan, SignerPlan, Stage, Topology, ZonePlan,
};
use data_encoding::BASE64;
use hickory_proto::op::OpCode;
use tokio::{task::spawn_blocking, time::timeout};

/// A test that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(60);
const SEED: u64 = 67;
/// Where the words of the tool are found when this test binary is the tool.
pub const WORDS: &str = "COUNTERPOINT_SCANNER_WORDS";

/// A name.
pub fn name(text: &str) -> Name {
    parse_name(text).unwrap()
}

fn signer(label: &str) -> SignerPlan {
    SignerPlan {
        name: label.into(),
        hosts: vec!["ns1".into(), "ns2".into()],
        names_in: NamesIn::Zone(name(&format!("{label}.test."))),
        signal: false,
        is_csk: false,
        algorithm: Algorithm::Ed25519,
        denial: Default::default(),
        dnskey_ttl: 3_600,
        ns_ttl: 3_600,
        default_ttl: 3_600,
        negative_ttl: 900,
        signing_time: Duration::ZERO,
        validity: Duration::from_secs(14 * 86_400),
        resign_before: Duration::from_secs(3 * 86_400),
        resign_jitter: Duration::ZERO,
        clock: counterpoint_simnet::clock::Skew::NONE,
        habits: Default::default(),
        propagation: Duration::ZERO..=Duration::ZERO,
    }
}

/// A world that begins now: alpha serves these children, secure and quiet; beta has keys for them.
pub fn stage(children: &[&str]) -> Stage {
    stage_that_says(children, None)
}

/// The same, whose parent says by DSYNC where it wants to be told.
pub fn stage_that_says(children: &[&str], notify: Option<SocketAddr>) -> Stage {
    let plan = |child: &&str| ZonePlan {
        name: name(child),
        signers: vec!["alpha".into()],
        is_secure: true,
        has_cds: false,
        owner: None,
        source: None,
        shares_keys: false,
        timers: Default::default(),
        choices: Vec::new(),
        records: Vec::new(),
    };
    let mut stage = Stage::new(Topology {
        seed: SEED,
        start: Clock.now(),
        parent: ParentPlan {
            zone: name("test."),
            servers: 1,
            algorithm: Algorithm::Ed25519,
            denial: Default::default(),
            ds_ttl: 3_600,
            ns_ttl: 86_400,
            negative_ttl: 900,
            propagation: Duration::ZERO..=Duration::ZERO,
            notify,
        },
        signers: vec![signer("alpha"), signer("beta")],
        zones: children.iter().map(plan).collect(),
    });
    for plan in stage.topology.zones.clone() {
        stage.start_serving("beta", &plan);
    }
    stage
}

/// Has the child ask for beta's key beside alpha's, as a join does.
pub fn ask_for_both(stage: &mut Stage, child: &str) {
    let (alpha, both) = (["alpha".into()], ["alpha".into(), "beta".into()]);
    stage.import_data_keys(&name(child), "beta", &alpha);
    let types = [RecordType::CDS, RecordType::CDNSKEY];
    stage.publish_cds(&name(child), &alpha, &both, &types, false);
    stage.publish("alpha", &name(child));
}

/// The DS RRset of each child at the parent's primary.
pub fn ds_of(stage: &Stage, child: &str) -> Vec<Rdata> {
    rrset(stage, child, RecordType::DS)
}

/// The TTL of a child's DS RRset at the parent's primary, if there is one.
pub fn ds_ttl_of(stage: &Stage, child: &str) -> Option<u32> {
    set(stage, child, RecordType::DS).map(|set| set.ttl)
}

/// An RRset at the parent's primary.
pub fn rrset(stage: &Stage, owner: &str, rtype: RecordType) -> Vec<Rdata> {
    let set = set(stage, owner, rtype);
    set.into_iter().flat_map(|set| set.data).collect()
}

fn set(stage: &Stage, owner: &str, rtype: RecordType) -> Option<RrSet> {
    let index = stage.world.operator(PARENT).unwrap();
    let version = stage.world.operators[index].primaries[&name("test.")].published()?;
    version
        .get(&name(owner), rtype)
        .map(|served| served.set.clone())
}

/// A directory of an operator; gone afterwards.
pub struct Office(pub PathBuf);

impl Office {
    /// With policy and key for this world.
    pub fn new(stage: &Stage) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let place = format!("counterpoint-scanner-{}-{number}", std::process::id());
        let office = Self(std::env::temp_dir().join(place));
        fs::create_dir_all(&office.0).unwrap();
        let secret = BASE64.encode(&octets(SEED, &format!("{PARENT}/tsig")));
        office.write(
            "tsig.key",
            &format!("hmac-sha256:update.{PARENT}.key.:{secret}\n"),
        );
        let key = office.path("tsig.key");
        Command::new("chmod").args(["600", &key]).status().unwrap();
        office.write("policy.toml", &office.policy(stage, ""));
        office
    }

    /// A policy for this world, with more sections.
    pub fn policy(&self, stage: &Stage, more: &str) -> String {
        let parent = &stage.world.operators[stage.world.operator(PARENT).unwrap()];
        let anchor = stage.trust_anchor();
        let anchors: Vec<String> = anchor
            .iter()
            .map(|ds| {
                let digest: String = ds
                    .digest
                    .iter()
                    .map(|octet| format!("{octet:02x}"))
                    .collect();
                format!(
                    "\"{} {} {} {digest}\"",
                    ds.tag, ds.algorithm, ds.digest_type
                )
            })
            .collect();
        let quoted = |addresses: Vec<IpAddr>| {
            let addresses = addresses.iter().map(|address| format!("\"{address}\""));
            Vec::from_iter(addresses).join(", ")
        };
        let all = stage.world.addresses().collect();
        format!(
            "[parent]\nzone = \"test.\"\nprimary = \"{}\"\ntsig-key = \"{}\"\n\
             [resolver]\nroots = [{}]\ntrust-anchor = [{}]\n\
             [self-test]\ngood = [\"test.\"]\nbogus = []\n\
             [ds]\nttl-after-change = \"0s\"\n\
             [gathering]\nretry = []\nprivate-addresses = [{}]\n{more}",
            parent.update_address(),
            self.path("tsig.key"),
            quoted(stage.root_addresses()),
            anchors.join(", "),
            quoted(all),
        )
    }

    /// The path of a file, or of the directory for `.`.
    pub fn path(&self, file: &str) -> String {
        match file {
            "." => self.0.display().to_string(),
            file => self.0.join(file).display().to_string(),
        }
    }

    /// Writes a file.
    pub fn write(&self, file: &str, text: &str) {
        fs::write(self.0.join(file), text).unwrap();
    }

    /// Reads a file.
    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).unwrap()
    }

    /// Every file below it, with its content.
    pub fn everything(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.0, &mut files);
        files
    }

    /// Text without what differs from run to run.
    pub fn hide(&self, text: &str) -> String {
        text.replace(&self.path("."), "DIR")
    }
}

fn collect(directory: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(&path, files),
            false => {
                let content = fs::read(&path).unwrap();
                files.insert(path, content);
            }
        }
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Exit code, standard output, standard error.
pub type Said = (u8, String, String);

/// The tool, in this process.
pub fn scanner(words: &[String]) -> Said {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut streams = Streams {
        out: &mut out,
        err: &mut err,
        progress: false,
    };
    let program = [OsString::from("counterpoint-scanner")];
    let words = program.into_iter().chain(words.iter().map(OsString::from));
    let code = cli::main(words, &mut streams);
    (
        code,
        String::from_utf8(out).unwrap(),
        String::from_utf8(err).unwrap(),
    )
}

/// The tool, in a process of its own, so that it can be killed: this binary, told to be it.
pub fn scanner_process(words: &[String]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kit::as_the_tool", "--nocapture"])
        .env(WORDS, serde_json::to_string(words).unwrap())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Runs the tool in a process of its own, to its end: exit code, what it printed, and the most memory
/// that it had, KiB.
pub fn scanner_measured(words: &[String]) -> (i32, String, u64) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kit::as_the_tool", "--nocapture"])
        .env(WORDS, serde_json::to_string(words).unwrap())
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let peak = told.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|line| line.split_whitespace().next()?.parse().ok());
    let code = output.status.code().unwrap_or(-1);
    let peak =
        peak.unwrap_or_else(|| panic!("it does not say its memory: {code} {printed} {told}"));
    (code, format!("{printed}{told}"), peak)
}

#[test]
fn as_the_tool() {
    if let Ok(words) = std::env::var(WORDS) {
        let words: Vec<String> = serde_json::from_str(&words).unwrap();
        let (code, out, err) = scanner(&words);
        print!("{out}{err}");
        eprint!("{}", fs::read_to_string("/proc/self/status").unwrap());
        std::process::exit(code.into());
    }
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is answered.
    Answer,
    /// It is carried out, and not answered.
    CarryOut,
    /// Nothing.
    Drop,
}

/// A world behind sockets.
pub struct Town {
    /// What is served; to be changed while nobody is served.
    pub stage: Stage,
    routes: BTreeMap<SocketAddr, SocketAddr>,
    desk: Desk,
    listeners: Vec<Listener>,
    /// The children of the updates that were made, in order.
    pub made: Vec<Name>,
    /// The server that answers every question with REFUSED.
    pub refusing: Option<IpAddr>,
}

impl Town {
    /// Opens every server of the world.
    pub async fn open(stage: Stage) -> Self {
        let mut town = Self {
            routes: BTreeMap::new(),
            desk: Desk::default(),
            listeners: Vec::new(),
            made: Vec::new(),
            refusing: None,
            stage,
        };
        for address in town.stage.world.addresses() {
            let listener = town.desk.listen(SocketAddr::new(address, 0)).await.unwrap();
            let known_as = SocketAddr::new(address, 53);
            town.routes.insert(known_as, listener.address());
            town.listeners.push(listener);
        }
        town
    }

    /// The options that lead the tool to it.
    pub fn words(&self, office: &Office, command: &[&str]) -> Vec<String> {
        let mut words: Vec<String> = command.iter().map(|word| word.to_string()).collect();
        words.extend(["--policy".into(), office.path("policy.toml")]);
        for (known_as, found_at) in &self.routes {
            words.extend(["--route".into(), format!("{known_as}={found_at}")]);
        }
        words
    }

    /// The ways of drivers to it.
    pub fn options(&self) -> Options {
        Options {
            routes: self.routes.clone(),
            ..Options::default()
        }
    }

    /// Runs the tool in this process while the world answers.
    pub async fn run(&mut self, words: Vec<String>) -> Said {
        let story = async { spawn_blocking(move || scanner(&words)).await.unwrap() };
        self.during(story, |_| Fate::Answer).await
    }

    /// Lets the world answer until `story` has come to its end.
    pub async fn answering<T>(&mut self, story: impl Future<Output = T>) -> T {
        self.during(story, |_| Fate::Answer).await
    }

    /// Lets the world answer until `story` has come to its end; `fate` sees every update first.
    pub async fn during<T>(
        &mut self,
        story: impl Future<Output = T>,
        mut fate: impl FnMut(&Update) -> Fate,
    ) -> T {
        let Self {
            stage,
            desk,
            made,
            refusing,
            ..
        } = self;
        let serving = async {
            loop {
                let inquiry: Inquiry = desk.next().await;
                let world = &mut stage.world;
                let now = Clock.now();
                let _ = world.step::<()>(now);
                world.rest_until(now);
                let request = decode(&inquiry.request).unwrap();
                if *refusing == Some(inquiry.to.ip()) {
                    let mut answer = Message::response(request.id, OpCode::Query);
                    answer.queries.clone_from(&request.queries);
                    answer.metadata.response_code = ResponseCode::Refused;
                    inquiry.answer(Some(encode(&answer)));
                    continue;
                }
                let update = Update::from_message(&request).ok();
                let what = update.as_ref().map_or(Fate::Answer, &mut fate);
                if what == Fate::Drop {
                    inquiry.answer(None);
                    continue;
                }
                let (to, from, via) = (inquiry.to.ip(), inquiry.from, inquiry.via);
                let answer = world.serve(to, from, via, &inquiry.request);
                let code = answer
                    .as_ref()
                    .map(|octets| decode(octets).unwrap().response_code);
                if let (Some(update), Some(ResponseCode::NoError)) = (update, code) {
                    made.extend(update.changes.iter().map(owner).take(1));
                }
                inquiry.answer(answer.filter(|_| what == Fate::Answer));
            }
        };
        tokio::select! {
            () = serving => unreachable!("the world goes on for ever"),
            told = timeout(LIMIT, story) => told.expect("the story ends in time"),
        }
    }

    /// Closes it; the world as it is then.
    pub async fn close(mut self) -> Stage {
        for listener in self.listeners {
            listener.close().await.unwrap();
        }
        let _ = self.stage.world.step::<()>(Clock.now());
        self.stage
    }
}

fn owner(change: &counterpoint_dns::update::Change) -> Name {
    use counterpoint_dns::update::Change;
    match change {
        Change::Add(set) | Change::Remove(set) => set.name.clone(),
        Change::Clear(name, _) => name.clone(),
    }
}
