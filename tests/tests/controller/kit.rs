//! A world behind sockets with a scanner at the parent, the files of an operator, and the tool, in this
//! process or in one of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use counterpoint_controller::cli::{self, Streams};
use counterpoint_dns::{
    driver::{
        agent::{Driver, Options},
        clock::Clock,
        server::{Desk, Inquiry, Listener},
        store::MemoryStore,
    },
    key::{Algorithm, Dnskey},
    message::decode,
    name::{Name, RecordType, parse_name},
    oracle::{Profile, judge},
    rdata::Rdata,
    resolver,
    stream::{octets, stream},
    time::Timestamp,
    update::Update,
};
use counterpoint_scanner::{Config as ScannerConfig, Scanner};
use counterpoint_simnet::topology::{
    NamesIn, PARENT, ParentPlan, SignerPlan, Stage, Topology, ZonePlan,
};
use data_encoding::BASE64;
use tokio::{task::spawn_blocking, time::timeout};

use crate::web::{Web, WebInquiry};

/// A test that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(240);
const SEED: u64 = 68;
/// Where the words of the tool are found when this test binary is the tool.
pub const WORDS: &str = "COUNTERPOINT_CONTROLLER_WORDS";

/// A name.
pub fn name(text: &str) -> Name {
    parse_name(text).unwrap()
}

/// The zone that moves.
pub fn zone() -> Name {
    name("example.test.")
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
        dnskey_ttl: 1,
        ns_ttl: 1,
        default_ttl: 1,
        negative_ttl: 1,
        signing_time: Duration::ZERO,
        validity: Duration::from_secs(14 * 86_400),
        resign_before: Duration::from_secs(3 * 86_400),
        resign_jitter: Duration::ZERO,
        clock: counterpoint_simnet::clock::Skew::NONE,
        habits: Default::default(),
        propagation: Duration::ZERO..=Duration::ZERO,
    }
}

/// A world that begins now, with TTLs of a second: alpha serves the zone; beta keeps it too, but nobody
/// knows yet.
pub fn stage() -> Stage {
    stage_of(&[zone()])
}

/// The same with several zones.
pub fn stage_of(zones: &[Name]) -> Stage {
    let mut stage = Stage::new(Topology {
        seed: SEED,
        start: Clock.now(),
        parent: ParentPlan {
            zone: name("test."),
            servers: 2,
            algorithm: Algorithm::Ed25519,
            denial: Default::default(),
            ds_ttl: 1,
            ns_ttl: 1,
            negative_ttl: 1,
            propagation: Duration::ZERO..=Duration::ZERO,
            notify: None,
        },
        signers: vec![signer("alpha"), signer("beta")],
        zones: (zones.iter())
            .map(|name| ZonePlan {
                name: name.clone(),
                signers: vec!["alpha".into()],
                is_secure: true,
                has_cds: true,
                owner: None,
                source: None,
                shares_keys: false,
                timers: Default::default(),
                choices: Vec::new(),
                records: Vec::new(),
            })
            .collect(),
    });
    for plan in stage.topology.zones.clone() {
        stage.start_serving("beta", &plan);
    }
    stage
}

/// The data of an RRset at the parent's primary.
pub fn at_parent(stage: &Stage, rtype: RecordType) -> BTreeSet<Rdata> {
    let index = stage.world.operator(PARENT).unwrap();
    let version = stage.world.operators[index].primaries[&name("test.")].published();
    let served = version.and_then(|version| version.get(&zone(), rtype));
    served.map_or_else(BTreeSet::new, |served| served.set.data.clone())
}

/// The keys that the primary of a signer publishes.
pub fn keys_of(stage: &Stage, signer: &str) -> Vec<Dnskey> {
    let index = stage.world.operator(signer).unwrap();
    let version = stage.world.operators[index].primaries[&zone()].published();
    let served = version.and_then(|version| version.get(&zone(), RecordType::DNSKEY));
    let data = served.map_or_else(BTreeSet::new, |served| served.set.data.clone());
    data.iter().filter_map(Dnskey::parse).collect()
}

/// What the oracle has against the world's own history.
pub fn violations(stage: &Stage) -> Vec<String> {
    violations_of(stage, &zone())
}

/// The same of one of several zones.
pub fn violations_of(stage: &Stage, zone: &Name) -> Vec<String> {
    let history = stage.world.recorders[zone].history();
    let start = stage.world.since();
    let profiles = [Profile::liberal(), Profile::strict_ds()];
    let judged = profiles.iter().flat_map(|profile| {
        // Later signatures run out, for nobody goes on signing.
        judge(&history, profile, Timestamp::MIN, Clock.now()).violations
    });
    judged.map(|found| found.prose(&history, start)).collect()
}

