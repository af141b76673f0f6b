//! What the threads of the daemon share, each part behind a lock of its own.
//!
//! Locks are taken in this order and none is kept while another thread is waited for: recorder, store,
//! schedule, the rest. NOTIFY needs the schedule only, and so never waits for a disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::OpenOptions,
    io::{self, Write as _},
    net::IpAddr,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use counterpoint_dns::{
    driver::{chance, clock::Clock, sqlite::SqliteStore},
    name::Name,
    time::Timestamp,
};

use super::counts::{Counts, Standing};
use crate::{
    cli::{
        Failure, arguments,
        run::{LastVerdict, Recorder, value},
        setup::Setup,
        survey_all::lock,
    },
    gather::phase::ZoneAddresses,
    input::Parent,
    schedule::{Next, Schedule},
};

/// No wait is longer at a time.
const WAIT_MAX: Duration = Duration::from_millis(500);

/// The parent as it is now, for surveys that outlive a reading of it.
#[derive(Clone, Debug)]
pub struct Place(Arc<Mutex<Arc<Parent>>>);

impl ZoneAddresses for Place {
    fn addresses_of(&self, name: &Name) -> BTreeSet<IpAddr> {
        let parent = lock(&self.0).clone();
        parent.addresses_of(name)
    }
}

/// What whoever looks from outside needs as well.
pub struct Live {
    pub schedule: Mutex<Schedule>,
    pub counts: Mutex<Counts>,
    /// Nanoseconds since 1970 of the last sign that children are asked.
    alive: AtomicU64,
    is_applying: bool,
}

impl Live {
    /// Children are being asked: a sign of life.
    pub fn beat(&self, now: Timestamp) {
        self.alive.store(now.as_nanos() as u64, Ordering::Relaxed);
    }

    /// How long ago the last sign of life was.
    pub fn silent_for(&self, now: Timestamp) -> Duration {
        let last = Timestamp::from_nanos(self.alive.load(Ordering::Relaxed) as i64);
        now.since(last)
    }

    /// What is so at the moment.
    pub fn standing(&self, now: Timestamp) -> Standing {
        let schedule = lock(&self.schedule);
        Standing {
            children: schedule.len(),
            out: schedule.out(),
            notified: schedule.notified(),
            lag: schedule.lag(now),
            is_applying: self.is_applying,
        }
    }
}

/// Everything that more than one thread needs.
pub struct Shared<'a> {
    pub arguments: &'a arguments::Watch,
    pub store: &'a Mutex<SqliteStore>,
    pub recorder: Mutex<Recorder<'a>>,
    pub live: Arc<Live>,
    pub place: Place,
    setup: Mutex<Arc<Setup>>,
    /// Counts policies: surveys begin anew with each.
    policies: AtomicU64,
    is_stopping: AtomicBool,
    bell: Bell,
}

/// Wakes threads that wait.
#[derive(Debug, Default)]
struct Bell {
    rung: Mutex<Rung>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default)]
struct Rung {
    /// There is something to plan.
    found: bool,
    /// The policy is to be read again.
    reload: bool,
}

impl<'a> Shared<'a> {
    pub fn new(
        arguments: &'a arguments::Watch,
        setup: Setup,
        store: &'a Mutex<SqliteStore>,
    ) -> Result<Self, Failure> {
        let now = Clock.now();
        let policy = &setup.base.policy;
        let zone = setup.parent.zone().clone();
        let shared = Self {
            arguments,
            store,
            recorder: Mutex::new(Recorder::new(store, &format!("watch {now}"), policy)),
            live: Arc::new(Live {
                schedule: Mutex::new(Schedule::new(zone, policy, chance::stream()?)),
                counts: Mutex::default(),
                alive: AtomicU64::new(now.as_nanos() as u64),
                is_applying: arguments.apply,
            }),
            place: Place(Arc::new(Mutex::new(setup.parent.clone()))),
            setup: Mutex::new(Arc::new(setup)),
            policies: AtomicU64::new(0),
            is_stopping: AtomicBool::new(false),
            bell: Bell::default(),
        };
        shared.set_children()?;
        // What was found before it was killed waits to be planned.
        shared.ring();
        Ok(shared)
    }

