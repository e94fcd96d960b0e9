//! The connections of a server as the server sees them: who is there, who waits for what, and who is to go.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Notify;

use crate::runtime::Doing;

use super::engine::{Answer, SessionId};
use super::refusal::Refusal;

/// How a connection ends that its client did not end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With these last words.
    Told(Refusal),
    /// Without a word.
    Silent,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Backend {
    pub(super) pid: i32,
    secret: i32,
    pub(super) wake: Arc<Notify>,
    /// Its statement waits for a lock.
    pub(super) waiting: bool,
    /// What that has come to.
    pub(super) answer: Option<Result<Answer, Refusal>>,
    /// What its statement works for, while it is others who carry it out.
    pub(super) doing: Option<Doing>,
    pub(super) end: Option<End>,
}

/// All of them, by their sessions with the engine.
#[derive(Debug, Default)]
pub(super) struct Backends {
    all: BTreeMap<SessionId, Backend>,
    /// How many there have been: a process id is never used twice.
    count: i32,
}

/// What a client is told of its connection, by which it may ask another to cancel what this does.
#[derive(Clone, Debug)]
pub(super) struct Badge {
    pub(super) session: SessionId,
    pub(super) pid: i32,
    pub(super) secret: i32,
    pub(super) wake: Arc<Notify>,
}

impl Backends {
    pub(super) fn add(&mut self, session: SessionId) -> Badge {
        self.count = self.count.wrapping_add(1);
        let pid = self.count;
        // Drawn by nobody: what a client must not guess is no secret in a simulation.
        let secret = pid.wrapping_mul(0x5DEE_CE6D);
        let wake = Arc::new(Notify::new());
        self.all.insert(
            session,
            Backend { pid, secret, wake: wake.clone(), waiting: false, answer: None, doing: None, end: None },
        );
        Badge { session, pid, secret, wake }
    }

    pub(super) fn remove(&mut self, session: SessionId) -> Option<Backend> {
        self.all.remove(&session)
    }

    pub(super) fn get(&mut self, session: SessionId) -> Option<&mut Backend> {
        self.all.get_mut(&session)
    }

    /// What the statement of a session that has waited works for.
    pub(super) fn doing(&self, session: SessionId) -> Option<Doing> {
        self.all.get(&session)?.doing
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The session of the connection with this secret.
    pub(super) fn with_secret(&self, secret: i32) -> Option<SessionId> {
        self.all.iter().find(|(_, backend)| backend.secret == secret).map(|(session, _)| *session)
    }

    /// The sessions that are not about to end, in order.
    pub(super) fn sessions(&self) -> Vec<SessionId> {
        self.all.iter().filter(|(_, backend)| backend.end.is_none()).map(|(session, _)| *session).collect()
    }

    /// Those of them whose statement waits.
    pub(super) fn waiting(&self) -> Vec<SessionId> {
        self.all.iter().filter(|(_, backend)| backend.waiting).map(|(session, _)| *session).collect()
    }

    /// Notes that its statement waits.
    pub(super) fn waits(&mut self, session: SessionId, doing: Doing) {
        if let Some(backend) = self.all.get_mut(&session) {
            (backend.waiting, backend.answer, backend.doing) = (true, None, Some(doing));
        }
    }

    /// Hands over what a statement that waited has come to.
    pub(super) fn finish(&mut self, session: SessionId, answer: Result<Answer, Refusal>) {
        if let Some(backend) = self.all.get_mut(&session).filter(|backend| backend.waiting) {
            backend.waiting = false;
            backend.answer = Some(answer);
            backend.wake.notify_one();
        }
    }

    /// Ends a connection; it hears of it when it wakes.
    pub(super) fn end(&mut self, session: SessionId, end: End) {
        if let Some(backend) = self.all.get_mut(&session) {
            backend.waiting = false;
            backend.end.get_or_insert(end);
            backend.wake.notify_one();
        }
    }

    /// All are gone, and nobody is left to be told so.
    pub(super) fn clear(&mut self) {
        for (_, backend) in std::mem::take(&mut self.all) {
            backend.wake.notify_one();
        }
    }
}
