//! A case as a story: scans at times, changes between them, and what is expected of each.
//!
//! The same story is told by two carriers, in memory and over sockets. It judges only what anybody
//! can see: what was said about the child, what the parent's zone holds, which questions came.

use std::{collections::BTreeMap, time::Duration};

use counterpoint_dns::{
    agent::{Agent as _, Input},
    name::{Name, RecordType},
    resolver,
    rrset::RrSet,
    stream::stream,
    time::Timestamp,
};
use counterpoint_scanner::{About, Command, Config, Facts, Policy, Scanner};

use toml::Table;

use super::{
    file::Case,
    layer::{Layer, ParentSide},
    record::rtype,
    span::{instant, span},
    town::{BEGIN, PARENT, Snapshot, Town, tsig},
};

/// How long after a scan begins it is looked at. Nothing is to be waited for but answers.
const PATIENCE: Duration = Duration::from_secs(30);
/// No scan comes by itself: the story asks for each.
const NEVER: Duration = Duration::from_secs(86_400 * 3_650);

/// Runs an agent among servers.
pub trait Carrier {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Runs `scanner` until it has nothing more to do before `until`, which then is the time.
    fn live(&mut self, scanner: Scanner, town: &mut Town, until: Timestamp) -> Scanner;
}

/// Plays a case, with these rules switched off. An error says what came out differently.
pub fn play(
    case: &Case,
    muted: &[&str],
    carrier: impl FnOnce(&Town) -> Box<dyn Carrier>,
) -> Result<(), String> {
    let mut town = Town::new(&case.layer)?;
    let mut carrier = carrier(&town);
    let mut config = config(&town, &case.layer)?;
    config
        .policy
        .muted
        .extend(muted.iter().map(ToString::to_string));
    let mut scanner = Scanner::new(config, stream(1, "scanner"));
    let mut before = town.parent();
    for (number, scan) in case.scans.iter().enumerate() {
        let at = BEGIN + span(scan.at.as_deref().unwrap_or("0s"))?;
        let in_scan = |error: String| match case.scans.len() {
            1 => error,
            _ => format!("scan {} at {}: {error}", number + 1, at.relative_to(BEGIN)),
        };
        scanner = carrier.live(scanner, &mut town, at);
        if number > 0 {
            let by_hand = case.own[number].parent.clone();
            let changed = town.parent();
            town.change(scan, &by_hand).map_err(in_scan)?;
            // What a hand changed is no change of the agent's.
            for (key, set) in town.parent() {
                if changed.get(&key) != Some(&set) {
                    before.insert(key, set);
                }
            }
            let now = town.parent();
            before.retain(|key, _| now.contains_key(key) || !changed.contains_key(key));
        }
        if number > 0 && scan.unasked_for != Some(true) {
            scanner.handle(carrier.now(), Input::Command(Command::ScanNow));
        }
        scanner = carrier.live(scanner, &mut town, at + PATIENCE);
        check(scan, &scanner, &town, &before).map_err(in_scan)?;
        before = town.parent();
    }
    Ok(())
}

/// The configuration of an agent that scans the case's parent once, at the beginning.
pub fn config(town: &Town, words: &Layer) -> Result<Config, String> {
    let parent = counterpoint_dns::name::parse_name(PARENT).map_err(|error| error.to_string())?;
    let mut config = Config::new(parent, Town::primary(), town.begin());
    config.tsig = Some(tsig());
    config.interval = NEVER;
    config.publish_delay = Duration::ZERO..=Duration::ZERO;
    let anchor = town.trust_anchor();
    config.resolver = Some(resolver::Config::new(vec![Town::root()], anchor));
    let policy = toml::to_string(&words.policy).map_err(|error| error.to_string())?;
    config.policy = Policy::from_toml("policy", &policy).map_err(|error| error.to_string())?;
    config.facts = [(town.child().clone(), facts(town, &words.registry)?)].into();
    // The servers of the vectors have addresses for documentation, which nobody may ask by default.
    let addresses = town.addresses().into_iter().map(|address| address.ip());
    config.policy.gathering.private_addresses.extend(addresses);
    Ok(config)
}

/// The registry's facts, with the keys of its export; `changed` is a time from the beginning.
fn facts(town: &Town, words: &Table) -> Result<Facts, String> {
    let mut words = words.clone();
    let changed = words.remove("changed");
    let facts = words.try_into();
    let mut facts: Facts = facts.map_err(|error| format!("registry: {error}"))?;
    if let Some(text) = changed {
        let text = text.as_str().unwrap_or_default();
        facts.changed = Some(instant(town.begin(), text)?);
    }
    Ok(facts)
}

