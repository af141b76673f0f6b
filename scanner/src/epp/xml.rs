//! XML as it is written: elements with their namespaces, text that is always escaped.
//!
//! Owns the form only. What is read is read by a library, in [`answer`](super::answer).

use std::fmt::Write as _;

/// An element: its name with prefix, attributes, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    inside: Inside,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Inside {
    Text(String),
    Elements(Vec<Element>),
}

/// An element with others in it.
pub fn element(name: &'static str, inside: impl IntoIterator<Item = Element>) -> Element {
    Element {
        name,
        attributes: Vec::new(),
        inside: Inside::Elements(inside.into_iter().collect()),
    }
}

/// An element with text in it.
pub fn text(name: &'static str, text: impl ToString) -> Element {
    Element {
        name,
        attributes: Vec::new(),
        inside: Inside::Text(text.to_string()),
    }
}

impl Element {
    /// The same with an attribute.
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.attributes.push((name, value.to_string()));
        self
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        match &self.inside {
            Inside::Text(text) => text.is_empty(),
            Inside::Elements(elements) => elements.is_empty(),
        }
    }

    /// As a document, one element a line.
    pub fn document(&self) -> String {
        let mut document = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write(&mut document, 0);
        document
    }

    fn write(&self, to: &mut String, depth: usize) {
        let (indent, name) = ("  ".repeat(depth), self.name);
        // Writing to a string cannot fail.
        let _ = write!(to, "{indent}<{name}");
        for (name, value) in &self.attributes {
            let _ = write!(to, " {name}=\"{}\"", escaped(value));
        }
        match &self.inside {
            _ if self.is_empty() => to.push_str("/>\n"),
            Inside::Text(text) => {
                let _ = writeln!(to, ">{}</{name}>", escaped(text));
            }
            Inside::Elements(elements) => {
                to.push_str(">\n");
                for element in elements {
                    element.write(to, depth + 1);
                }
                let _ = writeln!(to, "{indent}</{name}>");
            }
        }
    }
}

/// Text that is nothing but text. What XML cannot carry at all (XML 1.0 §2.2) becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(escaped, "&#{};", u32::from(letter));
            }
            letter if letter < ' ' || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                escaped.push('\u{fffd}');
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_text_says_it_is_text() {
        let odd = "a]]>&<b c=\"d\">\n\u{1}é";
        let document = element("x", [text("y", odd).with("z", odd)]).document();
        let read = roxmltree::Document::parse(&document).unwrap();
        let y = read.descendants().find(|node| node.has_tag_name("y"));
        let y = y.unwrap();
        let expected = odd.replace('\u{1}', "\u{fffd}");
        assert_eq!(y.text(), Some(&*expected));
        assert_eq!(y.attribute("z"), Some(&*expected));
    }
}
