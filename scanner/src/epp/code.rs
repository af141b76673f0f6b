//! Result codes (RFC 5730 §3), as a table: what each means for a change that is being made.

/// What follows from a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It is done.
    Done,
    /// It was taken, and the registry decides later (RFC 5731 §3.3: a poll message says how).
    Pending,
    /// What it rests on is not so: nothing was done.
    NotAsSeen,
    /// It is refused by rules of the registry's: nothing was done, others may be.
    Refused,
    /// It failed this time.
    Failed,
    /// Nothing more is to be tried: the registry does not want this client now, or not at all.
    Stop,
}

use Meaning::{Done, Failed, NotAsSeen, Pending, Refused, Stop};

/// Every code that RFC 5730 has.
const CODES: [(u16, Meaning); 34] = [
    (1000, Done),
    (1001, Pending),
    (1300, Done),
    (1301, Done),
    (1500, Done),
    // The document, or the session, is not as the server wants it: ours to mend.
    (2000, Stop),
    (2001, Stop),
    (2002, Stop),
    (2003, Stop),
    (2004, Refused),
    (2005, Refused),
    (2100, Stop),
    (2101, Stop),
    (2102, Stop),
    (2103, Stop),
    (2104, Stop),
    (2105, Refused),
    (2106, Refused),
    (2200, Stop),
    (2201, Refused),
    (2202, Refused),
    (2300, Refused),
    (2301, NotAsSeen),
    (2302, NotAsSeen),
    (2303, NotAsSeen),
    (2304, Refused),
    (2305, Refused),
    (2306, Refused),
    (2307, Stop),
    (2308, Refused),
    (2400, Failed),
    (2500, Stop),
    (2501, Stop),
    (2502, Stop),
];

/// What a code means; one that nobody has defined stops.
pub fn meaning(code: u16) -> Meaning {
    let known = CODES.iter().find(|(known, _)| *known == code);
    known.map_or(Stop, |(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_in_order_and_a_strange_one_stops() {
        assert!(CODES.is_sorted_by_key(|(code, _)| *code));
        assert_eq!(meaning(1001), Pending);
        assert_eq!(meaning(2400), Failed);
        for code in [0, 999, 1999, 2502, 9999] {
            assert_eq!(meaning(code), Stop, "{code}");
        }
    }
}
