//! All invariants of this system. What they demand is in the files beside this one.

use std::time::Duration;

use super::lens::Lens;
use super::{ending, expiry, identity, latency, record, refusals, resources};
use crate::harness::{Invariant, System};
use crate::oracle;
use crate::systems::session::outcome::Outcome;
use crate::systems::session::timeouts;
use crate::systems::session::workload::{Operation, Verb};

/// An allowance: a pod that cannot reach storage may serve what has ended, or changed, elsewhere.
pub(super) const STALE_WHILE_CUT_OFF: &str = "stale-while-cut-off";
/// An allowance: what storage itself takes back, in a crash or a fail-over, takes the promises about it along.
pub(super) const STORAGE_MAY_LOSE: &str = "storage-may-lose";

/// All allowances, for what scenarios may grant.
pub(in super::super) const ALLOWANCES: &[&str] = &[STALE_WHILE_CUT_OFF, STORAGE_MAY_LOSE];

/// One demand on a run.
pub(super) type Check = oracle::Check<Lens>;

const CHECKS: &[&Check] = &[
    &ending::NO_RESURRECTION,
    &ending::TERMINATION_ABSORBING,
    &ending::NO_DEAD_ENTRY,
    &ending::NO_USE_AFTER_TERMINATE,
    &ending::TERMINATION_IS_TOLD,
    &refusals::NO_FALSE_NOT_FOUND,
    &refusals::NO_STALE_HANDLE,
    &refusals::LIVE_SESSION_SERVED,
    &record::MONOTONE_BACKENDS,
    &record::NOTIFY_EFFECTIVE,
    &record::DECORATION_KEPT,
    &resources::CONNECTIONS_CONSERVED,
    &resources::FREED_AFTER_TERMINATE,
    &resources::BOUNDED_CACHE,
    &resources::NO_WRONGFUL_EVICTION,
    &identity::CALLER_IDENTITY,
    &latency::BOUNDED_LATENCY,
    &latency::NO_HEAD_OF_LINE_BLOCKING,
    &latency::FULL_DEADLINE,
    &expiry::PLACEHOLDER_EXPIRES,
];

/// All invariants, for one run: the first to be asked reads the history for all.
pub(in super::super) fn all<S>() -> Vec<Box<dyn Invariant<S>>>
where
    S: System<Operation = Operation, Outcome = Outcome>,
{
    oracle::invariants(CHECKS, Lens::read, patience)
}

/// How long a client waits for an operation's outcome: its patience with each request, and a little to begin and end.
fn patience(operation: &Operation) -> Duration {
    const MARGIN: Duration = Duration::from_secs(5);
    const LOOK_AROUND: Duration = Duration::from_mins(2);
    match operation {
        Operation::Session { verb: Verb::Create, .. } => timeouts::CLIENT * 2 + MARGIN,
        Operation::Session { .. } => timeouts::CLIENT + MARGIN,
        Operation::InspectPod(_) | Operation::InspectBackend(_) | Operation::Drain(_) => LOOK_AROUND + MARGIN,
        Operation::Wait(time) => *time + MARGIN,
    }
}
