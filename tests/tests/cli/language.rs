//! Files load, and mean what the manual says.

use std::time::Duration;

use counterpoint_dns::name::parse_name;
use counterpoint_scenarios::{
    load::load,
    scenario::{Event, Scenario, Signer, Verdict, What, Zone},
};

/// The scenario of this text; panics with every diagnostic rendered.
pub fn scenario(text: &str) -> Scenario {
    load("test.toml", text).unwrap_or_else(|mistakes| {
        let rendered: Vec<String> = mistakes.iter().map(|m| m.render(false)).collect();
        panic!("{}", rendered.join("\n"))
    })
}

const SMALLEST: &str = r#"
title = "beta joins alpha"
[[signer]]
name = "alpha"
[[signer]]
name = "beta"
[[zone]]
name = "example.test."
signers = ["alpha"]
[[event]]
at = "1h"
do = "join"
zone = "example.test."
signer = "beta"
[expect]
verdict = "safe"
signers = ["alpha", "beta"]
"#;

#[test]
fn the_smallest_useful_file_loads() {
    let found = scenario(SMALLEST);
    let zone = parse_name("example.test.").unwrap();
    assert_eq!(found.title, "beta joins alpha");
    assert_eq!(
        found.signers,
        [Signer::named("alpha"), Signer::named("beta")]
    );
    let expected = Zone {
        name: zone.clone(),
        signers: vec!["alpha".into()],
        ..Zone::default()
    };
    assert_eq!(found.zones, [expected]);
    let join = Event {
        number: 1,
        at: Duration::from_secs(3_600),
        zone,
        what: What::Join {
            signer: "beta".into(),
        },
    };
    assert_eq!(found.events, [join]);
    assert_eq!(found.expect.verdict(), Verdict::Safe);
    assert_eq!(scenario(&found.to_toml()), found);
}
