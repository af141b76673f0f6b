//! Unbound: validates under the key that it is told, from an empty cache.

use std::{fmt::Write as _, net::Ipv4Addr};

use counterpoint_dns::{name::Name, rdata::Ds};
use data_encoding::HEXLOWER;

use super::Site;

/// Stays in the foreground; the configuration file follows.
pub fn arguments() -> Vec<&'static str> {
    vec!["-d", "-p", "-c"]
}

/// The configuration of a resolver at `site` that trusts `anchor` for a zone, and asks for the zones
/// of `stubs` nobody but the server at that address.
pub fn config(site: &Site, anchor: &(Name, Ds), stubs: &[(Name, Ipv4Addr)]) -> String {
    let folder = site.folder.display();
    let address = site.addresses.first().copied();
    let address = address.unwrap_or(Ipv4Addr::LOCALHOST);
    let (zone, ds) = anchor;
    let digest = HEXLOWER.encode(&ds.digest);
    let (tag, algorithm, kind) = (ds.tag, ds.algorithm, ds.digest_type);
    let mut text = format!(
        "server:
    interface: {address}
    port: {port}
    access-control: 127.0.0.0/8 allow
    username: \"\"
    chroot: \"\"
    directory: \"{folder}\"
    pidfile: \"{folder}/unbound.pid\"
    use-syslog: no
    logfile: \"\"
    val-log-level: 2
    do-ip6: no
    do-not-query-localhost: no
    trust-anchor: \"{zone} DS {tag} {algorithm} {kind} {digest}\"
    module-config: \"validator iterator\"
    aggressive-nsec: no
    qname-minimisation: no
    num-threads: 1
remote-control:
    control-enable: no
",
        port = site.port,
    );
    for (zone, address) in stubs {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "stub-zone:\n    name: \"{zone}\"\n    stub-addr: {address}@{port}\n",
            port = site.port
        );
    }
    text
}
