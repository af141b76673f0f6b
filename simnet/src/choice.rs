//! Answers that depend on who asks, or when (draft-huque-dnsop-multi-provider-dnssec §2.1): load balancing,
//! failover pools. All that can be given are signed beforehand, and one is chosen when somebody asks.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    rc::Rc,
};

use counterpoint_dns::{
    name::{Name, RecordType},
    rdata::Rdata,
    time::Timestamp,
};

use crate::published::Served;

/// What an answer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The address of who asks.
    Asker,
    /// The time: each for as long as its TTL, in turn.
    Time,
}

/// One name and type with several answers.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What the choice depends on.
    pub by: By,
    /// The answers, all of one name and type.
    pub answers: Vec<(Name, Option<u32>, RecordType, Rdata)>,
}

/// Who asks, and when.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    /// From where.
    pub address: IpAddr,
    /// When.
    pub now: Timestamp,
}

impl Asker {
    /// Nobody in particular.
    pub const NOBODY: Self = Self {
        address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        now: Timestamp::from_seconds(0),
    };
}

/// The answers that a version of a zone has beside its RRsets.
pub type Choices = BTreeMap<(Name, RecordType), (By, Vec<Rc<Served>>)>;

/// The answer for this asker.
pub(crate) fn choose(by: By, answers: &[Rc<Served>], asker: Asker) -> Option<&Rc<Served>> {
    let first = answers.first()?;
    let number = match (by, asker.address) {
        (By::Asker, IpAddr::V4(address)) => u64::from(u32::from(address)),
        (By::Asker, IpAddr::V6(address)) => u128::from(address) as u64,
        (By::Time, _) => asker.now.as_seconds() as u64 / u64::from(first.set.ttl.max(1)),
    };
    answers.get((number % answers.len() as u64) as usize)
}
