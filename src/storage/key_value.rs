//! The key-value client: what its calls mean, and how they are reported.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Value, cmd};

use super::StorageError;
use super::link::Link;
use super::optimistic::{Change, Decision, Found, Look};
use super::transaction::{commit, watch};
use crate::runtime::{self, Access, Kind, point, time};

/// How a [`KeyValue`] reaches its store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Host and port, for example `redis:6379`.
    pub address: String,
    /// The name of the store in access reports.
    pub store: String,
    /// How long one attempt to connect may take.
    pub connect_timeout: Duration,
    /// The least pause after an attempt to connect that failed or was abandoned.
    pub retry: Duration,
    /// How long one reply may take. `None`: as long as the caller's own deadline lets it.
    pub response_timeout: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: "redis:6379".to_owned(),
            store: "redis".to_owned(),
            connect_timeout: Duration::from_secs(5),
            retry: Duration::from_millis(100),
            response_timeout: None,
        }
    }
}

/// What came of a [`KeyValue::compare_and_set`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swap {
    /// The key held what was expected, and holds the new value.
    Done,
    /// The key held this instead; nothing was written.
    Differs(Option<String>),
}

/// A typed key-value client over Redis: strings under keys, each with a time to live.
///
/// Clones share their connections. It connects on first use and reconnects at the first call after a failure; it never
/// repeats a command by itself.
///
/// Every call passes the point `storage.before` before anything is sent and `storage.after` once the reply is there,
/// both about the key, and reports one access between them. The outcome in the report is one word for what happened
/// (`ok`, `absent`, `created`, `exists`, `updated`, `deleted`, `swapped`, `differs`), the kind of error
/// (`timed out`, `unavailable`, `refused`, `corrupt`), or `abandoned` for a call dropped before its reply.
///
/// # Cancellation
/// A call may be dropped at any await, as a timeout around it does. A write that was dropped may have taken effect, or
/// may still. Replies to others on the shared connection are not disturbed. But a dropped call may have met a stream that
/// a partition has stalled for good, so the connection is *suspect* from then on until any reply arrives on it: the next
/// call leaves a suspect connection to those who still wait on it and opens another. That costs a needless connect after
/// an impatient caller, and in return no call ever hangs because of an earlier one.
#[derive(Clone)]
pub struct KeyValue {
    link: Arc<Link>,
    store: Arc<str>,
}

impl fmt::Debug for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyValue").field("options", &self.link.options).finish_non_exhaustive()
    }
}

impl KeyValue {
    /// A client that has not connected yet.
    pub fn new(options: Options) -> Self {
        let store = options.store.as_str().into();
        Self { link: Arc::new(Link::new(options)), store }
    }

