//! NSD: zones as their signer wrote them.

use std::fmt::Write as _;

use super::{Site, zone_file};

/// Stays in the foreground; the configuration file follows.
pub fn arguments() -> Vec<&'static str> {
    vec!["-d", "-c"]
}

/// The configuration.
pub fn config(site: &Site) -> String {
    let folder = site.folder.display();
    let mut text = String::from("server:\n");
    // Writing to a string cannot fail.
    for address in &site.addresses {
        let _ = writeln!(text, "    ip-address: {address}");
    }
    let _ = write!(
        text,
        "    port: {port}
    server-count: 1
    username: \"\"
    chroot: \"\"
    zonesdir: \"{folder}\"
    pidfile: \"{folder}/nsd.pid\"
    xfrdfile: \"{folder}/xfrd.state\"
    zonelistfile: \"{folder}/zone.list\"
    xfrdir: \"{folder}\"
    database: \"\"
    cookie-secret-file: \"\"
    rrl-ratelimit: 0
    tcp-count: 1000
remote-control:
    control-enable: no
",
        port = site.port
    );
    for zone in &site.zones {
        let file = zone_file(&site.folder, zone);
        let _ = write!(
            text,
            "zone:\n    name: \"{zone}\"\n    zonefile: \"{}\"\n",
            file.display()
        );
    }
    text
}
