//! What the controller can be asked to do.

use counterpoint_dns::{key::Dnskey, name::Name};

use crate::config::SignerName;

/// Which key of a signer is rolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolledKey {
    /// The one that signs data only.
    Zsk,
    /// The one that the DS names.
    Ksk,
    /// The one that is both.
    Csk,
}

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
    /// A signer gets another key.
    Roll {
        /// The zone.
        zone: Name,
        /// Who rolls.
        signer: SignerName,
        /// Which key.
        key: RolledKey,
    },
    /// Every signer of a zone gets keys of another algorithm.
    RollAlgorithm {
        /// The zone.
        zone: Name,
        /// The algorithm to which they roll (RFC 8624).
        to: u8,
    },
    /// A signer has made keys and not published them: what an algorithm roll asks for.
    Announce {
        /// The zone.
        zone: Name,
        /// Whose keys.
        signer: SignerName,
        /// The keys.
        keys: Vec<Dnskey>,
    },
    /// A zone loses its DS, then its signatures.
    GoInsecure {
        /// The zone.
        zone: Name,
    },
    /// Whoever holds the common KSK of a zone makes no signatures from now on, or does again.
    KskHolder {
        /// The zone.
        zone: Name,
        /// Whether it makes none.
        is_out: bool,
    },
    /// The changes of the current row are allowed, in a zone where they wait for that.
    Step {
        /// The zone.
        zone: Name,
    },
    /// The current join or leave of a zone is run back.
    Cancel {
        /// The zone.
        zone: Name,
    },
    /// A signer leaves every zone of a group.
    GroupRemove {
        /// The group.
        group: String,
        /// Who leaves.
        signer: SignerName,
    },
}

#[cfg(feature = "tool")]
impl Command {
    /// The signers that it names.
    pub(crate) fn signers(&self) -> Vec<&SignerName> {
        match self {
            Self::Join { signer, .. }
            | Self::Leave { signer, .. }
            | Self::Roll { signer, .. }
            | Self::Announce { signer, .. }
            | Self::GroupAdd { signer, .. }
            | Self::GroupRemove { signer, .. } => vec![signer],
            Self::Replace { from, to, .. } => vec![from, to],
            Self::RollAlgorithm { .. }
            | Self::GoInsecure { .. }
            | Self::KskHolder { .. }
            | Self::Step { .. }
            | Self::Cancel { .. } => Vec::new(),
        }
    }
}