    /// The value under `key`.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn get(&self, key: &str) -> Result<Option<String>, StorageError> {
        self.perform(key, Kind::Read, None, cmd("GET").arg(key), found).await
    }

    /// The value under `key`, whose time to live begins anew.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn load(&self, key: &str, ttl: Duration) -> Result<Option<String>, StorageError> {
        self.perform(key, Kind::Read, None, cmd("GETEX").arg(key).arg("PX").arg(millis(ttl)), found).await
    }

    /// Writes a key that does not exist. False: it exists, and was left alone.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn create(&self, key: &str, value: &str, ttl: Duration) -> Result<bool, StorageError> {
        let command = &mut set(key, value, ttl);
        self.perform(key, Kind::ReadWrite, Some(value), command.arg("NX"), |reply| match reply {
            Value::Okay => Ok((true, "created")),
            Value::Nil => Ok((false, "exists")),
            other => Err(unexpected(&other)),
        })
        .await
    }

    /// Writes a key, whether it exists or not.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn upsert(&self, key: &str, value: &str, ttl: Duration) -> Result<(), StorageError> {
        self.perform(key, Kind::Write, Some(value), &set(key, value, ttl), |reply| match reply {
            Value::Okay => Ok(((), "ok")),
            other => Err(unexpected(&other)),
        })
        .await
    }

    /// Writes a key that exists, whatever it holds. False: it does not exist, and nothing was written.
    ///
    /// It is blind to what it overwrites, so it is reported as a plain write.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn update(&self, key: &str, value: &str, ttl: Duration) -> Result<bool, StorageError> {
        let command = &mut set(key, value, ttl);
        self.perform(key, Kind::Write, Some(value), command.arg("XX"), |reply| match reply {
            Value::Okay => Ok((true, "updated")),
            Value::Nil => Ok((false, "absent")),
            other => Err(unexpected(&other)),
        })
        .await
    }

    /// Deletes a key. False: there was none.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn delete(&self, key: &str) -> Result<bool, StorageError> {
        let command = Change::Delete(key).command();
        self.perform(key, Kind::Write, None, &command, |reply| match reply {
            Value::Int(0) => Ok((false, "absent")),
            Value::Int(1) => Ok((true, "deleted")),
            other => Err(unexpected(&other)),
        })
        .await
    }

    /// Counts a key up by one; one that does not exist counts from 0. It keeps the time to live it has, if any.
    ///
    /// # Errors
    /// See [`StorageError`]; refused where the key holds no number.
    pub async fn increment(&self, key: &str) -> Result<i64, StorageError> {
        self.perform(key, Kind::ReadWrite, None, cmd("INCR").arg(key), |reply| match reply {
            Value::Int(number) => Ok((number, "ok")),
            other => Err(unexpected(&other)),
        })
        .await
    }

    /// Begins a key's time to live anew. False: there is no such key.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn expire(&self, key: &str, ttl: Duration) -> Result<bool, StorageError> {
        let command = Change::Expire(key, ttl).command();
        self.perform(key, Kind::Read, None, &command, flag).await
    }

    /// Takes a member out of a sorted set. False: it was not in it.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn remove_member(&self, key: &str, member: &str) -> Result<bool, StorageError> {
        let command = Change::Remove(key, member).command();
        self.perform(key, Kind::Write, None, &command, flag).await
    }

    /// Replaces `expected` by `new` in one atomic step; `None` stands for no key on either side.
    ///
    /// A transaction on a connection of its own (`UNWATCH`, `WATCH`, `GET`, `MULTI`, the write, `EXEC`). When another client
    /// touches the key in between, even by only renewing its time to live, it looks again, as often as it takes: the
    /// caller's deadline is the bound.
    ///
    /// A call dropped before its end closes its connection. Its `EXEC` may already be on the way, so the swap may
    /// still be done after that: read back before relying on either.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn compare_and_set(
        &self,
        key: &str,
        expected: Option<&str>,
        new: Option<&str>,
        ttl: Duration,
    ) -> Result<Swap, StorageError> {
        let write = match new {
            Some(value) => Change::Set(key, value, ttl),
            None => Change::Delete(key),
        };
        self.decided(key, new, ["differs", "swapped"], &[key], &[Look::Text(key)], |found| {
            let [Found::Text(current)] = found else { return Err(StorageError::Corrupt("no text".to_owned())) };
            Ok(if current.as_deref() == expected {
                Decision::Write(vec![write], Swap::Done)
            } else {
                Decision::Leave(Swap::Differs(current.clone()))
            })
        })
        .await
    }

    /// Looks, decides and writes in one atomic step: if any of the keys that are `watched` is touched in between, it looks and
    /// decides again, as often as it takes. `key` is what it is about in reports: outcome `left` or `written`.
    ///
    /// Like [`KeyValue::compare_and_set`] a transaction on a connection of its own, in two round trips.
    ///
    /// # Errors
    /// See [`StorageError`]; and those of `decide`.
    pub async fn decide<'c, T>(
        &self,
        key: &str,
        watched: &[&str],
        looks: &[Look<'_>],
        decide: impl FnMut(&[Found]) -> Result<Decision<'c, T>, StorageError>,
    ) -> Result<T, StorageError> {
        self.decided(key, None, ["left", "written"], watched, looks, decide).await
    }

    async fn decided<'c, T>(
        &self,
        key: &str,
        value: Option<&str>,
        [left, written]: [&'static str; 2],
        watched: &[&str],
        looks: &[Look<'_>],
        decide: impl FnMut(&[Found]) -> Result<Decision<'c, T>, StorageError>,
    ) -> Result<T, StorageError> {
        point("storage.before", key).await;
        let report = Report::new(self, key, Kind::ReadWrite, value);
        // Boxed, as in `perform`: a caller's future would otherwise hold one for each of its calls.
        let work = Box::pin(self.transact(watched, looks, decide));
        let result = match self.link.options.response_timeout {
            None => work.await,
            Some(limit) => time::timeout(limit, work).await.unwrap_or(Err(StorageError::TimedOut)),
        };
        report.give(match &result {
            Ok((_, true)) => written,
            Ok((_, false)) => left,
            Err(error) => error.outcome(),
        });
        point("storage.after", key).await;
        result.map(|(answer, _)| answer)
    }

    /// The answer, and whether anything was written.
    async fn transact<'c, T>(
        &self,
        watched: &[&str],
        looks: &[Look<'_>],
        mut decide: impl FnMut(&[Found]) -> Result<Decision<'c, T>, StorageError>,
    ) -> Result<(T, bool), StorageError> {
        // Owned from here on: dropped on any way out but the last line, and so closed.
        let connection = self.link.take().await?;
        let answer = loop {
            let found = watch(&connection, watched, looks).await?;
            match decide(&found)? {
                Decision::Leave(answer) => break (answer, false),
                Decision::Write(changes, answer) => {
                    if commit(&connection, &changes).await? {
                        break (answer, true);
                    }
                }
            }
        };
        self.link.give_back(connection);
        Ok(answer)
    }

    async fn perform<T>(
        &self,
        key: &str,
        kind: Kind,
        value: Option<&str>,
        command: &Cmd,
        read: fn(Value) -> Result<(T, &'static str), StorageError>,
    ) -> Result<T, StorageError> {
        point("storage.before", key).await;
        let report = Report::new(self, key, kind, value);
        let result = Box::pin(self.link.command(command)).await.and_then(read);
        report.give(match &result {
            Ok((_, outcome)) => outcome,
            Err(error) => error.outcome(),
        });
        point("storage.after", key).await;
        result.map(|(value, _)| value)
    }
}

/// The one access that a call reports: with its outcome, or as abandoned when the call is dropped first.
struct Report<'a> {
    client: &'a KeyValue,
    key: &'a str,
    kind: Kind,
    value: Option<&'a str>,
    outcome: &'static str,
    since: time::Instant,
}

