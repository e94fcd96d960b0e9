//! The pool: how many connections there are at most, who waits for one, and which are used again.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::RowsError;
use super::connection::Connection;
use crate::runtime::time;

/// How a [`Rows`](super::Rows) reaches its database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowsOptions {
    /// Host and port, for example `postgres:5432`.
    pub address: String,
    /// The role that connects.
    pub user: String,
    /// The database to connect to.
    pub database: String,
    /// What the client calls itself: `application_name`.
    pub application: String,
    /// The name of the store in access reports: the server's own in its ground truth.
    pub store: String,
    /// The most connections at once.
    pub connections: usize,
    /// How long one attempt to connect may take.
    pub connect_timeout: Duration,
    /// How long to wait for a connection to come free.
    pub acquire_timeout: Duration,
    /// How long one statement may take. `None`: as long as the caller's own deadline lets it.
    pub statement_timeout: Option<Duration>,
}

impl Default for RowsOptions {
    fn default() -> Self {
        Self {
            address: "postgres:5432".to_owned(),
            user: "sexton".to_owned(),
            database: "sexton".to_owned(),
            application: "sexton".to_owned(),
            store: "postgres".to_owned(),
            connections: 10,
            connect_timeout: Duration::from_secs(5),
            acquire_timeout: Duration::from_secs(30),
            statement_timeout: None,
        }
    }
}

/// What the clones of one client share.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) options: RowsOptions,
    pub(super) store: Arc<str>,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

/// A connection that is in use. Dropped, it is closed; see [`Lease::give_back`].
pub(super) struct Lease {
    connection: Connection,
    pool: Arc<Pool>,
    /// Dropped last: who waits for a connection opens one only when this one is gone.
    _place: OwnedSemaphorePermit,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.connection.fmt(f)
    }
}

const CLOSED: RowsError = RowsError::Closed("the pool has been closed");

impl Pool {
    pub(super) fn new(options: RowsOptions) -> Self {
        let places = Arc::new(Semaphore::new(options.connections));
        Self { store: options.store.as_str().into(), options, places, idle: Mutex::default() }
    }

    /// A connection that nobody uses, the latest used first, or a new one.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease, RowsError> {
        let place = match self.places.clone().try_acquire_owned() {
            Ok(place) => place,
            Err(_) => self.wait_for_place().await?,
        };
        loop {
            let idle = self.idle().pop();
            let connection = match idle {
                Some(connection) => match connection.if_open().await {
                    Some(connection) => connection,
                    None => continue,
                },
                None => Connection::open(&self.options).await?,
            };
            return Ok(Lease { connection, pool: self.clone(), _place: place });
        }
    }

    async fn wait_for_place(&self) -> Result<OwnedSemaphorePermit, RowsError> {
        let limit = self.options.acquire_timeout;
        match time::timeout(limit, self.places.clone().acquire_owned()).await {
            Ok(place) => place.map_err(|_| CLOSED),
            Err(_) => Err(RowsError::TimedOut(format!("no connection came free in {limit:?}"))),
        }
    }

    /// Lets go of idle connections now, of others as they come back, and gives out none any more.
    pub(super) fn close(&self) {
        self.places.close();
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.places.is_closed()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        // A panic elsewhere leaves nothing half-done under this lock.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    pub(super) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Lets the next one use it. Only for a connection on which nothing is open or on its way.
    pub(super) fn give_back(self) {
        let Self { connection, pool, _place } = self;
        if !pool.is_closed() {
            pool.idle().push(connection);
        }
    }
}
