//! What the driver owes every agent: order, patience, and deaf ears for forgeries.

use std::{collections::VecDeque, io, net::SocketAddr, time::Duration};

use counterpoint_dns::{
    agent::{Agent, AskId, Input, Output, Record, Transport},
    driver::{
        agent::{Driver, Options},
        store::{MemoryStore, Store},
    },
    message::{Question, query},
    name::RecordType,
    time::Timestamp,
};
use tokio::net::UdpSocket;

use crate::kit::zone;

/// Wants what it was given to want, and keeps what it hears.
#[derive(Default)]
struct Probe {
    wants: VecDeque<Output>,
    heard: Vec<Input<()>>,
    wake: Option<Timestamp>,
}

impl Agent for Probe {
    type Command = ();

    fn handle(&mut self, _now: Timestamp, input: Input<()>) {
        self.heard.push(input);
    }

    fn poll(&mut self, _now: Timestamp) -> Option<Output> {
        self.wants.pop_front()
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.wake
    }
}

fn ask(id: u64, to: SocketAddr) -> Output {
    Output::Ask {
        id: AskId(id),
        to,
        via: Transport::Udp,
        bytes: query(4_711, &Question::new(zone(), RecordType::SOA)),
    }
}

fn persist(value: &str) -> Output {
    Output::Persist(Record {
        key: "k".into(),
        value: value.into(),
    })
}

fn hasty() -> Options {
    Options {
        patience_udp: Duration::from_millis(200),
        asks_max: 1,
        ..Options::default()
    }
}

async fn socket() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.66.240.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[tokio::test]
async fn only_the_answer_of_the_server_that_was_asked_is_taken() {
    let (server, address) = socket().await;
    let (stranger, _) = socket().await;
    let probe = Probe {
        wants: [ask(1, address), ask(2, address)].into(),
        ..Probe::default()
    };
    let (driver, handle) = Driver::new(probe, MemoryStore::default(), |_, _| {}, hasty());
    let answering = async {
        let mut octets = [0; 512];
        let (length, from) = server.recv_from(&mut octets).await.unwrap();
        let mut answer = octets[..length].to_vec();
        answer[2] |= 0x80;
        stranger.send_to(&answer, from).await.unwrap();
        let mut wrong_id = answer.clone();
        wrong_id[0] ^= 1;
        server.send_to(&wrong_id, from).await.unwrap();
        // An echo is no answer.
        server.send_to(&octets[..length], from).await.unwrap();
        server.send_to(&answer, from).await.unwrap();
        // The second question comes when the first is done, from a socket of its own; it is left unanswered.
        let (_, second) = server.recv_from(&mut octets).await.unwrap();
        assert_ne!(from, second);
        handle.stop().await.unwrap();
        answer
    };
    let (ran, answer) = tokio::join!(driver.run(), answering);
    let (probe, _) = ran.unwrap();
    let heard = [
        Input::Answer {
            id: AskId(1),
            bytes: answer,
        },
        Input::Failure { id: AskId(2) },
    ];
    assert_eq!(probe.heard, heard, "a stop waits for what is under way");
}

/// Refuses the value `full`.
#[derive(Default)]
struct Full(MemoryStore);

impl Store for Full {
    fn put(&mut self, record: &Record) -> io::Result<()> {
        match record.value.as_str() {
            "full" => Err(io::ErrorKind::StorageFull.into()),
            _ => self.0.put(record),
        }
    }

    fn records(&self) -> Vec<Record> {
        self.0.records()
    }
}

#[tokio::test]
async fn nothing_is_asked_after_a_record_that_could_not_be_kept() {
    let (server, address) = socket().await;
    let probe = Probe {
        wants: [persist("fine"), persist("full"), ask(1, address)].into(),
        ..Probe::default()
    };
    let (driver, _handle) = Driver::new(probe, Full::default(), |_, _| {}, hasty());
    let error = driver.run().await.err().expect("the store is full");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    let mut octets = [0; 512];
    let nothing = server.try_recv_from(&mut octets).unwrap_err();
    assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn an_agent_that_is_always_due_still_hears_of_what_it_asked() {
    let (server, address) = socket().await;
    let probe = Probe {
        wants: [ask(1, address)].into(),
        wake: Some(Timestamp::MIN),
        ..Probe::default()
    };
    let (driver, handle) = Driver::new(probe, MemoryStore::default(), |_, _| {}, hasty());
    let answering = async {
        let mut octets = [0; 512];
        let (length, from) = server.recv_from(&mut octets).await.unwrap();
        octets[2] |= 0x80;
        server.send_to(&octets[..length], from).await.unwrap();
        handle.stop().await.unwrap();
    };
    let (ran, ()) = tokio::join!(driver.run(), answering);
    let heard = ran.unwrap().0.heard;
    assert!(heard.contains(&Input::Wake));
    let answers = heard
        .iter()
        .filter(|input| matches!(input, Input::Answer { .. }));
    assert_eq!(answers.count(), 1);
}
