//! The KSK that the owner of a zone holds: a PKCS#8 file that nobody else may read.
//!
//! A file is written whole or not at all, and never over another one. No error shows a key.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use counterpoint_dns::{
    key::{Algorithm, SECURE_ENTRY_POINT, SigningKey, ZONE_KEY},
    pkcs8,
};

use super::{BadDeclaration, secret::private};

/// The flags of a KSK.
const FLAGS: u16 = ZONE_KEY | SECURE_ENTRY_POINT;
/// Longer files are no keys.
const OCTETS_MAX: u64 = 4_096;

/// The key in the file at `path`.
pub fn read(path: &Path) -> Result<SigningKey, BadDeclaration> {
    let shown = path.display().to_string();
    let unreadable = |error: io::Error| {
        BadDeclaration::new(
            &shown,
            error,
            "name a file that can be read, or make one with `zone new-ksk`",
        )
    };
    let size = fs::metadata(path).map_err(&unreadable)?.len();
    private(path)?;
    let text = match size > OCTETS_MAX {
        true => String::new(),
        false => fs::read_to_string(path).map_err(&unreadable)?,
    };
    pkcs8::from_pem(&text, FLAGS).ok_or_else(|| {
        let what = "no private key of algorithm 13 (ECDSA P-256) or 15 (Ed25519), as PKCS#8 in PEM";
        BadDeclaration::new(&shown, what, "make one with `zone new-ksk`")
    })
}

/// Writes the key of this seed into a new file at `path`, which its owner alone may read.
pub fn write(
    path: &Path,
    algorithm: Algorithm,
    seed: [u8; 32],
) -> Result<SigningKey, BadDeclaration> {
    let text = pkcs8::to_pem(algorithm, seed).ok_or_else(|| {
        let what = "keys of this algorithm are not kept in files";
        BadDeclaration::new(path.display(), what, "take algorithm 13 or 15")
    })?;
    let written = write_new(path, text.as_bytes());
    written.map_err(|error| {
        let remedy = match error.kind() {
            io::ErrorKind::AlreadyExists => "no key is ever written over: name another file",
            _ => "name a file in a directory that can be written",
        };
        BadDeclaration::new(path.display(), error, remedy)
    })?;
    read(path)
}

/// A file beside it takes the octets first; the link gives it its name, unless that is taken.
fn write_new(path: &Path, octets: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = Path::new(&beside);
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(beside)?;
    let linked = file
        .write_all(octets)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(beside, path));
    fs::remove_file(beside)?;
    linked?;
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_its_owners_alone_and_never_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("example.ksk");
        let key = write(&path, Algorithm::Ed25519, [7; 32]).unwrap();
        assert!(key.public().is_sep());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        let left: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "nothing is left beside it");

        let again = write(&path, Algorithm::Ed25519, [8; 32]).unwrap_err();
        assert!(again.remedy.contains("no key is ever written over"));
        assert_eq!(read(&path).unwrap().public(), key.public());

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = read(&path).unwrap_err();
        assert!(refused.what.contains("others on this machine can read it"));
        assert!(refused.remedy.starts_with("chmod 600"), "{refused}");

        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "no key").unwrap();
        let refused = read(&path).unwrap_err().to_string();
        assert!(
            refused.contains("PKCS#8") && !refused.contains("no key\n"),
            "{refused}"
        );
    }
}
