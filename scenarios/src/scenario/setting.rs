//! How a value of a scenario file is read and printed, and the two macros that declare tables of
//! settings and lists of names once, for reading, defaults, printing and suggestions alike.

use counterpoint_dns::name::{Name, parse_name};

use super::language::Key;
use crate::{
    diagnostic::{nearest, one_of},
    load::{reader::Field, tree::Value},
};

/// A value that a scenario file can hold.
pub trait Setting: Sized {
    /// Reads it; `None` if it was refused, with the reason reported.
    fn read(field: &Field<'_>) -> Option<Self>;

    /// Prints it as TOML; `None` to leave the key out.
    fn print(&self) -> Option<String>;

    /// The words that it can be, or that have a meaning of their own in it.
    fn words() -> Vec<&'static str> {
        Vec::new()
    }

    /// The keys that it has, if it is a table.
    fn keys() -> Vec<Key> {
        Vec::new()
    }
}

/// Chooses among names; a name that is near is suggested.
pub fn choose<T: Copy>(
    field: &Field<'_>,
    choices: impl IntoIterator<Item = (&'static str, T)>,
) -> Option<T> {
    let choices: Vec<(&'static str, T)> = choices.into_iter().collect();
    let names = || choices.iter().map(|(name, _)| *name);
    let found = field.text(&one_of(names()))?;
    if let Some((_, value)) = choices.iter().find(|(name, _)| *name == found) {
        return Some(*value);
    }
    let key = field.key();
    field.fail(
        "unknown-name",
        format!("`{key}` knows no `{found}`"),
        |d| match nearest(found, names()) {
            Some(near) => d
                .expected("no such name")
                .suggest(format!("did you mean `{near}`?")),
            None => d.expected(format!("expected {}", one_of(names()))),
        },
    )
}

/// Declares an enum of names as files write them.
macro_rules! names {
    ($(#[$meta:meta])* $vis:vis enum $Enum:ident { $($(#[$vmeta:meta])* $Variant:ident = $text:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $Enum {
            $(#[doc = concat!("`", $text, "`.")] $(#[$vmeta])* $Variant),*
        }

        impl $Enum {
            /// All of them, in the order of the manual.
            pub const ALL: &'static [Self] = &[$(Self::$Variant),*];

            /// As written in files.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$Variant => $text),* }
            }

            /// The one of this name.
            #[allow(dead_code, reason = "not every list of names is searched")]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|choice| choice.name() == name)
            }
        }

        impl std::fmt::Display for $Enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl $crate::scenario::Setting for $Enum {
            fn read(field: &$crate::load::reader::Field<'_>) -> Option<Self> {
                let choices = Self::ALL.iter().map(|choice| (choice.name(), *choice));
                $crate::scenario::setting::choose(field, choices)
            }

            fn print(&self) -> Option<String> {
                Some(format!("\"{}\"", self.name()))
            }

            fn words() -> Vec<&'static str> {
                Self::ALL.iter().map(|choice| choice.name()).collect()
            }
        }
    };
}
pub(crate) use names;

