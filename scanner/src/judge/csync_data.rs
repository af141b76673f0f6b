//! The rules for what a CSYNC leads to: the data that were read, and the delegation that would follow.

use counterpoint_dns::{
    message::Question,
    name::{Name, RecordType, is_at_or_below},
};

use super::{
    Finding,
    caches::{self, Unfolding},
    case::{Case, line},
    chain::{broken_pairs, unready},
    csync::{against, sequences},
    denial::proves_absent,
    found,
    proposal::is_in_bailiwick,
};
use crate::{
    gather::{Answer, Sequence, Server},
    policy::Glue,
};

/// C-09 (RFC 7477 §3.1): the zone stood still while it was read.
pub fn soa_moved(case: &mut Case<'_>) -> Finding {
    against(case, |_, sequence| match sequence.serials() {
        (Some(before), Some(after)) if before == after => None,
        (Some(before), Some(after)) => Some(format!("SOA serial {before}, then {after}")),
        _ => Some(format!(
            "SOA before: {}, after: {}",
            sequence.soa_before, sequence.soa_after
        )),
    })
}

/// C-12 (RFC 7477 §3.1, step 3): an address below a further zone cut would have to be read there, with
/// SOA checks of its own. That may be unsupported, and is.
pub fn grandchild(case: &mut Case<'_>) -> Finding {
    let child = case.gathered.child();
    let below = |name: &Name| name != child && is_at_or_below(name, child);
    against(case, |_, sequence| {
        sequence.addresses.iter().find_map(|((host, _), answer)| {
            let zone = match answer {
                Answer::Referred(zone) => Some(zone),
                Answer::Present(signed) => {
                    signed.signatures.iter().map(|rrsig| &rrsig.signer).next()
                }
                _ => None,
            };
            let zone = zone.filter(|zone| below(zone))?;
            Some(format!("{host} lies in {zone}, a zone of its own"))
        })
    })
}

/// C-14 (RFC 7477 §3.2.1): a delegation never loses its last nameserver.
pub fn ns_absent(case: &mut Case<'_>) -> Finding {
    against(case, |csync, sequence| {
        let asked = csync.types.contains(&RecordType::NS);
        (asked && matches!(sequence.ns, Answer::Absent(_))).then(|| "no NS at the apex".into())
    })
}

/// C-02, C-03: everything that was read validates, under the keys of the server that gave it; what
/// is not there is proven not to be. One failure, and nothing is copied.
pub fn not_secure(case: &mut Case<'_>) -> Finding {
    let mut evidence = Vec::new();
    for (at, server) in case.servers() {
        let Some(sequence) = server.sequence.as_ref() else {
            continue;
        };
        if sequence.csync.present().is_none() || server.may_yet_say(&server.dnskey) {
            continue;
        }
        let chain = match case.chain(at) {
            Ok(chain) => chain,
            Err(why) => {
                evidence.push(line(server, why));
                continue;
            }
        };
        let apex = [
            &sequence.soa_before,
            &sequence.csync,
            &sequence.ns,
            &sequence.soa_after,
        ];
        for answer in apex {
            let verdict = match answer {
                Answer::Present(signed) if signed.set.name != *case.gathered.child() => {
                    Err(format!("{} at {}", signed.set.rtype, signed.set.name))
                }
                Answer::Present(signed) => case.signed_by(&chain.keys, signed),
                Answer::Unusable(_) | Answer::Referred(_) => Err(answer.to_string()),
                // Absence is for C-14 and C-09.
                Answer::Absent(_) | Answer::NotAsked => Ok(()),
            };
            evidence.extend(verdict.err().map(|why| line(server, why)));
        }
        for ((name, rtype), answer) in &sequence.addresses {
            let verdict = match answer {
                Answer::Present(signed) if signed.set.name == *name => {
                    case.signed_by(&chain.keys, signed)
                }
                Answer::Present(signed) => Err(format!("{rtype} at {}", signed.set.name)),
                Answer::Absent(proof) => {
                    let question = Question::new(name.clone(), *rtype);
                    proves_absent(case, &chain.keys, &question, proof)
                }
                Answer::Unusable(_) | Answer::Referred(_) | Answer::NotAsked => {
                    Err(format!("{name} {rtype}: {answer}"))
                }
            };
            evidence.extend(verdict.err().map(|why| line(server, why)));
        }
    }
    found(evidence)
}

