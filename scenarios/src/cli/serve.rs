//! `counterpoint serve`: the world of a scenario on real addresses, as it is at some instant.

use std::{
    fs,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use counterpoint_dns::{driver::clock::Clock, time::Timestamp};
use counterpoint_simnet::{net::Net, topology::Stage};
use tokio::sync::mpsc;

use super::{EXIT_INTERNAL, Streams, load_one, refuse};
use crate::{
    scenario::time::{BadSpan, parse_span, print_span},
    serve::{Ended, Show, forms::Root, prediction::Prediction, table},
};

const EXAMPLES: &str = "\
Examples:
  counterpoint serve migration.toml --at 2h
      as the world is two hours after the start; ask it: dig @127.66.2.1 www.example.test. +dnssec
  counterpoint serve migration.toml --at 2h --then '2h 30m' --write /tmp/served
      the files of resolvers are in /tmp/served; Enter goes on to 2h 30m
  counterpoint serve migration.toml --at 2h --port 5300 --net 127.67.0.0/16
      without privileges, for dig: resolvers follow delegations to port 53 alone

Exit codes:
  2  bad input or usage, or an address that cannot be listened at
  3  an internal error";

/// Serve the world of a scenario on real addresses, as it is at an instant; at Enter go on to the next.
///
/// The run is redone so that the instant is now. Real resolvers that ask across a jump keep what they
/// have cached. Ends when it is interrupted.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Serve {
    /// The scenario.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// When: a time span from the start of the run.
    #[arg(long, value_name = "T", value_parser = instant)]
    at: Duration,
    /// The instants after that, in their order.
    #[arg(long, value_name = "T", value_parser = instant)]
    then: Vec<Duration>,
    /// The network in which each instance has an address: an IPv4 /16.
    #[arg(long, value_name = "NET", default_value_t = Net::default())]
    net: Net,
    /// The port on which they listen.
    #[arg(long, value_name = "PORT", default_value_t = 53, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Write the files of resolvers to this directory instead of printing them.
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
    /// Play with this seed instead of the file's own.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Override a value, as in `run`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
}

fn instant(text: &str) -> Result<Duration, String> {
    parse_span(text).map_err(|bad| match bad {
        BadSpan::Unreadable(why) => {
            format!("expected a time span as \"90s\", \"36h\" or \"2d 3h\" ({why})")
        }
        BadSpan::Negative => "expected a span of zero or more".into(),
        BadSpan::Calendar => "expected weeks, days, hours, minutes or seconds".into(),
        BadSpan::TooLong => "expected no more than a hundred years".into(),
    })
}

