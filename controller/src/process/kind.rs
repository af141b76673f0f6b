//! Which table a process follows.

use serde::{Deserialize, Serialize};

use super::{
    Goal, Row, What, Who, cancel_join, cancel_leave, go_insecure, join, leave, roll_algorithm,
    roll_csk, roll_ksk, roll_zsk,
};
use crate::{
    config::{Config, KskRoll},
    sabotage::Sabotage,
};

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// The subject begins to serve.
    Join,
    /// The subject stops serving.
    Leave,
    /// A join that no cache has noticed yet is run back.
    CancelJoin,
    /// A leave is run back: the subject serves as before.
    CancelLeave,
    /// The subject gets another ZSK.
    RollZsk,
    /// The subject gets another KSK.
    RollKsk,
    /// The subject gets another CSK.
    RollCsk,
    /// Everybody gets keys of another algorithm.
    RollAlgorithm,
    /// The zone loses its DS, then its signatures.
    GoInsecure,
    /// Nothing: the group is at rest.
    Rest,
}

impl Kind {
    /// Every process that somebody may ask for or start, in the order of the manual.
    pub(crate) const ALL: [Self; 9] = [
        Self::Join,
        Self::Leave,
        Self::CancelJoin,
        Self::CancelLeave,
        Self::RollZsk,
        Self::RollKsk,
        Self::RollCsk,
        Self::RollAlgorithm,
        Self::GoInsecure,
    ];

    /// Its name, everywhere.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Leave => "leave",
            Self::CancelJoin => "cancel-join",
            Self::CancelLeave => "cancel-leave",
            Self::RollZsk => "roll-zsk",
            Self::RollKsk => "roll-ksk",
            Self::RollCsk => "roll-csk",
            Self::RollAlgorithm => "roll-algorithm",
            Self::GoInsecure => "go-insecure",
            Self::Rest => "rest",
        }
    }

    /// What a step of it comes to, for people.
    pub(crate) fn title(self, config: &Config, step: u8) -> &'static str {
        let rows = self.rows(config.ksk_roll);
        let last = rows.iter().rev().find(|row| row.step == step);
        last.map_or("", |row| row.title)
    }

    /// Its table, as published.
    pub(crate) const fn rows(self, ksk_roll: KskRoll) -> &'static [Row] {
        match (self, ksk_roll) {
            (Self::Join, _) => join::TABLE,
            (Self::Leave, _) => leave::TABLE,
            (Self::CancelJoin, _) => cancel_join::TABLE,
            (Self::CancelLeave, _) => cancel_leave::TABLE,
            (Self::RollZsk, _) => roll_zsk::TABLE,
            (Self::RollKsk, KskRoll::Swap) => roll_ksk::SWAP,
            (Self::RollKsk, KskRoll::Double) => roll_ksk::DOUBLE,
            (Self::RollCsk, _) => roll_csk::TABLE,
            (Self::RollAlgorithm, _) => roll_algorithm::TABLE,
            (Self::GoInsecure, _) => go_insecure::TABLE,
            (Self::Rest, _) => &[],
        }
    }

    /// Its table, as sabotage leaves it.
    pub(crate) fn table(self, config: &Config) -> Vec<Row> {
        let mut rows = self.rows(config.ksk_roll).to_vec();
        let in_one_version = |row: &Row| matches!(row.goal, Goal::Publish(What::NewAlgorithm, _));
        if config.has(Sabotage::AlgorithmInTwoVersions)
            && let Some(at) = rows.iter().position(in_one_version)
        {
            let goal = Goal::Publish(What::NewAlgorithmOfOthers, Who::After);
            rows.insert(at, Row { goal, ..rows[at] });
        }
        let mut advance = |defect, kind, step, before| {
            if config.has(defect) && self == kind {
                let moved: Vec<Row> = rows.extract_if(.., |row| row.step == step).collect();
                let at = rows.iter().position(|row| row.step == before);
                let at = at.unwrap_or(rows.len());
                let no_wait = moved
                    .into_iter()
                    .filter(|row| !matches!(row.goal, Goal::Wait(_)));
                rows.splice(at..at, no_wait);
            }
        };
        advance(Sabotage::NsBeforeDs, Self::Join, 6, 3);
        advance(Sabotage::DropForeignZskEarly, Self::Leave, 8, 4);
        advance(Sabotage::DropDsEarly, Self::Leave, 7, 4);
        rows
    }
}
