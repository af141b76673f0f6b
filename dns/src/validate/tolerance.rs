//! How far a signature may be off before a validator turns it down, as data.

use crate::{signature::Rrsig, time::Timestamp};

/// What a validator puts up with. The default is the letter of RFC 4035 §5.3.1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tolerance {
    /// How long before its inception a signature counts.
    pub early: Leeway,
    /// How long after its expiration.
    pub late: Leeway,
    /// How many wrong signatures are tried before the RRset counts as bogus; none: all of them.
    pub bad_signatures_max: Option<u32>,
}

/// A share of a signature's lifetime, within bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Leeway {
    /// The share, percent.
    pub percent: u8,
    /// At least so many seconds.
    pub least: u32,
    /// At most so many seconds.
    pub most: u32,
}

impl Leeway {
    /// The same for every signature, seconds.
    pub const fn fixed(seconds: u32) -> Self {
        Self {
            percent: 0,
            least: seconds,
            most: seconds,
        }
    }

    /// For a signature that holds for so many seconds, seconds.
    pub fn of(&self, lifetime: u64) -> u32 {
        let share = lifetime.saturating_mul(self.percent.into()) / 100;
        let share = u32::try_from(share).unwrap_or(u32::MAX);
        share.max(self.least).min(self.most)
    }
}

impl Tolerance {
    /// Whether a signature counts at `now`.
    pub fn covers(&self, rrsig: &Rrsig, now: Timestamp) -> bool {
        rrsig.covers(now)
            || self.is_lenient() && {
                let (from, until) = self.validity(rrsig, now);
                (from..=until).contains(&now)
            }
    }

    /// First and last second at which a signature counts, as instants near `now`.
    pub fn validity(&self, rrsig: &Rrsig, now: Timestamp) -> (Timestamp, Timestamp) {
        let (from, until) = rrsig.validity(now);
        if !self.is_lenient() {
            return (from, until);
        }
        self.widened(from, until)
    }

    /// The same for the instants of inception and expiration.
    pub fn widened(&self, from: Timestamp, until: Timestamp) -> (Timestamp, Timestamp) {
        let lifetime = (until - from).as_secs();
        let seconds = |leeway: &Leeway| std::time::Duration::from_secs(leeway.of(lifetime).into());
        (
            from.before(seconds(&self.early)),
            until + seconds(&self.late),
        )
    }

    /// Whether it differs from the letter in time.
    pub fn is_lenient(&self) -> bool {
        self.early != Leeway::default() || self.late != Leeway::default()
    }
}
