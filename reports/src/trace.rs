//! The run as a trace that Perfetto and chrome://tracing open: a process a group, a thread a row.

use serde_json::{Value, json};

use crate::{
    at::At,
    picture::{self, Piece, clipped},
    run::{Run, Span},
};

/// Trace events, by the Trace Event Format: complete events, instants, and names.
pub fn trace(run: &Run) -> String {
    let mut tracer = Tracer::default();
    for violation in &run.violations {
        let row = format!(
            "{} {} {}",
            violation.zone, violation.property, violation.quantifier
        );
        tracer.thread("unsafe", &row);
        let spans = violation
            .during
            .iter()
            .filter_map(|span| clipped(*span, run.end));
        for (from, until) in spans {
            let told = json!({ "profiles": violation.profiles, "witness": violation.prose });
            tracer.slice("unsafe", from, until, told);
        }
    }
    for panel in picture::panels(run) {
        for group in &panel.groups {
            for lane in &group.lanes {
                for row in &lane.rows {
                    let name = format!("{} {} {}", lane.what, row.label, row.aside);
                    tracer.thread(&format!("{} {}", panel.zone.name, group.title), name.trim());
                    let pieces = row.pieces.iter();
                    pieces.for_each(|piece| tracer.piece(piece));
                }
            }
        }
    }
    for process in &run.processes {
        tracer.thread("controller", &format!("{} {}", process.zone, process.name));
        for step in &process.steps {
            let told = json!({ "what": step.title, "slack_seconds": step.slack });
            tracer.slice(&step.name, step.from, step.until.unwrap_or(run.end), told);
        }
    }
    for fault in &run.faults {
        tracer.thread("faults", &format!("{} {}", fault.kind, fault.target));
        tracer.span(&fault.kind, fault.span, run.end);
    }
    for resolver in &run.resolvers {
        tracer.thread("resolvers", &resolver.name);
        for stretch in &resolver.stretches {
            let told = json!({ "count": stretch.count });
            tracer.slice(stretch.got.words(), stretch.from, stretch.until, told);
        }
    }
    tracer.thread("script", "events");
    for event in &run.script {
        tracer.instant(&event.text, event.at);
    }
    let document = json!({
        "displayTimeUnit": "ms",
        "otherData": { "scenario": run.scenario, "seed": run.seed, "start": run.start, "verdict": run.verdict() },
        "traceEvents": tracer.events,
    });
    document.to_string() + "\n"
}

#[derive(Default)]
struct Tracer {
    events: Vec<Value>,
    /// Names of processes, numbered from 1.
    processes: Vec<String>,
    process: usize,
    thread: usize,
}

impl Tracer {
    /// What comes next belongs there.
    fn thread(&mut self, process: &str, thread: &str) {
        let known = self.processes.iter().position(|known| known == process);
        self.process = known.map_or(self.processes.len() + 1, |known| known + 1);
        if known.is_none() {
            self.processes.push(process.into());
            let pid = self.process;
            self.events.push(json!({
                "ph": "M", "name": "process_name", "pid": pid, "tid": 0, "args": { "name": process }
            }));
        }
        self.thread += 1;
        let (pid, tid) = (self.process, self.thread);
        self.events.push(json!({
            "ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": { "name": thread }
        }));
    }

    fn slice(&mut self, name: &str, from: At, until: At, args: Value) {
        let (pid, tid) = (self.process, self.thread);
        let duration = (until - from).as_micros() as u64;
        self.events.push(json!({
            "ph": "X", "name": name, "cat": "run", "ts": from.micros(), "dur": duration,
            "pid": pid, "tid": tid, "args": args
        }));
    }

    fn piece(&mut self, piece: &Piece) {
        let told = json!({ "meaning": piece.state.meaning() });
        self.slice(piece.state.word(), piece.from, piece.until, told);
    }

    fn span(&mut self, name: &str, span: Span, end: At) {
        if let Some((from, until)) = clipped(span, end) {
            self.slice(name, from, until, json!({}));
        }
    }

    fn instant(&mut self, name: &str, at: At) {
        let (pid, tid) = (self.process, self.thread);
        self.events.push(json!({
            "ph": "i", "s": "g", "name": name, "cat": "run", "ts": at.micros(), "pid": pid, "tid": tid
        }));
    }
}
