//! A session: what one replica has in memory of one sandbox, and the pool of connections that it works over.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use tokio::sync::RwLock;

use super::manager::{Looked, Pools};
use super::policy::Readers;
use super::stamp::Stamp;
use super::tree::Tree;
use super::version::Count;
use crate::cache::SingleFlight;
use crate::runtime::fact;
use crate::runtime::time::Instant;
use crate::storage::Rows;

/// How many contents a session keeps: of the size that files have here, well below upstream's 50 MB.
const CONTENTS: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// Which sandbox of which tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Whose it is.
    pub(crate) tenant: Arc<str>,
    /// Its id.
    pub(crate) id: Arc<str>,
}

/// What one replica has in memory of one sandbox.
pub(crate) struct Session {
    pub(crate) key: Key,
    /// No two sessions have the same.
    pub(crate) identity: Arc<str>,
    /// Its own connections.
    pub(crate) rows: Rows,
    /// Keeps writers apart from each other and from readers, on this replica.
    pub(crate) local: Arc<RwLock<()>>,
    /// Looks at its freshness that are under way.
    pub(crate) looks: SingleFlight<(), Looked>,
    readers: Readers,
    pools: Pools,
    contents: Mutex<LruCache<String, Arc<str>>>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tree: Option<Arc<Tree>>,
    /// What the counter said when the tree was last known to be good.
    seen: Option<Count>,
    /// A write has been committed that other replicas have not been told of.
    pending: bool,
    closing: bool,
    users: usize,
    last_used: Instant,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl Session {
    /// With a pool of its own, and no tree.
    pub(crate) fn new(key: Key, identity: Arc<str>, rows: Rows, readers: Readers, pools: &Pools) -> Self {
        fact("sandbox.pool-opened", [("sandbox", key.id.clone().into()), ("session", identity.clone().into())]);
        pools.open(&identity, &rows);
        let state =
            State { tree: None, seen: None, pending: false, closing: false, users: 0, last_used: Instant::now() };
        Self {
            key,
            identity,
            rows,
            local: Arc::default(),
            looks: SingleFlight::new(),
            readers,
            pools: pools.clone(),
            contents: Mutex::new(LruCache::new(CONTENTS)),
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tree it has now.
    pub(crate) fn tree(&self) -> Option<Arc<Tree>> {
        self.state().tree.clone()
    }

    /// As of when its tree is.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        self.state().tree.as_ref().map(|tree| tree.stamp)
    }

    /// Has another tree from now on.
    pub(crate) fn install(&self, tree: Arc<Tree>) {
        self.state().tree = Some(tree);
    }

    /// Has another tree from now on, unless the one it has is newer.
    pub(crate) fn advance(&self, tree: Arc<Tree>) {
        let mut state = self.state();
        if state.tree.as_ref().is_none_or(|own| own.stamp < tree.stamp) {
            state.tree = Some(tree);
        }
    }

    /// Has no tree that could be relied on: the next request loads one.
    pub(crate) fn distrust(&self) {
        let mut state = self.state();
        state.tree = None;
        state.seen = None;
    }

    /// What the counter said when its tree was last known to be good.
    pub(crate) fn seen(&self) -> Option<Count> {
        self.state().seen
    }

    /// The tree is good for this count.
    pub(crate) fn see(&self, count: Option<Count>) {
        self.state().seen = count;
    }

    /// Whether a write is still to be told of.
    pub(crate) fn is_pending(&self) -> bool {
        self.state().pending
    }

    /// A write is still to be told of, or no longer. Returns what was so before.
    pub(crate) fn set_pending(&self, pending: bool) -> bool {
        std::mem::replace(&mut self.state().pending, pending)
    }

    /// Whether it takes no more requests.
    pub(crate) fn is_closing(&self) -> bool {
        self.state().closing
    }

    /// Takes no more requests. False: it was closing already.
    pub(crate) fn close(&self, why: &'static str) -> bool {
        let first = !std::mem::replace(&mut self.state().closing, true);
        if first {
            fact(
                "sandbox.closing",
                [
                    ("sandbox", self.key.id.clone().into()),
                    ("session", self.identity.clone().into()),
                    ("why", why.into()),
                ],
            );
        }
        first
    }

    /// Since when nobody has used it; `None`: somebody does.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.users == 0).then_some(state.last_used)
    }

    /// Uses it until what is returned is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> Use {
        let mut state = self.state();
        state.users += 1;
        state.last_used = Instant::now();
        Use(self.clone())
    }

    /// Lets go of its connections: at once, or when the last who uses it is done.
    pub(crate) fn disconnect(&self) {
        let busy = self.state().users > 0;
        if self.readers == Readers::Shared || !busy {
            self.pools.close(self);
        }
    }

    /// The content under a hash, if it is at hand.
    pub(crate) fn content(&self, sha256: &str) -> Option<Arc<str>> {
        self.contents().get(sha256).cloned()
    }

    /// Keeps a content at hand.
    pub(crate) fn remember(&self, sha256: &str, content: Arc<str>) {
        self.contents().put(sha256.to_owned(), content);
    }

    fn contents(&self) -> MutexGuard<'_, LruCache<String, Arc<str>>> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session in use.
#[derive(Debug)]
pub(crate) struct Use(Arc<Session>);

impl std::ops::Deref for Use {
    type Target = Arc<Session>;

    fn deref(&self) -> &Arc<Session> {
        &self.0
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        let last = {
            let mut state = self.0.state();
            state.users -= 1;
            state.last_used = Instant::now();
            state.users == 0 && state.closing
        };
        if last {
            self.0.pools.close(&self.0);
        }
    }
}