/// What was said, the parent's zone, the questions.
fn check(scan: &Layer, scanner: &Scanner, town: &Town, before: &Snapshot) -> Result<(), String> {
    let mut accepts = false;
    for (about, what, expected) in [
        (About::Ds, "DS", &scan.expect),
        (About::Csync, "CSYNC", &scan.expect_csync),
    ] {
        let said = scanner.said(town.child(), about);
        // Of a child that is not asked anything, only this is said.
        let said = said.or_else(|| scanner.said(town.child(), About::Delegation));
        accepts |= said.as_ref().is_some_and(|said| said.starts_with("ACCEPT"));
        let Some(expected) = expected else { continue };
        let said = said.unwrap_or_else(|| "nothing".into());
        if !agrees(&said, expected) {
            return Err(format!("{what}: expected {expected}, but it said {said}"));
        }
    }
    let expects = |words: &Option<String>| {
        words
            .as_ref()
            .is_some_and(|text| text.starts_with("ACCEPT"))
    };
    let is_change_expected =
        expects(&scan.expect) || expects(&scan.expect_csync) || scan.after.is_some();
    if accepts && !is_change_expected {
        return Err("it accepted what nothing says it may".into());
    }
    let side = scan.after.clone().unwrap_or_default();
    let wanted = expected_parent(town, before, &side)?;
    compare(&wanted, &town.parent(), before, &side)?;
    for (words, must) in [(&scan.asked, true), (&scan.not_asked, false)] {
        for text in words.iter().flatten() {
            if was_asked(town, text)? != must {
                let not = if must { "not " } else { "" };
                return Err(format!("`{text}` was {not}asked"));
            }
        }
    }
    Ok(())
}

/// Whether what was said begins with the words that are expected of it.
fn agrees(said: &str, expected: &str) -> bool {
    let mut said = said.split_whitespace();
    expected
        .split_whitespace()
        .all(|word| said.next() == Some(word))
}

fn expected_parent(town: &Town, before: &Snapshot, side: &ParentSide) -> Result<Snapshot, String> {
    let mut wanted = before.clone();
    for set in town.read_side(side, &side.ttl)? {
        let key = (set.name.clone(), set.rtype);
        match set.data.is_empty() {
            true => wanted.remove(&key),
            false => wanted.insert(key, set),
        };
    }
    Ok(wanted)
}

/// Data always; TTLs wherever the data are as before, and where the case names one. The TTL of what
/// is new is the parent's choice.
fn compare(
    wanted: &Snapshot,
    is: &Snapshot,
    before: &Snapshot,
    side: &ParentSide,
) -> Result<(), String> {
    let mut wrong = BTreeMap::new();
    let named = |rtype: RecordType| side.ttl.contains_key(&rtype.to_string());
    for (key, set) in wanted {
        let same = |other: &RrSet| {
            let is_kept = before
                .get(key)
                .is_some_and(|before| before.data == set.data);
            let ttl = match (named(key.1), before.get(key)) {
                (true, _) => set.ttl == other.ttl,
                (false, Some(before)) if is_kept => before.ttl == other.ttl,
                _ => true,
            };
            other.data == set.data && ttl
        };
        if !is.get(key).is_some_and(same) {
            wrong.insert(key, (Some(set), is.get(key)));
        }
    }
    for (key, set) in is.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
        wrong.insert(key, (None, Some(set)));
    }
    let show = |set: &Option<&RrSet>| set.map_or("nothing".into(), |set| set.to_string());
    let lines = wrong
        .iter()
        .map(|(key, (wanted, is)): (&&(Name, RecordType), _)| {
            format!(
                "the parent's {} {}: expected {}, found {}",
                key.0,
                key.1,
                show(wanted),
                show(is)
            )
        });
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(lines.collect::<Vec<_>>().join("\n    ")),
    }
}

/// `LABEL TYPE [udp|tcp]`, or `LABEL OWNER TYPE [udp|tcp]`; the label `*` is any server.
fn was_asked(town: &Town, text: &str) -> Result<bool, String> {
    use counterpoint_dns::agent::Transport;
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let via = match words.last() {
        Some(&"udp") => Some(Transport::Udp),
        Some(&"tcp") => Some(Transport::Tcp),
        _ => None,
    };
    if via.is_some() {
        words.pop();
    }
    let (label, owner, kind) = match words.as_slice() {
        [label, kind] => (*label, town.child().to_string(), rtype(kind)?),
        [label, owner, kind] => (*label, (*owner).into(), rtype(kind)?),
        _ => return Err(format!("asked `{text}`: write `LABEL TYPE [udp|tcp]`")),
    };
    Ok(town.journal.iter().any(|asked| {
        (label == "*" || asked.server == label)
            && asked.question.rtype == kind
            && asked.question.name.to_string() == owner
            && via.is_none_or(|via| asked.via == via)
    }))
}
