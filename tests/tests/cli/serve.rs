//! `counterpoint serve`: what a person is told, and what is refused. Who is asked over the wires stands in
//! the test `served`.

use std::{
    ffi::OsString,
    io::{self, Write},
    net::UdpSocket,
};

use counterpoint_scenarios::cli::{self, Streams};

const JOIN: &str = r#"
title = "beta joins alpha"
duration = "1d"
[[signer]]
name = "alpha"
[[signer]]
name = "beta"
[[zone]]
name = "example.test."
signers = ["alpha"]
[[event]]
at = "1h"
do = "join"
signer = "beta"
"#;

/// Where these tests listen: no other test does.
const NET: &str = "127.68.0.0/16";
/// On a port that anybody may have.
const PORT: &str = "5368";

/// Takes one text, and wants no more.
#[derive(Default)]
struct One(Vec<u8>);

impl Write for One {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.extend(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

/// Exit code, what it says of the first instant, complaints.
fn serve(text: &str, arguments: &[&str]) -> (u8, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("join.toml");
    std::fs::write(&file, text).unwrap();
    let (mut out, mut err) = (One::default(), Vec::new());
    let mut streams = Streams {
        out: &mut out,
        err: &mut err,
        out_styled: false,
        err_styled: false,
        progress: false,
        columns: None,
    };
    let file = file.display().to_string();
    let words = ["counterpoint", "serve", &file].into_iter();
    let words = words.chain(arguments.iter().copied()).map(OsString::from);
    let code = cli::main(words, &mut streams);
    let [out, err] = [out.0, err].map(|octets| String::from_utf8(octets).unwrap());
    let hide = |text: String| text.replace(&file, "join.toml");
    (code, hide(out), hide(err))
}

#[test]
fn an_instant_is_told_with_all_that_resolvers_must_know() {
    let at = [
        "--at", "1h 30m", "--then", "9h", "--net", NET, "--port", PORT,
    ];
    let (code, out, err) = serve(JOIN, &at);
    assert_eq!((code, err.as_str()), (0, ""));
    let (before, after) = out.split_once("which is now (").unwrap();
    let (_, after) = after.split_once(')').unwrap();
    insta::assert_snapshot!("serve", format!("{before}which is now (…){after}"));
}

#[test]
fn what_cannot_be_served_is_refused_with_a_remedy() {
    let taken = UdpSocket::bind("127.68.1.1:5369").unwrap();
    let mut said = Vec::new();
    for arguments in [
        &["--at", "99d"][..],
        &["--at", "2h", "--then", "1h"],
        &["--at", "2h", "--then", "2h"],
        &["--at", "two"],
        &["--at", "1h", "--net", "127.66.0.0/24"],
        &["--at", "1h", "--net", "somewhere"],
        &["--at", "1h", "--port", "0"],
        &["--at", "1h", "--net", NET, "--port", "5369"],
        &["--at", "1h", "--net", "192.0.0.0/16", "--port", PORT],
        &[],
    ] {
        let (code, out, err) = serve(JOIN, arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {err}");
        said.push(format!("serve {}\n{err}", arguments.join(" ")));
    }
    drop(taken);
    let (code, _, err) = serve("titel = 1\n", &["--at", "1h"]);
    assert_eq!(code, 2);
    assert!(err.contains("titel"), "{err}");
    insta::assert_snapshot!("serve_refuses", said.join("\n"));
}

#[test]
fn the_files_of_resolvers_are_written_where_they_are_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let at = [
        "--at", "1h", "--net", NET, "--port", "5370", "--write", &path,
    ];
    let (code, out, err) = serve(JOIN, &at);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains(&format!("{path}/unbound.conf")), "{out}");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    files.retain(|file| file.as_ref().unwrap().metadata().unwrap().len() > 0);
    assert_eq!(files.len(), 8, "{files:?}");
    let hints = std::fs::read_to_string(folder.path().join("root.hints")).unwrap();
    assert!(hints.contains("A 127.68.0.1"), "{hints}");
}
