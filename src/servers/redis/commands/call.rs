//! What a command works with: its arguments, its session, the keyspace, and the time.

use std::sync::Arc;

use bytes::Bytes;

use super::super::keyspace::{Cause, Keyspace};
use super::super::numbers;
use super::super::reply::{Refusal, Replies};
use super::super::session::Session;
use super::super::sorted_set::SortedSet;
use super::super::value::{Entry, Hash, Value};
use super::Command;

/// What comes of a command: its reply is written, or it is refused and nothing has happened.
pub(crate) type Outcome = Result<(), Refusal>;

/// One command being executed.
pub(crate) struct Call<'a> {
    pub(crate) keyspace: &'a mut Keyspace,
    pub(crate) session: &'a mut Session,
    /// Milliseconds since the epoch; the same throughout a command or transaction.
    pub(crate) now: i64,
    pub(crate) command: &'static Command,
    /// The name and what follows it.
    pub(crate) args: &'a [Bytes],
}

impl<'a> Call<'a> {
    pub(super) fn reply(&mut self) -> &mut Replies {
        &mut self.session.replies
    }

    /// An argument as an option: whether it is this word, in any case.
    pub(super) fn is(&self, at: usize, word: &str) -> bool {
        self.args[at].eq_ignore_ascii_case(word.as_bytes())
    }

    /// The arguments from `first` on.
    pub(super) fn rest(&self, first: usize) -> &'a [Bytes] {
        &self.args[first..]
    }

    /// The key: the first argument.
    pub(super) fn key(&self) -> &'a Bytes {
        &self.args[1]
    }

    pub(super) fn integer(&self, at: usize) -> Result<i64, Refusal> {
        numbers::integer(&self.args[at]).ok_or(Refusal::NOT_AN_INTEGER)
    }

    pub(super) fn wrong_arity(&self) -> Refusal {
        Refusal::arity(self.command.name)
    }

    pub(super) fn entry(&mut self, key: &Bytes) -> Option<&Entry> {
        self.keyspace.live(self.session.database, key, self.now)
    }

    pub(super) fn exists(&mut self, key: &Bytes) -> bool {
        self.entry(key).is_some()
    }

    pub(super) fn deadline(&mut self, key: &Bytes) -> Option<i64> {
        self.entry(key).and_then(|entry| entry.expires)
    }

    /// The string under a key.
    pub(super) fn text(&mut self, key: &Bytes) -> Result<Option<Bytes>, Refusal> {
        match self.entry(key).map(|entry| &entry.value) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Refusal::WRONG_TYPE),
        }
    }

    /// The hash under a key; empty when there is none.
    pub(super) fn hash(&mut self, key: &Bytes) -> Result<Arc<Hash>, Refusal> {
        match self.entry(key).map(|entry| &entry.value) {
            None => Ok(Arc::default()),
            Some(Value::Hash(hash)) => Ok(Arc::clone(hash)),
            Some(_) => Err(Refusal::WRONG_TYPE),
        }
    }

    /// The sorted set under a key; empty when there is none.
    pub(super) fn sorted(&mut self, key: &Bytes) -> Result<Arc<SortedSet>, Refusal> {
        match self.entry(key).map(|entry| &entry.value) {
            None => Ok(Arc::default()),
            Some(Value::Sorted(set)) => Ok(Arc::clone(set)),
            Some(_) => Err(Refusal::WRONG_TYPE),
        }
    }

    /// Stores a value under a key that from now on has this deadline, or none.
    pub(super) fn replace(&mut self, key: &Bytes, value: Value, expires: Option<i64>) {
        self.keyspace.put(self.session.database, key, Some(Entry { value, expires }), Cause::Set);
    }

    /// Stores a value under a key, which keeps its deadline.
    pub(super) fn update(&mut self, key: &Bytes, value: Value) {
        let expires = self.deadline(key);
        self.replace(key, value, expires);
    }

    /// Stores what is left of a hash; an empty one is no key.
    pub(super) fn update_hash(&mut self, key: &Bytes, hash: Arc<Hash>) {
        if hash.is_empty() {
            self.remove(key);
        } else {
            self.update(key, Value::Hash(hash));
        }
    }

    /// Stores what is left of a sorted set; an empty one is no key.
    pub(super) fn update_sorted(&mut self, key: &Bytes, set: Arc<SortedSet>) {
        if set.is_empty() {
            self.remove(key);
        } else {
            self.update(key, Value::Sorted(set));
        }
    }

    /// Gives a live key another deadline, or none.
    pub(super) fn retime(&mut self, key: &Bytes, expires: Option<i64>) {
        if let Some(entry) = self.entry(key).cloned() {
            let entry = Entry { expires, ..entry };
            self.keyspace.put(self.session.database, key, Some(entry), Cause::Retimed);
        }
    }

    /// Takes a live key away.
    pub(super) fn remove(&mut self, key: &Bytes) -> bool {
        self.exists(key) && self.keyspace.put(self.session.database, key, None, Cause::Del)
    }
}