/// Declares a table: a struct with, for every field, its key in files and its default.
macro_rules! settings {
    ($(#[$meta:meta])* $vis:vis struct $Table:ident {
        $($(#[doc = $about:literal])+ $field:ident $key:literal : $Type:ty = $default:expr),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $Table {
            $($(#[doc = $about])+ pub $field: $Type),*
        }

        impl Default for $Table {
            fn default() -> Self {
                Self { $($field: $default),* }
            }
        }

        impl $Table {
            /// Reads the keys of this table; the caller finishes the reader.
            pub(crate) fn read_keys(reader: &mut $crate::load::reader::Reader<'_>) -> Self {
                let default = Self::default();
                Self { $($field: reader.read($key, default.$field)),* }
            }

            /// The keys that differ from the default, as `key = value` lines.
            pub(crate) fn print_keys(&self) -> Vec<(&'static str, String)> {
                let default = Self::default();
                let mut lines = Vec::new();
                $(if self.$field != default.$field {
                    let value = $crate::scenario::Setting::print(&self.$field);
                    lines.extend(value.map(|value| ($key, value)));
                })*
                lines
            }
        }

        impl $crate::scenario::Setting for $Table {
            fn read(field: &$crate::load::reader::Field<'_>) -> Option<Self> {
                let mut reader = field.table()?;
                let table = Self::read_keys(&mut reader);
                reader.finish();
                Some(table)
            }

            fn print(&self) -> Option<String> {
                Some($crate::scenario::setting::inline_table(self.print_keys()))
            }

            fn keys() -> Vec<$crate::scenario::language::Key> {
                let default = Self::default();
                let mut keys = Vec::new();
                $(keys.extend($crate::scenario::language::Key::with_those_below(
                    $key, concat!($($about),+), Some(&default.$field),
                ));)*
                keys
            }
        }
    };
}
pub(crate) use settings;

/// Lines as an inline table.
pub fn inline_table(lines: Vec<(&'static str, String)>) -> String {
    let pairs: Vec<String> = lines
        .into_iter()
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    match pairs.as_slice() {
        [] => "{}".into(),
        pairs => format!("{{ {} }}", pairs.join(", ")),
    }
}

/// A text as a TOML string.
pub fn quote(text: &str) -> String {
    // A JSON string is a TOML basic string, but for the one control character that JSON leaves bare.
    serde_json::Value::from(text)
        .to_string()
        .replace('\u{7f}', "\\u007f")
}

impl Setting for String {
    fn read(field: &Field<'_>) -> Option<Self> {
        field.text("a string").map(Into::into)
    }

    fn print(&self) -> Option<String> {
        Some(quote(self))
    }
}

impl Setting for bool {
    fn read(field: &Field<'_>) -> Option<Self> {
        match field.node.value {
            Value::Boolean(flag) => Some(flag),
            _ => field.mismatch("`true` or `false`, without quotes"),
        }
    }

    fn print(&self) -> Option<String> {
        Some(self.to_string())
    }

    fn words() -> Vec<&'static str> {
        vec!["true", "false"]
    }
}

/// Reads an integer of a range.
pub fn integer<T: TryFrom<i128>>(field: &Field<'_>, expected: &str) -> Option<T> {
    match field.node.value {
        Value::Integer(number) => match T::try_from(number) {
            Ok(number) => Some(number),
            Err(_) => field.fail(
                "out-of-range",
                format!("`{}` cannot be {number}", field.key()),
                |d| d.expected(format!("expected {expected}")),
            ),
        },
        _ => field.mismatch(expected),
    }
}

impl Setting for u32 {
    fn read(field: &Field<'_>) -> Option<Self> {
        integer(field, "a whole number from 0 to 4294967295")
    }

    fn print(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Setting for u64 {
    fn read(field: &Field<'_>) -> Option<Self> {
        // Printed numbers have to be TOML again: 63 bits.
        integer::<i64>(field, "a whole number from 0 to 9223372036854775807").and_then(|number| {
            match Self::try_from(number) {
                Ok(number) => Some(number),
                Err(_) => field.fail(
                    "out-of-range",
                    format!("`{}` cannot be {number}", field.key()),
                    |d| d.expected("expected a whole number from 0 to 9223372036854775807"),
                ),
            }
        })
    }

    fn print(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn read(field: &Field<'_>) -> Option<Self> {
        let items = field.items("a list, as in `[…, …]`")?;
        let count = items.len();
        let read: Vec<T> = items.iter().filter_map(Field::read).collect();
        (read.len() == count).then_some(read)
    }

    fn print(&self) -> Option<String> {
        let items: Vec<String> = self.iter().filter_map(Setting::print).collect();
        Some(format!("[{}]", items.join(", ")))
    }

    fn words() -> Vec<&'static str> {
        T::words()
    }

    fn keys() -> Vec<Key> {
        T::keys()
    }
}

impl<T: Setting> Setting for Option<T> {
    fn read(field: &Field<'_>) -> Option<Self> {
        T::read(field).map(Some)
    }

    fn print(&self) -> Option<String> {
        self.as_ref().and_then(Setting::print)
    }

    fn words() -> Vec<&'static str> {
        T::words()
    }

    fn keys() -> Vec<Key> {
        T::keys()
    }
}

impl Setting for Name {
    fn read(field: &Field<'_>) -> Option<Self> {
        let text = field.text("a domain name as \"example.test.\"")?;
        match parse_name(text) {
            Ok(name) => Some(name),
            Err(bad) => field.fail("bad-name", bad.to_string().trim_end_matches(": "), |d| {
                d.expected("expected a domain name as \"example.test.\"")
            }),
        }
    }

    fn print(&self) -> Option<String> {
        // `Display` would show the letters behind an A-label.
        Some(quote(&self.to_string()))
    }
}
