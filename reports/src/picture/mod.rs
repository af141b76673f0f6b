//! What there is to be seen of a run: lanes of rows of pieces, independent of how they are drawn.
//!
//! A lane is one RRset at servers that say the same; a row is one thing that it contains: a key, a
//! nameserver's owner. A piece says how that thing stands, in the sense of RFC 7583: coming, everywhere,
//! going. Pieces lie within the run.

mod fold;
mod paint;

use self::paint::Painter;
use crate::{
    at::At,
    run::{Fetch, Run, Span, Zone},
};

/// How something stands for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Served, but no cache is led there.
    Unreached,
    /// Served; some cache may hold the RRset without it.
    Coming,
    /// Served, and in the RRset that any cache may hold.
    Everywhere,
    /// Not served any more; some cache may hold the RRset with it.
    Going,
    /// Served with a signature that has expired.
    Expired,
}

impl State {
    /// All, in the order in which they mostly come.
    pub const ALL: [Self; 5] = [
        Self::Unreached,
        Self::Coming,
        Self::Everywhere,
        Self::Going,
        Self::Expired,
    ];

    /// In one word, as classes of a style sheet are called.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unreached => "unreached",
            Self::Coming => "coming",
            Self::Everywhere => "everywhere",
            Self::Going => "going",
            Self::Expired => "expired",
        }
    }

    /// For people.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Unreached => "served, but no cache is led there",
            Self::Coming => "served; a cache may still hold the RRset without it",
            Self::Everywhere => "served, and in every cache",
            Self::Going => "gone; a cache may still hold it",
            Self::Expired => "served with an expired signature",
        }
    }
}

/// A stretch of one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// First instant.
    pub from: At,
    /// First instant after.
    pub until: At,
    /// What it is then.
    pub state: State,
}

/// One thing that an RRset contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is called, as `beta zsk-1`.
    pub label: String,
    /// What is told beside where there is room: the key tag.
    pub aside: String,
    /// Whose it is, by the number of the signer; none: nobody's.
    pub owner: Option<usize>,
    /// How it stands.
    pub pieces: Vec<Piece>,
    /// When a DS names it.
    pub ds: Vec<Piece>,
}

/// One RRset at servers that say the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Which, as `DNSKEY`; for `caches`, what they may hold.
    pub what: &'static str,
    /// At which instances; empty: in caches.
    pub instances: Vec<usize>,
    /// What it contains.
    pub rows: Vec<Row>,
}

/// Lanes that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Whose servers: `parent`, `alpha`; `caches`.
    pub title: String,
    /// Which of them.
    pub note: String,
    /// Its lanes.
    pub lanes: Vec<Lane>,
    /// When CDS, CDNSKEY or CSYNC changed at its first instance, and what to.
    pub signals: Vec<(At, String)>,
    /// When its first instance was out of order.
    pub outages: Vec<Piece>,
}

/// One zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel<'r> {
    /// The zone.
    pub zone: &'r Zone,
    /// Parent, signers, caches.
    pub groups: Vec<Group>,
}

/// Where in a panel something was fetched: group and lane.
pub type Place = (usize, usize);

/// The panels of a run, one a zone.
pub fn panels(run: &Run) -> Vec<Panel<'_>> {
    let panel = |zone| Panel {
        zone,
        groups: Painter { run, zone }.groups(),
    };
    run.zones.iter().map(panel).collect()
}

impl Panel<'_> {
    /// The lane that a fetch was from.
    pub fn place(&self, fetch: &Fetch) -> Option<Place> {
        let version = self.zone.versions.get(fetch.version?)?;
        let mut groups = self.groups.iter().enumerate();
        groups.find_map(|(number, group)| {
            let mut lanes = group.lanes.iter();
            let lane = lanes.position(|lane| {
                lane.what == version.what.name() && lane.instances.contains(&version.instance)
            })?;
            Some((number, lane))
        })
    }
}

/// A stretch as pieces of the run see it: cut to `[0, end)`.
pub fn clipped(span: Span, end: At) -> Option<(At, At)> {
    let from = span.from.unwrap_or(At::START).max(At::START);
    let until = span.until.unwrap_or(end).min(end);
    (from < until).then_some((from, until))
}
