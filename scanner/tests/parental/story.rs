//! The whole agent: what it asks, when it acts, and what a restart costs.

use std::{collections::BTreeSet, time::Duration};

use counterpoint_dns::{
    agent::{Server as _, Transport},
    message::{Question, ResponseCode},
    name::RecordType,
    notify::notify,
    rdata::{Csync, Rdata},
    resolver,
    rrset::RrSet,
};
use counterpoint_scanner::Sabotage;

use crate::{kit::*, world::*};

const ALL: [&str; 3] = ["a", "b", "n"];

#[test]
fn a_request_is_judged_delayed_and_applied_once() {
    let mut world = World::new(Case::rollover(), |_| {});
    world.minutes(1);
    assert_eq!(world.said("verdict")[..1], ["CDS_ACCEPTED"]);
    assert_eq!(
        world.ds(),
        ds_of(&["a", "b"]),
        "not before the publish delay is over"
    );
    assert_eq!(world.scanner.pending().count(), 1);
    world.minutes(3);
    assert_eq!(world.ds(), ds_of(&ALL));
    assert_eq!(world.said("applied"), ["DS"]);
    let set = world.parent.set(&child(), RecordType::DS).unwrap();
    assert_eq!(set.ttl, 7200, "the TTL stays");
    world.minutes(60);
    assert_eq!(world.parent.updates.len(), 1);
    let reasons = world.scanner.reasons();
    assert_eq!((reasons["CDS_ACCEPTED"], reasons["STATUS_QUO"]), (1, 6));
    assert_eq!(reasons["BOOTSTRAP_NEVER"], 7);
    let said = world.said("verdict");
    assert_eq!(
        said,
        ["CDS_ACCEPTED", "CSYNC_ABSENT", "STATUS_QUO"],
        "each once"
    );
    assert!(world.records.keys().eq(["child/example.test."]));
}

#[test]
fn what_asks_for_nothing_costs_three_questions_an_address() {
    // C-26.
    let mut world = World::new(Case::quiet(), |_| {});
    world.minutes(1);
    assert_eq!(world.asked.len(), 6);
    let servers: BTreeSet<_> = world.asked.iter().map(|(to, ..)| *to).collect();
    assert_eq!(servers.len(), 2, "every address");
    assert_eq!(world.said("verdict"), ["NOTHING_REQUESTED", "CSYNC_ABSENT"]);
    assert!(world.parent.updates.is_empty());
}

#[test]
fn every_server_is_heard_unless_the_scanner_is_sabotaged() {
    // the second server lags; the next scan sees it caught up.
    let mut case = Case::rollover();
    case.sites[1].cds = vec![ds("b")];
    case.sites[1].cdnskey = vec![dnskey("b")];
    let mut world = World::new(case.clone(), |_| {});
    world.minutes(5);
    assert_eq!(world.said("verdict")[0], "CDS_INCONSISTENT");
    assert!(world.parent.updates.is_empty());
    let healthy = Case::rollover();
    world.sites.clone_from(&healthy.sites);
    world.minutes(20);
    assert_eq!(world.ds(), ds_of(&ALL));

    let mut world = World::new(case, |config| {
        config.policy.sabotage.insert(Sabotage::FirstNsOnly);
    });
    world.minutes(5);
    assert_eq!(world.ds(), ds_of(&ALL), "the first server alone was asked");
}

#[test]
fn a_silent_server_is_tried_four_times_before_it_is_left_out() {
    // 5, 10, 20, 40 minutes.
    let mut case = Case::rollover();
    case.sites[1].dead = true;
    let mut world = World::new(case, |_| {});
    world.minutes(20);
    assert_eq!(world.said("verdict")[0], "SERVER_SILENT");
    // Whoever asks for scans does not shorten the schedule.
    let before = world.asked.len();
    for _ in 0..10 {
        world.scan_now();
    }
    assert!(world.asked.len() > before, "they are scans");
    world.minutes(74);
    assert_eq!(world.scanner.reasons()["SERVER_SILENT"], 14);
    assert_eq!(world.scanner.pending().count(), 0);
    assert!(world.parent.updates.is_empty());
    world.minutes(78);
    assert_eq!(world.ds(), ds_of(&ALL));
}

#[test]
fn a_silent_server_that_comes_back_is_heard() {
    let mut case = Case::rollover();
    case.sites[1].dead = true;
    case.sites[1].cds = vec![ds("b")];
    case.sites[1].cdnskey = vec![dnskey("b")];
    let mut world = World::new(case, |_| {});
    world.minutes(30);
    world.sites[1].dead = false;
    world.minutes(200);
    assert!(world.said("verdict").contains(&"CDS_INCONSISTENT"));
    assert!(world.parent.updates.is_empty());
}

