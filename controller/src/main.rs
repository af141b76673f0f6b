//! `counterpoint-controller`: the operator's tool. See [`counterpoint_controller::cli`].

use std::{env, io, process::ExitCode};

use counterpoint_controller::cli::{self, Streams};

fn main() -> ExitCode {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let mut streams = Streams {
        out: &mut out,
        err: &mut err,
    };
    ExitCode::from(cli::main(env::args_os(), &mut streams))
}
