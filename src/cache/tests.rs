//! The cache against a list that is searched from the front; single flight under random arrivals and cancellations.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::{Instant, sleep, timeout};

use super::{Options, RestorableCache, SingleFlight};
use crate::runtime::task;

type Value = Arc<u32>;

/// Keys and values that the callback was given.
type Evicted = Arc<Mutex<Vec<(u8, u32)>>>;

/// What the cache should be: entries from the least to the most recently used, and the log of its callback.
#[derive(Default)]
struct Model {
    capacity: Option<usize>,
    entries: Vec<(u8, Value)>,
    evicted: Vec<(u8, u32)>,
}

impl Model {
    fn peek(&self, key: u8) -> Option<Value> {
        self.entries.iter().find(|entry| entry.0 == key).map(|entry| entry.1.clone())
    }

    fn remove(&mut self, key: u8) -> Option<Value> {
        let at = self.entries.iter().position(|entry| entry.0 == key)?;
        Some(self.entries.remove(at).1)
    }

    fn set(&mut self, key: u8, value: Value) -> Option<Value> {
        let replaced = self.remove(key);
        self.entries.push((key, value));
        if self.capacity.is_some_and(|capacity| self.entries.len() > capacity) {
            let (key, value) = self.entries.remove(0);
            self.evicted.push((key, *value));
        }
        replaced
    }

    fn get(&mut self, key: u8) -> Option<Value> {
        let value = self.remove(key)?;
        self.entries.push((key, value.clone()));
        Some(value)
    }
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Get,
    Peek,
    Set,
    AddIfAbsent,
    LoadOrStore,
    /// With the value that is there (true), or an equal one of another identity.
    CompareAndSwap(bool),
    Remove,
    RemoveIfSame(bool),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        Just(Operation::Get),
        Just(Operation::Peek),
        Just(Operation::Set),
        Just(Operation::AddIfAbsent),
        Just(Operation::LoadOrStore),
        any::<bool>().prop_map(Operation::CompareAndSwap),
        Just(Operation::Remove),
        any::<bool>().prop_map(Operation::RemoveIfSame),
    ]
}

fn logging(capacity: Option<usize>) -> (RestorableCache<u8, Value>, Evicted) {
    let evicted = Evicted::default();
    let log = evicted.clone();
    let options = Options { store: "cache".to_owned(), capacity: capacity.and_then(NonZeroUsize::new) };
    (RestorableCache::new(options, move |key, value: Value| log.lock().unwrap().push((key, *value))), evicted)
}

/// The value an operation names as expected: the one that is there, or another object that is equal to it.
fn expected(model: &Model, key: u8, same: bool) -> Value {
    match model.peek(key) {
        Some(value) if same => value,
        Some(value) => Arc::new(*value),
        None => Arc::new(0),
    }
}

fn step(cache: &RestorableCache<u8, Value>, model: &mut Model, operation: Operation, key: u8, fresh: u32) {
    let new = Arc::new(fresh);
    match operation {
        Operation::Get => assert_eq!(cache.get(&key), model.get(key)),
        Operation::Peek => assert_eq!(cache.peek(&key), model.peek(key)),
        Operation::Set => assert_eq!(cache.set(&key, new.clone()), model.set(key, new)),
        Operation::AddIfAbsent => {
            let existing = model.peek(key);
            if existing.is_none() {
                model.set(key, new.clone());
            }
            assert_eq!(cache.add_if_absent(&key, new), existing);
        }
        Operation::LoadOrStore => {
            let wanted = if let Some(existing) = model.get(key) {
                (existing, true)
            } else {
                model.set(key, new.clone());
                (new.clone(), false)
            };
            assert_eq!(cache.load_or_store(&key, new), wanted);
        }
        Operation::CompareAndSwap(same) => {
            let old = expected(model, key, same);
            let swaps = same && model.peek(key).is_some();
            assert_eq!(cache.compare_and_swap(&key, &old, new.clone()), swaps);
            if swaps {
                model.set(key, new);
            }
        }
        Operation::Remove => assert_eq!(cache.remove(&key), model.remove(key)),
        Operation::RemoveIfSame(same) => {
            let old = expected(model, key, same);
            let removes = same && model.peek(key).is_some();
            assert_eq!(cache.remove_if_same(&key, &old), removes);
            if removes {
                model.remove(key);
            }
        }
    }
}

