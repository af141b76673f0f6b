//! What a drawn scenario may contain. Each run enables a random subset (swarm testing): a defect that
//! one feature hides shows in the runs without it.

use std::collections::BTreeSet;

use counterpoint_dns::stream::Stream;
use rand::RngExt as _;

use crate::scenario::setting::names;

names! {
    /// One thing that a drawn scenario may contain.
    pub enum Feature {
        /// Three or four signers, not two.
        ManySigners = "many-signers",
        /// One or three instances, not two.
        Instances = "instances",
        /// TTLs drawn one by one, from a second to a day.
        Ttls = "ttls",
        /// TTLs change by hand.
        ChangedTtl = "changed-ttl",
        /// Instances lag.
        Lags = "lags",
        /// Signers with one key for all.
        Csk = "csk",
        /// ECDSA P-256.
        P256 = "p256",
        /// Signers of different algorithms.
        MixedAlgorithms = "mixed-algorithms",
        /// Nameserver names inside the zone.
        InZone = "in-zone",
        /// One signer takes the place of another.
        Replace = "replace",
        /// Zones that share a group.
        Group = "group",
        /// Two zones.
        Zones = "zones",
        /// A signer that died leaves.
        DeadLeaver = "dead-leaver",
        /// More requests than one or two.
        Busy = "busy",
        /// Requests close together.
        Overlap = "overlap",
        /// The controller crashes.
        Crash = "crash",
        /// Servers and agents fall silent.
        Dead = "dead",
        /// Messages are lost.
        Loss = "loss",
        /// Messages are slow.
        Latency = "latency",
        /// Instances keep what they serve.
        Stale = "stale",
        /// Data change by hand.
        Records = "records",
        /// CDS are withdrawn afterwards.
        Withdraw = "withdraw",
        /// Another allowance for slow instances.
        Safety = "safety",
        /// A parent that takes its time.
        SlowParent = "slow-parent",
        /// A scanner that wants one path only.
        OnePath = "one-path",
        /// The scanner is told to scan.
        ScanNow = "scan-now",
        /// More concrete resolvers than one.
        Resolvers = "resolvers",
        /// Who left comes back, with a zone that begins anew.
        Return = "return",
        /// No controller: signals that nobody thought through.
        ByHand = "by-hand",
        /// No controller: one signal that a parent must, or must not follow.
        Forged = "forged",
        /// No controller: a change of operator by hand, with every wait.
        HandMade = "hand-made",
        /// Keys roll.
        Rolls = "rolls",
        /// The group takes another algorithm.
        RollAlgorithm = "roll-algorithm",
        /// The zone goes insecure.
        GoInsecure = "go-insecure",
        /// Joins and leaves are run back.
        Cancel = "cancel",
        /// The owner of the zone holds the KSK.
        CommonKsk = "common-ksk",
        /// A parent that finds out by itself.
        NoNotify = "no-notify",
        /// Nameserver names that end as the zone's name does, and are not in it.
        Lookalike = "lookalike",
        /// A signer that was taken out as dead comes back.
        Ghost = "ghost",
        /// Signatures of the common KSK that end soon.
        Renewal = "renewal",
        /// Somebody keeps the zone for the others, or holds everybody's keys.
        Kept = "kept",
        /// Denial by NSEC3, with opt-out, or compact.
        Denial = "denial",
        /// RSA and P-384.
        SlowAlgorithms = "slow-algorithms",
        /// The root delegates.
        RootParent = "root-parent",
        /// Somebody is cut off.
        Partition = "partition",
        /// Servers answer with an error.
        Rcode = "rcode",
        /// Datagrams come truncated, twice, or in another order.
        Datagrams = "datagrams",
        /// Clocks are off.
        ClockSkew = "clock-skew",
        /// Answers are forged.
        Forge = "forge",
        /// Signers with habits of their own.
        Quirks = "quirks",
        /// Resolvers like products, and with something of their own; judged for products too.
        Products = "products",
    }
}

/// A random subset of `allowed`: each feature in one run of three.
pub fn swarm(allowed: &BTreeSet<Feature>, chance: &mut Stream) -> BTreeSet<Feature> {
    // One draw for each feature there is: what is allowed does not shift the others.
    let drawn = Feature::ALL
        .iter()
        .map(|feature| (feature, chance.random_range(0..rarity(*feature))));
    let drawn: Vec<(&Feature, u32)> = drawn.collect();
    let enabled = drawn
        .into_iter()
        .filter(|(feature, n)| *n == 0 && allowed.contains(feature));
    enabled.map(|(feature, _)| *feature).collect()
}

/// One run in so many has it.
const fn rarity(feature: Feature) -> u32 {
    match feature {
        // The join is refused: one such run in a while is enough.
        Feature::MixedAlgorithms => 24,
        Feature::P256 | Feature::ByHand | Feature::Zones => 8,
        Feature::CommonKsk | Feature::Lookalike => 8,
        Feature::Forged | Feature::HandMade | Feature::RollAlgorithm => 16,
        // Whatever else is asked for, is asked for in vain afterwards.
        Feature::GoInsecure => 24,
        Feature::Kept => 8,
        Feature::SlowAlgorithms => 48,
        Feature::RootParent => 16,
        _ => 3,
    }
}

/// What is drawn from where nothing else is said.
pub fn usual() -> BTreeSet<Feature> {
    Feature::ALL.iter().copied().collect()
}