#[test]
fn a_parent_that_changed_meanwhile_is_judged_again() {
    let mut world = World::new(Case::rollover(), |_| {});
    world.minutes(1);
    // The registrar changes the DS RRset by hand.
    let key = (child(), RecordType::DS);
    world
        .parent
        .sets
        .get_mut(&key)
        .unwrap()
        .data
        .remove(&ds("b"));
    world.minutes(3);
    let codes: Vec<ResponseCode> = world.parent.updates.iter().map(|(_, code)| *code).collect();
    assert_eq!(codes, [ResponseCode::NXRRSet]);
    assert_eq!(world.ds(), ds_of(&["a"]), "nothing was overwritten");
    assert_eq!(world.scanner.reasons()["PARENT_CHANGED"], 1);
    // Judged again at once: beta's CDS no longer chains to the parent.
    assert_eq!(world.scanner.reasons()["CDS_BOGUS"], 1);
    assert_eq!(world.scanner.pending().count(), 0);
}

#[test]
fn an_update_whose_answer_is_lost_has_one_effect() {
    let mut world = World::new(Case::rollover(), |_| {});
    world.parent.deaf = true;
    world.minutes(3);
    assert_eq!(world.ds(), ds_of(&ALL));
    assert!(world.said("applied").is_empty(), "nobody knows yet");
    world.parent.deaf = false;
    world.minutes(9);
    assert_eq!(world.said("applied"), ["DS"]);
    assert!(!world.scanner.reasons().contains_key("PARENT_CHANGED"));
    let made = world.parent.updates.iter();
    let made = made.filter(|(_, code)| *code == ResponseCode::NoError);
    assert_eq!(made.count(), 1);
}

#[test]
fn killed_after_any_output_it_makes_the_change_once() {
    for count in 0.. {
        let mut world = World::new(Case::rollover(), |_| {});
        world.kill_after = Some(count);
        world.minutes(30);
        assert_eq!(world.ds(), ds_of(&ALL), "killed after {count} outputs");
        let made = world.parent.updates.iter();
        let made = made.filter(|(_, code)| *code == ResponseCode::NoError);
        assert_eq!(made.count(), 1, "killed after {count} outputs");
        if world.kill_after.is_some() {
            assert!(count > 30, "it lived on");
            break;
        }
    }
    // And between the update and its answer.
    let mut world = World::new(Case::rollover(), |_| {});
    world.parent.deaf = true;
    world.minutes(2);
    assert_eq!(world.ds(), ds_of(&ALL));
    world.parent.deaf = false;
    world.restart();
    world.minutes(30);
    assert_eq!(world.said("applied"), ["DS"]);
    assert!(!world.scanner.reasons().contains_key("PARENT_CHANGED"));
}

#[test]
fn what_is_long_overdue_is_judged_again() {
    let mut world = World::new(Case::rollover(), |_| {});
    world.minutes(1);
    world.now = NOW + Duration::from_secs(3 * 3600);
    for site in &mut world.sites {
        site.cds.clear();
        site.cdnskey.clear();
    }
    world.restart();
    world.minutes(240);
    assert_eq!(world.scanner.reasons()["VERDICT_EXPIRED"], 1);
    assert_eq!(world.ds(), ds_of(&["a", "b"]));
}

#[test]
fn a_replayed_request_is_remembered_across_a_restart() {
    // K-09.
    let mut world = World::new(Case::rollover(), |_| {});
    world.minutes(5);
    let old = Case::rollover();
    for (site, old) in world.sites.iter_mut().zip(&old.sites) {
        site.inception = old.inception + Duration::from_secs(60);
        site.cds = vec![ds("a"), ds("b")];
        site.cdnskey = vec![dnskey("a"), dnskey("b")];
    }
    world.minutes(20);
    assert_eq!(world.ds(), ds_of(&["a", "b"]));
    world.sites.clone_from(&old.sites);
    world.restart();
    world.minutes(60);
    assert!(world.scanner.reasons()["CDS_REPLAYED"] > 0);
    assert_eq!(world.ds(), ds_of(&["a", "b"]));
}