/// A directory of an operator; gone afterwards.
pub struct Office(pub PathBuf);

impl Office {
    /// With declarations and secrets for this world.
    pub fn new(stage: &Stage) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let place = format!("counterpoint-controller-{}-{number}", std::process::id());
        let office = Self(std::env::temp_dir().join(place));
        fs::create_dir_all(&office.0).unwrap();
        for signer in ["alpha", "beta"] {
            let secret = BASE64.encode(&octets(SEED, &format!("{signer}/tsig")));
            office.secret(&format!("{signer}.secret"), &secret);
        }
        office.write("c.toml", &office.declarations(stage));
        office
    }

    fn declarations(&self, stage: &Stage) -> String {
        let anchors = stage.trust_anchor();
        let anchors: Vec<String> = (anchors.iter())
            .map(|ds| {
                format!(
                    "{:?}",
                    format!(
                        "{} {} {} {:?}",
                        ds.tag,
                        ds.algorithm,
                        ds.digest_type,
                        Rdata::from_octets(ds.digest.clone())
                    )
                )
            })
            .collect();
        let roots = stage.root_addresses();
        let roots: Vec<String> = roots.iter().map(|root| format!("\"{root}\"")).collect();
        let mut text = format!(
            "[controller]\npoll = \"200ms\"\nsafety = \"1s\"\nparent-settle = \"2s\"\n\
             [parent]\nzone = \"test.\"\nmax-ttl = \"2s\"\n\
             [resolver]\nroots = [{}]\ntrust-anchor = [{}]\n",
            roots.join(", "),
            anchors.join(", "),
        );
        for signer in ["alpha", "beta"] {
            let operator = &stage.world.operators[stage.world.operator(signer).unwrap()];
            text.push_str(&format!(
                "[[signer]]\nname = \"{signer}\"\nns = [\"ns1.{signer}.test.\", \"ns2.{signer}.test.\"]\n\
                 primary = \"{}\"\nmax-ttl = \"2s\"\n\
                 tsig = {{ name = \"update.{signer}.key.\", secret-file = \"{signer}.secret\" }}\n",
                operator.update_address(),
            ));
        }
        text.push_str("[[zone]]\nname = \"example.test.\"\nsigners = [\"alpha\"]\n");
        text
    }

    /// The path of a file.
    pub fn path(&self, file: &str) -> String {
        self.0.join(file).display().to_string()
    }

    /// Writes a file.
    pub fn write(&self, file: &str, text: &str) {
        fs::write(self.0.join(file), text).unwrap();
    }

    /// Writes a file that nobody else may read.
    pub fn secret(&self, file: &str, text: &str) {
        self.write(file, text);
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(self.0.join(file), mode).unwrap();
    }

    /// Reads a file.
    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).unwrap()
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
pub fn controller(words: &[String]) -> Said {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut streams = Streams {
        out: &mut out,
        err: &mut err,
    };
    let program = [OsString::from("counterpoint-controller")];
    let words = program.into_iter().chain(words.iter().map(OsString::from));
    let code = cli::main(words, &mut streams);
    (
        code,
        String::from_utf8(out).unwrap(),
        String::from_utf8(err).unwrap(),
    )
}

/// The tool, in a process of its own, so that it can be killed: this binary, told to be it. What it says is
/// in a file of the office.
pub fn controller_process(office: &Office, words: &[String]) -> Child {
    let said = fs::File::create(office.path("said")).unwrap();
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kit::as_the_tool", "--nocapture"])
        .env(WORDS, serde_json::to_string(words).unwrap())
        .stdout(Stdio::null())
        .stderr(said)
        .spawn()
        .unwrap()
}

#[test]
fn as_the_tool() {
    if let Ok(words) = std::env::var(WORDS) {
        let words: Vec<String> = serde_json::from_str(&words).unwrap();
        let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
        let mut streams = Streams {
            out: &mut out,
            err: &mut err,
        };
        let words = [OsString::from("counterpoint-controller")]
            .into_iter()
            .chain(words.iter().map(OsString::from));
        let code = cli::main(words, &mut streams);
        std::process::exit(code.into());
    }
}

