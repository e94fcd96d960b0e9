//! A live session in a pod's memory: what it knows of its record, its connections to backends, and its end.
//!
//! A decorated or updated session is a new object around the same connections, so that an object never changes and its
//! identity tells whether it is still the one that was looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::Notify;

use super::connection::{Connection, Hello};
use super::outcome::Listing;
use super::record::Record;
use super::records::Stored;
use super::timeouts::{BACKEND_INIT, BACKENDS_AT_ONCE, TOOL_CALL};
use crate::runtime::time::{Instant, timeout, timeout_at};

/// Why a session manager does not do what it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// There is no such session, or it has been terminated.
    #[error("no such session")]
    NotFound,
    /// It is somebody else's.
    #[error("the session belongs to another identity")]
    Forbidden,
    /// It has no such tool.
    #[error("the session has no such tool")]
    NoTool,
    /// It was changed by somebody else meanwhile.
    #[error("the session was changed meanwhile")]
    Conflict,
    /// It was closed while in use.
    #[error("the session is closed")]
    Closed,
    /// A backend did not do its part.
    #[error("a backend failed")]
    Backend,
    /// Storage could not be reached, or the pod is draining.
    #[error("unavailable, try again")]
    Unavailable,
}

/// Opens connections to backends on behalf of one start of a pod, and numbers what it makes.
pub(crate) struct Dialer {
    boot: String,
    backends: BTreeMap<String, String>,
    next: AtomicU64,
}

impl Dialer {
    /// For one start of a pod; `backends` are the registry, by name, with their addresses.
    pub(crate) fn new(boot: String, backends: BTreeMap<String, String>) -> Self {
        Self { boot, backends, next: AtomicU64::new(0) }
    }

    /// Which start of the pod.
    pub(crate) fn boot(&self) -> &str {
        &self.boot
    }

    /// The names of all registered backends.
    pub(crate) fn registered(&self) -> impl Iterator<Item = &str> {
        self.backends.keys().map(String::as_str)
    }

    /// A number that this start of the pod has not given before.
    pub(crate) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A word that nobody has given before.
    pub(crate) fn stamp(&self) -> String {
        format!("{}/{}", self.boot, self.number())
    }

    async fn open(&self, id: &str, owner: &str, backend: &str, hint: &str) -> Option<Connection> {
        let address = self.backends.get(backend)?;
        let token = self.stamp();
        let hello = Hello { token: &token, boot: &self.boot, session: id, owner, hint };
        match Connection::open(address, hello).await {
            Ok(connection) => Some(connection),
            Err(error) => {
                tracing::warn!(session = id, backend, %error, "cannot open a backend connection");
                None
            }
        }
    }

    /// Opens connections to backends, several side by side; those that fail or are too late are left out.
    pub(crate) async fn open_all(
        &self,
        id: &str,
        owner: &str,
        wanted: Vec<(String, String)>,
        until: Option<Instant>,
    ) -> BTreeMap<String, Connection> {
        let opening = wanted.into_iter().map(async |(backend, hint)| {
            let opening = self.open(id, owner, &backend, &hint);
            let opened = match until {
                Some(until) => timeout_at(until, opening).await,
                None => timeout(BACKEND_INIT, opening).await,
            };
            opened.ok().flatten().map(|connection| (backend, connection))
        });
        stream::iter(opening).buffer_unordered(BACKENDS_AT_ONCE).filter_map(std::future::ready).collect().await
    }
}

/// The session's part at one backend.
struct Slot {
    hint: String,
    link: Mutex<Link>,
    /// Held while a lost connection is opened anew, so that it is opened once.
    dialing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Link {
    connection: Option<Arc<Connection>>,
    retired: bool,
}

#[derive(Default)]
struct Gate {
    closed: bool,
    in_flight: usize,
}

/// The connections of a session, and its calls in flight; shared by all objects that stand for it on a pod.
struct Core {
    owner: String,
    dialer: Arc<Dialer>,
    slots: BTreeMap<String, Slot>,
    gate: Mutex<Gate>,
    idle: Notify,
}

/// A live session.
pub(crate) struct MultiSession {
    id: Arc<str>,
    number: u64,
    stored: Stored,
    core: Arc<Core>,
}

impl fmt::Debug for MultiSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MultiSession").field("id", &self.id).field("number", &self.number).finish_non_exhaustive()
    }
}

impl MultiSession {
    /// A session with these connections. Backends of the record that have none are connected when they are called.
    pub(crate) fn new(
        id: &Arc<str>,
        stored: Stored,
        mut connections: BTreeMap<String, Connection>,
        dialer: &Arc<Dialer>,
    ) -> Arc<Self> {
        let slots = stored.record.backends().unwrap_or_default().into_iter().map(|backend| {
            let connection = connections.remove(backend).map(Arc::new);
            let hint = match &connection {
                Some(connection) => connection.hint().to_owned(),
                None => stored.record.hint(backend).to_owned(),
            };
            let link = Mutex::new(Link { connection, retired: false });
            (backend.to_owned(), Slot { hint, link, dialing: tokio::sync::Mutex::default() })
        });
        let core = Core {
            owner: stored.record.owner().to_owned(),
            slots: slots.collect(),
            dialer: dialer.clone(),
            gate: Mutex::default(),
            idle: Notify::new(),
        };
        Arc::new(Self { id: id.clone(), number: dialer.number(), stored, core: Arc::new(core) })
    }

