//! What is counted, for whoever watches the watcher. No names of children.

use std::{collections::BTreeMap, time::Duration};

use counterpoint_dns::{
    driver::daemon::metrics::{Kind, Metrics},
    time::Timestamp,
};

use crate::{notified::Heard, schedule::Channel, verdict::Verdict};

/// Counts since it began.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    scans: BTreeMap<&'static str, u64>,
    verdicts: BTreeMap<&'static str, u64>,
    /// By outcome.
    changes: BTreeMap<&'static str, u64>,
    notified: [u64; Heard::NAMES.len()],
    pub notices: u64,
    pub rereads: u64,
    pub reread_failures: u64,
    pub reloads_refused: u64,
    /// The brakes that hold the plan back.
    pub held: Vec<&'static str>,
    /// Changes that are planned and not made.
    pub planned: u64,
    /// When the last scan came to its end.
    pub last_scan: Option<Timestamp>,
}

/// What is so at the moment.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub children: usize,
    pub out: usize,
    pub notified: usize,
    pub lag: Duration,
    pub is_applying: bool,
}

impl Counts {
    pub fn scan(&mut self, channel: Channel, verdicts: [Option<&Verdict>; 2], now: Timestamp) {
        *self.scans.entry(channel.name()).or_default() += 1;
        for verdict in verdicts.into_iter().flatten() {
            *self.verdicts.entry(verdict.reason).or_default() += 1;
        }
        self.last_scan = Some(now);
    }

    pub fn change(&mut self, outcome: &'static str) {
        *self.changes.entry(outcome).or_default() += 1;
    }

    pub fn heard(&mut self, heard: &Heard) {
        self.notified[heard.index()] += 1;
    }

    /// Scans of all channels.
    pub fn scans(&self) -> u64 {
        self.scans.values().sum()
    }

    /// Changes that were made.
    pub fn changes(&self) -> u64 {
        self.changes.get("applied").copied().unwrap_or_default()
    }

    /// As Prometheus reads them.
    pub fn text(&self, standing: &Standing, brakes: &[&'static str], now: Timestamp) -> String {
        use Kind::{Counter, Gauge};
        let all = |counts: &BTreeMap<&'static str, u64>| -> Vec<(&'static str, u64)> {
            counts.iter().map(|(of, count)| (*of, *count)).collect()
        };
        let mut metrics = Metrics::new("counterpoint_scanner");
        let count = |number: usize| number as u64;
        let what = "Delegations that are watched.";
        metrics.one("children", Gauge, what, count(standing.children));
        let what = "Children that are being asked, or changed.";
        metrics.one("children_out", Gauge, what, count(standing.out));
        let what = "Children that wait because of a NOTIFY.";
        metrics.one("children_notified", Gauge, what, count(standing.notified));
        let what = "How long the child that is due first has waited.";
        metrics.one("lag_seconds", Gauge, what, standing.lag.as_secs());
        let since = self.last_scan.map_or(0, |last| now.since(last).as_secs());
        let what = "How long ago the last scan came to its end.";
        metrics.one("last_scan_age_seconds", Gauge, what, since);
        let what = "Scans, by what brought them about.";
        metrics.by("scans_total", Counter, what, "channel", all(&self.scans));
        let what = "Verdicts, by reason code.";
        metrics.by(
            "verdicts_total",
            Counter,
            what,
            "reason",
            all(&self.verdicts),
        );
        let what = "Changes, by what became of them.";
        metrics.by(
            "changes_total",
            Counter,
            what,
            "outcome",
            all(&self.changes),
        );
        let what = "Changes that are planned and not made.";
        metrics.one("planned", Gauge, what, self.planned);
        let what = "Whether changes are made at all.";
        metrics.one("applies", Gauge, what, standing.is_applying.into());
        let what = "Whether a brake holds the plan back.";
        let held = brakes.iter();
        let held = held.map(|brake| (*brake, u64::from(self.held.contains(brake))));
        metrics.by("brake_held", Gauge, what, "brake", held);
        let what = "Messages at the NOTIFY ports, by what became of them.";
        let heard = Heard::NAMES.into_iter().zip(self.notified);
        metrics.by("notify_total", Counter, what, "outcome", heard);
        let what = "Notices that were written.";
        metrics.one("notices_total", Counter, what, self.notices);
        let what = "How often the input was read again.";
        metrics.one("rereads_total", Counter, what, self.rereads);
        let what = "How often the input could not be read again.";
        metrics.one("reread_failures_total", Counter, what, self.reread_failures);
        let what = "Policies that were refused.";
        metrics.one("reloads_refused_total", Counter, what, self.reloads_refused);
        metrics.text()
    }
}
