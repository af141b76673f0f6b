//! The safety net: before a change is written, the cache calculus judges every way it can unfold.
//!
//! Owns which profiles are asked. The observation log becomes an oracle's history in `history`. Knows no tables: a change
//! after which some possible cache could not validate is refused, whatever the table says.

mod history;

use counterpoint_dns::{
    oracle::{DigestChoice, NsView, Profile, Quantifier, Violation, history::History, judge_by},
    time::Timestamp,
};

use crate::{
    case::Case,
    place::Owner,
    process::{Kind, Turn},
    updater::Change,
};

use history::Builder;

/// Refuses `changes` with a witness if some possible cache could not validate after them.
pub(crate) fn judge_changes(
    case: &Case<'_>,
    changes: &[Change],
    now: Timestamp,
) -> Result<(), String> {
    let history = Builder::new(case, now).history(changes);
    verdict(&history, now)?;
    if case.process.kind != Kind::RollAlgorithm {
        return Ok(());
    }
    // RFC 4035 §2.2: what a roll of algorithms takes care of, where nothing else does. A signer that
    // brings its keys in versions of its own has lost that already: no change is to blame for it.
    let any_cache = [Quantifier::AnyCache];
    for strict in [Profile::strict_ds(), Profile::strict_dnskey()] {
        let (from, until) = (Timestamp::MIN, Timestamp::MAX);
        let judgement = judge_by(&any_cache, &history, &strict, from, until);
        let begins = |violation: &&Violation| violation.during.iter().any(|span| now <= span.from);
        if let Some(violation) = judgement.violations.iter().find(begins) {
            return Err(violation.prose(&history, now));
        }
    }
    Ok(())
}

/// The first violation that begins from `now` on, told.
fn verdict(history: &History, now: Timestamp) -> Result<(), String> {
    let strongest = Profile {
        name: "strongest digest only".into(),
        digest_choice: DigestChoice::StrongestOnly,
        ..Profile::liberal()
    };
    let any_cache = [Quantifier::AnyCache];
    // Who believes the strongest digest alone and follows NS of both sides fails whenever the others
    // do: where nothing ever fails for it from now on, nothing does for anybody.
    let harshest = judge_by(
        &any_cache,
        history,
        &strongest,
        Timestamp::MIN,
        Timestamp::MAX,
    );
    let fails = |violation: &Violation| violation.during.iter().any(|span| now < span.until);
    if !harshest.violations.iter().any(fails) {
        return Ok(());
    }
    let profiles = [
        Profile::liberal(),
        Profile::liberal().viewed(NsView::ParentCentric),
        strongest,
    ];
    for profile in &profiles {
        let judgement = judge_by(&any_cache, history, profile, now, Timestamp::MAX);
        if let Some(violation) = judgement.violations.first() {
            return Err(violation.prose(history, now));
        }
    }
    Ok(())
}

/// Refuses to let signers do this, if some possible cache could then not validate.
pub(crate) fn judge_turn(case: &Case<'_>, turn: Turn, now: Timestamp) -> Result<(), String> {
    let mut builder = Builder::new(case, now);
    builder.turn(turn);
    verdict(&builder.history(&[]), now)
}

/// Refuses to let who leaves stop, if some possible cache would then have no server left.
pub(crate) fn judge_release(case: &Case<'_>, now: Timestamp) -> Result<(), String> {
    let mut builder = Builder::new(case, now);
    if let Some(leaver) = &case.process.subject {
        builder.stop(&Owner::Signer(leaver.clone()));
    }
    verdict(&builder.history(&[]), now)
}
