//! The input when it moves, the policy when it is told to. What cannot be read changes nothing: the old
//! one goes on, and that is told.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use counterpoint_dns::driver::daemon::{journal, systemd};

use super::shared::Shared;
use crate::{
    cli::{
        Failure,
        arguments::Input,
        primary::Primary,
        setup::{Setup, unforeseen},
        survey_all::lock,
    },
    policy::Policy,
};

/// By which it is seen that an input is another.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mark {
    /// Of files: device, inode, size, and when it was written.
    Files(Vec<[i128; 4]>),
    /// Of a transfer: the serial, and the files.
    Serial(u32, Vec<[i128; 4]>),
}

/// Reads again what has changed, until all is to end.
pub fn run(shared: &Shared<'_>) -> Result<(), Failure> {
    // What moved while it was first read is not known: it is read once more.
    let mut seen = None;
    let mut trouble = String::new();
    while !shared.is_stopping() {
        let setup = shared.setup();
        if shared.wait_for_reload(setup.base.policy.watch.reread) {
            systemd::tell("RELOADING=1");
            reload(shared, &setup)?;
            systemd::tell("READY=1");
            continue;
        }
        if shared.is_stopping() {
            return Ok(());
        }
        let input = &shared.arguments.input;
        let again = mark(input, &setup).and_then(|now| {
            if seen.as_ref() == Some(&now) || is_same(&now, &setup, seen.is_none()) {
                return Ok((now, None));
            }
            let setup = Setup::read(setup.base.clone(), input)?;
            Ok((now, Some(setup)))
        });
        match again {
            Ok((now, fresh)) => {
                seen = Some(now);
                trouble.clear();
                if let Some(fresh) = fresh {
                    told(&fresh);
                    lock(&shared.live.counts).rereads += 1;
                    shared.set_setup(fresh, false)?;
                }
            }
            Err(failure) => {
                lock(&shared.live.counts).reread_failures += 1;
                let why = failure.to_string();
                if why != trouble {
                    journal::event("not-reread", &[("why", &why)]);
                }
                trouble = why;
            }
        }
    }
    Ok(())
}

/// Whether a first look shows what was read already: only a serial can tell.
fn is_same(now: &Mark, setup: &Setup, is_first: bool) -> bool {
    matches!(now, Mark::Serial(serial, _) if is_first && setup.parent.serial() == Some(*serial))
}

fn mark(input: &Input, setup: &Setup) -> Result<Mark, Failure> {
    let files = [&input.zone_file, &input.list, &input.registry];
    let files: Result<Vec<[i128; 4]>, Failure> = files
        .into_iter()
        .flatten()
        .map(|path| mark_of(path))
        .collect();
    let files = files?;
    let primary = input.axfr.or(setup.base.policy.parent.primary);
    match primary.filter(|_| setup.is_transfer) {
        None => Ok(Mark::Files(files)),
        Some(primary) => {
            let mut primary = Primary {
                zone: setup.parent.zone(),
                at: setup.base.options.route(primary),
                tsig: setup.tsig.as_ref(),
                stream: unforeseen()?,
            };
            let serial = primary.serial().map_err(Failure::BadInput)?;
            Ok(Mark::Serial(serial, files))
        }
    }
}

fn mark_of(path: &Path) -> Result<[i128; 4], Failure> {
    let about = fs::metadata(path).map_err(|error| {
        let place = path.display();
        Failure::BadInput(format!("{place}: {error}\n  help: put the file back"))
    })?;
    let written = i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec());
    let (device, inode, size) = (about.dev(), about.ino(), about.size());
    Ok([device.into(), inode.into(), size.into(), written])
}

/// Reads policy and input again.
fn reload(shared: &Shared<'_>, old: &Setup) -> Result<(), Failure> {
    let input = &shared.arguments.input;
    let fresh =
        Setup::load(input).and_then(|fresh| match fresh.parent.zone() == old.parent.zone() {
            true => Ok(fresh),
            false => {
                let (zone, other) = (old.parent.zone(), fresh.parent.zone());
                let why =
                    format!("it is for {other}, and this watches {zone}\n  help: start another");
                Err(Failure::BadInput(why))
            }
        });
    match fresh {
        Ok(fresh) => {
            if bound(&fresh.base.policy) != bound(&old.base.policy) {
                let why = "other addresses in [notify] and [watch] count from the next start on";
                journal::event("note", &[("why", why)]);
            }
            told(&fresh);
            journal::event("reloaded", &[("policy", &fresh.base.policy_hash)]);
            shared.set_setup(fresh, true)
        }
        Err(failure) => {
            lock(&shared.live.counts).reloads_refused += 1;
            journal::event("not-reloaded", &[("why", &failure.to_string())]);
            Ok(())
        }
    }
}

/// What is bound once, when it starts.
fn bound(policy: &Policy) -> impl PartialEq {
    (policy.notify.listen.clone(), policy.watch.status)
}

fn told(setup: &Setup) {
    let about = setup.about();
    let input = about.iter().find(|(key, _)| key == "input");
    let input = input.map_or("", |(_, text)| text.as_str());
    journal::event("input", &[("what", input)]);
}
