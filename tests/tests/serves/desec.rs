//! A signer behind a web interface in the shape of deSEC's joins by the daemon: over TLS, past its limits and
//! an outage.

use counterpoint_dns::{name::RecordType, pace::Rate, web::Secret};
use counterpoint_simnet::desec::Desec;
use serde_json::json;

use crate::{
    client::Events,
    daemon::{Daemon, equip},
    kit::{Fate, Office, Town, at_parent, stage, violations},
    web::{CA, Web},
};

const TOKEN: &str = "planted-7d1kQtoken";
/// How many requests nobody answers.
const OUTAGE: usize = 3;

#[tokio::test]
async fn it_joins_past_limits_and_an_outage() {
    let mut stage = stage();
    let beta = stage.world.operator("beta").unwrap();
    let mut desec = Desec::new(Secret::new(TOKEN), Vec::new(), vec![Rate::new(1, 3)]);
    desec.minimum_ttl = 1;
    stage.world.give_web(beta, desec);
    let web = Web::open(true).await;
    let office = Office::new(&stage);
    let url = &web.url;
    let text = office
        .read("c.toml")
        .replace("[controller]", "[controller]\ndigests = [2, 4]");
    let (before, after) = text.split_once("[[signer]]\nname = \"beta\"").unwrap();
    let (_, zones) = after.split_once("[[zone]]").unwrap();
    office.write(
        "c.toml",
        &format!(
            "{before}[[signer]]\nname = \"beta\"\nns = [\"ns1.beta.test.\", \"ns2.beta.test.\"]\n\
             max-ttl = \"2s\"\nlimits = {{}}\ndesec = {{ url = \"{url}\", token-file = \"beta.token\", \
             minimum-ttl = \"1s\", ca-file = \"ca.pem\" }}\n[[zone]]{zones}"
        ),
    );
    office.write("ca.pem", CA);
    office.secret("beta.token", TOKEN);
    let office = equip(office);
    let mut town = Town::open(stage).await;
    town.web = Some(web);
    town.web_out = OUTAGE;
    let daemon = Daemon::start_with(&office, &town.words(&office, &["serve"]));
    let operate = daemon.client(&office, "operate");
    let story = async {
        let mut events = Events::open(&operate, None).await;
        let join = json!({ "process": "join", "signer": "beta" });
        let said = operate.post("/zones/example.test/processes", &join).await;
        assert_eq!(said.status, 202, "{said:?}");
        let (mut silences, mut limits) = (0, 0);
        loop {
            let (_, _, data) = events.next().await;
            let text = data["text"].as_str().unwrap();
            assert!(!text.contains(TOKEN), "{text}");
            silences += usize::from(text.contains("no answer of beta"));
            limits += usize::from(data["kind"] == "limited");
            if data["kind"] == "done" {
                break;
            }
        }
        assert_eq!(silences, OUTAGE);
        assert!(limits > 0);
        let updaters = operate.get("/updaters").await;
        assert_eq!(updaters.json()[1]["interface"], "desec", "{updaters:?}");
    };
    town.during(story, |_, _| Fate::Answer).await;
    assert!(!daemon.log().contains(TOKEN));
    let stage = town.close().await;
    let beta = stage.world.operator("beta").unwrap();
    assert!(stage.world.operators[beta].web.as_ref().unwrap().throttled > 0);
    assert_eq!(at_parent(&stage, RecordType::NS).len(), 4);
    assert_eq!(violations(&stage), Vec::<String>::new());
}
