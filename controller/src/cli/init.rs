//! A file of declarations to begin with: every key with its default, as comments.

use std::{fs::OpenOptions, io::Write as _, os::unix::fs::OpenOptionsExt as _};

use serde_json::json;

use super::{Failure, Outcome, arguments::Common, request::a_zone};
use crate::declarations::{BadDeclaration, Declarations};

/// The file, without the name of the parent.
const TEMPLATE: &str = include_str!("template.toml");

/// Begins a file.
pub fn run(common: &Common, parent: &str) -> Result<Outcome, Failure> {
    let path = &common.config;
    let parent = a_zone(parent)?;
    let text = TEMPLATE.replace("PARENT", &parent.to_string());
    Declarations::read(path, &text)?;
    let write = || -> std::io::Result<()> {
        let options = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        let mut file = options?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|error| {
        let remedy = "name a file that is not there yet with --config FILE";
        BadDeclaration::new(path.display(), error, remedy)
    })?;
    let text = format!(
        "{} begun; next: `signer add`, `zone add`, or edit it\n",
        path.display()
    );
    Ok(Outcome::ok(text, json!({ "config": path })))
}
