//! Validators of others, each with an empty cache, told by the files that `serve` writes.

use std::{
    fmt, fs, io,
    net::{IpAddr, SocketAddr},
    path::Path,
    process::Command,
};

use counterpoint_dns::{
    message::{Question, ResponseCode},
    name::{Name, RecordType},
};
use counterpoint_farm::{ask::ask, daemon::Daemon};
use counterpoint_scenarios::{scenario::ResolverProfile, serve::forms::Root};
use tempfile::TempDir;

/// The programs that they are.
pub const PROGRAMS: [&str; 4] = ["delv", "unbound", "pdns_recursor", "setpriv"];
/// How often a resolver that is silent is asked.
const TRIES: usize = 3;

/// What a validator makes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It validates.
    Secure,
    /// It need not.
    Insecure,
    /// There is none: SERVFAIL.
    Fails,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secure => "secure",
            Self::Insecure => "insecure",
            Self::Fails => "fails",
        })
    }
}

/// Who judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Product {
    /// Unbound, from the root down.
    Unbound,
    /// PowerDNS Recursor, from the root down.
    Recursor,
    /// BIND's validator, behind an Unbound that does not validate.
    Delv,
}

impl Product {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Unbound, Self::Recursor, Self::Delv];

    /// The profile that resembles it.
    pub fn profile(self) -> ResolverProfile {
        match self {
            Self::Unbound => ResolverProfile::Unbound,
            Self::Recursor => ResolverProfile::PowerdnsRecursor,
            Self::Delv => ResolverProfile::BehindCache,
        }
    }
}

/// The resolvers of one world.
pub struct Judges {
    folder: TempDir,
    root: Root,
    _daemons: Vec<Daemon>,
}

impl Judges {
    /// Starts all of them.
    pub fn open(root: Root) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("counterpoint-served-")
            .tempdir()?;
        let path = folder.path().display().to_string();
        for form in root.forms(&path) {
            fs::write(folder.path().join(form.file), form.text)?;
        }
        let mut judges = Self {
            folder,
            root,
            _daemons: Vec::new(),
        };
        let path = judges.folder.path().to_owned();
        let read = |file: &str| fs::read_to_string(path.join(file));
        // The same Unbound once more, as a cache that does not validate.
        let own = judges.at(Product::Unbound).ip().to_string();
        let other = judges.at(Product::Delv).ip().to_string();
        let blind = read("unbound.conf")?.replace(&own, &other);
        let blind = blind.replace("validator iterator", "iterator");
        fs::write(path.join("cache.conf"), blind)?;
        let file = |name: &str| path.join(name).display().to_string();
        let unbound = |name: &str| ["-d", "-p", "-c", &file(name)].map(String::from);
        for (product, program, arguments) in [
            (
                Product::Unbound,
                "unbound",
                unbound("unbound.conf").to_vec(),
            ),
            (
                Product::Recursor,
                "pdns_recursor",
                vec![format!("--config-dir={}", path.display())],
            ),
            (Product::Delv, "unbound", unbound("cache.conf").to_vec()),
        ] {
            let log = path.join(format!("{product:?}.log"));
            let mut daemon = Daemon::start(program, &arguments, log)?;
            daemon.wait_for(judges.at(product), &Name::root(), RecordType::NS)?;
            judges._daemons.push(daemon);
        }
        Ok(judges)
    }

    /// Where a product listens, or the cache that it asks.
    fn at(&self, product: Product) -> SocketAddr {
        let [unbound, recursor, cache] = self.root.resolvers();
        let address: IpAddr = match product {
            Product::Unbound => unbound,
            Product::Recursor => recursor,
            Product::Delv => cache,
        };
        SocketAddr::new(address, 53)
    }

    /// Has each cache hold the answer.
    pub fn warm(&self, question: &Question) {
        for product in Product::ALL {
            let answer = ask(self.at(product), question).unwrap();
            assert_ne!(
                answer.reply.rcode,
                ResponseCode::ServFail,
                "{product:?} {question}"
            );
        }
    }

    /// What a product makes of a question, and what it says.
    pub fn ask(&self, product: Product, question: &Question) -> (Verdict, String) {
        match product {
            Product::Delv => delv(self.at(product).ip(), self.folder.path(), question),
            _ => resolver(self.at(product), question),
        }
    }
}

fn resolver(at: SocketAddr, question: &Question) -> (Verdict, String) {
    let mut answers = (0..TRIES).map(|_| ask(at, question));
    let answer = answers.find_map(Result::ok);
    let answer = answer.unwrap_or_else(|| panic!("{at} is silent: {question}"));
    let verdict = match (answer.reply.rcode, answer.is_authentic) {
        (ResponseCode::NoError | ResponseCode::NXDomain, true) => Verdict::Secure,
        (ResponseCode::NoError | ResponseCode::NXDomain, false) => Verdict::Insecure,
        _ => Verdict::Fails,
    };
    (verdict, answer.reply.rcode.to_string())
}

fn delv(cache: IpAddr, folder: &Path, question: &Question) -> (Verdict, String) {
    let anchors = folder.join("delv.anchors");
    let said = Command::new("delv")
        .arg(format!("@{cache}"))
        .arg("-a")
        .arg(anchors)
        .args([question.name.to_string(), question.rtype.to_string()])
        .output()
        .unwrap();
    let said = [said.stdout, said.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    let said = said.concat();
    assert!(!said.contains("timed out"), "{said}");
    let verdict = match said {
        _ if said.contains("fully validated") => Verdict::Secure,
        _ if said.contains("unsigned answer") => Verdict::Insecure,
        _ if said.contains("resolution failed") => Verdict::Fails,
        _ => panic!("delv does not say what it finds: {said}"),
    };
    (verdict, said)
}
