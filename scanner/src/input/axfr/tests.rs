//! Transfers of one and many messages, whole, cut, forged.

use super::*;
use counterpoint_dns::{
    message::{Message, Record, records},
    name::parse_name,
    rdata::Rdata,
    rrset::RrSet,
};

const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

fn name(text: &str) -> Name {
    parse_name(text).unwrap()
}

fn soa(serial: u32) -> Vec<Record> {
    let zone = name("test.");
    let soa = Soa {
        mname: zone.clone(),
        rname: zone.clone(),
        serial,
        refresh: 1,
        retry: 1,
        expire: 1,
        minimum: 1,
    };
    records(&RrSet::new(zone, RecordType::SOA, 60, [soa.to_rdata()])).collect()
}

fn set(owner: &str, rtype: RecordType, data: Rdata) -> Vec<Record> {
    records(&RrSet::new(name(owner), rtype, 60, [data])).collect()
}

fn ns(owner: &str) -> Vec<Record> {
    set(owner, RecordType::NS, Rdata::name(&name("ns1.a.test.")))
}

/// Messages of these records, framed.
fn answer(messages: &[Vec<Vec<Record>>]) -> Vec<u8> {
    let mut framed = Vec::new();
    for sets in messages {
        let request = query(7, &Question::new(name("test."), RecordType::AXFR));
        let mut message = decode(&request).unwrap();
        message.metadata.message_type = Message::response(7, message.op_code).message_type;
        message.edns = None;
        message.answers = sets.concat();
        let octets = encode(&message);
        framed.extend((octets.len() as u16).to_be_bytes());
        framed.extend(octets);
    }
    framed
}

fn read(octets: &[u8]) -> Result<Parent, String> {
    read_answer(&name("test."), 7, None, &mut &*octets, &|| NOW)
}

#[test]
fn many_messages_are_one_zone() {
    let glue = || {
        set(
            "ns1.a.test.",
            RecordType::A,
            Rdata::address([192, 0, 2, 1].into()),
        )
    };
    let ds = || {
        set(
            "a.test.",
            RecordType::DS,
            Rdata::from_octets([0, 1, 13, 2, 9]),
        )
    };
    let octets = answer(&[
        vec![soa(9), ns("test."), ns("a.test.")],
        vec![ds(), glue()],
        vec![ns("b.test."), soa(9)],
    ]);
    let parent = read(&octets).unwrap();
    assert_eq!((parent.serial(), parent.len()), (Some(9), 2));
    let a = parent.delegation(&name("A.test.")).unwrap();
    assert_eq!(a.ds_records().len(), 1);
    assert_eq!(a.glue_of(&name("ns1.a.test.")).count(), 1);
    assert!(
        a.shared.contains(&name("ns1.a.test.")),
        "b.test. uses it too"
    );
    for length in 0..octets.len() {
        assert!(read(&octets[..length]).is_err(), "cut at {length}");
    }
}

#[test]
fn what_is_no_whole_transfer_is_refused() {
    for (messages, why) in [
        (vec![vec![ns("a.test.")]], "begin with the SOA"),
        (vec![vec![soa(9), ns("a.other.")]], "not in the zone"),
        (vec![vec![soa(9), soa(10)]], "changed while"),
        (vec![vec![soa(9), soa(9), ns("a.test.")]], "after its end"),
    ] {
        let error = read(&answer(&messages)).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    let mut other = answer(&[vec![soa(9), soa(9)]]);
    other[3] ^= 1;
    assert!(read(&other).unwrap_err().contains("another request"));
}

#[test]
fn without_its_signature_it_is_not_believed() {
    let key = TsigKey::new("hmac-sha256", name("k."), b"secret").unwrap();
    let request = decode(&query(7, &Question::new(name("test."), RecordType::AXFR))).unwrap();
    let (_, mac) = key.sign_request(request, NOW);
    let octets = answer(&[vec![soa(9), soa(9)]]);
    let chain = Some(key.check_chain(&mac));
    let error = read_answer(&name("test."), 7, chain, &mut octets.as_slice(), &|| NOW).unwrap_err();
    assert!(error.contains("no TSIG"), "{error}");
}
