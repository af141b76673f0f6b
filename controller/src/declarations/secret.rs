//! TSIG secrets: from a file of their own, or from the declarations. Nobody else may read either.
//!
//! No error shows a secret.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use counterpoint_dns::tsig::TsigKey;
use data_encoding::BASE64;

use super::{BadDeclaration, tables::TsigTable};

/// Longer files are no secrets.
const OCTETS_MAX: u64 = 4_096;
/// Shorter secrets can be guessed.
const SECRET_OCTETS_MIN: usize = 16;

/// The key of a `tsig` table; `place` is where that is.
pub(super) fn key(table: &TsigTable, file: &Path, place: &str) -> Result<TsigKey, BadDeclaration> {
    let (text, place) = match (&table.secret, &table.secret_file) {
        (Some(secret), None) => {
            private(file)?;
            (secret.clone(), place.to_string())
        }
        (None, Some(beside)) => {
            let path = super::check::beside(file, beside);
            let shown = path.display().to_string();
            let size = fs::metadata(&path).map(|file| file.len());
            if size.is_ok_and(|size| size > OCTETS_MAX) {
                let what = format!("more than {OCTETS_MAX} octets are no secret");
                return Err(BadDeclaration::new(shown, what, FORM));
            }
            let text = fs::read_to_string(&path).map_err(|error| {
                BadDeclaration::new(
                    &shown,
                    error,
                    "name a file that can be read in `secret-file`",
                )
            })?;
            private(&path)?;
            (text, shown)
        }
        _ => {
            let what = "expected one of `secret` and `secret-file`";
            return Err(BadDeclaration::new(place, what, FORM));
        }
    };
    let secret = BASE64
        .decode(text.trim().as_bytes())
        .map_err(|_| BadDeclaration::new(&place, "the secret is not in base64", FORM))?;
    if secret.len() < SECRET_OCTETS_MIN {
        let what = format!("the secret is shorter than {SECRET_OCTETS_MIN} octets");
        return Err(BadDeclaration::new(&place, what, FORM));
    }
    let known = TsigKey::new(&table.algorithm, table.name.0.clone(), &secret);
    known.ok_or_else(|| {
        let what = format!("`{}` is no algorithm that is known", table.algorithm);
        let remedy = "use hmac-sha256, hmac-sha384 or hmac-sha512";
        BadDeclaration::new(&place, what, remedy)
    })
}

const FORM: &str =
    "put the base64 text, which `tsig-keygen` shows as `secret`, alone into a file, and name that";

/// Whether nobody but its owner may read a file.
pub(super) fn private(path: &Path) -> Result<(), BadDeclaration> {
    let mode = fs::metadata(path).map(|file| file.permissions().mode());
    match mode.is_ok_and(|mode| mode & 0o077 != 0) {
        false => Ok(()),
        true => {
            let shown = path.display().to_string();
            let what = "it holds a secret, and others on this machine can read it";
            Err(BadDeclaration::new(
                &shown,
                what,
                format!("chmod 600 {shown}"),
            ))
        }
    }
}
