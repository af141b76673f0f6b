//! BIND: as a child's server, with zones as their signer wrote them; as the parent, signing itself
//! and taking updates.

use std::fmt::Write as _;

use counterpoint_dns::name::Name;
use data_encoding::BASE64;

use super::{Site, zone_file};
use crate::parent::{Parent, TSIG_NAME};

/// Stays in the foreground and logs there; the configuration file follows.
pub fn arguments() -> Vec<&'static str> {
    vec!["-g", "-n", "1", "-c"]
}

fn options(site: &Site) -> String {
    let (folder, port) = (site.folder.display(), site.port);
    let mut addresses = String::new();
    for address in &site.addresses {
        // Writing to a string cannot fail.
        let _ = write!(addresses, " {address};");
    }
    format!(
        "options {{
    directory \"{folder}\"; pid-file none; session-keyfile \"{folder}/session.key\"; lock-file none;
    listen-on port {port} {{{addresses} }}; listen-on-v6 {{ none; }};
    recursion no; dnssec-validation no; notify no;
    minimal-responses yes; check-names primary ignore;
    tcp-clients 1000;
}};
controls {{ }};
"
    )
}

/// The configuration of a child's server.
pub fn config(site: &Site) -> String {
    let mut text = options(site);
    for zone in &site.zones {
        let file = zone_file(&site.folder, zone);
        let _ = writeln!(
            text,
            "zone \"{zone}\" {{ type primary; file \"{}\"; }};",
            file.display()
        );
    }
    text
}

/// The configuration of the parent: the site has its zone, and its keys in `keys`.
pub fn parent_config(site: &Site, parent: &Parent, zone: &Name) -> String {
    let mut text = options(site);
    let secret = BASE64.encode(&parent.tsig_secret());
    let file = zone_file(&site.folder, zone);
    let (folder, file) = (site.folder.display(), file.display());
    let _ = write!(
        text,
        "key \"{TSIG_NAME}\" {{ algorithm hmac-sha256; secret \"{secret}\"; }};
zone \"{zone}\" {{
    type primary; file \"{file}\"; key-directory \"{folder}/keys\";
    auto-dnssec maintain;
    update-policy {{ grant \"{TSIG_NAME}\" zonesub ANY; }};
    allow-transfer {{ key \"{TSIG_NAME}\"; }};
}};
"
    );
    text
}
