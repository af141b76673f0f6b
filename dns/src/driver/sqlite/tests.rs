//! What a store owes: durability, order, one owner, and a way out and in.

use std::{fs, sync::atomic::AtomicUsize, sync::atomic::Ordering};

use super::*;

const OWNER: Owner = Owner {
    mark: 0x4350_7401,
    name: "trial",
};

/// A directory that is gone afterwards.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("counterpoint-sqlite-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn record(key: &str, value: &str) -> Record {
    Record {
        key: key.into(),
        value: value.into(),
    }
}

fn entry_of(zone: &str, text: &str) -> Entry {
    Entry {
        time: Timestamp::from_seconds(7),
        zone: zone.into(),
        kind: "verdict".into(),
        subject: "DS".into(),
        text: text.into(),
    }
}

#[test]
fn records_and_their_log_survive_and_empty_values_go() {
    let place = Place::new();
    let path = place.file("state");
    let mut store = SqliteStore::open(&path, OWNER).unwrap();
    store.put(&record("child/gone.", "1")).unwrap();
    let kept = [record("child/a.", "line\none"), record("child/gone.", "")];
    let told = [
        entry_of("a.", "first"),
        entry_of("b.", "other"),
        entry_of("a.", "second"),
    ];
    store.put_all(&kept, &told).unwrap();
    store.put(&record("other/a.", "x")).unwrap();
    drop(store);
    let store = SqliteStore::open(&path, OWNER).unwrap();
    assert_eq!(
        store.records(),
        [record("child/a.", "line\none"), record("other/a.", "x")]
    );
    assert_eq!(
        store.value("child/a.").unwrap().as_deref(),
        Some("line\none")
    );
    assert_eq!(store.value("child/gone.").unwrap(), None);
    let mut children = Vec::new();
    store
        .each("child/", |record| children.push(record.key))
        .unwrap();
    assert_eq!(children, ["child/a."]);
    assert_eq!(
        store.log_of("a.").unwrap(),
        [told[0].clone(), told[2].clone()]
    );
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_an_agent_says_in_one_go_is_one_transaction() {
    let place = Place::new();
    let mut store = SqliteStore::open(&place.file("state"), OWNER).unwrap();
    let note = Note {
        zone: "a.".into(),
        kind: "verdict",
        subject: "DS".into(),
        text: "first".into(),
    };
    let at = Timestamp::from_seconds(7);
    store
        .keep(at, &[record("k", "1")], std::slice::from_ref(&note))
        .unwrap();
    assert_eq!(store.records(), [record("k", "1")]);
    assert_eq!(store.log_of("a.").unwrap(), [entry_of("a.", "first")]);
    // Without its log a record must not stay either.
    store.connection.execute("DROP TABLE log", []).unwrap();
    assert!(store.keep(at, &[record("k", "2")], &[note]).is_err());
    assert_eq!(store.records(), [record("k", "1")]);
}

#[test]
fn the_log_is_append_only_and_a_transaction_is_all_or_nothing() {
    let place = Place::new();
    let mut store = SqliteStore::open(&place.file("state"), OWNER).unwrap();
    store.put_all([], &[entry_of("a.", "first")]).unwrap();
    for sql in ["DELETE FROM log", "UPDATE log SET text = ''"] {
        let error = store.connection.execute(sql, []).unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
    // The second table is gone: the record before it must not stay.
    store
        .connection
        .execute_batch("ALTER TABLE log RENAME TO away")
        .unwrap();
    let put = store.put_all(&[record("k", "v")], &[entry_of("a.", "x")]);
    assert!(put.is_err());
    assert_eq!(store.value("k").unwrap(), None);
}

#[test]
fn files_of_others_newer_files_and_damaged_files_are_refused() {
    let place = Place::new();
    let path = place.file("state");
    drop(SqliteStore::open(&path, OWNER).unwrap());
    let other = Owner {
        mark: 1,
        name: "another",
    };
    let refusal = |path: &Path, owner| {
        let error = SqliteStore::open(path, owner).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        error.to_string()
    };
    assert!(refusal(&path, other).contains("belongs to another program, not to another"));

    let store = SqliteStore::open(&path, OWNER).unwrap();
    store
        .connection
        .pragma_update(None, "user_version", 99)
        .unwrap();
    drop(store);
    assert!(refusal(&path, OWNER).contains("schema 99"));

    let foreign = place.file("foreign");
    let connection = Connection::open(&foreign).unwrap();
    connection.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(connection);
    assert!(refusal(&foreign, OWNER).contains("another program"));

    let damaged = place.file("damaged");
    fs::write(
        &damaged,
        "no store at all, but long enough to be looked at ".repeat(99),
    )
    .unwrap();
    assert!(refusal(&damaged, OWNER).contains("no store"));
    assert!(fs::read(&damaged).unwrap().starts_with(b"no store at all"));
}

#[test]
fn a_second_process_is_told_to_wait() {
    let place = Place::new();
    let path = place.file("state");
    let _first = SqliteStore::open(&path, OWNER).unwrap();
    let error = SqliteStore::open(&path, OWNER).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ResourceBusy, "{error}");
}

#[test]
fn looking_writes_nothing_and_refuses_what_it_could_misread() {
    let place = Place::new();
    let path = place.file("state 100%?#");
    let mut store = SqliteStore::open(&path, OWNER).unwrap();
    store.put(&record("k", "v")).unwrap();
    let error = SqliteStore::open_to_read(&path, OWNER).unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
    drop(store);
    let before = fs::read(&path).unwrap();
    let store = SqliteStore::open_to_read(&path, OWNER).unwrap();
    assert_eq!(store.value("k").unwrap().as_deref(), Some("v"));
    let listing = fs::read_dir(&place.0).unwrap().count();
    assert_eq!((listing, fs::read(&path).unwrap()), (1, before));
    drop(store);
    assert!(SqliteStore::open_to_read(&place.file("none"), OWNER).is_err());
    assert!(!place.file("none").exists());
}

#[test]
fn out_and_in_again_is_the_same_and_errors_name_the_line() {
    let place = Place::new();
    let mut store = SqliteStore::open(&place.file("one"), OWNER).unwrap();
    let records = [record("child/a.", "line\none"), record("k", "v")];
    store
        .put_all(&records, &[entry_of("a.", "{\"x\":1}")])
        .unwrap();
    let mut text = Vec::new();
    assert_eq!(store.export(&mut text).unwrap(), (2, 1));
    let again = store.import("dump", &mut text.as_slice()).unwrap_err();
    assert!(again.to_string().contains("not empty"), "{again}");

    let mut copy = SqliteStore::open(&place.file("two"), OWNER).unwrap();
    let cut = &text[..text.len() - 1];
    for (input, said) in [
        (cut, "dump:4: the line does not end"),
        (b"" as &[u8], "dump: empty"),
        (b"{}\n", "dump:1: not a line"),
        (
            b"{\"record\":{\"key\":\"k\",\"value\":\"v\"}}\n",
            "dump:1: expected the first line",
        ),
    ] {
        let error = copy.import("dump", &mut &*input).unwrap_err().to_string();
        assert!(error.starts_with(said), "{error}");
        assert_eq!(copy.records(), [], "nothing of it stays");
    }
    assert_eq!(copy.import("dump", &mut text.as_slice()).unwrap(), (2, 1));
    let mut same = Vec::new();
    copy.export(&mut same).unwrap();
    assert_eq!(same, text);
}
