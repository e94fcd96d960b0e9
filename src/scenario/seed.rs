//! The seed file: one failure, replayable for ever. The tool writes it, people may read it, garbage is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::Diagnostic;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use toml::{Spanned, Table, Value};

use super::error::{FileError, Source};
use super::experiment::Digest;
use super::shelf::toml_files;
use super::{Experiment, ResizeError};
use crate::harness::{Fingerprint, RunOptions};
use crate::world::tape::Decision;

/// What makes two failures the same one: the invariant, and the kind of entity and window involved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The invariant; `stuck` for a run that ended at a bound with work still waiting.
    pub invariant: String,
    /// The kind of entity and the window involved.
    pub about: String,
}

/// A decision that a saved run takes, whatever its seed draws.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedDecision {
    /// Where and what.
    pub decision: Decision,
    /// What it means, in words.
    pub meaning: String,
}

impl SavedDecision {
    fn to_table(&self) -> Table {
        let mut table = Table::new();
        table.insert("site".into(), self.decision.site.to_string().into());
        table.insert("index".into(), wide(self.decision.index));
        table.insert("value".into(), wide(self.decision.value));
        table.insert("meaning".into(), self.meaning.clone().into());
        table
    }
}

/// One saved failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedSeed {
    /// The scenario: a name, or the path of a file.
    pub scenario: String,
    /// The scenario's digest when the failure was found.
    pub digest: Digest,
    /// The seed.
    pub seed: u64,
    /// What failed.
    pub signature: Signature,
    /// The fingerprint of the failing run.
    pub fingerprint: Fingerprint,
    /// The version of sexton that found it.
    pub version: String,
    /// Whether everything but the decisions below is benign.
    pub only_decisions: bool,
    /// Pinned decisions; none before shrinking.
    pub decisions: Vec<SavedDecision>,
    /// Sizes of the scenario's `[topology]` that were reduced; the others are as the scenario has them.
    pub topology: Vec<(String, u64)>,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    scenario: Spanned<String>,
    digest: Spanned<String>,
    seed: Spanned<Number>,
    fingerprint: Spanned<String>,
    version: String,
    only_decisions: bool,
    signature: Signature,
    #[serde(default)]
    topology: BTreeMap<String, Spanned<Number>>,
    #[serde(default, rename = "decision")]
    decisions: Vec<WrittenDecision>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDecision {
    site: String,
    index: Spanned<Number>,
    value: Spanned<Number>,
    meaning: String,
}

/// What belongs into an empty file.
const CONTENT: &str = "a seed file names its `scenario`, `seed` and `signature`";

/// A number that TOML may be too narrow for: above its largest integer it is written as text.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a number, 0 or more")]
enum Number {
    Small(i64),
    Large(String),
}

fn wide(number: u64) -> Value {
    i64::try_from(number).map_or_else(|_| number.to_string().into(), Value::from)
}

fn number(source: &Source, written: &Spanned<Number>) -> Result<u64, FileError> {
    let read = match written.get_ref() {
        Number::Small(number) => u64::try_from(*number).ok(),
        Number::Large(text) => text.parse().ok(),
    };
    let help = || Some(format!("write a whole number from 0 to {}", u64::MAX));
    read.ok_or_else(|| source.refuse(written.span(), "not a number, 0 or more", "impossible", help()))
}

fn hash(source: &Source, written: &Spanned<String>) -> Result<u64, FileError> {
    let text = written.get_ref();
    let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(text, 16).ok().filter(|_| digits).ok_or_else(|| {
        let help = "it is 16 hexadecimal digits, as the tool wrote them: take the file from version control again";
        source.refuse(written.span(), format!("`{text}` is not a hash"), "damaged", Some(help.into()))
    })
}

impl SavedSeed {
    /// Reads a seed file; its scenario must be a file, or one of `scenarios` where names are given.
    ///
    /// # Errors
    /// When the file is not there or anything in it is not accepted.
    pub fn read(path: &Path, scenarios: Option<&[String]>) -> Result<Self, FileError> {
        Self::of(&Source::read(path, CONTENT)?, scenarios)
    }

    /// Reads a seed file from text; `path` is what errors call it.
    ///
    /// # Errors
    /// When anything in it is not accepted.
    pub fn parse(text: &str, path: &Path, scenarios: Option<&[String]>) -> Result<Self, FileError> {
        let source = Source { path: path.into(), text: text.into() };
        Self::of(&source.filled(CONTENT)?, scenarios)
    }