    /// What is in force.
    pub fn setup(&self) -> Arc<Setup> {
        lock(&self.setup).clone()
    }

    /// Another one is. A new policy has the surveys begin anew.
    pub fn set_setup(&self, setup: Setup, is_new_policy: bool) -> Result<(), Failure> {
        *lock(&self.place.0) = setup.parent.clone();
        let setup = Arc::new(setup);
        *lock(&self.setup) = setup.clone();
        if is_new_policy {
            let policy = &setup.base.policy;
            lock(&self.recorder).set_policy(policy);
            lock(&self.live.schedule).set_policy(policy, Clock.now());
            self.policies.fetch_add(1, Ordering::Relaxed);
        }
        self.set_children()?;
        self.ring();
        Ok(())
    }

    /// Tells the schedule who the children are, and when those are due that are new to it.
    fn set_children(&self) -> Result<(), Failure> {
        let parent = self.setup().parent.clone();
        let strangers = lock(&self.live.schedule).strangers(parent.children());
        let mut past: BTreeMap<Name, Next> = BTreeMap::new();
        for child in strangers {
            let key = format!("verdict/{child}");
            let known: Option<LastVerdict> = value(&lock(self.store), &key)?;
            if let Some(next) = known.and_then(|known| known.next) {
                past.insert(child, next);
            }
        }
        let past = |child: &Name| past.get(child).copied();
        lock(&self.live.schedule).set_children(parent.children(), past, Clock.now());
        Ok(())
    }

    /// Which policy surveys go by, for them to see when that is another.
    pub fn policy(&self) -> u64 {
        self.policies.load(Ordering::Relaxed)
    }

    /// Whether all is to end.
    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    /// Ends all.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.bell.changed.notify_all();
    }

    /// Something that ends all when it is dropped, also by a panic.
    pub fn stops_all(&self) -> impl Drop {
        struct Guard<'b, 'a>(&'b Shared<'a>);
        impl Drop for Guard<'_, '_> {
            fn drop(&mut self) {
                self.0.stop();
            }
        }
        Guard(self)
    }

    /// There is something to plan.
    pub fn ring(&self) {
        lock(&self.bell.rung).found = true;
        self.bell.changed.notify_all();
    }

    /// The policy is to be read again.
    pub fn ask_for_reload(&self) {
        lock(&self.bell.rung).reload = true;
        self.bell.changed.notify_all();
    }

    /// Waits until there is something to plan, or for so long; whether there is.
    pub fn wait_for_findings(&self, longest: Duration) -> bool {
        self.wait(longest, |rung| std::mem::take(&mut rung.found))
    }

    /// Waits until the policy is to be read again, or for so long; whether it is.
    pub fn wait_for_reload(&self, longest: Duration) -> bool {
        self.wait(longest, |rung| std::mem::take(&mut rung.reload))
    }

    /// Waits for so long, or until all is to end.
    pub fn wait_only(&self, longest: Duration) {
        self.wait(longest, |_| false);
    }

    fn wait(&self, longest: Duration, mut take: impl FnMut(&mut Rung) -> bool) -> bool {
        let until = Clock.now() + longest;
        let mut rung = lock(&self.bell.rung);
        loop {
            if take(&mut rung) {
                return true;
            }
            let left = until.since(Clock.now());
            if left.is_zero() || self.is_stopping() {
                return false;
            }
            // Never long: stopping does not wait for the lock.
            let waited = self.bell.changed.wait_timeout(rung, left.min(WAIT_MAX));
            rung = match waited {
                Ok((rung, _)) => rung,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// Adds to a file of the directory, and makes that durable. The file is opened anew each time, so that
    /// whoever rotates it need not say so.
    pub fn append(&self, file: &str, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let path = self.arguments.out.join(file);
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_data()
    }
}
