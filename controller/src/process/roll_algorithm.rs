//! The group gets keys of another algorithm (RFC 6781 §4.1.4, RFC 8901 §4).
//!
//! A strict validator wants a signature for every algorithm that it sees, so the signatures come
//! first and go last, and every DNSKEY RRset changes its algorithms in one version: with its own new
//! KSK and everybody's new ZSKs, and back out. The draft takes the old keys out while their DS still
//! stands, which is wrong for validators that want every algorithm of the DS RRset.

use super::{
    Goal::{Prerequisites, Publish, Turn, Wait, Watch},
    Parental, Row,
    Turn::{DropOldAlgorithm, RetireOld, SignAlso},
    WaitFor,
    What::{Cds, CdsAtRest, CdsOfBoth, NewAlgorithm, OldAlgorithmOut},
    Who::After,
    row,
};

/// The table.
#[rustfmt::skip]
pub(crate) const TABLE: &[Row] = &[
    row(1, Prerequisites,                                "the group can roll"),
    row(2, Turn(SignAlso),                               "everybody signs data with the new algorithm as well"),
    row(3, Wait(&[WaitFor::GroupData]),                  "no cache holds an answer without it"),
    row(4, Publish(NewAlgorithm, After),                 "everybody's new keys in everybody's DNSKEY RRset, in one version"),
    row(5, Wait(&[WaitFor::NewAlgorithm]),               "no cache holds a DNSKEY RRset without them"),
    row(6, Publish(Cds, After),                          "CDS and CDNSKEY name the new instead of the old"),
    row(6, Watch(Parental::Ds),                          "the parent's DS RRset names them"),
    row(7, Wait(&[WaitFor::Ds]),                         "no cache holds an older DS RRset"),
    row(8, Turn(RetireOld),                              "everybody lets the old keys go"),
    row(8, Publish(OldAlgorithmOut, After),              "the old keys leave everybody, in one version"),
    row(9, Wait(&[WaitFor::OldAlgorithm]),               "no cache holds a DNSKEY RRset with them"),
    row(10, Turn(DropOldAlgorithm),                      "everybody signs with the new algorithm alone"),
    row(10, Publish(CdsAtRest, After),                   "CDS and CDNSKEY as the policy wants them"),
];

/// The draft's order (draft-ietf-dnsop-dnssec-automation-04 §5.7), a deliberate defect: the parent is
/// asked for both algorithms as soon as their keys are there, and the old keys leave, with their
/// signatures, while their DS stands.
#[rustfmt::skip]
pub(crate) const DRAFT: &[Row] = &[
    row(1, Prerequisites,                                "the group can roll"),
    row(2, Turn(SignAlso),                               "everybody signs data with the new algorithm as well"),
    row(3, Wait(&[WaitFor::GroupData]),                  "no cache holds an answer without it"),
    row(4, Publish(NewAlgorithm, After),                 "everybody's new keys in everybody's DNSKEY RRset"),
    row(6, Publish(CdsOfBoth, After),                    "CDS and CDNSKEY name the new beside the old"),
    row(6, Watch(Parental::DsOfBoth),                    "the parent's DS RRset names both"),
    row(7, Wait(&[WaitFor::DsOfBoth, WaitFor::NewAlgorithm]), "no cache holds an older DS or DNSKEY RRset"),
    row(8, Turn(RetireOld),                              "everybody lets the old keys go"),
    row(8, Publish(OldAlgorithmOut, After),              "the old keys leave everybody"),
    row(9, Turn(DropOldAlgorithm),                       "everybody signs with the new algorithm alone"),
    row(10, Publish(Cds, After),                         "CDS and CDNSKEY name the new alone"),
    row(10, Watch(Parental::Ds),                         "the parent's DS RRset names the new alone"),
    row(10, Publish(CdsAtRest, After),                   "CDS and CDNSKEY as the policy wants them"),
];
