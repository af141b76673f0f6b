//! Instants of scenarios, cold and after a jump, and what each validator must make of them.

use std::{thread, time::Duration};

use counterpoint_dns::{
    message::Question,
    name::{RecordType, parse_name},
};
use counterpoint_simnet::net::Net;

use crate::{
    is_able,
    judges::{
        Judges, PROGRAMS, Product,
        Verdict::{self, Fails, Insecure, Secure},
    },
    ours::Ours,
    world::{Served, instant, show},
};

/// An instant at which validators are asked.
struct Case {
    /// What is seen here.
    title: &'static str,
    /// The scenario.
    file: &'static str,
    /// What is overridden in it.
    sets: &'static [&'static str],
    /// When caches are warmed, if they are; and when all are asked.
    at: &'static [&'static str],
    /// What they hold by then.
    warm: &'static [(&'static str, RecordType)],
    /// How long it takes until what they shall not hold has run out.
    pause: Duration,
    /// What is asked: a name that exists, and one that does not.
    names: [&'static str; 2],
    /// Of Unbound, PowerDNS Recursor, and delv behind a cache.
    verdicts: [Verdict; 3],
    /// Where ours differs from the product that it resembles.
    differs: &'static [Product],
}

const NOTHING: Case = Case {
    title: "",
    file: "",
    sets: &[],
    at: &[],
    warm: &[],
    pause: Duration::ZERO,
    names: ["www.example.test.", "nope.example.test."],
    verdicts: [Secure; 3],
    differs: &[],
};

/// What lives for a second has been forgotten.
const FORGOTTEN: Duration = Duration::from_millis(2_100);

/// The delegation and the apex are asked for anew, whatever else is held.
const SHORT_NS: [&str; 3] = [
    "parent.ns-ttl=1s",
    "signer.alpha.ns-ttl=1s",
    "signer.beta.ns-ttl=1s",
];

const CASES: &[Case] = &[
    Case {
        title: "before anything happens",
        file: "library/migration.toml",
        at: &["30m"],
        ..NOTHING
    },
    Case {
        title: "beta's nameservers appear",
        file: "library/migration.toml",
        at: &["2h 20m", "2h 45m"],
        warm: &[
            ("www.example.test.", RecordType::A),
            ("example.test.", RecordType::DNSKEY),
        ],
        ..NOTHING
    },
    Case {
        title: "alpha is not delegated to any more",
        file: "library/migration.toml",
        at: &["2h 40m", "3h 10m"],
        warm: &[("example.test.", RecordType::DNSKEY)],
        ..NOTHING
    },
    Case {
        title: "alpha has stopped",
        file: "library/migration.toml",
        at: &["4h", "4h 30m"],
        warm: &[("example.test.", RecordType::DNSKEY)],
        ..NOTHING
    },
    Case {
        title: "one denies by NSEC3, below a parent that opts out",
        file: "library/denial-differs.toml",
        at: &["3h"],
        ..NOTHING
    },
    Case {
        title: "the second KSK has a DS, the third is to come",
        file: "museum/three-is-a-crowd.toml",
        at: &["9h"],
        ..NOTHING
    },
    Case {
        title: "the second KSK is gone, and the DS names it",
        file: "museum/three-is-a-crowd.toml",
        at: &["10h 30m"],
        verdicts: [Fails; 3],
        ..NOTHING
    },
    Case {
        title: "the old KSK has gone, and so has its DS",
        file: "museum/ksk-retired-by-the-childs-ttl.toml",
        at: &["4h 10m"],
        names: ["www.co.test.", "nope.co.test."],
        ..NOTHING
    },
    Case {
        title: "the old KSK has gone, and its DS is cached with the delegation",
        file: "museum/ksk-retired-by-the-childs-ttl.toml",
        sets: &["signer.alpha.dnskey-ttl=1s"],
        at: &["2h 59m", "4h 10m"],
        warm: &[("co.test.", RecordType::SOA)],
        pause: FORGOTTEN,
        names: ["www.co.test.", "nope.co.test."],
        verdicts: [Fails; 3],
        ..NOTHING
    },
    Case {
        title: "the old KSK has gone, and its DS alone is cached",
        file: "museum/ksk-retired-by-the-childs-ttl.toml",
        at: &["2h 59m", "4h 10m"],
        warm: &[("co.test.", RecordType::DS)],
        names: ["www.co.test.", "nope.co.test."],
        verdicts: [Fails, Secure, Fails],
        differs: &[Product::Recursor],
        ..NOTHING
    },
    Case {
        title: "all go to beta, which signs with a key of its own",
        file: "library/section-4-zsk-not-exchanged.toml",
        sets: &TO_BETA_3_4,
        at: &["10h 5m"],
        ..NOTHING
    },
    Case {
        title: "all go to beta, and alpha's keys are cached",
        file: "library/section-4-zsk-not-exchanged.toml",
        sets: &TO_BETA_3_4,
        at: &["9h 55m", "10h 5m"],
        warm: &[("example.test.", RecordType::DNSKEY)],
        pause: FORGOTTEN,
        verdicts: [Fails; 3],
        ..NOTHING
    },
    Case {
        title: "all go to beta, whose KSK has no DS",
        file: "library/ds-too-late.toml",
        sets: &TO_BETA_4_5,
        at: &["10h 5m"],
        verdicts: [Fails; 3],
        ..NOTHING
    },
    Case {
        title: "all go to beta, whose ZSK is cached with alpha's keys",
        file: "library/ds-too-late.toml",
        sets: &TO_BETA_4_5,
        at: &["9h 55m", "10h 5m"],
        warm: &[("example.test.", RecordType::DNSKEY)],
        pause: FORGOTTEN,
        ..NOTHING
    },
    Case {
        title: "signatures and DS have gone",
        file: "library/cut-ds-wait-go-insecure.toml",
        at: &["2h 30m"],
        verdicts: [Insecure; 3],
        ..NOTHING
    },
    Case {
        title: "signatures have gone, and the DS is cached with the delegation",
        file: "library/cut-ds-wait-go-insecure.toml",
        sets: &["signer.alpha.dnskey-ttl=1s", "signer.beta.dnskey-ttl=1s"],
        at: &["2h", "2h 30m"],
        warm: &[("example.test.", RecordType::SOA)],
        pause: FORGOTTEN,
        verdicts: [Fails; 3],
        ..NOTHING
    },
    Case {
        title: "signatures have gone, and the DS alone is cached",
        file: "library/cut-ds-wait-go-insecure.toml",
        at: &["2h", "2h 30m"],
        warm: &[("example.test.", RecordType::DS)],
        verdicts: [Fails, Insecure, Fails],
        differs: &[Product::Recursor],
        ..NOTHING
    },
    Case {
        title: "signatures have run out an hour ago",
        file: "library/expired-signature.toml",
        sets: &["zone.\"example.test.\".signers=[\"beta\"]"],
        at: &["14d 1h"],
        verdicts: [Secure, Fails, Fails],
        ..NOTHING
    },
    Case {
        title: "signatures have run out two days ago",
        file: "library/expired-signature.toml",
        sets: &["zone.\"example.test.\".signers=[\"beta\"]"],
        at: &["16d"],
        verdicts: [Fails; 3],
        ..NOTHING
    },
];

