//! hickory's own client asks our servers: an independent reader of every octet, TSIG included.

use std::net::SocketAddr;

use counterpoint_dns::{
    name::{Name, RecordType},
    stream::octets,
};
use counterpoint_simnet::net::Net;
use futures_util::StreamExt as _;
use hickory_client::{
    client::{Client, ClientHandle as _},
    runtime::TokioRuntimeProvider,
    tcp::TcpClientStream,
    udp::UdpClientStream,
    xfer::DnsMultiplexer,
};
use hickory_proto::{
    op::ResponseCode,
    rr::{
        DNSClass, RData, Record, TSigner,
        rdata::{A, TXT, tsig::TsigAlgorithm},
    },
};

use crate::kit::{DNS_PORT, Town, name, published, stage, zone};

type Hickory = Client<TokioRuntimeProvider>;

/// The secret of an operator of the world, in hickory's hands.
fn secret(seed: u64, operator: &str) -> TSigner {
    let secret = octets(seed, &format!("{operator}/tsig")).to_vec();
    let key = name(&format!("update.{operator}.key."));
    TSigner::new(secret, TsigAlgorithm::HmacSha256, (&key).into(), 300).unwrap()
}

fn over_udp(to: SocketAddr) -> Hickory {
    let stream = UdpClientStream::builder(to, TokioRuntimeProvider::new());
    let (client, background) = Client::from_sender(stream.build());
    tokio::spawn(background);
    client
}

/// For updates: its UDP client passes over answers that do not repeat the zone section, and ours need
/// not (RFC 2136 §3.8).
async fn over_tcp(to: SocketAddr, signer: Option<TSigner>) -> Hickory {
    let provider = TokioRuntimeProvider::new();
    let (stream, handle) = TcpClientStream::new(to, None, None, provider);
    let mut sender = DnsMultiplexer::new(stream.await.unwrap(), handle);
    if let Some(signer) = signer {
        sender = sender.with_signer(signer);
    }
    let (client, background) = Client::from_sender(sender);
    tokio::spawn(background);
    client
}

fn txt(owner: &Name, text: &str) -> Record {
    let data = RData::TXT(TXT::new(vec![text.into()]));
    Record::from_rdata(owner.into(), 60, data)
}

#[tokio::test]
async fn its_queries_updates_and_transfers_are_answered() {
    let stage = stage();
    let seed = stage.topology.seed;
    let (parent, alpha) = (1, 2);
    let town = Town::open(stage).await.unwrap();
    let at = |address| town.route(SocketAddr::new(address, DNS_PORT));
    let ns1 = at(Net::default().instance(alpha, 0));
    let alpha_primary = at(Net::default().primary(alpha));
    let parent_primary = at(Net::default().primary(parent));
    let owner = name("new.example.test.");

    let story = async {
        let www = name("www.example.test.");
        let mut plain = over_udp(ns1);
        let answer = plain
            .query((&www).into(), DNSClass::IN, RecordType::A)
            .await
            .unwrap();
        assert!(answer.authoritative);
        assert_eq!(Name::from(&answer.answers[0].name), www);
        assert_eq!(answer.answers[0].data, RData::A(A::new(192, 0, 2, 1)));

        let mut nobody = over_tcp(alpha_primary, None).await;
        let unsigned = nobody.create(txt(&owner, "no"), (&zone()).into()).await;
        assert_eq!(unsigned.unwrap().response_code, ResponseCode::Refused);

        let mut signed = over_tcp(alpha_primary, Some(secret(seed, "alpha"))).await;
        let first = signed
            .create(txt(&owner, "hello"), (&zone()).into())
            .await
            .unwrap();
        assert_eq!(first.response_code, ResponseCode::NoError);
        let second = signed
            .create(txt(&owner, "again"), (&zone()).into())
            .await
            .unwrap();
        assert_eq!(
            second.response_code,
            ResponseCode::YXRRSet,
            "it is there already"
        );
        let answer = plain
            .query((&owner).into(), DNSClass::IN, RecordType::TXT)
            .await
            .unwrap();
        assert_eq!(answer.answers[0], txt(&owner, "hello"));

        let mut transferring = over_tcp(parent_primary, Some(secret(seed, "parent"))).await;
        let mut transfer = transferring.zone_transfer((&name("test.")).into(), None);
        let mut records = Vec::new();
        while let Some(message) = transfer.next().await {
            records.extend(message.unwrap().answers.iter().cloned());
        }
        records
    };
    let (stage, records) = town.during(story).await;

    assert_eq!(
        published(&stage, "alpha", &zone(), &owner, RecordType::TXT).len(),
        1
    );
    assert_eq!(
        records.first().map(Record::record_type),
        Some(RecordType::SOA)
    );
    assert_eq!(
        records.first(),
        records.last(),
        "the whole zone, its TSIG believed"
    );
    assert!(records.len() > 20, "{}", records.len());
}
