//! The KSK that the owner of a zone holds: made here, declared, and shown as the parent wants it.

use std::path::Path;

use counterpoint_dns::key::{Algorithm, DIGEST_SHA256};
use rand::RngExt as _;

use super::{arguments::Common, keeper};
use crate::{
    api::{Answer, Failure, declared::edit},
    declarations::{Edit, Field, ksk},
};

/// Makes another KSK of the zone in `file`, and declares it after those that there are.
pub fn make(common: &Common, name: &str, file: &Path, algorithm: &str) -> Result<Answer, Failure> {
    let mut keeper = keeper(common)?;
    let zone = keeper.setup.zone(name)?;
    let algorithm = match algorithm {
        "15" => Algorithm::Ed25519,
        _ => Algorithm::EcdsaP256Sha256,
    };
    let path = crate::declarations::beside(&common.config, file);
    let mut files = crate::declarations::ksks(&common.config, &zone)?;
    let key = ksk::write(&path, algorithm, secret())?;
    files.push(file.display().to_string());
    let mut answer = edit(
        &mut keeper,
        "zone",
        name,
        &Edit::Update(vec![("ksks", Field::Texts(files))]),
    )?;
    let public = key.public();
    let ds = public.ds(&zone, DIGEST_SHA256);
    let ds = ds.map(|ds| {
        ds.to_rdata()
            .present(counterpoint_dns::name::RecordType::DS)
    });
    let dnskey = public.to_rdata();
    answer.text.push_str(&format!(
        "{zone} DNSKEY {}\n{zone} DS {}\n",
        dnskey.present(counterpoint_dns::name::RecordType::DNSKEY),
        ds.unwrap_or_default()
    ));
    Ok(answer)
}

/// 32 octets that nobody can guess: the generator is the operating system's, stretched by ChaCha.
#[expect(
    clippy::disallowed_methods,
    reason = "a key must not come from a stream that can be made again"
)]
fn secret() -> [u8; 32] {
    rand::rng().random()
}
