//! Where an actor gets its mail.

use std::fmt;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::context::Mail;
use super::process::{Actors, Pid};
use super::reason::Reason;
use crate::runtime::time;

/// Where an actor gets its mail. Clones are the same.
pub(crate) struct Address<M> {
    pid: Pid,
    mailbox: mpsc::UnboundedSender<Mail<M>>,
    actors: Actors,
}

/// Where the answer to a call goes.
#[derive(Debug)]
pub(crate) struct Reply<T>(oneshot::Sender<T>);

impl<T> Reply<T> {
    /// Answers. Whoever called may have given up.
    pub(crate) fn send(self, answer: T) {
        let _ = self.0.send(answer);
    }
}

impl<M> Clone for Address<M> {
    fn clone(&self) -> Self {
        Self { pid: self.pid, mailbox: self.mailbox.clone(), actors: self.actors.clone() }
    }
}

impl<M> fmt::Debug for Address<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.pid).finish()
    }
}

impl<M> Address<M> {
    pub(super) fn new(pid: Pid, mailbox: mpsc::UnboundedSender<Mail<M>>, actors: Actors) -> Self {
        Self { pid, mailbox, actors }
    }

    /// Which actor it is.
    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// All actors of its kind.
    pub(crate) fn actors(&self) -> &Actors {
        &self.actors
    }

    /// Whether it lives.
    pub(crate) fn is_alive(&self) -> bool {
        self.actors.is_alive(self.pid)
    }

    /// Leaves a message; if the actor has ended, nothing comes of it.
    pub(crate) fn send(&self, message: M) {
        let _ = self.mailbox.send(Mail::Letter(message));
    }

    /// Leaves a message and waits for the answer.
    ///
    /// # Errors
    /// Why there is none: the actor had ended (`Absent`), or has now.
    pub(crate) async fn call<T>(&self, message: impl FnOnce(Reply<T>) -> M) -> Result<T, Reason> {
        let end = self.actors.end_of(self.pid);
        let (sender, receiver) = oneshot::channel();
        self.send(message(Reply(sender)));
        match receiver.await {
            Ok(answer) => Ok(answer),
            Err(_) => Err(end.await),
        }
    }

    /// The same, for so long.
    ///
    /// # Errors
    /// As [`call`](Self::call), and `Late`.
    pub(crate) async fn call_within<T>(
        &self,
        limit: Duration,
        message: impl FnOnce(Reply<T>) -> M,
    ) -> Result<T, Reason> {
        time::timeout(limit, self.call(message)).await.unwrap_or(Err(Reason::Late))
    }
}
