//! Explain: one child, each rule's verdict, and what every server said. It asks on where a scan would
//! stop early: the verdict is the same, and more is shown.

use counterpoint_dns::{driver::sqlite::SqliteStore, name::parse_name};
use serde_json::json;

use super::{
    Failure, Outcome, Streams, arguments,
    audit::{decision_of, head, judged_text, stopped},
    setup::{OWNER, Setup},
    survey_all::survey_all,
    verify::about_json,
};
use crate::{input::BadInput, output::Decision};

/// Tells everything about one child.
pub fn run(arguments: &arguments::Explain, _: &mut Streams<'_>) -> Result<Outcome, Failure> {
    let setup = Setup::load(&arguments.input)?;
    let child = parse_name(&arguments.child)
        .map_err(|error| BadInput::new("CHILD", error, "name a child of the zone"))?;
    let store = match arguments.state.state.exists() {
        true => Some(SqliteStore::open_to_read(&arguments.state.state, OWNER)?),
        false => None,
    };
    let subject = setup.subject(&child, store.as_ref())?.ok_or_else(|| {
        let what = format!("{} does not delegate {child}", setup.parent.zone());
        BadInput::new(&setup.source, what, "name a child as the input has it")
    })?;
    let mut decisions: Vec<Decision> = Vec::new();
    let sink = |finding, now| -> Result<(), Failure> {
        decisions.push(decision_of(&finding, "explain", now, &setup.base.policy));
        Ok(())
    };
    let sent =
        survey_all([subject].into_iter(), &setup.means().to_the_end(), sink).map_err(stopped)?;
    let decision = decisions.pop();
    let decision = decision.ok_or_else(|| Failure::Defect("the survey found nothing".into()))?;
    let mut about = setup.about();
    about.push(("questions".into(), sent.to_string()));
    let mut text = head(&format!("explain {child}"), &setup, &about);
    text.push_str("\nat the parent\n");
    for (rtype, lines) in [("NS", &decision.ns), ("DS", &decision.ds)] {
        for line in lines {
            text.push_str(&format!("  {rtype:8} {line}\n"));
        }
    }
    for asked in &decision.servers {
        text.push_str(&format!("\n{}\n", asked.server));
        for (rtype, lines) in &asked.answers {
            for line in lines {
                text.push_str(&format!("  {rtype:8} {line}\n"));
            }
        }
    }
    for judged in &decision.verdicts {
        text.push('\n');
        text.push_str(&judged_text(judged));
    }
    let json = json!({
        "command": "explain",
        "zone": setup.parent.zone().to_string(),
        "about": about_json(&about),
        "decision": decision,
    });
    Ok(Outcome::ok(text, json))
}
