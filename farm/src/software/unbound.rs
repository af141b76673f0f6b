//! Unbound: validates under the parent's key, from an empty cache.

use std::net::Ipv4Addr;

use super::Site;
use crate::parent::Parent;

/// Stays in the foreground; the configuration file follows.
pub fn arguments() -> Vec<&'static str> {
    vec!["-d", "-p", "-c"]
}

/// The configuration of a resolver at `site` that knows nothing but the parent.
pub fn config(site: &Site, parent: &Parent) -> String {
    let folder = site.folder.display();
    let address = site.addresses.first().copied();
    let address = address.unwrap_or(Ipv4Addr::LOCALHOST);
    let anchor = parent.trust_anchor().map_or_else(String::new, |ds| {
        let digest: String = ds
            .digest
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect();
        let (tag, algorithm, kind) = (ds.tag, ds.algorithm, ds.digest_type);
        format!("{} DS {tag} {algorithm} {kind} {digest}", parent.zone)
    });
    format!(
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
    trust-anchor: \"{anchor}\"
    module-config: \"validator iterator\"
    aggressive-nsec: no
    qname-minimisation: no
    num-threads: 1
remote-control:
    control-enable: no
stub-zone:
    name: \"{zone}\"
    stub-addr: {parent_address}
",
        port = site.port,
        zone = parent.zone,
        parent_address = parent.address,
    )
}
