//! The catalogue: each known defect is re-introduced, and must be caught; beside it the hardened form must hold.
//!
//! How many seeds a defect takes is a property of the search, not of the machine: it is the place of the smallest seed
//! that catches it.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::campaign::Clock;
use super::failure::{Failure, STUCK, is_breakdown};
use super::workers::in_order;
use crate::harness::{RunOptions, Verdict};
use crate::scenario::{Expect, Experiment, HARNESS_INVARIANTS, Signature};

/// The hunt for one defect.
pub struct Hunt<'a> {
    /// The scenario that re-introduces it.
    pub experiment: &'a dyn Experiment,
    /// The first seed.
    pub from: u64,
    /// How many seeds at most.
    pub seeds: u64,
    /// How many seeds of the hardened form at least; it gets as many as the defect took, if these are more.
    pub hardened: u64,
    /// How many runs at once.
    pub jobs: NonZeroUsize,
    /// Set from outside to end early.
    pub stop: &'a AtomicBool,
    /// The clock outside.
    pub clock: Clock<'a>,
}

/// What came of a hunt.
#[derive(Clone, Debug)]
pub struct Catch {
    /// The defect.
    pub id: String,
    /// The scenario.
    pub scenario: String,
    /// What was expected.
    pub expect: Expect,
    /// The failure that gave it away.
    pub caught: Option<Failure>,
    /// How many seeds were run, the one that caught it included.
    pub seeds: u64,
    /// Time that its runs took up to there.
    pub spent: Duration,
    /// What else was seen on the way, and by which seed first.
    pub others: BTreeMap<Signature, u64>,
    /// How many seeds of the hardened form were run.
    pub hardened_seeds: u64,
    /// Why the hardened form is not fit to stand beside it; `None`: it holds.
    pub hardened_fails: Option<String>,
    /// Whether it was stopped early.
    pub interrupted: bool,
}

impl Catch {
    /// A panic or an escape that was seen on the way, with its seed: the defect is then not alone in the scenario.
    pub fn breakdown(&self) -> Option<(&Signature, u64)> {
        let unwanted = |signature: &Signature| is_breakdown(signature) && !self.expect.wants(signature);
        self.others.iter().find(|(signature, _)| unwanted(signature)).map(|(signature, seed)| (signature, *seed))
    }

    /// Whether this is what the scenario expects, and the hardened form holds.
    pub fn as_expected(&self) -> bool {
        let seen = match self.expect {
            Expect::Unobservable(_) => self.caught.is_none(),
            _ => self.caught.is_some(),
        };
        seen && self.breakdown().is_none() && self.hardened_fails.is_none() && !self.interrupted
    }
}

impl Hunt<'_> {
    /// Hunts.
    pub fn run(&self) -> Catch {
        let mut found = Catch {
            id: self.experiment.defect().unwrap_or_default().into(),
            scenario: self.experiment.name().into(),
            expect: self.experiment.expect().clone(),
            caught: None,
            seeds: 0,
            spent: Duration::ZERO,
            others: BTreeMap::new(),
            hardened_seeds: 0,
            hardened_fails: None,
            interrupted: false,
        };
        self.hunt(&mut found);
        self.compare(&mut found);
        found.interrupted = self.stop.load(Ordering::Relaxed);
        found
    }

    fn hunt(&self, found: &mut Catch) {
        // Looking for what cannot be seen needs an end: as long as the hardened form is looked at.
        let nothing = matches!(found.expect, Expect::Unobservable(_) | Expect::Vacuous(_));
        let seeds = if nothing { self.hardened.min(self.seeds) } else { self.seeds };
        let work = |seed| {
            let start = (self.clock)();
            let run = self.experiment.run(seed, &RunOptions::default());
            (Failure::all_in(&run), run.exercised, (self.clock)().saturating_sub(start))
        };
        let mut applied: BTreeMap<&'static str, u64> = BTreeMap::new();
        let seen = self.from..self.from.saturating_add(seeds);
        in_order(seen, self.jobs, self.stop, work, |seed, (failures, exercised, spent)| {
            found.seeds += 1;
            for (invariant, count) in exercised {
                *applied.entry(invariant).or_default() += count;
            }
            found.spent += spent;
            for failure in failures {
                if found.caught.is_none() && completes(&found.expect, &found.others, &failure.signature) {
                    found.caught = Some(failure);
                } else {
                    found.others.entry(failure.signature).or_insert(seed);
                }
            }
            if found.caught.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if let Expect::Vacuous(names) = &found.expect
            && found.others.is_empty()
            && names.iter().all(|name| applied.get(name.as_str()).is_none_or(|count| *count == 0))
        {
            found.caught = names.first().map(|name| Failure::untested(name, self.from, found.seeds));
        }
    }

    fn compare(&self, found: &mut Catch) {
        let Some(hardened) = self.experiment.hardened() else {
            found.hardened_fails = Some("the system has no policy to harden".into());
            return;
        };
        let mut exercised: BTreeMap<&'static str, u64> = BTreeMap::new();
        let end = self.from.saturating_add(found.seeds.max(self.hardened));
        let work = |seed| {
            let run = hardened.run(seed, &RunOptions::default());
            (Failure::all_in(&run), run.verdict, run.exercised)
        };
        in_order(self.from..end, self.jobs, self.stop, work, |seed, (failures, verdict, checked)| {
            found.hardened_seeds += 1;
            for (invariant, count) in checked {
                *exercised.entry(invariant).or_default() += count;
            }
            found.hardened_fails = match (failures.first(), verdict) {
                (Some(failure), _) => {
                    Some(format!("seed {seed}: {}: {}", failure.signature.invariant, failure.message))
                }
                (None, Verdict::Vacuous) => Some(format!("seed {seed}: no operation completed")),
                (None, _) => return ControlFlow::Continue(()),
            };
            ControlFlow::Break(())
        });
        if let (None, Expect::Violates { invariants, .. }) = (&found.hardened_fails, &found.expect) {
            let applied = |name: &str| exercised.get(name).is_some_and(|count| *count > 0);
            let never = invariants.iter().map(String::as_str);
            let never: Vec<_> = never.filter(|name| !applied(name) && !HARNESS_INVARIANTS.contains(name)).collect();
            if !never.is_empty() {
                found.hardened_fails = Some(format!("{} never applied, so nothing was shown", never.join(", ")));
            }
        }
    }
}

/// Whether what is expected has all been seen with this failure, after those before it.
fn completes(expect: &Expect, before: &BTreeMap<Signature, u64>, last: &Signature) -> bool {
    match expect {
        Expect::Violates { .. } => {
            expect.wants(last) && expect.missing(&before.keys().chain([last]).collect::<Vec<_>>()).is_empty()
        }
        Expect::Stuck => last.invariant == STUCK,
        Expect::Holds | Expect::Unobservable(_) => true,
        // Whatever fails is not it.
        Expect::Vacuous(_) => false,
    }
}
