//! Every value of every key of the scenario language makes a difference.
//!
//! What there is comes from the declarations that files are read by (`scenario::language`), so that a new
//! key or word is asked for here. A value is shown by two runs that differ in nothing else and do not come
//! out the same: a file of the library or of the museum that has it, with and without it; or, where no
//! file has it, overrides of one (`values.txt`).

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use counterpoint_scenarios::{
    expectations::unmet,
    load::{load, load_with},
    outcome::Outcome,
    run::run,
    scenario::{NamesIn, Safety, Scenario, Servers, Target, language},
};
use toml_edit::{DocumentMut, Item, Table, Value as Toml};

use crate::{library, read, toml_files};

/// Occurrences of one value that are tried.
const TRIES_MAX: usize = 3;

/// What makes no run come out otherwise, and why it is there all the same.
const NOT_SEEN: [(&str, &str); 9] = [
    ("source", "provenance, which every file must name"),
    ("signer.name", "what the rest of the file refers to"),
    ("group.name", "what the rest of the file refers to"),
    ("zone.name", "what the rest of the file refers to"),
    ("resolver.name", "what the rest of the file refers to"),
    (
        "signer.nsec3",
        "hashes, which no log shows: `dns/tests/denial_hashed.rs`",
    ),
    ("signer.nsec3.iterations", "hashes"),
    ("signer.nsec3.salt", "hashes"),
    (
        "signer.interface=signed-rrset",
        "a zone of model 1 is refused without it",
    ),
];

/// What no file can bring about: a defect of this software alone would.
const NEVER_MET: [&str; 3] = ["done-within", "no-forgery", "parent-untouched"];

/// A key of the language, and a word that it can be; empty: whatever it can be.
type Value = (String, &'static str);

fn path_of(table: &language::Table, key: &language::Key) -> String {
    match table.name {
        "" => key.key.clone(),
        name => format!("{name}.{}", key.key),
    }
}

/// The words of every key.
fn words() -> BTreeMap<String, Vec<&'static str>> {
    let tables = language::tables();
    let keys = tables
        .iter()
        .flat_map(|table| table.keys.iter().map(move |key| (path_of(table, key), key)));
    keys.map(|(path, key)| (path, key.words.clone())).collect()
}

/// Where a value stands in a file.
#[derive(Clone, Debug)]
struct Place {
    /// Which file.
    file: usize,
    /// Keys and numbers from the top.
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Number(usize),
}

/// The text of each file, all that it says, and what runs of it came to.
struct Files {
    texts: Vec<String>,
    places: BTreeMap<Value, Vec<Place>>,
    outcomes: Mutex<BTreeMap<String, Option<Outcome>>>,
}

impl Files {
    /// Every file of library and museum, the short ones first.
    fn read() -> Self {
        let museum = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/museum");
        let files = library().into_iter().chain(toml_files(&museum));
        let mut texts: Vec<String> = files
            .map(|path| std::fs::read_to_string(path).expect("readable"))
            .collect();
        texts.sort_by_key(String::len);
        let words = words();
        let mut places = BTreeMap::new();
        for (file, text) in texts.iter().enumerate() {
            let document: DocumentMut = text.parse().expect("TOML");
            let mut walk = Walk {
                words: &words,
                places: &mut places,
                place: Place {
                    file,
                    steps: Vec::new(),
                },
            };
            walk.table("", document.as_table());
        }
        Self {
            texts,
            places,
            outcomes: Mutex::default(),
        }
    }

    /// What comes of a text; `None` if it is no scenario.
    fn outcome(&self, text: &str) -> Option<Outcome> {
        let known = self.outcomes.lock().unwrap().get(text).cloned();
        known.unwrap_or_else(|| {
            let outcome = load("text.toml", text).ok().map(|found| run(&found));
            let mut outcomes = self.outcomes.lock().unwrap();
            outcomes.insert(text.to_owned(), outcome.clone());
            outcome
        })
    }

