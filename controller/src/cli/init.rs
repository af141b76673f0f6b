//! A file of declarations to begin with, every key with its default as comments; and what `serve` needs:
//! key, certificate, and a token that may do everything.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde_json::json;

use super::{arguments::Common, token::write_new};
use crate::{
    api::{Answer, Failure},
    declarations::{BadDeclaration, Declarations, Token, beside},
    random,
    setup::a_zone,
};

/// The file, without the name of the parent, where it listens, and the hash of the token.
const TEMPLATE: &str = include_str!("template.toml");

/// The files beside it: certificate, key, token.
const FILES: [&str; 3] = ["serve.pem", "serve.key", "admin.token"];

/// Begins all of them, or none.
pub(super) fn run(
    common: &Common,
    parent: &str,
    listen: SocketAddr,
    hosts: &[String],
) -> Result<Answer, Failure> {
    let config = &common.config;
    let parent = a_zone(parent)?;
    let token = random::token()?;
    let (certificate, key) = certificate(hosts)?;
    let text = TEMPLATE
        .replace("PARENT", &parent.to_string())
        .replace("LISTEN", &listen.to_string())
        .replace("SHA256", &Token::hash(&token));
    Declarations::read(config, &text)?;
    let [pem, secret, admin] = FILES.map(|file| beside(config, Path::new(file)));
    let texts = [text, certificate, key, format!("{token}\n")];
    let paths = [config.clone(), pem.clone(), secret, admin.clone()];
    let mut written: Vec<&PathBuf> = Vec::new();
    for (path, text) in paths.iter().zip(&texts) {
        if let Err(why) = write_new(path, text) {
            for path in written {
                // It was made a moment ago, and nobody has used it.
                let _ = std::fs::remove_file(path);
            }
            return Err(why);
        }
        written.push(path);
    }
    let text = format!(
        "{} begun; next: `signer add`, `zone add`, or edit it\n\
         to have it served: counterpoint-controller --config {} serve\n\
         to ask it then:    counterpoint-controller --server https://{listen} --server-ca {} --server-token {} status\n",
        config.display(),
        config.display(),
        pem.display(),
        admin.display(),
    );
    Ok(Answer::fine(
        text,
        &json!({
            "config": config,
            "certificate": pem,
            "token-file": admin,
            "listen": listen.to_string(),
        }),
    ))
}

/// A certificate for these names that is signed by its own key, and that key; both in PEM.
fn certificate(hosts: &[String]) -> Result<(String, String), Failure> {
    let bad = |error: rcgen::Error| {
        let remedy = "name it as `ns.example.se` or `192.0.2.1`";
        Failure::from(BadDeclaration::new("--host", error, remedy))
    };
    let mut params = CertificateParams::new(hosts.to_vec()).map_err(bad)?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, "counterpoint-controller");
    params.distinguished_name = name;
    let key = KeyPair::generate().map_err(bad)?;
    let certificate = params.self_signed(&key).map_err(bad)?;
    Ok((certificate.pem(), key.serialize_pem()))
}
