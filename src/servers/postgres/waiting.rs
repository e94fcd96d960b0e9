//! A statement that waits for a lock: until it has it, or until it has waited for too long.

use std::time::Duration;

use crate::runtime::time::{self, Instant};

use super::backends::{Badge, End};
use super::engine::Answer;
use super::host::Postgres;
use super::refusal::Refusal;
use super::settings::Settings;

/// Why a statement has no answer.
#[derive(Debug)]
pub(super) enum Stopped {
    /// It is refused, and the connection goes on.
    Refused(Refusal),
    /// The connection is at its end.
    Ended(End),
}

impl From<Refusal> for Stopped {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Postgres {
    /// Waits for what a blocked statement comes to.
    pub(super) async fn blocked(&self, badge: &Badge, settings: &Settings) -> Result<Answer, Stopped> {
        let since = Instant::now();
        let after = |name: &'static str| settings.time(name).map(|limit| since + limit);
        let (lock, statement) = (after("lock_timeout"), after("statement_timeout"));
        // Looked for once: a circle is closed by whoever comes to wait last.
        let mut deadlock = after("deadlock_timeout");
        loop {
            if let Some(stopped) = self.outcome(badge) {
                return stopped;
            }
            let next = [lock, statement, deadlock].into_iter().flatten().min();
            tokio::select! {
                biased;
                () = badge.wake.notified() => continue,
                () = sleep_until(next) => {}
            }
            let due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= Instant::now());
            if due(deadlock) {
                deadlock = None;
                if self.lock().database.is_deadlocked(badge.session) {
                    self.cancel(badge.session, &Refusal::new("40P01", "deadlock detected"));
                }
            } else if due(lock) {
                self.cancel(badge.session, &Refusal::new("55P03", "canceling statement due to lock timeout"));
            } else if due(statement) {
                self.cancel(badge.session, &Refusal::new("57014", "canceling statement due to statement timeout"));
            }
        }
    }

    /// What has become of a statement that waits; `None`: it still does.
    fn outcome(&self, badge: &Badge) -> Option<Result<Answer, Stopped>> {
        let mut state = self.lock();
        let Some(backend) = state.backends.get(badge.session) else { return Some(Err(Stopped::Ended(End::Silent))) };
        if let Some(end) = &backend.end {
            return Some(Err(Stopped::Ended(end.clone())));
        }
        let answer = backend.answer.take()?;
        Some(answer.map_err(Stopped::Refused))
    }
}

/// Sleeps until then; for ever without a time.
pub(super) async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// How long a client may take to say who it is: `authentication_timeout`.
pub(super) const AUTHENTICATION: Duration = Duration::from_mins(1);
