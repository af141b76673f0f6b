//! Processes of a zone whose signers all serve one set of keys: secondaries of one primary, and signers
//! that sign with the same keys (RFC 8901 §2, model 3 of its drafts).
//!
//! DS and DNSKEY name no signer, so who joins or leaves changes NS alone. Keys roll where they are held;
//! there is nothing to exchange.

use super::{
    Goal::{Prerequisites, Publish, Release, Wait, Watch},
    Parental, Row, WaitFor,
    What::{Addresses, CdsAtRest, Csync, NoAddresses, NoCsync, Ns},
    Who::{After, All, Subject},
    row,
};

/// Signer b joins group S; run back, a leave is the same.
#[rustfmt::skip]
pub(crate) const JOIN: &[Row] = &[
    row(1, Prerequisites,                                "b serves the zone, signed with everybody's keys"),
    row(2, Publish(Addresses, After),                    "addresses of nameserver names inside the zone"),
    row(2, Wait(&[WaitFor::Addresses]),                  "no cache holds a proof that they have none"),
    row(2, Publish(Ns, Subject),                         "b names everybody's nameservers"),
    row(2, Publish(Ns, After),                           "everybody names everybody's nameservers"),
    row(3, Publish(Csync, After),                        "CSYNC, if the delegation differs"),
    row(4, Watch(Parental::Delegation),                  "the parent's NS RRset and glue follow"),
    row(4, Wait(&[WaitFor::Delegation]),                 "and stay so"),
    row(5, Publish(NoCsync, After),                      "CSYNC is withdrawn"),
    row(5, Publish(CdsAtRest, After),                    "CDS and CDNSKEY as the policy wants them"),
];

/// A join that no cache has noticed is run back.
#[rustfmt::skip]
pub(crate) const CANCEL_JOIN: &[Row] = &[
    row(1, Publish(NoAddresses, After),                  "b's addresses inside the zone go"),
];

/// Signer x leaves, R remains. What caches hold of x validates as what R serves does.
#[rustfmt::skip]
pub(crate) const LEAVE: &[Row] = &[
    row(1, Prerequisites,                                "x can leave"),
    row(1, Publish(Ns, All),                             "nobody names x any more, not even x"),
    row(2, Publish(Csync, All),                          "CSYNC, at x too"),
    row(3, Watch(Parental::Delegation),                  "the parent's NS RRset and glue follow"),
    row(4, Wait(&[WaitFor::Ns]),                         "no cache is led to x; until then it answers"),
    row(5, Release,                                      "x may stop answering"),
    row(5, Publish(NoAddresses, After),                  "x's addresses inside the zone go"),
    row(6, Publish(NoCsync, After),                      "CSYNC is withdrawn"),
    row(6, Publish(CdsAtRest, After),                    "CDS and CDNSKEY as the policy wants them"),
];
