//! Domain names, compared by labels and without regard to case (RFC 4343), never as strings.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, LazyLock},
};

pub use hickory_proto::rr::RecordType;

/// The longest label, octets (RFC 1035 §2.3.4).
const LABEL_MAX: usize = 63;
/// The longest name on the wire, octets (RFC 1035 §2.3.4).
const NAME_MAX: usize = 255;
/// No name of that length has more labels.
const LABELS_MAX: usize = NAME_MAX / 2;

/// An absolute domain name: its uncompressed wire form (RFC 1035 §3.1), in the case in which it came.
/// Equality and order are those of DNSSEC (RFC 4034 §6.1). Copies, and the names above it, share its
/// octets.
#[derive(Clone)]
pub struct Name {
    octets: Arc<[u8]>,
    /// Where it begins: names above another begin further on.
    start: u8,
}

/// Labels that make no name: one is empty or longer than 63 octets, or all are longer than 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadLabels;

impl fmt::Display for BadLabels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a label is empty or has more than {LABEL_MAX} octets, or the name more than {NAME_MAX}"
        )
    }
}

impl std::error::Error for BadLabels {}

impl Name {
    /// `.`
    pub fn root() -> Self {
        static ROOT: LazyLock<Name> = LazyLock::new(|| Name {
            octets: Arc::from([0]),
            start: 0,
        });
        ROOT.clone()
    }

    /// The name of these labels, the leftmost first.
    pub fn from_labels<L: AsRef<[u8]>>(
        labels: impl IntoIterator<Item = L>,
    ) -> Result<Self, BadLabels> {
        let mut wire = Vec::with_capacity(64);
        for label in labels {
            let label = label.as_ref();
            if label.is_empty() || label.len() > LABEL_MAX {
                return Err(BadLabels);
            }
            wire.push(label.len() as u8);
            wire.extend(label);
        }
        wire.push(0);
        Self::of_wire(&wire)
    }

    /// The name of wire form that is whole and uncompressed, if it is not too long.
    fn of_wire(wire: &[u8]) -> Result<Self, BadLabels> {
        (wire.len() <= NAME_MAX)
            .then(|| Self {
                octets: wire.into(),
                start: 0,
            })
            .ok_or(BadLabels)
    }

    /// Its uncompressed wire form, in the case in which it came.
    pub fn octets(&self) -> &[u8] {
        // `start` is where one of the labels begins.
        &self.octets[usize::from(self.start)..]
    }

    /// Its labels, the leftmost first, the root not among them.
    pub fn iter(&self) -> Labels<'_> {
        Labels(self.octets())
    }

    /// Its labels, the rightmost first, the root not among them.
    pub fn from_root(&self) -> FromRoot<'_> {
        FromRoot::of(self)
    }

    /// Whether it is `.`
    pub fn is_root(&self) -> bool {
        self.octets() == [0]
    }

    /// Whether its first label is `*` (RFC 4592 §2.1.1).
    pub fn is_wildcard(&self) -> bool {
        self.octets().starts_with(b"\x01*")
    }

    /// The number of labels, the root not counted and a leading `*` not counted (RFC 4034 §3.1.3).
    pub fn num_labels(&self) -> u8 {
        self.iter().count() as u8 - u8::from(self.is_wildcard())
    }

    /// The name without its first label; the root stays what it is.
    pub fn base_name(&self) -> Self {
        let length = self.octets()[0];
        Self {
            octets: Arc::clone(&self.octets),
            start: self.start + if length == 0 { 0 } else { length + 1 },
        }
    }

    /// Its last so many labels, or all of them.
    pub fn trim_to(&self, labels: usize) -> Self {
        let mut name = self.clone();
        for _ in labels..self.iter().count() {
            name = name.base_name();
        }
        name
    }

    /// A label and this name behind it.
    pub fn prepend_label(&self, label: impl AsRef<[u8]>) -> Result<Self, BadLabels> {
        let label = label.as_ref();
        if label.is_empty() || label.len() > LABEL_MAX {
            return Err(BadLabels);
        }
        let length = [label.len() as u8];
        Self::of_wire(&[&length[..], label, self.octets()].concat())
    }

    /// This name and another behind it.
    pub fn append_domain(&self, domain: &Self) -> Result<Self, BadLabels> {
        let own = self.octets();
        Self::of_wire(&[&own[..own.len() - 1], domain.octets()].concat())
    }

    /// Whether `name` is this name or lies below it.
    pub fn zone_of(&self, name: &Self) -> bool {
        let (zone, name) = (self.octets(), name.octets());
        let Some(above) = name.len().checked_sub(zone.len()) else {
            return false;
        };
        if !name[above..].eq_ignore_ascii_case(zone) {
            return false;
        }
        // The octets agree; it is a name above only if a label begins there.
        let mut at = 0;
        while at < above {
            at += 1 + usize::from(name[at]);
        }
        at == above
    }

    /// How many of their last labels two names share.
    pub fn shared_labels(&self, other: &Self) -> usize {
        let (mut own, mut others) = (self.from_root(), other.from_root());
        let mut shared = 0;
        while let (Some(one), Some(two)) = (own.next(), others.next())
            && one.eq_ignore_ascii_case(two)
        {
            shared += 1;
        }
        shared
    }

    /// Whether it is the same in the same case.
    pub fn eq_case(&self, other: &Self) -> bool {
        self.octets() == other.octets()
    }

    /// The same name in lower case.
    pub fn to_lowercase(&self) -> Self {
        Self {
            octets: self.octets().to_ascii_lowercase().into(),
            start: 0,
        }
    }
}