proptest! {
    #[test]
    fn the_cache_does_what_a_list_would(
        capacity in prop_oneof![Just(None), (1usize..5).prop_map(Some)],
        operations in prop::collection::vec((operation(), 0u8..6), 0..200),
    ) {
        let (cache, evicted) = logging(capacity);
        let mut model = Model { capacity, ..Model::default() };
        for (number, (operation, key)) in operations.into_iter().enumerate() {
            step(&cache, &mut model, operation, key, number as u32 + 1);
            prop_assert_eq!(cache.len(), model.entries.len());
            let keys: Vec<u8> = model.entries.iter().map(|entry| entry.0).collect();
            prop_assert_eq!(cache.keys(), keys);
            prop_assert_eq!(&*evicted.lock().unwrap(), &model.evicted);
        }
    }
}

#[test]
fn the_eviction_callback_may_use_the_cache() {
    let slot = Arc::new(Mutex::new(None::<RestorableCache<u8, Value>>));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (inner, log) = (slot.clone(), seen.clone());
    let options = Options { store: "cache".to_owned(), capacity: NonZeroUsize::new(1) };
    let cache = RestorableCache::new(options, move |key: u8, _: Value| {
        let cache = inner.lock().unwrap().clone().unwrap();
        log.lock().unwrap().push((key, cache.peek(&key).is_some(), cache.keys()));
    });
    *slot.lock().unwrap() = Some(cache.clone());
    cache.set(&1, Arc::new(1));
    cache.set(&2, Arc::new(2));
    assert_eq!(*seen.lock().unwrap(), [(1, false, vec![2])]);
    *slot.lock().unwrap() = None;
}

/// One caller of a single flight: when it comes, what it wants, how long its own flight would take, when it gives up.
#[derive(Clone, Copy, Debug)]
struct Caller {
    arrives: u64,
    key: u8,
    takes: u64,
    patience: u64,
}

fn caller() -> impl Strategy<Value = Caller> {
    (0u64..12, 0u8..3, 0u64..6, 0u64..8).prop_map(|(arrives, key, takes, patience)| Caller {
        arrives,
        key,
        takes,
        patience,
    })
}

/// Start and end of a flight in milliseconds; its number is its index.
type Log = Arc<Mutex<Vec<(u8, u64, Option<u64>)>>>;

async fn call(flights: SingleFlight<u8, usize>, log: Log, epoch: Instant, caller: Caller) -> Option<usize> {
    let now = move || epoch.elapsed().as_millis() as u64;
    sleep(Duration::from_millis(caller.arrives)).await;
    let flight = async move {
        let number = {
            let mut log = log.lock().unwrap();
            log.push((caller.key, now(), None));
            log.len() - 1
        };
        sleep(Duration::from_millis(caller.takes)).await;
        log.lock().unwrap()[number].2 = Some(now());
        number
    };
    timeout(Duration::from_millis(caller.patience), flights.run(caller.key, flight)).await.ok()
}

fn paused() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

