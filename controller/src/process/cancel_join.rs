//! A join that no cache has noticed is run back: b's nameservers have not been in any NS RRset but
//! b's own.
//!
//! Once they have, cancelling a join is a leave of b. What the parent was asked for may still take
//! effect for a while; until that has settled, b's keys stay. A parent without DS may stay so.

use super::{
    Goal::{Publish, Wait, Watch},
    Parental, Row, WaitFor,
    What::{Cds, CdsAtRest, ForeignKeys, NoAddresses, NoSignals},
    Who::{After, Subject},
    row,
};

/// The table.
#[rustfmt::skip]
pub(crate) const TABLE: &[Row] = &[
    row(1, Publish(Cds, After),                          "CDS and CDNSKEY name the KSKs of S again"),
    row(2, Publish(NoSignals, After),                    "the signalling names of S are gone"),
    row(2, Watch(Parental::Ds),                          "the parent's DS RRset names them"),
    row(3, Wait(&[WaitFor::Ds]),                         "no cache holds another DS RRset, and none can come"),
    row(4, Publish(ForeignKeys, After),                  "b's ZSKs leave S's DNSKEY RRsets"),
    row(4, Publish(NoAddresses, After),                  "b's addresses inside the zone go"),
    row(5, Publish(NoSignals, Subject),                  "those of b, which nobody asks for, are gone"),
    row(5, Publish(CdsAtRest, After),                    "CDS and CDNSKEY as the policy wants them"),
];