const TO_BETA_3_4: [&str; 5] = [
    SHORT_NS[0],
    SHORT_NS[1],
    SHORT_NS[2],
    "event.3.signers=[\"beta\"]",
    "event.4.signers=[\"beta\"]",
];

const TO_BETA_4_5: [&str; 5] = [
    SHORT_NS[0],
    SHORT_NS[1],
    SHORT_NS[2],
    "event.4.signers=[\"beta\"]",
    "event.5.signers=[\"beta\"]",
];

/// Each case has a network of its own.
fn net(number: usize) -> Net {
    format!("127.{}.0.0/16", 70 + number).parse().unwrap()
}

fn question(name: &str, rtype: RecordType) -> Question {
    Question::new(parse_name(name).unwrap(), rtype)
}

#[expect(clippy::disallowed_methods, reason = "real caches forget in real time")]
fn wait(span: Duration) {
    thread::sleep(span);
}

impl Case {
    /// Its row in the manual.
    fn row(&self) -> String {
        let file = self.file.trim_end_matches(".toml");
        let warm: Vec<String> = match self.at.len() {
            1 => vec!["–".into()],
            _ => self
                .warm
                .iter()
                .map(|(name, rtype)| format!("{name} {rtype}"))
                .collect(),
        };
        let verdict = |(product, verdict): (Product, Verdict)| match self.differs.contains(&product)
        {
            true => format!("**{verdict}**"),
            false => verdict.to_string(),
        };
        let verdicts = Product::ALL.into_iter().zip(self.verdicts).map(verdict);
        let verdicts: Vec<String> = verdicts.collect();
        format!(
            "| `{file}` | {} | {} | {} | {} |",
            self.at.join(" → "),
            warm.join(", "),
            self.title,
            verdicts.join(" | ")
        )
    }

    /// What is not as it must be.
    fn complaints(&self, number: usize) -> Vec<String> {
        let instants: Vec<Duration> = self.at.iter().map(|at| instant(at)).collect();
        let served = Served::open(show(self.file, self.sets, net(number)), &instants);
        let root = served.show.root();
        let judges = Judges::open(root.clone()).unwrap();
        let mut ours = Product::ALL.map(|product| Ours::new(&root, product.profile(), 1));
        if instants.len() > 1 {
            for (name, rtype) in self.warm {
                let question = question(name, *rtype);
                judges.warm(&question);
                for ours in &mut ours {
                    let (verdict, why) = ours.ask(&question);
                    assert_ne!(verdict, Fails, "{question} {why}");
                }
            }
            wait(self.pause);
            served.turn();
        }
        let mut complaints = Vec::new();
        let predicted = served.show.predict().unwrap();
        let is_unsafe = instants
            .last()
            .is_some_and(|at| predicted.at(*at).next().is_some());
        if self.verdicts.contains(&Fails) && !is_unsafe {
            complaints.push(format!(
                "{}: the oracle knows no cache that fails",
                self.title
            ));
        }
        for ((product, expected), ours) in
            Product::ALL.into_iter().zip(self.verdicts).zip(&mut ours)
        {
            for name in self.names {
                let question = question(name, RecordType::A);
                let (found, said) = judges.ask(product, &question);
                let (own, why) = ours.ask(&question);
                let place = format!("{}: {product:?}, {question}", self.title);
                if found != expected {
                    complaints.push(format!("{place}: {found}, not {expected}: {said}"));
                }
                if (own != found) != self.differs.contains(&product) {
                    complaints.push(format!("{place}: {found}, ours {own} ({why}): {said}"));
                }
            }
        }
        complaints
    }
}

#[test]
fn real_validators_judge_as_ours_do() {
    if !is_able(&PROGRAMS) {
        return;
    }
    let complaints: Vec<String> = CASES
        .iter()
        .enumerate()
        .flat_map(|(number, case)| case.complaints(number))
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn the_manual_has_them_all() {
    let manual = include_str!("../../../docs/real-resolvers.md");
    let rows: Vec<String> = CASES.iter().map(Case::row).collect();
    let missing: Vec<&String> = rows.iter().filter(|row| !manual.contains(*row)).collect();
    assert!(
        missing.is_empty(),
        "not in docs/real-resolvers.md:\n{}",
        rows.join("\n")
    );
}
