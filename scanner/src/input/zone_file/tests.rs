//! Zone files as operators have them: what is kept, what is refused and where, and that cuts between
//! chunks show nowhere.

use std::{fmt::Write as _, net::IpAddr};

use super::*;
use counterpoint_dns::{
    message::{Message, Record, Reply, decode, encode, records},
    name::{RecordType, parse_name},
    rrset::RrSet,
};

use crate::delegation::ParentZone;

const HEAD: &str = "$ORIGIN test.\n$TTL 3600\n@ IN SOA ns1 hostmaster 7 1 1 1 1\n IN NS ns1\n";

fn name(text: &str) -> Name {
    parse_name(text).unwrap()
}

fn parse(text: &str) -> Result<Parent, BadInput> {
    read_from("zone", text.as_bytes(), None)
}

#[test]
fn every_form_of_a_record_is_read_and_only_delegations_are_kept() {
    let text = format!(
        "{HEAD}\
         a 300 NS ns1.a ; its own\n\
         \tNS ns2.other.example.\n\
         \t600 IN DS 12345 13 2 ( 00FF\n  AB ) ; in two lines\n\
         a IN 60 NS NS1.A\n\
         ns1.a A 192.0.2.1\n\
         \tAAAA 2001:db8::1\n\
         ns1.a TXT \"a ; ( quoted\" \"two\"\n\
         $ORIGIN b.test.\n@ NS ns1\nns1 A 192.0.2.2\n\
         $ORIGIN test.\n$TTL 60\n\
         c NS ns1.a.test.\n\
         a RRSIG DS 13 2 600 20260101000000 20250101000000 1 test. AAAA\n\
         a NSEC b NS DS RRSIG NSEC\n\
         _dsync TYPE66 \\# 4 00010203\n\
         d DS 1 13 2 00\n\
         below.c NS ns1.a\n\
         \\; NS ns1.a\n"
    );
    let parent = parse(&text).unwrap();
    assert_eq!((parent.zone(), parent.serial()), (&name("test."), Some(7)));
    let children: Vec<String> = parent.children().map(|child| child.to_string()).collect();
    assert_eq!(children, ["\\;.test.", "a.test.", "b.test.", "c.test."]);
    let a = parent.delegation(&name("A.test.")).unwrap();
    assert_eq!((a.ns.ttl, a.ns.data.len()), (60, 2));
    let ds = a.ds.as_ref().unwrap();
    assert_eq!(ds.ttl, 600);
    let expected = Ds {
        tag: 12_345,
        algorithm: 13,
        digest_type: 2,
        digest: vec![0, 255, 171],
    };
    assert_eq!(a.ds_records(), [expected]);
    assert_eq!(a.glue_of(&name("ns1.a.test.")).count(), 2);
    assert!(a.shared.contains(&name("ns1.a.test.")), "c uses it");
    let b = parent.delegation(&name("b.test.")).unwrap();
    assert!(b.shared.is_empty() && b.ds.is_none());
    assert_eq!(parent.delegation(&name("c.test.")).unwrap().ns.ttl, 60);
    let (oddities, count) = parent.oddities();
    assert_eq!(count, 2, "{oddities:?}");
}

#[test]
fn octets_mean_what_their_text_means() {
    // RFC 3597 §5: under the type's name or number.
    let octets = parse(
        "test. 60 IN TYPE6 \\# 22 00 00 00000007 00000001 00000001 00000001 00000001\n\
         a.test. 60 IN TYPE2 \\# 12 036e73310161047465737400\n\
         a.test. 60 IN DS \\# 6 3039 0d 02 00ff\n\
         ns1.a.test. 60 IN TYPE1 \\# 4 c0000201\n\
         ns1.a.test. 60 IN AAAA \\# 16 20010db8000000000000000000000001\n",
    );
    let text = parse(
        "test. 60 IN SOA . . 7 1 1 1 1\n\
         a.test. 60 IN NS ns1.a.test.\n\
         a.test. 60 IN DS 12345 13 2 00FF\n\
         ns1.a.test. 60 IN A 192.0.2.1\n\
         ns1.a.test. 60 IN AAAA 2001:db8::1\n",
    );
    let (octets, text) = (octets.unwrap(), text.unwrap());
    assert_eq!(octets.serial(), text.serial());
    let child = name("a.test.");
    let expected = text.delegation(&child).unwrap();
    assert!(expected.ds.is_some() && expected.glue.len() == 2);
    assert_eq!(octets.delegation(&child), Some(expected));
}

