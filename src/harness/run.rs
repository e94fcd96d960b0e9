//! One run: a fresh thread, a world on it, the phases, the verdict.
//!
//! Chaos: clients operate, the nemesis acts. Heal: faults lift. Settle: the world runs to the liveness bounds, then
//! operations at rest look at what is left. Then the invariants read the history.

mod drive;
mod judge;
mod targets;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::drive::drive;
use self::judge::judge;
pub use self::judge::{NO_ESCAPE, NO_PANIC};
use super::{Plan, System, Violation};
use crate::world::history::History;
use crate::world::nemesis::{Fault, Tally};
use crate::world::tape::{Decision, Redraw};
use crate::world::{Config, simulate};

/// How a run differs from what its seed says, and what is kept of it.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "what is kept of a run costs time, each for itself")]
pub struct RunOptions {
    /// Decisions that are pinned, whatever the seed draws.
    pub overrides: Vec<Decision>,
    /// Only the overrides are not benign: the seed draws nothing.
    pub only_overrides: bool,
    /// Keep the history, for a story.
    pub keep_history: bool,
    /// Keep every network message, and every point passed, in the history too.
    pub detail: bool,
    /// Events after which the run is given up, if that is fewer than its plan allows.
    pub most_events: Option<u64>,
    /// Keep in words what each decision means.
    pub meanings: bool,
    /// Up to some event the run is as it is, and from there on it goes by this seed: what clients do stays, and
    /// everything else is drawn anew.
    pub fork: Option<Fork>,
}

/// From where on a run is drawn anew, and from which seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fork {
    /// How many events stay as they are; those that only full detail keeps do not count.
    pub after: u64,
    /// The seed of what comes then.
    pub seed: u64,
}

impl Fork {
    /// Clients keep to what they do; how faults and latencies scatter is drawn from the start, or there would be none.
    fn redraw(self) -> Redraw {
        let Self { after, seed } = self;
        Redraw { after, seed, kept: &["operation", "think"], throughout: &["style", "swarm"] }
    }
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
    /// What each of them means, in words, where that was asked for.
    pub meanings: Vec<String>,
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
/// When the plan names a fault that neither every world nor this system knows, or the thread of the run cannot be made.
pub fn run<S: System>(system: &S, plan: &Plan, seed: u64, options: &RunOptions) -> Run {
    for (kind, _) in &plan.faults {
        let known = Fault::named(kind).is_some() || system.faults().contains(&kind.as_str());
        assert!(known, "`{kind}` is no kind of fault that {} or every world knows", system.name());
    }
    let config = Config {
        seed,
        overrides: plan.decisions.iter().chain(&options.overrides).cloned().collect(),
        benign: options.only_overrides,
        redraw: options.fork.map(Fork::redraw),
        detail: options.detail,
        meanings: options.meanings,
        most_time: plan.limits.chaos + plan.limits.settle + REST,
        engine: plan.engine,
        most_events: options.most_events.unwrap_or(u64::MAX).min(plan.limits.events),
        ..Config::default()
    };
    let outcome = simulate(config, || drive(system.clone(), plan.clone(), options.meanings));
    judge(system, plan, seed, options, outcome)
}

/// What the operations at rest may take beyond chaos and settle before the run counts as stuck.
const REST: Duration = Duration::from_hours(1);
