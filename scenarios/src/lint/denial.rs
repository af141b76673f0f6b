//! Denial of existence: parameters that fit the method, and that validators compute.

use counterpoint_dns::nsec3::ITERATIONS_MAX;

use super::Lints;
use crate::scenario::{Denial, Nsec3};

pub(super) fn lint(lints: &Lints<'_>) {
    for (index, signer) in lints.scenario.signers.iter().enumerate() {
        let path = format!("signer.{}.nsec3", index + 1);
        let is_hashed = matches!(signer.denial, Denial::Nsec3 | Denial::Nsec3OptOut);
        if signer.nsec3 != Nsec3::default() && !is_hashed {
            lints.fail(
                &path,
                "no-nsec3",
                format!("`{}` has no use for parameters of NSEC3", signer.name),
                |d| d.expected("`denial` is neither `nsec3` nor `nsec3-optout`"),
            );
        }
        if signer.nsec3.iterations > u32::from(ITERATIONS_MAX) {
            lints.fail(
                &format!("{path}.iterations"),
                "too-many-iterations",
                format!(
                    "validators do not compute {} iterations",
                    signer.nsec3.iterations
                ),
                |d| d.expected(format!("at most {ITERATIONS_MAX} (RFC 9276 §3.2)")),
            );
        }
        if signer.nsec3.octets().is_none() {
            lints.fail(
                &format!("{path}.salt"),
                "bad-salt",
                format!("`{}` is no salt", signer.nsec3.salt),
                |d| d.expected("expected at most 255 octets in hexadecimal, as \"aabb\""),
            );
        }
    }
}
