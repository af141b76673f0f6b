//! The parent's zone by transfer from its hidden primary (RFC 5936), signed by TSIG, message by message.
//!
//! A transfer that is not whole, or not covered to its last octet by signatures, is an error.

use std::{
    io::{self, BufReader, Read, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use counterpoint_dns::{
    message::{Question, decode, encode, query},
    name::{Name, RecordType},
    rdata::Soa,
    time::Timestamp,
    transfer::{RawMessage, RawRecord},
    tsig::TsigKey,
};

use super::{BadInput, Parent, key::key_of};

/// How long the connection, or the next piece of an answer, is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
const CLASS_IN: u16 = 1;

/// Transfers `zone` from `primary`; `now` is asked for each message.
pub fn transfer(
    zone: &Name,
    primary: SocketAddr,
    tsig: Option<&TsigKey>,
    id: u16,
    now: impl Fn() -> Timestamp,
) -> Result<Parent, BadInput> {
    let place = format!("transfer of {zone} from {primary}");
    let remedy = "see that the primary is there and lets this address and key transfer the zone";
    let failed = |error: io::Error| BadInput::new(&place, error, remedy);
    let mut stream = TcpStream::connect_timeout(&primary, PATIENCE).map_err(failed)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
    let plain = query(id, &Question::new(zone.clone(), RecordType::AXFR));
    let (request, mac) = match (tsig, decode(&plain)) {
        (Some(key), Ok(mut message)) => {
            // Some primaries refuse EDNS here, and none needs it.
            message.edns = None;
            let (octets, mac) = key.sign_request(message, now());
            (octets, Some(mac))
        }
        (None, Ok(mut message)) => {
            message.edns = None;
            (encode(&message), None)
        }
        (_, Err(_)) => (plain, None),
    };
    let length = u16::try_from(request.len()).unwrap_or(u16::MAX);
    let framed = [&length.to_be_bytes(), request.as_slice()].concat();
    stream.write_all(&framed).map_err(failed)?;
    let chain = tsig
        .zip(mac.as_ref())
        .map(|(key, mac)| key.check_chain(mac));
    let mut answer = BufReader::new(stream);
    read_answer(zone, id, chain, &mut answer, &now)
        .map_err(|what| BadInput::new(&place, what, remedy))
}

fn read_answer(
    zone: &Name,
    id: u16,
    mut chain: Option<counterpoint_dns::tsig::Chain<'_>>,
    answer: &mut impl Read,
    now: &impl Fn() -> Timestamp,
) -> Result<Parent, String> {
    let mut reading = Reading {
        parent: Parent::new(zone.clone()),
        first: None,
        is_whole: false,
    };
    while !reading.is_whole || chain.as_ref().is_some_and(|chain| !chain.is_closed()) {
        let mut length = [0; 2];
        let cut = |error: io::Error| format!("it broke off: {error}");
        answer.read_exact(&mut length).map_err(cut)?;
        let mut octets = vec![0; usize::from(u16::from_be_bytes(length))];
        answer.read_exact(&mut octets).map_err(cut)?;
        if let Some(chain) = &mut chain {
            let taken = chain.take(&octets, now());
            taken.map_err(|fault| fault.to_string())?;
        }
        let message = RawMessage::read(&octets).map_err(|error| error.to_string())?;
        if message.id != id || !message.is_response {
            return Err("the answer is to another request".into());
        }
        if message.rcode != 0 {
            return Err(format!(
                "the primary refused it, with response code {}",
                message.rcode
            ));
        }
        for record in &message.answers {
            reading.take(record)?;
        }
    }
    Ok(reading.parent.finish())
}

struct Reading {
    parent: Parent,
    /// The SOA that opened the transfer.
    first: Option<u32>,
    is_whole: bool,
}

impl Reading {
    fn take(&mut self, record: &RawRecord<'_>) -> Result<(), String> {
        if self.is_whole {
            return Err("records after its end".into());
        }
        let is_apex = record.owner == *self.parent.zone();
        let Some(first) = self.first else {
            let soa = soa_of(record).filter(|_| is_apex);
            let serial = soa.ok_or("it does not begin with the SOA record")?;
            self.parent.set_serial(serial);
            self.first = Some(serial);
            return Ok(());
        };
        if !self.parent.zone().zone_of(&record.owner) {
            return Err(format!("{} is not in the zone", record.owner));
        }
        if record.class != CLASS_IN {
            return Ok(());
        }
        let octets = record.octets();
        match record.rtype {
            RecordType::SOA if is_apex => {
                self.is_whole = soa_of(record) == Some(first);
                if !self.is_whole {
                    return Err("the zone changed while it was transferred".into());
                }
            }
            RecordType::NS if !is_apex => {
                let host = record.expand(1).map_err(|error| error.to_string())?;
                let host = host.as_name().ok_or("an NS record that is no name")?;
                self.parent
                    .add_ns(key_of(&record.owner), record.ttl, &key_of(&host));
            }
            RecordType::DS if !is_apex => {
                self.parent
                    .add_ds(key_of(&record.owner), record.ttl, octets);
            }
            RecordType::A => {
                let octets =
                    <[u8; 4]>::try_from(octets).map_err(|_| "an A record that is no address")?;
                self.add_address(record, Ipv4Addr::from(octets).into());
            }
            RecordType::AAAA => {
                let octets = <[u8; 16]>::try_from(octets)
                    .map_err(|_| "an AAAA record that is no address")?;
                self.add_address(record, Ipv6Addr::from(octets).into());
            }
            _ => {}
        }
        Ok(())
    }

    fn add_address(&mut self, record: &RawRecord<'_>, address: IpAddr) {
        let owner = key_of(&record.owner);
        self.parent.add_address(&owner, record.ttl, address);
    }
}

fn soa_of(record: &RawRecord<'_>) -> Option<u32> {
    (record.rtype == RecordType::SOA).then_some(())?;
    let data = record.expand(2).ok()?;
    Soa::parse(&data).map(|soa| soa.serial)
}

#[cfg(test)]
mod tests;
