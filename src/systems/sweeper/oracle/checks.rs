//! What an invariant of this system is, and all of them. What they demand is in the files beside this one.

use std::cell::OnceCell;
use std::rc::Rc;

use super::lens::Lens;
use super::{expiry, living, orphans, passes, status};
use crate::harness::{Findings, Invariant, Observed, System};
use crate::oracle::Answered;
use crate::systems::sweeper::client::patience;
use crate::systems::sweeper::outcome::Outcome;
use crate::systems::sweeper::workload::Operation;

/// One demand on a run.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) judge: fn(&Lens, &mut Findings),
}

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
    let shared = Rc::<OnceCell<Lens>>::default();
    let judges = CHECKS.iter().map(|check| Box::new(Judge { check, shared: shared.clone() }) as Box<dyn Invariant<S>>);
    judges.chain([Box::new(Answered::within(patience)) as Box<dyn Invariant<S>>]).collect()
}

/// A check with the lens of the run that it judges.
struct Judge {
    check: &'static Check,
    shared: Rc<OnceCell<Lens>>,
}

impl<S> Invariant<S> for Judge
where
    S: System<Operation = Operation, Outcome = Outcome>,
{
    fn name(&self) -> &'static str {
        self.check.name
    }

    fn about(&self) -> &'static str {
        self.check.about
    }

    fn check(&self, run: &Observed<'_, S>, findings: &mut Findings) {
        (self.check.judge)(self.shared.get_or_init(|| Lens::read(run)), findings);
    }
}
