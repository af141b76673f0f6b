//! One zone, two signers, and what is known of them: what decisions are tested on.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use counterpoint_dns::{
    agent::Transport,
    key::{Algorithm, SECURE_ENTRY_POINT, SigningKey, ZONE_KEY},
    name::{Name, parse_name},
    rdata::{Rdata, Soa},
    rrset::{RrSet, SignedRrSet},
    signature::Rrsig,
    time::Timestamp,
    tsig::TsigKey,
};

use super::{Decision, decide};
use crate::{
    case::Case,
    config::{Config, DdnsAccess, Interface, Limits, Model, Safety, Signer, SignerName},
    keys::Keys,
    log::{Log, Unknown},
    place::{Item, Owner, Place, Places, parent_places, signer_places},
    process::{Goal, Kind, Process, Row, StepState},
    report::Outcome,
    updater::{Write, Writes, Written},
};

pub(super) const HOUR: Duration = Duration::from_secs(3_600);

pub(super) fn name(text: &str) -> Name {
    parse_name(text).unwrap()
}

/// One zone, two signers, and what is known of them.
pub(super) struct Bench {
    pub(super) config: Config,
    pub(super) log: Log,
    pub(super) keys: Keys,
    pub(super) places: Places,
    pub(super) process: Process,
    pub(super) writes: Writes,
    pub(super) now: Timestamp,
    pub(super) since: Timestamp,
}

impl Bench {
    pub(super) fn new(kind: Kind) -> Self {
        let mut config = Config::new(name("test."));
        config.safety = Safety::Fixed(Duration::ZERO);
        config.parent.ns = vec![name("a.test."), name("b.test.")];
        config.parent.max_ttl = HOUR;
        config
            .addresses
            .insert(name("a.test."), vec![[192, 0, 2, 1].into()]);
        config
            .addresses
            .insert(name("b.test."), vec![[192, 0, 2, 2].into()]);
        for (signer, net) in [("alpha", 10), ("beta", 20)] {
            let ns = [1, 2].map(|host| name(&format!("ns{host}.{signer}.test.")));
            for (host, ns) in ns.iter().enumerate() {
                let address = [192, 0, 2, net + host as u8];
                config.addresses.insert(ns.clone(), vec![address.into()]);
            }
            config.signers.insert(
                signer.into(),
                Signer {
                    ns: ns.to_vec(),
                    in_zone_addresses: Default::default(),
                    interface: Interface::Ddns(DdnsAccess {
                        primary: SocketAddr::from(([192, 0, 2, net], 53)),
                        via: Transport::Tcp,
                        tsig: TsigKey::hmac_sha256(name("k."), b"secret"),
                    }),
                    limits: Limits::default(),
                    signal_zones: Default::default(),
                    own_keys: Vec::new(),
                    csk: None,
                    max_ttl: HOUR,
                },
            );
        }
        let mut places = Places::default();
        let addresses = |name: &Name| config.addresses.get(name).cloned();
        for signer in config.signers.keys() {
            let found = signer_places(&config, signer, &addresses).unwrap();
            places.insert(&config, Owner::Signer(signer.clone()), found);
        }
        let found = parent_places(&config.parent.ns, &addresses).unwrap();
        places.insert(&config, Owner::Parent, found);
        let before: BTreeSet<SignerName> = match kind {
            Kind::Join => [SignerName::from("alpha")].into(),
            _ => ["alpha".into(), "beta".into()].into(),
        };
        let start = Timestamp::from_seconds(1_767_225_600);
        let mut bench = Self {
            config,
            log: Log::default(),
            keys: Keys::default(),
            places,
            process: Process {
                before,
                outcome: Outcome::Running,
                steps: vec![StepState::begin(kind, 1, start)],
                ..Process::new(0, Model::Own, kind, Some("beta".into()))
            },
            writes: Writes::new(),
            now: start,
            since: start,
        };
        for signer in ["alpha", "beta"] {
            bench.show_all(signer, Item::Dnskey, own_keys(signer), &[key(signer, true)]);
            let soa = Soa {
                mname: name("m."),
                rname: name("r."),
                serial: 7,
                refresh: 1,
                retry: 1,
                expire: 1,
                minimum: 900,
            };
            bench.show_all(
                signer,
                Item::Soa,
                [soa.to_rdata()].into(),
                &[key(signer, false)],
            );
            bench.show_all(signer, Item::Ns, ns(&[signer]), &[key(signer, false)]);
        }
        bench.parent(Item::Ds, ds(&["alpha"]));
        bench.parent(Item::Delegation, ns(&["alpha"]));
        let signers = ["alpha".into(), "beta".into()].into();
        bench.keys.learn(&bench.log, &bench.places, &signers);
        bench
    }

