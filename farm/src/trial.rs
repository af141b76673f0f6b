//! The desk of somebody who tries a scanner on a farm: its policy and its key, in a directory of the farm.
//!
//! Says where things are, in the scanner's own terms; what becomes of them is not known here.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
};

use counterpoint_dns::rdata::Ds;
use data_encoding::{BASE64, HEXLOWER};

use crate::{Farm, State, software::TSIG_NAME};

/// Makes the directory, with `policy.toml` and `tsig.key`. Fails if it is there already, or the root's
/// key has no DS record.
pub fn desk(farm: &Farm) -> io::Result<PathBuf> {
    let folder = farm.folder().join("office");
    fs::create_dir(&folder)?;
    let secret = BASE64.encode(&farm.parent.tsig_secret());
    let key = folder.join("tsig.key");
    fs::write(&key, format!("hmac-sha256:{TSIG_NAME}:{secret}\n"))?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
    let policy = policy(farm, &key.display().to_string());
    let policy = policy.ok_or_else(|| io::Error::other("the root has no trust anchor"))?;
    fs::write(folder.join("policy.toml"), policy)?;
    Ok(folder)
}

/// A policy that knows this farm's root, and lets the loopback be asked.
fn policy(farm: &Farm, key: &str) -> Option<String> {
    let Ds {
        tag,
        algorithm,
        digest_type,
        digest,
    } = farm.root.trust_anchor()?;
    let digest = HEXLOWER.encode(&digest);
    let operators = farm.operators.iter();
    let operators = operators.flat_map(|operator| operator.all_addresses());
    let servers = [farm.root.address, farm.parent.address]
        .into_iter()
        .chain(operators);
    // Some children have AAAA that are such addresses in another form.
    let both = |v4: Ipv4Addr| [IpAddr::V4(v4), IpAddr::V6(v4.to_ipv6_mapped())];
    let private: Vec<String> = servers
        .flat_map(both)
        .map(|at| format!("\"{at}\""))
        .collect();
    let mut children = farm.children.iter();
    let expired = children.find(|child| child.state == State::Expired);
    let bogus = expired.map_or(String::new(), |child| format!("\"{}\"", child.name));
    Some(format!(
        "[parent]\nzone = \"{zone}\"\nprimary = \"{primary}\"\ntsig-key = \"{key}\"\n\
         [resolver]\nroots = [\"{root}\"]\nipv6 = false\n\
         trust-anchor = [\"{tag} {algorithm} {digest_type} {digest}\"]\n\
         [self-test]\ngood = [\"{zone}\"]\nbogus = [{bogus}]\n\
         [gathering]\nretry = []\naddress-rate = 0\nprivate-addresses = [{private}]\n",
        zone = farm.parent.zone,
        primary = farm.parent_address(),
        root = farm.root.address,
        private = private.join(", "),
    ))
}
