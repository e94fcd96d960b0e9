//! All invariants of this system. What they demand is in the files beside this one.

use super::lens::Lens;
use super::{expiry, living, orphans, passes, status};
use crate::harness::{Invariant, System};
use crate::oracle;
use crate::systems::sweeper::client::patience;
use crate::systems::sweeper::outcome::Outcome;
use crate::systems::sweeper::workload::Operation;

/// One demand on a run.
pub(super) type Check = oracle::Check<Lens>;

const CHECKS: &[&Check] = &[
    &living::NO_LIVING_DELETED,
    &living::PRECISION,
    &passes::UNCERTAINTY_INERT,
    &passes::ONE_FAILURE_ALONE,
    &expiry::EXTENSION_KEPT,
    &expiry::EXPIRED_WITH_NAMESPACE,
    &expiry::EXPIRES,
    &orphans::ORPHANS_GO,
    &status::HONEST_STATUS,
];

/// All allowances, for what scenarios may grant.
pub(in super::super) const ALLOWANCES: &[&str] = &[status::COPIED_STATUS];

/// All invariants, for one run: the first to be asked reads the history for all.
pub(in super::super) fn all<S>() -> Vec<Box<dyn Invariant<S>>>
where
    S: System<Operation = Operation, Outcome = Outcome>,
{
    oracle::invariants(CHECKS, Lens::read, patience)
}
