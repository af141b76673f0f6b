//! What the format has and this release has not: one table, from which the refusals, the listing of
//! `counterpoint check --unsupported` and the manual are made.

/// One key whose values are not all supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The key, as `signer.denial`.
    pub key: &'static str,
    /// The values that are refused; none: all but the default.
    pub values: &'static [&'static str],
}

const fn not(key: &'static str, values: &'static [&'static str]) -> Unsupported {
    Unsupported { key, values }
}

/// All of it. To support a value, delete it here.
pub const UNSUPPORTED: &[Unsupported] = &[
    not("scanner.bootstrap", &["after-delay"]),
    not("scanner.hold-down", &[]),
    not("signer.quirks", QUIRKS),
    not("zone.ksk-holder", &[]),
    not("zone.dynamic", &[]),
    not("event.do", &["notify", "manual-ds"]),
];

const QUIRKS: &[&str] = &[
    "drops-foreign-dnskey",
    "drops-foreign-ksk",
    "caps-ttl",
    "omits-cdnskey",
    "refuses-cds",
    "own-cds",
    "cds-ksk-only",
    "key-tag-twin",
    "one-ttl",
];

/// A path without its numbers: `signer.2.name` is `signer.name`.
pub fn generic(path: &str) -> String {
    let parts: Vec<&str> = path
        .split('.')
        .filter(|part| part.parse::<usize>().is_err())
        .collect();
    parts.join(".")
}

fn entry(path: &str) -> Option<&'static Unsupported> {
    let key = generic(path);
    UNSUPPORTED.iter().find(|entry| entry.key == key)
}

/// The values of `key` that are refused by name.
pub fn refused(key: &str) -> &'static [&'static str] {
    entry(key).map_or(&[], |entry| entry.values)
}

/// Whether this release runs `value` at `path`.
pub fn is_supported(path: &str, value: &str) -> bool {
    entry(path).is_none_or(|entry| !entry.values.contains(&value))
}

/// Whether `path` may have a value other than the default.
pub fn is_free(path: &str) -> bool {
    entry(path).is_none_or(|entry| !entry.values.is_empty())
}

/// The table for people, as Markdown.
pub fn listing() -> String {
    let mut text = String::from("| key | not supported yet |\n|---|---|\n");
    for Unsupported { key, values } in UNSUPPORTED {
        let what = match values {
            [] => "any value but the default".into(),
            values => values
                .iter()
                .map(|value| format!("`{value}`"))
                .collect::<Vec<_>>()
                .join(", "),
        };
        text.push_str(&format!("| `{key}` | {what} |\n"));
    }
    text
}