    /// Lets time pass: older answers no longer count.
    pub(super) fn pass(&mut self, span: Duration) -> &mut Self {
        self.now += span;
        self.since = self.now;
        self
    }

    pub(super) fn place(&self, owner: &str, number: usize) -> Place {
        let owner = match owner {
            "parent" => Owner::Parent,
            signer => Owner::Signer(signer.into()),
        };
        self.places.of(&owner)[number].clone()
    }

    pub(super) fn show(&mut self, owner: &str, number: usize, item: &Item, data: BTreeSet<Rdata>) {
        self.show_signed(owner, number, item, data, &[]);
    }

    pub(super) fn show_signed(
        &mut self,
        owner: &str,
        number: usize,
        item: &Item,
        data: BTreeSet<Rdata>,
        by: &[SigningKey],
    ) {
        let place = self.place(owner, number);
        let set = RrSet {
            name: item.name(&name("example.test.")),
            rtype: item.rtype(),
            ttl: 3_600,
            data,
        };
        let (from, until) = (self.now, self.now + 1_000 * HOUR);
        let zone = name("example.test.");
        let sign = |key| Rrsig::sign(&set, key, &zone, from, until);
        let signatures = by.iter().map(sign).collect();
        let shown = Ok(SignedRrSet { set, signatures });
        self.log.observe(self.now, &place, item, shown, HOUR);
    }

    pub(super) fn show_all(
        &mut self,
        owner: &str,
        item: Item,
        data: BTreeSet<Rdata>,
        by: &[SigningKey],
    ) {
        for number in 0..2 {
            self.show_signed(owner, number, &item, data.clone(), by);
        }
    }

    pub(super) fn silence(&mut self, owner: &str, number: usize, item: &Item) {
        let place = self.place(owner, number);
        let why = Unknown::Silent("no answer".into());
        self.log.observe(self.now, &place, item, Err(why), HOUR);
    }

    pub(super) fn parent(&mut self, item: Item, data: BTreeSet<Rdata>) {
        self.show_all("parent", item, data, &[]);
    }

    pub(super) fn wrote(&mut self, signer: &str, item: Item, tries: u8, last: Written) {
        let at = self.now.before(self.config.poll);
        self.writes
            .insert((signer.into(), item), Write { tries, at, last });
    }

    pub(super) fn case<'a>(&'a self, zone: &'a Name) -> Case<'a> {
        Case {
            config: &self.config,
            zone,
            log: &self.log,
            keys: &self.keys,
            places: &self.places,
            process: &self.process,
            writes: &self.writes,
            since: self.since,
            back_off: Duration::from_secs(60),
        }
    }

    pub(super) fn decide(&self, goal: Goal) -> Decision {
        decide(
            &self.case(&name("example.test.")),
            Row {
                step: 1,
                goal,
                title: "",
            },
            self.now,
        )
    }
}

pub(super) fn key(signer: &str, sep: bool) -> SigningKey {
    let flags = ZONE_KEY | if sep { SECURE_ENTRY_POINT } else { 0 };
    let seed = counterpoint_dns::stream::octets(u64::from(sep), signer);
    SigningKey::from_seed(Algorithm::Ed25519, flags, seed)
}

pub(super) fn own_keys(signer: &str) -> BTreeSet<Rdata> {
    [true, false]
        .map(|sep| key(signer, sep).public().to_rdata())
        .into()
}

pub(super) fn with_foreign(signer: &str, other: &str) -> BTreeSet<Rdata> {
    let mut keys = own_keys(signer);
    keys.insert(key(other, false).public().to_rdata());
    keys
}

pub(super) fn ns(signers: &[&str]) -> BTreeSet<Rdata> {
    let names = signers.iter().flat_map(|signer| {
        [1, 2].map(|host| Rdata::name(&name(&format!("ns{host}.{signer}.test."))))
    });
    names.collect()
}

pub(super) fn ds(signers: &[&str]) -> BTreeSet<Rdata> {
    let zone = name("example.test.");
    let each = signers
        .iter()
        .map(|signer| key(signer, true).public().ds(&zone, 2).unwrap());
    each.map(|ds| ds.to_rdata()).collect()
}
