//! From options to what a command works with: policy, parent, registry, resolver, state.

use std::{collections::BTreeSet, fs, io::BufReader, net::SocketAddr, path::Path, sync::Arc};

use counterpoint_dns::{
    driver::{
        agent::Options,
        chance,
        clock::Clock,
        sqlite::{Owner, SqliteStore},
    },
    name::{Name, parse_name},
    rdata::Ds,
    resolver,
    stream::Stream,
    time::Timestamp,
    tsig::TsigKey,
};

use super::{
    Failure,
    arguments::{Input, Route},
    survey_all::Means,
};
use crate::{
    config::Config,
    input::{BadInput, Parent, Registry, axfr, list, tsig_file, zone_file},
    plan::{Basis, file::hash},
    policy::{Policy, ResolverPlace},
    registry::Facts,
    survey::Subject,
};

/// The mark of this program's stores: "CPsc".
pub const OWNER: Owner = Owner {
    mark: 0x4350_7363,
    name: "counterpoint-scanner",
};

/// Policy and resolver: enough to ask something.
#[derive(Clone)]
pub struct Base {
    /// The policy.
    pub policy: Policy,
    /// SHA-256 of the policy as it is in force.
    pub policy_hash: String,
    /// Where the policy came from.
    pub policy_source: String,
    /// The resolver.
    pub resolver: resolver::Config,
    /// How servers are found.
    pub options: Options,
}

/// Everything that a scan needs.
pub struct Setup {
    /// Policy and resolver.
    pub base: Base,
    /// What the parent delegates.
    pub parent: Arc<Parent>,
    /// Where that came from.
    pub source: String,
    /// Whether that is the primary itself.
    pub is_transfer: bool,
    /// What the registry knows.
    pub registry: Registry,
    /// Signs transfers and updates.
    pub tsig: Option<TsigKey>,
}

impl Base {
    /// Reads policy and resolver.
    pub fn load(
        policy: Option<&Path>,
        server_port: Option<u16>,
        routes: &[Route],
    ) -> Result<Self, Failure> {
        let (policy, policy_source) = match policy {
            None => (Policy::default(), "the defaults".to_string()),
            Some(path) => {
                let place = path.display().to_string();
                let text = fs::read_to_string(path).map_err(|error| {
                    BadInput::new(&place, error, "name a policy file that can be read")
                })?;
                (Policy::from_toml(&place, &text)?, place)
            }
        };
        let routes = routes.iter().map(|route| (route.known_as, route.found_at));
        let options = Options {
            routes: routes.collect(),
            server_port,
            ..Options::default()
        };
        Ok(Self {
            resolver: resolver_of(&policy.resolver, &policy_source)?,
            policy_hash: hash(&policy.to_toml()),
            policy,
            policy_source,
            options,
        })
    }

    /// The resolver, for people.
    pub fn resolver_text(&self) -> String {
        let roots = self.resolver.roots.len();
        let s = if roots == 1 { "" } else { "s" };
        let is_iana = self.policy.resolver.roots == ResolverPlace::default().roots;
        let whose = if is_iana {
            "the IANA roots"
        } else {
            "roots of the policy"
        };
        let port = self.options.server_port;
        let port = port.map_or(String::new(), |port| format!(", servers on port {port}"));
        format!("our own, iterative and validating, from {roots} root server{s} ({whose}){port}")
    }

    /// The trust anchor, for people.
    pub fn anchor_text(&self) -> String {
        let is_iana = self.policy.resolver.trust_anchor == ResolverPlace::default().trust_anchor;
        let whose = if is_iana {
            "built in, from IANA"
        } else {
            "of the policy"
        };
        let anchors = self.resolver.trust_anchor.iter();
        let anchors: Vec<String> = anchors
            .map(|ds| format!("key {} algorithm {}", ds.tag, ds.algorithm))
            .collect();
        format!("{} ({whose})", anchors.join(", "))
    }

    /// What every command says of itself.
    pub fn about(&self) -> Vec<(String, String)> {
        vec![
            ("resolver".into(), self.resolver_text()),
            ("trust anchor".into(), self.anchor_text()),
            (
                "policy".into(),
                format!(
                    "{}, SHA-256 {}",
                    self.policy_source,
                    &self.policy_hash[..16]
                ),
            ),
        ]
    }
}

impl Setup {
    /// Reads everything that the options name.
    pub fn load(input: &Input) -> Result<Self, Failure> {
        let base = Base::load(input.policy.as_deref(), input.server_port, &input.routes)?;
        Self::read(base, input)
    }

    /// Reads what the options name, under a policy that was read before.
    pub fn read(base: Base, input: &Input) -> Result<Self, Failure> {
        let place = &base.policy.parent;
        let zone = input.zone.as_ref().or(place.zone.as_ref());
        let zone = zone.map(|zone| parse_name(zone)).transpose();
        let zone =
            zone.map_err(|error| BadInput::new("--zone", error, "name the parent's zone"))?;
        let key_file = input.tsig_key.as_deref();
        let key_file = key_file.or(place.tsig_key.as_deref().map(Path::new));
        let tsig = key_file.map(tsig_file::read).transpose()?;
        let (parent, source) = read_parent(input, zone.as_ref(), tsig.as_ref(), &base)?;
        let registry = match &input.registry {
            None => Registry::default(),
            Some(path) => {
                let place = path.display().to_string();
                let file = fs::File::open(path).map_err(|error| {
                    BadInput::new(&place, error, "name an export that can be read")
                })?;
                Registry::read(&place, BufReader::new(file))?
            }
        };
        Ok(Self {
            base,
            parent: Arc::new(parent),
            is_transfer: input.is_transfer(),
            source,
            registry,
            tsig,
        })
    }

