//! Whether a run is a pure function of its seed: each is run twice here, with unrelated runs in between, and once in a
//! fresh process. Where two of them differ, the first differing event is named.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::workers::in_order;
use crate::harness::{Fingerprint, RunOptions};
use crate::report::{Line, lines};
use crate::scenario::Experiment;

const WITHIN: &str = "two runs in one process";
const ACROSS: &str = "this process and a fresh one";

/// Another process that runs the same scenarios.
pub trait Elsewhere: Sync {
    /// The fingerprints of these runs, in order. Each is named by scenario and seed.
    ///
    /// # Errors
    /// When the other process cannot be had or does not answer.
    fn fingerprints(&self, runs: &[(String, u64)]) -> Result<Vec<Fingerprint>, String>;

    /// All events of one run, in full detail.
    ///
    /// # Errors
    /// When the other process cannot be had or does not answer.
    fn events(&self, scenario: &str, seed: u64) -> Result<Vec<Line>, String>;
}

/// A check of several experiments.
pub struct Check<'a> {
    /// What is run; the seeds are dealt out to them in turn.
    pub experiments: &'a [Arc<dyn Experiment>],
    /// The first seed.
    pub from: u64,
    /// How many runs in all.
    pub runs: u64,
    /// How many runs at once.
    pub jobs: NonZeroUsize,
    /// Set from outside to end early.
    pub stop: &'a AtomicBool,
    /// The other process.
    pub elsewhere: &'a dyn Elsewhere,
    /// Told how many runs have been made, of three for each seed.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Determinism {
    /// How many seeds were run, each three times.
    pub runs: u64,
    /// How many of them were equal all three times.
    pub equal: u64,
    /// The first that was not.
    pub first_difference: Option<Difference>,
}

/// Two runs of one seed that differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The scenario.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// Which two runs, in words.
    pub between: &'static str,
    /// The fingerprint of the first run here.
    pub here: Fingerprint,
    /// The fingerprint of the other.
    pub there: Fingerprint,
    /// The number of the first differing event; `None` when the events did not differ once all of them were kept.
    pub event: Option<usize>,
    /// That event in the first run; `None` where it had ended.
    pub this: Option<Line>,
    /// That event in the other.
    pub other: Option<Line>,
}

impl Check<'_> {
    /// Runs everything, and looks for the first difference.
    ///
    /// # Errors
    /// When the other process cannot be had or does not answer.
    pub fn run(&self) -> Result<Determinism, String> {
        let first = self.pass(self.runs, 0, |index| index);
        // Backwards, so that other runs have come before each.
        let count = first.len() as u64;
        let mut second = self.pass(count, count, |index| count - 1 - index);
        second.reverse();
        let done = second.len().min(first.len());
        let skipped = first.len() - done;
        let names: Vec<(String, u64)> = (skipped..first.len()).map(|index| self.named(index as u64)).collect();
        let third = if names.is_empty() { Vec::new() } else { self.elsewhere.fingerprints(&names)? };
        if third.len() != names.len() {
            return Err(format!("the fresh process answered for {} of {} runs", third.len(), names.len()));
        }
        let mut equal = 0;
        let mut first_difference = None;
        for (index, (name, seed)) in names.iter().enumerate() {
            let here = first[skipped + index];
            let differing =
                [(WITHIN, second[index]), (ACROSS, third[index])].into_iter().find(|(_, there)| *there != here);
            match differing {
                None => equal += 1,
                Some((between, there)) if first_difference.is_none() => {
                    let found = Difference {
                        scenario: name.clone(),
                        seed: *seed,
                        between,
                        here,
                        there,
                        event: None,
                        this: None,
                        other: None,
                    };
                    first_difference = Some(self.locate(found)?);
                }
                Some(_) => {}
            }
        }
        Ok(Determinism { runs: names.len() as u64, equal, first_difference })
    }

    fn pass(&self, count: u64, before: u64, place: impl Fn(u64) -> u64 + Sync) -> Vec<Fingerprint> {
        let mut fingerprints = Vec::new();
        let work = |number| {
            let (experiment, seed) = self.deal(place(number));
            experiment.run(seed, &RunOptions::default()).fingerprint
        };
        in_order(0..count, self.jobs, self.stop, work, |_, fingerprint| {
            fingerprints.push(fingerprint);
            (self.progress)(before + fingerprints.len() as u64);
            ControlFlow::Continue(())
        });
        fingerprints
    }

    /// The experiment and seed at a place.
    fn deal(&self, place: u64) -> (&dyn Experiment, u64) {
        let experiment = &self.experiments[(place % self.experiments.len() as u64) as usize];
        (&**experiment, self.from + place / self.experiments.len() as u64)
    }

    fn named(&self, place: u64) -> (String, u64) {
        let (experiment, seed) = self.deal(place);
        (experiment.name().into(), seed)
    }

    /// Runs both sides again, keeping everything, and finds where they part.
    fn locate(&self, mut found: Difference) -> Result<Difference, String> {
        let Some(experiment) = self.experiments.iter().find(|experiment| experiment.name() == found.scenario) else {
            return Ok(found);
        };
        let here = events(&**experiment, found.seed);
        let fresh = self.elsewhere.events(&found.scenario, found.seed)?;
        let again = events(&**experiment, found.seed);
        for (between, there) in [(WITHIN, again), (ACROSS, fresh)] {
            let parted = (0..here.len().max(there.len())).find(|&index| here.get(index) != there.get(index));
            if let Some(index) = parted {
                found.between = between;
                found.event = Some(index);
                found.this = here.get(index).cloned();
                found.other = there.get(index).cloned();
                return Ok(found);
            }
        }
        Ok(found)
    }

    /// Whether it was stopped from outside.
    pub fn interrupted(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// All events of one run, in full detail.
pub fn events(experiment: &dyn Experiment, seed: u64) -> Vec<Line> {
    let options = RunOptions { keep_history: true, detail: true, ..RunOptions::default() };
    experiment.run(seed, &options).history.as_ref().map(lines).unwrap_or_default()
}
