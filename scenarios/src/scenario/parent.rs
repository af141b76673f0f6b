//! `[parent]`, `[scanner]`, `[controller]`: those of whom there is one.

use std::time::Duration;

use counterpoint_dns::{key, name::Name};

use super::{
    setting::{names, settings},
    time::{Range, Safety, Ttl, days, hours, minutes, seconds},
};

names! {
    /// A DNSSEC algorithm.
    pub enum Algorithm {
        Rsasha256 = "rsasha256",
        Ecdsap256sha256 = "ecdsap256sha256",
        Ecdsap384sha384 = "ecdsap384sha384",
        Ed25519 = "ed25519",
    }
}

impl Algorithm {
    /// The number in the IANA registry.
    pub const fn number(self) -> u8 {
        match self {
            Self::Rsasha256 => 8,
            Self::Ecdsap256sha256 => 13,
            Self::Ecdsap384sha384 => 14,
            Self::Ed25519 => 15,
        }
    }

    /// The algorithm as the world signs with it, if it can.
    pub fn to_key(self) -> Option<key::Algorithm> {
        key::Algorithm::from_number(self.number())
    }
}

names! {
    /// How a zone denies what it does not have.
    pub enum Denial {
        Nsec = "nsec",
        Nsec3 = "nsec3",
        /// NSEC3 that skips insecure delegations.
        Nsec3OptOut = "nsec3-optout",
        /// RFC 9824.
        Compact = "compact",
    }
}

names! {
    /// How the scanner treats a first CDS.
    pub enum Bootstrap {
        /// RFC 9615.
        Authenticated = "authenticated",
        /// RFC 8078 §3.3.
        AfterDelay = "after-delay",
        Never = "never",
    }
}

names! {
    /// What the scanner demands of the new DS RRset.
    pub enum Continuity {
        /// Every algorithm in it signs the child's DNSKEY RRset.
        Strict = "strict",
        /// At least one path validates.
        OnePath = "one-path",
    }
}

names! {
    /// What becomes of CDS and CDNSKEY when a process is done.
    pub enum CdsAfter {
        /// The union stays published.
        Keep = "keep",
        Withdraw = "withdraw",
    }
}

names! {
    /// How often the parent is asked in a KSK roll.
    pub enum KskRoll {
        /// Once: the new key instead of the old one.
        Swap = "swap",
        /// Twice: the new key beside the old one, later alone.
        Double = "double",
    }
}

names! {
    /// A deliberate defect of the scanner.
    pub enum ScannerSabotage {
        FirstNsOnly = "first-ns-only",
        NoConsistency = "no-consistency",
        AnySignature = "any-signature",
        AbsentMeansDelete = "absent-means-delete",
        DeleteAnyShape = "delete-any-shape",
        IgnoreSoaMinimum = "ignore-soaminimum",
        NoSecondSoa = "no-second-soa",
        NoContinuity = "no-continuity",
        NoReplayGuard = "no-replay-guard",
        StatePerChild = "state-per-child",
        SuffixBailiwick = "suffix-bailiwick",
        /// CDS becomes DS as it is, whatever its digest types.
        CopiesCds = "copies-cds",
    }
}

names! {
    /// A deliberate defect of the controller.
    pub enum ControllerSabotage {
        SkipDnskeyWait = "skip-dnskey-wait",
        SkipDsWait = "skip-ds-wait",
        SkipNsWait = "skip-ns-wait",
        SkipDataWait = "skip-data-wait",
        NewTtlInsteadOfOld = "new-ttl-instead-of-old",
        FirstInstanceIsEnough = "first-instance-is-enough",
        UnknownIsEqual = "unknown-is-equal",
        SkipLeaverDnskeyWait = "skip-leaver-dnskey-wait",
        NsAtRemainingOnly = "ns-at-remaining-only",
        LeaverNeverStops = "leaver-never-stops",
        NsBeforeDs = "ns-before-ds",
        DropForeignZskEarly = "drop-foreign-zsk-early",
        /// With the CDS that leaves the leaver out, as the draft does.
        DropForeignZskWithDs = "drop-foreign-zsk-with-ds",
        DropDsEarly = "drop-ds-early",
        CsyncAtRemainingOnly = "csync-at-remaining-only",
        OneSignerOnlyCds = "one-signer-only-cds",
        ForgetDeadlineOnRestart = "forget-deadline-on-restart",
        /// Stale-until from the replaced version alone.
        LastVersionOnly = "last-version-only",
        NoRecheckAtDeadline = "no-recheck-at-deadline",
        IgnoreOutstandingSignal = "ignore-outstanding-signal",
        DeadLeaverNotProbed = "dead-leaver-not-probed",
        MixedDigests = "mixed-digests",
        CskNotExported = "csk-not-exported",
        /// The others' keys of a new algorithm before the signer's own.
        AlgorithmInTwoVersions = "algorithm-in-two-versions",
        /// Both algorithms in DS at once, and the old keys out while their DS stands.
        DraftAlgorithmRoll = "draft-algorithm-roll",
        NoRenewal = "no-renewal",
    }
}

