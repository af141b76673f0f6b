//! The run as a Mermaid Gantt chart, for READMEs: what is unsafe, the delegation, DNSKEY RRsets, processes.

use std::fmt::Write as _;

use crate::{
    at::At,
    picture::{self, Piece, State, clipped},
    run::{Run, What},
};

/// The chart. Its instants are UTC.
pub fn mermaid(run: &Run) -> String {
    let mut chart = Chart {
        run,
        text: String::new(),
        count: 0,
    };
    chart.line(&format!("gantt\n    title {}", plain(run.heading())));
    chart.line("    dateFormat X\n    axisFormat %d %H:%M");
    if !run.violations.is_empty() {
        chart.line("    section unsafe");
    }
    for violation in &run.violations {
        for (from, until) in violation
            .during
            .iter()
            .filter_map(|span| clipped(*span, run.end))
        {
            let name = format!("{} {}", violation.property, violation.quantifier);
            chart.task(&name, "crit, ", from, until);
        }
    }
    let is_seen = |piece: &&Piece| piece.until - piece.from >= (run.end - At::START) / PARTS;
    for panel in picture::panels(run) {
        for group in panel.groups.iter().filter(|group| group.title != "caches") {
            let wanted = [What::Ds.name(), What::Dnskey.name()];
            let lanes = group
                .lanes
                .iter()
                .filter(|lane| wanted.contains(&lane.what));
            let is_parent = group.title.contains("(parent)");
            chart.line(&format!("    section {}", plain(&group.title)));
            for lane in lanes {
                for row in &lane.rows {
                    for piece in row.pieces.iter().filter(|piece| is_seen(piece)) {
                        let mark = match piece.state {
                            State::Everywhere => "active, ",
                            State::Expired => "crit, ",
                            State::Coming | State::Going => "done, ",
                            State::Unreached => "",
                        };
                        let what = if is_parent { "DS " } else { "" };
                        let name = format!("{what}{} {}", row.label, piece.state.word());
                        chart.task(&name, mark, piece.from, piece.until);
                    }
                }
            }
        }
    }
    for process in &run.processes {
        chart.line(&format!("    section {}", plain(&process.name)));
        for step in &process.steps {
            chart.task(&step.name, "", step.from, step.until.unwrap_or(run.end));
        }
    }
    chart.text
}

struct Chart<'r> {
    run: &'r Run,
    text: String,
    count: usize,
}

/// What is shorter than this part of the run is not to be seen.
const PARTS: u32 = 200;

impl Chart<'_> {
    fn line(&mut self, line: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{line}");
    }

    fn task(&mut self, name: &str, mark: &str, from: At, until: At) {
        self.count += 1;
        let start = self.run.start.as_seconds();
        let second = |at: At| start + at.as_seconds() as i64;
        let (from, until) = (second(from), second(until).max(second(from) + 1));
        let (name, number) = (plain(name), self.count);
        self.line(&format!("    {name} :{mark}t{number}, {from}, {until}"));
    }
}

/// Without what means something to Mermaid.
fn plain(text: &str) -> String {
    let kept = |c: char| if ":;,#%\n\"".contains(c) { ' ' } else { c };
    text.chars().map(kept).collect()
}
