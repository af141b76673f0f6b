//! DNSViz as Debian has it.

use std::{
    path::Path,
    process::{Command, Output},
};

/// Debian's packages of 2023 do not fit: `dnsviz grok` asks pygraphviz for a version that it does not
/// tell any more.
const DNSVIZ: &str = "
import runpy, sys, types, pygraphviz
try:
    from pygraphviz import release
except ImportError:
    release = types.ModuleType('pygraphviz.release')
    release.version = '1.7'
    pygraphviz.release = sys.modules['pygraphviz.release'] = release
sys.argv[0] = 'dnsviz'
runpy.run_path('/usr/bin/dnsviz', run_name='__main__')
";

/// Runs DNSViz with these arguments in a folder; it must be content.
pub fn dnsviz(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("/usr/bin/python3");
    let output = command
        .current_dir(folder)
        .args(["-c", DNSVIZ])
        .args(arguments)
        .output();
    let output = output.expect("/usr/bin/python3 runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    output
}
