//! From a failing seed to the few decisions that make it fail.
//!
//! A run is the list of its decisions that are not benign, so a smaller run is a shorter list, tried with everything else
//! benign. Large groups go first, then single decisions, then values towards zero, then the scenario's sizes; and round
//! again, until nothing changes. Whatever is taken fails with the same signature as the seed.

mod groups;
mod reduce;
mod retime;
mod trials;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use miette::Diagnostic;
use thiserror::Error;

use self::trials::{Form, Place, Trials, fails, taken};
use super::campaign::Clock;
use super::failure::{Failure, STUCK};
use crate::harness::{Run, RunOptions, Verdict};
use crate::scenario::{Experiment, ResizeError, SavedDecision, SavedSeed};

/// A saved failure that is to be made small.
pub struct Shrink<'a> {
    /// The scenario as it is written.
    pub experiment: &'a Arc<dyn Experiment>,
    /// The failure. It may have been shrunk before.
    pub saved: &'a SavedSeed,
    /// How long at most, by `clock`.
    pub time: Option<Duration>,
    /// How many runs at once. It decides nothing but how long it takes.
    pub jobs: NonZeroUsize,
    /// Set from outside to end early.
    pub stop: &'a AtomicBool,
    /// The clock outside.
    pub clock: Clock<'a>,
}

/// Who is told while a failure is shrunk.
pub trait ShrinkWatch {
    /// So many runs were tried, and the best form has so many decisions left.
    fn tried(&mut self, trials: u64, left: usize) {
        let _ = (trials, left);
    }
}

/// Nobody watches.
impl ShrinkWatch for () {}

/// What became of a failure.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest form that was found; it fails with the same signature.
    pub seed: SavedSeed,
    /// The failure, in words.
    pub failure: Failure,
    /// How many decisions the run had as it was saved.
    pub before: usize,
    /// How many runs it took.
    pub trials: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// Whether nothing smaller can be found; otherwise it was ended early.
    pub complete: bool,
    /// Saved decisions that no site asked for any more.
    pub drift: Vec<SavedDecision>,
}

/// Why a failure cannot be shrunk.
#[derive(Debug, Error, Diagnostic)]
pub enum ShrinkError {
    /// It does not fail any more as it was saved.
    #[error("it does not fail any more: {instead}")]
    #[diagnostic(help("if that is right, the file has done its duty; `replay` says the same of it"))]
    Mended {
        /// What the run comes to instead.
        instead: String,
        /// Saved decisions that no site asked for any more.
        drift: Vec<SavedDecision>,
    },
    /// It fails by itself, but not with all its decisions pinned.
    #[error("it fails from its seed, but not with its own {decisions} decisions pinned: {instead}")]
    #[diagnostic(help("something in this run does not follow from its decisions: see `sexton determinism`"))]
    Elusive {
        /// How many decisions the run has.
        decisions: usize,
        /// What the pinned run comes to instead.
        instead: String,
    },
    /// The sizes in the seed file do not fit the scenario.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Sizes(#[from] ResizeError),
}

impl Shrink<'_> {
    /// Shrinks it, until nothing smaller is found or somebody ends it.
    ///
    /// # Errors
    /// When the saved failure does not fail, or its sizes do not fit the scenario.
    pub fn run(&self, watch: &mut dyn ShrinkWatch) -> Result<Shrunk, ShrinkError> {
        let start = (self.clock)();
        let saved = self.saved;
        let found = Place { sizes: Vec::new(), experiment: self.experiment.clone() };
        let place = Place { sizes: saved.topology.clone(), experiment: saved.experiment(self.experiment)? };
        let mut run = place.experiment.run(saved.seed, &saved.options());
        let drift = saved.drifted(&run.drift);
        if !fails(&run, &saved.signature) {
            return Err(ShrinkError::Mended { instead: instead(&run), drift });
        }
        let mut form = Form { decisions: taken(&mut run), place };
        let before = form.decisions.len();
        let mut pinned = form.place.experiment.run(saved.seed, &form.options());
        if !fails(&pinned, &saved.signature) {
            return Err(ShrinkError::Elusive { decisions: before, instead: instead(&pinned) });
        }
        form.decisions = taken(&mut pinned);

        let mut trials = Trials {
            seed: saved.seed,
            signature: &saved.signature,
            jobs: self.jobs,
            stop: self.stop,
            clock: self.clock,
            deadline: self.time.map(|time| start + time),
            watch,
            count: 2,
            most_events: (saved.signature.invariant != STUCK).then_some(run.events.saturating_mul(4)),
            passing: BTreeSet::new(),
        };
        shrink(&mut trials, &mut form, &found);
        let complete = !trials.is_over();
        let trials = trials.count;
        let (seed, failure) = self.written(&form);
        let elapsed = (self.clock)().saturating_sub(start);
        Ok(Shrunk { seed, failure, before, trials, elapsed, complete, drift })
    }

    /// The seed file of a form, with the meaning of each decision, and the failure that it comes to.
    fn written(&self, form: &Form) -> (SavedSeed, Failure) {
        let options = RunOptions { meanings: true, ..form.options() };
        let run = form.place.experiment.run(self.saved.seed, &options);
        let failure = Failure::all_in(&run).into_iter().find(|failure| failure.signature == self.saved.signature);
        let failure = failure.expect("a form was taken because it fails like this, and a run is a pure function");
        let mut meanings = run.meanings.into_iter();
        let decisions = (run.decisions.into_iter())
            .map(|decision| SavedDecision { decision, meaning: meanings.next().unwrap_or_default() })
            .collect();
        let seed = SavedSeed {
            only_decisions: true,
            decisions,
            topology: form.place.sizes.clone(),
            ..failure.to_seed(&**self.experiment)
        };
        (seed, failure)
    }
}

/// All passes, round and round until none gets any further; the costly ones only when the cheap ones do not.
fn shrink(trials: &mut Trials<'_>, form: &mut Form, found: &Place) {
    let mut cursor = retime::Cursor::default();
    loop {
        let mut any = reduce::cut_off(trials, form);
        for level in groups::LEVELS {
            any |= reduce::drop_groups(trials, form, *level);
        }
        if trials.is_over() {
            return;
        }
        any = any
            || retime::join_pauses(trials, form)
            || retime::strike_earlier(trials, form)
            || retime::replace(trials, form, &mut cursor)
            || reduce::lower_values(trials, form)
            || reduce::lower_sizes(trials, form, found);
        if !any || trials.is_over() {
            return;
        }
    }
}

/// What a run comes to that does not fail as it should, in words.
fn instead(run: &Run) -> String {
    match Failure::all_in(run).first() {
        Some(other) => format!("it breaks {} ({})", other.signature.invariant, other.signature.about),
        None => match run.verdict {
            Verdict::Vacuous => "no operation completes".into(),
            _ => "every invariant holds".into(),
        },
    }
}
