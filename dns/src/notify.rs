//! Generalised notifications (RFC 9859) on the wire: where a parent wants to be told, and telling it.
//!
//! Owns DSYNC data, the names under which it is looked for, and NOTIFY messages about one child
//! (RFC 1996). Knows neither who sends them nor what follows.

use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};

use crate::{
    message::{Question, decode},
    name::{Name, RecordType, canonical_wire, split_name},
    rdata::Rdata,
};

/// The type of DSYNC records (RFC 9859 §2.1).
pub const DSYNC: RecordType = RecordType::Unknown(66);

/// The types that a child may notify its parent of (RFC 9859 §4): CDS stands for CDNSKEY as well.
pub const NOTIFIED: [RecordType; 2] = [RecordType::CDS, RecordType::CSYNC];

/// NOTIFY as the scheme of a DSYNC record.
const SCHEME_NOTIFY: u8 = 1;
/// The EDNS option Report-Channel (RFC 9567 §5).
const REPORT_CHANNEL: u16 = 18;
/// Octets of a header.
const HEADER: usize = 12;
/// QR, opcode 4, AA: the third octet of an acknowledgement and, without QR, of a NOTIFY.
const ACKNOWLEDGED: u8 = 0xa4;
const NOTIFY: u8 = 0x24;
/// QR and the opcode, in the third octet.
const KIND: u8 = 0xf8;

/// A DSYNC record's fields (RFC 9859 §2.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dsync {
    /// What may be notified.
    pub rtype: RecordType,
    /// How; 1 is NOTIFY.
    pub scheme: u8,
    /// To which port.
    pub port: u16,
    /// At which host.
    pub target: Name,
}

impl Dsync {
    /// One that wants NOTIFY.
    pub fn notify(rtype: RecordType, target: Name, port: u16) -> Self {
        Self {
            rtype,
            scheme: SCHEME_NOTIFY,
            port,
            target,
        }
    }

    /// The view of a record's data. `None` if it does not have this form.
    pub fn parse(data: &Rdata) -> Option<Self> {
        let ([t0, t1, scheme, p0, p1], target) = data.octets().split_first_chunk()?;
        let (target, []) = split_name(target)? else {
            return None;
        };
        Some(Self {
            rtype: RecordType::from(u16::from_be_bytes([*t0, *t1])),
            scheme: *scheme,
            port: u16::from_be_bytes([*p0, *p1]),
            target,
        })
    }

    /// The octets.
    pub fn to_rdata(&self) -> Rdata {
        let mut octets = u16::from(self.rtype).to_be_bytes().to_vec();
        octets.push(self.scheme);
        octets.extend(self.port.to_be_bytes());
        octets.extend(canonical_wire(&self.target));
        Rdata::from_octets(octets)
    }

    /// Whether a NOTIFY of `rtype` may go there: port 0 and other schemes are not for that (§2.1).
    pub fn takes(&self, rtype: RecordType) -> bool {
        self.rtype == rtype && self.scheme == SCHEME_NOTIFY && self.port != 0
    }
}

/// The names under which the DSYNC records for `child` are looked for, in this order (RFC 9859 §4.1);
/// none if it is not below `parent`. Who knows the parent need not infer it from negative answers.
pub fn dsync_names(child: &Name, parent: &Name) -> Vec<Name> {
    let labels: Vec<&[u8]> = child.iter().collect();
    let below = labels.len().saturating_sub(parent.iter().count());
    if below == 0 || !parent.zone_of(child) {
        return Vec::new();
    }
    let Ok(general) = parent.prepend_label("_dsync") else {
        return Vec::new();
    };
    let mut labels = labels.into_iter().take(below).rev();
    let special = labels.try_fold(general.clone(), |name, label| name.prepend_label(label));
    special.ok().into_iter().chain([general]).collect()
}

