//! What an invariant of this system is, and all of them. What they demand is in the files beside this one.

use std::cell::OnceCell;
use std::rc::Rc;

use super::lens::Lens;
use super::{answers, boots, content, coupling, holding, invalidation, removal, slot, stream};
use crate::harness::{Findings, Invariant, Observed, System};
use crate::oracle::Answered;
use crate::systems::shapes::client::patience;
use crate::systems::shapes::outcome::Outcome;
use crate::systems::shapes::workload::Operation;

/// One demand on a run.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) judge: fn(&Lens, &mut Findings),
}

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
