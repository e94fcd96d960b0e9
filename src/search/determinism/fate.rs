//! What a run comes to: its history, and all that was made of it.

use std::fmt;
use std::str::FromStr;

use xxhash_rust::xxh3::xxh3_64;

use crate::harness::{Fingerprint, Run, RunOptions};
use crate::report::{Line, Sort, lines};
use crate::scenario::Experiment;

/// What a run came to: the hash of its history, and of its verdict with everything that led to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// The hash of the history.
    pub history: Fingerprint,
    /// The hash of the verdict, the violations and panics, and of what was exercised.
    pub outcome: u64,
}

impl Fate {
    /// Of a run.
    pub fn of(run: &Run) -> Self {
        Self { history: run.fingerprint, outcome: xxh3_64(outcome(run).join("\n").as_bytes()) }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:016x}", self.history, self.outcome)
    }
}

impl FromStr for Fate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let hash =
            |hash: &str| u64::from_str_radix(hash, 16).map_err(|_| format!("`{text}` is not what a run comes to"));
        let (history, outcome) = text.split_once(' ').unwrap_or((text, ""));
        Ok(Self { history: Fingerprint(hash(history)?), outcome: hash(outcome)? })
    }
}

/// The outcome in words, a line for each thing.
fn outcome(run: &Run) -> Vec<String> {
    let mut told = vec![format!("verdict: {:?}", run.verdict)];
    told.extend(run.violations.iter().map(|broken| format!("violation: {broken:?}")));
    told.extend(run.stuck.iter().map(|stuck| format!("stuck: {stuck}")));
    told.extend(run.exercised.iter().map(|(name, times)| format!("{name} × {times}")));
    told.extend(run.faults.iter().map(|(kind, tally)| format!("fault {kind}: {tally:?}")));
    told.push(format!("{} events, {} operations in {:?}", run.events, run.completed, run.simulated));
    told
}

/// One run told whole: all events in full detail, then what it came to.
pub fn account(experiment: &dyn Experiment, seed: u64) -> Vec<Line> {
    let run = experiment.run(seed, &RunOptions { keep_history: true, detail: true, ..RunOptions::default() });
    let mut told = run.history.as_ref().map(lines).unwrap_or_default();
    let at = run.simulated.as_nanos() as u64;
    let end =
        |text| Line { at, host: "world".into(), activity: String::new(), task: String::new(), sort: Sort::Phase, text };
    told.extend(outcome(&run).into_iter().map(end));
    told
}
