//! In which phase the stack is: what its parts say of themselves, until they end.

use std::sync::Arc;

use super::Stack;
use crate::systems::shapes::actors::{Context, Mail, Pid, Reason};

/// A phase of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// There is none.
    Stopped,
    /// It is being started, or has lost a part that it cannot be without.
    Booting,
    /// What is on disk can be read; others may still be writing it.
    ReadOnly,
    /// It follows the database.
    Active,
}

impl Phase {
    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Booting => "booting",
            Self::ReadOnly => "read_only",
            Self::Active => "active",
        }
    }

    /// Whether requests are admitted.
    pub(crate) const fn admits(self) -> bool {
        matches!(self, Self::ReadOnly | Self::Active)
    }
}

/// What the monitor of the status is told.
pub(super) enum ToStatus {
    /// The phase is this from now on.
    Enter(Phase),
    /// Without this part there is nothing to be served.
    Needs(Pid),
}

/// Watches over the phase until it is told to end; then there is none.
pub(super) async fn watch(mut context: Context<ToStatus>, stack: Arc<Stack>) -> Reason {
    struct Watched(Arc<Stack>);
    impl Drop for Watched {
        fn drop(&mut self) {
            self.0.enter(Phase::Stopped);
        }
    }
    let _watched = Watched(stack.clone());
    loop {
        match context.next().await {
            Mail::Letter(ToStatus::Enter(phase)) => stack.enter(phase),
            Mail::Letter(ToStatus::Needs(part)) => context.monitor(part),
            Mail::Down(..) => stack.enter(Phase::Booting),
            Mail::Exit(..) => {}
        }
    }
}
