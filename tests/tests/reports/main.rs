//! What a run leaves behind: its folder, and every report that is made of it, as those read them for whom
//! they are: people, browsers, CI, validators of zones.

mod browser;
mod explained;
mod folder;
mod formats;
mod kit;
mod manual;
mod picture;
mod webdriver;
