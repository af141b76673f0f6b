//! `counterpoint explore` and `counterpoint merge`.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use counterpoint_reports::junit;

use super::{
    progress::{Bar, Stopwatch},
    refuse, single,
};
use crate::{
    cli::{EXIT_INTERNAL, EXIT_UNEXPECTED, Streams, results::Results, shell},
    explore::{
        campaign::{Campaign, Row, Shard, Totals},
        feature::{self, Feature},
        folder::{self, Folder, Settings},
        generate::{Swarm, draw},
        shrink::{self, shrink},
        story,
        trial::Class,
    },
    pool,
    scenario::{Profile, time::parse_span},
};

const EXAMPLES: &str = "\
Examples:
  counterpoint explore --runs 1000
      a thousand drawn scenarios; stops at the first failure and shrinks it
  counterpoint explore --for 10m --keep-going --coverage
      as many as ten minutes allow; what was reached, and what never
  counterpoint explore --runs 100000 --shard 3/8 --out shard-3
      one of eight parts, as for a job array; `counterpoint merge` joins them
  counterpoint explore --only overlap,crash,dead --runs 500
      scenarios that contain nothing else out of the ordinary
  counterpoint explore --crash-everywhere scenarios/library/join.toml
      the controller and the scanner stopped after each of their outputs
  counterpoint explore --exhaustive scenarios/library/join.toml
      every choice of lags, scans, crashes and one fault on the grid of critical offsets";

/// Draw scenarios, look for failures, make them small.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct Explore {
    /// What everything is drawn from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Play so many runs [default: 100, or what `--for` allows].
    #[arg(long, value_name = "N")]
    runs: Option<u64>,
    /// The number of the first run.
    #[arg(long, value_name = "N", default_value_t = 0)]
    first: u64,
    /// Stop after this time, as "10m".
    #[arg(long = "for", value_name = "SPAN", value_parser = span)]
    lasting: Option<std::time::Duration>,
    /// Play so many at once [default: one for each core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Play one part of several, as "1/8".
    #[arg(long, value_name = "I/N", value_parser = shard)]
    shard: Option<Shard>,
    /// Who judges: liberal, strict-ds or strict-dnskey; may be given several times.
    #[arg(long, value_name = "PROFILE", value_parser = profile)]
    profile: Vec<Profile>,
    /// Draw nothing out of the ordinary but these features, with commas between.
    #[arg(long, value_name = "FEATURES", value_delimiter = ',', value_parser = one_feature)]
    only: Vec<Feature>,
    /// Go on after a failure.
    #[arg(long)]
    keep_going: bool,
    /// Print what was reached and what never.
    #[arg(long)]
    coverage: bool,
    /// The folder of the campaign; runs that stand in it are not played again [default: explore-SEED].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How to print results; all but `text` leave out what was reached.
    #[arg(long, value_enum, default_value_t = Results::Text, conflicts_with_all = ["crash_everywhere", "exhaustive"])]
    format: Results,
    /// Do not make failing scenarios small.
    #[arg(long)]
    no_shrink: bool,
    /// Play this file, stopped and restored after every output of controller and scanner.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["runs", "lasting", "shard", "only", "out", "exhaustive"])]
    crash_everywhere: Option<PathBuf>,
    /// Play this file with every choice of lags, scans, crashes and one fault.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["runs", "lasting", "shard", "only", "out"])]
    exhaustive: Option<PathBuf>,
}

fn span(text: &str) -> Result<std::time::Duration, String> {
    parse_span(text).map_err(|_| "expected a time span as \"10m\"".into())
}

fn shard(text: &str) -> Result<Shard, String> {
    let numbers = text
        .split_once('/')
        .map(|(i, n)| (i.parse::<u64>(), n.parse::<u64>()));
    match numbers {
        Some((Ok(index), Ok(count))) if (1..=count).contains(&index) => Ok(Shard {
            index: index - 1,
            count,
        }),
        _ => Err("expected I/N with I from 1 to N, as \"1/8\"".into()),
    }
}

fn profile(text: &str) -> Result<Profile, String> {
    match text {
        "liberal" => Ok(Profile::Liberal),
        "strict-ds" => Ok(Profile::StrictDs),
        "strict-dnskey" => Ok(Profile::StrictDnskey),
        _ => Err("expected liberal, strict-ds or strict-dnskey".into()),
    }
}

fn one_feature(text: &str) -> Result<Feature, String> {
    Feature::from_name(text).ok_or_else(|| {
        let all: Vec<&str> = Feature::ALL.iter().map(|feature| feature.name()).collect();
        format!("expected one of {}", all.join(", "))
    })
}

/// Runs, if neither a number nor a time is given.
const RUNS_DEFAULT: u64 = 100;

