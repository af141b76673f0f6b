//! Decisions in a zone whose owner holds the KSK.

use std::collections::BTreeSet;

use counterpoint_dns::{
    key::{Algorithm, SigningKey},
    rdata::Rdata,
    signature::Verifier,
};

use super::{bench::*, *};
use crate::{common::CommonKsk, process::Kind};

/// A bench whose zone's owner holds the KSK: alpha serves, beta joins.
fn of_model_1(kind: Kind) -> (Bench, SigningKey) {
    let mut bench = Bench::new(kind);
    let ksk = SigningKey::from_seed(Algorithm::Ed25519, 257, [9; 32]);
    let next = SigningKey::from_seed(Algorithm::Ed25519, 257, [10; 32]);
    let common = CommonKsk::new(vec![ksk.clone(), next]);
    let zone = name("example.test.");
    bench.config.common_ksks.insert(zone.clone(), common);
    bench.process.model = Model::Common;
    bench.keys.declare(&bench.config, &zone);
    let ds = ksk.public().ds(&zone, 2).unwrap();
    bench.parent(Item::Ds, [ds.to_rdata()].into());
    (bench, ksk)
}

#[test]
fn one_dnskey_rrset_signed_by_the_owner_goes_to_everybody() {
    let (bench, ksk) = of_model_1(Kind::Join);
    let public = ksk.public().to_rdata();
    let goal = Goal::Publish(What::ForeignKeys, Who::After);
    let Decision::Apply(changes) = bench.decide(goal) else {
        panic!("nothing is pushed");
    };
    assert_eq!(changes.len(), 2, "alpha and beta");
    for change in &changes {
        let keys = &change.wanted.data;
        let zsks = ["alpha", "beta"].map(|signer| key(signer, false).public().to_rdata());
        assert!(keys.contains(&public) && zsks.iter().all(|zsk| keys.contains(zsk)));
        let signers: Vec<&Rdata> = change.signatures.keys().collect();
        assert_eq!(
            signers,
            [&public],
            "the key in use signs, the next one does not"
        );
        let mut verifier = Verifier::default();
        let rrsig = &change.signatures[&public];
        assert!(verifier.made_by(&change.wanted, rrsig, ksk.public()));
    }
}

#[test]
fn what_the_parent_does_not_anchor_is_not_pushed() {
    let (mut bench, _) = of_model_1(Kind::Join);
    bench.parent(Item::Ds, ds(&["alpha"]));
    let Decision::Blocked { by, why, .. } = bench.decide(Goal::Prerequisites) else {
        panic!("nothing blocks");
    };
    assert!(
        by.contains("the owner") && why.contains("names no KSK that the owner holds"),
        "{why}"
    );
    bench.process.kind = Kind::Rest;
    let zone = name("example.test.");
    assert!(bench.case(&zone).renewals().is_empty());
}

#[test]
fn what_the_owner_signed_is_signed_again_before_it_expires() {
    let (mut bench, ksk) = of_model_1(Kind::Join);
    bench.process.kind = Kind::Rest;
    bench.process.subject = None;
    let zsk = key("alpha", false).public().to_rdata();
    let keys: BTreeSet<Rdata> = [ksk.public().to_rdata(), zsk].into();
    bench.show_all("alpha", Item::Dnskey, keys, &[ksk]);
    let zone = name("example.test.");
    let case = bench.case(&zone);
    let [target] = case.renewals().try_into().unwrap();
    let version = case.at_primary(&"alpha".into(), &Item::Dnskey).unwrap();
    assert!(case.meets(&target, version));
    let expires = *version.expires.values().next().unwrap();
    let margin = CommonKsk::RENEW_BEFORE;
    let second = Duration::from_secs(1);
    assert!(!case.is_due(&target, version, expires.before(margin)));
    assert!(case.is_due(&target, version, expires.before(margin) + second));
}
