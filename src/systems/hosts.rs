//! Hosts that several systems have, and the kinds of fault of several servers together.

use crate::harness::Host;
use crate::runtime::net::TcpListener;
use crate::servers::postgres::{self, Postgres};
use crate::servers::redis::Redis;
use crate::servers::seconds;

/// A fault of Redis: a key goes.
pub(super) const EVICT: &str = "evict";
/// A fault of Redis: a replica that lags takes over.
pub(super) const FAIL_OVER: &str = "fail_over";
/// A fault of Redis: commands are refused before any effect.
pub(super) const LOADING: &str = "loading";

/// A host that serves a Redis, with its faults.
pub(super) fn redis(server: &Redis, address: &'static str) -> Host {
    let [served, evicting, failing, loading, loaded] = std::array::from_fn(|_| server.clone());
    let host = Host::new("redis", "redis", move || {
        let server = served.clone();
        async move {
            let listener = TcpListener::bind(address).await.expect("no one else has the port");
            server.serve(listener).await.expect("a listener of a running host accepts");
        }
    });
    host.fault(EVICT, move |magnitude| evicting.evict(magnitude))
        .fault(FAIL_OVER, move |magnitude| failing.fail_over(seconds(magnitude, 10)))
        .fault(LOADING, move |magnitude| loading.fail_next(1 + magnitude % 20))
        .heal(move || drop(loaded.fail_next(0)))
}

/// A host that serves a database, with its faults; those that last do so for so many seconds at most.
pub(super) fn postgres(server: &Postgres, address: &'static str, longest: u64) -> Host {
    let served = server.clone();
    let host = Host::new("postgres", "postgres", move || {
        let server = served.clone();
        async move {
            let listener = TcpListener::bind(address).await.expect("no one else has the port");
            server.serve(listener).await.expect("a listener of a running host accepts");
        }
    });
    with_faults(host, server, longest)
}

/// A host with the faults of the database that it serves among others.
pub(super) fn with_faults(host: Host, server: &Postgres, longest: u64) -> Host {
    let (struck, healed) = (server.clone(), server.clone());
    let strike = move |fault: &str, magnitude| struck.strike(fault, magnitude, longest).expect("a fault of its own");
    host.faults(&postgres::FAULTS, strike).heal(move || healed.heal())
}

/// The kinds of fault in these lists, one list after another.
///
/// # Panics
/// When there are not `N` of them: a constant of another length does not compile.
pub(super) const fn faults<const N: usize>(lists: &[&[&'static str]]) -> [&'static str; N] {
    let mut faults = [""; N];
    let (mut list, mut count) = (0, 0);
    while list < lists.len() {
        let mut place = 0;
        while place < lists[list].len() {
            faults[count] = lists[list][place];
            (count, place) = (count + 1, place + 1);
        }
        list += 1;
    }
    assert!(count == N, "there are as many kinds of fault as it says");
    faults
}
