//! Proof that a type is absent at a name (RFC 4035 §5.4): needed before glue goes (C-19).

use counterpoint_dns::{
    key::Dnskey, message::Question, rrset::SignedRrSet, validate::denial::authenticated_within,
};

use super::case::Case;

/// Whether `proof` shows, under `keys`, that there is no such RRset: the name lacks the type, or is
/// itself not there.
pub fn proves_absent(
    case: &mut Case<'_>,
    keys: &[Dnskey],
    question: &Question,
    proof: &[SignedRrSet],
) -> Result<(), String> {
    let child = case.gathered.child();
    let tolerance = &case.policy.validation.tolerance;
    let denial = authenticated_within(tolerance, child, keys, proof, case.now, case.verifier);
    denial
        .and_then(|denial| {
            denial
                .no_data(question)
                .or_else(|why| denial.no_name(&question.name).map_err(|_| why))
        })
        .map_err(|why| format!("{question} is said to be absent: {why}"))
}
