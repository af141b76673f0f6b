//! The table of operations. Routing, who may ask, the OpenAPI document and the tests are made of it.

use serde_json::Value;

use super::{
    Answer, Call, Failure, Role, check, declared, log, observe, openapi, plan, processes, requests,
    resources::{
        Asked, CheckIn, Copy, Edited, Graph, Group, GroupRequest, GroupText, Keys, Listed, LogLine,
        NewZone, Page, Ping, Process, Request, Rrset, Signer, SignerText, Status, Updater, Zone,
        ZoneText,
    },
    rrsets,
    shape::Shape,
    show,
};
use crate::keeper::Keeper;

/// What is to be done with what a path names (RFC 9110 §9, RFC 5789).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Method {
    /// Look.
    Get,
    /// Add to it, or act upon it.
    Post,
    /// Change what is named, and nothing else.
    Patch,
    /// Take it away.
    Delete,
}

impl Method {
    /// As in a request line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// The function of an operation.
type Handler = fn(&mut Keeper, &Call) -> Result<Answer, Failure>;

/// How an operation is carried out.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    /// At once, with what the controller has in mind.
    Now(Handler),
    /// It asks servers, and takes its time: by a keeper of its own, who looks only.
    Apart(Handler),
    /// What happens is told as long as somebody listens.
    Changes,
}