/// The next request to a web interface; never, if there is none.
async fn next_of(web: &mut Option<Web>) -> WebInquiry {
    match web {
        Some(web) => web.next().await,
        None => std::future::pending().await,
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

/// A world behind sockets, with a scanner that looks every second.
pub struct Town {
    stage: Stage,
    routes: BTreeMap<SocketAddr, SocketAddr>,
    desk: Desk,
    listeners: Vec<Listener>,
    /// Updates of signers so far.
    pub updates: usize,
    /// Beta's web interface, if it has one.
    pub web: Option<Web>,
    /// How many requests to that are answered by nobody, before it answers again.
    pub web_out: usize,
}

impl Town {
    /// Opens every server of the world.
    pub async fn open(stage: Stage) -> Self {
        let mut town = Self {
            routes: BTreeMap::new(),
            desk: Desk::default(),
            listeners: Vec::new(),
            updates: 0,
            web: None,
            web_out: 0,
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

    /// The words of a command, with the options that lead the tool here.
    pub fn words(&self, office: &Office, command: &[&str]) -> Vec<String> {
        let mut words: Vec<String> = command.iter().map(|word| word.to_string()).collect();
        words.extend(["--config".into(), office.path("c.toml")]);
        for (known_as, found_at) in &self.routes {
            words.extend(["--route".into(), format!("{known_as}={found_at}")]);
        }
        words
    }

    /// Runs the tool in this process while the world answers.
    pub async fn run(&mut self, office: &Office, command: &[&str]) -> Said {
        let words = self.words(office, command);
        let story = async { spawn_blocking(move || controller(&words)).await.unwrap() };
        self.during(story, |_, _| Fate::Answer).await
    }

    /// Lets the world answer and the scanner scan until `story` has come to its end. `fate` sees each
    /// request to a signer's primary, which only the controller asks, and whether it is an update.
    pub async fn during<T>(
        &mut self,
        story: impl Future<Output = T>,
        mut fate: impl FnMut(&Inquiry, bool) -> Fate,
    ) -> T {
        let (scanning, handle) = self.scanner();
        let Self {
            stage,
            desk,
            updates,
            web,
            web_out,
            ..
        } = self;
        let beta = stage.world.operator("beta").unwrap();
        let beta = stage.world.operators[beta].primary_address;
        let primaries: BTreeSet<_> = (["alpha", "beta"].iter())
            .map(|signer| {
                let index = stage.world.operator(signer).unwrap();
                stage.world.operators[index].update_address().ip()
            })
            .collect();
        let serving = async {
            loop {
                let came = tokio::select! {
                    inquiry = desk.next() => Ok(inquiry),
                    inquiry = next_of(web) => Err(inquiry),
                };
                let world = &mut stage.world;
                let now = Clock.now();
                let _ = world.step::<()>(now);
                world.rest_until(now);
                let inquiry: Inquiry = match came {
                    Ok(inquiry) => inquiry,
                    Err(_) if *web_out > 0 => {
                        *web_out -= 1;
                        continue;
                    }
                    Err(WebInquiry { request, answer }) => {
                        // Whoever asked may be gone.
                        let _ = answer.send(world.serve_web(beta, &request).unwrap());
                        continue;
                    }
                };
                let to = inquiry.to.ip();
                let request = decode(&inquiry.request).ok();
                let is_update = request.is_some_and(|r| Update::from_message(&r).is_ok());
                let what = match primaries.contains(&to) {
                    true => fate(&inquiry, is_update),
                    false => Fate::Answer,
                };
                *updates += usize::from(is_update && primaries.contains(&to));
                if what == Fate::Drop {
                    inquiry.answer(None);
                    continue;
                }
                let answer = world.serve(to, inquiry.from, inquiry.via, &inquiry.request);
                inquiry.answer(answer.filter(|_| what == Fate::Answer));
            }
        };
        let told = tokio::select! {
            () = serving => unreachable!("the world goes on for ever"),
            ran = scanning => panic!("the scanner stopped: {:?}", ran.err()),
            told = timeout(LIMIT, story) => told.expect("the story ends in time"),
        };
        drop(handle);
        told
    }

    fn scanner(
        &self,
    ) -> (
        impl Future<Output = std::io::Result<()>> + use<>,
        impl Sized + use<>,
    ) {
        let stage = &self.stage;
        let parent = &stage.world.operators[stage.world.operator(PARENT).unwrap()];
        let mut config = ScannerConfig::new(name("test."), parent.update_address(), Clock.now());
        config.tsig = Some(parent.tsig.clone());
        config.interval = Duration::from_secs(1);
        config.publish_delay = Duration::ZERO..=Duration::ZERO;
        config.policy.ds.ttl_after_change = Duration::ZERO;
        config.policy.gathering.retry = Vec::new();
        let roots = stage.root_addresses();
        config.resolver = Some(resolver::Config::new(roots, stage.trust_anchor()));
        let scanner = Scanner::new(config, stream(1, "scanner"));
        let options = Options {
            routes: self.routes.clone(),
            ..Options::default()
        };
        let (driver, handle) = Driver::new(scanner, MemoryStore::default(), |_, _| {}, options);
        let running = async move { driver.run().await.map(|_| ()) };
        (running, handle)
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
