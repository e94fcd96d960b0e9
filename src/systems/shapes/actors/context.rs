//! What an actor has of its own: its mailbox, and who it is.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;

use tokio::sync::mpsc;

use super::address::Address;
use super::process::{Actors, Pid};
use super::reason::Reason;

/// What an actor finds in its mailbox.
#[derive(Debug)]
pub(crate) enum Mail<M> {
    /// A message.
    Letter(M),
    /// One that it is linked to has ended, or told it to; only where it traps exits.
    Exit(Pid, Reason),
    /// One that it monitors has ended.
    Down(Pid, Reason),
}

/// What an actor has of its own.
pub(crate) struct Context<M> {
    address: Address<M>,
    parent: Option<Pid>,
    mailbox: mpsc::UnboundedReceiver<Mail<M>>,
    /// Mail that came while it waited for something else.
    kept: VecDeque<Mail<M>>,
}

impl<M> Context<M> {
    pub(super) fn new(address: Address<M>, parent: Option<Pid>, mailbox: mpsc::UnboundedReceiver<Mail<M>>) -> Self {
        Self { address, parent, mailbox, kept: VecDeque::new() }
    }

    /// Itself, as others have it.
    pub(crate) fn address(&self) -> &Address<M> {
        &self.address
    }

    /// Which actor it is.
    pub(crate) fn pid(&self) -> Pid {
        self.address.pid()
    }

    /// All actors.
    pub(crate) fn actors(&self) -> &Actors {
        self.address.actors()
    }

    /// Whether this is who started it.
    pub(crate) fn is_parent(&self, pid: Pid) -> bool {
        self.parent == Some(pid)
    }

    /// Finds a notice in the mailbox when this actor has ended; at once if it has by now.
    pub(crate) fn monitor(&self, of: Pid) {
        self.actors().monitor(self.pid(), of);
    }

    /// The next mail.
    ///
    /// # Cancellation
    /// A call may be dropped; no mail is lost.
    pub(crate) async fn next(&mut self) -> Mail<M> {
        if let Some(mail) = self.kept.pop_front() {
            return mail;
        }
        match self.mailbox.recv().await {
            Some(mail) => mail,
            // It holds an address of its own, so its mailbox is never closed.
            None => std::future::pending().await,
        }
    }

    /// Does something for as long as whoever started this actor does not tell it to end. Mail is kept for later.
    ///
    /// # Errors
    /// The reason with which it is told to end; the notice is still the next mail.
    pub(crate) async fn unless_told<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Reason> {
        self.unless(work, |mail, parent| match mail {
            Mail::Exit(from, reason) if parent == Some(*from) => Some(reason.clone()),
            _ => None,
        })
        .await
    }

    /// Does something for as long as no mail comes that this stops it. All mail is kept for later, that one first.
    ///
    /// # Errors
    /// What `stops` makes of the mail.
    pub(crate) async fn unless<T, S>(
        &mut self,
        work: impl Future<Output = T>,
        stops: impl Fn(&Mail<M>, Option<Pid>) -> Option<S>,
    ) -> Result<T, S> {
        let Self { parent, mailbox, kept, .. } = self;
        if let Some(place) = kept.iter().position(|mail| stops(mail, *parent).is_some())
            && let Some(mail) = kept.remove(place)
            && let Some(stop) = stops(&mail, *parent)
        {
            kept.push_front(mail);
            return Err(stop);
        }
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                Some(mail) = mailbox.recv() => match stops(&mail, *parent) {
                    Some(stop) => {
                        kept.push_front(mail);
                        return Err(stop);
                    }
                    None => kept.push_back(mail),
                },
                result = &mut work => return Ok(result),
            }
        }
    }
}
