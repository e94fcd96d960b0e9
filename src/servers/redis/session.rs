//! What the server remembers of one connection.

use bytes::Bytes;

use super::commands::Command;
use super::keyspace::{Keyspace, Place};
use super::reply::{Protocol, Replies};

/// A transaction between `MULTI` and `EXEC`.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    pub(super) queue: Vec<(&'static Command, Vec<Bytes>)>,
    /// A command could not be queued, so that `EXEC` will refuse.
    pub(super) broken: bool,
}

/// One connection, as the server knows it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: u64,
    pub(super) database: u8,
    pub(super) name: Bytes,
    pub(super) transaction: Option<Transaction>,
    pub(super) watched: Vec<Place>,
    /// What is to be sent.
    pub(super) replies: Replies,
    /// The connection ends once the replies are sent.
    pub(super) closing: bool,
}

impl Session {
    pub(super) fn open(keyspace: &mut Keyspace) -> Self {
        Self {
            id: keyspace.next_session(),
            database: 0,
            name: Bytes::new(),
            transaction: None,
            watched: Vec::new(),
            replies: Replies::default(),
            closing: false,
        }
    }

    /// Ends the transaction, if any, and forgets the watches.
    pub(super) fn discard(&mut self, keyspace: &mut Keyspace) {
        self.transaction = None;
        keyspace.unwatch(self.id, &mut self.watched);
    }

    /// Back to how a new connection starts.
    pub(super) fn reset(&mut self, keyspace: &mut Keyspace) {
        self.discard(keyspace);
        self.database = 0;
        self.name = Bytes::new();
        self.replies.protocol = Protocol::Resp2;
    }
}
