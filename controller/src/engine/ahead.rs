//! What lies ahead of a zone: who takes part in it, and how it would go.

use std::collections::BTreeSet;

use counterpoint_dns::time::Timestamp;

use super::{Engine, Request};
use crate::{
    config::{Config, SignerName},
    forecast::{Forecast, Forecaster},
    process::Process,
    report::Outcome,
    survey::Sights,
};

impl Engine {
    /// Who takes part in the open processes.
    pub(crate) fn open_signers(&self) -> BTreeSet<SignerName> {
        let open = self.processes.iter();
        let open = open.filter(|process| !process.outcome.is_final());
        open.flat_map(Process::everybody).collect()
    }

    /// How the open processes would go, and after them what is asked for.
    pub(crate) fn forecast(
        &self,
        config: &Config,
        asked: &[Request],
        sights: &Sights,
        now: Timestamp,
    ) -> Vec<Forecast> {
        let open = self.processes.iter();
        let open = open.filter(|process| !process.outcome.is_final()).cloned();
        let new = asked.iter().map(|request| Process {
            dead: request.dead,
            algorithm: request.algorithm,
            ..Process::new(
                u32::MAX,
                config.model(&self.zone),
                request.kind,
                request.subject.clone(),
            )
        });
        let mut members = self.members(config);
        let mut log = self.log.clone();
        sights.add_to(&mut log, config);
        let mut forecaster = Forecaster {
            config,
            zone: &self.zone,
            log,
            keys: self.keys.clone(),
            places: sights.places.clone(),
            now,
            open: None,
        };
        let mut forecasts = Vec::new();
        for mut process in open.chain(new) {
            if process.outcome == Outcome::Queued {
                process.before = members;
            }
            let (log, places) = (&forecaster.log, &forecaster.places);
            forecaster.keys.learn(log, places, &process.everybody());
            members = process.after();
            let forecast = forecaster.play(process);
            let is_blocked = forecast.blocked.is_some();
            forecasts.push(forecast);
            if is_blocked {
                break;
            }
        }
        forecasts
    }
}
