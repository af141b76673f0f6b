//! A request that has to stand for a while before it is believed (RFC 8078 §3.3, RFC 7344 §6.1).
//!
//! Owns the counting: which runs count, and what begins the period anew. Any change does (B-05); a
//! run that failed says nothing, and by policy begins it anew or not.

use std::time::Duration;

use counterpoint_dns::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How long, and how often, a request has to stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldDown {
    /// From the first sight of it.
    pub period: Duration,
    /// So many sound runs, the first and the last included.
    pub checks: u32,
    /// Runs that follow sooner on one that counted do not count: whoever asks for scans does not
    /// shorten the period (K-14).
    pub spacing: Duration,
    /// A longer time without a sound run begins it anew.
    pub gap_max: Option<Duration>,
    /// What failed runs do.
    pub failed_runs: FailedRuns,
}

/// What a run does that did not come to a sound end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailedRuns {
    /// Nothing.
    #[default]
    Ignore,
    /// It begins the period anew.
    Restart,
}

/// A request that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Candidate {
    /// SHA-256 of the CDS and CDNSKEY records, in hexadecimal.
    pub fingerprint: String,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When a sound run last saw it.
    pub last_seen: Timestamp,
    /// When a run last counted.
    pub counted: Timestamp,
    /// How many runs count.
    pub runs: u32,
}

impl Candidate {
    /// What it is after a sound run that saw this request.
    pub fn after(
        before: Option<&Self>,
        fingerprint: &str,
        hold: &HoldDown,
        now: Timestamp,
    ) -> Self {
        let broken = |before: &Self| {
            before.fingerprint != fingerprint
                || hold.gap_max.is_some_and(|max| now - before.last_seen > max)
        };
        match before.filter(|before| !broken(before)) {
            None => Self {
                fingerprint: fingerprint.into(),
                first_seen: now,
                last_seen: now,
                counted: now,
                runs: 1,
            },
            Some(before) => {
                let counts = now - before.counted >= hold.spacing && now > before.counted;
                Self {
                    last_seen: now,
                    counted: if counts { now } else { before.counted },
                    runs: before.runs.saturating_add(counts.into()),
                    ..before.clone()
                }
            }
        }
    }

    /// Whether it has stood long enough.
    pub fn has_stood(&self, hold: &HoldDown) -> bool {
        self.runs >= hold.checks && self.last_seen - self.first_seen >= hold.period
    }
}

/// What a run saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// Too little to say anything.
    Failed,
    /// Another request, or none, or no agreement: a change.
    Changed,
    /// This request, everywhere and sound.
    Seen(String),
}

impl Sighting {
    /// What becomes of the candidate.
    pub fn after(
        &self,
        before: Option<Candidate>,
        hold: &HoldDown,
        now: Timestamp,
    ) -> Option<Candidate> {
        match self {
            Self::Failed => before.filter(|_| hold.failed_runs == FailedRuns::Ignore),
            Self::Changed => None,
            Self::Seen(fingerprint) => {
                Some(Candidate::after(before.as_ref(), fingerprint, hold, now))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn hold() -> HoldDown {
        HoldDown {
            period: 48 * HOUR,
            checks: 3,
            spacing: 12 * HOUR,
            gap_max: Some(48 * HOUR),
            failed_runs: FailedRuns::Ignore,
        }
    }

    fn at(hours: u32) -> Timestamp {
        Timestamp::from_seconds(1_767_225_600) + hours * HOUR
    }

    /// When, after these sightings, it has stood long enough.
    fn stands_at(sightings: &[(u32, Sighting)], hold: &HoldDown) -> Option<u32> {
        let mut candidate = None;
        for (hour, sighting) in sightings {
            candidate = sighting.after(candidate, hold, at(*hour));
            if candidate.as_ref().is_some_and(|held| held.has_stood(hold)) {
                return Some(*hour);
            }
        }
        None
    }

    #[test]
    fn b_05_it_stands_by_time_and_by_runs_that_are_apart() {
        let seen = |hour| (hour, Sighting::Seen("one".into()));
        let runs = [seen(0), seen(24), seen(48)];
        assert_eq!(stands_at(&runs, &hold()), Some(48));
        assert_eq!(
            stands_at(&[seen(0), seen(48)], &hold()),
            None,
            "two runs only"
        );
        let hasty = [seen(0), seen(1), seen(2), seen(47), seen(48)];
        assert_eq!(stands_at(&hasty, &hold()), None, "hasty runs do not count");
    }

    #[test]
    fn b_05_any_change_begins_it_anew_and_a_failed_run_by_policy_only() {
        let one = |hour| (hour, Sighting::Seen("one".into()));
        let runs = |between: Sighting| [one(0), one(24), (36, between), one(48), one(72), one(96)];
        for (between, failed_runs, expected) in [
            (Sighting::Failed, FailedRuns::Ignore, 48),
            (Sighting::Failed, FailedRuns::Restart, 96),
            (Sighting::Changed, FailedRuns::Ignore, 96),
            (Sighting::Seen("two".into()), FailedRuns::Ignore, 96),
        ] {
            let hold = HoldDown {
                failed_runs,
                ..hold()
            };
            assert_eq!(stands_at(&runs(between), &hold), Some(expected));
        }
        // Longer unseen than the policy allows.
        let gap = [one(0), one(24), one(80), one(104), one(128)];
        assert_eq!(stands_at(&gap, &hold()), Some(128));
    }
}
