//! Where everything stands in the picture, from the top down: what is unsafe, the lanes of each zone, and the
//! witness on them. Processes, faults and resolvers are `agents`, what the shapes mean is `legend`.

mod agents;
mod legend;

use counterpoint_dns::time::human;
use maud::{Markup, html};

use super::WIDTH;
use crate::{
    at::At,
    explain,
    picture::{Group, Lane, Panel, Piece, Row, State, clipped},
    run::{Fetch, Run, Span, Violation},
};

/// Where time begins, from the left.
const GUTTER: f64 = 176.0;
/// What is left free at the right.
const RIGHT: f64 = 18.0;
/// A row and the gap below it.
const ROW: f64 = 13.0;
/// The bar in a row.
const BAR: f64 = 9.0;
/// Between lanes.
const LANE_GAP: f64 = 5.0;
/// Between groups.
const GROUP_GAP: f64 = 12.0;
/// A line of text.
const LINE: f64 = 16.0;
/// Colours that there are for signers.
const COLOURS: usize = 6;
/// A picture that is being drawn.
pub(super) struct Drawing<'r> {
    run: &'r Run,
    is_in_page: bool,
    y: f64,
    below: Vec<Markup>,
    above: Vec<Markup>,
    top: f64,
}

impl<'r> Drawing<'r> {
    pub(super) fn new(run: &'r Run, is_in_page: bool) -> Self {
        Self {
            run,
            is_in_page,
            y: 0.0,
            below: Vec::new(),
            above: Vec::new(),
            top: 0.0,
        }
    }

    fn x(&self, at: At) -> f64 {
        let length = self.run.end.as_seconds().max(1e-6);
        let share = (at.as_seconds() / length).clamp(0.0, 1.0);
        rounded(GUTTER + share * (WIDTH - GUTTER - RIGHT))
    }

    fn width(&self, from: At, until: At) -> f64 {
        rounded((self.x(until) - self.x(from)).max(0.6))
    }

    /// Title, verdict and axis, with what the scenario had happen.
    pub(super) fn head(&mut self, marks: &[(At, String)]) {
        let run = self.run;
        let length = human(run.end - At::START);
        self.y = if self.is_in_page { 6.0 } else { 50.0 };
        if !self.is_in_page {
            self.above.push(html! {
                text class="group" x="8" y="20" { (run.heading()) }
                text class="soft" x="8" y="36" { (run.verdict()) " · " (length) " of virtual time · seed " (run.seed) }
            });
        }
        let mut last = f64::MIN;
        let mut level = 0;
        let mut lowest = 0;
        for event in &run.script {
            let x = self.x(event.at);
            let wide = event.text.chars().count() as f64 * 6.0 + 12.0;
            level = if x < last { level + 1 } else { 0 };
            lowest = lowest.max(level);
            last = (x + wide).max(last);
            let y = self.y + f64::from(level) * LINE;
            let is_late = x + wide > WIDTH;
            self.above.push(html! {
                g class="flagged" data-a=(event.at.as_seconds()) data-y=(y) transform={ "translate(" (x) "," (y) ")" } {
                    title { (event.at) " " (event.text) }
                    path class="flag" d="M0 0v10M0 0l6 3l-6 3z" {}
                    @if is_late { text class="end" x="-4" y="9" { (event.text) } }
                    @else { text x="9" y="9" { (event.text) } }
                }
            });
        }
        if !run.script.is_empty() {
            self.y += f64::from(lowest) * LINE + LINE;
        }
        self.y += 12.0;
        for (at, name) in marks {
            let x = self.x(*at);
            self.above.push(html! {
                text class="soft mid axis" x=(x) y=(self.y) data-a=(at.as_seconds()) { (name) }
            });
        }
        self.y += 5.0;
        self.top = self.y;
    }

    /// A remark.
    pub(super) fn note(&mut self, text: &str) {
        self.y += LINE;
        self.above
            .push(html! { text class="soft" x="8" y=(self.y) { (text) } });
    }

