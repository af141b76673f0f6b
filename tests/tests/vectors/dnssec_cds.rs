//! A second opinion: `dnssec-cds` of BIND 9 (Debian: package `bind9-utils`) on the same children.
//!
//! It reads what one server would serve, so both servers serve the same here. Where the signal is a
//! request that it understands, its DS RRset must be ours. Where it is known to be wrong, it must still
//! be wrong in the same way: a difference that goes away is worth knowing of.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use counterpoint_dns::{
    agent::Transport,
    driver::clock::Clock,
    message::{Question, Reply, query},
    name::RecordType,
    rdata::{Ds, Rdata},
    stream::stream,
    time::Timestamp,
};
use counterpoint_scanner::{About, Scanner};
use counterpoint_tests::vectors::{
    file,
    layer::{Layer, Over as _},
    memory::Memory,
    story::{Carrier as _, config},
    town::{CHILD, Town},
};

/// Where Debian puts it, and where a build of one's own does.
const PLACES: [&str; 3] = [
    "/usr/bin/dnssec-cds",
    "/usr/sbin/dnssec-cds",
    "/usr/local/bin/dnssec-cds",
];

/// The tool. Without it the test is passed over, but never where everything is to be tested.
fn tool() -> Option<&'static Path> {
    let found = PLACES.iter().map(Path::new).find(|path| path.exists());
    if found.is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "dnssec-cds is missing: install bind9-utils"
        );
        eprintln!(
            "SKIPPED: dnssec-cds is none of {PLACES:?}; install bind9-utils to run this test"
        );
    }
    found
}

/// What both say about one child.
#[derive(Debug)]
struct Opinions {
    /// The DS RRset that the tool writes; nothing if it refuses.
    theirs: Option<BTreeSet<Rdata>>,
    complaint: String,
    /// The DS RRset at the parent after a scan.
    ours: BTreeSet<Rdata>,
    said: String,
    before: BTreeSet<Rdata>,
}

impl Opinions {
    /// Whether both leave the parent with the same DS RRset. A refusal leaves it as it was.
    fn agree(&self) -> bool {
        *self.theirs.as_ref().unwrap_or(&self.before) == self.ours
    }
}

/// Text that any master file reader takes (RFC 3597 §5).
fn line(rtype: RecordType, data: &Rdata) -> String {
    let (number, length) = (u16::from(rtype), data.octets().len());
    format!("{CHILD} 300 IN TYPE{number} \\# {length} {data:?}\n")
}

/// The records that the tool wants to see, with their signatures, as the first server gives them.
fn child_file(town: &mut Town, now: Timestamp) -> String {
    let server = "192.0.2.1:53".parse().unwrap();
    let mut text = String::new();
    for rtype in [RecordType::DNSKEY, RecordType::CDS, RecordType::CDNSKEY] {
        let question = Question::new(town.child().clone(), rtype);
        let asked = query(1, &question);
        let octets = town
            .respond(now, server, server, Transport::Tcp, &asked)
            .unwrap();
        let reply = Reply::parse(&octets).unwrap();
        let Some(signed) = reply.answer_for(&question) else {
            continue;
        };
        signed
            .set
            .data
            .iter()
            .for_each(|data| text += &line(rtype, data));
        let signatures = signed.signatures.iter().map(|rrsig| rrsig.to_rdata());
        signatures.for_each(|data| text += &line(RecordType::RRSIG, &data));
    }
    text
}

fn ds_of(town: &Town) -> BTreeSet<Rdata> {
    let key = (town.child().clone(), RecordType::DS);
    town.parent()
        .remove(&key)
        .map(|set| set.data)
        .unwrap_or_default()
}

/// `DS` lines as the tool writes them.
fn read_ds(text: &str) -> BTreeSet<Rdata> {
    let read = |line: &str| {
        let words: Vec<&str> = line
            .split_whitespace()
            .skip_while(|word| *word != "DS")
            .collect();
        let [_, tag, algorithm, digest_type, hex @ ..] = words.as_slice() else {
            return None;
        };
        let hex = hex.concat();
        let octet = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let ds = Ds {
            tag: tag.parse().unwrap(),
            algorithm: algorithm.parse().unwrap(),
            digest_type: digest_type.parse().unwrap(),
            digest: (0..hex.len()).step_by(2).map(octet).collect(),
        };
        Some(ds.to_rdata())
    };
    text.lines().filter_map(read).collect()
}

/// Asks both. `words` are the case's own; what they do not say is built in.
fn ask_both(tool: &Path, words: &str) -> Opinions {
    let file =
        format!("rule = \"x\"\ntitle = \"x\"\n[[case]]\ntitle = \"x\"\nexpect = \"x\"\n{words}");
    let case = file::read("generated", &file).unwrap().remove(0);
    let words: &Layer = &case.layer.clone().over(&Layer::default());
    let now = Clock.now();
    let mut town = Town::at(now, words).unwrap();
    let before = ds_of(&town);

    let directory = directory();
    let (child, parent) = (directory.join("child"), directory.join("dsset"));
    fs::write(&child, child_file(&mut town, now)).unwrap();
    let dsset: String = before
        .iter()
        .map(|data| line(RecordType::DS, data))
        .collect();
    fs::write(&parent, dsset).unwrap();
    // It takes the file's time for the age of the last signatures that were accepted.
    let mut command = Command::new(tool);
    command
        .args(["-s", "-864000", "-d"])
        .arg(&parent)
        .arg("-f")
        .arg(&child)
        .arg(CHILD);
    let output = command.output().unwrap();
    fs::remove_dir_all(&directory).unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let theirs = output.status.success().then(|| read_ds(&text));

    let scanner = Scanner::new(config(&town, words).unwrap(), stream(1, "scanner"));
    let mut memory = Memory::at(now);
    let scanner = memory.live(scanner, &mut town, now + std::time::Duration::from_secs(30));
    Opinions {
        theirs,
        complaint: String::from_utf8_lossy(&output.stderr).into_owned(),
        ours: ds_of(&town),
        said: scanner.said(town.child(), About::Ds).unwrap(),
        before,
    }
}

