//! What failed in a run, told apart by signature.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::harness::{Fingerprint, Run, Verdict};
use crate::scenario::{Experiment, HARNESS_INVARIANTS, SavedSeed, Signature};

/// The name that a run which ended at a bound has in place of an invariant's.
pub const STUCK: &str = "stuck";

/// One signature's failure in one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What failed.
    pub signature: Signature,
    /// The seed of the run.
    pub seed: u64,
    /// This case, in words.
    pub message: String,
    /// When, in simulated time.
    pub at: Duration,
    /// The fingerprint of the run.
    pub fingerprint: Fingerprint,
}

impl Failure {
    /// The first failure of each signature in a run.
    pub fn all_in(run: &Run) -> Vec<Self> {
        let mut seen = BTreeSet::new();
        let failure = |invariant: &str, about: &str, message: &str, at| Self {
            signature: Signature { invariant: invariant.into(), about: about.into() },
            seed: run.seed,
            message: message.into(),
            at,
            fingerprint: run.fingerprint,
        };
        let mut failures: Vec<Self> = run
            .violations
            .iter()
            .map(|broken| failure(broken.invariant, &broken.about, &broken.message, broken.at))
            .collect();
        if run.verdict == Verdict::Stuck {
            let waiting = run.stuck.as_deref().unwrap_or("a bound of the run was reached with work still waiting");
            failures.push(failure(STUCK, "a run", waiting, run.simulated));
        }
        failures.retain(|failure| seen.insert(failure.signature.clone()));
        failures
    }

    /// That an invariant has not been put to the test by so many seeds.
    pub(super) fn untested(invariant: &str, seed: u64, seeds: u64) -> Self {
        Self {
            signature: Signature { invariant: invariant.into(), about: "never put to the test".into() },
            seed,
            message: format!("not put to the test by any of {seeds} seeds"),
            at: Duration::ZERO,
            fingerprint: Fingerprint::default(),
        }
    }

    /// Whether it says that something is wrong with the code or the world itself, whatever a scenario is about.
    pub fn is_breakdown(&self) -> bool {
        is_breakdown(&self.signature)
    }

    /// The seed file that keeps it.
    pub fn to_seed(&self, experiment: &dyn Experiment) -> SavedSeed {
        SavedSeed {
            scenario: experiment.name().into(),
            digest: experiment.digest(),
            seed: self.seed,
            signature: self.signature.clone(),
            fingerprint: self.fingerprint,
            version: env!("CARGO_PKG_VERSION").into(),
            only_decisions: false,
            decisions: Vec::new(),
            topology: Vec::new(),
        }
    }
}

/// A panic or an escape from the world: never what a system's own invariants are about.
pub(crate) fn is_breakdown(signature: &Signature) -> bool {
    HARNESS_INVARIANTS.contains(&signature.invariant.as_str())
}
