//! An experiment: a system bound to a plan, ready to be run from seeds, whatever its type.

use std::fmt;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::Expect;
use crate::harness::{self, Plan, Run, RunOptions, System};

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
}

/// What a bound experiment carries besides its system and plan.
#[derive(Clone)]
pub(crate) struct Title {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) defect: Option<String>,
    pub(crate) expect: Expect,
    pub(crate) settings: Vec<String>,
    pub(crate) digest: Digest,
}

/// The one implementation of [`Experiment`].
pub(crate) struct Bound<S> {
    pub(crate) system: S,
    pub(crate) plan: Plan,
    pub(crate) title: Title,
    pub(crate) hardened: Option<Arc<dyn Experiment>>,
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
}
