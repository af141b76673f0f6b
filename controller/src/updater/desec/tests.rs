//! One write from its first request to what became of it, answer by answer.

use std::collections::BTreeMap;

use counterpoint_dns::{name::parse_name, rrset::RrSet};

use super::*;
use crate::place::Item;

const NOW: Timestamp = Timestamp::MIN;

fn zone() -> Name {
    parse_name("example.test.").unwrap()
}

fn updater() -> Desec {
    let mut access = DesecAccess::new(Secret::new("planted-token"));
    access.url = "https://desec.test/api/v1/".into();
    Desec::new(&access)
}

fn key(octet: u8) -> Rdata {
    Rdata::from_octets([1, 0, 3, 15, octet])
}

fn change(item: Item, seen: &[Rdata], wanted: &[Rdata]) -> Change {
    let (name, rtype) = (item.name(&zone()), item.rtype());
    let set = |data: &[Rdata]| RrSet::new(name.clone(), rtype, 60, data.iter().cloned());
    Change {
        signer: "beta".into(),
        item,
        seen: set(seen),
        wanted: set(wanted),
        signatures: BTreeMap::new(),
        is_unconditional: false,
    }
}

fn web(request: &Request) -> &web::Request {
    match &request.message {
        Message::Web(request) => request,
        other => panic!("{other:?}"),
    }
}

/// The request that follows when the apex holds `page`, or what became of the write.
fn after_reading(changes: &[Change], page: &web::Answer) -> Result<Request, Written> {
    let first = updater().request(&zone(), changes, 0, NOW);
    answered(&first, page)
}

fn answered(request: &Request, answer: &web::Answer) -> Result<Request, Written> {
    match updater().next(&zone(), &request.receipt, &Answer::Web(answer), NOW) {
        Next::Ask(request) => Ok(*request),
        Next::Done(written) => Err(written),
    }
}

fn holds(rtype: &str, records: &[&str]) -> web::Answer {
    let shown = serde_json::json!([
        { "subname": "", "type": rtype, "ttl": 3600, "records": records, "touched": "x" }
    ]);
    web::Answer::new(200, shown.to_string())
}

#[test]
fn it_reads_the_apex_and_writes_all_but_the_signers_own_keys_at_once() {
    let ns = |name: &str| Rdata::name(&parse_name(name).unwrap());
    let changes = [
        change(Item::Dnskey, &[key(1), key(2)], &[key(1), key(3)]),
        change(Item::Csync, &[], &[]),
        change(
            Item::Address(parse_name("NS1.beta.example.test.").unwrap(), RecordType::A),
            &[],
            &[Rdata::address([192, 0, 2, 1].into())],
        ),
    ];
    let first = updater().request(&zone(), &changes, 0, NOW);
    assert_eq!(web(&first).method, Method::Get);
    assert_eq!(
        web(&first).url,
        "https://desec.test/api/v1/domains/example.test/rrsets/?subname=&cursor="
    );
    assert_eq!(web(&first).authorization.reveal(), "Token planted-token");
    assert!(!format!("{first:?}").contains("planted"));
    let second = after_reading(
        &changes,
        &holds("DNSKEY", &[&key(2).present(RecordType::DNSKEY)]),
    );
    let second = second.unwrap();
    assert_eq!(web(&second).method, Method::Patch);
    let body: serde_json::Value = serde_json::from_str(&web(&second).body).unwrap();
    let foreign = key(3).present(RecordType::DNSKEY);
    assert_eq!(
        body,
        serde_json::json!([
            { "subname": "", "type": "DNSKEY", "ttl": 3600, "records": [foreign] },
            { "subname": "", "type": "CSYNC", "ttl": 3600, "records": [] },
            { "subname": "ns1.beta", "type": "A", "ttl": 3600, "records": ["192.0.2.1"] },
        ])
    );
    let done = answered(&second, &web::Answer::new(200, "[]"));
    assert_eq!(done.unwrap_err(), Written::Accepted);
    // NS records are given whole: deSEC has none of its own.
    let names = [ns("ns1.alpha."), ns("ns1.beta.")];
    let change = change(Item::Ns, &names[..1], &names);
    let written = after_reading(&[change], &holds("NS", &["ns1.alpha."])).unwrap();
    let body = &web(&written).body;
    assert!(
        body.contains("\"ns1.alpha.\"") && body.contains("\"ns1.beta.\""),
        "{body}"
    );
}