#[test]
fn a_csync_is_read_in_order_over_streams_and_applied() {
    // C-09, C-10, C-21.
    let mut world = World::new(Case::synchronisation(), |_| {});
    world.minutes(1);
    let first = world.sites[0].address;
    let read: Vec<RecordType> = world
        .asked
        .iter()
        .filter(|(to, question, via)| {
            *to == first && *via == Transport::Tcp && question.rtype != RecordType::DNSKEY
        })
        .map(|(_, question, _)| question.rtype)
        .collect();
    let order = "SOA CSYNC NS A AAAA SOA";
    assert_eq!(
        Vec::from_iter(read.iter().map(ToString::to_string)).join(" "),
        order
    );
    // the IPv6 address of the new server does not answer.
    assert_eq!(
        world.said("verdict"),
        ["NOTHING_REQUESTED", "NEW_SERVER_NOT_READY"]
    );
    let mut v6 = world.sites[2].clone();
    v6.address = "[2001:db8::3]:53".parse().unwrap();
    world.sites.push(v6);
    world.minutes(15);
    assert_eq!(world.said("applied"), ["A+AAAA+NS"]);
    let ns = world.parent.set(&child(), RecordType::NS).unwrap();
    assert_eq!(ns.data, world.sites[0].ns.iter().map(Rdata::name).collect());
    assert_eq!(ns.ttl, 7200);
    let glue = world
        .parent
        .set(&name("ns1.example.test."), RecordType::A)
        .unwrap();
    assert_eq!((glue.ttl, glue.data.len()), (3600, 1));
    world.sites[2].csync = world.sites[0].csync.clone();
    world.sites[3].csync = world.sites[0].csync.clone();
    world.minutes(60);
    assert_eq!(world.said("verdict").last(), Some(&"CSYNC_STATUS_QUO"));
    assert_eq!(world.parent.updates.len(), 1);
}

#[test]
fn only_the_types_that_a_csync_lists_are_read() {
    // C-18.
    let case = Case::synchronisation().each(|site| {
        site.csync[0].types = vec![RecordType::NS, RecordType::A];
    });
    let mut world = World::new(case, |_| {});
    world.minutes(1);
    let asked_for = |rtype| world.asked.iter().any(|(_, asked, _)| asked.rtype == rtype);
    assert!(asked_for(RecordType::A) && !asked_for(RecordType::AAAA));
    assert_eq!(world.said("verdict")[1], "CSYNC_ACCEPTED");
}

#[test]
fn ds_and_ns_change_one_after_the_other() {
    let mut case = Case::synchronisation();
    case.request(&ALL);
    case.added.clear();
    let case = case.each(|site| {
        site.ns.truncate(1);
        site.csync[0].types = vec![RecordType::NS];
        site.csync[0].flags = Csync::IMMEDIATE;
    });
    let mut world = World::new(case, |_| {});
    world.minutes(40);
    assert_eq!(world.said("applied"), ["DS", "NS"]);
    assert_eq!(world.scanner.reasons()["DS_CHANGE_FIRST"], 1);
    let ns = world.parent.set(&child(), RecordType::NS).unwrap();
    assert_eq!(ns.data, [Rdata::name(&name("ns1.alpha.test."))].into());
}

#[test]
fn without_the_right_key_nothing_is_scanned_and_that_is_told() {
    let mut world = World::new(Case::rollover(), |config| config.tsig = None);
    world.minutes(25);
    assert_eq!(world.scanner.reasons()["TRANSFER_FAILED"], 3);
    assert!(world.asked.is_empty());
}

/// N-13, N-14, N-15 (RFC 9567): who notifies, and names an agent under one of the child's nameservers, is
/// told what went wrong; nobody else is, and the verdict is the same.
#[test]
fn n_14_n_15_errors_are_reported_where_the_delegation_allows_it() {
    for (agent, is_told) in [
        (&b"\x03ns1\x05alpha\x04test\0"[..], true),
        (b"\x02er\x03ns1\x05alpha\x04test\0", true),
        (b"\x03ns1\x06victim\x04test\0", false),
    ] {
        let mut case = Case::rollover();
        case.sites[1].cds = vec![ds("b")];
        case.sites[1].cdnskey = vec![dnskey("b")];
        let mut world = World::new(case, |config| {
            let roots = vec![primary().ip()];
            config.resolver = Some(resolver::Config::new(roots, Vec::new()));
            config.interval = Duration::from_secs(86_400);
        });
        let reports = |world: &World| {
            let resolved = world.parent.resolved.iter();
            let names = resolved.map(|question| (question.rtype, question.name.to_string()));
            let report = "_er.59.example.test.0._er.";
            names
                .filter(|(rtype, name)| *rtype == RecordType::TXT && name.starts_with(report))
                .count()
        };
        world.minutes(1);
        assert_eq!(world.said("verdict")[0], "CDS_INCONSISTENT");
        assert_eq!(reports(&world), 0, "nobody has asked for it");
        let mut request = notify(1, &Question::new(child(), RecordType::CDS));
        request[11] = 1;
        let length = agent.len() as u8;
        request.extend([
            0,
            0,
            41,
            4,
            208,
            0,
            0,
            0,
            0,
            0,
            length + 4,
            0,
            18,
            0,
            length,
        ]);
        request.extend(agent);
        let from = "192.0.2.99:53".parse().unwrap();
        let answer = world
            .scanner
            .respond(world.now, from, Transport::Udp, &request);
        assert!(answer.is_some());
        world.minutes(3);
        assert_eq!(world.said("notify"), ["CDS"]);
        assert_eq!(
            world.scanner.reasons()["CDS_INCONSISTENT"],
            2,
            "the same verdict"
        );
        assert_eq!(reports(&world) > 0, is_told, "{agent:?}");
    }
}

