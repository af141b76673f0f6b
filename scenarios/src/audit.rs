//! What the oracle says of an audit log: whether a real migration was safe for every cache.
//!
//! Owns the telling. Every cache decides; what holds for one resolver is told as well.

use counterpoint_controller::audit::{AuditLog, Witnessed};
use counterpoint_dns::{
    name::Name,
    oracle::{Quantifier, Violation, judge},
    time::{Timestamp, human},
};
use serde_json::{Value, json};

use crate::{outcome::Style, run::resolvers, scenario::Profile};

/// What the oracle says of one zone.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The zone.
    pub zone: Name,
    /// What the log shows of it.
    pub seen: Witnessed,
    /// Every violation for every profile.
    pub violations: Vec<Violation>,
}

/// Judges every zone of a log for these profiles.
pub fn judged(log: &AuditLog, profiles: &[Profile]) -> Vec<Judged> {
    let zones: Vec<&Name> = log.zones().collect();
    let each = zones.into_iter().filter_map(|zone| {
        let seen = log.witnessed(zone)?;
        let judgements = profiles.iter().map(|profile| {
            let profile = resolvers::judged(profile);
            judge(&seen.history, &profile, Timestamp::MIN, Timestamp::MAX)
        });
        Some(Judged {
            zone: zone.clone(),
            violations: judgements.flat_map(|one| one.violations).collect(),
            seen,
        })
    });
    each.collect()
}

impl Judged {
    /// Whether every cache that can exist validated throughout, by what was seen.
    pub fn is_safe(&self) -> bool {
        !self.violations.iter().any(decides)
    }

    /// For people.
    pub fn to_text(&self, style: Style) -> String {
        let Witnessed {
            from, until, looks, ..
        } = self.seen;
        let verdict = style.verdict(self.is_safe());
        let span = human(until - from);
        let mut text = format!(
            "{}\n  {verdict}  by {looks} looks from {from} (T) to {until}, {span}\n",
            style.strong(&self.zone.to_string())
        );
        for (number, (violation, profiles)) in self.classes().into_iter().enumerate() {
            let Violation {
                property,
                quantifier,
                ..
            } = violation;
            let told = match decides(violation) {
                true => "",
                false => " (reported only)",
            };
            text.push_str(&format!(
                "\n  {}. {} is not `{property}` for {}, {quantifier}{told}\n     {}\n",
                number + 1,
                self.zone,
                profiles.join(", "),
                violation.prose(&self.seen.history, from),
            ));
        }
        for unobserved in &self.seen.unobserved {
            text.push_str(&format!("  not observed: {unobserved}\n"));
        }
        text.push_str(
            "  note: between two looks either version counts; before the first and after the last, what they showed\n",
        );
        text
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let violation = |violation: &Violation| {
            json!({
                "property": violation.property.to_string(),
                "profile": violation.profile,
                "quantifier": violation.quantifier.to_string(),
                "from": violation.from,
                "until": violation.until,
                "witness": violation.prose(&self.seen.history, self.seen.from),
                "decides": decides(violation),
            })
        };
        json!({
            "zone": self.zone.to_string(),
            "verdict": if self.is_safe() { "safe" } else { "unsafe" },
            "from": self.seen.from,
            "until": self.seen.until,
            "looks": self.seen.looks,
            "violations": self.violations.iter().map(violation).collect::<Vec<_>>(),
            "unobserved": self.seen.unobserved,
        })
    }

    /// Violations that differ in nothing but the profile are told once, by the first of them.
    fn classes(&self) -> Vec<(&Violation, Vec<&str>)> {
        let mut classes: Vec<(&Violation, Vec<&str>)> = Vec::new();
        for violation in &self.violations {
            let key = |v: &Violation| (v.property, v.quantifier, v.from, v.until);
            match classes
                .iter_mut()
                .find(|(first, _)| key(first) == key(violation))
            {
                Some((_, profiles)) => profiles.push(&violation.profile),
                None => classes.push((violation, vec![&violation.profile])),
            }
        }
        classes
    }
}

/// What holds for every cache decides; what holds for one resolver is told as well.
fn decides(violation: &Violation) -> bool {
    violation.quantifier == Quantifier::AnyCache
}
