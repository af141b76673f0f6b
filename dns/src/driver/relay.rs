//! Octets through hickory-server: requests as they came, answers as nearly as its types allow.

use std::{iter, net::SocketAddr, slice};

use async_trait::async_trait;
use hickory_proto::{
    op::{Edns, Header, Message, ResponseCode},
    rr::Record,
    serialize::binary::{BinDecodable as _, BinDecoder, BinEncoder},
};
use hickory_server::{
    net::{runtime::Time, xfer::Protocol},
    server::{Request, RequestHandler, ResponseHandler, ResponseInfo},
    zone_handler::{MessageResponse, MessageResponseBuilder, Queries},
};
use tokio::sync::{mpsc, oneshot};

use super::server::Inquiry;
use crate::{
    agent::Transport,
    message::{decode, keep_data_as_octets},
};

/// Octets of a datagram to somebody without EDNS (RFC 1035 §4.2.1).
const PLAIN_UDP_MAX: u16 = 512;

/// Hands every request to the desk, and its answer to hickory.
pub(super) struct Relay {
    /// The address that it listens at.
    pub address: SocketAddr,
    /// Where requests are answered.
    pub desk: mpsc::Sender<Inquiry>,
}

impl Relay {
    async fn ask(&self, request: &Request) -> Option<Vec<u8>> {
        let (reply, answer) = oneshot::channel();
        let via = match request.protocol() {
            Protocol::Udp => Transport::Udp,
            _ => Transport::Tcp,
        };
        let inquiry = Inquiry {
            to: self.address,
            from: request.src(),
            via,
            request: request.as_slice().to_vec(),
            reply,
        };
        self.desk.send(inquiry).await.ok()?;
        answer.await.ok().flatten()
    }
}

#[async_trait]
impl RequestHandler for Relay {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut to: R,
    ) -> ResponseInfo {
        let silence = ResponseInfo::from(Header {
            metadata: request.metadata,
            counts: Default::default(),
        });
        let Some(octets) = self.ask(request).await else {
            return silence;
        };
        let sent = match Faithful::read(&octets) {
            Some(answer) if answer.survives(&octets, request.protocol()) => {
                to.send_response(answer.response()).await
            }
            // A signature over other octets is worth nothing, and an answer that cannot be read is none.
            _ => {
                let builder = MessageResponseBuilder::from_message_request(request);
                let failure = builder.error_msg(&request.metadata, ResponseCode::ServFail);
                to.send_response(failure).await
            }
        };
        // Whoever asked may be gone: as with any datagram that is lost.
        sent.unwrap_or(silence)
    }
}

/// An answer in hickory's types.
struct Faithful {
    message: Message,
    queries: Queries,
}

type Records<'a> = slice::Iter<'a, Record>;
type Response<'a> =
    MessageResponse<'a, 'a, Records<'a>, Records<'a>, iter::Empty<&'a Record>, Records<'a>>;

impl Faithful {
    fn read(octets: &[u8]) -> Option<Self> {
        let mut message = decode(octets).ok()?;
        if message.signature.is_some() {
            keep_data_as_octets(&mut message);
        }
        let mut decoder = BinDecoder::new(octets);
        let header = Header::read(&mut decoder).ok()?;
        let queries = Queries::read(&mut decoder, header.counts.queries.into()).ok()?;
        Some(Self { message, queries })
    }

    fn response(&self) -> Response<'_> {
        let message = &self.message;
        let builder = MessageResponseBuilder::new(&self.queries, message.edns.as_ref());
        let mut response = builder.build(
            message.metadata,
            &message.answers,
            &message.authorities,
            iter::empty(),
            &message.additionals,
        );
        if let Some(signature) = &message.signature {
            response.set_signature(signature.clone());
        }
        response
    }

    /// Whether the answer may be encoded anew: an unsigned one always, a signed one only if that
    /// changes no octet of it.
    fn survives(&self, octets: &[u8], protocol: Protocol) -> bool {
        if self.message.signature.is_none() {
            return true;
        }
        let mut anew = Vec::with_capacity(octets.len());
        let mut encoder = BinEncoder::new(&mut anew);
        if protocol == Protocol::Udp {
            // As hickory-server will.
            let edns = self.message.edns.as_ref();
            encoder.set_max_size(edns.map_or(PLAIN_UDP_MAX, Edns::max_payload));
        }
        let emitted = self.response().destructive_emit(&mut encoder);
        emitted.is_ok() && anew == octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        message::{Question, encode, query, records},
        name::{RecordType, parse_name},
        rdata::Rdata,
        rrset::RrSet,
        time::Timestamp,
        tsig::{TsigKey, check_request},
    };

    /// An answer of `size` address records and NS records, signed.
    fn signed_answer(size: u8) -> (Message, Vec<u8>) {
        let now = Timestamp::from_seconds(1_767_225_600);
        let zone = parse_name("Example.test.").unwrap();
        let key = TsigKey::hmac_sha256(parse_name("k.").unwrap(), b"secret");
        let question = query(7, &Question::new(zone.clone(), RecordType::AXFR));
        let (request, _) = key.sign_request(decode(&question).unwrap(), now);
        let checked = check_request([&key], &request, now).unwrap();
        let mut answer = Message::response(7, checked.message.op_code);
        answer.queries.clone_from(&checked.message.queries);
        for number in 0..size {
            let host = zone.prepend_label(format!("host-{number}")).unwrap();
            let address = Rdata::address([192, 0, 2, number].into());
            let addresses = RrSet::new(host.clone(), RecordType::A, 60, [address]);
            answer.answers.extend(records(&addresses));
            let ns = RrSet::new(zone.clone(), RecordType::NS, 60, [Rdata::name(&host)]);
            answer.answers.extend(records(&ns));
        }
        let octets = checked.sign_answer(answer.clone(), now);
        (answer, octets)
    }

    #[test]
    fn signed_answers_survive_to_the_octet_whatever_their_size() {
        for size in [0, 1, 10, 63, 64, 65, 200] {
            let (_, octets) = signed_answer(size);
            let answer = Faithful::read(&octets).unwrap();
            assert!(answer.survives(&octets, Protocol::Tcp), "{size}");
        }
    }

    #[test]
    fn what_would_be_cut_or_was_encoded_otherwise_does_not_survive() {
        let (_, octets) = signed_answer(65);
        let answer = Faithful::read(&octets).unwrap();
        assert!(!answer.survives(&octets, Protocol::Udp));
        let compressed = encode(&decode(&octets).unwrap());
        let answer = Faithful::read(&compressed).unwrap();
        assert!(!answer.survives(&compressed, Protocol::Tcp));
    }

    #[test]
    fn unsigned_answers_keep_every_record() {
        let (message, _) = signed_answer(10);
        let octets = encode(&message);
        let answer = Faithful::read(&octets).unwrap();
        assert!(answer.survives(&octets, Protocol::Udp));
        let mut anew = Vec::new();
        let mut encoder = BinEncoder::new(&mut anew);
        answer.response().destructive_emit(&mut encoder).unwrap();
        assert_eq!(decode(&anew).unwrap(), decode(&octets).unwrap());
    }
}
