//! What is played, and what must come of it.

use std::{
    collections::BTreeSet,
    io::Write as _,
    net::Ipv4Addr,
    process::{Command, Stdio},
    time::Duration,
};

use counterpoint_dns::{message::Question, name::RecordType, rdata::Rdata};
use counterpoint_farm::{
    Group,
    Signing::{Bind, Knot, PowerDns},
    ask::ask,
    software::TSIG_NAME,
};
use data_encoding::BASE64;

use crate::{
    TTL,
    direct::{direct, join, leave, roll_zsk, watch},
    group,
    judges::Judges,
};

fn at_parent(group: &Group, rtype: RecordType) -> BTreeSet<Rdata> {
    let question = Question::new(group.zone.clone(), rtype);
    let reply = ask(group.at(group.parent.address), &question)
        .unwrap()
        .reply;
    let section = reply.answer.into_iter().chain(reply.authority);
    let mut sets = section.filter(|signed| signed.set.rtype == rtype);
    sets.next()
        .map(|signed| signed.set.data)
        .unwrap_or_default()
}

#[tokio::test]
async fn a_zone_goes_from_bind_by_way_of_three_to_knot_and_powerdns_and_a_key_rolls() {
    let Some(mut group) = group(&[Bind, Knot, PowerDns]) else {
        return;
    };
    let mut judges = Judges::open(&group);
    judges.admit(&group, 0);
    let ds = |of: usize| group.ds_of(of).unwrap().into_iter().map(|ds| ds.to_rdata());
    let remaining: BTreeSet<Rdata> = ds(1).chain(ds(2)).collect();
    let commands = vec![
        join(&group, Knot),
        join(&group, PowerDns),
        leave(&group, Bind),
        roll_zsk(&group, PowerDns),
    ];
    let ended = direct(&mut group, &mut judges, commands).await;

    for (judge, tally) in judges.close() {
        println!("{judge}: {} good, {} bad", tally.good, tally.bad.len());
        assert_eq!(tally.bad, Vec::<String>::new(), "{judge}");
        assert!(tally.good > 50, "{judge} was asked {} times", tally.good);
    }
    assert!(ended.judged.is_safe(), "{:#?}", ended.judged.violations);
    assert!(ended.judged.seen.looks > 100, "it looked all the while");
    assert_eq!(at_parent(&group, RecordType::DS), remaining);
    let hosts: BTreeSet<Rdata> = [1, 2]
        .map(|of: usize| Rdata::name(&group.signers[of].host))
        .into();
    assert_eq!(at_parent(&group, RecordType::NS), hosts);
    let done = ended.notes.iter().filter(|note| note.kind == "done");
    let done: Vec<&str> = done.map(|note| note.subject.as_str()).collect();
    assert_eq!(done, ["join", "join", "leave", "roll-zsk"]);
    let applied = ended.scanned.iter().filter(|note| note.kind == "applied");
    assert!(applied.count() >= 6, "DS and NS, three times");
}

/// Changes records as a person would, by `nsupdate`.
fn update(group: &Group, server: Ipv4Addr, lines: &str) {
    let at = group.at(server);
    let secret = BASE64.encode(&group.tsig_secret());
    let mut nsupdate = Command::new("nsupdate")
        .args(["-v", "-y", &format!("hmac-sha256:{TSIG_NAME}:{secret}")])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let script = format!("server {} {}\n{lines}send\n", at.ip(), at.port());
    let mut stdin = nsupdate.stdin.take().unwrap();
    stdin.write_all(script.as_bytes()).unwrap();
    drop(stdin);
    assert!(nsupdate.wait().unwrap().success(), "{script}");
}

/// Both signers are named, at the parent and by each other, and nothing else was done: no keys were
/// exchanged, and the parent has no DS for the second.
#[tokio::test]
async fn judges_protest_when_nothing_was_prepared() {
    let Some(group) = group(&[Bind, Knot]) else {
        return;
    };
    let (zone, ttl) = (&group.zone, TTL);
    for (server, other) in [
        (group.parent.address, 1),
        (group.signers[0].address, 1),
        (group.signers[1].address, 0),
    ] {
        let host = &group.signers[other].host;
        update(
            &group,
            server,
            &format!("update add {zone} {ttl} NS {host}\n"),
        );
    }
    let mut judges = Judges::open(&group);
    judges.admit(&group, 0);
    judges.admit(&group, 1);
    let judged = watch(&group, Duration::from_secs(5 * u64::from(TTL))).await;
    let seen = judges.close();
    for (judge, tally) in &seen {
        let example = tally.bad.first();
        println!(
            "{judge}: {} good, {} bad, as {example:?}",
            tally.good,
            tally.bad.len()
        );
    }
    for judge in ["everybody", "cross", Knot.name()] {
        assert!(!seen[judge].bad.is_empty(), "{judge} judges nothing");
    }
    assert!(!judged.is_safe(), "the audit log judges nothing");
    assert!(
        seen[Bind.name()].bad.is_empty(),
        "who asks the first signer alone sees nothing of it"
    );
}
