//! A scenario printed as a file that reads back as the same scenario; what has its default is left
//! out, so that what a shrinker prints is short.

use std::fmt::Write as _;

use super::{Head, Resolver, Scenario, setting::quote};

impl Scenario {
    /// The scenario as a TOML file.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        let head = Head {
            title: self.title.clone(),
            source: self.source.clone(),
            seed: self.seed,
            start: self.start,
            duration: self.duration,
        };
        lines(&mut text, head.print_keys());
        table(&mut text, "[parent]", self.parent.print_keys());
        table(&mut text, "[scanner]", self.scanner.print_keys());
        table(&mut text, "[controller]", self.controller.print_keys());
        table(&mut text, "[judge]", self.judge.print_keys());
        for signer in &self.signers {
            element(&mut text, "[[signer]]", signer.print_keys());
        }
        for group in &self.groups {
            element(&mut text, "[[group]]", group.print_keys());
        }
        for zone in &self.zones {
            let mut keys = zone.print_keys();
            keys.retain(|(key, _)| *key != "signers" || zone.group.is_none());
            element(&mut text, "[[zone]]", keys);
        }
        if self.resolvers != Resolver::usual() {
            for resolver in &self.resolvers {
                element(&mut text, "[[resolver]]", resolver.print_keys());
            }
        }
        let only = self.only_zone().map(|zone| &zone.name);
        for event in &self.events {
            element(&mut text, "[[event]]", event.print_keys(only));
        }
        for fault in &self.faults {
            element(&mut text, "[[fault]]", fault.print_keys());
        }
        table(&mut text, "[expect]", self.expect_keys());
        text
    }

    /// The lines of `[expect]`; a class of violations says its property even where it is the default.
    fn expect_keys(&self) -> Vec<(&'static str, String)> {
        let mut keys = self.expect.print_keys();
        let Some(violations) = &self.expect.violations else {
            return keys;
        };
        let classes: Vec<String> = violations
            .iter()
            .map(|class| {
                let mut pairs = class.print_keys();
                pairs.retain(|(key, _)| *key != "property");
                pairs.insert(0, ("property", quote(class.property.name())));
                super::setting::inline_table(pairs)
            })
            .collect();
        for (key, value) in &mut keys {
            if *key == "violations" {
                *value = format!("[{}]", classes.join(", "));
            }
        }
        keys
    }
}

fn lines(text: &mut String, keys: Vec<(&'static str, String)>) {
    for (key, value) in keys {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{key} = {value}");
    }
}

/// A table, unless nothing in it differs from the default.
fn table(text: &mut String, header: &str, keys: Vec<(&'static str, String)>) {
    if !keys.is_empty() {
        element(text, header, keys);
    }
}

/// One element of a list of tables.
fn element(text: &mut String, header: &str, keys: Vec<(&'static str, String)>) {
    let lead = if text.is_empty() { "" } else { "\n" };
    text.push_str(lead);
    text.push_str(header);
    text.push('\n');
    lines(text, keys);
}
