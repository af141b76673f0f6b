//! Counts, as Prometheus reads them (text exposition format 0.0.4).

use std::fmt::Write as _;

/// The media type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4";

/// What a number does in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, until the process ends.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// The text, family by family.
#[derive(Clone, Debug)]
pub struct Metrics {
    prefix: &'static str,
    text: String,
}

impl Metrics {
    /// None yet; the name of each will begin with `prefix` and an underscore.
    pub fn new(prefix: &'static str) -> Self {
        Self {
            prefix,
            text: String::new(),
        }
    }

    /// One number.
    pub fn one(&mut self, name: &str, kind: Kind, what: &str, value: u64) {
        self.family(name, kind, what, [(String::new(), value)]);
    }

    /// One number for each value of a label.
    pub fn by<'a>(
        &mut self,
        name: &str,
        kind: Kind,
        what: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'a str, u64)>,
    ) {
        let values = values.into_iter();
        let labelled =
            values.map(|(of, value)| (format!("{{{label}=\"{}\"}}", escaped(of)), value));
        self.family(name, kind, what, labelled);
    }

    /// All of it.
    pub fn text(self) -> String {
        self.text
    }

    fn family(
        &mut self,
        name: &str,
        kind: Kind,
        what: &str,
        values: impl IntoIterator<Item = (String, u64)>,
    ) {
        let Self { prefix, text } = self;
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP {prefix}_{name} {what}");
        let _ = writeln!(text, "# TYPE {prefix}_{name} {kind}");
        for (labels, value) in values {
            let _ = writeln!(text, "{prefix}_{name}{labels} {value}");
        }
    }
}

/// A label's value, in which nothing ends it early.
fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    value.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_a_label_breaks_the_text() {
        let mut metrics = Metrics::new("p");
        metrics.one("a", Kind::Gauge, "One.", 1);
        metrics.by("b_total", Kind::Counter, "Some.", "of", [("x\"\n\\", 2)]);
        let expected = "# HELP p_a One.\n# TYPE p_a gauge\np_a 1\n\
            # HELP p_b_total Some.\n# TYPE p_b_total counter\np_b_total{of=\"x\\\"\\n\\\\\"} 2\n";
        assert_eq!(metrics.text(), expected);
    }
}
