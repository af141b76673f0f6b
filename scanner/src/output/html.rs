//! The report: static pages without anything from elsewhere. An index by reason code, and one page a
//! child with each rule's verdict and the servers' answers.

mod style;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    Decision,
    decision::{Judged, Subject},
    file_name,
    summary::{Count, Row, Summary},
    trail::Mark,
};
use crate::plan::Kind;

/// How many children a reason code's page lists; the CSV has all of them.
const LISTED_MAX: usize = 2_000;
/// How many children get a page of their own, the quiet ones not counted.
pub const PAGES_MAX: usize = 20_000;

/// What stands above everything.
#[derive(Clone, Debug)]
pub struct Head {
    /// The parent's zone.
    pub zone: String,
    /// When the scan began.
    pub time: String,
    /// `audit`, `plan`.
    pub command: String,
    /// What was used: input, resolver, trust anchor, policy; each with its name.
    pub about: Vec<(String, String)>,
}

/// A child on the page of a reason code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    child: String,
    evidence: String,
    has_page: bool,
}

/// A report under way: pages are written as decisions come.
pub struct Report {
    directory: PathBuf,
    head: Head,
    pages: BTreeSet<String>,
    left_out: u64,
    /// Children by subject and reason code, with their first line of evidence.
    listed: BTreeMap<(Subject, String), Vec<Listed>>,
}

impl Report {
    /// Begins a report in a directory.
    pub fn new(directory: &Path, head: Head) -> io::Result<Self> {
        fs::create_dir_all(directory.join("child"))?;
        fs::create_dir_all(directory.join("reason"))?;
        Ok(Self {
            directory: directory.into(),
            head,
            pages: BTreeSet::new(),
            left_out: 0,
            listed: BTreeMap::new(),
        })
    }

    /// Writes the page of a child, as long as there are not too many.
    pub fn page(&mut self, decision: &Decision) -> io::Result<()> {
        if self.pages.len() >= PAGES_MAX {
            self.left_out += 1;
            return Ok(());
        }
        let file = child_file(&decision.child);
        let page = self.child_page(decision).into_string();
        fs::write(self.directory.join("child").join(file), page)?;
        self.pages.insert(decision.child.clone());
        Ok(())
    }

    /// Lists a child under its reason code. Pages come before.
    pub fn list(&mut self, row: &Row) {
        let key = (row.subject, row.reason.clone());
        let listed = self.listed.entry(key).or_default();
        if listed.len() < LISTED_MAX {
            listed.push(Listed {
                child: row.child.clone(),
                evidence: row.evidence.clone(),
                has_page: self.pages.contains(&row.child),
            });
        }
    }

    /// Ends it; returns the index page's path.
    pub fn finish(mut self, summary: &Summary, kinds: &BTreeMap<Kind, u64>) -> io::Result<PathBuf> {
        for listed in self.listed.values_mut() {
            listed.sort();
        }
        for count in summary.counts() {
            let key = (count.subject, count.reason.clone());
            let page = self.reason_page(count, self.listed.get(&key).map_or(&[], Vec::as_slice));
            let file = reason_file(count.subject, &count.reason);
            fs::write(self.directory.join("reason").join(file), page.into_string())?;
        }
        let index = self.directory.join("index.html");
        fs::write(&index, self.index(summary, kinds).into_string())?;
        Ok(index)
    }

    fn index(&self, summary: &Summary, kinds: &BTreeMap<Kind, u64>) -> Markup {
        let counts = summary.counts();
        let of = |wanted: &dyn Fn(&str) -> bool| -> u64 {
            let matching = counts.iter().filter(|count| wanted(&count.outcome));
            matching.map(|count| count.count).sum()
        };
        let accepted = of(&|outcome| outcome == "accept");
        let stopped = of(&|outcome| outcome != "accept" && outcome != "noop");
        let body = html! {
            section.tiles {
                (tile("children", summary.children(), "plain"))
                (tile("changes accepted", accepted, "accept"))
                (tile("requests not carried out", stopped, "abort"))
                (tile("verdicts without a request", of(&|outcome| outcome == "noop"), "noop"))
            }
            @if !kinds.is_empty() {
                h2 { "What would change" }
                table.narrow {
                    tr { th { "kind" } th.number { "children" } }
                    @for (kind, count) in kinds {
                        tr { td { (kind_text(*kind)) } td.number { (grouped(*count)) } }
                    }
                }
            }
            @for subject in [Subject::Ds, Subject::Csync] {
                h2 { (subject_text(subject)) }
                (reasons(&counts, subject))
            }
            h2 { "How this was found" }
            table.narrow {
                @for (key, value) in &self.head.about {
                    tr { th { (key) } td { (value) } }
                }
            }
            @if self.left_out > 0 {
                p.aside { (grouped(self.left_out)) " children have no page of their own: there are pages for " (grouped(PAGES_MAX as u64)) " at most. The CSV and the decision log have all of them." }
            }
        };
        let title = format!("{} of {}", self.head.command, self.head.zone);
        self.frame(&title, "", body)
    }

    fn reason_page(&self, count: &Count, children: &[Listed]) -> Markup {
        let body = html! {
            p { (subject_text(count.subject)) " · rule " code { (count.rule) } " · " (badge(&count.outcome)) " · " (grouped(count.count)) " children" }
            table {
                tr { th { "child" } th { "what was found" } }
                @for Listed { child, evidence, has_page } in children {
                    tr {
                        td { @if *has_page { a href=(child_link("../", child)) { (child) } } @else { (child) } }
                        td.evidence { (evidence) }
                    }
                }
            }
            @if count.count > children.len() as u64 {
                p.aside { "The first " (grouped(children.len() as u64)) " that came; the CSV has all of them." }
            }
        };
        self.frame(&count.reason, "../", body)
    }

