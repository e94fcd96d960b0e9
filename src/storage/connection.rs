//! One connection to the store and the task that drives it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, Pipeline, RedisConnectionInfo, Value};

use super::StorageError;
use crate::runtime::net::TcpStream;
use crate::runtime::task::{self, JoinHandle};
use crate::runtime::{activity, time};

/// A connection that ends, task and stream, when it is dropped: a stalled stream must not keep a task waiting on it.
pub(super) struct Connection {
    redis: MultiplexedConnection,
    driver: JoinHandle<()>,
    suspect: AtomicBool,
}

impl Connection {
    /// Connects. RESP2 without `CLIENT SETINFO` sends nothing before the first command.
    pub(super) async fn open(address: &str, limit: Duration) -> Result<Self, StorageError> {
        let stream = match time::timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(StorageError::Unavailable(format!("connecting to {address}: {error}"))),
            Err(_) => {
                return Err(StorageError::Unavailable(format!("connecting to {address}: no answer in {limit:?}")));
            }
        };
        // Best effort: without it a reply comes later, not wrong.
        let _ = stream.set_nodelay(true);
        let info = RedisConnectionInfo::default().set_skip_set_lib_name();
        // Deadlines are the caller's, on the runtime's clock.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let (redis, driver) = MultiplexedConnection::new_with_config(&info, stream, config).await?;
        // An activity of its own: the connection outlives the operation that happened to open it.
        let driver = task::spawn(activity("storage connection", driver));
        Ok(Self { redis, driver, suspect: AtomicBool::new(false) })
    }

    /// Whether the next call may use it: still open as far as is known, and no call was abandoned on it unanswered.
    pub(super) fn is_usable(&self) -> bool {
        !self.suspect.load(Ordering::Relaxed) && !self.driver.is_finished()
    }

    /// Sends one command and waits for its reply.
    pub(super) async fn command(&self, command: &Cmd) -> Result<Value, StorageError> {
        let suspicion = Suspicion(&self.suspect);
        let reply = self.redis.clone().send_packed_command(command).await;
        suspicion.heard();
        sound(reply?)
    }

    /// Sends several commands in one write and waits for all replies.
    pub(super) async fn commands(&self, commands: &Pipeline) -> Result<Vec<Value>, StorageError> {
        let suspicion = Suspicion(&self.suspect);
        let replies = self.redis.clone().send_packed_commands(commands, 0, commands.len()).await;
        suspicion.heard();
        replies?.into_iter().map(sound).collect()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Held while a reply is awaited. Dropped before it came, it makes the connection suspect; any reply clears it.
struct Suspicion<'a>(&'a AtomicBool);

impl Suspicion<'_> {
    fn heard(self) {
        self.0.store(false, Ordering::Relaxed);
        std::mem::forget(self);
    }
}

impl Drop for Suspicion<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn sound(reply: Value) -> Result<Value, StorageError> {
    match reply {
        Value::ServerError(error) => {
            Err(StorageError::Refused(format!("{} {}", error.code(), error.details().unwrap_or_default())))
        }
        reply => Ok(reply),
    }
}