impl Serve {
    pub fn main(&self, streams: &mut Streams<'_>, code: &mut u8) -> io::Result<()> {
        let mut sets = self.sets.clone();
        sets.extend(self.seed.map(|seed| format!("seed={seed}")));
        let Some((path, scenario)) = load_one(&self.file, &sets, streams, code)? else {
            return Ok(());
        };
        let show = Show {
            scenario,
            net: self.net,
        };
        let prediction = match show.predict() {
            Ok(prediction) => prediction,
            Err(error) => {
                *code = EXIT_INTERNAL;
                return writeln!(streams.err, "counterpoint: {path}: internal error: {error}");
            }
        };
        let instants: Vec<Duration> = [self.at].iter().chain(&self.then).copied().collect();
        if let Some(why) = misplaced(&instants, prediction.length) {
            return refuse(streams, code, &format!("{path}: {why}"));
        }
        let heading = match self.heading(&show) {
            Ok(heading) => heading,
            Err((folder, error)) => {
                let why = format!(
                    "{}: {error}\n  help: name a directory that can be written to",
                    folder.display()
                );
                return refuse(streams, code, &why);
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut turns = lines(BufReader::new(io::stdin()));
        let tell = |number, stage: &Stage| {
            let heading = match number {
                0 => heading.clone(),
                _ => jump(&show, &instants, number),
            };
            let text = heading + &shown(&prediction, &instants, number, stage);
            streams.out.write_all(text.as_bytes())?;
            streams.out.flush()
        };
        let serving = show.serve(self.port, &instants, &mut turns, || Clock.now(), tell);
        match runtime.block_on(serving) {
            Ok(()) => Ok(()),
            Err(Ended::Mute(error)) => Err(error),
            Err(Ended::Unheard(why)) => refuse(streams, code, &why.to_string()),
        }
    }

    /// What does not change: how resolvers come here.
    fn heading(&self, show: &Show) -> Result<String, (PathBuf, io::Error)> {
        let mut text = format!("{}\n", show.scenario.title);
        if self.port != 53 {
            text += "  Resolvers find nobody here: they follow delegations to port 53 alone.\n";
        }
        let root = show.root();
        let Some(folder) = &self.write else {
            for form in root.forms(".") {
                text += &format!("\n# {} – for {}\n{}", form.file, form.reader, form.text);
            }
            return Ok(text);
        };
        let folder = written(folder, &root).map_err(|error| (folder.clone(), error))?;
        let path = |file: &str| folder.join(file).display().to_string();
        let [unbound, recursor, kresd] = root.resolvers();
        text += &format!(
            "  unbound -d -p -c {}   then: dig @{unbound} NAME
  pdns_recursor --config-dir={}   then: dig @{recursor} NAME
  kresd -n -c {} {}   then: dig @{kresd} NAME
  delv -a {} @{unbound} NAME\n",
            path("unbound.conf"),
            folder.display(),
            path("kresd.conf"),
            folder.display(),
            path("delv.anchors"),
        );
        Ok(text)
    }
}

/// Writes the files of resolvers to `folder`; where that is, from anywhere.
fn written(folder: &Path, root: &Root) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let folder = fs::canonicalize(folder)?;
    for form in root.forms(&folder.display().to_string()) {
        fs::write(folder.join(form.file), &form.text)?;
    }
    Ok(folder)
}

/// What a person is told when an instant is served.
fn shown(prediction: &Prediction, instants: &[Duration], number: usize, stage: &Stage) -> String {
    let instant = instants[number];
    let mut text = format!(
        "\n{}, which is now ({})\n",
        offset(instant),
        stage.world.now()
    );
    for line in prediction.lines(instant) {
        text += &format!("  oracle: {line}\n");
    }
    text += &table::instances(stage);
    text += &table::delegations(stage);
    text += &match instants.get(number + 1) {
        Some(next) => format!(
            "\nEnter goes on to {}; an interrupt ends it.\n",
            offset(*next)
        ),
        None => "\nAn interrupt ends it.\n".into(),
    };
    text
}

/// What is to be said of a jump: caches that go too far hold what the oracle knows nothing of.
fn jump(show: &Show, instants: &[Duration], number: usize) -> String {
    let by = instants[number] - instants[number - 1];
    let shortest = show.shortest_ttl();
    match by > shortest {
        false => String::new(),
        true => format!(
            "\nThat was a jump of {}, and caches have aged by none of it. Beyond the shortest TTL, {}, they hold\n\
             what no cache of the scenario can hold then: the oracle does not speak of them.\n",
            print_span(by),
            print_span(shortest)
        ),
    }
}

/// Which instant cannot be served, and why.
fn misplaced(instants: &[Duration], length: Duration) -> Option<String> {
    let late = instants.iter().find(|instant| **instant > length);
    if let Some(late) = late {
        let (late, end) = (print_span(*late), offset(length));
        return Some(format!(
            "{late} is beyond the end of the run, {end}\n  help: name an earlier instant, or set a longer `duration`"
        ));
    }
    let back = instants.windows(2).find(|two| two[1] <= two[0]);
    back.map(|two| {
        let (earlier, later) = (print_span(two[0]), print_span(two[1]));
        format!(
            "`--then {later}` does not come after {earlier}\n  help: name instants in their order"
        )
    })
}

fn offset(instant: Duration) -> String {
    let start = Timestamp::default();
    (start + instant).relative_to(start).to_string()
}

/// A message for each line of `input`. When that has ended there are no more, and nothing else happens.
fn lines(input: impl BufRead + Send + 'static) -> mpsc::Receiver<()> {
    let (sender, turns) = mpsc::channel(1);
    thread::spawn(move || {
        for _ in input.lines().map_while(Result::ok) {
            if sender.blocking_send(()).is_err() {
                return;
            }
        }
        // Without a sender it would be over; who has no standard input serves all the same.
        loop {
            thread::park();
        }
    });
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_turn_and_the_end_of_input_is_none() {
        let mut turns = lines(&b"\nnext\n"[..]);
        assert_eq!(turns.blocking_recv(), Some(()));
        assert_eq!(turns.blocking_recv(), Some(()));
        let end = turns.try_recv();
        assert_eq!(end, Err(mpsc::error::TryRecvError::Empty));
    }
}