    /// One zone: what is unsafe, its lanes, and the witness on them.
    pub(super) fn panel(&mut self, panel: &Panel<'_>) {
        let zone = &panel.zone.name;
        let violations = self.run.violations.iter().enumerate();
        let own: Vec<(usize, &Violation)> = violations
            .filter(|(_, violation)| violation.zone == *zone)
            .collect();
        let (top, shown) = (self.y, own.iter().take(6));
        for (number, violation) in shown.clone() {
            self.unsafe_row(number + 1, violation);
        }
        let mut places = Vec::new();
        for group in &panel.groups {
            places.push(self.group(panel, group));
        }
        let bottom = self.y;
        for (_, violation) in own.iter().filter(|(_, violation)| violation.decides) {
            self.band(violation, top, bottom);
        }
        // One story is enough for the eye: the first that decides, else the first.
        if let Some((number, violation)) = own.iter().find(|(_, v)| v.witness.is_some()) {
            self.witness(panel, &places, violation, top + *number as f64 * ROW + BAR);
        }
        self.y += GROUP_GAP;
    }

    fn unsafe_row(&mut self, number: usize, violation: &Violation) {
        self.y += ROW;
        let y = self.y - BAR;
        let class = if violation.decides {
            "unsafe"
        } else {
            "unsafe told"
        };
        let what = format!("{number}. not {}", violation.property);
        let aside = match violation.quantifier.as_str() {
            "any-cache" => "any cache",
            _ => "one resolver",
        };
        let head = explain::headline(violation);
        let spans = violation
            .during
            .iter()
            .filter_map(|span| clipped(*span, self.run.end));
        let bars: Vec<Markup> = spans
            .map(|(from, until)| {
                html! {
                    rect class=(class) x=(self.x(from)) y=(y) width=(self.width(from, until)) height=(BAR)
                        data-a=(from.as_seconds()) data-b=(until.as_seconds()) data-v=(number) {
                        title { (head) ", from " (from) " until " (until) }
                    }
                }
            })
            .collect();
        self.above.push(html! {
            text class="what" x="16" y=(y + 8.5) { (what) } text class="tag end" x=(GUTTER - 8.0) y=(y + 8.5) { (aside) }
            g class="time" { @for bar in &bars { (bar) } }
        });
    }

    fn band(&mut self, violation: &Violation, top: f64, bottom: f64) {
        let mut spans = violation.during.iter();
        let bands = spans
            .by_ref()
            .filter_map(|span| clipped(*span, self.run.end));
        for (from, until) in bands {
            let (x, width) = (self.x(from), self.width(from, until));
            let (a, b) = (from.as_seconds(), until.as_seconds());
            self.below.push(html! {
                rect class="band" x=(x) y=(top) width=(width) height=(bottom - top) data-a=(a) data-b=(b) {}
                line class="edge" x1=(x) x2=(x) y1=(top) y2=(bottom) data-a=(a) {}
            });
        }
    }

    /// Draws a group; returns the middle of each of its lanes.
    fn group(&mut self, panel: &Panel<'_>, group: &Group) -> Vec<f64> {
        self.y += GROUP_GAP + 8.0;
        let is_first = group.title.contains("(parent)");
        let title = match is_first && self.run.zones.len() > 1 {
            true => format!("{} in {}", panel.zone.name, group.title),
            false => group.title.clone(),
        };
        self.above.push(html! {
            line class="rule" x1="8" x2=(WIDTH - RIGHT) y1=(self.y - 14.0) y2=(self.y - 14.0) {}
            text class="group own" x="8" y=(self.y) { (title) }
            text class="soft end aside" x=(GUTTER - 8.0) y=(self.y) { (group.note) }
        });
        let y = self.y;
        let last = group
            .outages
            .iter()
            .map(|piece| self.bar(piece, "out", y - 8.0, 6.0, "out of order"));
        let outages: Vec<Markup> = last.collect();
        let signals: Vec<Markup> = group
            .signals
            .iter()
            .map(|(at, text)| self.signal(*at, text, y - 4.0))
            .collect();
        self.above.push(
            html! { g class="time" { @for one in outages.iter().chain(&signals) { (one) } } },
        );
        self.y += 5.0;
        let mut middles = Vec::new();
        for lane in &group.lanes {
            let top = self.y;
            self.lane(panel, group, lane);
            middles.push((top + self.y) / 2.0);
            self.y += LANE_GAP;
        }
        middles
    }

