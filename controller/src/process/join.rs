//! Signer b joins group S (RFC 8901 §3.2 and §6.3, draft-ietf-dnsop-dnssec-automation-04 §5.3).
//!
//! Hardened in two ways: caches must have dropped the older DNSKEY RRsets *and* the older DS RRset
//! before any of them can be led to b, and b names everybody before anybody names b, so that no
//! cache gets stuck with b's own-only NS RRset.
//!
//! A zone without DS joins as well: whoever serves it vouches for the first DS RRset (RFC 9615) until
//! the parent has it.

use super::{
    Goal::{Prerequisites, Publish, Wait, Watch},
    Parental, Row, WaitFor,
    What::{Addresses, Cds, CdsAtRest, Csync, ForeignKeys, NoCsync, NoSignals, Ns, Signals},
    Who::{After, Subject},
    row,
};

/// The table.
#[rustfmt::skip]
pub(crate) const TABLE: &[Row] = &[
    row(1, Prerequisites,                                "b can join"),
    row(2, Publish(ForeignKeys, After),                  "everybody's ZSKs in everybody's DNSKEY RRset"),
    row(3, Publish(Cds, After),                          "CDS and CDNSKEY name everybody's KSKs, the same everywhere"),
    row(4, Publish(Signals, After),                      "while the parent has no DS, signalling names show the same"),
    row(4, Watch(Parental::Ds),                          "the parent's DS RRset names them"),
    row(5, Publish(NoSignals, After),                    "the signalling names are gone"),
    row(5, Wait(&[WaitFor::Ds, WaitFor::Dnskey]),        "no cache holds an older DS or DNSKEY RRset"),
    row(6, Publish(Addresses, After),                    "addresses of nameserver names inside the zone"),
    row(6, Wait(&[WaitFor::Addresses]),                  "no cache holds a proof that they have none"),
    row(6, Publish(Ns, Subject),                         "b names everybody's nameservers"),
    row(6, Publish(Ns, After),                           "everybody names everybody's nameservers"),
    row(7, Publish(Csync, After),                        "CSYNC, if the delegation differs"),
    row(8, Watch(Parental::Delegation),                  "the parent's NS RRset and glue follow"),
    row(9, Publish(NoCsync, After),                      "CSYNC is withdrawn"),
    row(9, Publish(CdsAtRest, After),                    "CDS and CDNSKEY as the policy wants them"),
];
