//! The one place that owns declarations, controller and store, for every command there is.
//!
//! A command of the local tool opens one, works with it and lets it go: what the controller wants asked
//! then is forgotten, as if it had been killed before. The daemon keeps one, and carries that out. What a
//! command decides is durable when [`Keeper::commit`] returns, all of it or nothing, and takes effect
//! after that. A change of the declarations is a controller that is restored with others: as after a
//! restart, which it is made for.

use std::{
    cell::{Ref, RefCell},
    collections::VecDeque,
    io, mem,
    rc::Rc,
};

use counterpoint_dns::{
    agent::{Agent as _, Input, Note, Output, Record},
    driver::{sqlite::SqliteStore, store::Store},
    time::Timestamp,
};

use crate::{
    Command, Controller,
    api::Failure,
    declarations::{Declarations, Edit},
    setup::{Setup, now},
};

/// A store that the keeper and the driver of its controller both write to, in one thread.
#[derive(Clone)]
pub(crate) struct SharedStore(Rc<RefCell<SqliteStore>>);

impl SharedStore {
    /// To read what is not a record.
    pub(crate) fn borrow(&self) -> Ref<'_, SqliteStore> {
        self.0.borrow()
    }
}

impl Store for SharedStore {
    fn put(&mut self, record: &Record) -> io::Result<()> {
        self.0.borrow_mut().put(record)
    }

    fn keep(&mut self, at: Timestamp, records: &[Record], notes: &[Note]) -> io::Result<()> {
        self.0.borrow_mut().keep(at, records, notes)
    }

    fn records(&self) -> Vec<Record> {
        self.0.borrow().records()
    }
}

/// What a command works with.
pub(crate) struct Keeper {
    /// What is declared.
    pub setup: Setup,
    /// Somebody carries out what the controller wants, now.
    pub is_served: bool,
    /// The declarations are others than the driver's controller knows.
    pub is_reloaded: bool,
    controller: Option<Controller>,
    /// What is remembered, as far as somebody else read it.
    lent: Option<Vec<Record>>,
    store: Option<SharedStore>,
    outbox: VecDeque<Output>,
    records: Vec<Record>,
    notes: Vec<Note>,
}

impl Keeper {
    /// One that reads what it needs when it needs it.
    pub(crate) fn new(setup: Setup) -> Self {
        Self {
            setup,
            is_served: false,
            is_reloaded: false,
            controller: None,
            lent: None,
            store: None,
            outbox: VecDeque::new(),
            records: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// One to look only, with what another remembers.
    pub(crate) fn aside(setup: Setup, remembered: Vec<Record>) -> Self {
        Self {
            lent: Some(remembered),
            ..Self::new(setup)
        }
    }

    /// What is remembered; begun, if there is nothing yet.
    pub(crate) fn store(&mut self) -> Result<SharedStore, Failure> {
        if let Some(store) = &self.store {
            return Ok(store.clone());
        }
        let store = SharedStore(Rc::new(RefCell::new(self.setup.store()?)));
        Ok(self.store.insert(store).clone())
    }

    /// The controller; where nothing is remembered, nothing is begun.
    pub(crate) fn controller(&mut self) -> Result<&mut Controller, Failure> {
        if self.controller.is_none() {
            let records = self.remembered()?;
            self.controller = Some(self.setup.controller(records)?);
        }
        match &mut self.controller {
            Some(controller) => Ok(controller),
            None => unreachable!("it was just put there"),
        }
    }

    /// What is declared, and the controller.
    pub(crate) fn both(&mut self) -> Result<(&Declarations, &Controller), Failure> {
        self.controller()?;
        match &self.controller {
            Some(controller) => Ok((&self.setup.declared, controller)),
            None => unreachable!("it was just put there"),
        }
    }

    /// What is remembered now.
    pub(crate) fn remembered(&mut self) -> Result<Vec<Record>, Failure> {
        match &self.lent {
            Some(records) => Ok(records.clone()),
            None if self.store.is_some() || self.setup.declared.store.exists() => {
                Ok(self.store()?.records())
            }
            None => Ok(Vec::new()),
        }
    }

    /// Takes a request. What it told, and what has to be remembered, is durable after the next commit.
    pub(crate) fn command(&mut self, command: Command) -> Result<Vec<Note>, Failure> {
        self.store()?;
        let now = now();
        let controller = self.controller()?;
        controller.handle(now, Input::Command(command));
        let outputs: Vec<Output> = std::iter::from_fn(|| controller.poll(now)).collect();
        let mut told = Vec::new();
        for output in outputs {
            match output {
                Output::Persist(record) => self.records.push(record),
                Output::Note(note) => told.push(note),
                Output::Ask { .. } | Output::Web { .. } => self.outbox.push_back(output),
            }
        }
        self.notes.extend(told.iter().cloned());
        Ok(told)
    }

    /// Has this remembered with the next commit.
    pub(crate) fn remember(&mut self, record: Record) {
        self.records.push(record);
    }

    /// Has this in the log with the next commit.
    pub(crate) fn note(&mut self, note: Note) {
        self.notes.push(note);
    }

    /// Makes all of it durable, or nothing. Returns what was told.
    pub(crate) fn commit(&mut self) -> Result<Vec<Note>, Failure> {
        let (records, notes) = (mem::take(&mut self.records), mem::take(&mut self.notes));
        if !records.is_empty() || !notes.is_empty() {
            self.store()?.keep(now(), &records, &notes)?;
        }
        Ok(notes)
    }

    /// Changes the declarations, unless what is under way needs what would go.
    pub(crate) fn edit(&mut self, kind: &str, name: &str, edit: &Edit) -> Result<(), Failure> {
        let edited = edit.of(&self.setup.declared.path, kind, name)?;
        let setup = Setup {
            declared: edited.declarations.clone(),
            options: self.setup.options.clone(),
        };
        let controller = setup.controller(self.remembered()?)?;
        edited.write()?;
        self.replace(setup, controller);
        Ok(())
    }

    /// Reads the declarations again.
    pub(crate) fn reload(&mut self) -> Result<(), Failure> {
        let setup = Setup::load(&self.setup.declared.path, self.setup.options.clone())?;
        let controller = setup.controller(self.remembered()?)?;
        self.replace(setup, controller);
        Ok(())
    }

    fn replace(&mut self, setup: Setup, controller: Controller) {
        self.setup = setup;
        self.controller = Some(controller);
        self.outbox.clear();
        self.is_reloaded = true;
    }

    /// The next thing that has to be done for the controller, after a commit.
    pub(crate) fn poll(&mut self, now: Timestamp) -> Option<Output> {
        let waiting = self.outbox.pop_front();
        waiting.or_else(|| self.controller.as_mut()?.poll(now))
    }

    /// Hands the controller what came.
    pub(crate) fn handle(&mut self, now: Timestamp, input: Input<Command>) {
        if let Some(controller) = &mut self.controller {
            controller.handle(now, input);
        }
    }

    /// When the controller wants to be woken.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        self.controller.as_ref()?.wake_at()
    }
}