/// The name of a default: known to be one.
fn known(name: &str) -> Name {
    counterpoint_dns::name::parse_name(name).unwrap_or_else(|_| Name::root())
}

settings! {
    /// `[parent]`: the delegating zone and its servers.
    pub struct Parent {
        /// The delegating zone; the root is above it.
        zone "zone": Name = known("test."),
        /// Number of instances.
        servers "servers": u32 = 2,
        /// What it signs with.
        algorithm "algorithm": Algorithm = Algorithm::Ed25519,
        /// How it denies.
        denial "denial": Denial = Denial::Nsec,
        /// TTL of DS RRsets.
        ds_ttl "ds-ttl": Ttl = Ttl::from_seconds(3_600),
        /// TTL of delegations and glue.
        ns_ttl "ns-ttl": Ttl = Ttl::from_seconds(86_400),
        /// TTL of negative answers.
        negative_ttl "negative-ttl": Ttl = Ttl::from_seconds(900),
        /// From a change to each instance; drawn per change and instance.
        propagation "propagation": Range = Range::new(seconds(0), seconds(30)),
    }
}

settings! {
    /// `[scanner]`: the parental agent.
    pub struct Scanner {
        /// Whether there is one.
        enabled "enabled": bool = true,
        /// Time between scans of a child.
        interval "interval": Duration = minutes(10),
        /// From the verdict to the parent's publication.
        publish_delay "publish-delay": Range = Range::new(seconds(0), minutes(5)),
        /// Whether it acts on CDS and CDNSKEY.
        cds "cds": bool = true,
        /// Whether it acts on CSYNC.
        csync "csync": bool = true,
        /// Whether it listens for NOTIFY(CDS) and NOTIFY(CSYNC), and the parent publishes DSYNC.
        notify "notify": bool = true,
        /// What a first CDS needs.
        bootstrap "bootstrap": Bootstrap = Bootstrap::Authenticated,
        /// How long an unauthenticated first CDS must stand.
        hold_down "hold-down": Duration = hours(72),
        /// What a new DS RRset must keep working.
        continuity "continuity": Continuity = Continuity::Strict,
        /// When a silent server is asked again before it is left out.
        retry "retry": Vec<Duration> = vec![minutes(5), minutes(10), minutes(20), minutes(40)],
        /// TTL of a DS RRset that was changed, for two days; 0: as it was.
        ds_ttl_after_change "ds-ttl-after-change": Duration = Duration::ZERO,
        /// Whether the brakes of its policy hold changes back.
        brakes "brakes": bool = false,
        /// Deliberate defects.
        sabotage "sabotage": Vec<ScannerSabotage> = Vec::new(),
    }
}

settings! {
    /// `[controller]`: the multi-signer controller.
    pub struct Controller {
        /// Whether there is one.
        enabled "enabled": bool = true,
        /// Time between observations at their most frequent.
        poll "poll": Duration = minutes(1),
        /// Added to every wait.
        safety "safety": Safety = Safety::Percent(10),
        /// How long the parent may take to act; see `Scenario::parent_settle`.
        parent_settle "parent-settle": Option<Duration> = None,
        /// What becomes of CDS and CDNSKEY afterwards.
        cds_after "cds-after": CdsAfter = CdsAfter::Keep,
        /// How often the parent is asked in a KSK roll.
        ksk_roll "ksk-roll": KskRoll = KskRoll::Swap,
        /// How long signatures of the common KSK hold, in model 1.
        signature_validity "signature-validity": Duration = days(14),
        /// How long before their end they are made anew.
        resign_before "resign-before": Duration = days(7),
        /// Whether a change that the cache calculus refutes is refused.
        guard "guard": bool = true,
        /// Deliberate defects.
        sabotage "sabotage": Vec<ControllerSabotage> = Vec::new(),
    }
}

/// The longest time that a run may take by itself.
pub const LONGEST_DEFAULT: Duration = days(60);
