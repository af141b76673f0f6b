//! What is given out: the decision log, scripts and files for the parent, summaries and reports.
//!
//! Each output is a function of plans and [`Decision`]s. None of them asks or decides anything.

pub mod decision;
pub mod dsset;
pub mod epp;
pub mod html;
pub mod notice;
pub mod nsupdate;
pub mod summary;
pub mod trail;
pub mod zone_diff;

pub use decision::Decision;

use counterpoint_dns::name::Name;

/// A name as a file's: whatever a file system could misunderstand becomes `%` and two digits.
pub fn file_name(name: &Name) -> String {
    let mut file = String::new();
    for octet in name.to_lowercase().to_string().bytes() {
        match octet {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => file.push(char::from(octet)),
            _ => file.push_str(&format!("%{octet:02x}")),
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpoint_dns::name::parse_name;

    #[test]
    fn file_names_stay_in_their_directory() {
        for (name, file) in [
            ("Example.test.", "example.test."),
            (r"a\/b.test.", "a%2fb.test."),
            (r"\..test.", "%5c..test."),
            ("*.test.", "%2a.test."),
        ] {
            assert_eq!(file_name(&parse_name(name).unwrap()), file);
        }
    }
}
