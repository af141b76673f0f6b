//! BIND: as a child's server, with zones as their signer wrote them; as a parent or a signer, which
//! signs by itself and takes updates.

use std::{fmt::Write as _, fs, io, path::Path};

use counterpoint_dns::{key::Dnskey, name::Name};
use data_encoding::BASE64;

use super::{Site, TSIG_NAME, zone_file};

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

/// The configuration of a server that signs the zones of the site by itself, with the keys that it
/// finds in `keys`, and takes updates from whoever has the secret.
pub fn signer_config(site: &Site, secret: &[u8]) -> String {
    let mut text = options(site);
    let secret = BASE64.encode(secret);
    let _ = writeln!(
        text,
        "key \"{TSIG_NAME}\" {{ algorithm hmac-sha256; secret \"{secret}\"; }};"
    );
    let folder = site.folder.display();
    for zone in &site.zones {
        let file = zone_file(&site.folder, zone);
        let _ = write!(
            text,
            "zone \"{zone}\" {{
    type primary; file \"{}\"; key-directory \"{folder}/keys\";
    auto-dnssec maintain;
    update-policy {{ grant \"{TSIG_NAME}\" zonesub ANY; }};
    allow-transfer {{ key \"{TSIG_NAME}\"; }};
}};
",
            file.display()
        );
    }
    text
}

/// Writes a P-256 key as `dnssec-keygen` does; `secret` is its private half, `ttl` that of the DNSKEY
/// RRset in seconds.
pub fn write_key(
    folder: &Path,
    zone: &Name,
    public: &Dnskey,
    secret: &[u8],
    ttl: u32,
) -> io::Result<()> {
    let data = public.to_rdata();
    let stem = format!("K{zone}+{:03}+{:05}", public.algorithm, public.tag());
    let record = format!(
        "{zone} {ttl} IN DNSKEY {} 3 {} {}\n",
        public.flags,
        public.algorithm,
        BASE64.encode(data.octets().get(4..).unwrap_or_default())
    );
    fs::write(folder.join(format!("{stem}.key")), record)?;
    let secret = BASE64.encode(secret);
    let private = format!(
        "Private-key-format: v1.3\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: {secret}\n\
         Created: 20200101000000\nPublish: 20200101000000\nActivate: 20200101000000\n"
    );
    fs::write(folder.join(format!("{stem}.private")), private)
}
