//! Ten thousand zones: a list, a filter and a page are there at once, and who listens hears everything.

use std::time::Duration;

use counterpoint_dns::driver::clock::Clock;
use serde_json::json;

use crate::{
    client::Events,
    daemon::{Daemon, office},
};

const ZONES: usize = 10_000;
/// A list, a filter or a page takes less.
const LIMIT: Duration = Duration::from_millis(100);
/// Who listens hears at least as many changes a second.
const CHANGES_A_SECOND: f64 = 1_000.0;

#[tokio::test]
async fn lists_are_quick_and_the_feed_keeps_up() {
    let office = office();
    let mut declared = office.read("c.toml");
    // Nobody is asked: what is measured is the daemon.
    declared = declared.replace("roots = [", "roots = [] # ");
    declared.push_str("[[group]]\nname = \"g\"\nsigners = [\"alpha\"]\n");
    for n in 0..ZONES {
        declared.push_str(&format!(
            "[[zone]]\nname = \"z{n:05}.test.\"\ngroup = \"g\"\n"
        ));
    }
    office.write("c.toml", &declared);
    let daemon = Daemon::start(&office);
    let operate = daemon.client(&office, "operate");
    for (what, target, count) in [
        ("list", "/zones", 100),
        ("page", "/zones?limit=1000&after=z05000.test", 1_000),
        ("filter by name", "/zones?q=z0999", 10),
        ("filter by state", "/zones?state=blocked", 0),
        ("filter by signer", "/zones?signer=alpha&limit=50", 50),
    ] {
        let mut best = Duration::MAX;
        for _ in 0..5 {
            let since = Clock.now();
            let said = operate.get(target).await;
            best = best.min(Clock.now().since(since));
            let items = said.json()["items"].as_array().unwrap().len();
            assert_eq!(items, count, "{what}");
        }
        println!("{what}: {best:?}");
        assert!(best < LIMIT, "{what}: {best:?}");
    }

    let mut events = Events::open(&operate.with(None), None).await;
    let since = Clock.now();
    let join = json!({ "process": "join", "signer": "beta" });
    let asking = operate.post("/groups/g/processes", &join);
    let hearing = async {
        let mut heard = 0;
        while heard < ZONES {
            let (_, kind, data) = events.next().await;
            assert_eq!(kind, "change", "nothing is missed");
            heard += usize::from(data["kind"] == "process");
        }
        heard
    };
    let (said, heard) = tokio::join!(asking, hearing);
    let took = Clock.now().since(since);
    assert_eq!((said.status, heard), (202, ZONES));
    let a_second = heard as f64 / took.as_secs_f64();
    println!("{heard} changes in {took:?}: {a_second:.0} a second");
    assert!(a_second > CHANGES_A_SECOND, "{a_second}");
}
