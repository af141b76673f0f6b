//! Signer s gets another CSK: a ZSK roll and a KSK roll in one (RFC 6781 §4.1.3).
//!
//! The new key is imported at all others with the first step; the old one leaves s only when caches
//! hold neither a DS RRset without the new nor an answer that the old one signed, and the others last.

use super::{
    Goal::{Prerequisites, Publish, Turn, Wait, Watch},
    Parental,
    Role::Csk,
    Row,
    Turn::{DropOld, New, SignWithNew},
    WaitFor,
    What::{Cds, CdsAtRest, ForeignKeys, OldKeysOut},
    Who::After,
    row,
};

/// The table.
#[rustfmt::skip]
pub(crate) const TABLE: &[Row] = &[
    row(1, Prerequisites,                                "s can roll"),
    row(2, Turn(New(Csk)),                               "s publishes a new CSK, and both sign"),
    row(3, Publish(ForeignKeys, After),                  "the new CSK in everybody's DNSKEY RRset"),
    row(4, Wait(&[WaitFor::OwnDnskey, WaitFor::Dnskey]), "no cache holds a DNSKEY RRset without it"),
    row(5, Publish(Cds, After),                          "CDS and CDNSKEY name the new instead of the old"),
    row(5, Watch(Parental::Ds),                          "the parent's DS RRset names it"),
    row(6, Wait(&[WaitFor::Ds]),                         "no cache holds an older DS RRset"),
    row(7, Turn(SignWithNew(Csk)),                       "s signs with the new CSK alone"),
    row(8, Wait(&[WaitFor::RolledData]),                 "no cache holds an answer by the old CSK"),
    row(9, Turn(DropOld(Csk)),                           "the old CSK leaves s"),
    row(9, Publish(OldKeysOut, After),                   "the old CSK leaves everybody"),
    row(9, Publish(CdsAtRest, After),                    "CDS and CDNSKEY as the policy wants them"),
];
