//! The scenario language itself: every table, key and word, from the declarations that files are read by.
//!
//! Owns the page of the manual (`counterpoint check --keys`), and what a test has to enumerate. Knows
//! nothing of how a value is read.

use super::{
    Controller, Expect, Fault, Group, Head, Judge, Parent, Resolver, Scanner, Setting, Signer,
    What, Zone,
};

/// One key of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// As in files, with those around it: `give-up.tries`; of an event or fault, with its name:
    /// `join.signer`.
    pub key: String,
    /// What it means.
    pub about: &'static str,
    /// What it is where nothing is said, as TOML; none: nothing, or it must be said.
    pub default: Option<String>,
    /// The words that it can be, or that have a meaning of their own in it; empty: it has none.
    pub words: Vec<&'static str>,
}

impl Key {
    /// The key of a `T`, and the keys that a `T` has.
    pub(crate) fn with_those_below<T: Setting>(
        key: &str,
        about: &'static str,
        default: Option<&T>,
    ) -> Vec<Self> {
        let own = Self {
            key: key.into(),
            about: about.trim(),
            default: default.and_then(Setting::print),
            words: T::words(),
        };
        let below = T::keys().into_iter().map(|below| below.below(key));
        [own].into_iter().chain(below).collect()
    }

    /// The same below `outer`.
    pub(crate) fn below(self, outer: &str) -> Self {
        let key = format!("{outer}.{}", self.key);
        Self { key, ..self }
    }
}

/// One table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name: `signer`; empty for what stands at the top of a file.
    pub name: &'static str,
    /// As files write it: `[[signer]]`.
    pub header: &'static str,
    /// Its keys, in the order of the manual.
    pub keys: Vec<Key>,
}

/// Every table, in the order of the manual.
pub fn tables() -> Vec<Table> {
    let table = |name, header, keys| Table { name, header, keys };
    let mut events = vec![
        Key {
            key: "at".into(),
            about: "When, from the start.",
            default: None,
            words: Vec::new(),
        },
        Key {
            key: "do".into(),
            about: "What.",
            default: None,
            words: What::NAMES.to_vec(),
        },
        Key {
            key: "zone".into(),
            about: "To which zone; the only one, if there is one only.",
            default: None,
            words: Vec::new(),
        },
    ];
    events.extend(What::keys());
    vec![
        table("", "At the top", Head::keys()),
        table("parent", "`[parent]`", Parent::keys()),
        table("scanner", "`[scanner]`", Scanner::keys()),
        table("controller", "`[controller]`", Controller::keys()),
        table("signer", "`[[signer]]`", Signer::keys()),
        table("group", "`[[group]]`", Group::keys()),
        table("zone", "`[[zone]]`", Zone::keys()),
        table("judge", "`[judge]`", Judge::keys()),
        table("resolver", "`[[resolver]]`", Resolver::keys()),
        table("event", "`[[event]]`", events),
        table("fault", "`[[fault]]`", Fault::keys()),
        table("expect", "`[expect]`", Expect::keys()),
    ]
}

/// The tables of the manual, as Markdown.
pub fn page() -> String {
    let mut page = String::new();
    for table in tables() {
        page.push_str(&format!(
            "\n## {}\n\n| key | default | meaning | words |\n|---|---|---|---|\n",
            table.header
        ));
        for key in table.keys {
            let code = |text: &str| format!("`{text}`");
            let default = key.default.as_deref().map(code).unwrap_or_default();
            let words: Vec<String> = key.words.iter().map(|word| code(word)).collect();
            let words = words.join(" ");
            page.push_str(&format!(
                "| `{}` | {default} | {} | {words} |\n",
                key.key, key.about
            ));
        }
    }
    page
}
