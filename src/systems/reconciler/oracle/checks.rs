//! All invariants of this system. What they demand is in the files beside this one.

use super::lens::Lens;
use super::{cycles, fairness, flight, flips, intent, replacement, settling, termination};
use crate::harness::{Invariant, System};
use crate::oracle;
use crate::systems::reconciler::client::patience;
use crate::systems::reconciler::outcome::Outcome;
use crate::systems::reconciler::workload::Operation;

/// One demand on a run.
pub(super) type Check = oracle::Check<Lens>;

const CHECKS: &[&Check] = &[
    &termination::NO_WRONGFUL_TERMINATION,
    &flips::NO_WRONGFUL_FLIP,
    &flips::UNCERTAINTY_INERT,
    &flips::TOLD_OFFLINE,
    &intent::USER_INTENT_ABSORBING,
    &intent::INTENT_RECORDED,
    &flight::SINGLE_FLIGHT,
    &flight::NO_LOST_INSTANCE,
    &fairness::FAIRNESS,
    &cycles::BOUNDED_CYCLE,
    &replacement::REPLACEMENT,
    &settling::SETTLES,
];

/// All invariants, for one run: the first to be asked reads the history for all.
pub(in super::super) fn all<S>() -> Vec<Box<dyn Invariant<S>>>
where
    S: System<Operation = Operation, Outcome = Outcome>,
{
    oracle::invariants(CHECKS, Lens::read, patience)
}