#[test]
fn a_nameserver_without_glue_is_found_by_the_resolver_and_heard() {
    // its name lies outside the parent, and it disagrees.
    let host = name("ns1.elsewhere.example.");
    let mut case = Case::rollover();
    case.parent_ns[1] = host.clone();
    case.sites[1].cds = vec![ds("b")];
    case.sites[1].cdnskey = vec![dnskey("b")];
    let resolver = resolver::Config::new(vec![primary().ip()], Vec::new());
    let mut world = World::new(case.clone(), |config| {
        config.resolver = Some(resolver.clone())
    });
    let data = [Rdata::address(world.sites[1].address.ip())];
    let set = RrSet::new(host.clone(), RecordType::A, 300, data);
    world.parent.elsewhere.insert((host, RecordType::A), set);
    world.minutes(5);
    assert_eq!(world.said("verdict")[0], "CDS_INCONSISTENT");
    // Without the resolver the name leads nowhere, which is silence, not agreement.
    let mut world = World::new(case.clone(), |_| {});
    world.minutes(5);
    assert_eq!(world.said("verdict")[0], "SERVER_SILENT");
    // Whoever configures an address needs neither.
    let at = case.sites[1].address.ip();
    let mut world = World::new(case, |config| {
        let host = name("ns1.elsewhere.example.");
        config.addresses.insert(host, [at].into());
    });
    world.minutes(5);
    assert_eq!(world.said("verdict")[0], "CDS_INCONSISTENT");
}

#[test]
fn a_parent_that_finds_fault_for_no_reason_is_asked_once_a_scan() {
    let mut world = World::new(Case::rollover(), |config| {
        config.publish_delay = Duration::ZERO..=Duration::ZERO;
    });
    world.parent.stubborn = true;
    world.minutes(25);
    assert_eq!(world.parent.updates.len(), 3);
    assert_eq!(world.scanner.reasons()["UPDATE_REFUSED"], 3);
    assert_eq!(world.ds(), ds_of(&["a", "b"]));
}

#[test]
fn a_zone_that_was_asked_for_before_a_doubt_arose_does_not_settle_it() {
    let mut world = World::new(Case::rollover(), |config| {
        config.publish_delay = Duration::ZERO..=Duration::ZERO;
    });
    world.parent.held = Some(Vec::new());
    world.minutes(0);
    assert_eq!(
        (world.said("applied").len(), world.parent.updates.len()),
        (0, 0)
    );
    // It comes back while its update is still on its way. The zone that it asks for at once is that of
    // before, and arrives after the answer that something has changed.
    world.is_zone_late = true;
    world.restart();
    world.settle();
    is_seen_as_made(&world, "DS");
    assert!(!world.scanner.reasons().contains_key("UPDATE_REFUSED"));
}

#[test]
fn a_change_is_seen_as_made_although_glue_that_was_kept_is_out_of_sight() {
    // C-03: glue in another delegation of this parent is a prerequisite, and stays.
    let mut case = Case::synchronisation();
    case.added.clear();
    let case = case.each(|site| {
        site.ns.truncate(1);
        site.csync[0].types = vec![RecordType::NS];
        site.csync[0].flags = Csync::IMMEDIATE;
    });
    let mut world = World::new(case, |config| {
        config.publish_delay = Duration::ZERO..=Duration::ZERO;
    });
    world.parent.held = Some(Vec::new());
    world.minutes(0);
    world.restart();
    world.settle();
    is_seen_as_made(&world, "NS");
}

#[test]
fn a_record_that_cannot_be_read_is_left_out_and_named() {
    let mut world = World::new(Case::quiet(), |_| {});
    let odd = "{\"guards\": 7}".to_string();
    world.records.insert("child/example.test.".into(), odd);
    world.restart();
    world.minutes(1);
    let notes = world.notes.iter().filter(|note| note.kind == "record");
    let named: Vec<&str> = notes.map(|note| note.subject.as_str()).collect();
    assert_eq!(named, ["child/example.test."]);
    assert_eq!(world.said("verdict"), ["NOTHING_REQUESTED", "CSYNC_ABSENT"]);
}

/// The update was made when it was first sent; sent again it finds that, and the change is told once.
fn is_seen_as_made(world: &World, change: &str) {
    let codes = world.parent.updates.iter().map(|(_, code)| *code);
    assert_eq!(
        Vec::from_iter(codes),
        [ResponseCode::NoError, ResponseCode::NXRRSet]
    );
    assert_eq!(world.said("applied"), [change]);
}