proptest! {
    #[test]
    fn flights_are_single_shared_and_never_strand_anybody(callers in prop::collection::vec(caller(), 1..12)) {
        let flights = SingleFlight::new();
        let log = Log::default();
        let results = paused().block_on(async {
            let epoch = Instant::now();
            let tasks: Vec<_> = callers
                .iter()
                .map(|caller| task::spawn(call(flights.clone(), log.clone(), epoch, *caller)))
                .collect();
            let mut results = Vec::new();
            for task in tasks {
                results.push(task.await.unwrap());
            }
            // Flights that everybody has given up on still land.
            sleep(Duration::from_millis(10)).await;
            results
        });
        prop_assert!(flights.is_empty(), "a flight was left: {flights:?}");
        let log = log.lock().unwrap();
        for (number, flight) in log.iter().enumerate() {
            prop_assert!(flight.2.is_some(), "flight {number} never landed");
            for other in &log[..number] {
                let apart = other.0 != flight.0 || other.2.unwrap() <= flight.1;
                prop_assert!(apart, "{other:?} and {flight:?} overlap");
            }
        }
        for (caller, result) in callers.iter().zip(results) {
            match result {
                Some(number) => {
                    let (key, _, end) = log[number];
                    prop_assert_eq!(key, caller.key);
                    prop_assert!(end.unwrap() >= caller.arrives, "{caller:?} got a result from before it came");
                }
                // Every flight takes less than 6 ms, and somebody else's is well under way by then.
                None => prop_assert!(caller.patience < 6, "{caller:?} was stranded"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_leader_leaves_its_flight_to_the_others() {
    let flights = SingleFlight::new();
    let runs = Arc::new(AtomicU32::new(0));
    let flight = |runs: Arc<AtomicU32>| async move {
        sleep(Duration::from_secs(2)).await;
        runs.fetch_add(1, Ordering::Relaxed) + 1
    };
    let leader = task::spawn({
        let (flights, runs) = (flights.clone(), runs.clone());
        async move { flights.run("key", flight(runs)).await }
    });
    sleep(Duration::from_secs(1)).await;
    let follower = task::spawn({
        let (flights, runs) = (flights.clone(), runs.clone());
        async move { flights.run("key", flight(runs)).await }
    });
    tokio::task::yield_now().await;
    leader.abort();
    let started = Instant::now();
    assert_eq!(follower.await.unwrap(), 1);
    assert!(started.elapsed() <= Duration::from_secs(1), "the flight was started over");
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn those_who_waited_for_a_flight_that_panicked_start_over() {
    let flights = SingleFlight::new();
    let leader = task::spawn({
        let flights = flights.clone();
        async move {
            let flight = async {
                sleep(Duration::from_secs(1)).await;
                panic!("lost")
            };
            flights.run("key", flight).await
        }
    });
    tokio::task::yield_now().await;
    let follower = flights.run("key", async { 7 });
    assert_eq!(timeout(Duration::from_secs(5), follower).await, Ok(7));
    assert!(leader.await.is_err(), "the panic was swallowed");
    assert!(flights.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_restore_is_shared_cached_and_loses_to_what_was_put_there_meanwhile() {
    let (cache, evicted) = logging(None);
    let flights: SingleFlight<u8, Result<Option<Value>, String>> = SingleFlight::new();
    let restore = |result: Result<Option<u32>, &'static str>| async move {
        sleep(Duration::from_secs(1)).await;
        result.map(|value| value.map(Arc::new)).map_err(str::to_owned)
    };

    let two = tokio::join!(
        cache.get_or_restore(&flights, 1, restore(Ok(Some(10)))),
        cache.get_or_restore(&flights, 1, restore(Ok(Some(11)))),
    );
    let (first, second) = (two.0.unwrap().unwrap(), two.1.unwrap().unwrap());
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!((*first, cache.len()), (10, 1));

    assert_eq!(cache.get_or_restore(&flights, 2, restore(Ok(None))).await, Ok(None));
    assert_eq!(cache.get_or_restore(&flights, 2, restore(Err("down"))).await, Err("down".to_owned()));
    assert_eq!(cache.len(), 1);

    let put = async {
        sleep(Duration::from_millis(500)).await;
        cache.set(&3, Arc::new(30));
    };
    let (restored, ()) = tokio::join!(cache.get_or_restore(&flights, 3, restore(Ok(Some(31)))), put);
    assert_eq!(restored, Ok(Some(Arc::new(30))));
    assert_eq!(*evicted.lock().unwrap(), [(3, 31)]);
}
