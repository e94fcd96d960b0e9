//! Experiments whose runs are made up, for testing what stands around runs.

use std::sync::Arc;
use std::time::Duration;

use crate::harness::{Decision, Fingerprint, Plan, Run, RunOptions, Verdict, Violation};
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
    /// What a run comes to that goes by its options too, in place of `answer`.
    pub(crate) pinned: Option<fn(u64, &RunOptions) -> Run>,
}

impl Fake {
    pub(crate) fn new(name: &'static str, expect: Expect, answer: fn(u64) -> Run) -> Self {
        Self {
            name,
            defect: None,
            expect,
            plan: Plan::default(),
            digest: Digest(1),
            answer,
            hardened: None,
            pinned: None,
        }
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
    fn run(&self, seed: u64, options: &RunOptions) -> Run {
        self.pinned.map_or_else(|| (self.answer)(seed), |pinned| pinned(seed, options))
    }
    fn hardened(&self) -> Option<Arc<dyn Experiment>> {
        let answer = self.hardened?;
        Some(Arc::new(Self { answer, defect: None, expect: Expect::Holds, hardened: None, ..self.clone() }))
    }
}

/// A run of 500 decisions that breaks an invariant if three of them are taken, one of them with 700 or more.
pub(crate) fn needing_three(seed: u64, options: &RunOptions) -> Run {
    let all = (0..500_u64).map(|index| Decision {
        site: format!(
            "{} {}",
            ["bell", "toll", "spade"][index as usize % 3],
            ["nave>crypt", "yard"][index as usize % 2]
        )
        .into(),
        index,
        value: 1000 + index,
    });
    let pinned = |drawn: Decision| {
        let pin = options.overrides.iter().find(|pin| pin.site == drawn.site && pin.index == drawn.index);
        match pin {
            Some(pin) => pin.clone(),
            None if options.only_overrides => Decision { value: 0, ..drawn },
            None => drawn,
        }
    };
    let decisions: Vec<Decision> = all.clone().map(pinned).filter(|decision| decision.value > 0).collect();
    let value = |index| decisions.iter().find(|decision| decision.index == index).map_or(0, |decision| decision.value);
    let broken = value(17) > 0 && value(250) >= 700 && value(333) > 0;
    let run = if broken { breaking(seed, "no-ghosts", "grave") } else { holding(seed) };
    let strange = |pin: &&Decision| all.clone().all(|known| known.site != pin.site || known.index != pin.index);
    let drift = options.overrides.iter().filter(strange).cloned().collect();
    let meanings = decisions.iter().filter(|_| options.meanings).map(|taken| format!("{} rings", taken.site)).collect();
    let fingerprint = Fingerprint(
        decisions.iter().fold(seed, |sum, taken| sum.wrapping_mul(31).wrapping_add(taken.index + taken.value)),
    );
    Run { fingerprint, decisions, meanings, drift, ..run }
}