/// Labels of a name, the leftmost first.
#[derive(Clone, Debug)]
pub struct Labels<'a>(&'a [u8]);

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first()?;
        if *length == 0 {
            return None;
        }
        let (label, rest) = rest.split_at(usize::from(*length));
        self.0 = rest;
        Some(label)
    }
}

/// The root.
impl Default for Name {
    fn default() -> Self {
        Self::root()
    }
}

impl PartialEq for Name {
    /// Lengths are no letters, so wire form can be compared whole. Mostly the case agrees as well.
    fn eq(&self, other: &Self) -> bool {
        let (one, two) = (self.octets(), other.octets());
        one.len() == two.len() && (one == two || one.eq_ignore_ascii_case(two))
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for octet in self.octets() {
            state.write_u8(octet.to_ascii_lowercase());
        }
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    /// Label by label from the right, as octets in lower case (RFC 4034 §6.1): of the labels that both
    /// have, the rightmost that differ decide.
    fn cmp(&self, other: &Self) -> Ordering {
        if self.octets() == other.octets() {
            return Ordering::Equal;
        }
        let (ones, twos) = (self.iter().count(), other.iter().count());
        let one = self.iter().skip(ones.saturating_sub(twos));
        let two = other.iter().skip(twos.saturating_sub(ones));
        let orders = one.zip(two).map(|(one, two)| compare(one, two));
        let last = orders.filter(|order| order.is_ne()).last();
        last.unwrap_or(ones.cmp(&twos))
    }
}

/// Octet by octet: labels are short, and most differ near their beginning.
fn compare(one: &[u8], two: &[u8]) -> Ordering {
    let differing = one.iter().zip(two).find_map(|(one, two)| {
        let order = one.to_ascii_lowercase().cmp(&two.to_ascii_lowercase());
        order.is_ne().then_some(order)
    });
    differing.unwrap_or(one.len().cmp(&two.len()))
}

/// Labels of a name, the rightmost first.
#[derive(Clone, Debug)]
pub struct FromRoot<'a> {
    octets: &'a [u8],
    starts: [u8; LABELS_MAX],
    left: usize,
}

impl<'a> FromRoot<'a> {
    fn of(name: &'a Name) -> Self {
        let octets = name.octets();
        let mut starts = [0; LABELS_MAX];
        let (mut at, mut left) = (0, 0);
        while octets[at] != 0 {
            starts[left] = at as u8;
            left += 1;
            at += 1 + usize::from(octets[at]);
        }
        Self {
            octets,
            starts,
            left,
        }
    }
}

