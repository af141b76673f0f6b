//! PowerDNS Recursor: validates from the root down. Of the resolvers that Debian has it is the one
//! that does not try other servers until an answer validates, and so hides the least.

use std::{fs, io, net::Ipv4Addr};

use super::Site;
use crate::{daemon::Daemon, root::Root};

fn config(site: &Site) -> String {
    let folder = site.folder.display();
    let address = site.addresses.first().copied();
    let address = address.unwrap_or(Ipv4Addr::LOCALHOST);
    format!(
        "local-address={address}
local-port={port}
socket-dir={folder}
hint-file={folder}/root.hints
dnssec=validate
dont-query=
query-local-address=0.0.0.0
lua-config-file={folder}/anchor.lua
security-poll-suffix=
setuid=
setgid=
daemon=no
disable-syslog=yes
threads=1
qname-minimization=no
serve-rfc1918=no
packetcache-ttl=1
packetcache-servfail-ttl=1
loglevel=3
quiet=yes
write-pid=no
",
        port = site.port,
    )
}

/// Starts a resolver that knows the root and its key, and nothing else.
pub(crate) fn start(site: &Site, root: &Root) -> io::Result<Daemon> {
    let folder = &site.folder;
    let hints = format!(
        ". 3600000 IN NS root-server.\nroot-server. 3600000 IN A {}\n",
        root.address
    );
    fs::write(folder.join("root.hints"), hints)?;
    let anchor = root.trust_anchor().map_or_else(String::new, |ds| {
        let digest = data_encoding::HEXLOWER.encode(&ds.digest);
        let (tag, algorithm, kind) = (ds.tag, ds.algorithm, ds.digest_type);
        format!("clearTA()\naddTA('.', '{tag} {algorithm} {kind} {digest}')\n")
    });
    fs::write(folder.join("anchor.lua"), anchor)?;
    fs::write(folder.join("recursor.conf"), config(site))?;
    let arguments = [format!("--config-dir={}", folder.display())];
    Daemon::start(
        "pdns_recursor",
        &arguments,
        folder.join("pdns_recursor.log"),
    )
}