impl Explore {
    /// Explores.
    pub(in crate::cli) fn main(&self, streams: &mut Streams<'_>, code: &mut u8) -> io::Result<()> {
        let threads = self.jobs.map_or_else(pool::cores, usize::from);
        if let Some(path) = &self.crash_everywhere {
            return single::crash_everywhere(path, threads, streams, code);
        }
        if let Some(path) = &self.exhaustive {
            return single::exhaustive(path, threads, streams, code);
        }
        if self.format == Results::Text {
            return self.play(threads, streams, code).map(|_| ());
        }
        let mut told = Vec::new();
        let mut quiet = Streams {
            out: &mut told,
            err: &mut *streams.err,
            ..*streams
        };
        let rows = self.play(threads, &mut quiet, code)?;
        let cases: Vec<junit::Case> = rows.iter().map(|(row, told)| case(row, told)).collect();
        let text = match self.format {
            Results::Junit => junit::junit("counterpoint explore", &cases),
            Results::Github => junit::github(&cases),
            Results::Text | Results::Json => rows
                .iter()
                .map(|(row, _)| serde_json::to_string(row).unwrap_or_default() + "\n")
                .collect(),
        };
        streams.out.write_all(text.as_bytes())
    }

    /// Plays; returns every run of the folder, with what is told of those that failed now.
    fn play(
        &self,
        threads: usize,
        streams: &mut Streams<'_>,
        code: &mut u8,
    ) -> io::Result<Vec<(Row, String)>> {
        let campaign = self.campaign(threads);
        let path = self
            .out
            .clone()
            .unwrap_or_else(|| PathBuf::from(format!("explore-{}", self.seed)));
        let (mut folder, known) = match Folder::open(&path, &self.settings()) {
            Ok(opened) => opened,
            Err(unusable) => {
                refuse(streams, code, &unusable.to_string())?;
                return Ok(Vec::new());
            }
        };
        let mut totals = Totals::default();
        known.iter().for_each(|row| totals.add(row));
        if !known.is_empty() {
            writeln!(
                streams.out,
                "{}: {} runs are there already",
                path.display(),
                known.len()
            )?;
        }
        let is_known: BTreeSet<u64> = known.iter().map(|row| row.run).collect();
        let count = match (self.runs, self.lasting) {
            (None, None) => Some(RUNS_DEFAULT),
            (runs, _) => runs,
        };
        let shard = self.shard.unwrap_or(Shard::WHOLE);
        let last = self
            .first
            .saturating_add(count.unwrap_or(u64::MAX - self.first));
        let runs = (self.first..last).filter(|run| shard.has(*run) && !is_known.contains(run));
        let to_play = count.map(|_| runs.clone().count() as u64);
        let watch = Stopwatch::start();
        let bar = Bar::new(to_play, streams.progress);
        let (mut played, mut failed) = (0_u64, Vec::new());
        let mut broken = None;
        let mut rows: Vec<(Row, String)> =
            known.into_iter().map(|row| (row, String::new())).collect();
        campaign.play(runs, |row, trial| {
            totals.add(&row);
            rows.push((row.clone(), String::new()));
            played += 1;
            let (reached, goals) = totals.coverage.share();
            bar.step(format_args!(
                "{} failed, {reached}/{goals} goals",
                totals.failed()
            ));
            if let Err(unusable) = folder.write(&row) {
                broken = Some(unusable.to_string());
                return false;
            }
            if let (Some(class), Some(failure)) = (row.failure.clone(), trial.failures.first()) {
                let story = failure.story.clone();
                let told = bar.aside(|| self.tell(&campaign, &folder, &row, &story, streams));
                if let Err(error) = told {
                    broken = Some(error.to_string());
                    return false;
                }
                failed.push((row, class, story));
            }
            let in_time = self.lasting.is_none_or(|lasting| watch.elapsed() < lasting);
            in_time && (failed.is_empty() || self.keep_going)
        });
        bar.finish();
        if let Some(why) = broken {
            refuse(streams, code, &why)?;
            return Ok(rows);
        }
        let rate = watch.rate(played);
        let mut shrunk = BTreeSet::new();
        for (row, class, story) in &failed {
            *code = (*code).max(if class.is_internal() {
                EXIT_INTERNAL
            } else {
                EXIT_UNEXPECTED
            });
            let is_new = shrunk.insert(class.clone());
            if let Some((_, told)) = rows.iter_mut().find(|(other, _)| other.run == row.run) {
                *told = format!("{class}\n{story}\n{}\n", self.again(row.run));
            }
            if is_new && !self.no_shrink {
                self.shrink(&campaign, &folder, row, class, streams)?;
            }
        }
        if totals.failed() > failed.len() {
            *code = (*code).max(EXIT_UNEXPECTED);
        }
        if self.coverage {
            streams.out.write_all(totals.coverage.table().as_bytes())?;
        }
        summary(&totals, streams)?;
        writeln!(
            streams.out,
            "{played} runs played now, {rate:.1} a second on {threads} threads, {:.1} a second and thread",
            rate / threads as f64
        )?;
        rows.sort_by_key(|(row, _)| row.run);
        Ok(rows)
    }