impl<'a> Iterator for FromRoot<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        let start = usize::from(self.starts[self.left]);
        let length = usize::from(self.octets[start]);
        Some(&self.octets[start + 1..][..length])
    }
}

/// Presentation form (RFC 1035 §5.1), with the final dot; [`parse_name`] reads it.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        let mut text = String::with_capacity(self.octets().len());
        for label in self.iter() {
            for octet in label {
                match octet {
                    octet if is_plain(*octet) => text.push(char::from(*octet)),
                    b'!'..=b'~' => text.extend(['\\', char::from(*octet)]),
                    _ => text.push_str(&format!("\\{octet:03}")),
                }
            }
            text.push('.');
        }
        f.pad(&text)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name(\"{self}\")")
    }
}

/// Whether an octet of a label needs no backslash.
fn is_plain(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"-_*/".contains(&octet)
}

impl From<&hickory_proto::rr::Name> for Name {
    fn from(name: &hickory_proto::rr::Name) -> Self {
        // Labels of one of hickory's names have been checked.
        Self::from_labels(name.iter()).unwrap_or_else(|BadLabels| Self::root())
    }
}

impl From<&Name> for hickory_proto::rr::Name {
    fn from(name: &Name) -> Self {
        let read = Self::from_labels(name.iter()).map(|mut name| {
            name.set_fqdn(true);
            name
        });
        // Labels of a name have been checked.
        read.unwrap_or_else(|_| Self::root())
    }
}

/// A text that is not a domain name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadName {
    /// The text as found.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a domain name: {}", self.text, self.why)
    }
}

impl std::error::Error for BadName {}

/// Parses an absolute name in presentation form (RFC 1035 §5.1); a missing final dot is added.
pub fn parse_name(text: &str) -> Result<Name, BadName> {
    let bad = |why: String| BadName {
        text: text.into(),
        why,
    };
    match text {
        "" => return Err(bad("it is empty (the root is written `.`)".into())),
        "." => return Ok(Name::root()),
        _ => {}
    }
    let labels = labels(text).map_err(bad)?;
    Name::from_labels(labels).map_err(|error| bad(error.to_string()))
}

/// The labels of presentation form: `\X` is X, `\DDD` the octet of that decimal number.
fn labels(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut labels = vec![Vec::new()];
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        let octet = match octet {
            b'.' => {
                labels.push(Vec::new());
                continue;
            }
            b'\\' => escaped(&mut octets)
                .ok_or("a backslash wants a character or three decimal digits behind it")?,
            octet if is_plain(octet) => octet,
            octet if octet.is_ascii_graphic() => {
                let found = char::from(octet);
                return Err(format!("`{found}` wants a backslash in front of it"));
            }
            _ => return Err("it has a character that is not printable ASCII".into()),
        };
        // There is one from the beginning.
        if let Some(label) = labels.last_mut() {
            label.push(octet);
        }
    }
    if labels.last().is_some_and(Vec::is_empty) {
        labels.pop();
    }
    match labels.iter().any(Vec::is_empty) {
        true => Err("a label is empty".into()),
        false => Ok(labels),
    }
}

/// What stands behind a backslash.
fn escaped(octets: &mut impl Iterator<Item = u8>) -> Option<u8> {
    let digit = |octet: u8| char::from(octet).to_digit(10);
    let first = octets.next()?;
    match digit(first) {
        None => Some(first),
        Some(hundreds) => {
            let (tens, ones) = (digit(octets.next()?)?, digit(octets.next()?)?);
            u8::try_from(hundreds * 100 + tens * 10 + ones).ok()
        }
    }
}

/// The uncompressed wire form, lower-cased (RFC 4034 §6.2).
pub fn canonical_wire(name: &Name) -> Vec<u8> {
    // Lengths are no letters.
    name.octets().to_ascii_lowercase()
}

