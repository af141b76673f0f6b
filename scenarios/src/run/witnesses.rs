//! What the concrete resolvers of a run bear witness of, in words, and what of their behaviour was reached.

use std::collections::BTreeSet;

use super::play::Played;
use crate::scenario::Scenario;

/// A note for each resolver, and `resolver/BEHAVIOUR` for each behaviour that showed.
pub fn tell(
    scenario: &Scenario,
    played: &Played,
    notes: &mut Vec<String>,
    reached: &mut BTreeSet<String>,
) {
    let all = scenario.resolvers.iter().zip(&played.tallies);
    for ((resolver, tally), seated) in all.zip(&played.cast.resolvers) {
        let mut note = format!(
            "{}: {} secure, {} insecure, {} bogus, {} without an answer, {} saved by another server",
            resolver.name, tally.secure, tally.insecure, tally.bogus, tally.failed, tally.masked
        );
        let counts = seated.agent.counts();
        let behaviours = [
            ("late", tally.late, "after the client had given up"),
            ("gave-up", counts.gave_up, "given up on"),
            ("stale", counts.stale, "answered stale"),
            ("prefetched", counts.prefetched, "prefetched"),
            ("refreshed", counts.refreshed, "NS RRsets refreshed"),
            ("denied", counts.denied, "denied from NSEC records held"),
            ("remembered", counts.remembered, "failures remembered"),
        ];
        for (name, count, words) in behaviours.iter().filter(|(_, count, _)| *count > 0) {
            note.push_str(&format!(", {count} {words}"));
            reached.insert(format!("resolver/{name}"));
        }
        if tally.masked > 0 {
            reached.insert("resolver/masked".into());
        }
        notes.push(note);
    }
}