    fn of(source: &Source, scenarios: Option<&[String]>) -> Result<Self, FileError> {
        let written: Written = toml::from_str(&source.text).map_err(|error| source.complain(&error))?;
        let scenario = written.scenario.get_ref();
        if let Some(known) = scenarios
            && !known.contains(scenario)
            && !Path::new(scenario).is_file()
        {
            return Err(source.unknown(
                written.scenario.span(),
                "scenario",
                scenario,
                known.iter().map(String::as_str),
            ));
        }
        let decision = |written: &WrittenDecision| {
            Ok(SavedDecision {
                decision: Decision {
                    site: Arc::from(written.site.as_str()),
                    index: number(source, &written.index)?,
                    value: number(source, &written.value)?,
                },
                meaning: written.meaning.clone(),
            })
        };
        let mut decided = BTreeSet::new();
        for WrittenDecision { site, index, .. } in &written.decisions {
            if !decided.insert((site, number(source, index)?)) {
                let message = format!("this decision of `{site}` is taken twice");
                return Err(source.refuse(index.span(), message, "a second time", Some("leave one of the two".into())));
            }
        }
        Ok(Self {
            digest: Digest(hash(source, &written.digest)?),
            seed: number(source, &written.seed)?,
            fingerprint: Fingerprint(hash(source, &written.fingerprint)?),
            decisions: written.decisions.iter().map(decision).collect::<Result<_, FileError>>()?,
            topology: (written.topology.iter())
                .map(|(name, size)| Ok((name.clone(), number(source, size)?)))
                .collect::<Result<_, FileError>>()?,
            scenario: written.scenario.into_inner(),
            signature: written.signature,
            version: written.version,
            only_decisions: written.only_decisions,
        })
    }

    /// How to run it.
    pub fn options(&self) -> RunOptions {
        RunOptions {
            overrides: self.decisions.iter().map(|saved| saved.decision.clone()).collect(),
            only_overrides: self.only_decisions,
            ..RunOptions::default()
        }
    }

    /// The scenario that it was found in, at the sizes that are saved with it.
    ///
    /// # Errors
    /// When the scenario has no such size, or refuses its value.
    pub fn experiment(&self, found: &Arc<dyn Experiment>) -> Result<Arc<dyn Experiment>, ResizeError> {
        if self.topology.is_empty() { Ok(found.clone()) } else { found.resized(&self.topology) }
    }

    /// Decisions that a run was told to take and no site asked for, as they are saved.
    pub fn drifted(&self, drift: &[Decision]) -> Vec<SavedDecision> {
        self.decisions.iter().filter(|saved| drift.contains(&saved.decision)).cloned().collect()
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let mut file = Table::new();
        file.insert("scenario".into(), self.scenario.clone().into());
        file.insert("digest".into(), self.digest.to_string().into());
        file.insert("seed".into(), wide(self.seed));
        file.insert("fingerprint".into(), self.fingerprint.to_string().into());
        file.insert("version".into(), self.version.clone().into());
        file.insert("only_decisions".into(), self.only_decisions.into());
        let mut signature = Table::new();
        signature.insert("invariant".into(), self.signature.invariant.clone().into());
        signature.insert("about".into(), self.signature.about.clone().into());
        file.insert("signature".into(), signature.into());
        if !self.topology.is_empty() {
            let sizes: Table = self.topology.iter().map(|(name, size)| (name.clone(), wide(*size))).collect();
            file.insert("topology".into(), sizes.into());
        }
        let decisions: Vec<Value> = self.decisions.iter().map(|saved| saved.to_table().into()).collect();
        if !decisions.is_empty() {
            file.insert("decision".into(), decisions.into());
        }
        format!("# One failure. `sexton replay` on this file must end in the same way.\n{file}")
    }

