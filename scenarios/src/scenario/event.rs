//! `[[event]]`: what happens, when.

mod read;
mod value;

use std::time::Duration;

use counterpoint_dns::name::{Name, RecordType};

pub use self::value::{CdsType, CsyncFlags, Digest, KeyKind, Keys, Notified};
pub(crate) use self::value::{parse_type, print_type};
use super::{
    language::Key,
    parent::Algorithm,
    setting::Setting,
    time::{Ttl, minutes},
    zone::Record,
};
use crate::load::reader::Reader;

/// Something that happens at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its position in the file, from 1.
    pub number: usize,
    /// When, from the start.
    pub at: Duration,
    /// To which zone; the only one, if there is one only. The root if it concerns none (`group-add`,
    /// `controller-stop`, …).
    pub zone: Name,
    /// What.
    pub what: What,
}

/// Reads one field of an event: required, or with a default.
macro_rules! field {
    ($reader:ident, $key:literal, $Type:ty) => {
        $reader.required::<$Type>($key)
    };
    ($reader:ident, $key:literal, $Type:ty, $default:expr) => {
        Some($reader.read::<$Type>($key, $default))
    };
}

/// Prints one field of an event, unless it has its default.
macro_rules! print_field {
    ($lines:ident, $field:ident, $key:literal) => {
        $lines.extend(Setting::print($field).map(|value| ($key, value)));
    };
    ($lines:ident, $field:ident, $key:literal, $default:expr) => {
        if *$field != $default {
            print_field!($lines, $field, $key);
        }
    };
}

/// Describes one field of an event, and what is below it.
macro_rules! field_keys {
    ($name:literal, $key:literal, $about:expr, $Type:ty) => {
        field_keys!(@ $name, Key::with_those_below::<$Type>($key, $about, None))
    };
    ($name:literal, $key:literal, $about:expr, $Type:ty, $default:expr) => {
        field_keys!(@ $name, Key::with_those_below::<$Type>($key, $about, Some(&$default)))
    };
    (@ $name:literal, $keys:expr) => {
        $keys.into_iter().map(|key| key.below($name))
    };
}

macro_rules! events {
    ($($(#[$meta:meta])* $Variant:ident $name:literal { $(
        $(#[doc = $about:literal])+ $field:ident $key:literal : $Type:ty $(= $default:expr)?
    ),* $(,)? }),* $(,)?) => {
        /// What happens.
        #[derive(Clone, Debug, PartialEq)]
        pub enum What {
            $($(#[$meta])* $Variant { $($(#[doc = $about])+ $field: $Type),* }),*
        }

        impl What {
            /// The names of all that this release knows.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The keys of each, below its name.
            pub(crate) fn keys() -> Vec<Key> {
                let mut keys = Vec::new();
                $($(keys.extend(field_keys!($name, $key, concat!($($about),+), $Type $(, $default)?));)*)*
                keys
            }

            /// Its name in files.
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$Variant { .. } => $name),* }
            }

            fn read_kind(name: &str, reader: &mut Reader<'_>) -> Option<Self> {
                match name {
                    $($name => {
                        $(let $field = field!(reader, $key, $Type $(, $default)?);)*
                        Some(Self::$Variant { $($field: $field?),* })
                    })*
                    _ => None,
                }
            }

            /// Its fields that differ from the default.
            fn print_fields(&self) -> Vec<(&'static str, String)> {
                #[allow(unused_mut, reason = "some events have no fields")]
                let mut lines = Vec::new();
                match self {
                    $(Self::$Variant { $($field),* } => {
                        $(print_field!(lines, $field, $key $(, $default)?);)*
                    })*
                }
                lines
            }
        }
    };
}

