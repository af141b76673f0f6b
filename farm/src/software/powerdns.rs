//! PowerDNS with SQLite: signs by itself and takes updates. `direct-dnskey` is what lets it publish
//! keys of others; without it they are accepted and hidden.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use data_encoding::BASE64;

use super::{Site, TSIG_NAME, zone_file};
use crate::daemon::Daemon;

/// Where Debian's package puts the tables of the backend.
const SCHEMA: &str = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql";

fn config(site: &Site, ttl: u32) -> String {
    let (folder, port) = (site.folder.display(), site.port);
    let addresses: Vec<String> = site.addresses.iter().map(ToString::to_string).collect();
    let addresses = addresses.join(",");
    format!(
        "launch=gsqlite3
gsqlite3-database={folder}/pdns.sqlite3
gsqlite3-dnssec=yes
gsqlite3-pragma-synchronous=0
local-address={addresses}
local-port={port}
socket-dir={folder}
dnsupdate=yes
allow-dnsupdate-from=127.0.0.0/8
direct-dnskey=yes
default-ttl={ttl}
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
dnssec-key-cache-ttl=0
zone-metadata-cache-ttl=0
guardian=no
daemon=no
disable-syslog=yes
receiver-threads=1
distributor-threads=1
loglevel=4
"
    )
}

/// Its tool, which changes keys while the server runs.
#[derive(Clone, Debug)]
pub struct Pdnsutil(PathBuf);

impl Pdnsutil {
    /// The tool of the server whose files are in `folder`.
    pub fn of(folder: &Path) -> Self {
        Self(folder.into())
    }

    /// Runs it and gives back what it printed.
    pub fn run(&self, arguments: &[&str]) -> io::Result<String> {
        let mut command = Command::new("pdnsutil");
        command.arg(format!("--config-dir={}", self.0.display()));
        let ran = command.args(arguments).output()?;
        let told = String::from_utf8_lossy(&ran.stdout).into_owned();
        match ran.status.success() {
            true => Ok(told),
            false => Err(io::Error::other(format!(
                "pdnsutil {}: {told}{}",
                arguments.join(" "),
                String::from_utf8_lossy(&ran.stderr)
            ))),
        }
    }
}

/// Loads the zones of the site, makes keys for each, and starts the server.
pub(crate) fn start_signer(site: &Site, secret: &[u8], ttl: u32) -> io::Result<Daemon> {
    let (folder, secret) = (&site.folder, BASE64.encode(secret));
    let config = config(site, ttl);
    std::fs::write(folder.join("pdns.conf"), &config)?;
    let made = Command::new("sqlite3")
        .arg(folder.join("pdns.sqlite3"))
        .stdin(File::open(SCHEMA)?)
        .stdout(Stdio::null())
        .status()?;
    if !made.success() {
        return Err(io::Error::other(format!("sqlite3 does not read {SCHEMA}")));
    }
    let tool = Pdnsutil::of(folder);
    tool.run(&["import-tsig-key", TSIG_NAME, "hmac-sha256", &secret])?;
    for zone in &site.zones {
        let file = zone_file(folder, zone).display().to_string();
        let name = zone.to_string();
        tool.run(&["load-zone", &name, &file])?;
        for kind in ["ksk", "zsk"] {
            tool.run(&[
                "add-zone-key",
                &name,
                kind,
                "active",
                "published",
                "ecdsa256",
            ])?;
        }
        for (key, value) in [
            ("TSIG-ALLOW-DNSUPDATE", TSIG_NAME),
            ("TSIG-ALLOW-AXFR", TSIG_NAME),
            ("SOA-EDIT-DNSUPDATE", "INCREASE"),
        ] {
            tool.run(&["set-meta", &name, key, value])?;
        }
        tool.run(&["rectify-zone", &name])?;
    }
    let arguments = [format!("--config-dir={}", folder.display())];
    Daemon::start("pdns_server", &arguments, folder.join("pdns_server.log"))
}
