//! The zone goes insecure, on request only (RFC 6781 §4.1.4, RFC 8078 §4).
//!
//! Signatures go last: as long as a cache holds a DS RRset, every answer must validate.

use super::{
    Goal::{Prerequisites, Publish, Turn, Wait, Watch},
    Parental, Row,
    Turn::Unsign,
    WaitFor,
    What::{CdsDelete, NoCds},
    Who::After,
    row,
};

/// The table.
#[rustfmt::skip]
pub(crate) const TABLE: &[Row] = &[
    row(1, Prerequisites,                                "the group is whole"),
    row(2, Publish(CdsDelete, After),                    "CDS and CDNSKEY ask to remove DS, everywhere"),
    row(3, Watch(Parental::NoDs),                        "the parent has no DS RRset"),
    row(4, Wait(&[WaitFor::NoDs]),                       "no cache holds a DS RRset"),
    row(5, Turn(Unsign),                                 "everybody serves the zone unsigned"),
    row(6, Publish(NoCds, After),                        "CDS and CDNSKEY are withdrawn"),
];
