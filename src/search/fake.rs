//! Experiments whose runs are made up, for testing what stands around runs.

use std::sync::Arc;
use std::time::Duration;

use crate::harness::{Fingerprint, Plan, Run, RunOptions, Verdict, Violation};
use crate::scenario::{Digest, Expect, Experiment};

/// An experiment that answers each seed with what `answer` says.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) name: &'static str,
    pub(crate) defect: Option<&'static str>,
    pub(crate) expect: Expect,
    pub(crate) plan: Plan,
    pub(crate) digest: Digest,
    pub(crate) answer: fn(u64) -> Run,
    pub(crate) hardened: Option<fn(u64) -> Run>,
}

impl Fake {
    pub(crate) fn new(name: &'static str, expect: Expect, answer: fn(u64) -> Run) -> Self {
        Self { name, defect: None, expect, plan: Plan::default(), digest: Digest(1), answer, hardened: None }
    }
}

/// A run that holds.
pub(crate) fn holding(seed: u64) -> Run {
    Run {
        seed,
        verdict: Verdict::Holds,
        violations: Vec::new(),
        stuck: None,
        exercised: [("no-ghosts", 2)].into(),
        faults: [("restart".into(), crate::harness::Tally { injected: 2, met: 1 })].into(),
        fingerprint: Fingerprint(seed * 3),
        simulated: Duration::from_mins(1),
        events: 10,
        completed: 5,
        decisions: Vec::new(),
        meanings: Vec::new(),
        drift: Vec::new(),
        history: None,
    }
}

/// A run that breaks an invariant.
pub(crate) fn breaking(seed: u64, invariant: &'static str, about: &str) -> Run {
    let violation = Violation {
        invariant,
        about: about.into(),
        message: format!("a ghost walked in run {seed}"),
        at: Duration::from_secs(1),
    };
    Run { verdict: Verdict::Violated, violations: vec![violation], ..holding(seed) }
}

impl Experiment for Fake {
    fn name(&self) -> &str {
        self.name
    }
    fn about(&self) -> &'static str {
        "What is dead stays dead."
    }
    fn system(&self) -> &'static str {
        "yard"
    }
    fn defect(&self) -> Option<&str> {
        self.defect
    }
    fn expect(&self) -> &Expect {
        &self.expect
    }
    fn plan(&self) -> &Plan {
        &self.plan
    }
    fn settings(&self) -> &[String] {
        &[]
    }
    fn invariants(&self) -> Vec<(&'static str, &'static str)> {
        vec![("no-ghosts", "what is dead stays dead")]
    }
    fn digest(&self) -> Digest {
        self.digest
    }
    fn run(&self, seed: u64, _: &RunOptions) -> Run {
        (self.answer)(seed)
    }
    fn hardened(&self) -> Option<Arc<dyn Experiment>> {
        let answer = self.hardened?;
        Some(Arc::new(Self { answer, defect: None, expect: Expect::Holds, hardened: None, ..self.clone() }))
    }
}
