//! From a shrunk seed to a scenario that a person would write: steps, holds and faults at round times, which fails in
//! the same way from every seed, and holds in the hardened form.
//!
//! Every script that is tried is written out and read back, so that what is found is what the file says.

mod bench;
mod evidence;
mod find;
mod minimise;
mod rust;
mod script;
mod words;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use miette::Diagnostic;
use thiserror::Error;
use toml::{Table, Value};

pub use self::bench::Grade;
use self::bench::{Bench, fails};
use self::evidence::{Evidence, Leftover};
use self::script::Script;
use crate::harness::{Plan, RunOptions};
use crate::scenario::{Experiment, ResizeError, SavedSeed, Signature, Systems};

/// A shrunk failure that is to become a scenario.
pub struct Promote<'a> {
    /// The scenario that it was found in, as it is written.
    pub experiment: &'a Arc<dyn Experiment>,
    /// The text of that scenario's file.
    pub text: &'a str,
    /// The failure.
    pub saved: &'a SavedSeed,
    /// The systems that a scenario may name.
    pub systems: &'a Systems,
    /// From how many seeds the scenario is to fail, and to hold in the hardened form.
    pub seeds: u64,
    /// How many runs at once. It decides nothing but how long it takes.
    pub jobs: NonZeroUsize,
    /// Set from outside to end early.
    pub stop: &'a AtomicBool,
}

/// Who is told while a failure is promoted.
pub trait PromoteWatch {
    /// So many runs were tried.
    fn tried(&mut self, runs: u64) {
        let _ = runs;
    }
}

/// Nobody watches.
impl PromoteWatch for () {}

/// What became of a failure.
#[derive(Clone, Debug)]
pub struct Promoted {
    /// The scenario's file.
    pub text: String,
    /// What it is about, in words.
    pub about: String,
    /// Where it comes from, and what it cannot promise.
    pub origin: String,
    /// What is broken.
    pub signature: Signature,
    /// Its plan, as it is read from the file.
    pub plan: Plan,
    /// Over how many seeds it does what it is there for.
    pub grade: Grade,
    /// How many runs it took.
    pub tried: u64,
    /// Whether nothing shorter was found; otherwise it was ended early.
    pub complete: bool,
}

/// Why a failure cannot be promoted.
#[derive(Debug, Error, Diagnostic)]
pub enum PromoteError {
    /// It has not been shrunk.
    #[error("this failure is not shrunk, so nobody knows which of its decisions matter")]
    NotShrunk,
    /// It does not fail any more as it was saved.
    #[error("it does not fail any more as it was saved")]
    #[diagnostic(help("`replay` says what it comes to instead; if that is right, the file has done its duty"))]
    Mended,
    /// One of its operations cannot be scripted.
    #[error("{why}")]
    #[diagnostic(help("a scenario scripts operations in words: the system has to read every word that it writes"))]
    Unscriptable {
        /// What the system says of it.
        why: String,
    },
    /// The scenario has no form that holds.
    #[error("the scenario has no hardened form to hold beside it")]
    NothingHardened,
    /// No script fails like it, even where it is told every decision.
    #[error("no script was found that fails with this signature, and one that fails by chance shows nothing")]
    #[diagnostic(help("`explain` tells what it takes; a scenario can also be written by hand"))]
    Elusive,
    /// It was ended before anything was found.
    #[error("ended before anything was found")]
    Ended,
    /// The sizes in the seed file do not fit the scenario.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Sizes(#[from] ResizeError),
}

impl Promote<'_> {
    /// Promotes it.
    ///
    /// # Errors
    /// When it is not shrunk, does not fail, or no script fails like it.
    pub fn run(&self, watch: &mut dyn PromoteWatch) -> Result<Promoted, PromoteError> {
        let saved = self.saved;
        if !saved.only_decisions {
            return Err(PromoteError::NotShrunk);
        }
        let experiment = saved.experiment(self.experiment)?;
        if experiment.hardened().is_none() {
            return Err(PromoteError::NothingHardened);
        }
        let run = experiment.run(saved.seed, &RunOptions { keep_history: true, ..saved.options() });
        if !fails(&run, &saved.signature) {
            return Err(PromoteError::Mended);
        }
        let exact = self.exact(&*experiment, Evidence::of(&run));
        let mut bench = Bench {
            systems: self.systems,
            seeds: self.seeds,
            jobs: self.jobs,
            stop: self.stop,
            watch,
            tried: 0,
            calm: false,
        };
        if let Err(why) = self.systems.parse(&exact.to_text(), "promoted.toml".as_ref(), "promoted") {
            return Err(PromoteError::Unscriptable { why: why.to_string() });
        }
        let whole = experiment.run(saved.seed, &RunOptions { keep_history: true, ..RunOptions::default() });
        let found = find::find(&mut bench, &exact, &Leftover::of(saved, &whole));
        let ended = bench.is_over();
        let Some((mut script, mut grade)) = found else {
            return Err(if ended { PromoteError::Ended } else { PromoteError::Elusive });
        };
        minimise::minimise(&mut bench, &mut script, &mut grade);
        let played = bench.look(&script, false);
        script.about = words::about(&script, played.as_ref());
        script.remarks = words::remarks(&script, saved, grade);
        let plan = bench.bind(&script).map(|experiment| experiment.plan().clone()).unwrap_or_default();
        let (tried, complete) = (bench.tried, !bench.is_over());
        let text = script.to_text();
        let Script { about, remarks, signature, .. } = script;
        Ok(Promoted { text, about, origin: remarks.join(" "), signature, plan, grade, tried, complete })
    }

    /// What happened, at the times when it happened.
    fn exact(&self, experiment: &dyn Experiment, evidence: Evidence) -> Script {
        let mut settings: Table = toml::from_str(self.text).unwrap_or_default();
        for told in ["about", "system", "defect", "expect", "faults", "limits", "step", "hold", "fault", "decision"] {
            settings.remove(told);
        }
        if !self.saved.topology.is_empty() {
            let topology = settings.entry("topology").or_insert_with(|| Table::new().into());
            if let Value::Table(topology) = topology {
                for (name, size) in &self.saved.topology {
                    topology.insert(name.clone(), i64::try_from(*size).unwrap_or(i64::MAX).into());
                }
            }
        }
        let Evidence { steps, strikes, holds } = evidence;
        Script {
            remarks: Vec::new(),
            about: "A failure in the making.".into(),
            system: experiment.system().into(),
            signature: self.saved.signature.clone(),
            settings,
            limits: experiment.plan().limits,
            steps,
            strikes,
            holds,
            decisions: Vec::new(),
        }
    }
}
