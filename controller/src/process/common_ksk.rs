//! Processes of a zone whose owner holds the KSKs (RFC 8901 §2.1.1, model 1).
//!
//! Everybody serves one DNSKEY RRset, which the owner signs, so DS names no signer: who joins or
//! leaves changes nothing at the parent but NS. What the owner signed is renewed meanwhile, as at rest.

use super::{
    Goal::{Prerequisites, Publish, Release, Turn, Wait, Watch},
    Parental,
    Role::Zsk,
    Row,
    Turn::{Discard, New, SignWithNew},
    WaitFor,
    What::{
        Addresses, Cds, CdsAtRest, CdsOfBoth, Csync, ForeignKeys, NoAddresses, NoCsync, NoSignals,
        Ns, OldKeysOut, Signals,
    },
    Who::{After, All, Subject},
    row,
};

/// Signer b joins group S; run back, a leave is the same.
#[rustfmt::skip]
pub(crate) const JOIN: &[Row] = &[
    row(1, Prerequisites,                                "b serves the zone, signed"),
    row(2, Publish(ForeignKeys, After),                  "everybody's ZSKs in the one DNSKEY RRset, at b too"),
    row(3, Publish(Cds, After),                          "CDS and CDNSKEY name the common KSK, at b too"),
    row(4, Publish(Signals, After),                      "while the parent has no DS, signalling names show the same"),
    row(4, Wait(&[WaitFor::Dnskey]),                     "no cache holds a DNSKEY RRset without b's ZSKs"),
    row(5, Publish(Addresses, After),                    "addresses of nameserver names inside the zone"),
    row(5, Wait(&[WaitFor::Addresses]),                  "no cache holds a proof that they have none"),
    row(5, Publish(Ns, Subject),                         "b names everybody's nameservers"),
    row(5, Publish(Ns, After),                           "everybody names everybody's nameservers"),
    row(6, Publish(Csync, After),                        "CSYNC, if the delegation differs"),
    row(7, Watch(Parental::Delegation),                  "the parent's NS RRset and glue follow"),
    row(7, Wait(&[WaitFor::Delegation]),                 "and stay so"),
    row(8, Publish(NoSignals, After),                    "the signalling names are gone, DS or not"),
    row(8, Publish(NoCsync, After),                      "CSYNC is withdrawn"),
    row(8, Publish(CdsAtRest, After),                    "CDS and CDNSKEY as the policy wants them"),
];

/// A join that no cache has noticed is run back.
#[rustfmt::skip]
pub(crate) const CANCEL_JOIN: &[Row] = &[
    row(1, Publish(NoSignals, After),                    "the signalling names of S are gone"),
    row(1, Publish(ForeignKeys, After),                  "b's ZSKs leave the one DNSKEY RRset"),
    row(1, Publish(NoAddresses, After),                  "b's addresses inside the zone go"),
    row(2, Publish(NoSignals, Subject),                  "those of b, which nobody asks for, are gone"),
    row(2, Publish(CdsAtRest, After),                    "CDS and CDNSKEY as the policy wants them"),
];

/// Signer x leaves, R remains. The DNSKEY RRset that x served last is as good as any other: only what
/// x signed with its ZSKs must be outlived.
#[rustfmt::skip]
pub(crate) const LEAVE: &[Row] = &[
    row(1, Prerequisites,                                "x can leave"),
    row(1, Publish(Ns, All),                             "nobody names x any more, not even x"),
    row(2, Publish(Csync, All),                          "CSYNC, at x too"),
    row(3, Watch(Parental::Delegation),                  "the parent's NS RRset and glue follow"),
    row(4, Wait(&[WaitFor::Ns]),                         "no cache is led to x; until then it answers"),
    row(5, Release,                                      "x may stop answering"),
    row(5, Publish(NoAddresses, After),                  "x's addresses inside the zone go"),
    row(6, Wait(&[WaitFor::Ns, WaitFor::LeaverData]),    "no cache holds an answer of x"),
    row(6, Publish(ForeignKeys, After),                  "x's ZSKs leave the one DNSKEY RRset"),
    row(7, Publish(NoCsync, After),                      "CSYNC is withdrawn"),
    row(7, Publish(CdsAtRest, After),                    "CDS and CDNSKEY as the policy wants them"),
];

/// Signer s gets another ZSK (RFC 8901 §6.1).
#[rustfmt::skip]
pub(crate) const ROLL_ZSK: &[Row] = &[
    row(1, Prerequisites,                                "s can roll"),
    row(2, Turn(New(Zsk)),                               "s makes a new ZSK, and tells it"),
    row(3, Publish(ForeignKeys, After),                  "the new ZSK in the one DNSKEY RRset"),
    row(4, Wait(&[WaitFor::Dnskey]),                     "no cache holds a DNSKEY RRset without it"),
    row(5, Turn(SignWithNew(Zsk)),                       "s signs with the new ZSK alone"),
    row(6, Wait(&[WaitFor::RolledData]),                 "no cache holds an answer by the old ZSK"),
    row(7, Publish(OldKeysOut, After),                   "the old ZSK leaves the one DNSKEY RRset"),
    row(7, Turn(Discard(Zsk)),                           "s discards the old ZSK"),
];

/// The owner takes its next KSK (RFC 8901 §6.2): the new one instead of the old one.
#[rustfmt::skip]
pub(crate) const ROLL_KSK_SWAP: &[Row] = &[
    row(1, Prerequisites,                                "the owner has another KSK"),
    row(2, Publish(ForeignKeys, After),                  "the new KSK in the one DNSKEY RRset, and both sign"),
    row(3, Wait(&[WaitFor::Dnskey]),                     "no cache holds a DNSKEY RRset without it"),
    row(4, Publish(Cds, After),                          "CDS and CDNSKEY name the new instead of the old"),
    row(5, Watch(Parental::Ds),                          "the parent's DS RRset names it"),
    row(6, Wait(&[WaitFor::Ds]),                         "no cache holds an older DS RRset"),
    row(7, Publish(OldKeysOut, After),                   "the old KSK and its signatures leave"),
    row(8, Publish(CdsAtRest, After),                    "CDS and CDNSKEY as the policy wants them"),
];

/// The new beside the old, then alone.
#[rustfmt::skip]
pub(crate) const ROLL_KSK_DOUBLE: &[Row] = &[
    row(1, Prerequisites,                                "the owner has another KSK"),
    row(2, Publish(ForeignKeys, After),                  "the new KSK in the one DNSKEY RRset, and both sign"),
    row(3, Wait(&[WaitFor::Dnskey]),                     "no cache holds a DNSKEY RRset without it"),
    row(4, Publish(CdsOfBoth, After),                    "CDS and CDNSKEY name the new beside the old"),
    row(4, Watch(Parental::DsOfBoth),                    "the parent's DS RRset names both"),
    row(5, Wait(&[WaitFor::DsOfBoth]),                   "no cache holds an older DS RRset"),
    row(6, Publish(Cds, After),                          "CDS and CDNSKEY name the new alone"),
    row(6, Watch(Parental::Ds),                          "the parent's DS RRset names the new alone"),
    row(7, Wait(&[WaitFor::Ds]),                         "no cache holds a DS RRset with the old"),
    row(8, Publish(OldKeysOut, After),                   "the old KSK and its signatures leave"),
    row(9, Publish(CdsAtRest, After),                    "CDS and CDNSKEY as the policy wants them"),
];
