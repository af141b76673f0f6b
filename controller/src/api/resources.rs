//! What is taken and given, as plain data. No secret is ever given.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::shape::{Shape, object, resource};

resource! {
    /// Who answers.
    Ping {
        /// `counterpoint-controller`.
        service: String,
        /// Its version.
        version: String,
        /// Its time.
        now: String,
    }
    /// An operation of this interface.
    Listed {
        /// Its name.
        operation: String,
        /// The method of the request.
        method: String,
        /// The path.
        path: String,
        /// The least role that may ask for it.
        role: String,
        /// What it does.
        what: String,
    }
    /// How a signer is written to.
    Updater {
        /// The signer.
        signer: String,
        /// `ddns`, `signed-rrset` or `desec`.
        interface: String,
        /// Where.
        at: String,
        /// How often; none: as often as is needed.
        limits: Option<String>,
    }
    /// A signer, without its secret.
    Signer {
        /// Its name.
        name: String,
        /// The nameserver names that it brings.
        ns: Vec<String>,
        /// `ddns`, `signed-rrset` or `desec`.
        interface: String,
        /// Where dynamic updates go.
        primary: Option<String>,
        /// How they travel: `tcp` or `udp`.
        via: Option<String>,
        /// The name of its TSIG key.
        tsig: Option<String>,
        /// The root of deSEC's web interface.
        desec: Option<String>,
        /// How often it is written to.
        limits: Option<String>,
        /// Zones in which it vouches for a first DS RRset (RFC 9615).
        signal_zones: Vec<String>,
        /// No TTL in a zone that it served was ever longer, seconds.
        max_ttl_seconds: u64,
        /// `ksk-zsk`, `csk` or `learned`.
        keys: String,
    }
    /// A TSIG key. The secret is taken, and never given.
    TsigText {
        /// Its name.
        name: String,
        /// `hmac-sha256` (if it is left out), `hmac-sha384` or `hmac-sha512`.
        algorithm: Option<String>,
        /// The secret, in base64.
        secret: Option<String>,
        /// The file that holds it: for who is at the machine only.
        secret_file: Option<String>,
    }
    /// deSEC's web interface. The token is taken, and never given.
    DesecText {
        /// Its root, as `https://desec.io/api/v1`.
        url: String,
        /// The token.
        token: Option<String>,
        /// The file that holds it: for who is at the machine only.
        token_file: Option<String>,
        /// The only certificates that are trusted there, in PEM.
        ca: Option<String>,
        /// The file that holds them: for who is at the machine only.
        ca_file: Option<String>,
    }
    /// What changes of a signer; all of `ns` and of `primary` and `tsig`, or of `desec`, when it is new.
    SignerText {
        /// Its name, when it is new.
        name: Option<String>,
        /// The nameserver names that it brings, all of them.
        ns: Option<Vec<String>>,
        /// Where dynamic updates go, as `192.0.2.1:53`.
        primary: Option<String>,
        /// How they travel: `tcp` (if it is left out) or `udp`.
        via: Option<String>,
        /// `ddns` (if it is left out), or `signed-rrset`: it takes what a zone's owner signed.
        interface: Option<String>,
        /// The key of dynamic updates.
        tsig: Option<TsigText>,
        /// Instead of those: deSEC's web interface.
        desec: Option<DesecText>,
        /// Zones at the same primary in which it vouches for a first DS RRset (RFC 9615).
        signal_zones: Option<Vec<String>>,
        /// No TTL in a zone that it served was ever longer, as `1d`.
        max_ttl: Option<String>,
        /// `ksk-zsk` or `csk`; learned, if it is left out.
        keys: Option<String>,
        /// Own keys that cannot be learned, as `257 3 13 mdsswUyr…`.
        own_keys: Option<Vec<String>>,
        /// Addresses of those of its nameserver names that lie inside the zone.
        in_zone_addresses: Option<BTreeMap<String, Vec<String>>>,
    }
    /// A group of signers, and the zones that belong to it.
    Group {
        /// Its name.
        name: String,
        /// Who serves a zone of it when the controller first hears of that.
        signers: Vec<String>,
        /// The zones.
        zones: Vec<String>,
    }
    /// What changes of a group.
    GroupText {
        /// Its name, when it is new.
        name: Option<String>,
        /// Its signers, all of them.
        signers: Vec<String>,
    }
    /// A zone, and who serves it now.
    Zone {
        /// Its name.
        name: String,
        /// Who serves it now.
        members: Vec<String>,
        /// The group that it belongs to.
        group: Option<String>,
        /// `automatic`, or `manual`: each change waits until it is allowed.
        mode: String,
        /// `rest`, or how its current process stands: `queued`, `running`, `waiting`, `watching`, `blocked`.
        state: String,
        /// The current process, as `join beta`.
        process: Option<String>,
        /// Why it stands like that.
        reason: Option<String>,
        /// What its operator noted about it.
        meta: BTreeMap<String, String>,
    }
    /// A zone to take under control.
    NewZone {
        /// Its name.
        name: String,
        /// Who serves it now.
        signers: Option<Vec<String>>,
        /// Or the group that does.
        group: Option<String>,
        /// `automatic` (if it is left out) or `manual`.
        mode: Option<String>,
    }
    /// What changes of a zone.
    ZoneText {
        /// `automatic` or `manual`.
        mode: Option<String>,
        /// What is noted about it, all of it.
        meta: Option<BTreeMap<String, String>>,
    }
    /// A step of a process.
    Step {
        /// Its name, as `join/5`.
        name: String,
        /// What it comes to.
        title: String,
        /// When it began.
        from: String,
        /// When it was done.
        until: Option<String>,
        /// When it first wrote something.
        applied: Option<String>,
    }
    /// A process of a zone.
    Process {
        /// The zone.
        zone: String,
        /// `join`, `leave`, `roll-zsk`, …
        process: String,
        /// Who joins, leaves or rolls.
        signer: String,
        /// `queued`, `running`, `waiting`, `watching`, `blocked`, `refused` or `done`.
        outcome: String,
        /// Why.
        reason: String,
        /// What to do about it, if a person must act.
        remedy: Option<String>,
        /// When the deadline passes that it waits for.
        deadline: Option<String>,
        /// Its steps so far.
        steps: Vec<Step>,
        /// The names and titles of all steps of its table, in order.
        table: Vec<Row>,
    }
    /// A step that a table has.
    Row {
        /// Its name, as `join/5`.
        name: String,
        /// Who must act: `check`, `write`, `parent`, `wait`, `tell` or `signer`.
        actor: String,
        /// What it comes to.
        title: String,
    }
    /// What is to become of a zone.
    Request {
        /// `join`, `leave`, `replace`, `roll`, `roll-algorithm` or `go-insecure`.
        process: String,
        /// Who joins, leaves or rolls; in `replace`, who comes.
        signer: Option<String>,
        /// In `replace`, who goes.
        from: Option<String>,
        /// Who leaves does not answer any more, and will not.
        dead: Option<bool>,
        /// In `roll`, which key: `zsk`, `ksk` or `csk`.
        key: Option<String>,
        /// In `roll-algorithm`, the number of the new one (RFC 8624).
        algorithm: Option<u8>,
    }
    /// What is to become of the zones of a group.
    GroupRequest {
        /// `join` or `leave`.
        process: String,
        /// Who.
        signer: String,
    }
    /// Keys that a signer made and has not published.
    Keys {
        /// The signer.
        signer: String,
        /// The keys, as `257 3 13 mdsswUyr…`.
        keys: Vec<String>,
    }
    /// Something that was told.
    Note {
        /// The zone that it is about; empty: none.
        zone: String,
        /// What kind it is.
        kind: String,
        /// What it is about, as a step.
        subject: String,
        /// The rest.
        text: String,
    }
    /// A request that was taken.
    Asked {
        /// What the controller told at once.
        notes: Vec<Note>,
    }
    /// Declarations that were changed.
    Edited {
        /// `signer`, `group` or `zone`.
        kind: String,
        /// Its name.
        name: String,
        /// `declared`, `updated` or `removed`.
        done: String,
    }
    /// How everything stands.
    Status {
        /// The version of the controller.
        version: String,
        /// The delegating zone.
        parent: String,
        /// How many signers are declared.
        signers: u64,
        /// How many groups.
        groups: u64,
        /// How many zones.
        zones: u64,
        /// How many zones stand how.
        states: BTreeMap<String, u64>,
        /// Questions and updates that were sent since the controller was started.
        sent: u64,
    }
    /// The table of a process.
    Graph {
        /// The process.
        process: String,
        /// As text, one line a row.
        text: String,
        /// As a Mermaid flow chart.
        mermaid: String,
    }
    /// A line of the audit log.
    LogLine {
        /// When.
        time: String,
        /// The zone.
        zone: String,
        /// The kind of what was told.
        kind: String,
        /// What it is about.
        subject: String,
        /// The rest: a text for people, or an object.
        what: Value,
    }
    /// An RRset, as one server serves it.
    Rrset {
        /// The signer.
        signer: String,
        /// The address that was asked.
        at: String,
        /// The owner name.
        name: String,
        /// The type.
        rtype: String,
        /// The TTL, seconds; none: nothing was answered that counts.
        ttl: Option<u64>,
        /// The records.
        data: Vec<String>,
        /// Why nothing is known.
        unknown: Option<String>,
    }
    /// An RRset to copy from one signer to another.
    Copy {
        /// Who has it.
        from: String,
        /// Who is to have it.
        to: String,
        /// The owner name; the zone's own, if it is left out.
        name: Option<String>,
        /// The type, as `TXT`.
        rtype: String,
    }
    /// Where a check is made.
    CheckIn {
        /// A zone that the signer serves, and that the parent does not delegate to it.
        zone: String,
    }
}