/// One operation.
pub(crate) struct Operation {
    /// Its name, as `zone-list`.
    pub id: &'static str,
    /// The method of a request for it.
    pub method: Method,
    /// The path behind [`super::ROOT`], with places as `{zone}`.
    pub path: &'static str,
    /// The least role that may ask for it.
    pub role: Role,
    /// What it does.
    pub what: &'static str,
    /// What may be asked behind the path, and what that means.
    pub query: &'static [(&'static str, &'static str)],
    /// The shape of what is handed over, if anything is.
    pub body: Option<fn() -> Value>,
    /// The status of an answer that brings what was asked for (RFC 9110 §15.3).
    pub status: u16,
    /// The shape of the answer.
    pub answer: fn() -> Value,
    /// How it is carried out.
    pub act: Act,
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

impl Operation {
    /// The names of the places in its path.
    pub(crate) fn places(&self) -> impl Iterator<Item = &'static str> {
        let parts = self.path.split('/');
        parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}

const OK: u16 = 200;
const CREATED: u16 = 201;
const ACCEPTED: u16 = 202;

const PAGE: (&str, &str) = (
    "limit",
    "how many entries, at most 1000; 100 if it is left out",
);
const AFTER: (&str, &str) = (
    "after",
    "begin behind this entry: `next` of the answer before",
);
const MODEL: (&str, &str) = (
    "model",
    "who holds the KSKs (RFC 8901 §2.1): `1`, `2` or `shared`",
);

macro_rules! operations {
    ($($id:literal $method:ident $path:literal $role:ident $status:ident
       ($($body:ty)?) -> $answer:ty, [$($query:expr),*] $act:expr; $what:literal)*) => {
        /// Every operation.
        pub(crate) static OPERATIONS: &[Operation] = &[$(Operation {
            id: $id,
            method: Method::$method,
            path: $path,
            role: Role::$role,
            what: $what,
            query: &[$($query),*],
            body: operations!(@body $($body)?),
            status: $status,
            answer: <$answer as Shape>::schema,
            act: $act,
        }),*];
    };
    (@body) => { None };
    (@body $body:ty) => { Some(<$body as Shape>::schema) };
}

use Act::{Apart, Changes, Now};

operations! {
    "ping" Get "/ping" Anyone OK () -> Ping, [] Now(show::ping);
        "Say who answers."
    "api-show" Get "/operations" Anyone OK () -> Vec<Listed>, [] Now(show::operations);
        "List the operations of this interface."
    "openapi" Get "/openapi.json" Anyone OK () -> Value, [] Now(openapi::show);
        "Give the OpenAPI 3.1 document of this interface."
    "status" Get "/status" Anyone OK () -> Status, [] Now(processes::status);
        "Say how everything stands."
    "changes" Get "/changes" Anyone OK () -> String, [] Changes;
        "Tell what happens while it happens, as server-sent events; `Last-Event-ID` goes on behind that one."
    "updater-list" Get "/updaters" Read OK () -> Vec<Updater>, [] Now(show::updaters);
        "List how each signer is written to, and how often."

    "signer-list" Get "/signers" Read OK () -> Page<Signer>, [PAGE, AFTER] Now(declared::signer_list);
        "List the signers."
    "signer-add" Post "/signers" Admin CREATED (SignerText) -> Edited, [] Now(declared::signer_add);
        "Declare a signer."
    "signer-show" Get "/signers/{signer}" Read OK () -> Signer, [] Now(declared::signer_show);
        "Show a signer, without its secret."
    "signer-update" Patch "/signers/{signer}" Admin OK (SignerText) -> Edited, [] Now(declared::signer_update);
        "Change the declaration of a signer."
    "signer-remove" Delete "/signers/{signer}" Admin OK () -> Edited, [] Now(declared::signer_remove);
        "Forget a signer that serves nothing."
    "signer-check" Post "/signers/{signer}/check" Admin OK (CheckIn) -> Value, [] Apart(check::run);
        "Try what a signer can import: write foreign records, read them back, take them out again."

    "group-list" Get "/groups" Anyone OK () -> Page<Group>, [PAGE, AFTER] Now(declared::group_list);
        "List the groups of signers."
    "group-add" Post "/groups" Admin CREATED (GroupText) -> Edited, [] Now(declared::group_add);
        "Declare a group."
    "group-show" Get "/groups/{group}" Anyone OK () -> Group, [] Now(declared::group_show);
        "Show a group."
    "group-update" Patch "/groups/{group}" Admin OK (GroupText) -> Edited, [] Now(declared::group_update);
        "Change who serves a zone of the group when the controller first hears of that."
    "group-remove" Delete "/groups/{group}" Admin OK () -> Edited, [] Now(declared::group_remove);
        "Forget a group that has no zone."
    "group-ask" Post "/groups/{group}/processes" Operate ACCEPTED (GroupRequest) -> Asked, [] Now(requests::of_group);
        "Have a signer join, or leave, every zone of a group."

    "zone-list" Get "/zones" Anyone OK () -> Page<Zone>, [
        ("q", "those whose names contain this"),
        ("state", "those that stand like this: `rest`, `open`, `queued`, `running`, `waiting`, `watching`, `blocked`"),
        ("signer", "those that this signer serves"),
        ("group", "those of this group"),
        ("mode", "those of this mode: `automatic` or `manual`"),
        PAGE, AFTER] Now(declared::zone_list);
        "List the zones under control."
    "zone-add" Post "/zones" Admin CREATED (NewZone) -> Edited, [] Now(declared::zone_add);
        "Take a zone under control."
    "zone-show" Get "/zones/{zone}" Anyone OK () -> Zone, [] Now(declared::zone_show);
        "Show a zone, and who serves it now."
    "zone-update" Patch "/zones/{zone}" Admin OK (ZoneText) -> Edited, [] Now(declared::zone_update);
        "Change the mode of a zone, or what is noted about it."
    "zone-remove" Delete "/zones/{zone}" Admin OK () -> Edited, [] Now(declared::zone_remove);
        "Let a zone go. It stays as it is: valid, with everybody's keys."
    "zone-ask" Post "/zones/{zone}/processes" Operate ACCEPTED (Request) -> Asked, [] Now(requests::of_zone);
        "Ask for a process of a zone."
    "zone-processes" Get "/zones/{zone}/processes" Anyone OK () -> Vec<Process>, [] Now(processes::of_zone);
        "Show the processes of a zone, step by step."
    "zone-cancel" Delete "/zones/{zone}/processes/current" Operate ACCEPTED () -> Asked, [] Now(requests::cancel);
        "Run the current join or leave of a zone back."
    "zone-step" Post "/zones/{zone}/step" Operate ACCEPTED () -> Asked, [] Now(requests::step);
        "Allow the changes of the current step, in a zone whose mode is manual."
    "zone-announce" Post "/zones/{zone}/keys" Operate ACCEPTED (Keys) -> Asked, [] Now(requests::announce);
        "Tell of keys that a signer made and has not published."
    "zone-log" Get "/zones/{zone}/log" Read OK () -> Page<LogLine>, [PAGE, AFTER] Now(log::show);
        "Give what was observed, decided and done in a zone."
    "zone-observe" Get "/zones/{zone}/observation" Read OK () -> Value, [] Apart(observe::run);
        "Ask every instance of a zone and its parent what it serves. Writes nothing."
    "zone-plan" Get "/zones/{zone}/plan" Read OK () -> Vec<Value>, [
        ("join", "after what was asked for already: this signer joins"),
        ("leave", "after what was asked for already: this signer leaves"),
        ("dead", "`true`: who leaves does not answer any more")] Apart(plan::run);
        "Show what would be done, when, and why that is safe. Writes nothing."
    "zone-rrsets" Get "/zones/{zone}/rrsets" Read OK () -> Vec<Rrset>, [
        ("signer", "at this signer; at all members, if it is left out"),
        ("name", "of this owner name; the zone's own, if it is left out"),
        ("type", "of this type, as `TXT`")] Apart(rrsets::show);
        "Ask every instance of the signers of a zone for an RRset."
    "zone-copy" Post "/zones/{zone}/rrsets" Admin OK (Copy) -> Value, [] Apart(rrsets::copy);
        "Copy an RRset from one signer to another; none that a process owns."

    "process-list" Get "/processes" Anyone OK () -> Page<Process>, [
        ("state", "those that stand like this: `open`, `queued`, `running`, `waiting`, `watching`, `blocked`, `refused`, `done`"),
        PAGE, AFTER] Now(processes::list);
        "List the processes of all zones, in the order in which they were asked for."
    "process-check" Post "/processes/check" Operate ACCEPTED () -> Status, [] Now(processes::check);
        "Look again now, wherever no deadline is waited for."
    "graph-list" Get "/graphs" Anyone OK () -> Vec<Graph>, [MODEL] Now(processes::graphs);
        "Give the tables that processes follow."
    "graph-show" Get "/graphs/{process}" Anyone OK () -> Graph, [MODEL] Now(processes::graph);
        "Give the table that a process follows."
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_has_a_name_and_a_path_of_its_own() {
        let ids: BTreeSet<_> = OPERATIONS.iter().map(|o| o.id).collect();
        let paths: BTreeSet<_> = OPERATIONS.iter().map(|o| (o.path, o.method)).collect();
        assert_eq!(
            (ids.len(), paths.len()),
            (OPERATIONS.len(), OPERATIONS.len())
        );
        for operation in OPERATIONS {
            let writes = operation.method != Method::Get;
            assert!(!writes || operation.role >= Role::Operate, "{operation:?}");
        }
    }
}