events! {
    /// The controller joins a signer to the zone's group; one that does not serve it yet starts to.
    Join "join" { /** Who. */ signer "signer": String },
    /// The controller takes a signer out.
    Leave "leave" {
        /** Who. */ signer "signer": String,
        /** Whether it does not answer any more. */ dead "dead": bool = false,
    },
    /// One joins, then another leaves.
    Replace "replace" { /** Who leaves. */ from "from": String, /** Who joins. */ to "to": String },
    /// Every zone of the group joins the signer.
    GroupAdd "group-add" { /** The group. */ group "group": String, /** Who. */ signer "signer": String },
    /// Every zone of the group leaves the signer.
    GroupRemove "group-remove" { /** The group. */ group "group": String, /** Who. */ signer "signer": String },
    /// The controller gives a signer another ZSK.
    RollZsk "roll-zsk" { /** Who rolls. */ signer "signer": String },
    /// The controller gives a signer another KSK.
    RollKsk "roll-ksk" { /** Who rolls. */ signer "signer": String },
    /// The controller gives a signer another CSK.
    RollCsk "roll-csk" { /** Who rolls. */ signer "signer": String },
    /// The controller gives everybody keys of another algorithm.
    RollAlgorithm "roll-algorithm" { /** To which. */ to "to": Algorithm },
    /// The controller takes the DS away, then the signatures.
    GoInsecure "go-insecure" {},
    /// The controller runs the current join or leave back.
    Cancel "cancel" {},
    /// The controller is killed, and starts again from what it persisted.
    ControllerCrash "controller-crash" { /** Time until it starts again. */ lasting "for": Duration = minutes(10) },
    /// The controller stops.
    ControllerStop "controller-stop" {},
    /// The controller starts from what it persisted.
    ControllerStart "controller-start" {},

    /// A signer serves the zone: same records, own keys, NS its own names only.
    StartServing "start-serving" { /** Who. */ signer "signer": String },
    /// It answers REFUSED.
    StopServing "stop-serving" { /** Who. */ signer "signer": String },
    /// It signs.
    StartSigning "start-signing" { /** Who. */ signer "signer": String },
    /// It goes on serving but makes no new signatures.
    StopSigning "stop-signing" { /** Who. */ signer "signer": String },
    /// A new key in the signer's own DNSKEY RRset.
    NewKey "new-key" {
        /** Whose. */ signer "signer": String,
        /** Its kind. */ kind "kind": KeyKind,
        /** What to call it. */ label "label": String,
    },
    /// It signs with this key instead of the old one of that kind.
    SignWith "sign-with" { /** Who. */ signer "signer": String, /** The key. */ label "label": String },
    /// The key leaves.
    DropKey "drop-key" { /** Whose. */ signer "signer": String, /** The key. */ label "label": String },
    /// Keys of one signer into the DNSKEY RRsets of others.
    ImportDnskey "import-dnskey" {
        /** Whose keys. */ from "from": String,
        /** Where; none: at all that serve the zone. */ at_signers "at-signers": Option<Vec<String>> = None,
        /** Which. */ keys "keys": Keys,
    },
    /// Keys of one signer out of the DNSKEY RRsets of others.
    RemoveDnskey "remove-dnskey" {
        /** Whose keys. */ from "from": String,
        /** Where; none: at all that serve the zone. */ at_signers "at-signers": Option<Vec<String>> = None,
        /** Which. */ keys "keys": Keys,
    },
    /// CDS and CDNSKEY RRsets.
    PublishCds "publish-cds" {
        /** Where; none: at all that serve the zone. */ at_signers "at-signers": Option<Vec<String>> = None,
        /** Whose keys; none: of all that serve the zone. */ of "for": Option<Vec<String>> = None,
        /** Of which types. */ types "types": Vec<CdsType> = vec![CdsType::Cds, CdsType::Cdnskey],
        /** The digest type of each CDS, in turn; the last, of all the rest. */ digests "digests": Vec<Digest> = vec![Digest::Sha256],
        /** The request to remove the DS instead (RFC 8078 §4). */ delete "delete": bool = false,
        /** That request in a shape that no RFC gives it. */ malformed "malformed": bool = false,
        /** Which keys alone sign them; none: KSK and ZSK. */ signed_by "signed-by": Option<KeyKind> = None,
    },
    /// No CDS, no CDNSKEY.
    WithdrawCds "withdraw-cds" {
        /** Where; none: at all that serve the zone. */ at_signers "at-signers": Option<Vec<String>> = None,
    },
    /// A CSYNC record.
    PublishCsync "publish-csync" {
        /** Where; none: at all that serve the zone. */ at_signers "at-signers": Option<Vec<String>> = None,
        /** Its flags. */ flags "flags": CsyncFlags = CsyncFlags::default(),
        /** Its serial; none: that of the signer's own SOA. */ serial "serial": Option<u32> = None,
        /** What to synchronise. */ types "types": Vec<RecordType> = vec![RecordType::NS, RecordType::A, RecordType::AAAA],
    },
    /// No CSYNC.
    WithdrawCsync "withdraw-csync" {
        /** Where; none: at all that serve the zone. */ at_signers "at-signers": Option<Vec<String>> = None,
    },
    /// The zone's own NS RRset.
    SetNs "set-ns" {
        /** Where; none: at all that serve the zone. */ at_signers "at-signers": Option<Vec<String>> = None,
        /** Whose nameservers. */ signers "signers": Vec<String>,
    },
    /// The parent's NS RRset and glue.
    SetParentNs "set-parent-ns" { /** Whose nameservers. */ signers "signers": Vec<String> },
    /// The parent's DS RRset.
    SetDs "set-ds" {
        /** Whose keys. */ of "for": Vec<String>,
        /** With which digests. */ digests "digests": Vec<Digest> = vec![Digest::Sha256],
    },
    /// A signer's servers answer at other addresses; the zone's address records follow, its glue does not.
    MoveServers "move-servers" {
        /** Whose. */ signer "signer": String,
        /** For how long the old addresses answer as well. */ lasting "for": Duration = Duration::ZERO,
    },
    /// Records of the zone: each owner and type mentioned becomes exactly this.
    SetRrset "set-rrset" {
        /** Where; none: at all that serve the zone. */ at_signers "at-signers": Option<Vec<String>> = None,
        /** The records. */ records "records": Vec<Record>,
    },
    /// The TTL of all RRsets of a type.
    SetTtl "set-ttl" {
        /** Where; none: at all that serve the zone. */ at_signers "at-signers": Option<Vec<String>> = None,
        /** At the parent instead. */ at_parent "at-parent": bool = false,
        /** The type. */ rtype "type": RecordType,
        /** The TTL from now on. */ ttl "ttl": Ttl,
    },
    /// A signer tells the parent's scanner of new CDS or CSYNC RRsets.
    Notify "notify" {
        /** Who; none: the first that serves the zone. */ signer "signer": Option<String> = None,
        /** Of which. */ rtype "type": Notified,
    },
    /// The parent's DS RRset, by way of the registrar: a removal suspends the scanner (RFC 10026 §7.1).
    ManualDs "manual-ds" { /** Whose keys; nobody's removes it. */ of "for": Vec<String> },
    /// The scanner scans the zone now.
    ScanNow "scan-now" {},
}

