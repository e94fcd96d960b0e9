//! Invariants: predicates over what a run left behind.

use std::sync::Arc;
use std::time::Duration;

use super::System;
use crate::world::history::{ActivityId, History};

/// One operation of a client, from invocation to outcome.
#[derive(Clone, Debug)]
pub struct Record<S: System> {
    /// Its number within the run, from 0.
    pub id: u32,
    /// The client.
    pub client: Arc<str>,
    /// The activity it is.
    pub activity: ActivityId,
    /// What was asked.
    pub operation: S::Operation,
    /// When.
    pub invoked: Duration,
    /// When the outcome was seen; `None`: never.
    pub returned: Option<Duration>,
    /// The outcome; `None`: never seen, so the operation may or may not have taken effect.
    pub outcome: Option<S::Outcome>,
    /// Whether it was one of the operations performed at rest.
    pub at_rest: bool,
}

/// What an invariant may look at.
pub struct Observed<'a, S: System> {
    /// The history, with the servers' own commits.
    pub history: &'a History,
    /// The operations of all clients, in the order of their invocation.
    pub operations: &'a [Record<S>],
    /// When faults had healed.
    pub healed: Duration,
    /// When the run ended.
    pub ended: Duration,
    /// Allowances that the scenario grants.
    pub allowed: &'a [String],
}

impl<S: System> Observed<'_, S> {
    /// Whether the scenario grants this allowance.
    pub fn allows(&self, allowance: &str) -> bool {
        self.allowed.iter().any(|granted| granted == allowance)
    }
}

/// A predicate over a run that must never fail, or must come true in time.
pub trait Invariant<S: System> {
    /// A short lower-case name, for example `no-resurrection`.
    fn name(&self) -> &'static str;
    /// What it demands, in a sentence.
    fn about(&self) -> &'static str;
    /// Looks at a whole run.
    fn check(&self, run: &Observed<'_, S>, findings: &mut Findings);
}

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant.
    pub invariant: &'static str,
    /// The kind of entity and the window involved; with the invariant it is the signature of a failure.
    pub about: String,
    /// What was seen, with the entity named.
    pub message: String,
    /// When it was broken.
    pub at: Duration,
}

/// What an invariant found: how often it applied, and where it failed.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    pub(crate) invariant: &'static str,
    pub(crate) exercised: u64,
    pub(crate) violations: Vec<Violation>,
}

impl Findings {
    /// The precondition occurred once more. An invariant that is never exercised makes a campaign vacuous.
    pub fn exercised(&mut self) {
        self.exercised += 1;
    }

    /// The invariant is broken. `about` is the kind of entity and window, the same for every seed that fails alike
    /// (no ids in it); `message` tells this case.
    pub fn violate(&mut self, at: Duration, about: impl Into<String>, message: impl Into<String>) {
        self.violations.push(Violation { invariant: self.invariant, about: about.into(), message: message.into(), at });
    }
}
