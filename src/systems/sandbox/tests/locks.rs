//! The distributed lock over a Redis on this machine's own sockets.

use std::sync::Arc;
use std::time::Duration;

use crate::runtime::net::TcpListener;
use crate::runtime::{task, time};
use crate::servers::redis::{self, Redis};
use crate::storage::{self, KeyValue};
use crate::systems::sandbox::lock::{Kind, Locks, Mode};
use crate::systems::sandbox::policy::Policy;

const AT_ONCE: Duration = Duration::from_millis(20);

struct Fleet {
    server: Redis,
    address: String,
}

impl Fleet {
    async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = Redis::new(redis::Options::default());
        let serving = server.clone();
        drop(task::spawn(async move { serving.serve(listener).await }));
        Self { server, address }
    }

    fn replica(&self, boot: &str, kind: Kind) -> Arc<Locks> {
        let store = KeyValue::new(storage::Options { address: self.address.clone(), ..storage::Options::default() });
        Arc::new(Locks::new(store, kind, boot.into(), &Policy::default()))
    }
}

/// Whether the lock is to be had at once.
async fn is_free(locks: &Locks, mode: Mode) -> bool {
    match time::timeout(AT_ONCE, locks.acquire("t1", "sb1", mode)).await {
        Ok(lease) => {
            lease.unwrap().release().await;
            true
        }
        Err(_) => false,
    }
}

#[tokio::test]
async fn readers_keep_out_writers_and_writers_everybody() {
    let fleet = Fleet::start().await;
    let (a, b) = (fleet.replica("a", Kind::ReadWrite), fleet.replica("b", Kind::ReadWrite));
    let reader = a.acquire("t1", "sb1", Mode::Shared).await.unwrap();
    assert!(is_free(&b, Mode::Shared).await);
    assert!(!is_free(&b, Mode::Exclusive).await);
    reader.release().await;
    let writer = b.acquire("t1", "sb1", Mode::Exclusive).await.unwrap();
    assert!(!is_free(&a, Mode::Shared).await);
    assert!(!is_free(&a, Mode::Exclusive).await);
    assert!(!writer.is_lost());
    writer.release().await;
    assert!(is_free(&a, Mode::Exclusive).await);
}

#[tokio::test]
async fn the_two_kinds_of_lock_do_not_exclude_each_other() {
    let fleet = Fleet::start().await;
    let (a, b) = (fleet.replica("a", Kind::ReadWrite), fleet.replica("b", Kind::Single));
    let writer = a.acquire("t1", "sb1", Mode::Exclusive).await.unwrap();
    let other = b.acquire("t1", "sb1", Mode::Shared).await.unwrap();
    assert!(!is_free(&fleet.replica("c", Kind::Single), Mode::Shared).await);
    writer.release().await;
    other.release().await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_kept_until_the_store_forgets_it() {
    let fleet = Fleet::start().await;
    let a = fleet.replica("a", Kind::ReadWrite);
    let writer = a.acquire("t1", "sb1", Mode::Exclusive).await.unwrap();
    time::sleep(Duration::from_secs(150)).await;
    assert!(!writer.is_lost());
    fleet.server.evict(0);
    time::sleep(Duration::from_secs(21)).await;
    assert!(writer.is_lost());
}
