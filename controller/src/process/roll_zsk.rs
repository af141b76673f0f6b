//! Signer s gets another ZSK (RFC 6781 §4.1.1.1, RFC 8901 §6.1).
//!
//! Pre-publication over all signers: whoever signs, every DNSKEY RRset that a cache can hold must know
//! the key, so s may sign with it only when it has been everywhere for as long as caches hold what
//! lacks it, and the old one stays everywhere for as long as caches hold what it signed.

use super::{
    Goal::{Prerequisites, Publish, Turn, Wait},
    Role::Zsk,
    Row,
    Turn::{DropOld, New, SignWithNew},
    WaitFor,
    What::{ForeignKeys, OldKeysOut},
    Who::After,
    row,
};

/// The table.
#[rustfmt::skip]
pub(crate) const TABLE: &[Row] = &[
    row(1, Prerequisites,                                "s can roll"),
    row(2, Turn(New(Zsk)),                               "s publishes a new ZSK"),
    row(3, Publish(ForeignKeys, After),                  "the new ZSK in everybody's DNSKEY RRset"),
    row(4, Wait(&[WaitFor::OwnDnskey, WaitFor::Dnskey]), "no cache holds a DNSKEY RRset without it"),
    row(5, Turn(SignWithNew(Zsk)),                       "s signs with the new ZSK alone"),
    row(6, Wait(&[WaitFor::RolledData]),                 "no cache holds an answer by the old ZSK"),
    row(7, Turn(DropOld(Zsk)),                           "the old ZSK leaves s"),
    row(7, Publish(OldKeysOut, After),                   "the old ZSK leaves everybody"),
];
