//! What is wrong with a scenario file, and how a person is told.
//!
//! Owns [`Diagnostic`] and its rendering: the line, a caret under the span, what was expected, what
//! to do. Knows nothing of scenarios.

use std::{fmt, ops::Range, sync::Arc};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// One mistake at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of mistake: a stable name, `unknown-key`.
    pub code: &'static str,
    /// The file, or `--set` for an override.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The bytes of the source that are meant.
    pub span: Range<usize>,
    /// What was found, and why it cannot be.
    pub message: String,
    /// What was expected here; written under the caret.
    pub expected: String,
    /// What to do.
    pub suggestion: Option<String>,
    /// The whole source, for the line shown.
    pub source: Arc<str>,
}

impl Diagnostic {
    /// A mistake at `span` of `source`.
    pub fn new(
        code: &'static str,
        path: &str,
        source: &Arc<str>,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        let span = clamp(source, span);
        let before = &source[..span.start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            code,
            path: path.into(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            span,
            message: message.into(),
            expected: String::new(),
            suggestion: None,
            source: source.clone(),
        }
    }

    /// With what was expected.
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }

    /// With what to do.
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// The diagnostic with its line of source; with colours if `styled`.
    pub fn render(&self, styled: bool) -> String {
        let annotation = AnnotationKind::Primary.span(self.span.clone());
        let annotation = match self.expected.as_str() {
            "" => annotation,
            expected => annotation.label(expected),
        };
        let snippet = Snippet::source(&*self.source)
            .path(&self.path)
            .annotation(annotation);
        let mut group = Level::ERROR
            .primary_title(&self.message)
            .id(self.code)
            .element(snippet);
        if let Some(suggestion) = &self.suggestion {
            group = group.element(Level::HELP.message(suggestion));
        }
        let renderer = if styled {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        renderer.render(&[group])
    }
}

/// One line, for logs: `file:line:column: message`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path, line, column, ..
        } = self;
        write!(f, "{path}:{line}:{column}: {}", self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// The nearest of `names` to `wrong`, if one is near enough to be meant.
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let limit = wrong.chars().count().div_ceil(3);
    names
        .into_iter()
        .map(|name| (distance(&wrong, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Names as prose: "`a`, `b` or `c`".
pub fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => "nothing".into(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Edit distance: insertions, deletions, replacements, and swaps of neighbours.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1)
                .min(rows[i][j - 1] + 1)
                .min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

/// Keeps a span inside the text and on character boundaries.
fn clamp(text: &str, span: Range<usize>) -> Range<usize> {
    let floor = |mut index: usize| {
        index = index.min(text.len());
        while !text.is_char_boundary(index) {
            index -= 1;
        }
        index
    };
    let start = floor(span.start);
    start..floor(span.end).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_the_one_that_was_meant() {
        let names = ["interval", "publish-delay", "continuity"];
        assert_eq!(nearest("intervall", names), Some("interval"));
        assert_eq!(nearest("contiunity", names), Some("continuity"));
        assert_eq!(nearest("banana", names), None);
    }

    #[test]
    fn a_span_beyond_the_text_is_brought_back() {
        let source: Arc<str> = "é".into();
        let diagnostic = Diagnostic::new("x", "f", &source, 1..99, "m");
        assert_eq!(diagnostic.span, 0..2);
    }
}