/// A part of a list, and where the next begins.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Page<T> {
    /// The entries, in order.
    pub items: Vec<T>,
    /// What to ask for with `after` to have the next; none: this was the last.
    pub next: Option<String>,
}

impl<T: Shape> Shape for Page<T> {
    fn schema() -> Value {
        let fields = [
            ("items", Vec::<T>::schema(), "The entries, in order.", false),
            (
                "next",
                Option::<String>::schema(),
                "What to ask for with `after` to have the next; none: this was the last.",
                true,
            ),
        ];
        let fields = fields.map(|(name, schema, what, may_lack)| {
            (name.to_string(), schema, what.to_string(), may_lack)
        });
        object("A part of a list.", fields)
    }
}

/// What is wrong with a request (RFC 9457).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Problem {
    /// `about:blank`: the status says it.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status, in words.
    pub title: String,
    /// The status.
    pub status: u16,
    /// Place, what was expected, what to do.
    pub detail: String,
}

impl Shape for Problem {
    fn schema() -> Value {
        json!({
            "type": "object",
            "description": "What is wrong with a request (RFC 9457).",
            "properties": {
                "type": { "type": "string", "description": "`about:blank`: the status says it." },
                "title": { "type": "string", "description": "The status, in words." },
                "status": { "type": "integer", "description": "The status." },
                "detail": { "type": "string", "description": "Place, what was expected, what to do." },
            },
            "required": ["type", "title", "status", "detail"],
        })
    }
}
