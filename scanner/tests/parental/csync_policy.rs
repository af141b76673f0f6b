//! CSYNC that is right in itself, and what the parent or the caches have against it.

use counterpoint_dns::{
    name::{RecordType, is_at_or_below},
    signature::Verifier,
};
use counterpoint_scanner::{
    Answer,
    Outcome::{Abort, Oob, Refuse},
    Sabotage, judge_csync,
    policy::{Approval, Glue},
};

use crate::{csync_refused::within, kit::*, vector::*};

/// Reasons that are tested here.
pub const TESTED: [&str; 4] = [
    "CSYNC_NEEDS_APPROVAL",
    "GLUE_POLICY",
    "CACHES_BREAK",
    "CSYNC_GRANDCHILD",
];

#[test]
fn c_06_a_parent_may_want_approval_even_so() {
    let mut case = Case::synchronisation();
    case.policy.csync.approval = Approval::Always;
    let says = ("C-06", "CSYNC_NEEDS_APPROVAL", Oob);
    vector(says, "approval always", case).check(Case::judge_csync);
}

#[test]
fn x_16_glue_for_siblings_is_a_matter_of_policy() {
    let sibling = |host: &str| {
        let host = name(host);
        let mut case = Case::synchronisation().each(|site| site.ns.push(host.clone()));
        case.policy.csync.glue = Glue::InDomain;
        case
    };
    let says = ("X-16", "GLUE_POLICY", Refuse);
    vector(says, "a sibling's name", sibling("ns1.gamma.test.")).check(Case::judge_csync);
    // Names elsewhere need no glue here, and those that are there already are not new.
    for host in ["ns1.example.net.", "ns1.alpha.test."] {
        assert_eq!(sibling(host).judge_csync().reason, "CSYNC_ACCEPTED");
    }
}

#[test]
fn t_06_what_a_server_that_leaves_has_said_must_validate_by_whoever_comes() {
    // alpha leaves and a server of beta's comes that does not have alpha's ZSK. Those who remain
    // agree; a cache that holds alpha's answer and asks the new server for keys is lost.
    let mut case = Case::synchronisation().each(|site| {
        site.ns.retain(|host| *host != name("ns1.alpha.test."));
    });
    let added = &mut case.added[0];
    added.dnskeys = vec!["b", "bz"];
    added.dnskey_signers = vec!["b"];
    added.zsk = "bz";
    let says = ("T-06", "CACHES_BREAK", Abort);
    let vector = vector(says, "alpha's ZSK is missing", case.clone());
    vector.with(Sabotage::NoContinuity).check(Case::judge_csync);
    case.added[0].dnskeys.push("az");
    assert_eq!(case.judge_csync().reason, "CSYNC_ACCEPTED");
}

#[test]
fn c_12_addresses_below_a_further_cut_are_not_read() {
    let case = Case::synchronisation();
    assert!(is_at_or_below(&within(), &child()));
    let judge = |spoil: &dyn Fn(&mut Answer)| {
        let mut gathered = case.gathered();
        for server in &mut gathered.servers {
            let sequence = server.sequence.as_mut().unwrap();
            let address = sequence.addresses.get_mut(&(within(), RecordType::A));
            spoil(address.unwrap());
        }
        judge_csync(&gathered, &case.policy, NOW, &mut Verifier::default())
    };
    let referred = judge(&|answer| *answer = Answer::Referred(within()));
    let got = (referred.rule, referred.reason, referred.outcome);
    assert_eq!(got, ("C-12", "CSYNC_GRANDCHILD", Abort));
    // The same servers serve the grandchild, which signs for itself.
    let signed = judge(&|answer| {
        let Answer::Present(signed) = answer else {
            panic!("it is there");
        };
        signed.signatures[0].signer = within();
    });
    assert_eq!(signed.reason, "CSYNC_GRANDCHILD");
    // An apex that is referred away is lame, no grandchild.
    let mut gathered = case.gathered();
    gathered.servers[0].csync = Answer::Referred(child());
    gathered.servers[0].sequence = None;
    let verdict = judge_csync(&gathered, &case.policy, NOW, &mut Verifier::default());
    assert_eq!(verdict.reason, "SERVER_SILENT");
}
