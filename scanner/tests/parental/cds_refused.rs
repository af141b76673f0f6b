//! The rules for CDS and CDNSKEY: for each, a request that only this rule stops.

use std::{collections::BTreeSet, time::Duration};

use counterpoint_dns::{
    key::{DIGEST_SHA256, DIGEST_SHA384},
    name::RecordType,
    rdata::Rdata,
};
use counterpoint_scanner::{Continuity, Outcome, Sabotage, policy::RolloverAccept, state::Guard};

use crate::{kit::*, vector::*};

const BOGUS: (&str, &str, Outcome) = ("K-10", "CDS_BOGUS", Outcome::Ignore);
const MALFORMED: (&str, &str, Outcome) = ("B-09", "MALFORMED_DELETE", Outcome::Ignore);
const MISMATCH: (&str, &str, Outcome) = ("X-09", "CDS_CDNSKEY_MISMATCH", Outcome::Abort);
const INCONSISTENT: (&str, &str, Outcome) = ("X-08", "CDS_INCONSISTENT", Outcome::Abort);
const DELETE_INCONSISTENT: (&str, &str, Outcome) = ("X-10", "DELETE_INCONSISTENT", Outcome::Abort);
const CONTINUITY: (&str, &str, Outcome) = ("K-05", "CONTINUITY", Outcome::Ignore);
const SIGNER: (&str, &str, Outcome) = ("K-04", "SIGNER_NOT_IN_DS", Outcome::Ignore);

