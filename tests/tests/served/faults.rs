//! Who is asked stands behind the faults of the instant, and what is no instance is not there.

use std::{
    io::{self, Read as _, Write as _},
    net::{IpAddr, SocketAddr, TcpStream, UdpSocket},
    time::Duration,
};

use counterpoint_dns::{
    driver::clock::Clock,
    message::{Question, Reply, ResponseCode, query},
    name::{RecordType, parse_name},
};
use counterpoint_scenarios::{load::load, serve::Show};

use crate::{
    is_able,
    world::{Served, instant},
};

/// No answer takes longer on loopback.
const PATIENCE: Duration = Duration::from_millis(400);

const BROKEN: &str = r#"
title = "Every server has a fault of its own"
[scanner]
enabled = false
[controller]
enabled = false
[[signer]]
name = "alpha"
servers = 6
[[zone]]
name = "example.test."
signers = ["alpha"]
records = ["www A 192.0.2.1"]
[[fault]]
from = "1h"
until = "2h"
kind = "dead"
target = "alpha/ns1"
[[fault]]
from = "1h"
until = "2h"
kind = "rcode"
is = "NOTIMP"
target = "alpha/ns2"
[[fault]]
from = "1h"
until = "2h"
kind = "truncate"
target = "alpha/ns3"
[[fault]]
from = "1h"
until = "2h"
kind = "latency"
by = "3s"
target = "alpha/ns4"
[[fault]]
from = "1h"
until = "2h"
kind = "forge"
target = "alpha/ns5"
"#;

fn question() -> Question {
    Question::new(parse_name("www.example.test.").unwrap(), RecordType::A)
}

/// What a server says over UDP, in a word.
fn over_udp(at: SocketAddr) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    // Who is not there may say so.
    socket.connect(at).unwrap();
    socket.send(&query(7, &question())).unwrap();
    let mut octets = [0; 4_096];
    match socket.recv(&mut octets) {
        Ok(length) => said(&octets[..length]),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => "nobody".into(),
        Err(_) => "silence".into(),
    }
}

/// The same over TCP.
fn over_tcp(at: SocketAddr) -> String {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = query(7, &question());
    stream
        .write_all(&(request.len() as u16).to_be_bytes())
        .unwrap();
    stream.write_all(&request).unwrap();
    let mut length = [0; 2];
    if stream.read_exact(&mut length).is_err() {
        return "silence".into();
    }
    let mut octets = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut octets).unwrap();
    said(&octets)
}

fn said(octets: &[u8]) -> String {
    let reply = Reply::parse(octets).unwrap();
    match reply.answer_for(&question()) {
        _ if reply.truncated => "truncated".into(),
        _ if reply.rcode != ResponseCode::NoError => reply.rcode.to_string(),
        Some(signed) => match signed.set.to_string().contains("192.0.2.1") {
            true => "the truth".into(),
            false => "a lie".into(),
        },
        None => "nothing".into(),
    }
}

#[test]
fn each_stands_behind_its_fault_until_that_has_ended() {
    if !is_able(&[]) {
        return;
    }
    let scenario = load("broken.toml", BROKEN).unwrap();
    let net: counterpoint_simnet::net::Net = "127.67.0.0/16".parse().unwrap();
    let show = Show { scenario, net };
    let stage = show.at(Duration::ZERO, Clock.now());
    let alpha = stage.world.operator("alpha").unwrap();
    let at = |address: IpAddr| SocketAddr::new(address, 53);
    let server = |number: usize| at(net.instance(alpha, number));
    let served = Served::open(show, &["90m", "2h"].map(instant));
    let all = |ask: fn(SocketAddr) -> String| {
        let said = (0..6).map(|number| ask(server(number)));
        said.collect::<Vec<_>>()
    };
    let udp = [
        "silence",
        "Not Implemented",
        "truncated",
        "silence",
        "a lie",
        "the truth",
    ];
    assert_eq!(all(over_udp), udp);
    // A stream is worth more patience than three seconds there and back.
    let tcp = [
        "silence",
        "Not Implemented",
        "the truth",
        "the truth",
        "a lie",
        "the truth",
    ];
    assert_eq!(all(over_tcp), tcp);
    assert_eq!(over_udp(at(net.primary(alpha))), "nobody");
    served.turn();
    assert_eq!(all(over_udp), ["the truth"; 6]);
}