    /// Writes it to a file, in place of what was there: it is there as a whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written. `reproduce` is the line that the error repeats.
    pub fn write(&self, path: &Path, reproduce: &str) -> Result<(), SaveError> {
        let failed = |source| SaveError { path: path.into(), source, reproduce: reproduce.into() };
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let draft = Draft::write(directory, &self.to_text()).map_err(failed)?;
        fs::rename(&draft.0, path).map_err(failed)?;
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)
    }

    /// Its place below a directory of seeds, `<scenario>-<invariant>-<seed>`, without the extension.
    fn stem(&self, system: &str, by_system: bool) -> String {
        let plain = |text: &str| -> String {
            text.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect()
        };
        let scenario = self.scenario.strip_prefix(&format!("{system}/")).unwrap_or(&self.scenario);
        let scenario = Path::new(scenario).with_extension("");
        let scenario = plain(scenario.to_string_lossy().trim_start_matches(['.', '/']));
        let directory = if by_system { format!("{}/", plain(system)) } else { String::new() };
        format!("{directory}{scenario}-{}-{}", plain(&self.signature.invariant), self.seed)
    }
}

/// A failure that could not be saved.
#[derive(Debug, Error, Diagnostic)]
#[error("{}: the seed cannot be saved: {source}", path.display())]
#[diagnostic(help("nothing is lost: `{reproduce}` shows this failure again"))]
pub struct SaveError {
    /// The file that was to be written.
    pub path: PathBuf,
    /// What the operating system said.
    pub source: io::Error,
    /// The line that reproduces the failure.
    pub reproduce: String,
}

/// Where a failure is, once it is saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In a new file.
    New(PathBuf),
    /// In a file that was there before, possibly under another seed.
    Already(PathBuf),
}

impl Kept {
    /// The file.
    pub fn path(&self) -> &Path {
        match self {
            Self::New(path) | Self::Already(path) => path,
        }
    }
}

/// A directory of seed files, one for each signature of each scenario.
#[derive(Clone, Debug)]
pub struct SeedShelf {
    root: PathBuf,
    by_system: bool,
}

impl SeedShelf {
    /// The seed files below `root`, in a directory for each system. The directory need not exist.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), by_system: true }
    }

    /// The seed files below `root`; new ones are put right there.
    pub fn flat(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), by_system: false }
    }

    /// All seed files, sorted.
    ///
    /// # Errors
    /// When a directory cannot be listed; one that does not exist is empty.
    pub fn files(&self) -> Result<Vec<PathBuf>, FileError> {
        toml_files(&self.root).map_err(|(path, source)| FileError::Unreadable { path, source })
    }

    /// Saves a failure, unless its signature is there already. A file is there as a whole or not at all, and none is
    /// overwritten.
    ///
    /// # Errors
    /// When the file cannot be written. `reproduce` is the line that the error repeats.
    pub fn save(&self, system: &str, seed: &SavedSeed, reproduce: &str) -> Result<Kept, SaveError> {
        let stem = seed.stem(system, self.by_system);
        let wanted = self.root.join(format!("{stem}.toml"));
        let failed = |source| SaveError { path: wanted.clone(), source, reproduce: reproduce.into() };
        let directory = wanted.parent().unwrap_or(&self.root).to_path_buf();
        fs::create_dir_all(&directory).map_err(failed)?;
        if let Some(path) = same(&directory, seed) {
            return Ok(Kept::Already(path));
        }
        let draft = Draft::write(&directory, &seed.to_text()).map_err(failed)?;
        let mut path = wanted.clone();
        for number in 2.. {
            // A link fails where a file is, so that nothing is ever overwritten; a rename would.
            match fs::hard_link(&draft.0, &path) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    path = self.root.join(format!("{stem}-{number}.toml"));
                }
                Err(_) if !path.exists() => {
                    fs::rename(&draft.0, &path).map_err(failed)?;
                    break;
                }
                Err(error) => return Err(failed(error)),
            }
        }
        File::open(&directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
        Ok(Kept::New(path))
    }
}

/// The file that holds this failure already. What cannot be read does not count: `replay` complains about it.
fn same(directory: &Path, seed: &SavedSeed) -> Option<PathBuf> {
    toml_files(directory).ok()?.into_iter().find(|path| {
        SavedSeed::read(path, None).is_ok_and(|there| {
            there.scenario == seed.scenario && there.signature == seed.signature && there.digest == seed.digest
        })
    })
}

/// A temporary file that is gone when it is dropped.
struct Draft(PathBuf);

impl Draft {
    #[expect(clippy::disallowed_methods, reason = "two processes that save at once must not share a draft")]
    fn write(directory: &Path, text: &str) -> io::Result<Self> {
        let draft = Self(directory.join(format!(".draft-{}", std::process::id())));
        let mut file = File::create(&draft.0)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It is gone already where it was renamed, and a left-over draft is in nobody's way.
        let _ = fs::remove_file(&self.0);
    }
}