/// what would be copied is the same at every server that gave a CSYNC.
pub fn data_differ(case: &mut Case<'_>) -> Finding {
    let data = |answer: &Answer| answer.present().map(|signed| signed.set.data.clone());
    let read = |sequence: &Sequence| {
        let addresses: Vec<_> = sequence
            .addresses
            .iter()
            .map(|(key, answer)| (key.clone(), data(answer)))
            .collect();
        (data(&sequence.ns), addresses)
    };
    let mut all = sequences(case.gathered).map(|(_, sequence)| read(sequence));
    let first = all.next()?;
    if all.all(|other| other == first) {
        return None;
    }
    let show = |sequence: &Sequence| {
        let sets = [&sequence.ns]
            .into_iter()
            .chain(sequence.addresses.values());
        let shown: Vec<String> = sets
            .filter_map(|answer| answer.present())
            .flat_map(|signed| {
                let set = &signed.set;
                set.data.iter().map(|data| data.present(set.rtype))
            })
            .collect();
        shown.join(" ")
    };
    let lines = sequences(case.gathered).map(|(server, sequence)| line(server, show(sequence)));
    found(lines.collect())
}

/// C-20 (RFC 7477 §3.2.2): a nameserver name within the child without glue leads nowhere.
pub fn glue_lost(case: &mut Case<'_>) -> Finding {
    let proposal = case.proposal.as_ref()?;
    let child = case.gathered.child();
    let lost = proposal.hosts.iter().filter(|host| {
        is_in_bailiwick(case.policy, child, host) && proposal.glue_of(host).next().is_none()
    });
    found(
        lost.map(|host| format!("{host} would have no glue"))
            .collect(),
    )
}

pub fn status_quo(case: &mut Case<'_>) -> Finding {
    let proposal = case.proposal.as_ref()?;
    let same = proposal.sets.iter().all(|set| set.is_noop());
    same.then(|| vec!["the delegation is what the CSYNC asks for".into()])
}

/// C-15 (RFC 7477 §3.2.1).
pub fn too_few(case: &mut Case<'_>) -> Finding {
    let proposal = case.proposal.as_ref()?;
    let (count, min) = (proposal.hosts.len(), case.policy.csync.ns_min);
    (count < min).then(|| vec![format!("{count} nameservers, at least {min} are wanted")])
}

/// X-16 (RFC 9975 §3.2): glue for names elsewhere below the parent, by policy.
pub fn glue_policy(case: &mut Case<'_>) -> Finding {
    if case.policy.csync.glue == Glue::Sibling {
        return None;
    }
    let child = case.gathered.child();
    let parent = child.base_name();
    let known = case.gathered.delegation.hosts();
    let proposal = case.proposal.as_ref()?;
    let siblings = proposal
        .hosts
        .difference(&known)
        .filter(|host| is_at_or_below(host, &parent) && !is_in_bailiwick(case.policy, child, host));
    found(
        siblings
            .map(|host| format!("{host} would need glue outside the child"))
            .collect(),
    )
}

/// T-06: would every cache that can exist still validate, led by the old NS RRset or the new?
pub fn caches_break(case: &mut Case<'_>) -> Finding {
    let hosts = case.proposal.as_ref()?.hosts.clone();
    found(caches::unsafe_after(case, Unfolding::Ns(&hosts)))
}

///
pub fn new_server_not_ready(case: &mut Case<'_>) -> Finding {
    let added = &case.gathered.added;
    let mut evidence: Vec<String> = added
        .iter()
        .filter_map(|server| unready(case, server))
        .collect();
    if !remaining(case)
        .iter()
        .any(|server| server.soa.present().is_some())
    {
        evidence.push("no server of the new NS RRset answered".into());
    }
    found(evidence)
}

pub fn pair_broken(case: &mut Case<'_>) -> Finding {
    let servers = remaining(case);
    found(broken_pairs(case, &servers))
}

/// The servers that the proposed delegation would have.
fn remaining<'a>(case: &Case<'a>) -> Vec<&'a Server> {
    let Some(proposal) = &case.proposal else {
        return Vec::new();
    };
    let gathered = case.gathered;
    gathered
        .servers
        .iter()
        .filter(|server| {
            server
                .hosts
                .iter()
                .any(|host| proposal.hosts.contains(host))
        })
        .chain(&gathered.added)
        .collect()
}
