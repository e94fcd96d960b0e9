//! One trial after another: does a form of the run still fail as the saved one did?
//!
//! What is tried side by side is judged in order, and the first that still fails is taken, so that nothing found here
//! depends on timing or on how many runs go at once.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use xxhash_rust::xxh3::Xxh3;

use super::ShrinkWatch;
use crate::harness::{Decision, Run, RunOptions};
use crate::scenario::{Experiment, Signature};
use crate::search::campaign::Clock;
use crate::search::failure::Failure;
use crate::search::workers::in_order;

/// The scenario at certain sizes.
#[derive(Clone)]
pub(super) struct Place {
    /// The sizes that differ from the scenario as written.
    pub(super) sizes: Vec<(String, u64)>,
    /// The scenario at these sizes.
    pub(super) experiment: Arc<dyn Experiment>,
}

/// A run as a whole: where it takes place, and its decisions in the order they are taken.
#[derive(Clone)]
pub(super) struct Form {
    pub(super) place: Place,
    pub(super) decisions: Vec<Decision>,
}

impl Form {
    /// This form with other decisions.
    pub(super) fn with(&self, decisions: Vec<Decision>) -> Self {
        Self { place: self.place.clone(), decisions }
    }

    fn hash(&self) -> u128 {
        let mut sorted: Vec<&Decision> = self.decisions.iter().collect();
        sorted.sort();
        let mut hash = Xxh3::new();
        for (name, size) in &self.place.sizes {
            hash.update(format!("{name} {size}\n").as_bytes());
        }
        for decision in sorted {
            hash.update(decision.site.as_bytes());
            hash.update(&decision.index.to_le_bytes());
            hash.update(&decision.value.to_le_bytes());
        }
        hash.digest128()
    }

    /// How this form is run.
    pub(super) fn options(&self) -> RunOptions {
        RunOptions { overrides: self.decisions.clone(), only_overrides: true, ..RunOptions::default() }
    }
}

/// The decisions of a run, each once: several draws at one address are one decision.
pub(super) fn taken(run: &mut Run) -> Vec<Decision> {
    let mut seen = BTreeSet::new();
    let mut decisions = std::mem::take(&mut run.decisions);
    decisions.retain(|decision| seen.insert((decision.site.clone(), decision.index)));
    decisions
}

/// Whether a run fails as this signature says.
pub(super) fn fails(run: &Run, signature: &Signature) -> bool {
    Failure::all_in(run).iter().any(|failure| failure.signature == *signature)
}

/// What is tried, and what came of it so far.
pub(super) struct Trials<'a> {
    pub(super) seed: u64,
    pub(super) signature: &'a Signature,
    pub(super) jobs: NonZeroUsize,
    pub(super) stop: &'a AtomicBool,
    pub(super) clock: Clock<'a>,
    /// When to end, by the clock.
    pub(super) deadline: Option<Duration>,
    pub(super) watch: &'a mut dyn ShrinkWatch,
    /// How many runs were judged.
    pub(super) count: u64,
    /// How many events a trial may have: one with nothing to hold it back may turn in circles.
    pub(super) most_events: Option<u64>,
    /// What is known not to fail any more.
    pub(super) passing: BTreeSet<u128>,
}

impl Trials<'_> {
    /// Whether somebody stopped it, or its time is up.
    pub(super) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.deadline.is_some_and(|deadline| (self.clock)() >= deadline)
    }

    /// The first of the candidates that still fails, and its number; it comes without the decisions that it does not
    /// take. `left` is how many decisions the best form so far has.
    pub(super) fn first(
        &mut self,
        candidates: usize,
        left: usize,
        make: impl Fn(usize) -> Form + Sync,
    ) -> Option<(usize, Form)> {
        if candidates == 0 || self.is_over() {
            return None;
        }
        let Self { seed, signature, passing, deadline, clock, most_events, .. } = &*self;
        let work = |number: u64| {
            let form = make(number as usize);
            let hash = form.hash();
            if passing.contains(&hash) {
                return Trial::Known;
            }
            let options = RunOptions { most_events: *most_events, ..form.options() };
            let mut run = form.place.experiment.run(*seed, &options);
            if fails(&run, signature) { Trial::Fails(form.with(taken(&mut run))) } else { Trial::Passes(hash) }
        };
        let mut found = None;
        let mut fresh = Vec::new();
        let mut count = 0;
        in_order(0..candidates as u64, self.jobs, self.stop, work, |number, trial| {
            match trial {
                Trial::Known => {}
                Trial::Passes(hash) => {
                    count += 1;
                    fresh.push(hash);
                }
                Trial::Fails(form) => {
                    count += 1;
                    found = Some((number as usize, form));
                    return ControlFlow::Break(());
                }
            }
            let late = deadline.is_some_and(|deadline| clock() >= deadline);
            if late { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        self.count += count;
        self.passing.extend(fresh);
        self.watch.tried(self.count, found.as_ref().map_or(left, |(_, form)| form.decisions.len()));
        found
    }
}

/// What came of one trial.
enum Trial {
    /// It is known not to fail.
    Known,
    Passes(u128),
    Fails(Form),
}

impl Place {
    /// The scenario with one more size changed; `None` where the scenario refuses that.
    pub(super) fn resized(&self, found: &Self, name: &str, size: u64) -> Option<Self> {
        let mut sizes = self.sizes.clone();
        match sizes.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = size,
            None => sizes.push((name.into(), size)),
        }
        sizes.sort();
        let experiment = found.experiment.resized(&sizes).ok()?;
        Some(Self { sizes, experiment })
    }
}