/// Reads an uncompressed name from the front of `wire`; returns it with what follows.
pub fn split_name(wire: &[u8]) -> Option<(Name, &[u8])> {
    let mut end = 0;
    loop {
        let length = usize::from(*wire.get(end)?);
        // More is no length but a pointer (RFC 1035 §4.1.4).
        if length > LABEL_MAX {
            return None;
        }
        end += 1 + length;
        if length == 0 {
            let (name, rest) = wire.split_at_checked(end)?;
            return Some((Name::of_wire(name).ok()?, rest));
        }
    }
}

/// Reads a name, perhaps compressed (RFC 1035 §4.1.4), at this offset of a message; returns it with the
/// offset behind it. A pointer points to what stands before the labels that it follows, and what it
/// points to ends before them: so every name has an end.
pub fn read_name(message: &[u8], at: usize) -> Option<(Name, usize)> {
    let mut wire = [0; NAME_MAX];
    let (mut written, mut after) = (0, None);
    let (mut start, mut here, mut limit) = (at, at, message.len());
    while here < limit {
        let length = usize::from(*message.get(here)?);
        match length {
            0 => {
                let name = Name::of_wire(&wire[..=written]).ok()?;
                return Some((name, after.unwrap_or(here + 1)));
            }
            1..=LABEL_MAX => {
                let label = message.get(here..here + 1 + length)?;
                // The root's octet must fit behind.
                let end = written + label.len();
                wire.get_mut(..NAME_MAX - 1)?
                    .get_mut(written..end)?
                    .copy_from_slice(label);
                (written, here) = (end, here + label.len());
            }
            0xc0.. => {
                let low = usize::from(*message.get(here + 1)?);
                after = after.or(Some(here + 2));
                here = (length & 0x3f) << 8 | low;
                if here >= start {
                    return None;
                }
                (limit, start) = (start, here);
            }
            _ => return None,
        }
    }
    None
}

/// `_dsboot.<child>._signal.<host>`: where the operator of the nameserver `host` vouches for what `child`
/// asks of its parent (RFC 9615 §3.1). `None`: that is longer than a name can be (§4.4).
pub fn signalling_name(child: &Name, host: &Name) -> Option<Name> {
    let labels = [b"_dsboot".as_slice()].into_iter().chain(child.iter());
    let labels = labels.chain([b"_signal".as_slice()]).chain(host.iter());
    Name::from_labels(labels).ok()
}

/// Whether `name` is `zone` or lies below it.
pub fn is_at_or_below(name: &Name, zone: &Name) -> bool {
    zone.zone_of(name)
}

