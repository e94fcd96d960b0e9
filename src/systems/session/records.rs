//! Sessions' records in storage, each call within its time.

use std::time::Duration;

use super::record::Record;
use super::timeouts::TTL;
use crate::runtime::fact;
use crate::runtime::time::{Instant, timeout};
use crate::storage::{KeyValue, StorageError, Swap};

/// Prefix of the keys that records live under.
pub(crate) const PREFIX: &str = "session:";

/// Why storage gave no answer. A write may have taken effect, or may still.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Outage {
    /// It took too long.
    #[error("storage did not answer within {0:?}")]
    TooSlow(Duration),
    /// It failed.
    #[error(transparent)]
    Failed(#[from] StorageError),
    /// What it holds is no record.
    #[error("the record of {0} cannot be read")]
    Unreadable(String),
}

/// How much time the storage calls of one operation have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    each: Duration,
    until: Option<Instant>,
}

impl Time {
    /// Each call has this much.
    pub(crate) fn each(each: Duration) -> Self {
        Self { each, until: None }
    }

    /// All calls together have this much from now on.
    pub(crate) fn shared(all: Duration) -> Self {
        Self { each: all, until: Some(Instant::now() + all) }
    }

    fn left(self) -> Duration {
        let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
        left.map_or(self.each, |left| left.min(self.each))
    }
}

/// A record with the exact text that storage holds of it.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) record: Record,
    pub(crate) text: String,
}

impl From<Record> for Stored {
    fn from(record: Record) -> Self {
        Self { text: record.text(), record }
    }
}

/// What came of a compare-and-set.
pub(crate) enum Swapped {
    /// Written.
    Done,
    /// Storage holds this instead.
    Differs(Option<Stored>),
}

/// All sessions' records.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    store: KeyValue,
}

impl Records {
    /// Over this client.
    pub(crate) fn new(store: KeyValue) -> Self {
        Self { store }
    }

    /// The record, whose time to live begins anew.
    pub(crate) async fn load(&self, id: &str, time: Time) -> Result<Option<Stored>, Outage> {
        let text = within(id, "load", time, self.store.load(&key(id), TTL)).await?;
        text.map(|text| read(id, text)).transpose()
    }

    /// The record, left to age.
    pub(crate) async fn peek(&self, id: &str, time: Time) -> Result<Option<Stored>, Outage> {
        let text = within(id, "peek", time, self.store.get(&key(id))).await?;
        text.map(|text| read(id, text)).transpose()
    }

    /// Writes a record unless there is one; true: there was none.
    pub(crate) async fn create(&self, id: &str, record: &Record, time: Time) -> Result<bool, Outage> {
        within(id, "create", time, self.store.create(&key(id), &record.text(), TTL)).await
    }

    /// Writes a record, whatever there is.
    pub(crate) async fn upsert(&self, id: &str, record: &Record, time: Time) -> Result<(), Outage> {
        within(id, "upsert", time, self.store.upsert(&key(id), &record.text(), TTL)).await
    }

    /// Writes a record if there is one, whatever it says; true: there was.
    pub(crate) async fn update(&self, id: &str, record: &Record, time: Time) -> Result<bool, Outage> {
        within(id, "update", time, self.store.update(&key(id), &record.text(), TTL)).await
    }

    /// Deletes a record, if there is one.
    pub(crate) async fn delete(&self, id: &str, time: Time) -> Result<(), Outage> {
        within(id, "delete", time, self.store.delete(&key(id))).await.map(drop)
    }

    /// Writes a record in place of exactly that one.
    pub(crate) async fn swap(&self, id: &str, from: &Stored, to: &Stored, time: Time) -> Result<Swapped, Outage> {
        let key = key(id);
        let swap = self.store.compare_and_set(&key, Some(&from.text), Some(&to.text), TTL);
        match within(id, "swap", time, swap).await? {
            Swap::Done => Ok(Swapped::Done),
            Swap::Differs(text) => Ok(Swapped::Differs(text.map(|text| read(id, text)).transpose()?)),
        }
    }
}

fn key(id: &str) -> String {
    format!("{PREFIX}{id}")
}

fn read(id: &str, text: String) -> Result<Stored, Outage> {
    match Record::parse(&text) {
        Some(record) => Ok(Stored { record, text }),
        None => Err(Outage::Unreadable(id.to_owned())),
    }
}

/// Awaits a call within its time. Giving up is a fact: how long it really waited.
async fn within<T>(
    id: &str,
    call: &'static str,
    time: Time,
    work: impl Future<Output = Result<T, StorageError>>,
) -> Result<T, Outage> {
    let allowed = time.left();
    let begun = Instant::now();
    if let Ok(result) = timeout(allowed, work).await {
        return Ok(result?);
    }
    fact(
        "session.gave-up",
        [("session", id.into()), ("call", call.into()), ("waited_ms", (begun.elapsed().as_millis() as u64).into())],
    );
    Err(Outage::TooSlow(allowed))
}