    /// Whether two runs show this value.
    fn show(&self, value: &Value, words: &[&str]) -> bool {
        let places = self.places.get(value).into_iter().flatten();
        places.take(TRIES_MAX).any(|place| {
            let text = &self.texts[place.file];
            match value.0.starts_with("expect.") {
                true => self.is_asked(text, place),
                false => self.matters(text, place, words),
            }
        })
    }

    /// Whether the file comes out otherwise if the value is not there, or is another.
    fn matters(&self, text: &str, place: &Place, words: &[&str]) -> bool {
        let mut document: DocumentMut = text.parse().expect("TOML");
        document.remove("expect");
        let Some(with) = self.outcome(&document.to_string()) else {
            return false;
        };
        let others = words.iter().map(|word| Some(*word));
        let changes = [None].into_iter().chain(others);
        let element = &place.steps[..place.steps.len().min(2)];
        let mut texts: Vec<String> = Vec::new();
        for other in changes {
            let mut without = document.clone();
            if change(without.as_item_mut(), &place.steps, other).is_some() {
                texts.push(without.to_string());
            }
        }
        let mut without = document.clone();
        if change(without.as_item_mut(), element, None).is_some() {
            texts.push(without.to_string());
        }
        let mut others = texts.iter().filter_map(|text| self.outcome(text));
        others.any(|without| without != with)
    }

    /// Whether the expectation is met by its own file and by another file is not.
    fn is_asked(&self, text: &str, place: &Place) -> bool {
        let mut document: DocumentMut = text.parse().expect("TOML");
        let Some(Item::Table(expect)) = document.get_mut("expect") else {
            return false;
        };
        let Some(Step::Key(key)) = place.steps.get(1) else {
            return false;
        };
        let others: Vec<String> = expect.iter().map(|(other, _)| other.to_owned()).collect();
        for other in others.iter().filter(|other| *other != key) {
            expect.remove(other);
        }
        let Ok(scenario) = load("text.toml", &document.to_string()) else {
            return false;
        };
        document.remove("expect");
        let own = self.outcome(&document.to_string());
        let meets = |outcome: &Outcome| unmet(&scenario.expect, outcome).is_empty();
        let outcomes = self.outcomes.lock().unwrap();
        let mut others = outcomes.values().flatten();
        own.is_some_and(|own| meets(&own)) && others.any(|other| !meets(other))
    }
}

/// Takes what stands at `steps` away, or makes it `other`; `None` if that cannot be.
fn change(item: &mut Item, steps: &[Step], other: Option<&str>) -> Option<()> {
    let (last, steps) = steps.split_last()?;
    let mut item = item;
    for step in steps {
        item = match step {
            Step::Key(key) => item.get_mut(key)?,
            Step::Number(number) => item.get_mut(*number)?,
        };
    }
    let other = other.map(|word| match word {
        "true" | "false" => Toml::from(word == "true"),
        word => Toml::from(word),
    });
    match (last, other) {
        (Step::Key(key), None) => drop(item.as_table_like_mut()?.remove(key)?),
        (Step::Key(key), Some(other)) => *item.get_mut(key)? = other.into(),
        (Step::Number(number), other) => match (item, other) {
            (Item::ArrayOfTables(all), None) => drop(all.remove(*number)),
            (Item::Value(Toml::Array(all)), None) => drop(all.remove(*number)),
            (Item::Value(Toml::Array(all)), Some(other)) => {
                all.replace(*number, other);
            }
            _ => return None,
        },
    }
    Some(())
}

/// Finds every value of a file.
struct Walk<'a> {
    words: &'a BTreeMap<String, Vec<&'static str>>,
    places: &'a mut BTreeMap<Value, Vec<Place>>,
    place: Place,
}

