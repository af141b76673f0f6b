//! Error reports to whoever runs a child (RFC 9567; RFC 9859 §4.3): which verdicts are errors, and the
//! questions that report them.

use counterpoint_dns::{
    message::Question,
    name::{Name, RecordType},
    notify::error_report,
};

use super::Finding;
use crate::verdict::{Outcome, Verdict};

/// Extended errors (RFC 8914 §5.2).
const OTHER: u16 = 0;
const BOGUS: u16 = 6;
const NO_REACHABLE_AUTHORITY: u16 = 22;

/// Rules whose verdict is that something does not, or would not, validate.
const BOGUS_RULES: [&str; 9] = [
    "A-06", "B-14", "C-02", "D-03", "K-04", "K-05", "K-10", "M-01", "T-06",
];

/// What reports the errors of a scan to the agent domain that a NOTIFY named (N-14). Nothing, unless that
/// is, or is under, the name of one of the child's nameservers at the parent (N-15): nobody is to be
/// asked because a stranger said so.
pub fn reports(finding: &Finding, agent: &Name) -> Vec<Question> {
    let hosts = finding.gathered.delegation.hosts();
    if !hosts.iter().any(|host| host.zone_of(agent)) {
        return Vec::new();
    }
    let child = finding.gathered.child();
    let verdicts = [
        (RecordType::CDS, &finding.ds),
        (RecordType::CSYNC, &finding.csync),
    ];
    let errors = verdicts.into_iter().filter_map(|(rtype, verdict)| {
        let error = error_of(verdict.as_ref()?)?;
        error_report(&Question::new(child.clone(), rtype), error, agent)
    });
    errors.collect()
}

/// The extended error of a verdict, if it is one.
fn error_of(verdict: &Verdict) -> Option<u16> {
    match (verdict.outcome, verdict.rule) {
        (Outcome::Delay, "X-03") => Some(NO_REACHABLE_AUTHORITY),
        (Outcome::Abort | Outcome::Ignore, rule) => match BOGUS_RULES.contains(&rule) {
            true => Some(BOGUS),
            false => Some(OTHER),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use counterpoint_dns::{name::parse_name, rdata::Rdata, rrset::RrSet};

    use super::*;
    use crate::{delegation::Delegation, gather::Gathered};

    fn name(text: &str) -> Name {
        parse_name(text).unwrap()
    }

    fn finding(ds: Verdict) -> Finding {
        let child = name("example.test.");
        let host = Rdata::name(&name("ns1.operator.test."));
        let delegation = Delegation {
            ns: RrSet::new(child.clone(), RecordType::NS, 60, [host]),
            child,
            ds: None,
            glue: BTreeMap::new(),
            shared: Default::default(),
        };
        Finding {
            gathered: Gathered::new(delegation, Default::default(), Default::default()),
            ds: Some(ds),
            csync: None,
        }
    }

    fn asked(outcome: Outcome, rule: &'static str, agent: &str) -> Vec<String> {
        let verdict = Verdict::without_change(outcome, rule, "REASON", Vec::new());
        let questions = reports(&finding(verdict), &name(agent));
        questions
            .iter()
            .map(|question| question.name.to_string())
            .collect()
    }

    #[test]
    fn n_14_each_error_has_its_number_and_what_is_no_error_none() {
        let agent = "ns1.operator.test.";
        for (outcome, rule, error) in [
            (Outcome::Ignore, "K-04", Some(6)),
            (Outcome::Abort, "X-09", Some(0)),
            (Outcome::Delay, "X-03", Some(22)),
            (Outcome::Delay, "B-05", None),
            (Outcome::Noop, "K-01", None),
            (Outcome::Refuse, "K-16", None),
        ] {
            let expected = error.map(|error| format!("_er.59.example.test.{error}._er.{agent}"));
            assert_eq!(
                asked(outcome, rule, agent),
                Vec::from_iter(expected),
                "{rule}"
            );
        }
    }

    #[test]
    fn n_15_an_agent_elsewhere_is_not_asked() {
        for (agent, count) in [
            ("ns1.operator.test.", 1),
            ("reports.ns1.operator.test.", 1),
            ("operator.test.", 0),
            ("ns2.operator.test.", 0),
            ("xns1.operator.test.", 0),
            ("victim.example.", 0),
        ] {
            assert_eq!(asked(Outcome::Abort, "X-09", agent).len(), count, "{agent}");
        }
    }
}
