//! Signer x leaves, R remains (RFC 8901 §6.4, draft-ietf-dnsop-dnssec-automation-04 §5.4).
//!
//! Not the draft's steps: x takes *itself* out of its own NS RRset and publishes CSYNC as well (it is
//! still in the delegation, so a child-centric cache may refresh from it, and a parent that compares
//! all servers asks it too), and both of its trust links outlive whatever caches may still hold of
//! it: its DS the DNSKEY RRset that its KSK alone has signed, its ZSKs the answers that they signed.

use super::{
    Goal::{Prerequisites, Publish, Release, Wait, Watch},
    Parental, Row, WaitFor,
    What::{Cds, CdsAtRest, Csync, ForeignKeys, NoAddresses, NoCsync, Ns},
    Who::{After, All},
    row,
};

/// The table.
#[rustfmt::skip]
pub(crate) const TABLE: &[Row] = &[
    row(1, Prerequisites,                                "x can leave"),
    row(1, Publish(Ns, All),                             "nobody names x any more, not even x"),
    row(2, Publish(Csync, All),                          "CSYNC, at x too"),
    row(3, Watch(Parental::Delegation),                  "the parent's NS RRset and glue follow"),
    row(4, Wait(&[WaitFor::Ns]),                         "no cache is led to x; until then it answers"),
    row(5, Release,                                      "x may stop answering"),
    row(5, Publish(NoAddresses, After),                  "x's addresses inside the zone go"),
    row(6, Wait(&[WaitFor::Ns, WaitFor::LeaverDnskey]),  "no cache holds x's DNSKEY RRset"),
    row(7, Publish(Cds, After),                          "CDS and CDNSKEY name the KSKs of R"),
    row(7, Watch(Parental::Ds),                          "the parent's DS RRset names them"),
    row(7, Wait(&[WaitFor::Ds]),                         "no cache holds an older DS RRset"),
    row(8, Wait(&[WaitFor::Ns, WaitFor::LeaverData]),    "no cache holds an answer of x"),
    row(8, Publish(ForeignKeys, After),                  "x's ZSKs leave R's DNSKEY RRsets"),
    row(9, Publish(NoCsync, After),                      "CSYNC is withdrawn"),
    row(9, Publish(CdsAtRest, After),                    "CDS and CDNSKEY as the policy wants them"),
];