    fn signal(&self, at: At, text: &str, y: f64) -> Markup {
        html! {
            g data-a=(at.as_seconds()) data-y=(y) transform={ "translate(" (self.x(at)) "," (y) ")" } {
                title { (at) " " (text) }
                path class="signal" d="M0 -4l4 4l-4 4l-4 -4z" {}
            }
        }
    }

    fn lane(&mut self, panel: &Panel<'_>, group: &Group, lane: &Lane) {
        let instances: Vec<String> = lane.instances.iter().map(usize::to_string).collect();
        let name = match lane.what {
            "answers" => "signed by",
            what => what,
        };
        self.above
            .push(html! { text class="soft what" x="16" y=(self.y + 8.5) { (name) } });
        let mut rows = Vec::new();
        for row in &lane.rows {
            rows.push(self.row(group, lane, row));
            self.y += ROW;
        }
        self.above.push(html! {
            g class="lane" data-zone=(panel.zone.name) data-what=(lane.what) data-at=(instances.join(" ")) {
                @for row in &rows { (row) }
            }
        });
    }

    fn row(&self, group: &Group, lane: &Lane, row: &Row) -> Markup {
        let owner = match row.owner {
            Some(owner) => format!("o{}", owner % COLOURS),
            None => "ox".into(),
        };
        let y = self.y;
        let what = format!("{} {}", lane.what, row.label);
        let bars = row.pieces.iter().map(|piece| {
            let class = format!("p {} {owner}", piece.state.word());
            let meaning = match (group.title.as_str(), piece.state) {
                ("caches", State::Everywhere) => "in every version that a cache may hold",
                ("caches", _) => "in some of the versions that a cache may hold",
                (_, state) => state.meaning(),
            };
            self.bar(piece, &class, y, BAR, &format!("{what}: {meaning}"))
        });
        let bars: Vec<Markup> = bars.collect();
        let ds = row
            .ds
            .iter()
            .filter(|piece| piece.state != State::Unreached)
            .map(|piece| {
                let class = format!("ds {}", piece.state.word());
                let meaning = match piece.state {
                    State::Going => "no DS any more, but a cache may hold one",
                    State::Coming => "a DS names it, but a cache may hold an older DS RRset",
                    _ => "a DS names it",
                };
                self.bar(
                    piece,
                    &class,
                    y - 2.5,
                    2.5,
                    &format!("{}: {meaning}", row.label),
                )
            });
        let ds: Vec<Markup> = ds.collect();
        html! {
            g class=(format!("row {owner}")) data-row=(row.label) {
                text class="end label" x=(GUTTER - 40.0) y=(y + 8.5) { (row.label) }
                text class="tag end" x=(GUTTER - 8.0) y=(y + 8.5) { (row.aside) }
                g class="time" { @for bar in bars.iter().chain(&ds) { (bar) } }
            }
        }
    }

    fn bar(&self, piece: &Piece, class: &str, y: f64, height: f64, title: &str) -> Markup {
        let (from, until) = (piece.from, piece.until);
        html! {
            rect class=(class) x=(self.x(from)) y=(y) width=(self.width(from, until)) height=(height)
                data-a=(from.as_seconds()) data-b=(until.as_seconds()) {
                title { (title) ", " (from) " to " (until) }
            }
        }
    }

