//! What the shapes mean.

use maud::html;

use super::{BAR, Drawing, LINE, RIGHT, WIDTH};
use crate::picture::State;

impl Drawing<'_> {
    /// What the shapes mean.
    pub(in crate::svg) fn legend(&mut self) {
        self.y += 14.0;
        let y = self.y;
        self.above
            .push(html! { line class="rule" x1="8" x2=(WIDTH - RIGHT) y1=(y) y2=(y) {} });
        let states = State::ALL.map(|state| (format!("p {} o0", state.word()), state.meaning()));
        let others = [
            ("ds everywhere", "a DS names this key"),
            ("out", "out of order, by a fault"),
            ("unsafe", "unsafe"),
        ];
        let others = others.map(|(class, words)| (class.to_owned(), words));
        let (mut x, mut y) = (8.0, y + 18.0);
        for (class, words) in states.into_iter().chain(others) {
            let wide = 30.0 + words.chars().count() as f64 * 5.8 + 14.0;
            if x + wide > WIDTH {
                (x, y) = (8.0, y + LINE);
            }
            let thin = class.starts_with("ds");
            let (top, height) = if thin { (y - 5.0, 2.5) } else { (y - 8.0, BAR) };
            self.above.push(html! {
                g class="legend" {
                    rect class=(class) x=(x) y=(top) width="22" height=(height) {}
                    text class="soft" x=(x + 28.0) y=(y) { (words) }
                }
            });
            x += wide;
        }
        self.above.push(html! {
            g class="legend fetch" transform={ "translate(" (x + 7.0) "," (y - 4.0) ")" } {
                circle r="6.5" {} text y="3.2" { "1" }
            }
            text class="soft legend" x=(x + 18.0) y=(y) { "fetched by the witness, held as long as the dashes go" }
        });
        y += 14.0;
        self.y = y;
    }
}
