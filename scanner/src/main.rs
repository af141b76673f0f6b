//! `counterpoint-scanner`: the operator's tool. See [`counterpoint_scanner::cli`].

use std::{
    env,
    io::{self, IsTerminal as _},
    process::ExitCode,
};

use counterpoint_scanner::cli::{self, Streams};

fn main() -> ExitCode {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let progress = err.is_terminal();
    let mut streams = Streams {
        out: &mut out,
        err: &mut err,
        progress,
    };
    ExitCode::from(cli::main(env::args_os(), &mut streams))
}