    /// What stands in the cache for a session that is being terminated.
    pub(crate) fn sentinel(dialer: &Arc<Dialer>) -> Arc<Self> {
        let mut record = Record::default();
        record.terminate();
        Self::new(&"sentinel".into(), record.into(), BTreeMap::new(), dialer)
    }

    /// Another object for the same session, which knows this of its record.
    pub(crate) fn knowing(&self, stored: Stored) -> Arc<Self> {
        let number = self.core.dialer.number();
        Arc::new(Self { id: self.id.clone(), number, stored, core: self.core.clone() })
    }

    /// The session's id.
    pub(crate) fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The number of this object on this start of the pod.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// What it knows of its record.
    pub(crate) fn record(&self) -> &Record {
        &self.stored.record
    }

    /// The same with the text that storage held.
    pub(crate) fn stored(&self) -> &Stored {
        &self.stored
    }

    /// Whether both stand for the same connections.
    pub(crate) fn shares(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.core, &other.core)
    }

    /// Its tools.
    pub(crate) fn listing(&self) -> Listing {
        let owned = |set: BTreeSet<&str>| set.into_iter().map(str::to_owned).collect();
        Listing {
            backends: owned(self.record().backends().unwrap_or_default()),
            decorations: owned(self.record().decorations()),
        }
    }

    /// The names of its open connections.
    pub(crate) fn connections(&self) -> Vec<String> {
        let connections = self.core.slots.values().filter_map(|slot| slot.link().connection.clone());
        connections.map(|connection| connection.token().to_owned()).collect()
    }

    /// Calls a backend's tool, which takes this long.
    ///
    /// # Errors
    /// When the session is closed, has no such tool, or the backend fails.
    pub(crate) async fn call(&self, backend: &str, takes: Duration, caller: &str) -> Result<(), Refusal> {
        let _pass = self.core.enter()?;
        if !self.record().has_backend(backend) {
            return Err(Refusal::NoTool);
        }
        let slot = self.core.slots.get(backend).ok_or(Refusal::NoTool)?;
        let connection = self.connection(backend, slot).await?;
        match timeout(TOOL_CALL, connection.call(takes, caller)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                tracing::warn!(session = %self.id, backend, %error, "a tool call failed");
                Err(Refusal::Backend)
            }
            Err(_) => {
                tracing::warn!(session = %self.id, backend, "a tool call took too long");
                Err(Refusal::Backend)
            }
        }
    }

    /// The slot's connection, opened anew if it was lost.
    async fn connection(&self, backend: &str, slot: &Slot) -> Result<Arc<Connection>, Refusal> {
        if let Some(connection) = slot.usable()? {
            return Ok(connection);
        }
        let _dialing = slot.dialing.lock().await;
        if let Some(connection) = slot.usable()? {
            return Ok(connection);
        }
        let lost = slot.link().connection.take();
        if let Some(lost) = lost {
            lost.close().await;
        }
        let opening = self.core.dialer.open(&self.id, &self.core.owner, backend, &slot.hint);
        let opened = timeout(BACKEND_INIT, opening).await.ok().flatten().ok_or(Refusal::Backend)?;
        let opened = Arc::new(opened);
        {
            let mut link = slot.link();
            if !link.retired {
                link.connection = Some(opened.clone());
                return Ok(opened);
            }
        }
        // The backend was dropped from the session while its connection was on the way.
        opened.close().await;
        Err(Refusal::NoTool)
    }

    /// Closes the connections to backends that are not in `left`, and opens none to them again.
    pub(crate) async fn retain(&self, left: &BTreeSet<&str>) {
        let dropped: Vec<_> = self
            .core
            .slots
            .iter()
            .filter(|(backend, _)| !left.contains(backend.as_str()))
            .filter_map(|(_, slot)| slot.retire())
            .collect();
        for connection in dropped {
            connection.close().await;
        }
    }

    /// Admits no more calls, waits for those in flight, and closes all connections. Later calls of this return at once.
    pub(crate) async fn close(&self) {
        {
            let mut gate = self.core.gate();
            if gate.closed {
                return;
            }
            gate.closed = true;
        }
        loop {
            let idle = self.core.idle.notified();
            if self.core.gate().in_flight == 0 {
                break;
            }
            idle.await;
        }
        let connections: Vec<_> = self.core.slots.values().filter_map(Slot::retire).collect();
        for connection in connections {
            connection.close().await;
        }
    }
}

impl Core {
    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self) -> Result<Pass<'_>, Refusal> {
        let mut gate = self.gate();
        if gate.closed {
            return Err(Refusal::Closed);
        }
        gate.in_flight += 1;
        Ok(Pass(self))
    }
}

/// A call in flight.
struct Pass<'a>(&'a Core);

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut gate = self.0.gate();
        gate.in_flight -= 1;
        if gate.in_flight == 0 {
            // There is one who waits: the first to close.
            self.0.idle.notify_one();
        }
    }
}

impl Slot {
    fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn usable(&self) -> Result<Option<Arc<Connection>>, Refusal> {
        let link = self.link();
        if link.retired {
            return Err(Refusal::NoTool);
        }
        Ok(link.connection.clone().filter(|connection| !connection.is_broken()))
    }

    /// Ends the slot; gives the connection that is left to close.
    fn retire(&self) -> Option<Arc<Connection>> {
        let mut link = self.link();
        link.retired = true;
        link.connection.take()
    }
}
