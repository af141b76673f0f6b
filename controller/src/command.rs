//! What the controller can be asked to do.

use counterpoint_dns::name::Name;

use crate::config::SignerName;

/// A request of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A signer begins to serve a zone with the others.
    Join {
        /// The zone.
        zone: Name,
        /// Who joins.
        signer: SignerName,
    },
    /// A signer stops serving a zone.
    Leave {
        /// The zone.
        zone: Name,
        /// Who leaves.
        signer: SignerName,
        /// It does not answer any more, and will not. While it is leaving alive: it died.
        dead: bool,
    },
    /// One signer takes another's place: it joins, then the other leaves.
    Replace {
        /// The zone.
        zone: Name,
        /// Who leaves.
        from: SignerName,
        /// Who joins.
        to: SignerName,
    },
    /// A signer joins every zone of a group.
    GroupAdd {
        /// The group.
        group: String,
        /// Who joins.
        signer: SignerName,
    },
    /// A signer leaves every zone of a group.
    GroupRemove {
        /// The group.
        group: String,
        /// Who leaves.
        signer: SignerName,
    },
}
