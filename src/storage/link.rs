//! Who connects when: one attempt at a time, paced after a failure, and what becomes of connections that went bad.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::{Cmd, Value};
use tokio::sync::Mutex as Gate;

use super::connection::Connection;
use super::{Options, StorageError};
use crate::runtime::time::{self, Instant};

/// How many connections for transactions are kept for the next one.
const SPARE: usize = 4;

/// The connections of one client: one shared by all plain commands, and spare ones for transactions.
pub(super) struct Link {
    pub(super) options: Options,
    shared: Mutex<Option<Arc<Connection>>>,
    spare: Mutex<Vec<Connection>>,
    gate: Gate<Attempts>,
    failures: AtomicU64,
}

#[derive(Default)]
struct Attempts {
    /// Set while an attempt runs and after it failed, so that an abandoned one counts too.
    not_before: Option<Instant>,
    failed: Option<StorageError>,
}

impl Link {
    pub(super) fn new(options: Options) -> Self {
        Self {
            options,
            shared: Mutex::default(),
            spare: Mutex::default(),
            gate: Gate::default(),
            failures: AtomicU64::new(0),
        }
    }

    /// Performs one command on the shared connection.
    pub(super) async fn command(&self, command: &Cmd) -> Result<Value, StorageError> {
        let connection = self.shared().await?;
        let reply = match self.options.response_timeout {
            None => connection.command(command).await,
            Some(limit) => {
                time::timeout(limit, connection.command(command)).await.unwrap_or(Err(StorageError::TimedOut))
            }
        };
        if matches!(reply, Err(StorageError::Unavailable(_) | StorageError::Corrupt(_))) {
            self.retire(&connection);
        }
        reply
    }

    /// A connection for one transaction, to be given back with [`Link::give_back`] only once it is quiet again.
    pub(super) async fn take(&self) -> Result<Connection, StorageError> {
        loop {
            let spare = lock(&self.spare).pop();
            match spare {
                Some(connection) if connection.is_usable() => return Ok(connection),
                Some(_) => {}
                None => break,
            }
        }
        let seen = self.failures.load(Ordering::Relaxed);
        let mut attempts = self.gate.lock().await;
        self.attempt(&mut attempts, seen).await
    }

    pub(super) fn give_back(&self, connection: Connection) {
        let mut spare = lock(&self.spare);
        if spare.len() < SPARE {
            spare.push(connection);
        }
    }

    async fn shared(&self) -> Result<Arc<Connection>, StorageError> {
        if let Some(connection) = self.current() {
            return Ok(connection);
        }
        let seen = self.failures.load(Ordering::Relaxed);
        let mut attempts = self.gate.lock().await;
        if let Some(connection) = self.current() {
            return Ok(connection);
        }
        let connection = Arc::new(self.attempt(&mut attempts, seen).await?);
        *lock(&self.shared) = Some(connection.clone());
        Ok(connection)
    }

    fn current(&self) -> Option<Arc<Connection>> {
        lock(&self.shared).as_ref().filter(|connection| connection.is_usable()).cloned()
    }

    /// One attempt. Whoever queued while another failed shares that failure, or a queue would fail one timeout at a time.
    async fn attempt(&self, attempts: &mut Attempts, seen: u64) -> Result<Connection, StorageError> {
        if self.failures.load(Ordering::Relaxed) != seen
            && let Some(error) = &attempts.failed
        {
            return Err(error.clone());
        }
        if let Some(instant) = attempts.not_before {
            time::sleep_until(instant).await;
        }
        attempts.not_before = Some(Instant::now() + self.options.retry);
        match Connection::open(&self.options.address, self.options.connect_timeout).await {
            Ok(connection) => {
                *attempts = Attempts::default();
                Ok(connection)
            }
            Err(error) => {
                attempts.not_before = Some(Instant::now() + self.options.retry);
                attempts.failed = Some(error.clone());
                self.failures.fetch_add(1, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    fn retire(&self, broken: &Arc<Connection>) {
        let mut shared = lock(&self.shared);
        if shared.as_ref().is_some_and(|connection| Arc::ptr_eq(connection, broken)) {
            *shared = None;
        }
    }
}

/// A panic elsewhere leaves nothing half-done under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