/// A NOTIFY that says: `question.rtype` of the child `question.name` has changed (RFC 1996 §3).
pub fn notify(id: u16, question: &Question) -> Vec<u8> {
    let mut octets = id.to_be_bytes().to_vec();
    octets.extend([NOTIFY, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    octets.extend(canonical_wire(&question.name));
    octets.extend(u16::from(question.rtype).to_be_bytes());
    octets.extend([0, 1]);
    octets
}

/// What a NOTIFY is about. `None`: it is none, or of more than one child (RFC 9859 §4.3), or not of
/// class IN; records after the question are not looked at.
pub fn read_notify(octets: &[u8]) -> Option<Question> {
    let (header, rest) = octets.split_first_chunk::<HEADER>()?;
    let is_notify = header[2] & KIND == NOTIFY & KIND;
    if !is_notify || header[4..6] != [0, 1] {
        return None;
    }
    let (name, rest) = split_name(rest)?;
    let ([t0, t1, 0, 1], _) = rest.split_first_chunk()? else {
        return None;
    };
    let rtype = RecordType::from(u16::from_be_bytes([*t0, *t1]));
    Some(Question::new(name, rtype))
}

/// The agent domain of a message's Report-Channel option (RFC 9567 §5), if it has one that is a name.
pub fn report_channel(octets: &[u8]) -> Option<Name> {
    let message = decode(octets).ok()?;
    let option = message
        .edns
        .as_ref()?
        .option(EdnsCode::from(REPORT_CHANNEL));
    let EdnsOption::Unknown(_, domain) = option? else {
        return None;
    };
    match split_name(domain)? {
        (domain, []) if !domain.is_root() => Some(domain),
        _ => None,
    }
}

/// What is asked to report an error (RFC 9567 §6.1.1): TXT for
/// `_er.<type>.<name>.<extended error>._er.<agent domain>`. `None`: that is no name any more.
pub fn error_report(about: &Question, extended_error: u16, agent: &Name) -> Option<Question> {
    let mut labels: Vec<Vec<u8>> = vec![b"_er".to_vec()];
    labels.push(u16::from(about.rtype).to_string().into_bytes());
    labels.extend(about.name.iter().map(<[u8]>::to_vec));
    labels.push(extended_error.to_string().into_bytes());
    labels.push(b"_er".to_vec());
    labels.extend(agent.iter().map(<[u8]>::to_vec));
    let name = Name::from_labels(labels.iter().map(Vec::as_slice)).ok()?;
    Some(Question::new(name, RecordType::TXT))
}

/// The answer to a NOTIFY that [`read_notify`] could read: its id and question, QR, AA, and this
/// response code (RFC 1996 §4.7).
pub fn answer_notify(request: &[u8], rcode: u8) -> Vec<u8> {
    let Some((header, rest)) = request.split_first_chunk::<HEADER>() else {
        return Vec::new();
    };
    let after = split_name(rest).map_or(0, |(_, rest)| rest.len().saturating_sub(4));
    let mut octets = vec![header[0], header[1], ACKNOWLEDGED, rcode & 0x0f];
    octets.extend([0, 1, 0, 0, 0, 0, 0, 0]);
    octets.extend(&rest[..rest.len().saturating_sub(after)]);
    octets
}

/// The response code of an answer to the NOTIFY of this id. `None`: it is no such answer.
pub fn notify_answered(id: u16, octets: &[u8]) -> Option<u8> {
    let (header, _) = octets.split_first_chunk::<HEADER>()?;
    let answers = header[..2] == id.to_be_bytes() && header[2] & KIND == ACKNOWLEDGED & KIND;
    answers.then_some(header[3] & 0x0f)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::parse_name;

    fn name(text: &str) -> Name {
        parse_name(text).unwrap()
    }

    /// RFC 9859 §2.1, §3.
    #[test]
    fn dsync_data_is_read_as_it_is_written() {
        let target = name("cds-scanner.example.net.");
        let dsync = Dsync::notify(RecordType::CDS, target, 5359);
        let octets = b"\x00\x3b\x01\x14\xef\x0bcds-scanner\x07example\x03net\x00";
        assert_eq!(dsync.to_rdata().octets(), octets);
        assert_eq!(Dsync::parse(&dsync.to_rdata()), Some(dsync));
        for length in 0..octets.len() {
            let short = Rdata::from_octets(&octets[..length]);
            assert_eq!(Dsync::parse(&short), None, "{length} octets");
        }
        let long = [&octets[..], &[0]].concat();
        assert_eq!(Dsync::parse(&Rdata::from_octets(long)), None);
    }

    #[test]
    fn only_the_scheme_notify_with_a_port_takes_what_it_names() {
        let right = Dsync::notify(RecordType::CDS, name("a.test."), 53);
        assert!(right.takes(RecordType::CDS));
        assert!(!right.takes(RecordType::CSYNC));
        for scheme in [0, 5, 200] {
            let other = Dsync {
                scheme,
                ..right.clone()
            };
            assert!(!other.takes(RecordType::CDS), "scheme {scheme}");
        }
        assert!(!Dsync { port: 0, ..right }.takes(RecordType::CDS));
    }

    /// RFC 9859 §4.1, with `city.ise.mie.jp` of its example.
    #[test]
    fn the_special_name_comes_before_the_general_one() {
        let names = |child, parent| {
            let names = dsync_names(&name(child), &name(parent));
            let names: Vec<String> = names.iter().map(Name::to_string).collect();
            names
        };
        let city = ["city.ise.mie._dsync.jp.", "_dsync.jp."];
        assert_eq!(names("city.ise.mie.jp.", "jp."), city);
        assert_eq!(names("test.", "."), ["test._dsync.", "_dsync."]);
        assert!(names("jp.", "jp.").is_empty());
        assert!(names("example.org.", "jp.").is_empty());
    }

    #[test]
    fn a_notify_is_acknowledged_with_its_id_and_question() {
        let question = Question::new(name("example.test."), RecordType::CSYNC);
        let request = notify(4711, &question);
        assert_eq!(read_notify(&request), Some(question));
        let answer = answer_notify(&request, 0);
        assert_eq!(answer[..4], [0x12, 0x67, 0xa4, 0]);
        assert_eq!(answer[4..], request[4..]);
        assert_eq!(notify_answered(4711, &answer), Some(0));
        assert_eq!(notify_answered(4712, &answer), None, "another id");
        assert_eq!(notify_answered(4711, &request), None, "no answer");
        let refused = answer_notify(&request, 5);
        assert_eq!(notify_answered(4711, &refused), Some(5));
        let longer = [&request[..], b"more"].concat();
        assert_eq!(answer_notify(&longer, 0), answer);
    }

    /// RFC 9567 §6.1.1, with its example.
    #[test]
    fn an_error_report_is_a_question_below_the_agent_domain() {
        let about = Question::new(name("broken.test."), RecordType::A);
        let agent = name("a01.agent-domain.example.");
        let report = error_report(&about, 7, &agent).unwrap();
        let expected = "_er.1.broken.test.7._er.a01.agent-domain.example.";
        assert_eq!(report, Question::new(name(expected), RecordType::TXT));
        let label = "a".repeat(60);
        let long = name(&format!("{label}.{label}.{label}.test."));
        let about = Question::new(long.clone(), RecordType::A);
        assert_eq!(error_report(&about, 7, &long), None, "too long");
    }

    #[test]
    fn a_report_channel_is_read_if_it_is_a_name() {
        let question = Question::new(name("example.test."), RecordType::CDS);
        let plain = notify(1, &question);
        assert_eq!(report_channel(&plain), None);
        for (domain, read) in [
            (&b"\x01a\x04test\0"[..], Some(name("a.test."))),
            (b"\x01a\x04test\0\0", None),
            (b"\x01a\x04tes", None),
            (b"\0", None),
        ] {
            let mut request = plain.clone();
            request[11] = 1;
            let length = domain.len() as u8;
            request.extend([
                0,
                0,
                41,
                4,
                208,
                0,
                0,
                0,
                0,
                0,
                length + 4,
                0,
                18,
                0,
                length,
            ]);
            request.extend(domain);
            assert_eq!(report_channel(&request), read, "{domain:?}");
        }
    }

    /// RFC 9859 §4.3: it must be about one child; and nothing else may pass for a NOTIFY.
    #[test]
    fn what_is_no_notify_of_one_child_is_not_read() {
        let question = Question::new(name("example.test."), RecordType::CDS);
        let request = notify(1, &question);
        for (at, octet) in [(2, 0xa4), (2, 0x04), (2, 0x2c), (5, 2), (5, 0), (4, 1)] {
            let mut other = request.clone();
            other[at] = octet;
            assert_eq!(read_notify(&other), None, "octet {at} is {octet:#x}");
        }
        for length in 0..request.len() {
            assert_eq!(read_notify(&request[..length]), None, "{length} octets");
        }
        let mut chaos = request.clone();
        *chaos.last_mut().unwrap() = 3;
        assert_eq!(read_notify(&chaos), None);
    }
}
