//! A scenario on real wires: its world as it is at some instant, served to anybody who asks.
//!
//! The run is redone with its start moved so that the instant is *now*: keys come from the seed and stay
//! the same, signatures hold by the real clock, and the same instances answer as in the simulation. From
//! then on the world stands still, while real time goes on. A jump to a later instant is another redo, so
//! that resolvers keep their caches across it.
//!
//! - [`prediction`] – what the oracle says of an instant
//! - [`wires`] – a socket for each instance
//! - [`forms`] – how resolvers are told where the world's root is and what to trust there
//! - [`table`] – who is where, for people

pub mod forms;
pub mod prediction;
pub mod table;
pub mod wires;

use std::{io, time::Duration};

use counterpoint_dns::time::Timestamp;
use counterpoint_simnet::{net::Net, topology::Stage};
use tokio::sync::mpsc::Receiver;

use self::{
    forms::Root,
    wires::{Unheard, Wires},
};
use crate::{
    run::{direction::Direction, plan, play},
    scenario::Scenario,
};

/// A scenario whose world is to be served.
#[derive(Clone, Debug)]
pub struct Show {
    /// The scenario.
    pub scenario: Scenario,
    /// Where its servers are.
    pub net: Net,
}

/// Why the world is served no more.
#[derive(Debug)]
pub enum Ended {
    /// An address cannot be listened at.
    Unheard(Unheard),
    /// What is told cannot be told.
    Mute(io::Error),
}

impl Show {
    /// The world as it is so long after the start, if that is the second of `now`.
    pub fn at(&self, instant: Duration, now: Timestamp) -> Stage {
        // Signatures are dated in whole seconds: none begins after `now`.
        let now = Timestamp::from_seconds(now.as_seconds());
        let scenario = Scenario {
            start: now.before(instant),
            duration: Some(instant),
            ..self.scenario.clone()
        };
        play::play_under(&scenario, self.direction()).stage
    }

    /// Its root; it is the same at every instant.
    pub fn root(&self) -> Root {
        let stage = Stage::within(self.net, plan::topology(&self.scenario));
        Root::of(&stage, self.net)
    }

    fn direction(&self) -> Direction {
        Direction {
            net: self.net,
            ..Direction::default()
        }
    }

    /// The shortest TTL of what caches hold of the zones, denials aside; it tells how far a jump may go.
    pub fn shortest_ttl(&self) -> Duration {
        let parent = &self.scenario.parent;
        let signers = self.scenario.signers.iter();
        let own = signers.flat_map(|signer| [signer.ns_ttl, signer.dnskey_ttl, signer.default_ttl]);
        let records = self.scenario.zones.iter().flat_map(|zone| &zone.records);
        let own = own.chain(records.filter_map(|record| record.ttl));
        let all = own.chain([parent.ds_ttl, parent.ns_ttl]);
        all.map(|ttl| ttl.span()).min().unwrap_or_default()
    }

    /// Serves the world as it is at the first of these instants, and goes on to the next at each turn. Each
    /// is told when it is served. Ends when nobody can take turns any more.
    pub async fn serve(
        &self,
        port: u16,
        instants: &[Duration],
        turns: &mut Receiver<()>,
        clock: impl Fn() -> Timestamp,
        mut tell: impl FnMut(usize, &Stage) -> io::Result<()>,
    ) -> Result<(), Ended> {
        let mut wires = Wires::new(port);
        for (number, instant) in instants.iter().enumerate() {
            let mut stage = self.at(*instant, clock());
            // Servers may have moved since.
            let covered = wires.cover(&stage.world).await;
            covered.map_err(Ended::Unheard)?;
            tell(number, &stage).map_err(Ended::Mute)?;
            let is_last = number + 1 == instants.len();
            let turned = async {
                while turns.recv().await.is_some() {
                    if !is_last {
                        return true;
                    }
                }
                false
            };
            let goes_on = tokio::select! {
                never = wires.attend(&mut stage.world) => match never {},
                goes_on = turned => goes_on,
            };
            if !goes_on {
                break;
            }
        }
        Ok(())
    }
}
