//! With what a consumer ends when others do, and whether its shape goes with it.

use super::Consumer;
use crate::systems::shapes::actors::{Pid, Reason};
use crate::systems::shapes::policy::{Down, Ending, Policy};

/// Whether a consumer that ends so has its shape removed.
pub(crate) fn removes(policy: &Policy, reason: &Reason) -> bool {
    match reason {
        Reason::Tagged("cleanup") => true,
        // `removed`: it is being removed already.
        Reason::Normal | Reason::Killed | Reason::Shutdown | Reason::Tagged("removed") => false,
        Reason::Tagged(_) => policy.ending == Ending::BareShutdown,
        // That of a call that was shut down has the same shape as a word why.
        Reason::InCall(inner) if **inner == Reason::Shutdown => policy.ending == Ending::BareShutdown,
        Reason::Absent | Reason::Late | Reason::Failed(_) | Reason::InCall(_) => policy.ending != Ending::AllButCleanup,
    }
}

impl Consumer {
    /// Whoever starts it, or works for it, has ended or tells it to.
    pub(super) fn on_exit(&mut self, from: Pid, reason: Reason) -> Result<(), Reason> {
        match reason {
            Reason::Normal => Ok(()),
            Reason::InCall(inner) if self.starter == Some(from) => Err(self.on_down(*inner)),
            reason => Err(reason),
        }
    }

    /// Its materializer has ended, or one that it depends on: with what it ends itself.
    pub(super) fn on_down(&self, reason: Reason) -> Reason {
        let policy = &self.stack.policy;
        let down = match &reason {
            Reason::Normal | Reason::Shutdown => Down::Keeps,
            Reason::Tagged("invalidated" | "cleanup") => Down::Cleans,
            Reason::Tagged(_) => policy.down_tagged,
            Reason::Killed => policy.down_killed,
            Reason::Absent => policy.down_absent,
            Reason::Late | Reason::Failed(_) | Reason::InCall(_) => policy.down_crashed,
        };
        match (down, reason) {
            (Down::Cleans, _) => Reason::Tagged("cleanup"),
            // Whoever waits for it is to know that something went wrong.
            (Down::Keeps, reason @ (Reason::Late | Reason::Failed(_) | Reason::InCall(_))) => reason.in_call(),
            (Down::Keeps, _) => Reason::Shutdown,
        }
    }
}
