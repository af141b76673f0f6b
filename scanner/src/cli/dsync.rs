//! The DSYNC records that tell children where to notify (RFC 9859 §3).

use std::path::Path;

use counterpoint_dns::{
    name::{Name, RecordType, parse_name},
    notify::{Dsync, NOTIFIED, dsync_names},
};
use serde_json::json;

use super::{Failure, Outcome, arguments, setup::Base};
use crate::input::BadInput;

/// Prints them: under a wildcard for all children, or for one child (N-04, N-17).
pub fn run(arguments: &arguments::Dsync) -> Result<Outcome, Failure> {
    let policy = Base::load(arguments.policy.as_deref().map(Path::new), None, &[])?.policy;
    let wanted = |given: &Option<String>, known: &Option<String>, what: &str, remedy: &str| {
        let text = given.as_ref().or(known.as_ref());
        let text = text.ok_or_else(|| {
            let what = format!("{what} is not known");
            BadInput::new("the command line", what, remedy)
        })?;
        parse_name(text).map_err(|error| BadInput::new(text, error, remedy))
    };
    let zone = wanted(
        &arguments.zone,
        &policy.parent.zone,
        "the parent's zone",
        "name it with --zone, or as `parent.zone` in the policy",
    )?;
    let target = wanted(
        &arguments.target,
        &policy.notify.target,
        "the host that takes NOTIFY",
        "name it with --target, or as `notify.target` in the policy",
    )?;
    let port = arguments.port.unwrap_or(policy.notify.port);
    let owner = match &arguments.child {
        None => {
            let general = zone.prepend_label("_dsync");
            general.and_then(|name| name.prepend_label("*"))
        }
        Some(child) => {
            let remedy = format!("name a child of {zone} with --child");
            let name = parse_name(child).map_err(|error| BadInput::new(child, error, &remedy))?;
            let names = dsync_names(&name, &zone);
            let [special, _] = names.as_slice() else {
                let what = format!("it is not below {zone}");
                return Err(BadInput::new(child, what, remedy).into());
            };
            Ok(special.clone())
        }
    };
    let owner = owner.map_err(|error| BadInput::new(&zone, error, "name a shorter zone"))?;
    // N-05: one for each type and scheme.
    let records: Vec<Dsync> = NOTIFIED
        .map(|rtype| Dsync::notify(rtype, target.clone(), port))
        .into();
    let ttl = arguments.ttl;
    let lines = records.iter().map(|dsync| line(&owner, ttl, dsync));
    let text: String = lines.collect();
    let json = json!({
        "owner": owner.to_string(),
        "ttl": ttl,
        "records": records.iter().map(|dsync| json!({
            "type": dsync.rtype.to_string(),
            "scheme": "NOTIFY",
            "port": dsync.port,
            "target": dsync.target.to_string(),
        })).collect::<Vec<_>>(),
    });
    Ok(Outcome::ok(text, json))
}

/// A record, and the same as servers take it that do not know the type (RFC 3597 §5).
fn line(owner: &Name, ttl: u32, dsync: &Dsync) -> String {
    let Dsync {
        rtype,
        port,
        target,
        ..
    } = dsync;
    let data = dsync.to_rdata();
    let hex: String = data.octets().iter().map(|o| format!("{o:02x}")).collect();
    let length = data.octets().len();
    let rtype: &RecordType = rtype;
    format!(
        "{owner} {ttl} IN DSYNC {rtype} NOTIFY {port} {target}\n; {owner} {ttl} IN TYPE66 \\# {length} {hex}\n"
    )
}
