//! Vector files: found, read, and every mistake told with its place.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::layer::{File, Layer, Over as _};

/// One case, its layers laid over one another.
#[derive(Clone, Debug)]
pub struct Case {
    /// The rule that the file is about.
    pub rule: String,
    /// What it shows.
    pub title: String,
    /// `K-04.toml:12`.
    pub place: String,
    /// What holds at the beginning.
    pub layer: Layer,
    /// The scans, each over what held before.
    pub scans: Vec<Layer>,
    /// What each scan itself says.
    pub own: Vec<Layer>,
}

/// What every case begins with: a zone of one signer at two servers, delegated securely.
pub const BUILT_IN: &str = r#"
servers = { ns1 = "ns1.alpha.net. 192.0.2.1", ns2 = "ns2.alpha.net. 192.0.2.2" }
parent = { ds = ["a"] }
zone = { dnskey = ["a", "az"], serial = 10 }
"#;

/// Where the vectors are.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scanner/vectors")
}

/// All cases of all files, in the order of their names.
pub fn all() -> Result<Vec<Case>, String> {
    let directory = directory();
    let told = |error: std::io::Error| format!("{}: {error}", directory.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(&directory).map_err(told)? {
        let path = entry.map_err(told)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            paths.push(path);
        }
    }
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).map_err(told)?;
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        cases.extend(read(&name.unwrap_or_default(), &text)?);
    }
    Ok(cases)
}

/// The cases of one file.
pub fn read(name: &str, text: &str) -> Result<Vec<Case>, String> {
    let file: File = toml::from_str(text).map_err(|error| format!("{name}: {error}"))?;
    let built_in: Layer = toml::from_str(BUILT_IN).expect("the built-in layer is sound");
    let default = file.default.over(&built_in);
    let case = |words: Layer| {
        let title = words.title.clone();
        let title = title.ok_or_else(|| format!("{name}: a case without title"))?;
        let line = text[..title.span().start].matches('\n').count() + 1;
        let place = format!("{name}:{line}");
        let title = title.into_inner();
        let case = layered(words, &default);
        let (layer, scans, own) = case.map_err(|error| format!("{place}: {title}: {error}"))?;
        Ok(Case {
            rule: file.rule.clone(),
            title,
            place,
            layer,
            scans,
            own,
        })
    };
    file.case.into_iter().map(case).collect()
}

/// The beginning, the scans as they are seen, the scans as they are written.
type Layered = (Layer, Vec<Layer>, Vec<Layer>);

fn layered(mut words: Layer, default: &Layer) -> Result<Layered, String> {
    let scans = words.scan.take();
    let layer = words.over(default);
    let Some(own) = scans else {
        if layer.expect.is_none() && layer.expect_csync.is_none() {
            return Err("it expects nothing".into());
        }
        return Ok((layer.clone(), vec![layer.clone()], vec![layer]));
    };
    // What is expected of one scan is not expected of the next.
    let mut below = Layer {
        expect: None,
        expect_csync: None,
        after: None,
        unasked_for: None,
        asked: None,
        not_asked: None,
        ..layer.clone()
    };
    let mut seen = Vec::new();
    for scan in &own {
        if scan.expect.is_none() && scan.expect_csync.is_none() {
            return Err("a scan expects nothing".into());
        }
        let over = scan.clone().over(&below);
        below = Layer {
            expect: None,
            expect_csync: None,
            after: None,
            unasked_for: None,
            asked: None,
            not_asked: None,
            ..over.clone()
        };
        seen.push(over);
    }
    let first = seen.first().ok_or("it has no scan")?.clone();
    Ok((first, seen, own))
}