    /// What a survey needs.
    pub fn means(&self) -> Means {
        // Neither address nor times are a survey's business.
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut config = Config::new(self.parent.zone().clone(), nowhere, Timestamp::MAX);
        config.policy = self.base.policy.clone();
        config.resolver = Some(self.base.resolver.clone());
        Means {
            config,
            zone: self.parent.clone(),
            options: self.base.options.clone(),
        }
    }

    /// The child as a subject, with what is remembered of it.
    pub fn subject(
        &self,
        child: &Name,
        store: Option<&SqliteStore>,
    ) -> Result<Option<Subject>, Failure> {
        let Some(mut delegation) = self.parent.delegation(child) else {
            return Ok(None);
        };
        if let Some(store) = store {
            self.catch_up(&mut delegation, store, Clock.now())?;
        }
        let state = match store {
            Some(store) => super::run::state_of(store, child)?,
            None => Default::default(),
        };
        let given_up = match store {
            Some(store) => {
                let schedule = &self.base.policy.gathering.retry;
                super::run::given_up(store, child, schedule, Clock.now())?
            }
            None => BTreeSet::new(),
        };
        Ok(Some(Subject {
            delegation,
            state,
            facts: self.facts(child),
            given_up,
            report_to: None,
        }))
    }

    fn facts(&self, child: &Name) -> Facts {
        self.registry.facts(child)
    }

    /// What a plan rests on.
    pub fn basis(&self) -> Basis {
        Basis {
            source: self.source.clone(),
            serial: self.parent.serial(),
            delegations: self.parent.len() as u64,
            policy: self.base.policy_hash.clone(),
            resolver: format!(
                "{}; trust anchor {}",
                self.base.resolver_text(),
                self.base.anchor_text()
            ),
        }
    }

    /// What every command says of itself.
    pub fn about(&self) -> Vec<(String, String)> {
        let serial = self.parent.serial();
        let serial = serial.map_or(String::new(), |serial| format!(", serial {serial}"));
        let input = format!("{}{serial}, {} delegations", self.source, self.parent.len());
        let mut about = vec![("input".to_string(), input)];
        if !self.registry.is_empty() {
            let strangers = self.registry.strangers(&self.parent);
            let text = format!(
                "{} children, {strangers} of them not delegated",
                self.registry.len()
            );
            about.push(("registry".into(), text));
        }
        let (oddities, count) = self.parent.oddities();
        if count > 0 {
            let text = format!(
                "{count} oddities in the input, as: {}",
                oddities.first().map_or("", String::as_str)
            );
            about.push(("note".into(), text));
        }
        about.extend(self.base.about());
        about
    }
}

/// Randomness for message ids and ports: nobody may foresee it.
pub fn unforeseen() -> Result<Stream, Failure> {
    chance::stream().map_err(|error| Failure::Defect(error.to_string()))
}

fn read_parent(
    input: &Input,
    zone: Option<&Name>,
    tsig: Option<&TsigKey>,
    base: &Base,
) -> Result<(Parent, String), Failure> {
    if let Some(path) = &input.zone_file {
        return Ok((zone_file::read(path, zone)?, path.display().to_string()));
    }
    let need_zone = || {
        let what = "the zone is not known";
        BadInput::new(
            "--zone",
            what,
            "name it with --zone, or as `parent.zone` in the policy",
        )
    };
    if let Some(path) = &input.list {
        let place = path.display().to_string();
        let file = fs::File::open(path)
            .map_err(|error| BadInput::new(&place, error, "name a list that can be read"))?;
        let zone = zone.ok_or_else(need_zone)?;
        return Ok((list::read(&place, BufReader::new(file), zone)?, place));
    }
    let Some(primary) = input.axfr.or(base.policy.parent.primary) else {
        let what = "no input: nothing says what the parent delegates";
        let remedy = "give --zone-file FILE, --list FILE or --axfr ADDRESS:PORT, or `parent.primary` in the policy";
        return Err(BadInput::new("the command line", what, remedy).into());
    };
    let zone = zone.ok_or_else(need_zone)?;
    let found_at = base.options.route(primary);
    let id = rand::RngExt::random(&mut unforeseen()?);
    let parent = axfr::transfer(zone, found_at, tsig, id, || Clock.now())?;
    Ok((parent, format!("transfer from {primary}")))
}

fn resolver_of(place: &ResolverPlace, source: &str) -> Result<resolver::Config, BadInput> {
    let anchors = place.trust_anchor.iter().map(|text| {
        Ds::from_text(text).ok_or_else(|| {
            let what = format!("`{text}` is no DS record");
            let remedy = "write `tag algorithm digest-type digest`, as in root-anchors.xml";
            BadInput::new(format!("{source}: resolver.trust-anchor"), what, remedy)
        })
    });
    let anchors: Vec<Ds> = anchors.collect::<Result<_, _>>()?;
    if anchors.is_empty() || place.roots.is_empty() {
        let what = "there is no trust anchor or no root server";
        let remedy = "name both, or leave both out for those of IANA";
        return Err(BadInput::new(format!("{source}: resolver"), what, remedy));
    }
    let mut config = resolver::Config::new(place.roots.clone(), anchors);
    config.v6 = place.ipv6;
    Ok(config)
}
