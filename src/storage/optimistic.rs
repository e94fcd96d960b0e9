//! Look, decide, write, in one atomic step: what a transaction may look at and may change.

use std::time::Duration;

use redis::{Cmd, Value, cmd};

use super::StorageError;
use super::key_value::{millis, set, text, unexpected};

/// Something to look at before deciding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look<'a> {
    /// The text under a key.
    Text(&'a str),
    /// The members of a sorted set with their scores, which must be whole numbers, lowest first.
    Members(&'a str),
    /// The store's own time.
    Time,
}

/// What was found, in the order of the looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The text, if there is one.
    Text(Option<String>),
    /// Members and scores; none where there is no such key.
    Members(Vec<(String, u64)>),
    /// Milliseconds since 1970.
    Time(u64),
}

/// A change to make if nothing watched has been touched since the look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// This text under a key, whatever there is.
    Set(&'a str, &'a str, Duration),
    /// No such key.
    Delete(&'a str),
    /// A member of a sorted set, with this score from now on.
    Add(&'a str, &'a str, u64),
    /// A sorted set without this member.
    Remove(&'a str, &'a str),
    /// A sorted set without all members up to this score.
    RemoveUpTo(&'a str, u64),
    /// Another time to live for a key that exists.
    Expire(&'a str, Duration),
}

/// What was decided, and what whoever asked is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision<'a, T> {
    /// Nothing is written.
    Leave(T),
    /// All of this is written, or nothing: then it is looked at and decided again.
    Write(Vec<Change<'a>>, T),
}

impl Look<'_> {
    pub(super) fn command(self) -> Cmd {
        match self {
            Self::Text(key) => cmd("GET").arg(key).to_owned(),
            Self::Members(key) => cmd("ZRANGE").arg(key).arg(0).arg(-1).arg("WITHSCORES").to_owned(),
            Self::Time => cmd("TIME"),
        }
    }

    pub(super) fn read(self, reply: Value) -> Result<Found, StorageError> {
        match self {
            Self::Text(_) => text(reply).map(Found::Text),
            Self::Members(_) => members(reply).map(Found::Members),
            Self::Time => moment(reply).map(Found::Time),
        }
    }
}

impl Change<'_> {
    pub(super) fn command(self) -> Cmd {
        match self {
            Self::Set(key, value, ttl) => set(key, value, ttl),
            Self::Delete(key) => cmd("DEL").arg(key).to_owned(),
            Self::Add(key, member, score) => cmd("ZADD").arg(key).arg(score).arg(member).to_owned(),
            Self::Remove(key, member) => cmd("ZREM").arg(key).arg(member).to_owned(),
            Self::RemoveUpTo(key, score) => cmd("ZREMRANGEBYSCORE").arg(key).arg("-inf").arg(score).to_owned(),
            Self::Expire(key, ttl) => cmd("PEXPIRE").arg(key).arg(millis(ttl)).to_owned(),
        }
    }
}

fn members(reply: Value) -> Result<Vec<(String, u64)>, StorageError> {
    let Value::Array(flat) = reply else { return Err(unexpected(&reply)) };
    let mut members = Vec::new();
    let mut flat = flat.into_iter();
    while let (Some(member), Some(score)) = (flat.next(), flat.next()) {
        let member = text(member)?.unwrap_or_default();
        let score = text(score)?.unwrap_or_default();
        let whole = score.parse();
        members.push((member, whole.map_err(|_| StorageError::Corrupt(format!("a score of {score}")))?));
    }
    Ok(members)
}

fn moment(reply: Value) -> Result<u64, StorageError> {
    let Value::Array(parts) = reply else { return Err(unexpected(&reply)) };
    let mut numbers =
        parts.into_iter().map(|part| text(part).map(|part| part.and_then(|part| part.parse::<u64>().ok())));
    match (numbers.next().transpose()?.flatten(), numbers.next().transpose()?.flatten()) {
        (Some(seconds), Some(micros)) => Ok(seconds * 1_000 + micros / 1_000),
        _ => Err(StorageError::Corrupt("a time that is no time".to_owned())),
    }
}
