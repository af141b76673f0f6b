//! One wrong thing at a time: refused by its rule, accepted without it, accepted with its defect.

use counterpoint_dns::{
    key::DIGEST_SHA384,
    rdata::{Ds, Rdata},
};
use counterpoint_scanner::{Outcome, Sabotage, Verdict};

use crate::kit::{Case, Site};

/// One wrong thing.
pub struct Vector {
    pub what: &'static str,
    pub rule: &'static str,
    pub reason: &'static str,
    pub outcome: Outcome,
    pub case: Case,
    /// Rules that stop it as well: they are muted for the proof that this one does.
    pub also: &'static [&'static str],
    /// The defect with which it is accepted.
    pub defect: Option<Sabotage>,
}

pub fn vector(
    (rule, reason, outcome): (&'static str, &'static str, Outcome),
    what: &'static str,
    case: Case,
) -> Vector {
    Vector {
        what,
        rule,
        reason,
        outcome,
        case,
        also: &[],
        defect: None,
    }
}

impl Vector {
    pub fn with(mut self, defect: Sabotage) -> Self {
        self.defect = Some(defect);
        self
    }

    pub fn stopped_by(mut self, also: &'static [&'static str]) -> Self {
        self.also = also;
        self
    }

    /// Refused by this rule; accepted without it; accepted with the defect.
    pub fn check(&self, judge: fn(&Case) -> Verdict) {
        let verdict = judge(&self.case);
        let got = (verdict.rule, verdict.reason, verdict.outcome);
        let expected = (self.rule, self.reason, self.outcome);
        assert_eq!(got, expected, "{}: {}", self.what, verdict.text());
        assert_eq!(verdict.change, None, "{}", self.what);
        assert!(!verdict.evidence.is_empty(), "{}", self.what);

        let mut without = self.case.clone();
        // The cache calculus knows most of it as well.
        let muted = self.also.iter().chain([&self.reason, &"CACHES_BREAK"]);
        without.policy.muted = muted.map(|reason| reason.to_string()).collect();
        let verdict = judge(&without);
        let text = verdict.text();
        let what = self.what;
        assert_eq!(
            verdict.outcome,
            Outcome::Accept,
            "without the rule: {what}: {text}"
        );
        assert!(verdict.change.is_some());

        if let Some(defect) = self.defect {
            let mut spoiled = self.case.clone();
            spoiled.policy.sabotage.insert(defect);
            let verdict = judge(&spoiled);
            let text = verdict.text();
            assert_eq!(
                verdict.outcome,
                Outcome::Accept,
                "{defect:?}: {what}: {text}"
            );
        }
    }
}

pub fn on(mut case: Case, at: usize, spoil: impl FnOnce(&mut Site)) -> Case {
    spoil(&mut case.sites[at]);
    case
}

/// Both ask by these CDS records, and by no CDNSKEY.
pub fn cds_only(case: Case, data: &[Rdata]) -> Case {
    case.each(|site| {
        site.cds = data.to_vec();
        site.cdnskey.clear();
    })
}

/// A SHA-256 digest of a key of this algorithm that nobody publishes.
pub fn odd_ds(algorithm: u8) -> Rdata {
    let ds = Ds {
        tag: 9,
        algorithm,
        digest_type: 2,
        digest: vec![9; 32],
    };
    ds.to_rdata()
}

/// A digest of a key that nobody publishes.
pub fn unknown_ds(tag: u8, digest_type: u8) -> Rdata {
    let length = if digest_type == DIGEST_SHA384 { 48 } else { 32 };
    let ds = Ds {
        tag: tag.into(),
        algorithm: 15,
        digest_type,
        digest: vec![tag; length],
    };
    ds.to_rdata()
}
