//! From a file to what a command works with: declarations, what is remembered, a controller.

use std::{collections::BTreeSet, path::Path};

use counterpoint_dns::{
    agent::{Agent, Input, Output, Record},
    driver::{
        agent::{Driver, Options},
        chance,
        clock::Clock,
        sqlite::{Owner, SqliteStore},
        store::MemoryStore,
    },
    name::{Name, parse_name},
    time::Timestamp,
};
use tokio::sync::oneshot;

use crate::{
    Controller, SignerName,
    api::Failure,
    declarations::{BadDeclaration, Declarations},
    survey::{Sights, Surveyor},
};

/// The mark of this program's stores: "CPct".
pub const OWNER: Owner = Owner {
    mark: 0x4350_6374,
    name: "counterpoint-controller",
};

/// What is declared, and how servers are found.
#[derive(Clone)]
pub struct Setup {
    /// What is declared.
    pub declared: Declarations,
    /// How servers are found.
    pub options: Options,
}

impl Setup {
    /// Reads the declarations at `path`.
    pub fn load(path: &Path, options: Options) -> Result<Self, Failure> {
        let declared = Declarations::load(path)?;
        Ok(Self { declared, options })
    }

    /// What is remembered; begun, if there is nothing yet.
    pub fn store(&self) -> Result<SqliteStore, Failure> {
        Ok(SqliteStore::open(&self.declared.store, OWNER)?)
    }

    /// A controller that goes on from these records.
    pub fn controller(&self, records: Vec<Record>) -> Result<Controller, Failure> {
        let config = self.declared.config.clone();
        let controller = Controller::restore(config, chance::stream()?, records);
        self.check(&controller)?;
        Ok(controller)
    }

    /// Whoever serves a zone, or is about to, must be declared: nothing can be done without.
    fn check(&self, controller: &Controller) -> Result<(), Failure> {
        let config = &self.declared.config;
        for zone in config.zones.keys() {
            let mut needed: BTreeSet<SignerName> = controller.members(zone).into_iter().collect();
            let open = controller.open_signers(zone);
            needed.extend(open);
            let missing = needed
                .iter()
                .find(|name| !config.signers.contains_key(name));
            if let Some(missing) = missing {
                let what = format!("{missing} serves {zone}, or is about to, and is not declared");
                let remedy = format!("let {missing} leave first, or declare it as it was");
                let place = self.declared.path.display();
                return Err(BadDeclaration::new(place, what, remedy).into());
            }
        }
        Ok(())
    }

    /// A zone that is declared.
    pub fn zone(&self, text: &str) -> Result<Name, Failure> {
        let zone = a_zone(text)?;
        match self.declared.config.zones.contains_key(&zone) {
            true => Ok(zone),
            false => Err(self.unknown("zone", text)),
        }
    }

    /// A signer that is declared.
    pub fn signer(&self, text: &str) -> Result<SignerName, Failure> {
        let signer = SignerName::from(text);
        match self.declared.config.signers.contains_key(&signer) {
            true => Ok(signer),
            false => Err(self.unknown("signer", text)),
        }
    }

    /// There is no such thing.
    pub fn unknown(&self, kind: &str, name: &str) -> Failure {
        Failure::Unknown(crate::declarations::unknown(&self.declared.path, kind, name).to_string())
    }

    /// Looks once at `zone`, its parent and these signers.
    pub fn survey(&self, zone: &Name, signers: BTreeSet<SignerName>) -> Result<Sights, Failure> {
        let config = self.declared.config.clone();
        let surveyor = Surveyor::new(config, zone.clone(), signers, chance::stream()?);
        Ok(run_to_end(surveyor, self.options.clone())?.sights())
    }
}

/// A name that somebody wrote.
pub fn a_zone(text: &str) -> Result<Name, Failure> {
    let name = parse_name(text);
    name.map_err(|error| BadDeclaration::new("ZONE", error, "name a zone").into())
}

/// Runs a surveyor until every answer is there.
fn run_to_end(surveyor: Surveyor, options: Options) -> Result<Surveyor, Failure> {
    let (finished, end) = oneshot::channel();
    let once = Once {
        surveyor,
        finished: Some(finished),
    };
    let runtime = runtime()?;
    let (driver, handle) = Driver::new(once, MemoryStore::default(), |_, _| {}, options);
    let watch = async {
        // An error means that it has ended already.
        if end.await.is_ok() {
            let _ = handle.stop().await;
        }
    };
    let (ran, ()) = runtime.block_on(async { tokio::join!(driver.run(), watch) });
    Ok(ran?.0.surveyor)
}

/// One thread for everything.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    Ok(builder.enable_all().build()?)
}

/// The time of day.
pub fn now() -> Timestamp {
    Clock.now()
}

/// A surveyor that tells when it is over.
struct Once {
    surveyor: Surveyor,
    finished: Option<oneshot::Sender<()>>,
}

impl Agent for Once {
    type Command = ();

    fn handle(&mut self, now: Timestamp, input: Input<()>) {
        self.surveyor.handle(now, input);
    }

    fn poll(&mut self, now: Timestamp) -> Option<Output> {
        let output = self.surveyor.poll(now);
        if output.is_none()
            && self.surveyor.is_over()
            && let Some(finished) = self.finished.take()
        {
            // The receiver waits as long as the driver runs.
            let _ = finished.send(());
        }
        output
    }

    fn wake_at(&self) -> Option<Timestamp> {
        None
    }
}