impl Walk<'_> {
    fn table(&mut self, path: &str, table: &dyn toml_edit::TableLike) {
        // Events and faults have keys of their kind.
        let kind = match path {
            "event" => table.get("do"),
            "fault" => table.get("kind"),
            _ => None,
        };
        let kind = kind.and_then(Item::as_str);
        for (key, item) in table.iter() {
            let own = |path: &str| match path {
                "" => key.to_owned(),
                path => format!("{path}.{key}"),
            };
            let of_kind = kind.map(|kind| own(&format!("{path}.{kind}")));
            let of_kind = of_kind.filter(|path| self.words.contains_key(path));
            let path = of_kind.unwrap_or_else(|| own(path));
            self.place.steps.push(Step::Key(key.to_owned()));
            self.item(&path, item);
            self.place.steps.pop();
        }
    }

    fn item(&mut self, path: &str, item: &Item) {
        match item {
            Item::Table(table) => {
                self.note(path, "");
                self.table(path, table);
            }
            Item::ArrayOfTables(all) => {
                let each = |table: &Table| table.clone();
                for (number, table) in all.iter().map(each).enumerate() {
                    self.place.steps.push(Step::Number(number));
                    self.table(path, &table);
                    self.place.steps.pop();
                }
            }
            Item::Value(value) => self.value(path, value),
            Item::None => {}
        }
    }

    fn value(&mut self, path: &str, value: &Toml) {
        match value {
            Toml::Array(all) => {
                self.note(path, "");
                for (number, value) in all.iter().enumerate() {
                    self.place.steps.push(Step::Number(number));
                    self.value(path, value);
                    self.place.steps.pop();
                }
            }
            Toml::InlineTable(table) => {
                self.note(path, "");
                self.table(path, table);
            }
            Toml::String(text) => self.note(path, text.value()),
            Toml::Boolean(flag) => self.note(path, &flag.value().to_string()),
            _ => self.note(path, ""),
        }
    }

    /// Under the words that the value has, or as one that needs none.
    fn note(&mut self, path: &str, text: &str) {
        let Some(words) = self.words.get(path) else {
            return;
        };
        let is_said = |word: &&&str| text.split_whitespace().any(|part| part == **word);
        let word = words.iter().find(is_said).copied().unwrap_or_default();
        let places = self.places.entry((path.to_owned(), word)).or_default();
        places.push(self.place.clone());
    }
}

/// Whether the override named for a value makes a difference.
fn is_overridden(files: &Files, (path, word): &Value) -> bool {
    let lines = include_str!("values.txt").lines();
    let mut entries = lines.filter(|line| !line.starts_with('#')).map(|line| {
        let mut parts = line.split(" | ");
        let (value, file) = (parts.next().unwrap(), parts.next().expect("a file"));
        (value, file, parts.collect::<Vec<&str>>())
    });
    entries.any(|(value, file, sets)| {
        if value.split_once('=').unwrap_or((value, "")) != (path.as_str(), *word) {
            return false;
        }
        let path = format!("../scenarios/library/{file}.toml");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let mut document: DocumentMut = std::fs::read_to_string(path)
            .expect("readable")
            .parse()
            .expect("TOML");
        document.remove("expect");
        let text = document.to_string();
        let scenario = |sets: &[&str]| -> Scenario {
            let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
            let found = load_with("text.toml", &text, &sets);
            found.unwrap_or_else(|mistakes| {
                let told = mistakes.iter().map(|mistake| mistake.render(false));
                panic!("{value} in {file}: {}", told.collect::<Vec<_>>().join("\n"))
            })
        };
        let with = scenario(&sets).to_toml();
        let without = scenario(&sets[..sets.len() - 1]).to_toml();
        files.outcome(&with) != files.outcome(&without)
    })
}

