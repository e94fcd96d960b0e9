//! The restorable cache: live objects by key, with a bound on how many, the least recently used giving way.

use std::fmt;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use super::SingleFlight;
use crate::runtime::{self, Access, Kind};

/// Whether two handles are of one and the same object, whatever it holds.
pub trait Identity {
    /// True for handles of the same object.
    fn same(&self, other: &Self) -> bool;
}

impl<T: ?Sized> Identity for Arc<T> {
    fn same(&self, other: &Self) -> bool {
        Self::ptr_eq(self, other)
    }
}

/// How a [`RestorableCache`] is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The name of the cache in access reports, for example `cache pod-a`.
    pub store: String,
    /// How many entries it holds at most. `None`: no bound, nothing is ever evicted.
    pub capacity: Option<NonZeroUsize>,
}

/// With fixed keys, and order is never taken from it: a map on the host's entropy would differ from run to run.
type Entries<K, V> = LruCache<K, V, Xxh3DefaultBuilder>;

type Evicted<K, V> = Box<dyn Fn(K, V) + Send + Sync>;

struct Inner<K, V> {
    store: Arc<str>,
    capacity: usize,
    entries: Mutex<Entries<K, V>>,
    evicted: Evicted<K, V>,
}

/// A cache of live objects that can be restored from elsewhere, shared by its clones.
///
/// Each operation is one atomic step, and is reported as one access to the key. Where an insertion exceeds the capacity,
/// the least recently used entry goes to the eviction callback. The callback runs after the lock of the cache has been
/// released, so it may use the cache, and may see what others did to it meanwhile. It is called for victims alone: what is
/// replaced or removed is returned to the caller, who knows what to do with it.
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::sync::{Arc, Mutex};
/// use sexton::cache::{Options, RestorableCache};
///
/// let evicted = Arc::new(Mutex::new(Vec::new()));
/// let log = evicted.clone();
/// let options = Options { store: "cache".into(), capacity: NonZeroUsize::new(1) };
/// let cache = RestorableCache::new(options, move |key: &str, value| log.lock().unwrap().push((key, value)));
/// assert_eq!(cache.set(&"a", 1), None);
/// assert_eq!(cache.set(&"a", 2), Some(1));
/// assert_eq!(cache.set(&"b", 3), None);
/// assert_eq!(*evicted.lock().unwrap(), [("a", 2)]);
/// ```
pub struct RestorableCache<K, V> {
    inner: Arc<Inner<K, V>>,
}

impl<K, V> Clone for RestorableCache<K, V> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<K: Hash + Eq, V> fmt::Debug for RestorableCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestorableCache")
            .field("store", &self.inner.store)
            .field("len", &lock(&self.inner.entries).len())
            .finish_non_exhaustive()
    }
}

