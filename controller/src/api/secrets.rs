//! Secrets that come over the network: each goes into a file of its own, beside the declarations, which
//! nobody else may read, and is never given back.
//!
//! Who is not at the machine names no files of it.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use super::Failure;
use crate::{
    declarations::{BadDeclaration, beside},
    random,
};

/// Longer ones are none.
const OCTETS_MAX: usize = 65_536;

/// The files that one call brought; those that the declarations do not name in the end go again.
#[derive(Default)]
pub(super) struct Files(Vec<PathBuf>);

impl Files {
    /// The name, for the declarations, of the file that holds what was sent as `text` or named as `file`.
    pub(super) fn name(
        &mut self,
        declarations: &Path,
        (signer, kind): (&str, &str),
        text: Option<String>,
        file: Option<String>,
        is_local: bool,
    ) -> Result<Option<String>, Failure> {
        let bad = |what: &str, remedy: &str| BadDeclaration::new(kind, what, remedy).into();
        match (text, file) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(bad("it is given twice", "give the text or the file")),
            (None, Some(file)) if is_local => Ok(Some(file)),
            (None, Some(_)) => Err(bad(
                "files are named by who is at the machine of the controller",
                "send what the file holds",
            )),
            (Some(text), None) if text.len() > OCTETS_MAX => {
                Err(bad("it is longer than 64 KiB", "send the secret alone"))
            }
            (Some(text), None) => {
                let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
                let signer: String = signer.chars().filter(|c| plain(*c)).take(63).collect();
                let name = format!("{signer}.{}.{kind}", random::hex::<4>()?);
                let path = beside(declarations, Path::new(&name));
                let mut options = OpenOptions::new();
                let options = options.write(true).create_new(true).mode(0o600);
                let mut file = options.open(&path)?;
                self.0.push(path);
                file.write_all(text.trim().as_bytes())?;
                file.write_all(b"\n")?;
                file.sync_all()?;
                Ok(Some(name))
            }
        }
    }

    /// The declarations name them.
    pub(super) fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for path in &self.0 {
            // Nobody names it: that it stays harms nobody either.
            let _ = fs::remove_file(path);
        }
    }
}
