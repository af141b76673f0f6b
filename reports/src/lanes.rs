//! The picture in letters, for a terminal.

use crate::{
    at::At,
    axis,
    picture::{self, Piece, State, clipped},
    run::Run,
};

/// The least width in which anything is to be seen.
const WIDTH_LEAST: usize = 60;
/// The left column.
const GUTTER: usize = 26;
/// Rows; a larger run is for the page.
const ROWS_MAX: usize = 60;

/// How letters and colours stand for states.
const fn letter(state: State) -> (char, &'static str) {
    match state {
        State::Unreached => ('·', "2"),
        State::Coming => ('▒', "36"),
        State::Everywhere => ('█', "36"),
        State::Going => ('░', "36"),
        State::Expired => ('x', "35"),
    }
}

/// Lanes for a terminal of so many columns, in colour if `is_styled`; empty if it is too narrow.
pub fn lanes(run: &Run, columns: usize, is_styled: bool) -> String {
    if columns < WIDTH_LEAST || run.zones.is_empty() || run.end <= At::START {
        return String::new();
    }
    let painter = Painter {
        run,
        width: columns - GUTTER - 2,
        is_styled,
    };
    let mut lines = vec![painter.axis()];
    for violation in &run.violations {
        let spans = violation
            .during
            .iter()
            .filter_map(|span| clipped(*span, run.end));
        let spans: Vec<_> = spans
            .map(|(from, until)| (from, until, '!', "1;31"))
            .collect();
        let what = format!("not {} {}", violation.property, violation.quantifier);
        lines.push(painter.line(&what, &spans));
    }
    for panel in picture::panels(run) {
        for group in panel.groups.iter().filter(|group| group.title != "caches") {
            lines.push(format!("  {}", group.title));
            for lane in &group.lanes {
                for row in &lane.rows {
                    let what = format!("  {:<7} {}", lane.what, row.label);
                    let span = |piece: &Piece| {
                        let (letter, colour) = letter(piece.state);
                        (piece.from, piece.until, letter, colour)
                    };
                    let spans: Vec<_> = row.pieces.iter().map(span).collect();
                    lines.push(painter.line(&what, &spans));
                }
            }
        }
    }
    let left_out = lines.len().saturating_sub(ROWS_MAX);
    lines.truncate(ROWS_MAX);
    if left_out > 0 {
        lines.push(format!(
            "  and {left_out} more rows: see `counterpoint run --out`"
        ));
    }
    lines.push("  █ in every cache  ▒ coming  ░ going  · unreached".into());
    lines.join("\n") + "\n\n"
}

struct Painter<'r> {
    run: &'r Run,
    width: usize,
    is_styled: bool,
}

impl Painter<'_> {
    fn column(&self, at: At) -> usize {
        let share = at.as_seconds() / self.run.end.as_seconds();
        (share * self.width as f64) as usize
    }

    fn axis(&self) -> String {
        let mut line = vec![' '; self.width + 2];
        for (at, name) in axis::marks(self.run.end, (self.width / 12) as u64) {
            for (offset, letter) in name.chars().enumerate() {
                if let Some(cell) = line.get_mut(self.column(at) + offset) {
                    *cell = letter;
                }
            }
        }
        let line: String = line.into_iter().collect();
        format!("{}{}", " ".repeat(GUTTER), line.trim_end())
    }

    /// A row; what comes later in the list covers what comes before. The shortest piece is one letter.
    fn line(&self, what: &str, spans: &[(At, At, char, &'static str)]) -> String {
        let mut cells = vec![(' ', ""); self.width];
        for (from, until, letter, colour) in spans {
            let (first, last) = (self.column(*from), self.column(*until));
            let last = last.max(first + 1).min(self.width);
            for cell in &mut cells[first.min(last)..last] {
                *cell = (*letter, colour);
            }
        }
        let shown: String = what.chars().take(GUTTER - 1).collect();
        let mut line = format!("{shown:<GUTTER$}");
        let mut colour = "";
        for (letter, own) in cells {
            if self.is_styled && own != colour {
                line += &if own.is_empty() {
                    "\x1b[0m".into()
                } else {
                    format!("\x1b[0;{own}m")
                };
                colour = own;
            }
            line.push(letter);
        }
        if !colour.is_empty() {
            line += "\x1b[0m";
        }
        line.trim_end().into()
    }
}
