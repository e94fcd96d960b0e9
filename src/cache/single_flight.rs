//! One flight per key: callers who want the same thing at the same time share one attempt at it.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::runtime::task;

/// Those who wait for each flight, in the order in which they came.
type Flights<K, T> = Mutex<BTreeMap<K, Vec<oneshot::Sender<T>>>>;

/// Coalesces concurrent callers on a key: the first one's future is run, and all get a clone of its result.
///
/// The flight is a task of its own, started by the first caller and within that caller's activity. So the cancellation of
/// any caller, the first one included, ends neither the flight nor anybody's wait for it; and a flight that nobody waits
/// for any longer still runs to its end. Callers who come after the result is there start a new flight.
///
/// Clones share their flights.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use sexton::cache::SingleFlight;
///
/// let flights = SingleFlight::new();
/// let (first, second) = tokio::join!(flights.run("key", async { 1 }), flights.run("key", async { 2 }));
/// assert_eq!((first, second), (1, 1));
/// # }
/// ```
pub struct SingleFlight<K, T> {
    flights: Arc<Flights<K, T>>,
}

impl<K, T> Clone for SingleFlight<K, T> {
    fn clone(&self) -> Self {
        Self { flights: self.flights.clone() }
    }
}

impl<K, T> Default for SingleFlight<K, T> {
    fn default() -> Self {
        Self { flights: Arc::default() }
    }
}

impl<K, T> fmt::Debug for SingleFlight<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleFlight").field("flights", &lock(&self.flights).len()).finish()
    }
}

impl<K, T> SingleFlight<K, T>
where
    K: Ord + Clone + Send + 'static,
    T: Clone + Send + 'static,
{
    /// No flights yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The result of the flight that is under way for `key`, or else of `flight`.
    ///
    /// `flight` is dropped unpolled when another's result is used. Should that other flight panic, those who waited for
    /// it start over, the first of them with its own future.
    ///
    /// # Panics
    /// When `flight` was run and panicked.
    pub async fn run<F>(&self, key: K, flight: F) -> T
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut flight = Some(flight);
        loop {
            let (sender, result) = oneshot::channel();
            if self.join(&key, sender)
                && let Some(flight) = flight.take()
            {
                let landing = Landing { flights: self.flights.clone(), key: key.clone(), landed: false };
                // Dropping the handle lets the flight run on: its result comes through the channel.
                drop(task::spawn(async move {
                    let result = flight.await;
                    landing.land(&result);
                }));
            }
            match result.await {
                Ok(result) => return result,
                Err(_) => assert!(flight.is_some(), "the flight panicked"),
            }
        }
    }

    /// How many flights are under way.
    pub fn len(&self) -> usize {
        lock(&self.flights).len()
    }

    /// Whether no flight is under way.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits with the others; true: there are none yet, so the caller has to start the flight.
    fn join(&self, key: &K, waiter: oneshot::Sender<T>) -> bool {
        let mut flights = lock(&self.flights);
        if let Some(waiters) = flights.get_mut(key) {
            waiters.push(waiter);
            return false;
        }
        flights.insert(key.clone(), vec![waiter]);
        true
    }
}

/// Ends a flight, also one that panicked: the key is free before anybody hears of it.
struct Landing<K: Ord, T> {
    flights: Arc<Flights<K, T>>,
    key: K,
    /// The key may belong to the next flight by now.
    landed: bool,
}

impl<K: Ord, T: Clone> Landing<K, T> {
    fn land(mut self, result: &T) {
        self.landed = true;
        for waiter in self.free() {
            // Whoever was cancelled meanwhile wants nothing.
            let _ = waiter.send(result.clone());
        }
    }
}

impl<K: Ord, T> Landing<K, T> {
    fn free(&self) -> Vec<oneshot::Sender<T>> {
        lock(&self.flights).remove(&self.key).unwrap_or_default()
    }
}

impl<K: Ord, T> Drop for Landing<K, T> {
    fn drop(&mut self) {
        if !self.landed {
            self.free();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
