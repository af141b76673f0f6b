//! Knot DNS: zones as their signer wrote them.

use std::fmt::Write as _;

use super::{Site, zone_file};

/// The configuration file follows.
pub fn arguments() -> Vec<&'static str> {
    vec!["-c"]
}

/// The configuration.
pub fn config(site: &Site) -> String {
    let (folder, port) = (site.folder.display(), site.port);
    let mut text = format!("server:\n    rundir: \"{folder}\"\n");
    // Writing to a string cannot fail.
    for address in &site.addresses {
        let _ = writeln!(text, "    listen: {address}@{port}");
    }
    let _ = write!(
        text,
        "    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: warning
database:
    storage: \"{folder}/db\"
    journal-db-max-size: 64M
    kasp-db-max-size: 64M
    timer-db-max-size: 16M
template:
  - id: default
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
zone:
"
    );
    for zone in &site.zones {
        let file = zone_file(&site.folder, zone);
        let _ = writeln!(
            text,
            "  - domain: \"{zone}\"\n    file: \"{}\"",
            file.display()
        );
    }
    text
}