impl<K, V> RestorableCache<K, V>
where
    K: Clone + Eq + Hash + fmt::Display,
    V: Clone,
{
    /// An empty cache; `evicted` gets each victim of the capacity.
    pub fn new(options: Options, evicted: impl Fn(K, V) + Send + Sync + 'static) -> Self {
        Self {
            inner: Arc::new(Inner {
                store: options.store.into(),
                capacity: options.capacity.map_or(usize::MAX, NonZeroUsize::get),
                // The bound is kept here: the crate's own would take the memory for all of it at once.
                entries: Mutex::new(LruCache::unbounded_with_hasher(Xxh3DefaultBuilder::new())),
                evicted: Box::new(evicted),
            }),
        }
    }

    /// The value under `key`, which becomes the most recently used.
    pub fn get(&self, key: &K) -> Option<V> {
        let value = self.entries().get(key).cloned();
        self.report(key, Kind::Read, if value.is_some() { "hit" } else { "miss" });
        value
    }

    /// The value under `key`, without counting as a use.
    pub fn peek(&self, key: &K) -> Option<V> {
        let value = self.entries().peek(key).cloned();
        self.report(key, Kind::Read, if value.is_some() { "hit" } else { "miss" });
        value
    }

    /// Puts `value` under `key`, as the most recently used. Returns what it replaces, which is not called evicted.
    pub fn set(&self, key: &K, value: V) -> Option<V> {
        let mut entries = self.entries();
        let replaced = entries.put(key.clone(), value);
        let victim = self.victim(&mut entries);
        drop(entries);
        self.report(key, Kind::Write, if replaced.is_some() { "replaced" } else { "inserted" });
        self.evict(victim);
        replaced
    }

    /// Puts `value` under `key` unless there is one, which is then returned. It is not counted as a use of that one.
    pub fn add_if_absent(&self, key: &K, value: V) -> Option<V> {
        let entries = self.entries();
        let existing = entries.peek(key).cloned();
        self.add(entries, key, value, existing.is_some());
        existing
    }

    /// The value under `key`, or else `value`, put there; true: it was there. Either way it is the most recently used.
    pub fn load_or_store(&self, key: &K, value: V) -> (V, bool) {
        let mut entries = self.entries();
        let existing = entries.get(key).cloned();
        self.add(entries, key, value.clone(), existing.is_some());
        match existing {
            Some(existing) => (existing, true),
            None => (value, false),
        }
    }

    /// Replaces the value under `key` by `new` if it is the very object `expected`; true: it was. Counts as a use.
    pub fn compare_and_swap(&self, key: &K, expected: &V, new: V) -> bool
    where
        V: Identity,
    {
        let swapped = {
            let mut entries = self.entries();
            let same = entries.peek(key).is_some_and(|current| current.same(expected));
            if same {
                entries.put(key.clone(), new);
            }
            same
        };
        self.report(key, Kind::ReadWrite, if swapped { "swapped" } else { "differs" });
        swapped
    }

    /// Removes the value under `key` and returns it.
    pub fn remove(&self, key: &K) -> Option<V> {
        let removed = self.entries().pop(key);
        self.report(key, Kind::Write, if removed.is_some() { "removed" } else { "absent" });
        removed
    }

    /// Removes the value under `key` if it is the very object `expected`; true: it was.
    pub fn remove_if_same(&self, key: &K, expected: &V) -> bool
    where
        V: Identity,
    {
        let removed = {
            let mut entries = self.entries();
            let same = entries.peek(key).is_some_and(|current| current.same(expected));
            if same { entries.pop(key) } else { None }
        };
        self.report(key, Kind::ReadWrite, if removed.is_some() { "removed" } else { "differs" });
        removed.is_some()
    }

    /// All keys, from the least to the most recently used.
    pub fn keys(&self) -> Vec<K> {
        self.entries().iter().rev().map(|(key, _)| key.clone()).collect()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// The value under `key`, or else what `restore` brings, put there; `Ok(None)`: there is nothing to restore.
    ///
    /// Concurrent callers on a key share one restore. Should another value have been put there meanwhile, that one
    /// wins, and the restored one goes to the eviction callback, for nobody else knows of it.
    ///
    /// # Errors
    /// What `restore` failed with; nothing is cached then.
    ///
    /// # Panics
    /// When `restore` was run and panicked.
    pub async fn get_or_restore<E, F>(
        &self,
        flights: &SingleFlight<K, Result<Option<V>, E>>,
        key: K,
        restore: F,
    ) -> Result<Option<V>, E>
    where
        K: Ord + Send + Sync + 'static,
        V: Send + Sync + 'static,
        E: Clone + Send + 'static,
        F: Future<Output = Result<Option<V>, E>> + Send + 'static,
    {
        if let Some(value) = self.get(&key) {
            return Ok(Some(value));
        }
        let cache = self.clone();
        let wanted = key.clone();
        let flight = async move {
            // Another flight may have landed between the look above and the start of this one.
            if let Some(value) = cache.peek(&wanted) {
                return Ok(Some(value));
            }
            let Some(restored) = restore.await? else { return Ok(None) };
            let (winner, loaded) = cache.load_or_store(&wanted, restored.clone());
            if loaded {
                (cache.inner.evicted)(wanted, restored);
            }
            Ok(Some(winner))
        };
        flights.run(key, flight).await
    }

    fn entries(&self) -> MutexGuard<'_, Entries<K, V>> {
        lock(&self.inner.entries)
    }

    fn add(&self, mut entries: MutexGuard<'_, Entries<K, V>>, key: &K, value: V, exists: bool) {
        if exists {
            drop(entries);
            self.report(key, Kind::ReadWrite, "exists");
            return;
        }
        entries.put(key.clone(), value);
        let victim = self.victim(&mut entries);
        drop(entries);
        self.report(key, Kind::ReadWrite, "inserted");
        self.evict(victim);
    }

    fn victim(&self, entries: &mut Entries<K, V>) -> Option<(K, V)> {
        if entries.len() > self.inner.capacity { entries.pop_lru() } else { None }
    }

    fn evict(&self, victim: Option<(K, V)>) {
        if let Some((key, value)) = victim {
            self.report(&key, Kind::Write, "evicted");
            (self.inner.evicted)(key, value);
        }
    }

    fn report(&self, key: &K, kind: Kind, outcome: &'static str) {
        runtime::access(Access {
            store: self.inner.store.clone(),
            key: key.to_string().into(),
            kind,
            outcome: outcome.into(),
            value: None,
            changed: Some(kind != Kind::Read && !matches!(outcome, "exists" | "differs" | "absent")),
            took: Duration::ZERO,
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