#[test]
fn mistakes_are_found_where_they_are() {
    for (text, place, what) in [
        ("a NS\n", "zone:5:", "master file format"),
        ("a NS ns1\nb BLA x\n", "zone:6:", "master file format"),
        (
            "a NS ns1\n\nb A 192.0.2.256\n",
            "zone:7:",
            "master file format",
        ),
        ("a NS (\nns1\n", "zone:5", "does not end"),
        ("a TXT \"open\n", "zone:5", "does not end"),
        (
            "a NS ns1\nother. NS ns1\n",
            "zone",
            "other. is not in the zone test.",
        ),
        ("$INCLUDE more\n", "zone", "$INCLUDE more is not followed"),
        ("a SOA ns1 hostmaster 7 1 1 1 1\n", "zone", "a second SOA"),
        ("a CH NS ns1\n", "zone:5:", "master file format"),
        ("a TYPE6 \\# 1 00\n", "zone", "a second SOA"),
        ("a A \\# 3 c00002\n", "zone", "these octets are none"),
        ("a NS \\# 2 0161\n", "zone", "these octets are none"),
        ("a DS \\# 2 0001\n", "zone", "these octets are none"),
    ] {
        let error = parse(&format!("{HEAD}{text}")).unwrap_err();
        assert!(error.place.starts_with(place), "{error}");
        assert!(error.what.contains(what), "{error}");
        assert!(!error.remedy.is_empty());
    }
    let error = parse("test. 60 IN NS ns1.test.\n").unwrap_err();
    assert!(error.what.contains("before the SOA"), "{error}");
    assert!(parse("").unwrap_err().what.contains("no SOA"));
    let other = read_from("zone", HEAD.as_bytes(), Some(&name("other."))).unwrap_err();
    assert!(other.what.contains("not in the zone other."), "{other}");
}

/// A zone of `count` children, so long that it is cut many times.
fn long_zone(count: usize) -> String {
    let mut text = HEAD.to_string();
    for number in 0..count {
        let _ = writeln!(text, "child-{number} NS ns1.op-{}.example.", number % 7);
        let _ = writeln!(text, "\tNS ns2.child-{number}");
        let _ = writeln!(text, "\tDS {} 13 2 (\n\t\t{number:064X} )", number % 65_536);
        let _ = writeln!(
            text,
            "ns2.child-{number} A 10.0.{}.{}",
            number >> 8 & 255,
            number & 255
        );
    }
    text
}

#[test]
fn cuts_between_chunks_show_nowhere() {
    let count = 20_000;
    let text = long_zone(count);
    assert!(text.len() > (8 * 256) << 10);
    let parent = parse(&text).unwrap();
    assert_eq!((parent.len(), parent.oddities().1), (count, 0));
    for (index, delegation) in parent.delegations().enumerate() {
        assert_eq!(
            (delegation.ns.data.len(), delegation.ds_records().len()),
            (2, 1),
            "{index}"
        );
        assert_eq!(delegation.glue.len(), 1);
    }
    let broken = text.replacen("child-19999 NS", "child-19999 NX", 1);
    let line = broken
        .lines()
        .position(|line| line.starts_with("child-19999"))
        .unwrap()
        + 1;
    let error = parse(&broken).unwrap_err();
    assert!(error.place.starts_with(&format!("zone:{line}:")), "{error}");
}

#[test]
fn a_file_and_a_transfer_give_the_same_delegations() {
    let zone = name("test.");
    let text = long_zone(40);
    let file = parse(&text).unwrap();
    let mut message = Message::response(7, decode(&encode(&Message::query())).unwrap().op_code);
    let soa = Soa {
        mname: name("ns1.test."),
        rname: name("hostmaster.test."),
        serial: 7,
        refresh: 1,
        retry: 1,
        expire: 1,
        minimum: 1,
    };
    let mut add = |owner: &str, rtype, data: Rdata| {
        let set = RrSet::new(name(owner), rtype, 3_600, [data]);
        message
            .answers
            .extend(records(&set).collect::<Vec<Record>>());
    };
    add("test.", RecordType::SOA, soa.to_rdata());
    for number in 0..40_u8 {
        let child = format!("child-{number}.test.");
        let host = name(&format!("ns1.op-{}.example.", number % 7));
        add(&child, RecordType::NS, Rdata::name(&host));
        let own = format!("ns2.{child}");
        add(&child, RecordType::NS, Rdata::name(&name(&own)));
        let mut digest = vec![0; 31];
        digest.push(number);
        let ds = Ds {
            tag: number.into(),
            algorithm: 13,
            digest_type: 2,
            digest,
        };
        add(&child, RecordType::DS, ds.to_rdata());
        let address: IpAddr = [10, 0, 0, number].into();
        add(&own, RecordType::A, Rdata::address(address));
    }
    let transferred = ParentZone::from_reply(&zone, &Reply::from_message(&message)).unwrap();
    let delegations: Vec<_> = file.delegations().collect();
    assert_eq!(delegations.len(), 40);
    for delegation in delegations {
        assert_eq!(
            transferred.delegations.get(&delegation.child),
            Some(&delegation)
        );
    }
    let operators = [
        name("op-3.example."),
        name("child-5.test."),
        name("nobody."),
    ]
    .into();
    let zones = file.zones_of(&operators);
    assert_eq!(
        zones,
        [(name("op-3.example."), 6), (name("child-5.test."), 1)].into()
    );
}