    /// Arrows from the first unsafe instant to what was fetched, and for how long that is held.
    fn witness(&mut self, panel: &Panel<'_>, places: &[Vec<f64>], violation: &Violation, top: f64) {
        let Some(witness) = &violation.witness else {
            return;
        };
        let fetches = [
            witness.under.as_ref(),
            Some(&witness.earlier),
            witness.later.as_ref(),
        ];
        let x = self.x(violation.from);
        for (number, fetch) in fetches.into_iter().flatten().enumerate() {
            let place = panel.place(fetch);
            let Some(y) = place.and_then(|(group, lane)| places.get(group)?.get(lane).copied())
            else {
                continue;
            };
            let mark = self.fetch_mark(number + 1, fetch, panel, y);
            let (a, to) = (violation.from.as_seconds(), self.x(fetch.at));
            let fetched = fetch.at.max(At::START).as_seconds();
            self.above.push(html! {
                g class="time" {
                    path class="arrow" data-a=(a) data-to=(fetched) data-top=(top) data-y=(y) d=(arrow(x, top, to, y)) {}
                    (mark)
                }
            });
        }
    }

    fn fetch_mark(&self, number: usize, fetch: &Fetch, panel: &Panel<'_>, y: f64) -> Markup {
        let server = panel.zone.instance(fetch.instance);
        let span = Span {
            from: Some(fetch.at),
            until: fetch.held_until,
        };
        let held = clipped(span, self.run.end);
        let until = fetch
            .held_until
            .map_or("for ever".into(), |until| format!("until {until}"));
        html! {
            @if let Some((from, until)) = held {
                line class="held" x1=(self.x(from)) x2=(self.x(until)) y1=(y) y2=(y)
                    data-a=(from.as_seconds()) data-b=(until.as_seconds()) {}
            }
            g class="fetch" data-a=(fetch.at.max(At::START).as_seconds()) data-y=(y)
                transform={ "translate(" (self.x(fetch.at)) "," (y) ")" } {
                title { (fetch.at) ": " (fetch.name) " from " (server) ", held " (until) }
                circle r="6.5" {}
                text y="3.2" { (number) }
            }
        }
    }

    /// Height, where lanes begin, and content.
    pub(super) fn finish(self) -> (f64, f64, Markup) {
        let height = self.y.ceil();
        let markup = html! {
            defs {
                @for (name, class) in (0..COLOURS).map(|n| (n.to_string(), format!("o{n}"))).chain([("x".into(), "ox".into())]) {
                    pattern class=(class) id={ "pat-" (name) } width="5" height="5" patternUnits="userSpaceOnUse"
                        patternTransform="rotate(45)" { path class="hatch" d="M1 0V5" {} }
                }
                pattern id="pat-ink" width="4" height="4" patternUnits="userSpaceOnUse" { path class="inkhatch" d="M1 0V4" {} }
                pattern id="pat-old" width="5" height="5" patternUnits="userSpaceOnUse" { path class="oldhatch" d="M0 0L5 5M5 0L0 5" {} }
                pattern id="pat-warn" width="8" height="8" patternUnits="userSpaceOnUse"
                    patternTransform="rotate(-45)" { path class="warnhatch" d="M2 0V8" {} }
                pattern id="pat-bad" width="5" height="5" patternUnits="userSpaceOnUse"
                    patternTransform="rotate(-45)" { path class="badhatch" d="M1 0V5" {} }
                marker id="tip" viewBox="0 0 8 8" refX="14" refY="4" markerWidth="7" markerHeight="7" orient="auto" {
                    path class="tip" d="M0 0L8 4L0 8z" {}
                }
                clipPath id="plot" { rect id="plotarea" x=(GUTTER - 8.0) y="0" width=(WIDTH - GUTTER + 8.0) height=(height) {} }
            }
            g class="bands time" { @for one in &self.below { (one) } }
            @for one in &self.above { (one) }
        };
        (height, self.top, markup)
    }
}

/// A curve from the band's head to what was fetched.
fn arrow(x: f64, top: f64, to: f64, y: f64) -> String {
    let bend = rounded((x + 26.0 + (y - top) * 0.06).min(WIDTH - 4.0));
    format!("M{x} {top}C{bend} {top} {bend} {y} {to} {y}")
}

/// To a hundredth: more is not to be seen, and the same everywhere.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