fn vectors() -> Vec<Vector> {
    use Sabotage::*;
    let rollover = Case::rollover;
    let mut all = Vec::new();
    let mut silent = rollover().each(|site| site.dead = true);
    silent.policy.delete.accept = RolloverAccept::OnSight;
    all.push(
        vector(
            ("X-02", "NO_RESPONSE", Outcome::Abort),
            "nobody answers",
            silent,
        )
        .stopped_by(&["NOTHING_REQUESTED", "SERVER_SILENT"]),
    );
    all.push(vector(
        ("K-03", "CDS_NOT_AT_APEX", Outcome::Ignore),
        "CDS at www",
        rollover().each(|site| site.cds_owner = name("www.example.test.")),
    ));
    all.push(
        vector(
            ("K-01", "NOTHING_REQUESTED", Outcome::Noop),
            "no CDS, no CDNSKEY",
            Case::quiet(),
        )
        .with(AbsentMeansDelete),
    );
    for (what, cds) in [
        ("a tag", vec![Rdata::from_octets([48, 57, 0, 0, 0])]),
        ("a digest type", vec![Rdata::from_octets([0, 0, 0, 2, 0])]),
        ("a digest of one", vec![Rdata::from_octets([0, 0, 0, 0, 1])]),
        (
            "a longer digest",
            vec![Rdata::from_octets([0, 0, 0, 0, 0, 0])],
        ),
        ("no digest", vec![Rdata::from_octets([0, 0, 0, 0])]),
        (
            "two of them",
            vec![delete_cds(), Rdata::from_octets([0, 0, 0, 0, 1])],
        ),
        ("beside a real record", vec![delete_cds(), ds("a")]),
    ] {
        let case = cds_only(rollover(), &cds);
        all.push(vector(MALFORMED, what, case).with(DeleteAnyShape));
    }
    let odd = Rdata::from_octets([1, 0, 3, 0, 0]);
    let odd = Case::deletion().each(|site| site.cdnskey = vec![odd.clone()]);
    all.push(vector(MALFORMED, "flags in the CDNSKEY", odd).with(DeleteAnyShape));
    let short = [ds("a"), ds("b"), ds("n"), Rdata::from_octets([1, 2])];
    all.push(vector(
        ("X-11", "CDS_UNREADABLE", Outcome::Abort),
        "a record of two octets",
        cds_only(rollover(), &short),
    ));
    // one deletes, the other asks for nothing, or for something else.
    let one = on(Case::quiet(), 0, |site| site.cds = vec![delete_cds()]);
    all.push(
        vector(DELETE_INCONSISTENT, "delete here, nothing there", one)
            .with(NoConsistency)
            .stopped_by(&["CDS_INCONSISTENT"]),
    );
    let other = on(rollover(), 0, |site| {
        site.cds = vec![delete_cds()];
        site.cdnskey = vec![delete_cdnskey()];
    });
    all.push(
        vector(DELETE_INCONSISTENT, "delete here, keys there", other)
            .with(NoConsistency)
            .stopped_by(&["CDS_INCONSISTENT"]),
    );
    // X-09, K-07.
    let fewer = rollover().each(|site| site.cdnskey.truncate(2));
    all.push(vector(MISMATCH, "a key in CDS only", fewer).with(NoConsistency));
    let fewer = rollover().each(|site| site.cds = vec![ds("a"), ds("n")]);
    all.push(vector(MISMATCH, "a key in CDNSKEY only", fewer).stopped_by(&["CONTINUITY"]));
    let omitted = on(rollover(), 1, |site| site.cdnskey.clear());
    all.push(
        vector(MISMATCH, "CDNSKEY at one server only", omitted)
            .with(NoConsistency)
            .stopped_by(&["CDS_INCONSISTENT"]),
    );
    // X-08, M-04.
    let lagging = on(rollover(), 1, |site| {
        site.cds = vec![ds("a"), ds("b")];
        site.cdnskey = vec![dnskey("a"), dnskey("b")];
    });
    all.push(vector(INCONSISTENT, "one server lags", lagging).with(NoConsistency));
    let own_only = on(rollover(), 1, |site| {
        site.cds = vec![ds("b")];
        site.cdnskey = vec![dnskey("b")];
    });
    all.push(
        vector(
            INCONSISTENT,
            "M-04: one signer publishes its own only",
            own_only,
        )
        .with(NoConsistency),
    );
    let nothing = on(rollover(), 1, |site| {
        site.cds.clear();
        site.cdnskey.clear();
    });
    all.push(vector(INCONSISTENT, "one server has none", nothing).with(NoConsistency));
    // K-10, K-04, B-10.
    let expired = on(rollover(), 1, |site| {
        site.expiration = NOW.before(Duration::from_secs(60));
    });
    all.push(
        vector(BOGUS, "expired at one server", expired).stopped_by(&[
            "SIGNER_NOT_IN_DS",
            "CONTINUITY",
            "PAIR_BROKEN",
        ]),
    );
    let unsigned = on(Case::deletion(), 0, |site| {
        site.unsigned = vec![RecordType::CDS];
    });
    all.push(vector(BOGUS, "B-10: unsigned delete", unsigned).stopped_by(&["SIGNER_NOT_IN_DS"]));
    let zsk = on(rollover(), 1, |site| site.cds_signers = vec!["bz"]);
    all.push(vector(SIGNER, "signed by a ZSK", zsk).with(AnySignature));
    let standby = on(rollover(), 0, |site| site.cds_signers = vec!["n"]);
    all.push(vector(SIGNER, "signed by the key that is to come", standby).with(AnySignature));
    let zsk = Case::deletion().each(|site| site.cds_signers = vec![site.zsk]);
    all.push(vector(SIGNER, "B-10: delete signed by ZSKs", zsk).with(AnySignature));
    // K-09.
    let mut replayed = rollover();
    let site = &replayed.sites[0];
    let newer = Guard {
        cds: Some(site.inception.to_rrsig_seconds() + 1),
        ..Guard::default()
    };
    replayed.state.guards.insert(site.address, newer);
    all.push(
        vector(
            ("K-09", "CDS_REPLAYED", Outcome::Ignore),
            "older than accepted",
            replayed,
        )
        .with(NoReplayGuard),
    );
    // X-11, K-15.
    let sha1 = cds_only(rollover(), &[ds("a"), ds("b"), unknown_ds(7, 1)]);
    all.push(vector(
        ("X-11", "KEY_NOT_REPRESENTABLE", Outcome::Abort),
        "a key by SHA-1 only",
        sha1,
    ));
    let mut unequal = cds_only(
        rollover(),
        &[
            ds("a"),
            ds("b"),
            unknown_ds(7, DIGEST_SHA384),
            unknown_ds(8, DIGEST_SHA256),
        ],
    );
    unequal.policy.ds.digests = [DIGEST_SHA256, DIGEST_SHA384].into();
    all.push(vector(
        ("K-15", "DIGESTS_UNEQUAL", Outcome::Abort),
        "no digest type for all",
        unequal,
    ));
    let mut kept = Case::deletion();
    kept.policy.delete.accept = RolloverAccept::Never;
    all.push(vector(
        ("B-01", "DELETE_REFUSED", Outcome::Refuse),
        "policy keeps DS",
        kept,
    ));
    // K-05, M-06, M-01.
    let mut absent = rollover();
    absent.request(&["x"]);
    all.push(vector(CONTINUITY, "M-06: only a key that is nowhere", absent).with(NoContinuity));
    let mut partial = rollover();
    partial.request(&["a", "n"]);
    all.push(vector(CONTINUITY, "the keys of one signer only", partial).with(NoContinuity));
    let mut algorithm = rollover().each(|site| site.dnskeys.push("p"));
    algorithm.request(&["a", "b", "p"]);
    all.push(
        vector(
            CONTINUITY,
            "D-02: an algorithm that does not sign",
            algorithm,
        )
        .with(NoContinuity),
    );
    let foreign = on(rollover(), 0, |site| {
        site.dnskeys.retain(|label| *label != "bz")
    });
    all.push(
        vector(
            ("M-01", "PAIR_BROKEN", Outcome::Abort),
            "a foreign ZSK is missing",
            foreign,
        )
        .with(NoContinuity),
    );
    // M-03: one path works, and one signer has no key of the other algorithm.
    let mut lacking = on(rollover(), 0, |site| site.dnskeys.push("p"));
    lacking.policy.rollover.continuity = Continuity::OnePath;
    lacking.request(&["a", "b", "p"]);
    all.push(vector(
        ("M-03", "PROVIDER_LACKS_ALGORITHM", Outcome::Abort),
        "no key of an algorithm at one signer",
        lacking,
    ));
    // D-03.
    let private = cds_only(rollover(), &[odd_ds(253)]);
    all.push(
        vector(
            ("D-03", "DS_NOT_VALIDATABLE", Outcome::Abort),
            "a private algorithm only",
            private,
        )
        .stopped_by(&["CONTINUITY", "PROVIDER_LACKS_ALGORITHM"]),
    );
    // T-06: both algorithms sign the DNSKEY RRset, one of them the data.
    let mut incomplete = rollover().each(|site| {
        site.dnskeys.push("p");
        site.dnskey_signers.push("p");
    });
    incomplete.request(&["a", "b", "p"]);
    all.push(
        vector(
            ("T-06", "CACHES_BREAK", Outcome::Abort),
            "an algorithm that does not sign the data",
            incomplete,
        )
        .with(NoContinuity),
    );
    // K-12.
    let day = Duration::from_secs(86_400);
    let mut deferred = rollover();
    deferred.policy.rollover.deferral = day;
    all.push(vector(
        ("K-12", "DEFERRED", Outcome::Delay),
        "it has to stand for a day",
        deferred,
    ));
    let mut deferred = Case::deletion();
    deferred.policy.delete.deferral = day;
    all.push(vector(
        ("K-12", "DELETE_DEFERRED", Outcome::Delay),
        "deletion has to stand for a day",
        deferred,
    ));
    all.push(vector(
        ("X-03", "SERVER_SILENT", Outcome::Delay),
        "one server is silent",
        on(rollover(), 1, |site| site.dead = true),
    ));
    all
}

#[test]
fn every_rule_stops_what_nothing_else_stops() {
    for vector in vectors() {
        vector.check(Case::judge_cds);
    }
}

#[test]
fn every_rule_of_the_tables_has_its_vector() {
    use counterpoint_scanner::judge::{CHAIN_RULES, REQUEST_RULES};
    let tested: BTreeSet<&str> = vectors().iter().map(|vector| vector.reason).collect();
    for rule in REQUEST_RULES.iter().chain(&CHAIN_RULES) {
        // These have tests of their own: without the rule there still is nothing to change.
        assert!(
            tested.contains(rule.reason) || ["K-11", "B-11"].contains(&rule.id),
            "{}",
            rule.reason
        );
    }
}
