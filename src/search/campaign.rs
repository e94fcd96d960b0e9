//! Many seeds of one experiment, and what they came to together.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::failure::{Failure, STUCK, is_breakdown};
use super::workers::in_order;
use crate::harness::{Run, RunOptions, Tally, Verdict};
use crate::scenario::{Expect, Experiment, Signature};

/// How much time has gone by outside, since any fixed moment. Only those who print may look at the host's clock.
pub type Clock<'a> = &'a (dyn Fn() -> Duration + Sync);

/// Many seeds of one experiment.
pub struct Campaign<'a> {
    /// What is run.
    pub experiment: &'a dyn Experiment,
    /// The first seed.
    pub from: u64,
    /// How many seeds at most.
    pub seeds: u64,
    /// How long at most, by `clock`.
    pub time: Option<Duration>,
    /// How many runs at once.
    pub jobs: NonZeroUsize,
    /// Set from outside to end early.
    pub stop: &'a AtomicBool,
    /// The clock outside.
    pub clock: Clock<'a>,
}

/// Who is told while a campaign runs, in the order of the seeds.
pub trait Watch {
    /// A run has ended.
    fn ran(&mut self, summary: &Summary) {
        let _ = summary;
    }
    /// A signature was seen for the first time.
    fn failed(&mut self, failure: &Failure) {
        let _ = failure;
    }
}

/// Nobody watches.
impl Watch for () {}

/// A signature, and how often it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its first failure.
    pub first: Failure,
    /// How many seeds failed like this.
    pub seeds: u64,
}

/// What the runs of a campaign came to together.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The scenario.
    pub name: String,
    /// Its system.
    pub system: String,
    /// What was expected.
    pub expect: Expect,
    /// Whether its operations are scripted.
    pub scripted: bool,
    /// How many seeds were run.
    pub seeds: u64,
    /// How many of them failed.
    pub failing: u64,
    /// How many of them checked nothing.
    pub idle: u64,
    /// How often each invariant's precondition occurred.
    pub exercised: BTreeMap<&'static str, u64>,
    /// How often each kind of fault in the plan struck.
    pub faults: BTreeMap<Arc<str>, Tally>,
    /// The failures, by signature.
    pub signatures: BTreeMap<Signature, Seen>,
    /// Simulated time of all runs.
    pub simulated: Duration,
    /// Time outside.
    pub elapsed: Duration,
    /// Whether it was stopped before its budget was used up.
    pub interrupted: bool,
}

