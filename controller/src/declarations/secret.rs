//! TSIG secrets and tokens: from a file of their own, or from the declarations. Nobody else may read either.
//!
//! No error shows a secret.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use counterpoint_dns::{tsig::TsigKey, web::Secret};
use data_encoding::BASE64;

use super::{BadDeclaration, tables::TsigTable};

/// Longer files are no secrets.
const OCTETS_MAX: u64 = 4_096;
/// Longer files are no lists of certificates that somebody trusts one signer by.
const CA_OCTETS_MAX: u64 = 1_048_576;
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
            let text = text_of(&path, OCTETS_MAX, FORM)?;
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

/// The token in a file.
pub(super) fn token(path: &Path) -> Result<Secret, BadDeclaration> {
    let text = text_of(path, OCTETS_MAX, TOKEN)?;
    private(path)?;
    let token = text.trim();
    match !token.is_empty() && token.chars().all(|c| c.is_ascii_graphic()) {
        true => Ok(Secret::new(token)),
        false => Err(BadDeclaration::new(
            path.display(),
            "it holds no token",
            TOKEN,
        )),
    }
}

/// What a file holds that nobody else may read: a token, or the secret of a key.
pub(crate) fn private_text(path: &Path) -> Result<String, BadDeclaration> {
    let text = text_of(path, OCTETS_MAX, "name the file that holds the secret")?;
    private(path)?;
    Ok(text)
}

/// The certificates in a file, which are no secret.
pub(super) fn certificates(path: &Path) -> Result<String, BadDeclaration> {
    let text = text_of(path, CA_OCTETS_MAX, CA)?;
    match text.contains("-----BEGIN CERTIFICATE-----") {
        true => Ok(text),
        false => Err(BadDeclaration::new(
            path.display(),
            "it holds no certificate",
            CA,
        )),
    }
}

fn text_of(path: &Path, octets_max: u64, remedy: &str) -> Result<String, BadDeclaration> {
    let size = fs::metadata(path).map(|file| file.len());
    if size.is_ok_and(|size| size > octets_max) {
        let what = format!("it is longer than {octets_max} octets");
        return Err(BadDeclaration::new(path.display(), what, remedy));
    }
    fs::read_to_string(path).map_err(|error| BadDeclaration::new(path.display(), error, remedy))
}

const TOKEN: &str = "put the token alone into a file, and name that in `token-file`";
const CA: &str = "name a file with certificates in PEM in `ca-file`";
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
