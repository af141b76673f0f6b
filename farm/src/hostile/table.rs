//! The ways to misbehave, as a table: what each child of the hostile server does.

use counterpoint_dns::{agent::Transport, name::Name};

use super::{
    site::{Extra, Site},
    wire::Question,
};

/// Something that the server does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Answers.
    Send(Vec<u8>),
    /// Answers from another address.
    SendFromElsewhere(Vec<u8>),
    /// Answers an octet at a time, so slowly that it never comes to the end.
    Drip(Vec<u8>),
    /// Says nothing, and holds on to the connection.
    Hang,
    /// Sends without end.
    Flood(Vec<u8>),
}

/// What a child has in its zone besides what is sound.
type More = fn(&Name) -> Extra;
/// What is done about a question.
type Does = fn(&Site, &Question, Transport) -> Vec<Act>;

/// One way to misbehave.
#[derive(Clone, Copy, Debug)]
pub struct Misbehaviour {
    /// The label of the child that shows it.
    pub name: &'static str,
    /// What is in its zone.
    pub(super) more: More,
    /// What its server does.
    pub(super) does: Does,
}

const fn row(name: &'static str, more: More, does: Does) -> Misbehaviour {
    Misbehaviour { name, more, does }
}

/// All of them; the first one behaves.
pub const MISBEHAVIOURS: [Misbehaviour; 22] = [
    row("honest", sound, honest),
    row("garbage", sound, garbage),
    row("half", sound, half),
    row("loop", sound, points_at_itself),
    row("wrong-id", sound, wrong_id),
    row("wrong-question", sound, wrong_question),
    row("elsewhere", sound, elsewhere),
    row("no-answer-bit", sound, no_answer_bit),
    row("always-truncated", sound, always_truncated),
    row("drips", sound, |site, question, via| {
        over_tcp(question, via, Act::Drip(site.answer(question)))
    }),
    row("hangs", sound, |_, question, via| {
        over_tcp(question, via, Act::Hang)
    }),
    row("floods", sound, |_, question, via| {
        over_tcp(question, via, Act::Flood(vec![0; 1 << 16]))
    }),
    row("storm", sound, storm),
    row("fat", sound, fat),
    row(
        "thousand-keys",
        |_| Extra {
            keys: 1_000,
            ..none()
        },
        honest,
    ),
    row(
        "thousand-signatures",
        |_| Extra {
            signatures: 1_000,
            signature_octets: 1,
            ..none()
        },
        honest,
    ),
    row(
        "key-tag-storm",
        |_| Extra {
            keys_alike: 400,
            signatures: 300,
            ..none()
        },
        honest,
    ),
    // Within every count, and still too dear to be tried to the end.
    row(
        "small-storm",
        |_| Extra {
            keys_alike: 3,
            signatures: 14,
            ..none()
        },
        honest,
    ),
    row("thousand-cds", |_| Extra::cds(1_000), honest),
    row("hundred-servers", |name| Extra::hosts(name, 90), honest),
    row("thousand-servers", |name| Extra::hosts(name, 250), honest),
    row("silent", sound, |_, _, _| Vec::new()),
];

fn none() -> Extra {
    Extra::default()
}

fn sound(_: &Name) -> Extra {
    none()
}

/// The longest datagram that is sent.
const DATAGRAM_MAX: usize = 1_232;

fn fitting(answer: Vec<u8>, question: &Question, via: Transport) -> Vec<Act> {
    let is_short = via == Transport::Tcp || answer.len() <= DATAGRAM_MAX;
    let answer = if is_short {
        answer
    } else {
        question.truncated()
    };
    vec![Act::Send(answer)]
}

fn honest(site: &Site, question: &Question, via: Transport) -> Vec<Act> {
    fitting(site.answer(question), question, via)
}

fn changed(
    site: &Site,
    question: &Question,
    via: Transport,
    change: impl Fn(&mut Vec<u8>),
) -> Vec<Act> {
    let mut answer = site.answer(question);
    change(&mut answer);
    fitting(answer, question, via)
}

/// Three records are announced, and noise follows.
fn garbage(_: &Site, question: &Question, via: Transport) -> Vec<Act> {
    let mut octets = question.head(3, 0);
    octets.extend((0..200_u8).map(|at| at.wrapping_mul(89) ^ 0x5a));
    fitting(octets, question, via)
}

fn half(site: &Site, question: &Question, via: Transport) -> Vec<Act> {
    changed(site, question, via, |answer| {
        answer.truncate(answer.len() * 2 / 3);
    })
}

/// The owner of the answer is a pointer to itself.
fn points_at_itself(_: &Site, question: &Question, via: Transport) -> Vec<Act> {
    let mut octets = question.head(1, 0);
    let at = (octets.len() as u16) | 0xc000;
    octets.extend(at.to_be_bytes());
    octets.extend(u16::from(question.rtype).to_be_bytes());
    octets.extend([0, 1, 0, 0, 0, 60, 0, 2]);
    octets.extend(at.to_be_bytes());
    fitting(octets, question, via)
}

fn wrong_id(site: &Site, question: &Question, via: Transport) -> Vec<Act> {
    changed(site, question, via, |answer| answer[1] ^= 0x55)
}

fn wrong_question(site: &Site, question: &Question, via: Transport) -> Vec<Act> {
    // The first letter of the name.
    changed(site, question, via, |answer| answer[13] = b'z')
}

fn no_answer_bit(site: &Site, question: &Question, via: Transport) -> Vec<Act> {
    changed(site, question, via, |answer| answer[2] &= 0x7f)
}

fn elsewhere(site: &Site, question: &Question, via: Transport) -> Vec<Act> {
    match via {
        Transport::Udp => vec![Act::SendFromElsewhere(site.answer(question))],
        Transport::Tcp => vec![Act::Hang],
    }
}

fn always_truncated(_: &Site, question: &Question, _: Transport) -> Vec<Act> {
    vec![Act::Send(question.truncated())]
}

fn over_tcp(question: &Question, via: Transport, act: Act) -> Vec<Act> {
    match via {
        Transport::Udp => vec![Act::Send(question.truncated())],
        Transport::Tcp => vec![act],
    }
}

/// A hundred wrong answers before the right one.
fn storm(site: &Site, question: &Question, via: Transport) -> Vec<Act> {
    let right = honest(site, question, via);
    let wrong = wrong_id(site, question, via);
    let storm = match via {
        Transport::Udp => 100,
        Transport::Tcp => 0,
    };
    wrong.into_iter().cycle().take(storm).chain(right).collect()
}

/// Every answer is as long as an answer can be.
fn fat(site: &Site, question: &Question, via: Transport) -> Vec<Act> {
    let mut answer = site.answer(question);
    if via == Transport::Udp {
        return vec![Act::Send(question.truncated())];
    }
    // Records of a type that nobody asked for, in the additional section: TYPE65280, 1,000 octets each.
    let count = (60_000 - answer.len()) / 1_012;
    answer[10..12].copy_from_slice(&(count as u16).to_be_bytes());
    for _ in 0..count {
        answer.extend([0xc0, 12, 0xff, 0, 0, 1, 0, 0, 0, 60, 3, 0xe8]);
        answer.extend([7; 1_000]);
    }
    vec![Act::Send(answer)]
}