impl Campaign<'_> {
    /// Runs it.
    pub fn run(&self, watch: &mut dyn Watch) -> Summary {
        let start = (self.clock)();
        let mut summary = Summary::new(self.experiment);
        let end = self.from.saturating_add(self.seeds);
        let work = |seed| {
            let mut run = self.experiment.run(seed, &RunOptions::default());
            // Results may wait for a slow seed before them; what nobody reads need not wait with them.
            run.decisions = Vec::new();
            run
        };
        let mut in_time = true;
        in_order(self.from..end, self.jobs, self.stop, work, |_, run| {
            summary.elapsed = (self.clock)().saturating_sub(start);
            for failure in summary.add(&run) {
                watch.failed(&failure);
            }
            watch.ran(&summary);
            in_time = self.time.is_none_or(|time| summary.elapsed < time);
            if in_time { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        summary.elapsed = (self.clock)().saturating_sub(start);
        summary.interrupted = in_time && summary.seeds < end - self.from;
        summary
    }
}

impl Summary {
    fn new(experiment: &dyn Experiment) -> Self {
        let plan = experiment.plan();
        let strikes = plan.faults.iter().filter(|(_, rate)| *rate > 0.0);
        Self {
            name: experiment.name().into(),
            system: experiment.system().into(),
            expect: experiment.expect().clone(),
            scripted: !plan.steps.is_empty(),
            seeds: 0,
            failing: 0,
            idle: 0,
            exercised: experiment.invariants().into_iter().map(|(name, _)| (name, 0)).collect(),
            faults: strikes.map(|(kind, _)| (kind.as_str().into(), Tally::default())).collect(),
            signatures: BTreeMap::new(),
            simulated: Duration::ZERO,
            elapsed: Duration::ZERO,
            interrupted: false,
        }
    }

    /// Counts a run; its failures that are new.
    fn add(&mut self, run: &Run) -> Vec<Failure> {
        self.seeds += 1;
        self.simulated += run.simulated;
        self.idle += u64::from(run.verdict == Verdict::Vacuous);
        for (invariant, count) in &run.exercised {
            if let Some(sum) = self.exercised.get_mut(invariant) {
                *sum += count;
            }
        }
        for (kind, tally) in &run.faults {
            if let Some(sum) = self.faults.get_mut(kind) {
                sum.injected += tally.injected;
                sum.met += tally.met;
            }
        }
        let failures = Failure::all_in(run);
        self.failing += u64::from(!failures.is_empty());
        let mut fresh = Vec::new();
        for failure in failures {
            if let Some(seen) = self.signatures.get_mut(&failure.signature) {
                seen.seeds += 1;
            } else {
                self.signatures.insert(failure.signature.clone(), Seen { first: failure.clone(), seeds: 1 });
                fresh.push(failure);
            }
        }
        fresh
    }

    /// What was never put to the test: invariants whose precondition never occurred, faults that met no operation.
    ///
    /// A script plays one story, so there it is enough that something was checked at all.
    pub fn vacuous(&self) -> Vec<String> {
        if self.seeds == self.idle {
            return vec!["operation".into()];
        }
        let never: Vec<String> = (self.exercised.iter())
            .filter(|(_, count)| **count == 0)
            .map(|(invariant, _)| format!("invariant {invariant}"))
            .collect();
        if self.scripted {
            return if never.len() == self.exercised.len() { never } else { Vec::new() };
        }
        let unmet = self.faults.iter().filter(|(_, tally)| tally.met == 0).map(|(kind, _)| format!("fault {kind}"));
        never.into_iter().chain(unmet).collect()
    }

    /// The verdict over all runs: the worst that was seen.
    pub fn verdict(&self) -> Verdict {
        if self.signatures.keys().any(|signature| signature.invariant != STUCK) {
            Verdict::Violated
        } else if !self.signatures.is_empty() {
            Verdict::Stuck
        } else if !self.vacuous().is_empty() {
            Verdict::Vacuous
        } else {
            Verdict::Holds
        }
    }

    /// Whether this is what the scenario expects.
    ///
    /// # Errors
    /// Says what is missing or too much.
    pub fn as_expected(&self) -> Result<(), String> {
        let breakdown = self.signatures.keys().find(|seen| is_breakdown(seen) && !self.expect.wants(seen));
        if let Some(signature) = breakdown {
            return Err(format!("{} is broken, whatever else was expected", signature.invariant));
        }
        match &self.expect {
            Expect::Holds => match self.verdict() {
                Verdict::Holds => Ok(()),
                Verdict::Vacuous => Err(format!("never put to the test: {}", self.vacuous().join(", "))),
                _ => Err("expected to hold".into()),
            },
            Expect::Violates { about, .. } => {
                let missing = self.expect.missing(&self.signatures.keys().collect::<Vec<_>>());
                if missing.is_empty() {
                    return Ok(());
                }
                let about = about.as_ref().map(|part| format!(" ({part})")).unwrap_or_default();
                Err(format!("expected a violation of {}{about}", missing.join(" and of ")))
            }
            Expect::Vacuous(_) if !self.signatures.is_empty() => {
                Err("expected to be vacuous, but something was broken".into())
            }
            Expect::Vacuous(names) => {
                let applied = |name: &&String| self.exercised.get(name.as_str()).is_some_and(|count| *count > 0);
                match names.iter().find(applied) {
                    Some(name) => Err(format!("expected {name} never to be put to the test, but it was")),
                    None => Ok(()),
                }
            }
            Expect::Stuck if self.signatures.keys().any(|signature| signature.invariant == STUCK) => Ok(()),
            Expect::Stuck => Err("expected to be stuck".into()),
            Expect::Unobservable(_) if self.signatures.is_empty() => Ok(()),
            Expect::Unobservable(_) => Err("expected to be unobservable, but it was seen".into()),
        }
    }
}
