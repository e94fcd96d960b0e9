//! Finding scenarios: a directory of files, each named by its path.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::Diagnostic;
use thiserror::Error;

use super::error::{FileError, Source};
use super::nearest::nearest;
use super::{Experiment, Systems};

/// A scenario that cannot be found or used.
#[derive(Debug, Error, Diagnostic)]
pub enum ScenarioError {
    /// A file is refused.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
    /// No scenario has this name or prefix.
    #[error("no scenario is called `{word}`, and none starts with `{word}/`")]
    Unknown {
        /// What was asked for.
        word: String,
        /// The nearest name, or where scenarios were looked for.
        #[help]
        help: String,
    },
    /// The directory cannot be listed.
    #[error("{}: cannot be listed: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// A file on the shelf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name, for example `session/default`.
    pub name: String,
    /// The file.
    pub path: PathBuf,
}

/// A directory of scenario files.
#[derive(Clone, Debug)]
pub struct Shelf {
    root: PathBuf,
    systems: Systems,
}

impl Shelf {
    /// The files below `root`, for these systems. The directory need not exist.
    pub fn new(root: impl Into<PathBuf>, systems: Systems) -> Self {
        Self { root: root.into(), systems }
    }

    /// All scenario files, in the order of their names.
    ///
    /// # Errors
    /// When a directory cannot be listed; one that does not exist is empty.
    pub fn entries(&self) -> Result<Vec<Entry>, ScenarioError> {
        let mut entries: Vec<Entry> = toml_files(&self.root)
            .map_err(|(path, source)| ScenarioError::Directory { path, source })?
            .into_iter()
            .map(|path| Entry { name: name_below(&self.root, &path), path })
            .collect();
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    /// Reads one file of the shelf.
    ///
    /// # Errors
    /// When the file is refused.
    pub fn load(&self, entry: &Entry) -> Result<Arc<dyn Experiment>, ScenarioError> {
        Ok(self.systems.load(&entry.path, &entry.name)?)
    }

    /// Reads what `word` names: a scenario, a file, or all below a prefix such as `session`.
    ///
    /// # Errors
    /// When it names nothing, or a file is refused.
    pub fn find(&self, word: &str) -> Result<Vec<Arc<dyn Experiment>>, ScenarioError> {
        let entries = self.entries()?;
        if let Some(entry) = entries.iter().find(|entry| entry.name == word || entry.path == Path::new(word)) {
            return Ok(vec![self.load(entry)?]);
        }
        let prefix = format!("{}/", word.trim_end_matches('/'));
        let below: Vec<&Entry> = entries.iter().filter(|entry| entry.name.starts_with(&prefix)).collect();
        if !below.is_empty() {
            return below.into_iter().map(|entry| self.load(entry)).collect();
        }
        let path = Path::new(word);
        if path.is_file() || path.extension().is_some_and(|extension| extension == "toml") {
            return Ok(vec![self.systems.load(path, word)?]);
        }
        let help = match nearest(word, entries.iter().map(|entry| entry.name.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None if entries.is_empty() => format!("there is no scenario below `{}`", self.root.display()),
            None => "`list` shows all of them".into(),
        };
        Err(ScenarioError::Unknown { word: word.into(), help })
    }

    /// The text of the one scenario that `word` names, by its name or as a file.
    ///
    /// # Errors
    /// When it names none, or the file cannot be read.
    pub fn text(&self, word: &str) -> Result<String, ScenarioError> {
        let entry = self.entries()?.into_iter().find(|entry| entry.name == word);
        let path = entry.map_or_else(|| PathBuf::from(word), |entry| entry.path);
        Ok(Source::read(&path, "a scenario names its `about`, `system` and `expect`")?.text)
    }

    /// Reads the one scenario that `word` names.
    ///
    /// # Errors
    /// When it names none or several, or the file is refused.
    pub fn find_one(&self, word: &str) -> Result<Arc<dyn Experiment>, ScenarioError> {
        let mut found = self.find(word)?;
        match (found.pop(), found.pop()) {
            (Some(only), None) => Ok(only),
            (last, before) => {
                let names: Vec<String> =
                    before.iter().chain(&last).map(|experiment| format!("`{}`", experiment.name())).collect();
                Err(ScenarioError::Unknown {
                    word: word.into(),
                    help: format!("it is a prefix of several, such as {}: name one", names.join(" and ")),
                })
            }
        }
    }
}

/// All `.toml` files below a directory, sorted. A directory that does not exist has none.
pub(crate) fn toml_files(root: &Path) -> Result<Vec<PathBuf>, (PathBuf, std::io::Error)> {
    let mut files = Vec::new();
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        let entries = match std::fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && directory == root => return Ok(files),
            Err(error) => return Err((directory, error)),
        };
        for entry in entries {
            let path = entry.map_err(|error| (directory.clone(), error))?.path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn name_below(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path).with_extension("");
    below.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}
