//! Results as JUnit XML and as annotations of GitHub: the forms in which CI wants to be told.

use maud::{PreEscaped, html};

/// How one scenario, or one drawn run, came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name: the file as the user named it, or `run 17`.
    pub name: String,
    /// The file to which it belongs, if there is one.
    pub file: Option<String>,
    /// What was found.
    pub result: Result,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Result {
    /// Everything came as expected.
    Expected,
    /// Something did not: in one line, and the whole report.
    Unexpected(String, String),
    /// This software failed: in one line, and the whole report.
    Failed(String, String),
}

/// All cases as one document.
pub fn junit(suite: &str, cases: &[Case]) -> String {
    let count = |is: fn(&Result) -> bool| cases.iter().filter(|case| is(&case.result)).count();
    let failures = count(|result| matches!(result, Result::Unexpected(..)));
    let errors = count(|result| matches!(result, Result::Failed(..)));
    let suite = clean(suite);
    let markup = html! {
        testsuites tests=(cases.len()) failures=(failures) errors=(errors) {
            testsuite name=(suite) tests=(cases.len()) failures=(failures) errors=(errors) skipped="0" {
                @for case in cases {
                    testcase classname=(suite) name=(clean(&case.name)) file=[case.file.as_deref().map(clean)] {
                        @match &case.result {
                            Result::Expected => {},
                            Result::Unexpected(line, report) => {
                                failure message=(clean(line)) type="unexpected" { (clean(report)) }
                            },
                            Result::Failed(line, report) => {
                                error message=(clean(line)) type="internal" { (clean(report)) }
                            },
                        }
                    }
                }
            }
        }
    };
    let head = PreEscaped("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    format!("{}{}\n", head.into_string(), markup.into_string())
}

/// All that did not come as expected, as workflow commands.
pub fn github(cases: &[Case]) -> String {
    let told = cases.iter().filter_map(|case| match &case.result {
        Result::Expected => None,
        Result::Unexpected(line, report) | Result::Failed(line, report) => {
            let file = case
                .file
                .as_deref()
                .map(|file| format!("file={},", property(file)));
            let title = property(&format!("{}: {line}", case.name));
            let file = file.unwrap_or_default();
            Some(format!(
                "::error {file}title={title}::{}\n",
                data(report.trim())
            ))
        }
    });
    told.collect()
}

/// What a workflow command may hold.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Without what no XML document may hold (XML 1.0 §2.2).
fn clean(text: &str) -> String {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    text.chars()
        .map(|c| if allowed(c) { c } else { '\u{fffd}' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_with_a_file_ends_nothing() {
        let evil = "a<b>\"&\u{1b}]]>%::x,y\n::error::z";
        let cases = [Case {
            name: evil.into(),
            file: Some(evil.into()),
            result: Result::Unexpected(evil.into(), evil.into()),
        }];
        let xml = junit("s", &cases);
        assert!(!xml.contains("<b>") && !xml.contains('\u{1b}'), "{xml}");
        let command = github(&cases);
        assert_eq!(command.lines().count(), 1, "{command}");
        assert!(command.starts_with("::error file=a<b>\"&\u{1b}]]>%25%3A%3Ax%2Cy%0A"));
    }
}
