//! The page in a real browser: it says nothing on the console, its shapes stand where the data say, and
//! pointing, sliding, zooming and keys do what they should.
//!
//! `GALLERY=docs/gallery cargo test --workspace --test reports browser` keeps the pictures that it sees.

use std::{fs, path::PathBuf};

use counterpoint_farm::software::is_able;
use counterpoint_reports::{
    At, Run, html, picture,
    run::{Fetch, What},
};
use serde_json::Value;

use crate::{
    kit::{played, scenario},
    webdriver::Browser,
};

const PAGES: [&str; 5] = [
    "library/migration",
    "library/cut-ds-wait",
    "library/section-4-zsk-not-exchanged",
    "library/leave-dead",
    "library/expired-signature",
];

const WIDE: (u32, u32) = (1280, 1000);
const NARROW: (u32, u32) = (390, 1000);

const ARROW_RIGHT: &str = "\u{e014}";
const ARROW_DOWN: &str = "\u{e015}";
const ENTER: &str = "\u{e007}";

struct Open<'b> {
    browser: &'b Browser,
    run: Run,
}

impl Open<'_> {
    fn number(&self, script: &str) -> f64 {
        let value = self.browser.run(script);
        value
            .as_f64()
            .unwrap_or_else(|| panic!("{script}: {value}"))
    }

    fn text(&self, selector: &str) -> String {
        let script = format!("return document.querySelector('{selector}').textContent");
        self.browser.run(&script).as_str().unwrap().into()
    }

    /// Where an instant is, by the marks of the axis: two of them say how wide a second is.
    fn x(&self, at: At) -> f64 {
        let script = "const marks = [...document.querySelectorAll('text.axis')]; \
                      return marks.map((mark) => [mark.textContent, Number(mark.getAttribute('x'))])";
        let marks = self.browser.run(script);
        let read = |mark: &Value| {
            (
                seconds(mark[0].as_str().unwrap()),
                mark[1].as_f64().unwrap(),
            )
        };
        let marks: Vec<(f64, f64)> = marks.as_array().unwrap().iter().map(read).collect();
        let (first, last) = (marks[0], marks[marks.len() - 1]);
        let scale = (last.1 - first.1) / (last.0 - first.0);
        first.1 + (at.as_seconds() - first.0) * scale
    }

    /// The unsafe band lies from the first unsafe instant to the first safe one.
    fn see_band(&self) {
        let deciding = self
            .run
            .violations
            .iter()
            .filter(|violation| violation.decides);
        let spans: Vec<_> = deciding.flat_map(|violation| &violation.during).collect();
        let script = "return [...document.querySelectorAll('rect.band')].map((band) => \
                      [Number(band.getAttribute('x')), Number(band.getAttribute('width'))])";
        let bands = self.browser.run(script);
        let bands = bands.as_array().unwrap();
        assert_eq!(bands.len(), spans.len());
        for (band, span) in bands.iter().zip(spans) {
            let (from, until) = (
                span.from.unwrap_or(At::START),
                span.until.unwrap_or(self.run.end),
            );
            let (x, width) = (band[0].as_f64().unwrap(), band[1].as_f64().unwrap());
            // What lies far outside of the picture is not drawn where it is.
            let near = |x: f64| x.clamp(-60.0, f64::from(WIDE.0));
            assert!(
                (near(x) - near(self.x(from))).abs() < 0.5,
                "{x} and {}",
                self.x(from)
            );
            let right = near(x + width);
            assert!((right - near(self.x(until))).abs() < 1.0, "{right}");
        }
    }

    /// Each fetch of the witness has a mark at its instant, in the lane of its server, and an arrow to it.
    fn see_witness(&self) {
        let panels = picture::panels(&self.run);
        let Some(violation) = self.run.violations.iter().find(|one| one.witness.is_some()) else {
            assert_eq!(
                self.number("return document.querySelectorAll('.arrow').length"),
                0.0
            );
            return;
        };
        let witness = violation.witness.as_ref().unwrap();
        let fetches = [
            witness.under.as_ref(),
            Some(&witness.earlier),
            witness.later.as_ref(),
        ];
        let fetches: Vec<&Fetch> = fetches.into_iter().flatten().collect();
        let shown = fetches
            .iter()
            .filter(|fetch| panels[0].place(fetch).is_some());
        let shown: Vec<&&Fetch> = shown.collect();
        assert!(shown.len() >= 2, "{witness:?}");
        let script = "return [...document.querySelectorAll('#picture .fetch')].map((mark, index) => { \
            const circle = mark.querySelector('circle').getBoundingClientRect(); \
            const middle = [circle.x + circle.width / 2, circle.y + circle.height / 2]; \
            const arrow = document.querySelectorAll('.arrow')[index]; \
            const end = arrow.getPointAtLength(arrow.getTotalLength()); \
            const begin = arrow.getPointAtLength(0); \
            const box = document.getElementById('picture').getBoundingClientRect(); \
            const lane = [...document.querySelectorAll('.lane')].find((lane) => { \
                const around = lane.getBoundingClientRect(); \
                return around.top <= middle[1] && middle[1] <= around.bottom; }); \
            return [middle[0] - box.x, middle[1] - box.y, end.x, end.y, begin.x, lane.dataset.what, lane.dataset.at]; })";
        let marks = self.browser.run(script);
        let marks = marks.as_array().unwrap();
        assert_eq!(marks.len(), shown.len());
        for (mark, fetch) in marks.iter().zip(shown) {
            let number = |index: usize| mark[index].as_f64().unwrap();
            let x = self.x(fetch.at.max(At::START));
            assert!((number(0) - x).abs() < 1.0, "{} and {x}", number(0));
            assert!(
                (number(2) - number(0)).abs() < 1.0 && (number(3) - number(1)).abs() < 1.0,
                "{mark}"
            );
            assert!((number(4) - self.x(violation.from)).abs() < 1.0, "{mark}");
            let version = &self.run.zones[0].versions[fetch.version.unwrap()];
            assert_eq!(mark[5], version.what.name());
            let at = mark[6]
                .as_str()
                .unwrap()
                .split(' ')
                .any(|one| one == fetch.instance.to_string());
            assert!(at, "{mark} {fetch:?}");
        }
    }

    /// The slider goes to an instant, and the page says what the parent served then.
    fn slide(&self) {
        let before = self.text("#when");
        self.browser.keys("#slider", &ARROW_RIGHT.repeat(3));
        assert_ne!(self.text("#when"), before);
        let at = At::seconds((self.run.end.as_seconds() * 0.62) as i64);
        let value = at.as_seconds();
        self.browser.run(&format!(
            "const slider = document.getElementById('slider'); slider.value = {value}; slider.dispatchEvent(new Event('input'))"
        ));
        assert_eq!(self.text("#when"), at.to_string());
        let zone = &self.run.zones[0];
        let told = self.text("#instant");
        let served = zone.versions.iter().filter(|version| version.is_served(at));
        for version in served.filter(|version| matches!(version.what, What::Ds | What::Dnskey)) {
            let keys: Vec<&str> = version.keys.iter().map(|&key| zone.key(key)).collect();
            assert!(told.contains(&keys.join(", ")), "{keys:?} in {told}");
        }
        let cursor =
            self.number("return Number(document.querySelector('.cursor').getAttribute('x1'))");
        assert!((cursor - self.x(at)).abs() < 0.5);
    }

    /// Pointing at a bar says which RRset it is, where and for how long.
    fn hover(&self) {
        let script = "const bar = document.querySelector('.lane[data-what=DNSKEY] .row rect.p.everywhere'); \
                      bar.scrollIntoView({ block: 'center' }); const at = bar.getBoundingClientRect(); \
                      return [at.x + at.width / 2, at.y + at.height / 2, bar.closest('.row').dataset.row]";
        let bar = self.browser.run(script);
        self.browser
            .point(bar[0].as_f64().unwrap(), bar[1].as_f64().unwrap());
        let told = self.text("#details");
        for word in [bar[2].as_str().unwrap(), "DNSKEY", "TTL 1h", "signed", "T+"] {
            assert!(told.contains(word), "{word} in {told}");
        }
    }

    /// Zooming doubles what a second is wide, moves all with it, and goes back.
    fn zoom(&self) {
        let scale = || self.x(At::seconds(3_600)) - self.x(At::START);
        let before = scale();
        self.browser.click("#in");
        assert!(
            (scale() / before - 2.0).abs() < 0.01,
            "{} and {before}",
            scale()
        );
        self.see_band();
        self.browser.keys("#picture", "+");
        assert!((scale() / before - 4.0).abs() < 0.02);
        self.browser.keys("#picture", "0");
        assert!((scale() / before - 1.0).abs() < 0.001);
        self.see_band();
    }

    /// The keyboard alone goes from bar to bar, tells of each, and sets the instant.
    fn type_keys(&self) {
        let told = || self.text("#details");
        self.browser.keys("#picture", ARROW_DOWN);
        let first = told();
        self.browser.keys("#picture", &ARROW_DOWN.repeat(4));
        let other = told();
        assert_ne!(first, other);
        self.browser.keys("#picture", ENTER);
        let at = self
            .browser
            .run("return Number(document.querySelector('.chosen').dataset.a)");
        let now = self
            .browser
            .run("return Number(document.getElementById('slider').value)");
        assert!(
            (at.as_f64().unwrap() - now.as_f64().unwrap()).abs() < 1e-6,
            "{at} {now}"
        );
    }

    /// Nothing sticks out, and no label lies on another.
    fn fits(&self, width: u32) {
        let wide = self.number("return document.documentElement.scrollWidth");
        assert!(wide <= f64::from(width), "{wide} at {width}");
        let script = "const seen = [...document.querySelectorAll('#picture text.label, #picture text.what, #picture text.tag:not(.in)')] \
            .map((text) => [text.textContent, text.getBoundingClientRect()]).filter(([, box]) => box.width > 0); \
            for (const [a, p] of seen) for (const [b, q] of seen) \
                if (a !== b && p.x < q.right - 1 && q.x < p.right - 1 && p.y + 5 < q.bottom - 5 && q.y + 5 < p.bottom - 5) return a + ' on ' + b; \
            return null";
        assert_eq!(self.browser.run(script), Value::Null);
    }
}

