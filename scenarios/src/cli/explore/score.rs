//! `counterpoint sabotage`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{load_directory, progress::Bar, refuse};
use crate::{
    cli::{EXIT_UNEXPECTED, Streams},
    explore::{
        sabotage::{Defect, Hunter, excuse, killed_by_drawn, killed_by_file, shrunk},
        story,
    },
    pool,
};

/// Plant every deliberate defect, one at a time, and see which scenario catches it.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Sabotage {
    /// The library of scenarios.
    #[arg(long, value_name = "DIR", default_value = "scenarios/library")]
    library: PathBuf,
    /// What generated scenarios are drawn from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Draw at most so many scenarios for each defect.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    runs: u64,
    /// Plant these defects only, with commas between.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = defect)]
    only: Vec<Defect>,
    /// Play so many at once [default: one for each core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Make the killing scenarios small and write them here.
    #[arg(long, value_name = "DIR")]
    shrink: Option<PathBuf>,
}

fn defect(text: &str) -> Result<Defect, String> {
    let all = Defect::all();
    let found = all.iter().copied().find(|defect| defect.name() == text);
    found.ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|defect| defect.name()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

impl Sabotage {
    /// Scores.
    pub(in crate::cli) fn main(&self, streams: &mut Streams<'_>, code: &mut u8) -> io::Result<()> {
        let threads = self.jobs.map_or_else(pool::cores, usize::from);
        let library = load_directory(&self.library, streams, code)?;
        if library.is_empty() {
            return Ok(());
        }
        let defects = if self.only.is_empty() {
            Defect::all()
        } else {
            self.only.clone()
        };
        let bar = Bar::new(Some(defects.len() as u64), streams.progress);
        writeln!(streams.out, "{:<28} {:<44} drawn", "defect", "library")?;
        let (mut killed, mut excused, mut survived) = (0, 0, Vec::new());
        let mut stale = Vec::new();
        for defect in defects.iter().copied() {
            let file = killed_by_file(defect, &library);
            let kill = killed_by_drawn(defect, self.seed, self.runs, threads);
            let by_file = file.map_or("survived", |path| file_name(path));
            let by_drawn = match &kill {
                Some(kill) => format!("run {}: {}", kill.run, kill.class),
                None => format!("survived {} runs", self.runs),
            };
            writeln!(
                streams.out,
                "{:<28} {by_file:<44} {by_drawn}",
                defect.name()
            )?;
            streams.out.flush()?;
            let hunters = [
                (Hunter::Library, file.is_some()),
                (Hunter::Drawn, kill.is_some()),
            ];
            let is_excused = |hunter| excuse(defect, hunter).is_some();
            if hunters.iter().all(|(_, found)| *found) {
                killed += 1;
            } else if hunters
                .iter()
                .all(|(who, found)| *found || is_excused(*who))
            {
                excused += 1;
            } else {
                survived.push(defect.name());
            }
            if hunters
                .iter()
                .any(|(who, found)| *found && is_excused(*who))
            {
                stale.push(defect.name());
            }
            if let (Some(directory), Some(kill)) = (&self.shrink, &kill)
                && let Some(small) = shrunk(defect, kill)
            {
                let origin = format!(
                    "counterpoint sabotage --only {} --seed {}",
                    defect.name(),
                    self.seed
                );
                let path = directory.join(format!("{}.toml", defect.name()));
                let written = fs::create_dir_all(directory)
                    .and_then(|()| fs::write(&path, story::to_file(&small, &origin)));
                if let Err(error) = written {
                    return refuse(streams, code, &format!("{}: {error}", path.display()));
                }
            }
            bar.step(defect.name());
        }
        bar.finish();
        writeln!(
            streams.out,
            "{} defects: {killed} killed, {} survived, {excused} excused",
            defects.len(),
            survived.len()
        )?;
        if !survived.is_empty() {
            *code = EXIT_UNEXPECTED;
            writeln!(
                streams.out,
                "not caught by both library and drawn scenarios: {}",
                survived.join(", ")
            )?;
        }
        if !stale.is_empty() {
            *code = EXIT_UNEXPECTED;
            writeln!(streams.out, "excused, but caught: {}", stale.join(", "))?;
        }
        Ok(())
    }
}

fn file_name(path: &str) -> &str {
    Path::new(path)
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or(path)
}
