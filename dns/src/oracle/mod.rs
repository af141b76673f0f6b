//! The cache calculus: does resolution validate at every instant, for every cache that can exist?
//!
//! Reads a [`history`] of who served which version of what, and decides, without sampling time or
//! playing resolvers. [`judge()`] is the question, [`Judgement`] the answer, [`Profile`] the kind of
//! validator, [`slack()`] the advice. `docs/oracle.md` has the definitions and the proof.
//!
//! | module | what it decides |
//! |---|---|
//! | [`intervals`] | sets of instants |
//! | [`reach`] | when each server can be asked at all (ghost name servers included) |
//! | `holds`, `kept` | when some cache, and when one validator, may hold a version |
//! | `chain` | whether a DS, a DNSKEY RRset and an answer go together (RFC 4035 §5, RFC 6840 §5.11) |
//! | `any_cache`, `one_resolver` | whether caches may bring together what does not |
//! | `delegation` | whether an NS RRset leads anywhere, and whether "no DS" is held |
//! | `denial` | whether NSEC records held deny what is served (RFC 8198) |
//! | `lifted` | rules that a person can check, as a second monitor |

mod any_cache;
mod catalogue;
mod chain;
mod delegation;
mod denial;
pub mod history;
mod holds;
pub mod intervals;
mod judge;
mod judgement;
mod kept;
mod lifted;
mod one_resolver;
mod profile;
mod prose;
pub mod reach;
mod scene;
mod slack;
#[cfg(test)]
mod stories;
mod witness;

pub use catalogue::Catalogue;
pub use judge::{judge, judge_by};
pub use judgement::{Judgement, Outage, Property, Quantifier, Violation, Warning};
pub use lifted::{Breach, Rule, lifted};
pub use profile::{DigestChoice, NsView, Profile, Strictness};
pub use slack::slack;
pub use witness::{Fetch, Fetched, Reason, Witness};
