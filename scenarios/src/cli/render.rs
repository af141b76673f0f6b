//! `counterpoint render` and `counterpoint diff`: other reports of runs that were played before.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use counterpoint_dns::name::{Name, parse_name};
use counterpoint_reports::{diff, html, mermaid, svg, trace};

use super::{EXIT_UNEXPECTED, Streams, folder, load_one, refuse};
use crate::{probe, scenario::time::parse_span, zone_file};

const EXAMPLES: &str = "\
Examples:
  counterpoint run join.toml --out runs/join
  counterpoint render runs/join --svg -o join.svg
  counterpoint render runs/join --trace -o join.json
      for ui.perfetto.dev
  counterpoint render runs/join --zone beta/ns1 --at '2h 10m'
      the zone as that server had it then, with its signatures
  counterpoint render runs/join --dnsviz --at '2h 10m' -o probe.json
      for dnsviz grok -r probe.json, dnsviz graph -r probe.json";

/// Make a picture, a page, a trace or a chart of a run, or a zone as a server had it.
///
/// All but --zone and --dnsviz are made of the run's data; for these two the run is played again up to that
/// instant.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Render {
    /// The folder of a run; all but --zone and --dnsviz do with its run.json.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    #[command(flatten)]
    form: Form,
    /// Of which zone, if the server has several.
    #[arg(long, value_name = "NAME", requires = "zone", value_parser = name)]
    of: Option<Name>,
    /// When, counted from the start [default: the end].
    #[arg(long, value_name = "SPAN", conflicts_with_all = ["svg", "html", "trace", "mermaid"], value_parser = span)]
    at: Option<Duration>,
    /// Where it goes [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Form {
    /// The time line as a picture.
    #[arg(long)]
    svg: bool,
    /// The page: the time line, the DNS at any instant, prose.
    #[arg(long)]
    html: bool,
    /// A trace for Perfetto or chrome://tracing.
    #[arg(long)]
    trace: bool,
    /// A Gantt chart for Mermaid, as in a README.
    #[arg(long)]
    mermaid: bool,
    /// What `dnsviz probe` would have found: for `dnsviz grok` and `dnsviz graph`.
    #[arg(long)]
    dnsviz: bool,
    /// The zone file of this server, as `alpha/ns1` or `parent/2`.
    #[arg(long, value_name = "SERVER")]
    zone: Option<String>,
}

fn span(text: &str) -> Result<Duration, String> {
    parse_span(text).map_err(|_| "expected a time span as \"2h 10m\"".into())
}

fn name(text: &str) -> Result<Name, String> {
    parse_name(text).map_err(|error| error.to_string())
}

impl Render {
    pub fn main(&self, streams: &mut Streams<'_>, code: &mut u8) -> io::Result<()> {
        let is_replayed = self.form.zone.is_some() || self.form.dnsviz;
        let text = match is_replayed {
            true => match self.replayed(streams, code)? {
                Some(text) => text,
                None => return Ok(()),
            },
            false => match folder::read(&self.run) {
                Ok(run) if self.form.svg => svg::svg(&run),
                Ok(run) if self.form.html => html::html(&run),
                Ok(run) if self.form.trace => trace::trace(&run),
                Ok(run) => mermaid::mermaid(&run),
                Err(why) => return refuse(streams, code, &why),
            },
        };
        match &self.out {
            None => streams.out.write_all(text.as_bytes()),
            Some(out) => match fs::write(out, text) {
                Ok(()) => Ok(()),
                Err(error) => refuse(streams, code, &format!("{}: {error}", out.display())),
            },
        }
    }

    /// What takes the servers themselves.
    fn replayed(&self, streams: &mut Streams<'_>, code: &mut u8) -> io::Result<Option<String>> {
        let file = self.run.join(folder::SCENARIO);
        let Some((_, scenario)) = load_one(Path::new(&file), &[], streams, code)? else {
            return Ok(None);
        };
        let Some(server) = &self.form.zone else {
            return Ok(Some(probe::at(&scenario, self.at)));
        };
        match zone_file::at(&scenario, self.at, server, self.of.as_ref()) {
            Ok(text) => Ok(Some(text)),
            Err(why) => refuse(streams, code, &why).map(|()| None),
        }
    }
}

/// Compare two runs: what happened earlier, later, not at all.
///
/// Exit code 0: everything happened in both at the same time; 1: something did not.
#[derive(Debug, clap::Args)]
pub struct Diff {
    /// The folder of a run, or its run.json.
    #[arg(value_name = "RUN")]
    first: PathBuf,
    /// Another.
    #[arg(value_name = "RUN")]
    second: PathBuf,
}

impl Diff {
    pub fn main(&self, streams: &mut Streams<'_>, code: &mut u8) -> io::Result<()> {
        let (first, second) = match (folder::read(&self.first), folder::read(&self.second)) {
            (Ok(first), Ok(second)) => (first, second),
            (Err(why), _) | (_, Err(why)) => return refuse(streams, code, &why),
        };
        if !diff::Diff::of(&first, &second).is_empty() {
            *code = EXIT_UNEXPECTED;
        }
        streams
            .out
            .write_all(diff::diff(&first, &second).as_bytes())
    }
}
