//! TSIG in every algorithm, over UDP and TCP, against `nsupdate`, which signs and checks by itself.

use std::{net::SocketAddr, process::Stdio};

use counterpoint_dns::{
    agent::{Peer, Server, Transport},
    driver::{clock::Clock, server::Desk},
    message::decode,
    time::Timestamp,
    tsig::{TsigKey, check_request, refuse},
};
use counterpoint_farm::software::is_able;
use data_encoding::BASE64;
use hickory_proto::op::{Message, OpCode};
use tokio::{io::AsyncWriteExt as _, process::Command};

use crate::kit::name;

const SECRET: &[u8] = b"a secret that is long enough";

/// Takes updates that are signed with its key.
struct Primary {
    key: TsigKey,
    taken: usize,
}

impl Server for Primary {
    fn respond(
        &mut self,
        now: Timestamp,
        _from: Peer,
        _via: Transport,
        request: &[u8],
    ) -> Option<Vec<u8>> {
        let message = decode(request).unwrap();
        Some(match check_request([&self.key], request, now) {
            Err(fault) => refuse(&message, &fault, now),
            Ok(checked) => {
                self.taken += 1;
                let mut answer = Message::response(checked.message.id, OpCode::Update);
                answer.queries = checked.message.queries.clone();
                checked.sign_answer(answer, now)
            }
        })
    }
}

/// What nsupdate says, and how many updates were taken.
async fn nsupdate(algorithm: &str, secret: &[u8], tcp: bool) -> (bool, String, usize) {
    let key = TsigKey::new(algorithm, name("ctl."), SECRET).unwrap();
    let mut primary = Primary { key, taken: 0 };
    let mut desk = Desk::default();
    let listener = desk
        .listen("127.66.250.1:0".parse().unwrap())
        .await
        .unwrap();
    let at: SocketAddr = listener.address();
    let mut command = Command::new("nsupdate");
    command.args([
        "-y",
        &format!("{algorithm}:ctl.:{}", BASE64.encode(secret)),
        "-t",
        "5",
    ]);
    if tcp {
        command.arg("-v");
    }
    let mut asking = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let words = format!(
        "server {} {}\nzone example.test.\nupdate add x.example.test. 60 TXT hello\nsend\n",
        at.ip(),
        at.port()
    );
    let mut stdin = asking.stdin.take().unwrap();
    stdin.write_all(words.as_bytes()).await.unwrap();
    drop(stdin);
    let asked = tokio::select! {
        () = desk.attend(&mut primary, Clock) => unreachable!("it attends for ever"),
        asked = asking.wait_with_output() => asked.unwrap(),
    };
    listener.close().await.unwrap();
    let said = String::from_utf8_lossy(&asked.stderr).into_owned();
    (asked.status.success(), said, primary.taken)
}

#[tokio::test]
async fn nsupdate_and_we_believe_each_other_in_every_algorithm() {
    if !is_able(&["nsupdate"]) {
        return;
    }
    for algorithm in ["hmac-sha256", "hmac-sha384", "hmac-sha512"] {
        for tcp in [false, true] {
            let found = nsupdate(algorithm, SECRET, tcp).await;
            assert_eq!(found, (true, String::new(), 1), "{algorithm}, tcp {tcp}");
        }
        let (is_fine, said, taken) =
            nsupdate(algorithm, b"another secret of that length", true).await;
        assert_eq!((is_fine, taken), (false, 0), "{said}");
        assert!(
            said.contains("BADSIG") || said.contains("NOTAUTH"),
            "{said}"
        );
    }
}
