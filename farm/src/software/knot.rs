//! Knot DNS: as a child's server, with zones as their signer wrote them; as a signer of its own.

use std::fmt::Write as _;

use data_encoding::BASE64;

use super::{Site, TSIG_NAME, zone_file};

/// The configuration file follows.
pub fn arguments() -> Vec<&'static str> {
    vec!["-c"]
}

fn server(site: &Site) -> String {
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
"
    );
    text
}

fn zones(text: &mut String, site: &Site) {
    for zone in &site.zones {
        let file = zone_file(&site.folder, zone);
        let _ = writeln!(
            text,
            "  - domain: \"{zone}\"\n    file: \"{}\"",
            file.display()
        );
    }
}

/// The configuration of a child's server.
pub fn config(site: &Site) -> String {
    let mut text = server(site);
    text.push_str(
        "template:
  - id: default
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
zone:
",
    );
    zones(&mut text, site);
    text
}

/// The configuration of a server that signs the zones of the site by itself, with keys that it makes,
/// and takes updates. It always publishes CDS and CDNSKEY of its own key, and takes those of others
/// beside them: told to publish none, it drops the CDNSKEY of its own key that others want it to have.
pub fn signer_config(site: &Site, secret: &[u8], ttl: u32) -> String {
    let mut text = server(site);
    let (folder, secret) = (site.folder.display(), BASE64.encode(secret));
    let _ = write!(
        text,
        "key:
  - id: {TSIG_NAME}
    algorithm: hmac-sha256
    secret: {secret}
acl:
  - id: farm
    key: {TSIG_NAME}
    action: [update, transfer]
policy:
  - id: farm
    algorithm: ecdsap256sha256
    ksk-lifetime: 0
    zsk-lifetime: 0
    dnskey-ttl: {ttl}
    propagation-delay: 1
    dnskey-management: incremental
    delete-delay: 3600
    cds-cdnskey-publish: always
template:
  - id: default
    storage: \"{folder}\"
    zonefile-sync: 0
    zonefile-load: whole
    journal-content: changes
    dnssec-signing: on
    dnssec-policy: farm
    acl: farm
zone:
"
    );
    zones(&mut text, site);
    text
}
