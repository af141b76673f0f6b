//! Signer s gets another KSK (RFC 6781 §4.1.2, RFC 8901 §6.2).
//!
//! Both KSKs sign the DNSKEY RRset of s until no cache holds a DS RRset without the new one. `SWAP`
//! asks the parent once; `DOUBLE` is the draft's: both, later the new alone, and the old key leaves
//! last.

use super::{
    Goal::{Prerequisites, Publish, Turn, Wait, Watch},
    Parental,
    Role::Ksk,
    Row,
    Turn::{DropOld, New},
    WaitFor,
    What::{Cds, CdsAtRest, CdsOfBoth},
    Who::After,
    row,
};

/// The new instead of the old.
#[rustfmt::skip]
pub(crate) const SWAP: &[Row] = &[
    row(1, Prerequisites,                                "s can roll"),
    row(2, Turn(New(Ksk)),                               "s publishes a new KSK, and both sign"),
    row(3, Wait(&[WaitFor::OwnDnskey]),                  "no cache holds a DNSKEY RRset without it"),
    row(4, Publish(Cds, After),                          "CDS and CDNSKEY name the new instead of the old"),
    row(5, Watch(Parental::Ds),                          "the parent's DS RRset names it"),
    row(6, Wait(&[WaitFor::Ds]),                         "no cache holds an older DS RRset"),
    row(7, Turn(DropOld(Ksk)),                           "the old KSK leaves s"),
    row(8, Publish(CdsAtRest, After),                    "CDS and CDNSKEY as the policy wants them"),
];

/// The new beside the old, then alone.
#[rustfmt::skip]
pub(crate) const DOUBLE: &[Row] = &[
    row(1, Prerequisites,                                "s can roll"),
    row(2, Turn(New(Ksk)),                               "s publishes a new KSK, and both sign"),
    row(3, Wait(&[WaitFor::OwnDnskey]),                  "no cache holds a DNSKEY RRset without it"),
    row(4, Publish(CdsOfBoth, After),                    "CDS and CDNSKEY name the new beside the old"),
    row(4, Watch(Parental::DsOfBoth),                    "the parent's DS RRset names both"),
    row(5, Wait(&[WaitFor::DsOfBoth]),                   "no cache holds an older DS RRset"),
    row(6, Publish(Cds, After),                          "CDS and CDNSKEY name the new alone"),
    row(6, Watch(Parental::Ds),                          "the parent's DS RRset names the new alone"),
    row(7, Wait(&[WaitFor::Ds]),                         "no cache holds a DS RRset with the old"),
    row(8, Turn(DropOld(Ksk)),                           "the old KSK leaves s"),
    row(9, Publish(CdsAtRest, After),                    "CDS and CDNSKEY as the policy wants them"),
];
