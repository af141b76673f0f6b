//! One question to the servers of one zone: server after server, until one gives something usable.
//!
//! Owns the choice of servers and the account of what each of them did. Knows nothing of the wire.

use std::{collections::BTreeSet, net::IpAddr};

use rand::RngExt as _;

use crate::{
    message::{Question, Reply},
    name::{Name, RecordType},
    resolver::{
        cache::Held,
        config::Config,
        job::Stuck,
        judge::{Trust, Verdict, judge},
        pace::Pace,
        reading::{Reading, Referral, hidden_apexes, is_unsigned, read},
        walk::Need,
    },
    signature::Verifier,
    stream::Stream,
    time::Timestamp,
};

/// A fetch in progress. Several jobs may wait for it.
#[derive(Clone, Debug)]
pub(super) struct Fetch {
    /// What is asked, of whom, and by what the answer is judged.
    pub need: Need,
    /// Jobs that wait for it.
    pub waiters: BTreeSet<u64>,
    /// Names about which it is known whether they are apexes, or will be in vain.
    probed: BTreeSet<Name>,
    untried: Vec<IpAddr>,
    tries_left: usize,
    bogus_left: usize,
    /// When the last server was asked.
    pub asked: Timestamp,
    bogus: Option<(IpAddr, String)>,
    failed: Vec<String>,
}

/// What one reply brings.
#[derive(Clone, Debug)]
pub(super) enum Gain {
    /// An answer to hold, and the verdict on it.
    Held(Held, Option<Verdict>),
    /// A delegation to hold, and what was said and found about its DS RRset.
    Referral(Box<Referral>, Option<(Held, Option<Verdict>)>),
    /// One of these names may be the apex of a zone on the same server.
    Apexes(BTreeSet<Name>),
    /// Nothing: another server must be asked.
    Nothing,
}

impl Fetch {
    /// A fetch for `job`, of those servers alone that are pinned, if any of them is.
    pub fn new(
        need: Need,
        job: u64,
        probed: BTreeSet<Name>,
        config: &Config,
        pins: &BTreeSet<IpAddr>,
    ) -> Self {
        let mut untried = need.servers.clone();
        if untried.iter().any(|server| pins.contains(server)) {
            untried.retain(|server| pins.contains(server));
        }
        Self {
            need,
            waiters: [job].into(),
            probed,
            untried,
            tries_left: config.servers_tries,
            bogus_left: config.bogus_tries,
            asked: Timestamp::MIN,
            bogus: None,
            failed: Vec::new(),
        }
    }

    /// The next server to ask, at random or by pace; None if there is none or it has been tried often
    /// enough.
    pub fn next_server(&mut self, stream: &mut Stream, pace: Option<&Pace>) -> Option<IpAddr> {
        self.tries_left = self.tries_left.checked_sub(1)?;
        if self.untried.is_empty() {
            return None;
        }
        let chosen = match pace {
            Some(pace) => pace.choose(&self.untried, stream),
            None => stream.random_range(0..self.untried.len()),
        };
        Some(self.untried.swap_remove(chosen))
    }

    /// Notes that `server` gave no usable answer.
    pub fn note_failure(&mut self, server: IpAddr, why: impl std::fmt::Display) {
        self.failed.push(format!("{server}: {why}"));
    }

    /// Takes the reply of `server`.
    pub fn reply(
        &mut self,
        server: IpAddr,
        reply: &Reply,
        config: &Config,
        now: Timestamp,
        verifier: &mut Verifier,
    ) -> Gain {
        let need = &self.need;
        match read(reply, &need.question, &need.zone) {
            Reading::Lame(why) => {
                self.note_failure(server, why);
                Gain::Nothing
            }
            Reading::Referral(mut referral) => {
                let Some(said) = referral.ds.take() else {
                    return Gain::Referral(Box::new(referral), None);
                };
                let question = Question::new(referral.child.clone(), RecordType::DS);
                let verdict = self.judge(&question, &said, config, now, verifier);
                match (verdict, &said) {
                    (Some(Verdict::Bogus(why)), Held::Answer(..)) => {
                        self.note_bogus(server, &question, why);
                        Gain::Nothing
                    }
                    // Without a proof of "no DS" the parent is asked for it, should it matter.
                    (Some(Verdict::Bogus(_)), _) => Gain::Referral(Box::new(referral), None),
                    (verdict, _) => Gain::Referral(Box::new(referral), Some((said, verdict))),
                }
            }
            Reading::Held(held) => {
                let apexes = self.suspected_apexes(&held);
                if !apexes.is_empty() {
                    return Gain::Apexes(apexes);
                }
                let question = self.need.question.clone();
                match self.judge(&question, &held, config, now, verifier) {
                    Some(Verdict::Bogus(why)) => {
                        self.note_bogus(server, &question, why);
                        Gain::Nothing
                    }
                    verdict => Gain::Held(held, verdict),
                }
            }
        }
    }

    /// Whether a bogus answer came before the good one.
    pub fn is_masked(&self) -> bool {
        self.bogus.is_some()
    }

    /// Why nothing came of it.
    pub fn stuck(&self) -> Stuck {
        if let Some((server, why)) = &self.bogus {
            return Stuck::Bogus(why.clone(), Some(*server));
        }
        let Need { question, zone, .. } = &self.need;
        Stuck::Failed(match self.failed.is_empty() {
            true => format!("no server of {zone} has an address to ask for {question}"),
            false => format!(
                "no server of {zone} answers {question} ({})",
                self.failed.join("; ")
            ),
        })
    }

    /// The verdict on something said, if it is to be judged now.
    pub fn judge(
        &self,
        question: &Question,
        held: &Held,
        config: &Config,
        now: Timestamp,
        verifier: &mut Verifier,
    ) -> Option<Verdict> {
        let trust = self.need.trust.as_ref()?;
        let zone = &self.need.zone;
        Some(judge(
            question,
            held,
            zone,
            trust,
            &config.policy,
            now,
            verifier,
        ))
    }

    fn note_bogus(&mut self, server: IpAddr, question: &Question, why: String) {
        let why = format!("{question} from {server}: {why}");
        self.bogus.get_or_insert((server, why));
        self.bogus_left = self.bogus_left.saturating_sub(1);
        if self.bogus_left == 0 {
            self.untried.clear();
        }
    }

    /// Names to look at before this answer is believed to be the zone's own: where signatures or an
    /// SOA name them, or where an answer is unsigned that should not be.
    fn suspected_apexes(&self, held: &Held) -> BTreeSet<Name> {
        let Need { question, zone, .. } = &self.need;
        if !self.need.signed && !matches!(self.need.trust, Some(Trust::Ds(..))) {
            return BTreeSet::new();
        }
        let mut apexes = hidden_apexes(held, question, zone);
        if apexes.is_empty() && is_unsigned(held) {
            let mut name = question.name.clone();
            if question.rtype == RecordType::DS {
                name = name.base_name();
            }
            while name != *zone && zone.zone_of(&name) {
                let above = name.base_name();
                apexes.insert(name);
                name = above;
            }
        }
        apexes.retain(|apex| !self.probed.contains(apex));
        apexes
    }
}