/// `+1d 2h`, as seconds.
fn seconds(mark: &str) -> f64 {
    let parts = mark.trim_start_matches(['T', '+']).split_whitespace();
    let unit = |letter: char| match letter {
        'd' => 86_400.0,
        'h' => 3_600.0,
        'm' => 60.0,
        _ => 1.0,
    };
    parts
        .map(|part| {
            let (count, letter) = part.split_at(part.len() - 1);
            count.parse::<f64>().unwrap() * unit(letter.chars().next().unwrap())
        })
        .sum()
}

/// Keeps what is to be seen, if somebody wants it.
fn keep(browser: &Browser, name: &str) {
    let Some(gallery) = std::env::var_os("GALLERY") else {
        return;
    };
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(gallery);
    fs::create_dir_all(&root).unwrap();
    fs::write(root.join(format!("{name}.png")), browser.shot()).unwrap();
}

#[test]
fn five_pages_work_in_a_browser() {
    if !is_able(&["chromium", "chromedriver"]) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let browser = Browser::start();
    for name in PAGES {
        let run = played(&scenario(name));
        let short = name.trim_start_matches("library/");
        let path = place.path().join(format!("{short}.html"));
        fs::write(&path, html::html(&run)).unwrap();
        browser.resize(WIDE.0, WIDE.1);
        browser.open(&path);
        let open = Open {
            browser: &browser,
            run,
        };
        keep(&browser, &format!("{short}-1280"));
        open.fits(WIDE.0);
        open.see_band();
        open.see_witness();
        open.hover();
        open.zoom();
        open.type_keys();
        open.slide();
        browser.resize(NARROW.0, NARROW.1);
        browser.open(&path);
        keep(&browser, &format!("{short}-390"));
        open.fits(NARROW.0);
        open.see_band();
        open.see_witness();
        assert_eq!(browser.console(), Vec::<String>::new(), "{name}");
    }
    browser.resize(WIDE.0, WIDE.1);
    browser.darken(true);
    browser.open(&place.path().join("cut-ds-wait.html"));
    keep(&browser, "cut-ds-wait-dark");
    let paper = browser.run("return getComputedStyle(document.body).backgroundColor");
    assert_eq!(paper, "rgb(20, 25, 28)");
}

/// What the console says would be heard.
#[test]
fn a_broken_page_is_heard() {
    if !is_able(&["chromium", "chromedriver"]) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("broken.html");
    let page = html::html(&played(&scenario("library/join")));
    fs::write(
        &path,
        page.replacen("const SVG", "nonsense(); const SVG", 1),
    )
    .unwrap();
    let browser = Browser::start();
    browser.open(&path);
    let said = browser.console();
    assert!(
        said.iter().any(|line| line.contains("nonsense")),
        "{said:?}"
    );
}
