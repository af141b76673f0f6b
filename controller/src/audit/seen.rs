//! What one round of looks showed.

use counterpoint_dns::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    config::SignerName,
    log::{Track, Unknown, Version},
    place::{Item, Place},
    store,
};

/// What one look showed that is news.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Seen {
    /// When.
    #[serde(with = "store::instant")]
    pub at: Timestamp,
    /// Where.
    pub place: Place,
    /// What was asked for.
    pub item: Item,
    /// What is served there, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Why it is not known what is served there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// It answers, but without authority: REFUSED, SERVFAIL, a referral.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lame: bool,
}

/// What a round of looks showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Observed {
    /// When the round began: no look was earlier.
    #[serde(with = "store::instant")]
    pub since: Timestamp,
    /// What is news.
    pub news: Vec<Seen>,
    /// What was seen to be as before: the names of tracks.
    pub same: Vec<String>,
    /// Who leaves, and was said to be dead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead: Option<SignerName>,
}

impl Observed {
    /// Adds a look at `at` that left `track` as it is now.
    pub(crate) fn add(
        &mut self,
        at: Timestamp,
        place: &Place,
        item: &Item,
        track: &Track,
        is_news: bool,
    ) {
        let unknown = track.unknown.as_ref();
        match (is_news, unknown) {
            (false, Some(_)) => {}
            (false, None) => self.same.push(track_name(place, item)),
            (true, _) => self.news.push(Seen {
                at,
                place: place.clone(),
                item: item.clone(),
                version: track.current().filter(|_| unknown.is_none()).cloned(),
                unknown: unknown.map(ToString::to_string),
                lame: matches!(unknown, Some(Unknown::NotAuthoritative(_))),
            }),
        }
    }
}

/// What a track is called in an audit log: `alpha/ns1.alpha.test./192.0.2.1 DNSKEY`.
pub(crate) fn track_name(place: &Place, item: &Item) -> String {
    format!("{place} {item}")
}