#[test]
fn what_changed_meanwhile_is_not_overwritten() {
    let present = |octet| key(octet).present(RecordType::DNSKEY);
    let mut keys = [change(Item::Dnskey, &[key(1)], &[key(1), key(3)])];
    let unmet = after_reading(&keys, &holds("DNSKEY", &[&present(2)]));
    assert_eq!(unmet.unwrap_err(), Written::Unmet);
    keys[0].is_unconditional = true;
    assert!(after_reading(&keys, &holds("DNSKEY", &[&present(2)])).is_ok());
    let ns = [Rdata::name(&parse_name("ns1.alpha.").unwrap())];
    let names = [change(Item::Ns, &ns, &[])];
    let unmet = after_reading(&names, &holds("NS", &["ns9.other."]));
    assert_eq!(unmet.unwrap_err(), Written::Unmet);
}

#[test]
fn it_reads_page_after_page_but_not_for_ever_nor_elsewhere() {
    let keys = [change(Item::Dnskey, &[key(1), key(2)], &[key(1)])];
    let mut page = holds("TXT", &["\"x\""]);
    let link = |url: &str| {
        (
            "link".into(),
            format!("<https://x/>; rel=\"first\", <{url}>; rel=\"next\""),
        )
    };
    let next = "https://desec.test/api/v1/domains/example.test/rrsets/?subname=&cursor=abc";
    page.fields = vec![link(next)];
    let mut request = after_reading(&keys, &page).unwrap();
    assert_eq!(web(&request).url, next);
    let last = holds("DNSKEY", &[&key(2).present(RecordType::DNSKEY)]);
    assert!(
        web(&answered(&request, &last).unwrap())
            .body
            .contains("\"records\":[]")
    );
    for _ in 1..PAGES_MAX {
        request = answered(&request, &page).unwrap();
    }
    assert!(matches!(answered(&request, &page), Err(Written::Refused(why)) if why.contains("end")));
    page.fields = vec![link(
        "https://elsewhere.test/api/v1/domains/example.test/rrsets/",
    )];
    assert!(matches!(
        after_reading(&keys, &page),
        Err(Written::Refused(_))
    ));
}

#[test]
fn every_failure_says_what_it_is() {
    let keys = [change(Item::Dnskey, &[key(1)], &[key(1), key(3)])];
    let request = after_reading(&keys, &web::Answer::new(200, "[]")).unwrap();
    let written =
        |status, body: &str| answered(&request, &web::Answer::new(status, body)).unwrap_err();
    let refused = |status, body: &str, part: &str| {
        let found = written(status, body);
        assert!(
            matches!(&found, Written::Refused(why) if why.contains(part)),
            "{found:?}"
        );
    };
    refused(401, r#"{"detail":"Invalid token."}"#, "Invalid token.");
    refused(403, r#"{"detail":"No permission."}"#, "the token may not");
    refused(404, r#"{"detail":"Not found."}"#, "no domain example.test.");
    let ttl = r#"[{"ttl":["Ensure this value is greater than or equal to 3600."]}]"#;
    refused(400, ttl, "example.test. DNSKEY: ttl: Ensure this value");
    refused(400, "<html>", "no reason that can be read");
    refused(302, "", "302");
    assert_eq!(written(503, ""), Written::Silent);
    assert_eq!(written(409, ""), Written::Silent);
    let mut throttled = web::Answer::new(429, r#"{"detail":"throttled"}"#);
    assert_eq!(
        answered(&request, &throttled).unwrap_err(),
        Written::Later(PAUSE)
    );
    throttled.fields = vec![("retry-after".into(), "50".into())];
    let fifty = Duration::from_secs(50);
    assert_eq!(
        answered(&request, &throttled).unwrap_err(),
        Written::Later(fifty)
    );
    throttled.fields = vec![("retry-after".into(), "99999999999".into())];
    assert_eq!(
        answered(&request, &throttled).unwrap_err(),
        Written::Later(PAUSE_MAX)
    );
    let elsewhere = updater().request(&zone(), &keys, 0, NOW);
    let page = answered(&elsewhere, &web::Answer::new(200, "<html>")).unwrap_err();
    assert!(matches!(page, Written::Refused(why) if why.contains("URL")));
}
