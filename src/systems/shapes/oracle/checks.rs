//! All invariants of this system. What they demand is in the files beside this one.

use super::lens::Lens;
use super::{answers, boots, content, coupling, holding, invalidation, removal, slot, stream};
use crate::harness::{Invariant, System};
use crate::oracle;
use crate::systems::shapes::client::patience;
use crate::systems::shapes::outcome::Outcome;
use crate::systems::shapes::workload::Operation;

/// One demand on a run.
pub(super) type Check = oracle::Check<Lens>;

const CHECKS: &[&Check] = &[
    &invalidation::NO_SPURIOUS_INVALIDATION,
    &answers::NO_SERVER_ERROR,
    &answers::NO_FALSE_OUT_OF_BOUNDS,
    &stream::VALID_STREAM,
    &content::CONTENT_IS_CURRENT,
    &content::CONVERGES,
    &removal::ATOMIC_REMOVAL,
    &coupling::VIEW_COUPLING,
    &boots::ACTIVE_IN_TIME,
    &boots::ACTIVE_AGAIN,
    &holding::HELD_IS_ANSWERED,
    &slot::SLOT_ADVANCES,
];

/// All invariants, for one run: the first to be asked reads the history for all.
pub(in super::super) fn all<S>() -> Vec<Box<dyn Invariant<S>>>
where
    S: System<Operation = Operation, Outcome = Outcome>,
{
    oracle::invariants(CHECKS, Lens::read, patience)
}
