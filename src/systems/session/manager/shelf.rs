//! The pod's cache of live sessions, with what must happen around each change of it: victims are closed, who waits for
//! that is a matter of policy, and the buried stay out.

use std::collections::{BTreeSet, VecDeque};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;

use crate::cache::{Options, RestorableCache};
use crate::runtime::{fact, task};
use crate::systems::session::live::MultiSession;
use crate::systems::session::policy::{Bound, Drain, Evict, Policy};

type Cache = RestorableCache<Arc<str>, Arc<MultiSession>>;

/// How many ended sessions a pod remembers: far more than can be under way at a time.
const GRAVES: usize = 4096;

/// The sessions that this pod has ended, and whether it takes any at all.
#[derive(Default)]
struct Graves {
    ids: BTreeSet<Arc<str>>,
    order: VecDeque<Arc<str>>,
    draining: bool,
}

/// The pod's cache of live sessions.
pub(super) struct Shelf {
    cache: Cache,
    capacity: u32,
    drain: Drain,
    evict: Evict,
    /// Objects out of the cache that have yet to be closed.
    out: Arc<Mutex<Vec<Arc<MultiSession>>>>,
    /// The lock that some forms hold while an evicted session finishes its calls.
    mu: tokio::sync::Mutex<()>,
    graves: Mutex<Graves>,
}

impl Shelf {
    /// An empty cache of this capacity, where the policy bounds it.
    pub(super) fn new(pod: &str, capacity: u32, policy: &Policy) -> Self {
        let out = Arc::<Mutex<Vec<Arc<MultiSession>>>>::default();
        let victims = out.clone();
        let bound = match policy.bound {
            Bound::Unbounded => None,
            Bound::Lru => NonZeroUsize::new(capacity as usize),
        };
        let options = Options { store: format!("cache {pod}"), capacity: bound };
        Self {
            cache: Cache::new(options, move |_, victim| lock(&victims).push(victim)),
            capacity,
            drain: policy.drain,
            evict: policy.evict,
            out,
            mu: tokio::sync::Mutex::default(),
            graves: Mutex::default(),
        }
    }

    /// The object under an id, which is used thereby.
    pub(super) fn get(&self, id: &Arc<str>) -> Option<Arc<MultiSession>> {
        self.cache.get(id)
    }

    /// The object under an id, which is only looked at.
    pub(super) fn peek(&self, id: &Arc<str>) -> Option<Arc<MultiSession>> {
        self.cache.peek(id)
    }

    /// All objects.
    pub(super) fn all(&self) -> Vec<Arc<MultiSession>> {
        self.cache.keys().iter().filter_map(|id| self.cache.peek(id)).collect()
    }

    /// Puts an object under an id. What it replaces is forgotten, not closed.
    pub(super) async fn set(&self, id: &Arc<str>, session: Arc<MultiSession>) {
        self.change(|_| {
            self.cache.set(id, session.clone());
            self.shelved(&session);
        })
        .await;
    }

    /// Puts an object under an id unless there is one, or the session has been buried; says which.
    pub(super) async fn add(&self, id: &Arc<str>, session: &Arc<MultiSession>) -> Added {
        self.change(|_| {
            // Held across the insertion: a burial comes before it, or finds it.
            let graves = self.graves();
            if graves.draining || graves.ids.contains(id) {
                return Added::Refused;
            }
            if let Some(present) = self.cache.add_if_absent(id, session.clone()) {
                return Added::Present(present);
            }
            self.shelved(session);
            Added::Done
        })
        .await
    }

    /// Puts an object in the place of another; false: that one is no longer there.
    pub(super) async fn swap(&self, from: &Arc<MultiSession>, to: &Arc<MultiSession>) -> bool {
        self.change(|_| {
            let swapped = self.cache.compare_and_swap(from.id(), from, to.clone());
            if swapped {
                self.shelved(to);
            }
            swapped
        })
        .await
    }

    /// Evicts what a Get has found expired: that object, or whatever there is under its id by now.
    pub(super) async fn evict(&self, checked: &Arc<MultiSession>) {
        self.change(|out| {
            let evicted = match self.evict {
                Evict::SameEntry => self.cache.remove_if_same(checked.id(), checked).then(|| checked.clone()),
                Evict::ByKey => self.cache.remove(checked.id()),
            };
            if let Some(evicted) = evicted {
                report_eviction(&evicted);
                out.push(evicted);
            }
        })
        .await;
    }

    /// Removes and closes whatever there is under an id.
    pub(super) async fn remove(&self, id: &Arc<str>) {
        self.change(|out| out.extend(self.cache.remove(id))).await;
    }

    /// Deletes whatever there is under an id, and closes nothing.
    pub(super) fn forget(&self, id: &Arc<str>) {
        drop(self.cache.remove(id));
    }

    /// Removes and closes whatever there is under an id, and lets nothing in again.
    pub(super) async fn bury(&self, id: &Arc<str>) {
        self.change(|out| {
            let mut graves = self.graves();
            if graves.ids.insert(id.clone()) {
                graves.order.push_back(id.clone());
                if graves.order.len() > GRAVES
                    && let Some(oldest) = graves.order.pop_front()
                {
                    graves.ids.remove(&oldest);
                }
            }
            out.extend(self.cache.remove(id));
        })
        .await;
    }

    /// Lets nothing in any more, and closes all there is. Waits for their calls.
    pub(super) async fn drain(&self) {
        self.graves().draining = true;
        let all: Vec<_> = self.cache.keys().iter().filter_map(|id| self.cache.remove(id)).collect();
        // Tasks of their own: whoever waits may give up, but what is closing must come to its end.
        join_all(all.into_iter().map(|session| task::spawn(async move { session.close().await }))).await;
    }

    /// Whether nothing is let in any more.
    pub(super) fn is_draining(&self) -> bool {
        self.graves().draining
    }

    /// Closes an object that is not in the cache.
    pub(super) async fn close(&self, session: Arc<MultiSession>) {
        match self.drain {
            Drain::Detached => drop(task::spawn(async move { session.close().await })),
            Drain::Caller | Drain::UnderLock => session.close().await,
        }
    }

    /// Changes the cache, and closes what `act` and the capacity have put out of it.
    async fn change<T>(&self, act: impl FnOnce(&mut Vec<Arc<MultiSession>>) -> T) -> T {
        let _mu = match self.drain {
            Drain::UnderLock => Some(self.mu.lock().await),
            Drain::Caller | Drain::Detached => None,
        };
        let mut closing = Vec::new();
        let result = act(&mut closing);
        closing.append(&mut lock(&self.out));
        for session in closing {
            self.close(session).await;
        }
        result
    }

    fn graves(&self) -> MutexGuard<'_, Graves> {
        lock(&self.graves)
    }

    fn shelved(&self, session: &MultiSession) {
        fact(
            "session.shelved",
            [
                ("session", session.id().clone().into()),
                ("object", session.number().into()),
                ("live", (!session.record().is_terminated()).into()),
                ("entries", self.cache.len().into()),
                ("capacity", u64::from(self.capacity).into()),
            ],
        );
    }
}

/// What came of [`Shelf::add`].
pub(super) enum Added {
    /// It is in.
    Done,
    /// This one was there already.
    Present(Arc<MultiSession>),
    /// The session has been buried, or the pod is draining.
    Refused,
}

fn report_eviction(evicted: &MultiSession) {
    let listing = evicted.listing();
    fact(
        "session.expired",
        [
            ("session", evicted.id().clone().into()),
            ("object", evicted.number().into()),
            ("backends", listing.backends.join(",").into()),
            ("decorations", listing.decorations.join(",").into()),
        ],
    );
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
