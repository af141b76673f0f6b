//! The picture: what it says of a story that can be worked out by hand, how large it becomes, what it lets in.

use std::time::{Duration, Instant};

use counterpoint_reports::{
    At, html,
    picture::{self, Panel, Row, State},
    svg,
};
use counterpoint_scenarios::load::load;

use crate::kit::{played, scenario};

fn row<'p>(panel: &'p Panel<'_>, group: &str, what: &str, label: &str) -> &'p Row {
    let group = panel.groups.iter().find(|one| one.title == group).unwrap();
    let lane = group.lanes.iter().find(|lane| lane.what == what).unwrap();
    lane.rows.iter().find(|row| row.label == label).unwrap()
}

/// A new key is coming until the last RRset without it has left the caches: for the TTL after its last
/// instance served one. A key that went is going for the TTL.
#[test]
fn keys_come_and_go_by_the_ttl() {
    let run = played(&scenario("library/migration"));
    let panels = picture::panels(&run);
    let beta = row(&panels[0], "test. (parent)", "DS", "beta ksk-1");
    let states: Vec<State> = beta.pieces.iter().map(|piece| piece.state).collect();
    assert_eq!(states, [State::Coming, State::Everywhere]);
    let zone = &run.zones[0];
    let key = zone
        .keys
        .iter()
        .position(|key| key.name() == "beta ksk-1")
        .unwrap();
    let ds = zone
        .versions
        .iter()
        .filter(|version| version.what == counterpoint_reports::run::What::Ds);
    let without = ds.filter(|version| !version.keys.contains(&key));
    let ended = without
        .filter_map(|version| version.until)
        .filter(|until| *until < At::seconds(3 * 3_600));
    let expected = ended.max().unwrap() + Duration::from_secs(3_600);
    assert_eq!(beta.pieces[0].until, expected);
    let alpha = row(&panels[0], "test. (parent)", "DS", "alpha ksk-1");
    let going = alpha.pieces.last().unwrap();
    assert_eq!(going.state, State::Going);
    let width = going.until - going.from;
    assert_eq!(width, Duration::from_secs(3_600));
    // Before the delegation names it, nobody is led to beta.
    let zsk = row(&panels[0], "beta", "DNSKEY", "beta zsk-1");
    assert_eq!(zsk.pieces[0].state, State::Unreached);
    // The DS overlay of a KSK is the DS row of the parent.
    let ksk = row(&panels[0], "alpha", "DNSKEY", "alpha ksk-1");
    assert_eq!(ksk.ds, alpha.pieces);
}

#[test]
fn what_has_expired_is_told_apart() {
    let run = played(&scenario("library/expired-signature"));
    let panels = picture::panels(&run);
    let groups = panels.iter().flat_map(|panel| &panel.groups);
    let rows = groups
        .flat_map(|group| &group.lanes)
        .flat_map(|lane| &lane.rows);
    let mut pieces = rows.flat_map(|row| &row.pieces);
    assert!(pieces.any(|piece| piece.state == State::Expired));
}

/// Thirty days, four signers with three servers each, every process: under a megabyte, under 200 ms.
#[test]
fn a_long_run_of_many_is_small_and_quick() {
    let mut text = String::from("title = \"large\"\nduration = \"30d\"\n");
    for name in ["alpha", "beta", "gamma", "delta"] {
        text += &format!(
            "[[signer]]\nname = \"{name}\"\nservers = 3\nsignature-validity = \"5d\"\nresign-before = \"2d\"\n"
        );
    }
    text += "[[zone]]\nname = \"example.test.\"\nsigners = [\"alpha\", \"beta\"]\n";
    let events = [
        ("1h", "join", "signer = \"gamma\""),
        ("1d", "join", "signer = \"delta\""),
        ("3d", "roll-zsk", "signer = \"alpha\""),
        ("6d", "roll-ksk", "signer = \"beta\""),
        ("10d", "leave", "signer = \"alpha\""),
        ("15d", "roll-zsk", "signer = \"gamma\""),
        ("20d", "leave", "signer = \"delta\""),
    ];
    for (at, what, field) in events {
        text += &format!(
            "[[event]]\nat = \"{at}\"\ndo = \"{what}\"\nzone = \"example.test.\"\n{field}\n"
        );
    }
    let run = played(&load("large.toml", &text).unwrap());
    assert_eq!(run.end, At::seconds(30 * 86_400));
    assert_eq!(run.zones[0].instances.len(), 14);
    #[expect(
        clippy::disallowed_methods,
        reason = "how long it takes is what is asked"
    )]
    let begun = Instant::now();
    let page = html::html(&run);
    let took = begun.elapsed();
    eprintln!(
        "{} versions, {} octets in {took:?}",
        run.zones[0].versions.len(),
        page.len()
    );
    assert!(page.len() < 1_000_000, "{} octets", page.len());
    assert!(took < Duration::from_millis(200), "{took:?}");
}

#[test]
fn a_title_is_text_whatever_it_says() {
    let mut scenario = scenario("library/join");
    scenario.title =
        "</title></script><script>alert(1)</script><img src=x onerror=alert(1)>".into();
    let run = played(&scenario);
    for text in [svg::svg(&run), html::html(&run)] {
        assert!(
            !text.contains("<script>alert") && !text.contains("<img"),
            "it got in"
        );
        assert!(text.contains("&lt;script&gt;alert(1)"));
    }
    // One script of ours, and the data.
    assert_eq!(html::html(&run).matches("<script").count(), 2);
    assert_eq!(html::html(&run).matches("</script>").count(), 2);
}

#[test]
fn a_page_asks_nobody() {
    let page = html::html(&played(&scenario("library/cut-ds-wait")));
    for word in [
        "http://",
        "https://",
        "url(//",
        "@import",
        "fetch(",
        "XMLHttpRequest",
    ] {
        // The name of a namespace is no address.
        let found = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!found.contains(word), "{word}");
    }
}
