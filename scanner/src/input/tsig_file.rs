//! A TSIG key from a file: as `tsig-keygen` writes it, or `ALGORITHM:NAME:SECRET` on one line.
//!
//! A secret is never on the command line, where every user of the machine sees it, and never in an
//! error.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use counterpoint_dns::{name::parse_name, tsig::TsigKey};
use domain::utils::base64;

use super::BadInput;

const FORM: &str = "write it as `tsig-keygen -a hmac-sha256 NAME > FILE` does, or as \
    `hmac-sha256:NAME:BASE64`; hmac-sha256, hmac-sha384 and hmac-sha512 are known";

/// Reads a key.
pub fn read(path: &Path) -> Result<TsigKey, BadInput> {
    let place = path.display().to_string();
    let text = fs::read_to_string(path)
        .map_err(|error| BadInput::new(&place, error, "name a TSIG key file that can be read"))?;
    let mode = fs::metadata(path).map(|file| file.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o007 != 0) {
        let what = "everybody on this machine can read the secret";
        return Err(BadInput::new(&place, what, format!("chmod 600 {place}")));
    }
    parse(&text).ok_or_else(|| BadInput::new(&place, "no TSIG key in it", FORM))
}

/// The key in a text.
pub fn parse(text: &str) -> Option<TsigKey> {
    let text = text.trim();
    let (algorithm, name, secret) = match text.strip_prefix("key") {
        Some(rest) if rest.starts_with(['"', ' ', '\t']) => {
            let (name, body) = rest.split_once('{')?;
            let field = |key: &str| {
                let statements = body.split([';', '{', '}']);
                let mut words =
                    statements.map(|statement| statement.trim().split_once(char::is_whitespace));
                words.find_map(|words| words.filter(|(word, _)| *word == key))
            };
            let plain = |text: &str| text.trim().trim_matches('"').to_string();
            (
                plain(field("algorithm")?.1),
                plain(name),
                plain(field("secret")?.1),
            )
        }
        _ => {
            let mut parts = text.split(':').map(str::to_string);
            let parsed = (parts.next()?, parts.next()?, parts.next()?);
            if parts.next().is_some() {
                return None;
            }
            parsed
        }
    };
    let secret: Vec<u8> = base64::decode(&secret).ok()?;
    TsigKey::new(&algorithm.to_lowercase(), parse_name(&name).ok()?, &secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_nothing_else() {
        let written =
            "key \"update.test\" {\n\talgorithm hmac-sha512;\n\tsecret \"c2VjcmV0\";\n};\n";
        for text in [written, "hmac-sha512:update.test:c2VjcmV0\n"] {
            assert_eq!(parse(text).unwrap().name().to_string(), "update.test.");
        }
        for text in [
            "",
            "hmac-md5:update.test:c2VjcmV0",
            "hmac-sha256:update.test",
            "hmac-sha256:update.test:!",
            "key \"update.test\" { secret \"c2VjcmV0\"; };",
            "hmac-sha256:update.test:c2VjcmV0:more",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
