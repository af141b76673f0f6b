//! The picture of a run as SVG, by itself or inside the page.
//!
//! Every shape that lies in time says in `data-a` and `data-b` where, in seconds from the start, so that the
//! page can move it. Text that came with a file is escaped by maud.

mod draw;

use maud::{Markup, PreEscaped, html};

use self::draw::Drawing;
use crate::{axis, picture, run::Run};

/// How wide the picture is drawn.
pub const WIDTH: f64 = 1_120.0;

/// Zones that are drawn; the rest is left to the other reports.
pub const ZONES_MAX: usize = 6;

/// What lanes look like, by light and by night, in print and without colour.
const STYLE: &str = include_str!("svg/style.css");

/// The picture as a file of its own.
pub fn svg(run: &Run) -> String {
    let (height, _, body) = picture(run, false);
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(WIDTH) height=(height)
            viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-label=(label(run)) {
            style { (PreEscaped(STYLE)) }
            rect class="paper" width="100%" height="100%" {}
            (body)
        }
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n",
        markup.into_string()
    )
}

/// The picture as a part of a page that brings the style.
pub(crate) fn inline(run: &Run) -> Markup {
    let (height, top, body) = picture(run, true);
    html! {
        svg #picture width=(WIDTH) height=(height) viewBox={ "0 0 " (WIDTH) " " (height) }
            tabindex="0" role="application" aria-label=(label(run)) aria-describedby="keys"
            data-top=(top) {
            (body)
        }
    }
}

/// The style of the picture, for the page.
pub(crate) const fn style() -> &'static str {
    STYLE
}

fn label(run: &Run) -> String {
    format!("{}: {}", run.heading(), run.verdict())
}

/// Height, where lanes begin, and content. A page has title and legend of its own.
fn picture(run: &Run, is_in_page: bool) -> (f64, f64, Markup) {
    let mut drawing = Drawing::new(run, is_in_page);
    drawing.head(&axis::marks(run.end, 9));
    let panels = picture::panels(run);
    for panel in panels.iter().take(ZONES_MAX) {
        drawing.panel(panel);
    }
    if panels.len() > ZONES_MAX {
        drawing.note(&format!(
            "and {} more zones, in run.json",
            panels.len() - ZONES_MAX
        ));
    }
    drawing.agents();
    if !is_in_page {
        drawing.legend();
    }
    drawing.finish()
}