impl What {
    /// Whether it asks the controller, rather than being done by hand.
    pub fn is_process(&self) -> bool {
        matches!(
            self,
            Self::Join { .. }
                | Self::Leave { .. }
                | Self::Replace { .. }
                | Self::GroupAdd { .. }
                | Self::GroupRemove { .. }
                | Self::RollZsk { .. }
                | Self::RollKsk { .. }
                | Self::RollCsk { .. }
                | Self::RollAlgorithm { .. }
                | Self::GoInsecure {}
                | Self::Cancel {}
        )
    }

    /// Whether it happens to the controller itself.
    pub fn is_of_controller(&self) -> bool {
        matches!(
            self,
            Self::ControllerCrash { .. } | Self::ControllerStop {} | Self::ControllerStart {}
        )
    }

    /// Whether it changes keys, or what is asked of the parent, at signers and nothing anywhere else.
    pub fn is_of_child_alone(&self) -> bool {
        matches!(
            self,
            Self::NewKey { .. }
                | Self::SignWith { .. }
                | Self::DropKey { .. }
                | Self::ImportDnskey { .. }
                | Self::RemoveDnskey { .. }
                | Self::PublishCds { .. }
                | Self::WithdrawCds { .. }
                | Self::PublishCsync { .. }
                | Self::WithdrawCsync { .. }
        )
    }

    /// The lists of signers that it mentions, by key.
    pub fn signer_lists(&self) -> Vec<(&'static str, &[String])> {
        let mut lists: Vec<(&'static str, &[String])> = Vec::new();
        if let Some(at) = self.at_signers() {
            lists.push(("at-signers", at));
        }
        match self {
            Self::PublishCds { of: Some(of), .. }
            | Self::SetDs { of, .. }
            | Self::ManualDs { of } => {
                lists.push(("for", of));
            }
            Self::SetNs { signers, .. } | Self::SetParentNs { signers } => {
                lists.push(("signers", signers));
            }
            _ => {}
        }
        lists
    }

    /// At which signers it happens, where that can be said and is.
    pub fn at_signers(&self) -> Option<&[String]> {
        match self {
            Self::ImportDnskey { at_signers, .. }
            | Self::RemoveDnskey { at_signers, .. }
            | Self::PublishCds { at_signers, .. }
            | Self::WithdrawCds { at_signers }
            | Self::PublishCsync { at_signers, .. }
            | Self::WithdrawCsync { at_signers }
            | Self::SetNs { at_signers, .. }
            | Self::SetRrset { at_signers, .. }
            | Self::SetTtl { at_signers, .. } => at_signers.as_deref(),
            _ => None,
        }
    }

    /// The single signers that it mentions, by key.
    pub fn signers(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Join { signer }
            | Self::Leave { signer, .. }
            | Self::GroupAdd { signer, .. }
            | Self::GroupRemove { signer, .. }
            | Self::RollZsk { signer }
            | Self::RollKsk { signer }
            | Self::RollCsk { signer }
            | Self::StartServing { signer }
            | Self::StopServing { signer }
            | Self::StartSigning { signer }
            | Self::StopSigning { signer }
            | Self::NewKey { signer, .. }
            | Self::SignWith { signer, .. }
            | Self::MoveServers { signer, .. }
            | Self::DropKey { signer, .. } => vec![("signer", signer)],
            Self::Notify {
                signer: Some(signer),
                ..
            } => vec![("signer", signer)],
            Self::Replace { from, to } => vec![("from", from), ("to", to)],
            Self::ImportDnskey { from, .. } | Self::RemoveDnskey { from, .. } => {
                vec![("from", from)]
            }
            _ => Vec::new(),
        }
    }

    /// Whether it concerns one zone.
    pub fn has_zone(&self) -> bool {
        !self.is_of_controller()
            && !matches!(self, Self::GroupAdd { .. } | Self::GroupRemove { .. })
    }
}
