//! How the oracle's cost grows: twice the history should take about twice the time.
//!
//! Prints one line a size: three signers with two servers each roll their ZSKs and re-sign all day,
//! for as many days as the size asks for. Run with `cargo bench -p counterpoint-dns --bench oracle`.

use std::time::{Duration, Instant};

use counterpoint_dns::{
    oracle::{
        Profile,
        history::{
            Answer, Ds, History, Instance, InstanceId, Key, KeyId, Side, Signature, Version,
        },
        judge, slack,
    },
    time::Timestamp,
};

const HOUR: i64 = 3_600;
const SIGNERS: u32 = 3;
const SERVERS: u32 = 2;

fn main() {
    println!(
        "{:>8}  {:>10}  {:>10}  {:>10}",
        "versions", "liberal", "strict-ds", "slack"
    );
    for size in [2_500, 5_000, 10_000, 20_000] {
        let history = busy(size);
        let (from, until) = (Timestamp::MIN, Timestamp::MAX);
        let all = |profile: Profile| {
            time(|| {
                let judgement = judge(&history, &profile, from, until);
                assert!(judgement.is_safe(), "{:?}", judgement.violations);
            })
        };
        let liberal = all(Profile::liberal());
        let strict = all(Profile::strict_ds());
        let slack = time(|| {
            let slack = slack(&history, &Profile::liberal(), from, until);
            assert!(slack.is_some_and(|slack| !slack.is_zero()), "{slack:?}");
        });
        let count = history.ds.len() + history.dnskey.len() + history.answers.len();
        println!(
            "{:>8}  {liberal:>10.2?}  {strict:>10.2?}  {slack:>10.2?}",
            count + history.ns.len()
        );
    }
}

/// The best of five runs.
fn time(mut run: impl FnMut()) -> Duration {
    let times = (0..5).map(|_| {
        #[allow(clippy::disallowed_methods, reason = "a bench measures real time")]
        let start = Instant::now();
        run();
        start.elapsed()
    });
    times.min().unwrap_or_default()
}

/// A safe history of about `size` versions. Every day one signer takes a new ZSK, which the others
/// publish too; every six hours each signs its answers anew; now and then NS and DS change.
fn busy(size: usize) -> History {
    let mut history = History {
        zone: "example.test.".into(),
        instances: vec![instance("parent/1", Side::Parent)],
        ..History::default()
    };
    for signer in 0..SIGNERS {
        for server in 0..SERVERS {
            let name = format!("signer-{signer}/ns{server}");
            history.instances.push(instance(&name, Side::Child));
        }
        history.keys.push(key(format!("signer-{signer} ksk")));
    }
    let children: Vec<InstanceId> = (1..=SIGNERS * SERVERS).map(InstanceId).collect();
    let ksks: Vec<KeyId> = (0..SIGNERS).map(KeyId).collect();
    let mut zsks: Vec<KeyId> = Vec::new();
    for signer in 0..SIGNERS {
        zsks.push(new_key(&mut history, format!("signer-{signer} zsk")));
    }

    let mut day = 0;
    let mut count = 0;
    while count < size {
        let (from, until) = (day * 24 * HOUR, (day + 1) * 24 * HOUR);
        let turn = (day as u32 % SIGNERS) as usize;
        // The new key is known all day, and signs from the next day on; the old one stays a day.
        let next = new_key(&mut history, format!("zsk of day {day}"));
        for (signer, &ksk) in ksks.iter().enumerate() {
            let mut keys = vec![ksk];
            keys.extend(&zsks);
            keys.push(next);
            if day > 0 {
                let before = (turn + ksks.len() - 1) % ksks.len();
                keys.push(retired(&history, &zsks[before]));
            }
            for server in servers(signer) {
                let version = version(server, (from, until), HOUR, &[ksk], keys.clone());
                history.dnskey.push(version);
                for quarter in 0..4 {
                    let from = from + quarter * 6 * HOUR;
                    let span = (from, from + 6 * HOUR);
                    let answer = Answer {
                        example: "www.example.test. A".into(),
                    };
                    let mut answer = version_of_day(server, span, zsks[signer], answer);
                    answer.signatures[0].expiration = Timestamp::from_seconds(span.1 + 7 * 86_400);
                    history.answers.push(answer);
                }
            }
        }
        let ds = ksks.iter().map(|&key| Ds {
            key: Some(key),
            algorithm: 13,
            digest_type: 2,
        });
        let parent = InstanceId(0);
        let ds = version(parent, (from, until), 24 * HOUR, &[ksks[0]], ds.collect());
        history.ds.push(ds);
        let ns = version(parent, (from, until), 48 * HOUR, &[], children.clone());
        history.ns.push(ns);
        for &child in &children {
            let ns = version(child, (from, until), 24 * HOUR, &[], children.clone());
            history.ns.push(ns);
        }
        zsks[turn] = next;
        day += 1;
        count = history.dnskey.len() + history.answers.len() + history.ds.len() + history.ns.len();
    }
    history
}

/// The key that this one replaced the day before: keys are made one a day, and replaced in turn.
fn retired(history: &History, latest: &KeyId) -> KeyId {
    let first_of_days = 2 * SIGNERS;
    match latest.0.checked_sub(SIGNERS) {
        Some(before) if latest.0 >= first_of_days && before < history.keys.len() as u32 => {
            KeyId(before)
        }
        _ => *latest,
    }
}

fn servers(signer: usize) -> impl Iterator<Item = InstanceId> {
    let first = 1 + signer as u32 * SERVERS;
    (first..first + SERVERS).map(InstanceId)
}

fn new_key(history: &mut History, label: String) -> KeyId {
    history.keys.push(key(label));
    KeyId(history.keys.len() as u32 - 1)
}

fn instance(name: &str, side: Side) -> Instance {
    Instance {
        name: name.into(),
        side,
    }
}

fn key(label: String) -> Key {
    Key {
        label,
        algorithm: 13,
        usable: true,
    }
}

fn version_of_day<C>(who: InstanceId, span: (i64, i64), key: KeyId, content: C) -> Version<C> {
    version(who, span, 300, &[key], content)
}

fn version<C>(
    instance: InstanceId,
    (from, until): (i64, i64),
    ttl: i64,
    signers: &[KeyId],
    content: C,
) -> Version<C> {
    let signature = |&key: &KeyId| Signature {
        key,
        inception: Timestamp::from_seconds(from),
        expiration: Timestamp::from_seconds(until + 14 * 86_400),
    };
    Version {
        instance,
        from: Timestamp::from_seconds(from),
        until: Timestamp::from_seconds(until),
        ttl: Duration::from_secs(ttl as u64),
        signatures: signers.iter().map(signature).collect(),
        content,
    }
}
