//! Our resolver, on the same wires.

use counterpoint_dns::{
    driver::{
        agent::{Driver, Handle, Options},
        store::MemoryStore,
    },
    message::Question,
    resolver::{self, Command, Resolver},
    stream::stream,
};
use counterpoint_scenarios::{
    run::resolvers::named, scenario::ResolverProfile, serve::forms::Root,
};
use tokio::{runtime::Runtime, sync::mpsc, task::LocalSet};

use crate::judges::Verdict;

/// A resolver of ours that keeps its cache.
pub struct Ours {
    handle: Handle<Command>,
    notes: mpsc::UnboundedReceiver<String>,
    local: LocalSet,
    runtime: Runtime,
}

impl Ours {
    /// One of this profile, with an empty cache; whom it asks is drawn from `seed`.
    pub fn new(root: &Root, profile: ResolverProfile, seed: u64) -> Self {
        let roots = root.servers.iter().map(|(_, address)| *address).collect();
        let config = named(resolver::Config::new(roots, root.anchors.clone()), profile);
        let agent = Resolver::new(config, stream(seed, "ours")).announcing();
        let (sender, notes) = mpsc::unbounded_channel();
        let hear = move |_, note: counterpoint_dns::agent::Note| {
            sender.send(note.text).unwrap();
        };
        let (driver, handle) = Driver::new(agent, MemoryStore::default(), hear, Options::default());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let local = LocalSet::new();
        local.spawn_local(driver.run());
        Self {
            handle,
            notes,
            local,
            runtime,
        }
    }

    /// What it makes of a question, and its reason.
    pub fn ask(&mut self, question: &Question) -> (Verdict, String) {
        let Self {
            handle,
            notes,
            local,
            runtime,
        } = self;
        let asked = async {
            let question = question.clone();
            let command = Command::Resolve {
                ticket: 1,
                question,
            };
            handle.command(command).await.unwrap();
            notes.recv().await.unwrap()
        };
        let status = local.block_on(runtime, asked);
        let verdict = match status.split(':').next().unwrap() {
            "secure" => Verdict::Secure,
            "insecure" => Verdict::Insecure,
            _ => Verdict::Fails,
        };
        (verdict, status)
    }
}
