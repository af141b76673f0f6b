//! Deliberate defects, each switched at exactly one place: what a run, or the guard, must catch.

use std::{fmt, str::FromStr};

macro_rules! defects {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// A deliberate defect of the controller.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Sabotage {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Sabotage {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Its name in scenario files.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

defects! {
    /// DS changes without waiting for caches that hold an older DNSKEY RRset.
    SkipDnskeyWait = "skip-dnskey-wait",
    /// Goes on without waiting for caches that hold an older DS RRset.
    SkipDsWait = "skip-ds-wait",
    /// Goes on without waiting for caches that hold an older NS RRset.
    SkipNsWait = "skip-ns-wait",
    /// Drops a leaver's keys without waiting for what it signed.
    SkipDataWait = "skip-data-wait",
    /// Waits for the TTL of what is new, not of what was replaced.
    NewTtlInsteadOfOld = "new-ttl-instead-of-old",
    /// Asks one instance of each signer, and of the parent.
    FirstInstanceIsEnough = "first-instance-is-enough",
    /// Takes no answer for the right answer.
    UnknownIsEqual = "unknown-is-equal",
    /// Drops a leaver's DS without waiting for its DNSKEY RRset.
    SkipLeaverDnskeyWait = "skip-leaver-dnskey-wait",
    /// Leaves a leaver's own NS RRset alone.
    NsAtRemainingOnly = "ns-at-remaining-only",
    /// Never tells that a leaver may stop.
    LeaverNeverStops = "leaver-never-stops",
    /// Names a newcomer before it has a DS.
    NsBeforeDs = "ns-before-ds",
    /// Drops a leaver's keys while it is in NS RRsets.
    DropForeignZskEarly = "drop-foreign-zsk-early",
    /// Drops a leaver's keys when it takes its KSKs out of CDS, as the draft does.
    DropForeignZskWithDs = "drop-foreign-zsk-with-ds",
    /// Drops a leaver's DS while it is in NS RRsets.
    DropDsEarly = "drop-ds-early",
    /// Leaves a leaver without CSYNC.
    CsyncAtRemainingOnly = "csync-at-remaining-only",
    /// Publishes CDS at one signer.
    OneSignerOnlyCds = "one-signer-only-cds",
    /// Takes the wait that a restart interrupts for over.
    ForgetDeadlineOnRestart = "forget-deadline-on-restart",
    /// Looks at the replaced version alone, not at all that caches may hold.
    LastVersionOnly = "last-version-only",
    /// Does not look again when a wait is over.
    NoRecheckAtDeadline = "no-recheck-at-deadline",
    /// Forgets that the parent may still act on a signal.
    IgnoreOutstandingSignal = "ignore-outstanding-signal",
    /// Believes that a dead leaver stays dead.
    DeadLeaverNotProbed = "dead-leaver-not-probed",
    /// Gives a newcomer's key another digest type than the others'.
    MixedDigests = "mixed-digests",
    /// Exports ZSKs only, whatever signs.
    CskNotExported = "csk-not-exported",
    /// Publishes the others' keys of a new algorithm before the signer's own.
    AlgorithmInTwoVersions = "algorithm-in-two-versions",
    /// Rolls the algorithm in the draft's order: CDS names both at once, and the old keys leave while
    /// their DS stands.
    DraftAlgorithmRoll = "draft-algorithm-roll",
    /// Lets what the owner of a zone signed expire.
    NoRenewal = "no-renewal",
}

impl fmt::Display for Sabotage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no defect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSabotage(pub String);

impl fmt::Display for UnknownSabotage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = Sabotage::ALL.iter().map(|defect| defect.name()).collect();
        write!(
            f,
            "`{}` is no sabotage of the controller; there are {}",
            self.0,
            names.join(", ")
        )
    }
}

impl std::error::Error for UnknownSabotage {}

impl FromStr for Sabotage {
    type Err = UnknownSabotage;

    fn from_str(name: &str) -> Result<Self, UnknownSabotage> {
        let found = Self::ALL.iter().find(|defect| defect.name() == name);
        found.copied().ok_or_else(|| UnknownSabotage(name.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        assert_eq!(Sabotage::ALL.len(), 26);
        for defect in Sabotage::ALL {
            assert_eq!(defect.name().parse(), Ok(*defect));
        }
        assert!("skip-everything".parse::<Sabotage>().is_err());
    }
}
