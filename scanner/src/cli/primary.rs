//! The parent's primary: what it serves of a delegation now, and updates of it. Over TCP, signed if
//! there is a key.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use counterpoint_dns::{
    driver::clock::Clock,
    message::{Question, Reply, ResponseCode, decode, encode, find, query},
    name::{Name, RecordType},
    rdata::Soa,
    rrset::RrSet,
    stream::Stream,
    tsig::{TsigFault, TsigKey},
};
use rand::RngExt as _;

use crate::{
    apply::{Applied, UpdateRequest, update},
    verdict::{Change, Replacement},
};

/// How long each step of an exchange is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The primary of a zone.
pub struct Primary<'a> {
    /// The zone.
    pub zone: &'a Name,
    /// Where it is.
    pub at: SocketAddr,
    /// Signs what is asked of it.
    pub tsig: Option<&'a TsigKey>,
    /// Ids of messages.
    pub stream: Stream,
}

/// What of a change the primary has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Has {
    /// Everything that was seen.
    Seen,
    /// Everything that is wanted.
    Wanted,
    /// Something else.
    Other,
}

impl Primary<'_> {
    /// What the primary has of a change; with what differs from what was seen.
    pub fn has(&mut self, change: &Change) -> Result<(Has, Vec<String>), String> {
        let (mut is_seen, mut is_wanted) = (true, true);
        let mut differences = Vec::new();
        for set in &change.sets {
            let there = self.rrset(&set.name, set.rtype)?;
            let ttl = there.as_ref().map(|there| there.ttl);
            let data = there.map(|there| there.data).unwrap_or_default();
            let seen = set
                .seen
                .as_ref()
                .map(|seen| seen.data.clone())
                .unwrap_or_default();
            // Where only the TTL changes (D-04), it tells what is there.
            let is_ttl = seen == set.wanted.data && !set.is_noop();
            is_wanted &= data == set.wanted.data && (!is_ttl || ttl == Some(set.wanted.ttl));
            if data != seen {
                is_seen = false;
                differences.push(difference(set, &data));
            }
        }
        let has = match (is_seen, is_wanted) {
            (_, true) => Has::Wanted,
            (true, false) => Has::Seen,
            (false, false) => Has::Other,
        };
        Ok((has, differences))
    }

    /// Sends the update of a change. Without an answer nobody knows whether it was made.
    pub fn update(&mut self, change: &Change) -> Option<Applied> {
        let update = update(self.zone, change);
        let id = self.stream.random();
        let (request, octets) = UpdateRequest::new(id, &update, self.tsig, Clock.now());
        let answer = self.exchange(&octets).ok()?;
        request.read(&answer, self.tsig, Clock.now())
    }

    /// The serial of its zone.
    pub fn serial(&mut self) -> Result<u32, String> {
        let soa = self.rrset(&self.zone.clone(), RecordType::SOA)?;
        let soa = soa.and_then(|soa| soa.data.iter().find_map(Soa::parse));
        let none = || format!("{} shows no SOA of {}", self.at, self.zone);
        soa.map(|soa| soa.serial).ok_or_else(none)
    }

    /// An RRset of a delegation: in the answer, or in a referral.
    fn rrset(&mut self, name: &Name, rtype: RecordType) -> Result<Option<RrSet>, String> {
        let id = self.stream.random();
        let question = Question::new(name.clone(), rtype);
        let mut message = decode(&query(id, &question)).map_err(|error| error.to_string())?;
        // Neither size nor signatures matter here.
        message.edns = None;
        let at = self.at;
        let failed = |why: &dyn std::fmt::Display| format!("{at} on {question}: {why}");
        let plain = encode(&message);
        let signed = self
            .tsig
            .map(|key| (key, key.sign_request(message, Clock.now())));
        let checked = match signed {
            None => None,
            Some((key, (octets, mac))) => {
                let answer = self.exchange(&octets).map_err(|error| failed(&error))?;
                match key.check_answer(&mac, &answer, Clock.now()) {
                    Ok(message) => Some(Reply::from_message(&message)),
                    // Not every primary signs answers to questions. What it made of an update it
                    // does sign, and a forged view of the zone leads to no update that holds.
                    Err(TsigFault::Missing) => None,
                    Err(fault) => return Err(failed(&fault)),
                }
            }
        };
        let reply = match checked {
            Some(reply) => reply,
            None => {
                let answer = self.exchange(&plain).map_err(|error| failed(&error))?;
                Reply::parse(&answer).map_err(|error| failed(&error))?
            }
        };
        if reply.id != id || !matches!(reply.rcode, ResponseCode::NoError | ResponseCode::NXDomain)
        {
            return Err(failed(&reply.rcode));
        }
        let sections = [&reply.answer, &reply.authority, &reply.additional];
        let found = sections
            .into_iter()
            .find_map(|section| find(section, name, rtype));
        Ok(found.map(|signed| signed.set.clone()))
    }

    fn exchange(&self, octets: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect_timeout(&self.at, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let length = u16::try_from(octets.len()).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidInput, "a message that is too long")
        })?;
        stream.write_all(&[&length.to_be_bytes(), octets].concat())?;
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    }
}

fn difference(
    set: &Replacement,
    there: &std::collections::BTreeSet<counterpoint_dns::rdata::Rdata>,
) -> String {
    let show = |data: &std::collections::BTreeSet<_>| {
        let data = data
            .iter()
            .map(|data| crate::plan::text::present(set.rtype, data));
        format!("{{{}}}", Vec::from_iter(data).join(", "))
    };
    let seen = set.seen.as_ref().map(|seen| show(&seen.data));
    format!(
        "{} {} is {} and was {}",
        set.name,
        set.rtype,
        show(there),
        seen.unwrap_or_else(|| "{}".into())
    )
}