    fn child_page(&self, decision: &Decision) -> Markup {
        let body = html! {
            table.narrow {
                tr { th { "judged" } td { (decision.time) } }
                tr { th { "NS at the parent" } td { (records(&decision.ns)) } }
                tr { th { "DS at the parent" } td { (records(&decision.ds)) } }
                @for (rtype, lines) in &decision.trigger {
                    tr { th { (rtype) " of the child" } td { (records(lines)) } }
                }
            }
            @for judged in &decision.verdicts {
                (verdict(judged))
            }
            h2 { "What the servers said" }
            @for asked in &decision.servers {
                details open[decision.servers.len() <= 4] {
                    summary { (asked.server) }
                    table {
                        @for (rtype, lines) in &asked.answers {
                            tr { th { (rtype) } td { (records(lines)) } }
                        }
                    }
                }
            }
        };
        self.frame(&decision.child, "../", body)
    }

    fn frame(&self, title: &str, root: &str, body: Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (title) " – counterpoint-scanner" }
                    style { (PreEscaped(style::SHEET)) }
                }
                body {
                    header {
                        p.trail { a href={ (root) "index.html" } { (self.head.command) " of " (self.head.zone) } " · " (self.head.time) }
                        h1 { (title) }
                    }
                    main { (body) }
                    footer { "counterpoint-scanner " (env!("CARGO_PKG_VERSION")) ". Rule IDs are explained in docs/scanner.md." }
                }
            }
        }
    }
}

fn tile(what: &str, count: u64, class: &str) -> Markup {
    html! { div class={ "tile " (class) } { strong { (grouped(count)) } span { (what) } } }
}

fn reasons(counts: &[&Count], subject: Subject) -> Markup {
    let rows = || counts.iter().filter(|count| count.subject == subject);
    let most = rows().map(|count| count.count).max().unwrap_or(1);
    html! {
        table {
            tr { th { "reason" } th { "outcome" } th { "rule" } th.number { "children" } th {} th { "for example" } }
            @for count in rows() {
                tr {
                    td { a href={ "reason/" (reason_file(subject, &count.reason)) } { code { (count.reason) } } }
                    td { (badge(&count.outcome)) }
                    td { code { (count.rule) } }
                    td.number { (grouped(count.count)) }
                    td.bar { div class={ "bar " (count.outcome) } style={ "width:" (bar_width(count.count, most)) "%" } {} }
                    td.evidence {
                        (count.examples.join(", "))
                        @if let Some(evidence) = &count.evidence { br; span.aside { (evidence) } }
                    }
                }
            }
        }
    }
}

fn verdict(judged: &Judged) -> Markup {
    html! {
        h2 { (subject_text(judged.subject)) " " (badge(&judged.outcome)) }
        p { "Rule " code { (judged.rule) } ", " code { (judged.reason) } }
        @if !judged.evidence.is_empty() {
            ul { @for line in &judged.evidence { li { (line) } } }
        }
        @if !judged.diff.is_empty() {
            pre { @for line in &judged.diff {
                span class=(if line.starts_with('-') { "gone" } else { "new" }) { (line) } "\n"
            } }
        }
        ol.rules {
            @for step in &judged.verifications {
                li class=(mark_class(step.mark)) title=(mark_text(step.mark)) {
                    span.mark { (mark_sign(step.mark)) } " " code { (step.rule) } " " (step.reason)
                }
            }
        }
    }
}

fn records(lines: &[String]) -> Markup {
    html! {
        @if lines.is_empty() { span.aside { "none" } }
        @for line in lines { div.record { (line) } }
    }
}

fn badge(outcome: &str) -> Markup {
    html! { span class={ "badge " (outcome) } { (outcome) } }
}

fn mark_class(mark: Mark) -> &'static str {
    match mark {
        Mark::Pass => "pass",
        Mark::Stop => "stop",
        Mark::NotReached => "unreached",
        Mark::Off => "off",
    }
}

fn mark_sign(mark: Mark) -> &'static str {
    match mark {
        Mark::Pass => "✓",
        Mark::Stop => "■",
        Mark::NotReached => "·",
        Mark::Off => "○",
    }
}

/// What a mark means, for people.
pub fn mark_text(mark: Mark) -> &'static str {
    match mark {
        Mark::Pass => "pass",
        Mark::Stop => "decided",
        Mark::NotReached => "not reached",
        Mark::Off => "switched off",
    }
}

fn subject_text(subject: Subject) -> &'static str {
    match subject {
        Subject::Ds => "DS, by CDS and CDNSKEY",
        Subject::Csync => "NS and glue, by CSYNC",
    }
}

fn kind_text(kind: Kind) -> &'static str {
    match kind {
        Kind::DsDelete => "DS RRset removed: the child becomes insecure",
        Kind::Ns => "NS RRset changed",
        Kind::DsBootstrap => "first DS RRset: the child becomes secure",
        Kind::DsUpdate => "DS RRset changed",
        Kind::Glue => "glue changed",
    }
}

fn reason_file(subject: Subject, reason: &str) -> String {
    format!("{}-{reason}.html", subject.name().to_lowercase())
}

fn child_file(child: &str) -> String {
    let name = counterpoint_dns::name::parse_name(child).unwrap_or_default();
    format!("{}.html", file_name(&name).trim_end_matches('.'))
}

fn child_link(root: &str, child: &str) -> String {
    // A file's `%` is a link's `%25`.
    format!("{root}child/{}", child_file(child).replace('%', "%25"))
}

/// Square roots: what is rare must be seen beside what is frequent.
fn bar_width(count: u64, most: u64) -> u64 {
    let share = (count as f64 / most.max(1) as f64).sqrt();
    ((share * 100.0) as u64).max(1)
}

/// A number with thin spaces between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
