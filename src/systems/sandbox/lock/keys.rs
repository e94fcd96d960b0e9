//! What of a lock is in Redis: a writer's key and a sorted set of readers scored by when their leases end, or, where
//! readers are not told from writers, one key for all.

use super::LEASE;
use crate::storage::{Change, Decision, Found, KeyValue, Look, StorageError, Swap};

/// Which lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Many readers or one writer.
    ReadWrite,
    /// One at a time.
    Single,
}

/// How it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Beside other readers.
    Shared,
    /// Alone.
    Exclusive,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::ReadWrite => "read-write",
            Self::Single => "single",
        }
    }
}

impl Mode {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Exclusive => "exclusive",
        }
    }
}

/// What one holder wants of one lock.
#[derive(Debug)]
pub(super) struct Keys {
    store: KeyValue,
    kind: Kind,
    mode: Mode,
    /// The writer's key, or the one key.
    key: String,
    readers: String,
    holder: String,
}

impl Keys {
    pub(super) fn new(store: KeyValue, kind: Kind, mode: Mode, tenant: &str, id: &str, holder: String) -> Self {
        let key = match kind {
            Kind::ReadWrite => format!("vfs:{tenant}:rwlock:{id}:writer"),
            Kind::Single => format!("vfs:{tenant}:lock:{id}"),
        };
        Self { store, kind, mode, key, readers: format!("vfs:{tenant}:rwlock:{id}:readers"), holder }
    }

    pub(super) fn holder(&self) -> &str {
        &self.holder
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// Tries to get it once.
    pub(super) async fn take(&self) -> Result<bool, StorageError> {
        match (self.kind, self.mode) {
            (Kind::Single, _) => self.store.create(&self.key, &self.holder, LEASE).await,
            (Kind::ReadWrite, Mode::Shared) => self.enter().await,
            (Kind::ReadWrite, Mode::Exclusive) => self.close().await,
        }
    }

    /// False: it is no longer this holder's.
    pub(super) async fn renew(&self) -> Result<bool, StorageError> {
        if self.is_reader() {
            return self.stay().await;
        }
        let (key, holder) = (&*self.key, &*self.holder);
        let swap = self.store.compare_and_set(key, Some(holder), Some(holder), LEASE).await?;
        Ok(swap == Swap::Done)
    }

    pub(super) async fn give_back(&self) -> Result<(), StorageError> {
        if self.is_reader() {
            return self.store.remove_member(&self.readers, &self.holder).await.map(drop);
        }
        self.store.compare_and_set(&self.key, Some(&self.holder), None, LEASE).await.map(drop)
    }

    fn is_reader(&self) -> bool {
        (self.kind, self.mode) == (Kind::ReadWrite, Mode::Shared)
    }

    /// Among the readers, unless there is a writer.
    async fn enter(&self) -> Result<bool, StorageError> {
        let looks = [Look::Text(&self.key), Look::Time];
        self.store
            .decide(&self.readers, &[&self.key], &looks, |found| {
                let [Found::Text(writer), Found::Time(now)] = found else { return Err(unlike()) };
                if writer.is_some() {
                    return Ok(Decision::Leave(false));
                }
                let changes = vec![
                    Change::RemoveUpTo(&self.readers, *now),
                    Change::Add(&self.readers, &self.holder, end(*now)),
                    Change::Expire(&self.readers, LEASE),
                ];
                Ok(Decision::Write(changes, true))
            })
            .await
    }

    /// The writer, unless there is one or there are readers whose leases have not ended.
    async fn close(&self) -> Result<bool, StorageError> {
        let looks = [Look::Text(&self.key), Look::Members(&self.readers), Look::Time];
        self.store
            .decide(&self.key, &[&self.key, &self.readers], &looks, |found| {
                let [Found::Text(writer), Found::Members(readers), Found::Time(now)] = found else {
                    return Err(unlike());
                };
                // Its own name is there where an earlier attempt got no answer.
                let taken = writer.as_ref().is_some_and(|writer| *writer != self.holder);
                if taken || readers.iter().any(|(_, ends)| ends > now) {
                    return Ok(Decision::Leave(false));
                }
                Ok(Decision::Write(vec![Change::Set(&self.key, &self.holder, LEASE)], true))
            })
            .await
    }

    /// Among the readers for longer, if it is one of them still.
    async fn stay(&self) -> Result<bool, StorageError> {
        let looks = [Look::Members(&self.readers), Look::Time];
        self.store
            .decide(&self.readers, &[&self.readers], &looks, |found| {
                let [Found::Members(readers), Found::Time(now)] = found else { return Err(unlike()) };
                if !readers.iter().any(|(reader, ends)| *reader == self.holder && ends > now) {
                    return Ok(Decision::Leave(false));
                }
                let changes =
                    vec![Change::Add(&self.readers, &self.holder, end(*now)), Change::Expire(&self.readers, LEASE)];
                Ok(Decision::Write(changes, true))
            })
            .await
    }
}

/// When a lease that begins now ends, in the store's own time.
fn end(now: u64) -> u64 {
    now + LEASE.as_millis() as u64
}

fn unlike() -> StorageError {
    StorageError::Corrupt("something else was found than was looked for".to_owned())
}