impl<'a> Report<'a> {
    fn new(client: &'a KeyValue, key: &'a str, kind: Kind, value: Option<&'a str>) -> Self {
        Self { client, key, kind, value, outcome: "abandoned", since: time::Instant::now() }
    }

    fn give(mut self, outcome: &'static str) {
        self.outcome = outcome;
    }
}

impl Drop for Report<'_> {
    fn drop(&mut self) {
        runtime::access(Access {
            store: self.client.store.clone(),
            key: self.key.into(),
            kind: self.kind,
            value: self.value.map(Arc::from),
            outcome: self.outcome.into(),
            changed: changed(self.kind, self.outcome),
            took: self.since.elapsed(),
        });
    }
}

/// Whether an access with this outcome changed the store, as far as its caller can know.
fn changed(kind: Kind, outcome: &str) -> Option<bool> {
    match outcome {
        _ if kind == Kind::Read => Some(false),
        "timed out" | "unavailable" | "corrupt" | "abandoned" => None,
        "absent" | "exists" | "differs" | "left" | "refused" => Some(false),
        _ => Some(true),
    }
}

/// A reply of 0 or 1.
fn flag(reply: Value) -> Result<(bool, &'static str), StorageError> {
    match reply {
        Value::Int(0) => Ok((false, "absent")),
        Value::Int(1) => Ok((true, "ok")),
        other => Err(unexpected(&other)),
    }
}

pub(super) fn set(key: &str, value: &str, ttl: Duration) -> Cmd {
    let mut command = cmd("SET");
    command.arg(key).arg(value).arg("PX").arg(millis(ttl));
    command
}

/// Redis counts in whole milliseconds; a longer time than it can hold is refused by the server, not shortened here.
pub(super) fn millis(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)
}

fn found(reply: Value) -> Result<(Option<String>, &'static str), StorageError> {
    let value = text(reply)?;
    let outcome = if value.is_some() { "ok" } else { "absent" };
    Ok((value, outcome))
}

pub(super) fn text(reply: Value) -> Result<Option<String>, StorageError> {
    match reply {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(StorageError::Corrupt("a value that is not UTF-8".to_owned())),
        },
        other => Err(unexpected(&other)),
    }
}

pub(super) fn unexpected(reply: &Value) -> StorageError {
    StorageError::Corrupt(format!("unexpected reply {reply:?}"))
}
