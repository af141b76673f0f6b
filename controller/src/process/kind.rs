//! Which table a process follows.

use serde::{Deserialize, Serialize};

use super::{
    Goal, Row, What, Who, cancel_join, cancel_leave, common_ksk, go_insecure, join, leave,
    roll_algorithm, roll_csk, roll_ksk, roll_zsk, shared_keys,
};
use crate::{
    config::{Config, KskRoll, Model},
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

    /// Its table, as published; none: it does not exist in this model.
    pub(crate) const fn rows(self, model: Model, ksk_roll: KskRoll) -> &'static [Row] {
        use {KskRoll::Double, KskRoll::Swap, Model::Common, Model::Own, Model::Shared};
        match (self, model, ksk_roll) {
            (Self::Join, Own, _) => join::TABLE,
            (Self::Leave, Own, _) => leave::TABLE,
            (Self::CancelJoin, Own, _) => cancel_join::TABLE,
            (Self::CancelLeave, Own, _) => cancel_leave::TABLE,
            (Self::RollZsk, Own, _) => roll_zsk::TABLE,
            (Self::RollKsk, Own, Swap) => roll_ksk::SWAP,
            (Self::RollKsk, Own, Double) => roll_ksk::DOUBLE,
            (Self::RollCsk, Own, _) => roll_csk::TABLE,
            (Self::RollAlgorithm, Own, _) => roll_algorithm::TABLE,
            (Self::Join | Self::CancelLeave, Shared, _) => shared_keys::JOIN,
            (Self::Leave, Shared, _) => shared_keys::LEAVE,
            (Self::CancelJoin, Shared, _) => shared_keys::CANCEL_JOIN,
            (_, Shared, _) => &[],
            (Self::GoInsecure, _, _) => go_insecure::TABLE,
            (Self::Join | Self::CancelLeave, Common, _) => common_ksk::JOIN,
            (Self::Leave, Common, _) => common_ksk::LEAVE,
            (Self::CancelJoin, Common, _) => common_ksk::CANCEL_JOIN,
            (Self::RollZsk, Common, _) => common_ksk::ROLL_ZSK,
            (Self::RollKsk, Common, Swap) => common_ksk::ROLL_KSK_SWAP,
            (Self::RollKsk, Common, Double) => common_ksk::ROLL_KSK_DOUBLE,
            (Self::RollCsk | Self::RollAlgorithm, Common, _) | (Self::Rest, _, _) => &[],
        }
    }

    /// Its table, as sabotage leaves it.
    pub(crate) fn table(self, model: Model, config: &Config) -> Vec<Row> {
        let mut rows = self.rows(model, config.ksk_roll).to_vec();
        if config.has(Sabotage::DraftAlgorithmRoll)
            && (self, model) == (Self::RollAlgorithm, Model::Own)
        {
            rows = roll_algorithm::DRAFT.to_vec();
        }
        let in_one_version = |row: &Row| matches!(row.goal, Goal::Publish(What::NewAlgorithm, _));
        if config.has(Sabotage::AlgorithmInTwoVersions)
            && let Some(at) = rows.iter().position(in_one_version)
        {
            let goal = Goal::Publish(What::NewAlgorithmOfOthers, Who::After);
            rows.insert(at, Row { goal, ..rows[at] });
        }
        let mut advance = |defect, of, step, before| {
            if config.has(defect) && (self, model) == of {
                let moved: Vec<Row> = rows.extract_if(.., |row| row.step == step).collect();
                let at = rows.iter().position(|row| row.step == before);
                let at = at.unwrap_or(rows.len());
                let no_wait = moved
                    .into_iter()
                    .filter(|row| !matches!(row.goal, Goal::Wait(_)));
                rows.splice(at..at, no_wait);
            }
        };
        advance(Sabotage::NsBeforeDs, (Self::Join, Model::Own), 6, 3);
        advance(
            Sabotage::DropForeignZskEarly,
            (Self::Leave, Model::Own),
            8,
            4,
        );
        advance(
            Sabotage::DropForeignZskEarly,
            (Self::Leave, Model::Common),
            6,
            4,
        );
        advance(
            Sabotage::DropForeignZskWithDs,
            (Self::Leave, Model::Own),
            8,
            7,
        );
        advance(Sabotage::DropDsEarly, (Self::Leave, Model::Own), 7, 4);
        rows
    }
}
