//! What the registry keeps.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A domain: everything as text, as commands have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Domain {
    /// Its nameservers.
    pub ns: BTreeSet<String>,
    /// DS records, `tag algorithm digest-type DIGEST`.
    pub ds: BTreeSet<String>,
    /// Keys, `flags protocol algorithm BASE64`.
    pub keys: BTreeSet<String>,
    /// States besides `ok`.
    pub status: BTreeSet<String>,
    /// TTLs by type.
    pub ttls: BTreeMap<String, String>,
}

/// A message that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its identifier.
    pub id: String,
    /// What it says.
    pub text: String,
    /// The domain whose pending change it ends, and how.
    pub ended: Option<(String, bool)>,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    /// Domains by name.
    pub domains: BTreeMap<String, Domain>,
    /// Hosts by name, with their addresses.
    pub hosts: BTreeMap<String, BTreeSet<String>>,
    /// Messages that wait.
    pub messages: VecDeque<Message>,
    /// Messages that were acknowledged.
    pub acknowledged: Vec<String>,
    /// Every command, as it came.
    pub commands: Vec<String>,
    /// What was wrong with frames.
    pub complaints: Vec<String>,
    /// What the next `domain:update` is answered with, if not with what comes of it.
    pub next_update: Option<Instead>,
}

/// What the registry does instead of what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    /// Answers with this code and does nothing.
    Code(u16),
    /// Does it, and ends the connection without an answer.
    DoAndHangUp,
    /// Answers another transaction.
    OtherTransaction,
    /// Answers with something that is no XML.
    Nonsense,
}
