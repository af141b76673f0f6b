//! What a child publishes, as a table: one row each, with its name.
//!
//! What a parent should make of each is in [`After`](crate::After).

/// What a child publishes for its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing; signed, with NSEC.
    Quiet,
    /// Nothing; signed, with NSEC3.
    QuietNsec3,
    /// CDS and CDNSKEY that name the key of the DS RRset.
    Unchanged,
    /// CDS and CDNSKEY that name a new key, which is there and signs.
    Rollover,
    /// A new key, by CDS only.
    CdsOnly,
    /// A new key, by CDNSKEY only.
    CdnskeyOnly,
    /// The request to remove the DS RRset (RFC 8078 §4).
    Delete,
    /// CSYNC that asks for the delegation as it is.
    CsyncOnly,
    /// CSYNC that replaces a nameserver, its A and AAAA.
    CsyncChange,
    /// A rollover, and a CSYNC that asks for the delegation as it is: everything there is to check.
    Everything,
    /// One server names a new key, the other the old one.
    Inconsistent,
    /// A delete request with an octet too many.
    MalformedDelete,
    /// A new key by CDS and CDNSKEY whose signatures are broken.
    BogusCds,
    /// A rollover, but all signatures have expired.
    Expired,
    /// Signed, no DS; CDS, CDNSKEY and their copies under every nameserver name (RFC 9615 §2).
    Signalled,
    /// Signed, no DS; CDS and CDNSKEY, but no copies.
    Unsignalled,
    /// Neither signed nor secure.
    Insecure,
}

impl State {
    /// All of them, with their names.
    pub const ALL: [(Self, &'static str); 17] = [
        (Self::Quiet, "quiet"),
        (Self::QuietNsec3, "quiet-nsec3"),
        (Self::Unchanged, "unchanged"),
        (Self::Rollover, "rollover"),
        (Self::CdsOnly, "cds-only"),
        (Self::CdnskeyOnly, "cdnskey-only"),
        (Self::Delete, "delete"),
        (Self::CsyncOnly, "csync-only"),
        (Self::CsyncChange, "csync-change"),
        (Self::Everything, "everything"),
        (Self::Inconsistent, "inconsistent"),
        (Self::MalformedDelete, "malformed-delete"),
        (Self::BogusCds, "bogus-cds"),
        (Self::Expired, "expired"),
        (Self::Signalled, "signalled"),
        (Self::Unsignalled, "unsignalled"),
        (Self::Insecure, "insecure"),
    ];

    /// Its name, fit for a label.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(state, _)| *state == self)
            .map_or("", |(_, name)| name)
    }

    /// Whether the zone is signed.
    pub fn is_signed(self) -> bool {
        self != Self::Insecure
    }

    /// Whether the parent has a DS RRset for it.
    pub fn is_secure(self) -> bool {
        !matches!(self, Self::Signalled | Self::Unsignalled | Self::Insecure)
    }
}
