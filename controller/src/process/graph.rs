//! The tables for people: as text, and as a Mermaid flow chart. Pure functions of the tables.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{Goal, Kind, Row};
use crate::config::{KskRoll, Model};

/// How a table is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphFormat {
    /// One line a row.
    Text,
    /// A Mermaid flow chart (`flowchart TD`).
    Mermaid,
}

/// The names of all processes that have a table in this model.
pub fn process_names(model: Model) -> Vec<&'static str> {
    let all = Kind::ALL.into_iter();
    let there = all.filter(|kind| !kind.rows(model, KskRoll::Swap).is_empty());
    there.map(Kind::name).collect()
}

/// The steps of every process in every model, as reports name them (`join/5`), and whether a row of each
/// waits for caches.
pub fn process_steps() -> BTreeMap<String, bool> {
    let mut steps = BTreeMap::new();
    let models = [Model::Own, Model::Common, Model::Shared];
    for (model, roll) in models
        .iter()
        .flat_map(|m| [(*m, KskRoll::Swap), (*m, KskRoll::Double)])
    {
        for kind in Kind::ALL {
            for row in kind.rows(model, roll) {
                let step = format!("{}/{}", kind.name(), row.step);
                *steps.entry(step).or_default() |= matches!(row.goal, Goal::Wait(_));
            }
        }
    }
    steps
}

/// The table of the process of this name; `None` if there is none in this model.
pub fn process_graph(
    process: &str,
    model: Model,
    ksk_roll: KskRoll,
    format: GraphFormat,
) -> Option<String> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == process)?;
    let rows = kind.rows(model, ksk_roll);
    if rows.is_empty() {
        return None;
    }
    Some(match format {
        GraphFormat::Text => text(kind, rows),
        GraphFormat::Mermaid => mermaid(kind, rows),
    })
}

/// The steps of a process, each by its last row, as reports have it: its name, who must act, and what it
/// comes to.
#[cfg(feature = "tool")]
pub(crate) fn process_rows(
    process: &str,
    model: Model,
    ksk_roll: KskRoll,
) -> Vec<(String, &'static str, &'static str)> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == process);
    let rows = kind.into_iter().flat_map(|kind| {
        let rows = kind.rows(model, ksk_roll).iter();
        rows.map(move |row| {
            (
                format!("{process}/{}", row.step),
                actor(row.goal),
                row.title,
            )
        })
    });
    let mut steps: Vec<(String, _, _)> = Vec::new();
    for row in rows {
        match steps.last_mut() {
            Some(last) if last.0 == row.0 => *last = row,
            _ => steps.push(row),
        }
    }
    steps
}

/// Who must do something for a row to be done.
pub(crate) fn actor(goal: Goal) -> &'static str {
    match goal {
        Goal::Prerequisites => "check",
        Goal::Publish(..) => "write",
        Goal::Watch(_) => "parent",
        Goal::Wait(_) => "wait",
        Goal::Release => "tell",
        Goal::Turn(_) => "signer",
    }
}

fn text(kind: Kind, rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let step = format!("{}/{}", kind.name(), row.step);
        let _ = writeln!(text, "{step:<18} {:<6} {}", actor(row.goal), row.title);
    }
    text
}

fn mermaid(kind: Kind, rows: &[Row]) -> String {
    let mut text = String::from("flowchart TD\n");
    for (index, row) in rows.iter().enumerate() {
        let label = format!(
            "{}/{} {}: {}",
            kind.name(),
            row.step,
            actor(row.goal),
            row.title
        );
        // Who acts shows in the shape: writes are boxes, waits are rounded, others are hexagons.
        let (open, close) = match row.goal {
            Goal::Publish(..) => ("[", "]"),
            Goal::Wait(_) => ("(", ")"),
            _ => ("{{", "}}"),
        };
        let _ = writeln!(text, "    r{index}{open}\"{label}\"{close}");
        if index > 0 {
            let _ = writeln!(text, "    r{} --> r{index}", index - 1);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_printed_once_and_in_order() {
        for (model, policy) in [
            (Model::Own, KskRoll::Swap),
            (Model::Own, KskRoll::Double),
            (Model::Common, KskRoll::Swap),
            (Model::Common, KskRoll::Double),
            (Model::Shared, KskRoll::Swap),
        ] {
            for name in process_names(model) {
                let kind = Kind::ALL
                    .into_iter()
                    .find(|kind| kind.name() == name)
                    .unwrap();
                let rows = kind.rows(model, policy);
                let text = process_graph(name, model, policy, GraphFormat::Text).unwrap();
                let titles: Vec<&str> = text.lines().map(|line| &line[26..]).collect();
                let expected: Vec<&str> = rows.iter().map(|row| row.title).collect();
                assert_eq!(titles, expected, "{name}");
                let chart = process_graph(name, model, policy, GraphFormat::Mermaid).unwrap();
                assert_eq!(chart.matches("-->").count() + 1, rows.len(), "{name}");
                assert!(rows.iter().all(|row| chart.contains(row.title)), "{name}");
            }
        }
        assert_eq!(
            process_graph("rest", Model::Own, KskRoll::Swap, GraphFormat::Text),
            None
        );
        let common = |name| process_graph(name, Model::Common, KskRoll::Swap, GraphFormat::Text);
        assert_eq!(common("roll-csk"), None, "nobody has a CSK there");
        let shared = process_names(Model::Shared);
        assert_eq!(shared, ["join", "leave", "cancel-join", "cancel-leave"]);
    }

    #[test]
    fn the_table_of_a_ksk_roll_reads_like_this() {
        let text = process_graph("roll-ksk", Model::Own, KskRoll::Swap, GraphFormat::Text).unwrap();
        let expected = "\
roll-ksk/1         check  s can roll
roll-ksk/2         signer s publishes a new KSK, and both sign
roll-ksk/3         wait   no cache holds a DNSKEY RRset without it
roll-ksk/4         write  CDS and CDNSKEY name the new instead of the old
roll-ksk/5         parent the parent's DS RRset names it
roll-ksk/6         wait   no cache holds an older DS RRset
roll-ksk/7         signer the old KSK leaves s
roll-ksk/8         write  CDS and CDNSKEY as the policy wants them
";
        assert_eq!(text, expected);
    }
}
