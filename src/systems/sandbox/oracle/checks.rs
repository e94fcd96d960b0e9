//! All invariants of this system. What they demand is in the files beside this one.

use std::time::Duration;

use super::lens::Lens;
use super::{content, existence, files, letting_go, promises, structure};
use crate::harness::{Invariant, System};
use crate::oracle;
use crate::systems::sandbox::outcome::Outcome;
use crate::systems::sandbox::timeouts;
use crate::systems::sandbox::workload::Operation;

/// One demand on a run.
pub(super) type Check = oracle::Check<Lens>;

const CHECKS: &[&Check] = &[
    &existence::NO_GHOST,
    &existence::NO_FALSE_NOT_FOUND,
    &existence::DESTROYED_IS_TOLD,
    &existence::NO_RESURRECTION,
    &content::CONTENT_IS_CURRENT,
    &content::ONE_SNAPSHOT,
    &content::APPEND_KEEPS,
    &files::LINEARIZABLE_FILES,
    &promises::ACKNOWLEDGED_IS_DURABLE,
    &promises::REFUSED_IS_NOT_APPLIED,
    &promises::LOOK_IS_NO_ERROR,
    &promises::WRITES_ARE_PUBLISHED,
    &structure::ONE_SESSION,
    &structure::POOLS_CLOSED,
    &structure::COUNTER_WITHIN_INCARNATION,
    &letting_go::DESTROYED_IS_LET_GO,
    &letting_go::PUBLISH_FLUSHED,
];

/// All invariants, for one run: the first to be asked reads the history for all.
pub(in super::super) fn all<S>() -> Vec<Box<dyn Invariant<S>>>
where
    S: System<Operation = Operation, Outcome = Outcome>,
{
    oracle::invariants(CHECKS, Lens::read, patience)
}

/// How long a client waits for an operation's outcome, and a little to begin and end.
fn patience(operation: &Operation) -> Duration {
    const MARGIN: Duration = Duration::from_secs(5);
    const LOOK_AROUND: Duration = Duration::from_mins(2);
    match operation {
        Operation::Sandbox { .. } | Operation::Index { .. } => timeouts::CLIENT + MARGIN,
        Operation::Inspect(_) | Operation::Drain(_) => LOOK_AROUND + MARGIN,
        Operation::Wait(time) => *time + MARGIN,
    }
}