#[test]
fn every_value_of_every_key_makes_a_difference() {
    let words = words();
    let universe: Vec<Value> = words
        .iter()
        .flat_map(|(path, words)| match words.as_slice() {
            [] => vec![(path.clone(), "")],
            words => words.iter().map(|word| (path.clone(), *word)).collect(),
        })
        .filter(|(path, word)| {
            let mut not_seen = NOT_SEEN.iter().map(|(value, _)| *value);
            !not_seen.any(|value| {
                value == path.as_str() || value.split_once('=') == Some((path.as_str(), *word))
            })
        })
        .collect();
    assert!(universe.len() > 300, "{} values", universe.len());
    let files = Files::read();
    let next = AtomicUsize::new(0);
    let unseen = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(value) = universe.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let is_shown = is_overridden(&files, value)
                        || files.show(value, &words[&value.0])
                        || value.0 == "expect.violations.property" && NEVER_MET.contains(&value.1);
                    if !is_shown {
                        unseen.lock().unwrap().insert(value);
                    }
                }
            });
        }
    });
    let mut unseen = unseen.into_inner().unwrap();
    // What stands where a default would is shown by whatever differs from it.
    unseen.retain(|value| !is_default(value, &words, &files));
    let told: Vec<String> = unseen
        .iter()
        .map(|(path, word)| format!("{path}={word}"))
        .collect();
    assert!(
        told.is_empty(),
        "no two runs show these:\n{}",
        told.join("\n")
    );
}

/// Whether it is what the key is where nothing is said, and another value of the key is shown.
fn is_default(
    (path, word): &Value,
    words: &BTreeMap<String, Vec<&'static str>>,
    files: &Files,
) -> bool {
    let tables = language::tables();
    let mut keys = tables
        .iter()
        .flat_map(|table| table.keys.iter().map(move |key| (path_of(table, key), key)));
    let key = keys.find(|(known, _)| known == path).map(|(_, key)| key);
    let default = key.and_then(|key| key.default.clone());
    let is_it = default.is_some_and(|text| {
        let mut parts = text.split(|c: char| !c.is_alphanumeric() && c != '-');
        parts.any(|part| part == *word)
    });
    let mut others = words[path].iter().filter(|other| *other != word);
    is_it
        && others.any(|other| {
            let other = (path.clone(), *other);
            is_overridden(files, &other) || files.show(&other, &words[path])
        })
}

#[test]
fn every_shape_of_a_value_is_used() {
    let museum = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/museum");
    let mut used = BTreeSet::new();
    for path in library().into_iter().chain(toml_files(&museum)) {
        let scenario = read(&path);
        used.extend(scenario.faults.iter().map(|fault| match fault.target {
            Target::Signer(_) => "a signer",
            Target::Instance(..) => "an instance of a signer",
            Target::Parent => "the parent",
            Target::ParentInstance(_) => "an instance of the parent",
            Target::Scanner => "the scanner",
            Target::Controller => "the controller",
            Target::Hsm => "the HSM",
            Target::Resolver(_) => "a resolver",
            Target::Between(..) => "between two",
        }));
        used.extend(scenario.signers.iter().map(|signer| match signer.servers {
            Servers::Count(_) => "a number of servers",
            Servers::Names(_) => "names of servers",
        }));
        let names = scenario.signers.iter().filter_map(|s| s.names_in.as_ref());
        used.extend(names.map(|names| match names {
            NamesIn::Domain(_) => "names in a domain",
            NamesIn::Zone => "names in the zone",
        }));
        used.insert(match scenario.controller.safety {
            Safety::Percent(_) => "a share of each wait",
            Safety::Span(_) => "the same for each wait",
        });
    }
    let all = [
        "a number of servers",
        "a resolver",
        "a share of each wait",
        "a signer",
        "an instance of a signer",
        "an instance of the parent",
        "between two",
        "names in a domain",
        "names in the zone",
        "names of servers",
        "the HSM",
        "the controller",
        "the parent",
        "the same for each wait",
        "the scanner",
    ];
    let used: Vec<&str> = used.into_iter().collect();
    assert_eq!(used, all);
}

#[test]
fn the_manual_has_every_key() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/language.md");
    let manual = std::fs::read_to_string(path).expect("docs/language.md");
    assert!(
        manual.ends_with(&language::page()),
        "docs/language.md ends with what `counterpoint check --keys` prints"
    );
}
