//! The run as one page: the picture, the DNS at any instant, the prose. Nothing is fetched from elsewhere.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use counterpoint_dns::time::human;

use crate::{
    at::At,
    explain,
    picture::State,
    run::{Got, Process, Run},
    svg,
};

const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// Who may do what in the page: nobody from elsewhere.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/// The page.
pub fn html(run: &Run) -> String {
    let verdict = run.verdict();
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="generator" content="counterpoint";
                link rel="icon" href="data:,";
                title { (run.heading()) " · " (verdict) }
                style { (PreEscaped(svg::style())) (PreEscaped(STYLE)) }
            }
            body {
                (head(run))
                main {
                    (figure(run))
                    section #instant aria-label="the DNS at that instant" {}
                    section { h2 { "In words" } (prose(run)) }
                    (processes(run))
                    (remarks(run))
                }
                script #run type="application/json" { (PreEscaped(embedded(run))) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    markup.into_string() + "\n"
}

fn head(run: &Run) -> Markup {
    let verdict = run.verdict();
    html! {
        header {
            h1 { (run.heading()) }
            p {
                span class={ "verdict " (verdict.to_lowercase()) } { (verdict) }
                " " (human(run.end - At::START)) " of virtual time from " (run.start) ", seed " (run.seed)
                " · judged for " (run.profiles.join(", ")) ", " (run.quantifier)
            }
            @if !run.source.is_empty() { p.soft { (run.source) } }
            @if let Some(error) = &run.error { p.soft { "It failed: " (error) } }
            @for unmet in &run.unmet { p.soft { "Not as expected: " (unmet) } }
        }
    }
}

fn figure(run: &Run) -> Markup {
    let end = run.end.as_seconds();
    html! {
        figure {
            div.tools {
                button #out type="button" title="zoom out (-)" { "−" }
                button #in type="button" title="zoom in (+)" { "+" }
                button #fit type="button" title="the whole run (0)" { "all" }
                @if !run.violations.is_empty() {
                    button #bad type="button" title="the unsafe time (u)" { "unsafe" }
                }
                label { "at " output #when for="slider" {} input #slider type="range" min="0" max=(end) step="any" value="0"; }
            }
            div #frame { (svg::inline(run)) }
            div #details role="status" aria-live="polite" { p.soft { "Point at a bar, or use the arrow keys, to see what it is." } }
            figcaption {
                ul.legend {
                    @for state in State::ALL {
                        li { (sample(&format!("p {} o0", state.word()), 9)) (state.meaning()) }
                    }
                    li { (sample("ds everywhere", 3)) "a DS names this key" }
                    li { (sample("unsafe", 9)) "unsafe" }
                    li { (sample("out", 9)) "out of order, by a fault" }
                    @for (class, got) in [("secure", Got::Secure), ("saved", Got::Saved), ("failed", Got::Failed), ("bogus", Got::Bogus)] {
                        li { svg width="22" height="11" { line class={ "tick " (class) } x1="1" x2="21" y1="6" y2="6" {} } (got.words()) }
                    }
                    li { svg width="14" height="14" { g.fetch transform="translate(7,7)" { circle r="6" {} text y="3.2" { "1" } } } "fetched by the witness; held as long as the dashes go" }
                }
                p #keys .soft {
                    "Arrow keys go from bar to bar, Enter sets the instant to where one begins; + − 0 zoom, u shows what is unsafe. "
                    "Ctrl and the wheel zoom, dragging moves, a click sets the instant."
                }
            }
        }
    }
}

fn sample(class: &str, height: u32) -> Markup {
    html! { svg width="22" height="11" { rect class=(class) x="1" y="1" width="20" height=(height) {} } }
}

fn prose(run: &Run) -> Markup {
    let text = explain::explain(run);
    let paragraphs = text.split("\n\n").skip(1);
    html! {
        @for paragraph in paragraphs {
            @if paragraph.starts_with(' ') { p { (paragraph.split_whitespace().collect::<Vec<_>>().join(" ")) } }
            @else { h3 { (paragraph.trim()) } }
        }
    }
}

fn processes(run: &Run) -> Markup {
    let row = |process: &Process| {
        html! {
            h3 { (process.name) " of " (process.zone) ": " (process.outcome) }
            div.wide { table {
                tr { th { "step" } th { "from" } th { "until" } th { "slack" } th { "what it comes to" } }
                @for step in &process.steps {
                    tr {
                        td { (step.name) }
                        td { (step.from) }
                        td { @if let Some(until) = step.until { (until) } @else { "not done" } }
                        td { @if let Some(slack) = step.slack { (human(slack.into())) } }
                        td { (step.title) }
                    }
                }
            } }
        }
    };
    html! {
        @if !run.processes.is_empty() {
            section {
                h2 { "Processes" }
                p.soft { "Slack is how much earlier the next change could have come." }
                @for process in &run.processes { (row(process)) }
            }
        }
    }
}

fn remarks(run: &Run) -> Markup {
    let counts: Vec<String> = run
        .reasons
        .iter()
        .map(|(code, count)| format!("{code} {count}"))
        .collect();
    html! {
        section {
            h2 { "Beside" }
            ul {
                @if !counts.is_empty() { li { "scanner: " (counts.join(", ")) } }
                @for remark in &run.remarks { li { (remark) } }
                li { "event log: SHA-256 " code { (run.event_log_sha256) } }
            }
        }
    }
}

/// The data for the script; nothing in them ends the element.
fn embedded(run: &Run) -> String {
    // Strings, numbers and lists always serialise.
    let json = serde_json::to_string(run).unwrap_or_default();
    json.replace('<', "\\u003c")
}
