//! Messages written by hand: whoever misbehaves cannot leave the writing to a library.

use counterpoint_dns::{
    name::{Name, RecordType, read_name},
    rrset::SignedRrSet,
};

/// Octets of a header.
const HEADER: usize = 12;
/// Where the question's name stands, as a pointer (RFC 1035 §4.1.4).
const TO_QUESTION: [u8; 2] = [0xc0, HEADER as u8];
/// QR and AA.
const FLAGS: u8 = 0x84;
/// TC.
const TRUNCATED: u8 = 0x02;
/// The response code of a server that has no such zone.
const REFUSED: u8 = 5;

/// A question as it came.
#[derive(Clone, Debug)]
pub struct Question {
    /// The id.
    pub id: [u8; 2],
    /// The name.
    pub name: Name,
    /// The type.
    pub rtype: RecordType,
    /// Name, type and class, to the octet.
    octets: Vec<u8>,
}

impl Question {
    /// Reads it; nothing, if that is no question.
    pub fn read(request: &[u8]) -> Option<Self> {
        let (name, after) = read_name(request, HEADER)?;
        let fixed = request.get(after..after + 4)?;
        Some(Self {
            id: [request[0], request[1]],
            name,
            rtype: u16::from_be_bytes([fixed[0], fixed[1]]).into(),
            octets: request.get(HEADER..after + 4)?.to_vec(),
        })
    }

    /// Header and question of an answer with so many answer and authority records.
    pub fn head(&self, answers: u16, authorities: u16) -> Vec<u8> {
        let mut octets = self.id.to_vec();
        octets.extend([FLAGS, 0, 0, 1]);
        octets.extend(answers.to_be_bytes());
        octets.extend(authorities.to_be_bytes());
        octets.extend([0, 0]);
        octets.extend(&self.octets);
        octets
    }

    /// An answer with these records.
    pub fn answer(&self, answers: &[SignedRrSet], authorities: &[SignedRrSet]) -> Vec<u8> {
        let mut body = Vec::new();
        let answers = self.write(answers, &mut body);
        let authorities = self.write(authorities, &mut body);
        let mut octets = self.head(answers, authorities);
        octets.extend(body);
        octets
    }

    /// "Ask again over a stream", and nothing else.
    pub fn truncated(&self) -> Vec<u8> {
        let mut octets = self.head(0, 0);
        octets[2] |= TRUNCATED;
        octets
    }

    /// "No such zone here."
    pub fn refused(&self) -> Vec<u8> {
        let mut octets = self.head(0, 0);
        octets[2] &= 0x80;
        octets[3] |= REFUSED;
        octets
    }

    /// Writes RRsets with their signatures; returns how many records that are.
    fn write(&self, sets: &[SignedRrSet], to: &mut Vec<u8>) -> u16 {
        let mut count = 0;
        for SignedRrSet { set, signatures } in sets {
            let owner = match set.name == self.name {
                true => TO_QUESTION.to_vec(),
                false => set.name.octets().to_vec(),
            };
            let mut record = |rtype: RecordType, data: &[u8]| {
                to.extend(&owner);
                to.extend(u16::from(rtype).to_be_bytes());
                to.extend([0, 1]);
                to.extend(set.ttl.to_be_bytes());
                to.extend((data.len() as u16).to_be_bytes());
                to.extend(data);
                count += 1;
            };
            for data in &set.data {
                record(set.rtype, data.octets());
            }
            for rrsig in signatures {
                record(RecordType::RRSIG, rrsig.to_rdata().octets());
            }
        }
        count
    }
}
