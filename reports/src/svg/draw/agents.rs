//! Below the lanes: processes with their slack, faults and crashes, and how resolvers fared.

use std::time::Duration;

use counterpoint_dns::time::human;
use maud::{Markup, html};

use super::{BAR, Drawing, GROUP_GAP, GUTTER, RIGHT, ROW, WIDTH};
use crate::{
    at::At,
    axis,
    picture::{Piece, State, clipped},
    run::{Got, Process, Resolver, Span, Stretch},
};

/// Marks of a resolver.
const TICKS_MAX: usize = 400;
/// How wide a letter in a bar is.
const LETTER: f64 = 5.4;

impl Drawing<'_> {
    /// Processes with their slack, faults, crashes and resolvers.
    pub(in crate::svg) fn agents(&mut self) {
        let run = self.run;
        if !run.processes.is_empty() {
            self.title("processes", "slack ⊢⊣");
            for process in &run.processes {
                self.process(process);
            }
        }
        let crashes = run.script.iter().filter_map(|event| {
            let span = Span {
                from: Some(event.at),
                until: Some(event.until?),
            };
            Some((event.what.as_str(), "controller", span))
        });
        let faults = run
            .faults
            .iter()
            .map(|fault| (fault.kind.as_str(), fault.target.as_str(), fault.span));
        let broken: Vec<(&str, &str, Span)> = faults.chain(crashes).collect();
        if !broken.is_empty() {
            self.title("faults", "");
            for (kind, target, span) in broken {
                self.broken(kind, target, span);
            }
        }
        let asked = run
            .resolvers
            .iter()
            .filter(|resolver| !resolver.stretches.is_empty());
        let asked: Vec<_> = asked.collect();
        if !asked.is_empty() {
            self.title("resolvers", "");
            for resolver in asked {
                self.resolver(resolver);
            }
        }
        let (top, bottom) = (self.top, self.y + 4.0);
        for (at, _) in axis::marks(run.end, 9) {
            let x = self.x(at);
            self.below.insert(
                0,
                html! { line class="grid" x1=(x) x2=(x) y1=(top) y2=(bottom) data-a=(at.as_seconds()) {} },
            );
        }
        self.y = bottom;
    }

    fn title(&mut self, title: &str, note: &str) {
        self.y += GROUP_GAP + 8.0;
        self.above.push(html! {
            line class="rule" x1="8" x2=(WIDTH - RIGHT) y1=(self.y - 14.0) y2=(self.y - 14.0) {}
            text class="group own" x="8" y=(self.y) { (title) }
            text class="soft end aside" x=(GUTTER - 8.0) y=(self.y) { (note) }
        });
        self.y += 5.0;
    }

    fn process(&mut self, process: &Process) {
        let y = self.y;
        let mut parts = Vec::new();
        for (number, step) in process.steps.iter().enumerate() {
            let until = step.until.unwrap_or(self.run.end);
            let (x, width) = (self.x(step.from), self.width(step.from, until));
            let class = if number % 2 == 0 { "step" } else { "step odd" };
            let short = step.name.rsplit('/').next().unwrap_or(&step.name);
            let slack = step
                .slack
                .map(Duration::from)
                .filter(|slack| !slack.is_zero());
            let told = slack.map_or(String::new(), |slack| format!(", slack {}", human(slack)));
            let hidden = (width < short.chars().count() as f64 * LETTER + 3.0).then_some("hidden");
            parts.push(html! {
                rect class=(class) x=(x) y=(y) width=(width) height="11" data-a=(step.from.as_seconds())
                    data-b=(until.as_seconds()) data-step=(step.name) {
                    title { (step.name) " " (step.title) ", " (step.from) " to " (until) (told) }
                }
                text class="tag in" x=(x + 3.0) y=(y + 8.5) visibility=[hidden] data-a=(step.from.as_seconds())
                    data-b=(until.as_seconds()) { (short) }
            });
            // The wait is over once for all steps that share it.
            let next = process.steps.get(number + 1).and_then(|next| next.slack);
            if let (Some(slack), true) = (slack, next != step.slack) {
                let from = At::START + (until - At::START).saturating_sub(slack);
                let (x1, x2) = (self.x(from), self.x(until));
                let d = format!("M{x1} {0}v5M{x1} {1}H{x2}M{x2} {0}v5", y + 11.5, y + 14.0);
                parts.push(html! {
                    path class="slack" d=(d) data-a=(from.as_seconds()) data-b=(until.as_seconds()) data-y=(y + 11.5) {
                        title { "slack " (human(slack)) ": the next change could have come at " (from) }
                    }
                });
            }
        }
        let name = &process.name;
        self.above.push(html! {
            text class="end label alone" x=(GUTTER - 8.0) y=(y + 9.0) { (name) }
            g class="time" { @for part in &parts { (part) } }
        });
        self.y += 20.0;
    }

    fn broken(&mut self, kind: &str, target: &str, span: Span) {
        let y = self.y;
        self.above.push(html! {
            text class="end label alone" x=(GUTTER - 8.0) y=(y + 8.5) { (kind) " " (target) }
            @if let Some((from, until)) = clipped(span, self.run.end) {
                g class="time" {
                    (self.bar(&Piece { from, until, state: State::Unreached }, "out", y, BAR, &format!("{kind} {target}")))
                }
            }
        });
        self.y += ROW;
    }

    fn resolver(&mut self, resolver: &Resolver) {
        let y = self.y;
        let count = |got: Got| -> u64 {
            let stretches = resolver
                .stretches
                .iter()
                .filter(|stretch| stretch.got == got);
            stretches.map(|stretch| stretch.count).sum()
        };
        let bogus = count(Got::Bogus);
        let shown = coarse(&resolver.stretches, self.run.end);
        let ticks: Vec<Markup> = shown
            .iter()
            .map(|(stretch, is_mixed)| {
                let word = stretch.got.words();
                let class = match stretch.got {
                    Got::Secure => "tick secure",
                    Got::Saved => "tick saved",
                    Got::Insecure => "tick insecure",
                    Got::Bogus => "tick bogus",
                    Got::Failed => "tick failed",
                };
                let (from, until) = (stretch.from, stretch.until);
                let (x1, x2) = (self.x(from), self.x(until).max(self.x(from) + 2.0));
                html! {
                    line class=(class) x1=(x1) x2=(x2) y1=(y + 4.5) y2=(y + 4.5)
                        data-a=(from.as_seconds()) data-b=(until.as_seconds()) {
                        title { (resolver.name) ": " (stretch.count) " " @if *is_mixed { "answers, the worst " } (word) ", " (from) " to " (until) }
                    }
                }
            })
            .collect();
        self.above.push(html! {
            text class="end label alone" x=(GUTTER - 8.0) y=(y + 8.5) { (resolver.name) @if bogus > 0 { tspan class="count" { " · " (bogus) " bogus" } } }
            g class="time" { @for tick in &ticks { (tick) } }
        });
        self.y += ROW;
    }
}

/// Stretches as long as a mark can be seen; of what falls together the worst, and whether something did.
fn coarse(stretches: &[Stretch], end: At) -> Vec<(Stretch, bool)> {
    if stretches.len() <= TICKS_MAX {
        return stretches.iter().map(|stretch| (*stretch, false)).collect();
    }
    let bin = |at: At| (at.as_seconds() / end.as_seconds().max(1e-6) * TICKS_MAX as f64) as u64;
    let mut coarse: Vec<(Stretch, bool)> = Vec::new();
    for stretch in stretches {
        match coarse.last_mut() {
            Some((last, is_mixed))
                if bin(last.from) == bin(stretch.from) || last.got == stretch.got =>
            {
                *is_mixed |= last.got != stretch.got;
                last.got = last.got.max(stretch.got);
                last.until = stretch.until;
                last.count += stretch.count;
            }
            _ => coarse.push((*stretch, false)),
        }
    }
    coarse
}
