//! An experiment: a system bound to a plan, ready to be run from seeds, whatever its type.

use std::fmt;
use std::sync::Arc;

use miette::Diagnostic;
use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

use super::nearest::instead;
use super::{Expect, FileError};
use crate::harness::{self, Engine, Plan, Run, RunOptions, System};

/// A hash over everything in a scenario that decides its runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest(pub u64);

impl Digest {
    /// The digest of a canonical text.
    pub(crate) fn of(text: &str) -> Self {
        Self(xxh3_64(text.as_bytes()))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// How many seeds a campaign gives a scenario when neither the scenario nor anybody else says how many.
pub(crate) const USUAL_SEEDS: u64 = 200;

/// A system bound to a plan, with what its runs should come to.
pub trait Experiment: Send + Sync {
    /// The scenario's name, for example `session/default`.
    fn name(&self) -> &str;
    /// What it is about, in a sentence.
    fn about(&self) -> &str;
    /// The name of its system.
    fn system(&self) -> &str;
    /// The defect it re-introduces.
    fn defect(&self) -> Option<&str>;
    /// What its runs should come to.
    fn expect(&self) -> &Expect;
    /// How many seeds a campaign gives it when nobody says how many: fewer where a run is long.
    fn seeds(&self) -> u64 {
        USUAL_SEEDS
    }
    /// Faults, limits, steps, holds.
    fn plan(&self) -> &Plan;
    /// What else was chosen, in a line per table, for printing beside the seed.
    fn settings(&self) -> &[String];
    /// Name and demand of each invariant of the system.
    fn invariants(&self) -> Vec<(&'static str, &'static str)>;
    /// Changes when anything changes that decides a run.
    fn digest(&self) -> Digest;
    /// One run.
    fn run(&self, seed: u64, options: &RunOptions) -> Run;
    /// The same under the system's hardened policy and without allowances, expected to hold.
    /// `None` where the system has no policy to harden.
    fn hardened(&self) -> Option<Arc<dyn Experiment>>;
    /// The same on another engine. None where it cannot be had on another.
    fn on(&self, engine: Engine) -> Option<Arc<dyn Experiment>> {
        let _ = engine;
        None
    }
    /// The whole numbers of its `[topology]`, defaults included. None where no file describes it.
    fn sizes(&self) -> Vec<(String, u64)> {
        Vec::new()
    }
    /// The same with other sizes. Its name and digest stay, for it is the same scenario.
    ///
    /// # Errors
    /// When it has no such size, or refuses its value.
    fn resized(&self, sizes: &[(String, u64)]) -> Result<Arc<dyn Experiment>, ResizeError> {
        let name = sizes.first().map(|(name, _)| name.clone()).unwrap_or_default();
        Err(ResizeError::unknown(self.name(), name, &self.sizes()))
    }
}

/// Sizes that a scenario cannot have.
#[derive(Debug, Error, Diagnostic)]
pub enum ResizeError {
    /// There is no such size.
    #[error("`{scenario}` has no size `{name}` in its [topology]")]
    Unknown {
        /// The scenario.
        scenario: String,
        /// The size that was given.
        name: String,
        /// The nearest size, or all of them.
        #[help]
        help: String,
    },
    /// The scenario refuses the value.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Refused(#[from] FileError),
}

impl ResizeError {
    fn unknown(scenario: &str, name: String, sizes: &[(String, u64)]) -> Self {
        let help = match sizes {
            [] => "it has no sizes at all: take the [topology] out of the seed file".into(),
            _ => instead("size", &name, sizes.iter().map(|(known, _)| known.as_str())),
        };
        Self::Unknown { scenario: scenario.into(), name, help }
    }
}

/// Binds a scenario again at other sizes.
type Resize = dyn Fn(&[(String, u64)]) -> Result<Arc<dyn Experiment>, FileError> + Send + Sync;

/// The sizes of a scenario, and how it is had at others.
#[derive(Clone)]
pub(crate) struct Sizes {
    pub(crate) all: Vec<(String, u64)>,
    pub(crate) resize: Arc<Resize>,
}

/// What a bound experiment carries besides its system and plan.
#[derive(Clone)]
pub(crate) struct Title {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) defect: Option<String>,
    pub(crate) expect: Expect,
    pub(crate) seeds: u64,
    pub(crate) settings: Vec<String>,
    pub(crate) digest: Digest,
}

/// The one implementation of [`Experiment`].
pub(crate) struct Bound<S> {
    pub(crate) system: S,
    pub(crate) plan: Plan,
    pub(crate) title: Title,
    pub(crate) hardened: Option<Arc<dyn Experiment>>,
    pub(crate) sizes: Option<Sizes>,
}

impl<S: System> Experiment for Bound<S> {
    fn name(&self) -> &str {
        &self.title.name
    }
    fn about(&self) -> &str {
        &self.title.about
    }
    fn system(&self) -> &str {
        self.system.name()
    }
    fn defect(&self) -> Option<&str> {
        self.title.defect.as_deref()
    }
    fn expect(&self) -> &Expect {
        &self.title.expect
    }
    fn seeds(&self) -> u64 {
        self.title.seeds
    }
    fn plan(&self) -> &Plan {
        &self.plan
    }
    fn settings(&self) -> &[String] {
        &self.title.settings
    }
    fn invariants(&self) -> Vec<(&'static str, &'static str)> {
        self.system.invariants().iter().map(|invariant| (invariant.name(), invariant.about())).collect()
    }
    fn digest(&self) -> Digest {
        self.title.digest
    }
    fn run(&self, seed: u64, options: &RunOptions) -> Run {
        harness::run(&self.system, &self.plan, seed, options)
    }
    fn hardened(&self) -> Option<Arc<dyn Experiment>> {
        self.hardened.clone()
    }
    fn on(&self, engine: Engine) -> Option<Arc<dyn Experiment>> {
        let hardened = self.hardened.as_ref().map(|hardened| hardened.on(engine));
        Some(Arc::new(Self {
            system: self.system.clone(),
            plan: Plan { engine, ..self.plan.clone() },
            title: self.title.clone(),
            hardened: hardened.flatten(),
            // Sizes are for making saved failures smaller, and those are kept of one engine only.
            sizes: None,
        }))
    }
    fn sizes(&self) -> Vec<(String, u64)> {
        self.sizes.as_ref().map(|sizes| sizes.all.clone()).unwrap_or_default()
    }
    fn resized(&self, sizes: &[(String, u64)]) -> Result<Arc<dyn Experiment>, ResizeError> {
        let known = self.sizes();
        let strange = sizes.iter().find(|(name, _)| known.iter().all(|(there, _)| there != name));
        match (&self.sizes, strange) {
            (Some(own), None) => Ok((own.resize)(sizes)?),
            (_, strange) => {
                let name = strange.map(|(name, _)| name.clone()).unwrap_or_default();
                Err(ResizeError::unknown(self.name(), name, &known))
            }
        }
    }
}