    fn campaign(&self, threads: usize) -> Campaign {
        let allowed = match self.only.is_empty() {
            true => feature::usual(),
            false => self.only.iter().copied().collect(),
        };
        let profiles = Some(self.profile.clone()).filter(|profiles| !profiles.is_empty());
        Campaign {
            seed: self.seed,
            swarm: Swarm { allowed, profiles },
            threads,
        }
    }

    fn settings(&self) -> Settings {
        let swarm = self.campaign(1).swarm;
        Settings {
            seed: self.seed,
            features: swarm
                .allowed
                .iter()
                .map(|feature| feature.name().into())
                .collect(),
            profiles: swarm.profiles.iter().flatten().map(Profile::name).collect(),
        }
    }

    /// Tells one failure as soon as it is found: what, how to see it again, and where its file is.
    fn tell(
        &self,
        campaign: &Campaign,
        folder: &Folder,
        row: &Row,
        story: &str,
        streams: &mut Streams<'_>,
    ) -> io::Result<()> {
        let Some(class) = &row.failure else {
            return Ok(());
        };
        let scenario = draw(row.seed, &campaign.swarm).scenario;
        let path = kept(folder.keep(row.run, "toml", &scenario.to_toml()))?;
        writeln!(streams.out, "run {} fails: {class}", row.run)?;
        writeln!(streams.out, "  {story}")?;
        writeln!(streams.out, "  again:  {}", self.again(row.run))?;
        writeln!(streams.out, "  drawn:  {}", path.display())?;
        streams.out.flush()
    }

    /// Makes a failure small, the first of its class.
    fn shrink(
        &self,
        campaign: &Campaign,
        folder: &Folder,
        row: &Row,
        class: &Class,
        streams: &mut Streams<'_>,
    ) -> io::Result<()> {
        let scenario = draw(row.seed, &campaign.swarm).scenario;
        if let Some(small) = shrink(&scenario, class, shrink::TRIES_MAX) {
            let text = story::to_file(&small, &self.again(row.run));
            let path = kept(folder.keep(row.run, "shrunk.toml", &text))?;
            writeln!(
                streams.out,
                "  shrunk: {} ({} runs)",
                path.display(),
                small.tries
            )?;
        }
        streams.out.flush()
    }

    /// The command that plays one run again.
    fn again(&self, run: u64) -> String {
        let mut command = format!(
            "counterpoint explore --seed {} --first {run} --runs 1",
            self.seed
        );
        for profile in &self.profile {
            command.push_str(&format!(" --profile {}", shell(&profile.name())));
        }
        if !self.only.is_empty() {
            let names: Vec<&str> = self.only.iter().map(|feature| feature.name()).collect();
            command.push_str(&format!(" --only {}", names.join(",")));
        }
        command + " --out again"
    }
}

/// A run as CI is told.
fn case(row: &Row, told: &str) -> junit::Case {
    junit::Case {
        name: format!("run {}", row.run),
        file: None,
        result: match &row.failure {
            None => junit::Result::Expected,
            Some(class) if class.is_internal() => {
                junit::Result::Failed(class.to_string(), told.into())
            }
            Some(class) => junit::Result::Unexpected(class.to_string(), told.into()),
        },
    }
}

fn kept(path: Result<PathBuf, folder::Unusable>) -> io::Result<PathBuf> {
    path.map_err(io::Error::other)
}

fn summary(totals: &Totals, streams: &mut Streams<'_>) -> io::Result<()> {
    let [done, faults, exchanges] = totals.medians();
    let (reached, goals) = totals.coverage.share();
    let out = &mut streams.out;
    writeln!(
        out,
        "{} runs: {} failed; a process ended in {} %; {reached} of {goals} goals reached",
        totals.runs,
        totals.failed(),
        totals.ended_percent()
    )?;
    writeln!(
        out,
        "medians a run: {done} joins and leaves completed, {faults} faults, {exchanges} exchanges"
    )?;
    for (class, runs) in &totals.failures {
        let first: Vec<String> = runs.iter().take(5).map(u64::to_string).collect();
        writeln!(
            out,
            "  {:>6} times {class}, first in runs {}",
            runs.len(),
            first.join(", ")
        )?;
    }
    Ok(())
}

/// Join the folders of the parts of a campaign.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Merge {
    /// Folders that `explore --shard` wrote.
    #[arg(required = true, value_name = "DIR")]
    shards: Vec<PathBuf>,
    /// The folder that holds all of it afterwards.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// Print what was reached and what never.
    #[arg(long)]
    coverage: bool,
}

impl Merge {
    /// Merges.
    pub(in crate::cli) fn main(&self, streams: &mut Streams<'_>, code: &mut u8) -> io::Result<()> {
        let rows = match folder::merge(&self.shards, Path::new(&self.out)) {
            Ok(rows) => rows,
            Err(unusable) => return refuse(streams, code, &unusable.to_string()),
        };
        let mut totals = Totals::default();
        rows.iter().for_each(|row| totals.add(row));
        if self.coverage {
            streams.out.write_all(totals.coverage.table().as_bytes())?;
        }
        if totals.failed() > 0 {
            *code = EXIT_UNEXPECTED;
        }
        summary(&totals, streams)
    }
}
