//! Which files are meant, and what stands in them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A file, read or not.
#[derive(Debug, PartialEq, Eq)]
pub enum File {
    /// What stands in it.
    Text {
        /// As the user named it.
        path: String,
        /// Its content.
        text: String,
    },
    /// It could not be read.
    Unreadable {
        /// As the user named it.
        path: String,
        /// Why.
        why: String,
    },
}

/// The files named, and all `*.toml` below the directories named, those of a directory sorted.
pub fn collect(paths: &[PathBuf]) -> Vec<File> {
    let mut files = Vec::new();
    for path in paths {
        match path.is_dir() {
            false => files.push(read(path)),
            true => {
                let mut found = Vec::new();
                match walk(path, &mut found) {
                    Err(error) => files.push(unreadable(path, error.to_string())),
                    Ok(()) if found.is_empty() => {
                        files.push(unreadable(path, "no *.toml in this directory".into()));
                    }
                    Ok(()) => {
                        found.sort();
                        files.extend(found.iter().map(|path| read(path)));
                    }
                }
            }
        }
    }
    files
}

fn walk(directory: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        // Links to directories are not followed: they may lead in a circle.
        if kind.is_dir() {
            walk(&path, found)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            found.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> File {
    match fs::read_to_string(path) {
        Ok(text) => File::Text {
            path: path.display().to_string(),
            text,
        },
        Err(error) => unreadable(path, error.to_string()),
    }
}

fn unreadable(path: &Path, why: String) -> File {
    File::Unreadable {
        path: path.display().to_string(),
        why,
    }
}
