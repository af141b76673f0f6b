//! A leave is run back: x serves with R as before.
//!
//! From wherever the leave stood this is a join of x: nobody names x again before its keys and its DS
//! are where every cache must have them; what still holds is passed in no time. Had x stopped, it may
//! have come back with other KSKs (a backup, a new zone): its DS stays until no cache needs it. In the
//! end it waits for what the parent may still make of the CSYNC that was withdrawn.

use super::{
    Goal::{Prerequisites, Publish, Wait, Watch},
    Parental, Row, WaitFor,
    What::{Addresses, Cds, CdsAtRest, Csync, ForeignKeys, NoCsync, Ns},
    Who::{After, Subject},
    row,
};

/// The table.
#[rustfmt::skip]
pub(crate) const TABLE: &[Row] = &[
    row(1, Prerequisites,                                "x serves the zone, signed"),
    row(2, Publish(ForeignKeys, After),                  "everybody's ZSKs in everybody's DNSKEY RRset"),
    row(3, Wait(&[WaitFor::ReturnerDnskey]),             "no cache holds a DNSKEY RRset of x that needs another DS"),
    row(3, Publish(Cds, After),                          "CDS and CDNSKEY name everybody's KSKs, the same everywhere"),
    row(4, Watch(Parental::Ds),                          "the parent's DS RRset names them"),
    row(5, Wait(&[WaitFor::Ds, WaitFor::Dnskey]),        "no cache holds an older DS or DNSKEY RRset"),
    row(6, Publish(Addresses, After),                    "addresses of nameserver names inside the zone"),
    row(6, Wait(&[WaitFor::Addresses]),                  "no cache holds a proof that they have none"),
    row(6, Publish(Ns, Subject),                         "x names everybody's nameservers"),
    row(6, Publish(Ns, After),                           "everybody names everybody's nameservers"),
    row(7, Publish(Csync, After),                        "CSYNC, if the delegation differs"),
    row(8, Watch(Parental::Delegation),                  "the parent's NS RRset and glue follow"),
    row(8, Wait(&[WaitFor::Delegation]),                 "and stay so"),
    row(9, Publish(NoCsync, After),                      "CSYNC is withdrawn"),
    row(9, Publish(CdsAtRest, After),                    "CDS and CDNSKEY as the policy wants them"),
];
