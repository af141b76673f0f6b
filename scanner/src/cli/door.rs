//! Where changes go in: the zone's primary, by dynamic update, or the registry, by EPP. The same two
//! questions to both: what is there, and will you change it.

use std::net::SocketAddr;

use counterpoint_dns::name::Name;

use super::{
    Failure,
    primary::{Has, Primary},
    registry::Registry,
    setup::{Setup, unforeseen},
};
use crate::{
    apply::{Applied, Sent},
    survey::Finding,
    verdict::Change,
};

/// One of the two.
pub enum Door<'a> {
    /// The zone's primary.
    Primary(Box<Primary<'a>>),
    /// The registry.
    Registry(Box<Registry<'a>>),
}

impl<'a> Door<'a> {
    /// The primary at this address.
    pub fn primary(setup: &'a Setup, zone: &'a Name, at: SocketAddr) -> Result<Self, Failure> {
        Ok(Self::Primary(Box::new(Primary {
            zone,
            at: setup.base.options.route(at),
            tsig: setup.tsig.as_ref(),
            stream: unforeseen()?,
        })))
    }

    /// Serial of the zone that the primary has, if it tells it.
    pub fn serial(&mut self) -> Option<u32> {
        match self {
            Self::Primary(primary) => primary.serial().ok(),
            Self::Registry(_) => None,
        }
    }

    /// What is there of a change; with what differs from what was seen.
    pub fn has(&mut self, change: &Change) -> Result<(Has, Vec<String>), String> {
        match self {
            Self::Primary(primary) => primary.has(change),
            Self::Registry(registry) => registry.has(change),
        }
    }

    /// Sends a change, which `finding` speaks for.
    pub fn send(&mut self, change: &Change, finding: &Finding) -> Sent {
        match self {
            Self::Primary(primary) => match primary.update(change) {
                Some(Applied::Done) => Sent::Done,
                Some(Applied::ParentChanged) => Sent::NotAsSeen(Applied::ParentChanged.to_string()),
                Some(refused @ Applied::Refused(_)) => Sent::Refused(refused.to_string()),
                None => Sent::Unknown(
                    "the primary did not answer; whether the change is made is not known".into(),
                ),
            },
            Self::Registry(registry) => registry.send(change, finding),
        }
    }

    /// Takes leave.
    pub fn close(self) {
        if let Self::Registry(registry) = self {
            registry.close();
        }
    }
}
