//! `counterpoint`: plays scenarios. See [`counterpoint_scenarios::cli`].

use std::{
    env,
    io::{self, IsTerminal as _},
    process::ExitCode,
};

use counterpoint_scenarios::cli::{self, Streams};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let colours = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let progress = err.is_terminal();
    let shown = console::Term::stdout();
    let columns = shown.is_term().then(|| shown.size().1.into());
    let mut streams = Streams {
        out_styled: colours && out.is_terminal(),
        err_styled: colours && progress,
        out: &mut out,
        err: &mut err,
        progress,
        columns,
    };
    ExitCode::from(cli::main(env::args_os(), &mut streams))
}