/// A directory of this question's own.
fn directory() -> PathBuf {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("counterpoint-dnssec-cds-{}-{number}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    fs::create_dir_all(&directory).unwrap();
    directory
}

/// Every combination of these: what the parent has, which keys sign, what CDS and CDNSKEY say.
const DS: [&[&str]; 3] = [&["a"], &["a", "n"], &["a", "s"]];
const SIGNERS: [&[&str]; 3] = [&["a"], &["a", "n"], &["n"]];
const ASKED: [&[&str]; 9] = [
    &[],
    &["a"],
    &["n"],
    &["a", "n"],
    &["s"],
    &["a", "s"],
    &["n", "s"],
    &["a", "p"],
    &["a", "n", "p"],
];

#[test]
fn it_agrees_wherever_it_is_right() {
    let Some(tool) = tool() else { return };
    let (mut same, mut changed) = (0, 0);
    for ds in DS {
        for signers in SIGNERS {
            for asked in ASKED {
                for (by_cds, by_cdnskey) in [(true, true), (true, false), (false, true)] {
                    let nothing: &[&str] = &[];
                    let cds = if by_cds { asked } else { nothing };
                    let cdnskey = if by_cdnskey { asked } else { nothing };
                    let words = format!(
                        "parent.ds = {ds:?}\nzone.dnskey = [\"a\", \"n\", \"az\"]\nzone.cds = {cds:?}\n\
                         zone.cdnskey = {cdnskey:?}\nzone.sign.DNSKEY = {signers:?}\n\
                         zone.sign.CDS = {signers:?}\nzone.sign.CDNSKEY = {signers:?}\n"
                    );
                    let opinions = ask_both(tool, &words);
                    assert!(opinions.agree(), "{words}{opinions:#?}");
                    same += 1;
                    changed += usize::from(opinions.ours != opinions.before);
                }
            }
        }
    }
    println!("{same} children, {changed} of them with a change");
    assert!(
        changed > 40,
        "{changed} changes of {same} are too few to mean anything"
    );
}

/// The known differences: what is served, what the tool makes of it, what is right.
struct Difference {
    what: &'static str,
    words: &'static str,
    /// Whether what the tool does is what is meant here.
    is_theirs: fn(&Opinions) -> bool,
    /// What ours says.
    ours: &'static str,
}

#[test]
fn where_it_is_wrong_it_still_is() {
    let Some(tool) = tool() else { return };
    let refuses = |opinions: &Opinions| opinions.theirs.is_none();
    // RFC 8078 §4: algorithm 0 stays reserved for requests, it never gets into a DS.
    let makes_algorithm_0: fn(&Opinions) -> bool = |opinions| {
        let all = opinions.theirs.iter().flatten().filter_map(Ds::parse);
        all.map(|ds| ds.algorithm).eq([0])
    };
    let differences = [
        Difference {
            what: "a delete by CDS alone is refused",
            words: "zone.cds = [\"delete\"]",
            is_theirs: refuses,
            ours: "ACCEPT B-08",
        },
        Difference {
            what: "a delete by CDNSKEY alone becomes a DS of algorithm 0",
            words: "zone.cdnskey = [\"delete\"]",
            is_theirs: makes_algorithm_0,
            ours: "ACCEPT B-08",
        },
        Difference {
            what: "so do both deletes",
            words: "zone.cds = [\"delete\"]\nzone.cdnskey = [\"delete\"]",
            is_theirs: makes_algorithm_0,
            ours: "ACCEPT B-08",
        },
        Difference {
            what: "a delete beside a real CDS is dropped silently",
            words: "zone.dnskey = [\"a\", \"n\", \"az\"]\nzone.sign.CDS = [\"a\"]\nzone.cds = [\"a\", \"n\", \"delete\"]",
            is_theirs: |opinions| opinions.theirs.as_ref().is_some_and(|ds| ds.len() == 2),
            ours: "IGNORE B-09",
        },
        Difference {
            what: "CDS and CDNSKEY that name different keys: CDS is taken",
            words: "zone.dnskey = [\"a\", \"n\", \"az\"]\nzone.cds = [\"n\"]\nzone.cdnskey = [\"a\"]",
            is_theirs: |opinions| {
                let theirs = opinions.theirs.as_ref();
                theirs.is_some_and(|ds| ds.len() == 1 && *ds != opinions.before)
            },
            ours: "ABORT X-09",
        },
    ];
    for Difference {
        what,
        words,
        is_theirs,
        ours,
    } in differences
    {
        let opinions = ask_both(tool, words);
        assert!(is_theirs(&opinions), "{what}: {opinions:#?}");
        assert!(opinions.said.starts_with(ours), "{what}: {opinions:#?}");
        assert!(!opinions.agree(), "{what}: {opinions:#?}");
        assert!(
            !opinions.complaint.contains("usage"),
            "{what}: {opinions:#?}"
        );
    }
    // The two rows of the same table on which both agree.
    for (words, ours) in [
        ("zone.cds = [\"a\", \"s\"]", "ACCEPT K-02"),
        ("zone.cds = [\"s\"]", "IGNORE K-05"),
    ] {
        let opinions = ask_both(tool, words);
        assert!(
            opinions.agree() && opinions.said.starts_with(ours),
            "{words}: {opinions:#?}"
        );
    }
}
