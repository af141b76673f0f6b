//! Rules of the page that no check of a case enforces, and why.
//!
//! Every other rule is an entry of a table; a test holds the two lists against the page.

/// The rule's ID, and what sees to it instead.
pub const DOCUMENTED: [(&str, &str); 20] = [
    (
        "K-06",
        "an invariant: every verdict is logged, and only an acceptance has a change",
    ),
    (
        "K-14",
        "a trigger only moves the time of a scan; the same rules judge it",
    ),
    (
        "B-06",
        "not offered: challenges need a channel to the child's operator",
    ),
    (
        "B-07",
        "the registry's own act, at the creation of a delegation; nothing is asked for",
    ),
    (
        "B-12",
        "an invariant: records with algorithm 0 never become DS records",
    ),
    ("A-10", "triggers: they move the time of a scan"),
    (
        "A-11",
        "signalling names are built from the parent's NS RRset only",
    ),
    ("C-10", "the transport of a reading: one server, over TCP"),
    ("C-24", "a duty to document"),
    ("C-25", "an invariant: every verdict is logged"),
    ("X-05", "the next scan is the retry"),
    (
        "X-18",
        "a duty of the registry: its own channel keeps working",
    ),
    (
        "D-11",
        "the registry shows the DS RRset; the scanner exports it",
    ),
    ("D-12", "the decision log has these fields"),
    ("D-15", "a duty of the registry: another channel exists"),
    ("D-21", "the scope of the whole tool"),
    ("M-07", "the transport: TCP after truncation"),
    ("T-01", "the child's own wait; the parent's part is T-06"),
    ("T-02", "the child's own wait"),
    ("T-04", "the child's own wait; the parent's part is T-06"),
];
