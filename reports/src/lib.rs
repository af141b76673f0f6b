//! Reports of runs. [`Run`] is what a run left behind, as data; everything else is a pure function of it.
//!
//! Nothing here plays, judges or reads a clock: the same run gives the same octets. No report holds a path
//! or anything of the machine that it was made on.
//!
//! | module | what it makes |
//! |---|---|
//! | [`run`] | the data, as they stand in `run.json` |
//! | [`event`] | the event log as JSON lines |
//! | [`picture`] | lanes, rows and pieces: what there is to be seen |
//! | [`svg`] | the picture, drawn |
//! | [`html`] | the page: the picture, the DNS at any instant, the prose |
//! | [`explain`] | prose: how each violation comes about, and what would have been safe |
//! | [`diff`] | two runs side by side |
//! | [`lanes`] | the picture in letters, for a terminal |
//! | [`trace`] | a trace for Perfetto |
//! | [`mermaid`] | a Gantt chart for READMEs |
//! | [`junit`] | results for CI |

pub mod at;
mod axis;
pub mod diff;
pub mod event;
pub mod explain;
pub mod html;
pub mod junit;
pub mod lanes;
pub mod mermaid;
pub mod picture;
pub mod run;
pub mod svg;
pub mod trace;

pub use at::At;
pub use run::{Run, SCHEMA};
