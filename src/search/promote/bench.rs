//! Where scripts are tried: over many seeds, in the form that fails and in the hardened one.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::PromoteWatch;
use super::script::Script;
use crate::harness::{Run, RunOptions, Verdict};
use crate::scenario::{Experiment, Signature, Systems};
use crate::search::failure::Failure;
use crate::search::workers::in_order;

/// Over how many seeds a script did what it is there for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grade {
    /// How many seeds were tried.
    pub seeds: u64,
    /// Of these, how many fail with the signature.
    pub failing: u64,
    /// Of these, how many hold in the hardened form.
    pub holding: u64,
}

impl Grade {
    /// Whether it never missed.
    pub fn is_full(&self) -> bool {
        self.failing == self.seeds && self.holding == self.seeds
    }

    pub(super) fn sum(&self) -> u64 {
        self.failing + self.holding
    }
}

/// Where scripts are tried.
pub(super) struct Bench<'a> {
    pub(super) systems: &'a Systems,
    pub(super) seeds: u64,
    pub(super) jobs: NonZeroUsize,
    pub(super) stop: &'a AtomicBool,
    pub(super) watch: &'a mut dyn PromoteWatch,
    pub(super) tried: u64,
    /// Only one run counts, in which nothing is drawn: what is on its way takes no time, and whoever is first runs first.
    pub(super) calm: bool,
}

/// From how many seeds a script is run before it is tried in earnest, and how many of them may not fail.
const SCREEN: u64 = 3;
const MISSES: u64 = 1;

impl Bench<'_> {
    pub(super) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn told(&mut self, runs: u64) {
        self.tried += runs;
        self.watch.tried(self.tried);
    }

    fn options(&self) -> RunOptions {
        RunOptions { only_overrides: self.calm, ..RunOptions::default() }
    }

    /// One run of a script with its history.
    pub(super) fn look(&self, script: &Script, detail: bool) -> Option<Run> {
        self.look_from(1, script, detail)
    }

    /// One run of a script from this seed, with its history.
    pub(super) fn look_from(&self, seed: u64, script: &Script, detail: bool) -> Option<Run> {
        let options = RunOptions { keep_history: true, detail, ..self.options() };
        Some(self.bind(script)?.run(seed, &options))
    }

    /// The script as an experiment, if its file would be accepted.
    pub(super) fn bind(&self, script: &Script) -> Option<Arc<dyn Experiment>> {
        bind(self.systems, script)
    }

    /// How good a script is; `None` when it is not as good as `least` in both forms, or somebody ended it.
    pub(super) fn grade(&mut self, script: &Script, least: Grade) -> Option<Grade> {
        let experiment = self.bind(script)?;
        let hardened = experiment.hardened()?;
        let seeds = if self.calm { 1 } else { self.seeds };
        let (signature, options) = (&script.signature, self.options());
        let work = |number: u64| {
            let seed = 1 + number / 2;
            match number % 2 {
                0 => fails(&experiment.run(seed, &options), signature),
                _ => hardened.run(seed, &options).verdict == Verdict::Holds,
            }
        };
        let mut grade = Grade { seeds, ..Grade::default() };
        let mut done = 0;
        in_order(0..2 * seeds, self.jobs, self.stop, work, |number, good| {
            done = number + 1;
            *(if number % 2 == 0 { &mut grade.failing } else { &mut grade.holding }) += u64::from(good);
            let left = seeds - done / 2;
            let hopeless = grade.failing + (left - done % 2) < least.failing || grade.holding + left < least.holding;
            if hopeless { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        self.told(done);
        (done == 2 * seeds && grade.failing >= least.failing && grade.holding >= least.holding).then_some(grade)
    }

    /// Those of many scripts that fail from the first few seeds, in order; the search ends with `most` of them.
    pub(super) fn screen(&mut self, scripts: &[Script], most: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut runs = 0;
        let systems = self.systems;
        let work = |number: u64| {
            let script = &scripts[number as usize];
            let Some(experiment) = bind(systems, script) else { return (0, false) };
            let mut misses = 0;
            for seed in 1..=SCREEN {
                misses += u64::from(!fails(&experiment.run(seed, &RunOptions::default()), &script.signature));
                if misses > MISSES {
                    return (seed, false);
                }
            }
            (SCREEN, true)
        };
        in_order(0..scripts.len() as u64, self.jobs, self.stop, work, |number, (spent, good)| {
            runs += spent;
            if good {
                found.push(number as usize);
            }
            if found.len() >= most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        self.told(runs);
        found
    }
}

fn bind(systems: &Systems, script: &Script) -> Option<Arc<dyn Experiment>> {
    if !script.is_sound() {
        return None;
    }
    systems.parse(&script.to_text(), Path::new("promoted.toml"), "promoted").ok()
}

/// Whether a run fails as this signature says.
pub(super) fn fails(run: &Run, signature: &Signature) -> bool {
    Failure::all_in(run).iter().any(|failure| failure.signature == *signature)
}
