//! The shapes of what is taken and given, said once: as types that serde reads and writes, and as the
//! schemas (JSON Schema 2020-12) that OpenAPI 3.1 documents them by.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What has a schema.
pub(crate) trait Shape {
    /// Whether it may be left out.
    const MAY_LACK: bool = false;

    /// Its schema.
    fn schema() -> Value;
}

impl Shape for String {
    fn schema() -> Value {
        json!({ "type": "string" })
    }
}

impl Shape for bool {
    fn schema() -> Value {
        json!({ "type": "boolean" })
    }
}

impl Shape for u64 {
    fn schema() -> Value {
        json!({ "type": "integer", "minimum": 0 })
    }
}

impl Shape for u8 {
    fn schema() -> Value {
        json!({ "type": "integer", "minimum": 0, "maximum": 255 })
    }
}

/// Anything.
impl Shape for Value {
    fn schema() -> Value {
        json!({})
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn schema() -> Value {
        json!({ "type": "array", "items": T::schema() })
    }
}

impl<T: Shape> Shape for Option<T> {
    const MAY_LACK: bool = true;

    fn schema() -> Value {
        json!({ "anyOf": [T::schema(), { "type": "null" }] })
    }
}

impl<T: Shape> Shape for BTreeMap<String, T> {
    fn schema() -> Value {
        json!({ "type": "object", "additionalProperties": T::schema() })
    }
}

/// A struct of named values: the type, its JSON and its schema.
macro_rules! resource {
    ($(
        $(#[doc = $about:literal])*
        $name:ident { $( $(#[doc = $what:literal])* $field:ident: $kind:ty, )* }
    )*) => {$(
        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        pub(crate) struct $name {
            $( $(#[doc = $what])* pub $field: $kind, )*
        }

        impl $crate::api::shape::Shape for $name {
            fn schema() -> serde_json::Value {
                let fields = [$((
                    stringify!($field).replace('_', "-"),
                    <$kind as $crate::api::shape::Shape>::schema(),
                    [$($what),*].concat().trim().to_string(),
                    <$kind as $crate::api::shape::Shape>::MAY_LACK,
                )),*];
                $crate::api::shape::object([$($about),*].concat().trim(), fields)
            }
        }
    )*};
}
pub(crate) use resource;

/// The schema of a struct: name, schema and meaning of each field, and whether it may be left out.
pub(crate) fn object<const N: usize>(
    about: &str,
    fields: [(String, Value, String, bool); N],
) -> Value {
    let mut properties = serde_json::Map::new();
    let mut required = Vec::new();
    for (name, mut schema, what, may_lack) in fields {
        schema["description"] = what.into();
        if !may_lack {
            required.push(name.clone());
        }
        properties.insert(name, schema);
    }
    json!({
        "type": "object",
        "description": about,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}
