//! Texts that nobody else may read: a password, a private key. Never on the command line, never in an
//! error.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use super::BadInput;

/// Longer files hold no password and no key.
const OCTETS_MAX: u64 = 64 << 10;

/// The text of a file that its owner alone can read.
pub fn read(path: &Path) -> Result<String, BadInput> {
    let place = path.display().to_string();
    let found = fs::metadata(path)
        .map_err(|error| BadInput::new(&place, error, "name a file that can be read"))?;
    if found.permissions().mode() & 0o077 != 0 {
        let what = "others on this machine can read the secret";
        return Err(BadInput::new(&place, what, format!("chmod 600 {place}")));
    }
    if found.len() > OCTETS_MAX {
        let what = "too long for a secret";
        return Err(BadInput::new(&place, what, "name the file with the secret"));
    }
    fs::read_to_string(path)
        .map_err(|error| BadInput::new(&place, error, "name a file that can be read"))
}

/// The first line of such a file.
pub fn read_line(path: &Path) -> Result<String, BadInput> {
    let text = read(path)?;
    let line = text.lines().next().unwrap_or_default().trim_end();
    if line.is_empty() {
        let place = path.display();
        let remedy = "write the secret as its first line";
        return Err(BadInput::new(place, "its first line is empty", remedy));
    }
    Ok(line.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_can_read_is_no_secret() {
        let folder = std::env::temp_dir();
        let path = folder.join(format!("counterpoint-secret-{}", std::process::id()));
        fs::write(&path, "hush \nmore").unwrap();
        for (mode, is_read) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let read = read_line(&path);
            assert_eq!(read.is_ok(), is_read, "{mode:o}");
            match read {
                Ok(line) => assert_eq!(line, "hush"),
                Err(bad) => assert!(!bad.to_string().contains("hush"), "{bad}"),
            }
        }
        fs::remove_file(&path).unwrap();
    }
}