/// The number of labels, the root not counted and a leading `*` not counted (RFC 4034 §3.1.3).
pub fn rrsig_labels(name: &Name) -> u8 {
    name.num_labels()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_split_from_what_follows() {
        let (name, rest) = split_name(b"\x03wWw\x04test\0rest").unwrap();
        assert!(name.eq_case(&parse_name("wWw.test.").unwrap()));
        assert_eq!(rest, b"rest");
        assert_eq!(split_name(b"\0"), Some((Name::root(), &[][..])));
    }

    #[test]
    fn what_is_no_whole_uncompressed_name_is_refused() {
        let too_long = [&[63; 64 * 4][..], b"\0"].concat();
        let pointer = [b"\x01a\xc0\0", &[0; 256][..]].concat();
        for wire in [&b""[..], b"\x04tes", b"\x04test", &too_long, &pointer] {
            assert_eq!(split_name(wire), None, "{wire:?}");
        }
    }

    #[test]
    fn odd_but_printable_labels_survive_their_text() {
        for text in [
            "0/25.2.0.192.in-addr.arpa.",
            r"a\.b.test.",
            r"\;.test.",
            "*.test.",
            "_x.test.",
        ] {
            let name = parse_name(text).unwrap();
            assert_eq!(parse_name(&name.to_string()).as_ref(), Ok(&name), "{text}");
        }
        assert_eq!(parse_name(r"\065.test."), parse_name("a.test."));
        assert_eq!(parse_name(r"a\.b.test.").unwrap().num_labels(), 2);
        for text in ["a..b", r"a\", r"\999.test.", r"a\ b/c d.", "a/..b", ""] {
            assert!(parse_name(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_above_share_octets_and_are_names_like_others() {
        let name = parse_name("a.B.example.").unwrap();
        let above = name.base_name();
        assert_eq!(above, parse_name("b.EXAMPLE.").unwrap());
        assert_eq!(above.to_string(), "B.example.");
        assert_eq!(name.trim_to(2), above);
        assert_eq!(name.trim_to(9), name);
        assert!(name.trim_to(0).is_root() && Name::root().base_name().is_root());
        assert_eq!(above.prepend_label("A").unwrap(), name);
        let org = parse_name("org.").unwrap();
        assert_eq!(
            above.append_domain(&org).unwrap().to_string(),
            "B.example.org."
        );
        assert!(above.zone_of(&name) && Name::root().zone_of(&name) && !name.zone_of(&above));
        // The same octets at the end, but no label begins there.
        let odd = Name::from_labels([&b"x\x01b"[..], b"example"]).unwrap();
        assert!(!above.zone_of(&odd));
        assert_eq!(name.shared_labels(&parse_name("c.b.example.").unwrap()), 2);
    }

    #[test]
    fn no_name_is_longer_than_the_wire_allows() {
        let labels = |last| {
            [
                &[b'a'; 63][..],
                &[b'a'; 63],
                &[b'a'; 63],
                &[b'a'; 62][..last],
            ]
        };
        assert_eq!(Name::from_labels(labels(61)).unwrap().octets().len(), 255);
        assert_eq!(Name::from_labels(labels(62)), Err(BadLabels));
        assert_eq!(Name::from_labels([[b'a'; 64]]), Err(BadLabels));
        assert_eq!(Name::from_labels([""]), Err(BadLabels));
        let longest = Name::from_labels(labels(61)).unwrap();
        assert_eq!(longest.prepend_label("a"), Err(BadLabels));
        assert_eq!(read_name(longest.octets(), 0), Some((longest.clone(), 255)));
        let message = [&b"\x01a"[..], longest.octets()].concat();
        assert_eq!(read_name(&message, 0), None);
        let most = Name::from_labels([b"a"; 127]).unwrap();
        assert_eq!(most.from_root().count(), 127);
    }

    #[test]
    fn a_compressed_name_points_backwards_only() {
        let message = b"\x04test\0\x03www\xc0\x00rest";
        let (name, after) = read_name(message, 6).unwrap();
        assert_eq!((name, after), (parse_name("www.test.").unwrap(), 12));
        for (message, at) in [
            (&b"\xc0\x00"[..], 0),
            (b"\xc0\x02\x01a\0", 0),
            (b"\x01a\xc0\x00", 2),
            (b"\xc0\x02\xc0\x00", 2),
            // The label pointed to reaches over the name that points.
            (b"\x02ab\xc0\x00\0", 3),
            (b"\x03a\x01b\xc0\x02\0", 4),
            (b"\x40\0", 0),
            (b"\x04tes", 0),
            (b"\xc0", 0),
            (b"", 0),
        ] {
            assert_eq!(read_name(message, at), None, "{message:?}");
        }
    }

    #[test]
    fn order_and_equality_are_those_of_hickory() {
        let labels: [&[u8]; 8] = [b"a", b"A", b"ab", b"b", b"\0", b"\xff", b"*", b"a.b"];
        let mut names = vec![Name::root()];
        for one in labels {
            names.push(Name::from_labels([one]).unwrap());
            for two in labels {
                names.push(Name::from_labels([one, two]).unwrap());
                names.push(Name::from_labels([one, two, b"z"]).unwrap());
            }
        }
        let theirs = |name: &Name| hickory_proto::rr::Name::from(name);
        for one in &names {
            assert_eq!(Name::from(&theirs(one)), *one);
            for two in &names {
                assert_eq!(one.cmp(two), theirs(one).cmp(&theirs(two)), "{one} {two}");
                assert_eq!(one == two, theirs(one) == theirs(two), "{one} {two}");
                assert_eq!(one.zone_of(two), theirs(one).zone_of(&theirs(two)));
            }
        }
    }
}
