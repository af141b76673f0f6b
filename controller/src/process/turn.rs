//! What only a signer can do: make a key, sign with it, drop it.
//!
//! Owns the names under which signers are asked. Who carries it out is told by a note: a person, or
//! whatever drives that signer. Asked twice is better than never, so each of them may be done twice.

/// Which keys are rolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Those that sign data only.
    Zsk,
    /// Those that DS records name.
    Ksk,
    /// Those that are both.
    Csk,
}

impl Role {
    /// Its name, for people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Zsk => "ZSK",
            Self::Ksk => "KSK",
            Self::Csk => "CSK",
        }
    }
}

/// What a signer is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Publish a new key; one that a DS is to name signs the DNSKEY RRset beside the old one.
    New(Role),
    /// Sign data with the new key, and no longer with the old one.
    SignWithNew(Role),
    /// Take the old key, and its signatures, out.
    DropOld(Role),
    /// Discard the old key, which the owner has taken out: nothing of it shows any more.
    Discard(Role),
    /// Sign all data with keys of the new algorithm as well, and publish none of them.
    SignAlso,
    /// Let the keys of the old algorithm be taken out of DNSKEY, and go on signing data with them.
    RetireOld,
    /// Take the signatures of the old algorithm out.
    DropOldAlgorithm,
    /// Serve the zone unsigned.
    Unsign,
}

impl Turn {
    /// Whether nothing shows that it is done: asked for, it counts as done.
    pub(crate) const fn is_only_told(self) -> bool {
        matches!(self, Self::RetireOld | Self::Discard(_))
    }

    /// The kind of the note that asks for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::New(Role::Zsk) => "new-zsk",
            Self::New(Role::Ksk) => "new-ksk",
            Self::New(Role::Csk) => "new-csk",
            Self::SignWithNew(Role::Ksk) => "sign-with-new-ksk",
            Self::SignWithNew(Role::Zsk) => "sign-with-new-zsk",
            Self::SignWithNew(Role::Csk) => "sign-with-new-csk",
            Self::DropOld(Role::Zsk) => "drop-old-zsk",
            Self::DropOld(Role::Ksk) => "drop-old-ksk",
            Self::DropOld(Role::Csk) => "drop-old-csk",
            Self::Discard(Role::Zsk) => "discard-old-zsk",
            Self::Discard(Role::Ksk) => "discard-old-ksk",
            Self::Discard(Role::Csk) => "discard-old-csk",
            Self::SignAlso => "sign-also",
            Self::RetireOld => "retire-old",
            Self::DropOldAlgorithm => "drop-old-algorithm",
            Self::Unsign => "unsign",
        }
    }

    /// What is asked for, for people.
    pub(crate) const fn request(self) -> &'static str {
        match self {
            Self::New(Role::Zsk) => "publish a new ZSK, and do not sign with it yet",
            Self::New(Role::Ksk) => "publish a new KSK, and sign DNSKEY with both",
            Self::New(Role::Csk) => "publish a new CSK, and sign with both",
            Self::SignWithNew(_) => "sign with the new key, and no longer with the old one",
            Self::DropOld(_) => "take the old key out",
            Self::Discard(_) => "discard the old key: nobody needs it any more",
            Self::SignAlso => {
                "make keys of the new algorithm, sign all data with them as well, and publish none"
            }
            Self::RetireOld => {
                "let the keys of the old algorithm be taken out of DNSKEY, and go on signing with them"
            }
            Self::DropOldAlgorithm => "take the signatures of the old algorithm out",
            Self::Unsign => "serve the zone unsigned",
        }
    }
}
