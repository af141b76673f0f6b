//! A signer behind a web interface in the shape of deSEC's joins one that takes dynamic updates: over TLS
//! and without, past limits, with a wrong token, and with a certificate of somebody else's.

use std::time::Duration;

use counterpoint_dns::{name::RecordType, pace::Rate, web::Secret};
use counterpoint_simnet::{desec::Desec, topology::Stage};

use crate::{
    kit::{Office, Town, at_parent, controller_process, keys_of, stage, violations},
    web::{CA, OTHER_CA, Web},
};

/// It must be seen nowhere but in its file.
const TOKEN: &str = "planted-3q9aXtoken";

/// A world where beta has a web interface that takes `changes`.
fn behind_the_web(changes: Vec<Rate>) -> Stage {
    let mut stage = stage();
    let beta = stage.world.operator("beta").unwrap();
    let mut desec = Desec::new(Secret::new(TOKEN), Vec::new(), changes);
    desec.minimum_ttl = 1;
    stage.world.give_web(beta, desec);
    stage
}

/// An operator who knows that, and has this token.
async fn town(stage: Stage, is_tls: bool, token: &str, ca: &str) -> (Town, Office) {
    let office = Office::new(&stage);
    let mut town = Town::open(stage).await;
    let web = Web::open(is_tls).await;
    let text = office
        .read("c.toml")
        .replace("[controller]", "[controller]\ndigests = [2, 4]");
    let (before, beta) = text.split_once("[[signer]]\nname = \"beta\"").unwrap();
    let lines = beta
        .lines()
        .filter(|line| !line.starts_with("primary") && !line.starts_with("tsig"));
    let beta: Vec<&str> = lines.collect();
    let ca_file = if is_tls { ", ca-file = \"ca.pem\"" } else { "" };
    let desec = format!(
        "desec = {{ url = \"{}\", token-file = \"beta.token\", minimum-ttl = \"1s\"{ca_file} }}",
        web.url
    );
    let beta = beta
        .join("\n")
        .replace("max-ttl", &format!("{desec}\nlimits = {{}}\nmax-ttl"));
    office.write(
        "c.toml",
        &format!("{before}[[signer]]\nname = \"beta\"{beta}\n"),
    );
    office.write("ca.pem", ca);
    office.secret("beta.token", token);
    town.web = Some(web);
    (town, office)
}

/// Everything that the tool shows or keeps.
async fn all_that_is_told(town: &mut Town, office: &Office) -> String {
    let mut told = String::new();
    for words in [
        &["signer", "show", "beta"][..],
        &["signer", "show", "beta", "--json"],
        &["process", "list"],
        &["process", "list", "--json"],
        &["status", "--json"],
        &["audit-log", "example.test."],
    ] {
        let (code, out, err) = town.run(office, words).await;
        assert_eq!(code, 0, "{words:?}: {out}{err}");
        told.push_str(&out);
        told.push_str(&err);
    }
    for file in std::fs::read_dir(&office.0).unwrap() {
        let path = file.unwrap().path();
        if !path.ends_with("beta.token") {
            let octets = std::fs::read(path).unwrap();
            told.push_str(&String::from_utf8_lossy(&octets));
        }
    }
    told
}

#[tokio::test]
async fn it_joins_over_tls_and_waits_when_it_is_told_to() {
    let stage = behind_the_web(vec![Rate::new(1, 5)]);
    let (mut town, office) = town(stage, true, TOKEN, CA).await;
    let (code, out, err) = town
        .run(&office, &["zone", "join", "example.test", "beta"])
        .await;
    assert_eq!(code, 0, "{out}{err}");
    let (code, out, err) = town.run(&office, &["run"]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("join beta of example.test.: done"),
        "{out}{err}"
    );
    assert!(err.contains("limited beta"), "{err}");
    let told = all_that_is_told(&mut town, &office).await;
    assert!(told.contains("limited") && !format!("{told}{out}{err}").contains(TOKEN));

    let stage = town.close().await;
    let beta = stage.world.operator("beta").unwrap();
    assert!(stage.world.operators[beta].web.as_ref().unwrap().throttled > 0);
    assert_eq!(
        keys_of(&stage, "alpha").len(),
        3,
        "its own two, and beta's ZSK"
    );
    assert_eq!(
        keys_of(&stage, "beta").len(),
        3,
        "its own two, and alpha's ZSK"
    );
    assert_eq!(at_parent(&stage, RecordType::NS).len(), 4);
    assert_eq!(violations(&stage), Vec::<String>::new());
}

#[tokio::test]
async fn what_it_imports_is_tried_and_put_back() {
    let (mut town, office) = town(behind_the_web(Vec::new()), false, TOKEN, CA).await;
    let words = ["signer", "check", "beta", "example.test"];
    let (code, out, err) = town.run(&office, &words).await;
    assert_eq!(code, 0, "{out}{err}");
    let imports = out.lines().filter(|line| line.ends_with("imports")).count();
    assert_eq!(imports, 5, "{out}");
    assert_eq!(out.matches("is there already").count(), 2, "{out}");
    let stage = town.close().await;
    assert_eq!(keys_of(&stage, "beta").len(), 2, "its own two");
}

#[tokio::test]
async fn a_token_that_it_does_not_know_is_a_persons_affair() {
    let (mut town, office) = town(behind_the_web(Vec::new()), false, "planted-wrong", CA).await;
    let (code, out, err) = town
        .run(&office, &["zone", "join", "example.test", "beta"])
        .await;
    assert_eq!(code, 0, "{out}{err}");
    let (code, out, err) = town.run(&office, &["run"]).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(
        out.contains("it does not know the token (401, Invalid token.)"),
        "{out}{err}"
    );
    let told = all_that_is_told(&mut town, &office).await;
    assert!(!format!("{told}{out}{err}").contains("planted"));

    // With the right one it goes on where it was.
    office.secret("beta.token", TOKEN);
    let (code, out, err) = town.run(&office, &["run"]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(violations(&town.close().await), Vec::<String>::new());
}

#[tokio::test]
async fn the_token_goes_to_nobody_whose_certificate_is_by_another_authority() {
    let (mut town, office) = town(behind_the_web(Vec::new()), true, TOKEN, OTHER_CA).await;
    let (code, out, err) = town
        .run(&office, &["zone", "join", "example.test", "beta"])
        .await;
    assert_eq!(code, 0, "{out}{err}");
    let mut process = controller_process(&office, &town.words(&office, &["run"]));
    let story = async {
        while !office.read("said").contains("no answer of beta") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        process.kill().unwrap();
        process.wait().unwrap();
    };
    town.during(story, |_, _| crate::kit::Fate::Answer).await;
    let said = office.read("said");
    assert!(
        said.contains("certificate") && !said.contains(TOKEN),
        "{said}"
    );
    let stage = town.close().await;
    assert_eq!(keys_of(&stage, "beta").len(), 2, "nothing was written");
}
