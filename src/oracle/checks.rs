//! Checks: invariants that all judge one reading of a run.

use std::cell::OnceCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::Answered;
use crate::harness::{Findings, Invariant, Observed, System};

/// One demand on a run, judged on what a system's oracles have read off its history.
pub struct Check<L> {
    /// The name of the invariant.
    pub name: &'static str,
    /// What it demands, in a sentence.
    pub about: &'static str,
    /// Says where it applied, and where it was broken.
    pub judge: fn(&L, &mut Findings),
}

impl<L> fmt::Debug for Check<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("name", &self.name).finish_non_exhaustive()
    }
}

/// These checks as the invariants of one run, the first of which to be asked reads the history for all; and [`Answered`], with
/// the `patience` that a client has with each operation.
pub fn invariants<S, L>(
    checks: &'static [&'static Check<L>],
    read: fn(&Observed<'_, S>) -> L,
    patience: fn(&S::Operation) -> Duration,
) -> Vec<Box<dyn Invariant<S>>>
where
    S: System,
    L: 'static,
{
    let shared = Rc::<OnceCell<L>>::default();
    let judge = |check: &&'static Check<L>| -> Box<dyn Invariant<S>> {
        Box::new(Judge { check, read, shared: shared.clone() })
    };
    let answered: Box<dyn Invariant<S>> = Box::new(Answered::within(patience));
    checks.iter().map(judge).chain([answered]).collect()
}

/// A check with the reading of the run that it judges.
struct Judge<S: System, L: 'static> {
    check: &'static Check<L>,
    read: fn(&Observed<'_, S>) -> L,
    shared: Rc<OnceCell<L>>,
}

impl<S: System, L> Invariant<S> for Judge<S, L> {
    fn name(&self) -> &'static str {
        self.check.name
    }

    fn about(&self) -> &'static str {
        self.check.about
    }

    fn check(&self, run: &Observed<'_, S>, findings: &mut Findings) {
        (self.check.judge)(self.shared.get_or_init(|| (self.read)(run)), findings);
    }
}
