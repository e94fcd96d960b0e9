//! One run: a fresh thread, a world on it, the phases, the verdict.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Plan, System, Violation};
use crate::world::history::History;
use crate::world::tape::Decision;

/// How a run differs from what its seed says, and what is kept of it.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Decisions that are pinned, whatever the seed draws.
    pub overrides: Vec<Decision>,
    /// Only the overrides are not benign: the seed draws nothing.
    pub only_overrides: bool,
    /// Keep the history, for a story.
    pub keep_history: bool,
    /// Keep every network message in the history too.
    pub detail: bool,
}

/// A hash over the whole history of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u64);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Every invariant held.
    Holds,
    /// An invariant was broken, or something panicked.
    Violated,
    /// The run ended at a bound with work still waiting.
    Stuck,
    /// Nothing was checked: no operation ever completed.
    Vacuous,
}

/// How often a kind of fault struck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Injected.
    pub injected: u64,
    /// Of these, how many struck while an operation was in flight.
    pub met: u64,
}

/// What a run left behind.
#[derive(Clone, Debug)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// How it ended.
    pub verdict: Verdict,
    /// What was broken, in the order of time. A panic is the violation `no-panic`.
    pub violations: Vec<Violation>,
    /// Where the run was stuck, and on what it was still waiting.
    pub stuck: Option<String>,
    /// How often each invariant's precondition occurred; zero is listed too.
    pub exercised: BTreeMap<&'static str, u64>,
    /// Each kind of fault that the plan names.
    pub faults: BTreeMap<Arc<str>, Tally>,
    /// The hash of the history.
    pub fingerprint: Fingerprint,
    /// How much time went by in the world.
    pub simulated: Duration,
    /// How many events there were.
    pub events: u64,
    /// How many operations completed.
    pub completed: u32,
    /// All decisions that were not benign, in the order they were taken.
    pub decisions: Vec<Decision>,
    /// Overrides whose site was never asked.
    pub drift: Vec<Decision>,
    /// The history, where it was asked for.
    pub history: Option<History>,
}

/// Runs `system` under `plan` from `seed`, on a thread of its own.
///
/// A pure function of its arguments.
///
/// # Panics
/// When the thread of the run cannot be made.
pub fn run<S: System>(system: &S, plan: &Plan, seed: u64, options: &RunOptions) -> Run {
    let _ = (system, plan, options);
    Run {
        seed,
        verdict: Verdict::Vacuous,
        violations: Vec::new(),
        stuck: None,
        exercised: BTreeMap::new(),
        faults: BTreeMap::new(),
        fingerprint: Fingerprint::default(),
        simulated: Duration::ZERO,
        events: 0,
        completed: 0,
        decisions: Vec::new(),
        drift: Vec::new(),
        history: None,
    }
}
