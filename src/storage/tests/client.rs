//! What the client promises, call by call and failure by failure.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::responder::Responder;
use crate::runtime::net::TcpListener;
use crate::runtime::task;
use crate::storage::{KeyValue, Options, StorageError, Swap};

const TTL: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_millis(50);

/// An address where nobody listens.
async fn nowhere() -> String {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string()
}

fn alive() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

#[tokio::test]
async fn each_call_is_one_command_and_means_what_it_says() {
    let server = Responder::start().await;
    let client = server.client();
    assert_eq!(client.get("k").await, Ok(None));
    assert_eq!(client.update("k", "0", TTL).await, Ok(false));
    assert_eq!(client.create("k", "1", TTL).await, Ok(true));
    assert_eq!(client.create("k", "2", TTL).await, Ok(false));
    assert_eq!(client.load("k", TTL).await, Ok(Some("1".to_owned())));
    assert_eq!(client.update("k", "3", TTL).await, Ok(true));
    assert_eq!(client.get("k").await, Ok(Some("3".to_owned())));
    assert_eq!(client.upsert("k", "4", TTL).await, Ok(()));
    assert_eq!(client.delete("k").await, Ok(true));
    assert_eq!(client.delete("k").await, Ok(false));
    assert_eq!(
        server.state().heard,
        [
            "GET k",
            "SET k 0 PX 60000 XX",
            "SET k 1 PX 60000 NX",
            "SET k 2 PX 60000 NX",
            "GETEX k PX 60000",
            "SET k 3 PX 60000 XX",
            "GET k",
            "SET k 4 PX 60000",
            "DEL k",
            "DEL k",
        ]
    );
    assert_eq!(server.state().connections, 1);
}

#[tokio::test]
async fn an_error_reply_and_a_value_that_is_no_text_are_told_apart() {
    let server = Responder::start().await;
    let client = server.client();
    let refused = StorageError::Refused("WRONGTYPE not a string".to_owned());
    assert_eq!(client.get("hash").await, Err(refused.clone()));
    assert_eq!(client.compare_and_set("hash", None, Some("1"), TTL).await, Err(refused));
    server.state().write("binary", &[0xff]);
    assert!(matches!(client.get("binary").await, Err(StorageError::Corrupt(_))));
    // Neither says anything about the connection but the third, which no longer matters.
    assert_eq!(client.get("k").await, Ok(None));
}

#[tokio::test]
async fn concurrent_first_calls_share_one_connection() {
    let server = Responder::start().await;
    let client = server.client();
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let client = client.clone();
            task::spawn(async move { client.get("k").await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok(None));
    }
    assert_eq!(server.state().connections, 1);
}

#[tokio::test]
async fn the_crate_beneath_starts_no_tasks_and_a_dropped_client_leaves_none() {
    let server = Responder::start().await;
    let before = alive();
    let client = server.client();
    client.get("k").await.unwrap();
    // One drives the client's connection, one answers it.
    assert_eq!(alive(), before + 2);
    client.compare_and_set("k", None, Some("1"), TTL).await.unwrap();
    assert_eq!(alive(), before + 4);
    drop(client);
    while alive() > before {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_call_after_the_connection_was_closed_reconnects() {
    let server = Responder::start().await;
    let client = server.client();
    assert_eq!(client.upsert("k", "1", TTL).await, Ok(()));
    server.hang_up().await;
    // Whether the client has noticed by now is a race of two sockets; one call at most pays for it.
    let first = client.get("k").await;
    assert!(matches!(first, Ok(_) | Err(StorageError::Unavailable(_))), "{first:?}");
    assert_eq!(client.get("k").await, Ok(Some("1".to_owned())));
    assert_eq!(server.state().connections, 2);
}

#[tokio::test]
async fn a_connection_that_breaks_fails_its_calls_and_not_the_next() {
    let server = Responder::start().await;
    server.state().silent.push("slow".to_owned());
    let client = server.client();
    let waiting = task::spawn({
        let client = client.clone();
        async move { client.upsert("slow", "1", TTL).await }
    });
    server.hear("SET slow").await;
    server.hang_up().await;
    assert!(matches!(waiting.await.unwrap(), Err(StorageError::Unavailable(_))));
    assert_eq!(client.get("k").await, Ok(None));
    assert_eq!(server.state().heard.iter().filter(|heard| heard.starts_with("SET")).count(), 1, "a write was repeated");
}

#[tokio::test]
async fn an_abandoned_call_makes_the_next_one_leave_a_stalled_connection() {
    let server = Responder::start().await;
    server.state().silent.push("stalled".to_owned());
    let client = server.client();
    assert!(timeout(SHORT, client.get("stalled")).await.is_err());
    assert_eq!(timeout(TTL, client.get("k")).await, Ok(Ok(None)));
    assert_eq!(server.state().connections, 2);
}

#[tokio::test]
async fn others_keep_the_connection_on_which_a_call_was_abandoned_and_a_reply_clears_it() {
    let server = Responder::start().await;
    let client = server.client();
    assert_eq!(client.get("k").await, Ok(None));
    // Both are on their way in one batch; the first is dropped before its reply is read.
    let mut first = Box::pin(client.get("first"));
    let mut second = Box::pin(client.get("second"));
    tokio::select! {
        biased;
        _ = &mut first => panic!("answered before it was sent"),
        _ = &mut second => panic!("answered before it was sent"),
        () = std::future::ready(()) => {}
    }
    drop(first);
    assert_eq!(second.await, Ok(None));
    assert_eq!(client.get("k").await, Ok(None));
    assert_eq!(server.state().connections, 1);
}

#[tokio::test]
async fn a_response_timeout_of_the_options_ends_a_call() {
    let server = Responder::start().await;
    server.state().silent.push("stalled".to_owned());
    let client = KeyValue::new(Options { response_timeout: Some(SHORT), ..server.options() });
    assert_eq!(client.get("stalled").await, Err(StorageError::TimedOut));
    assert_eq!(client.compare_and_set("stalled", None, None, TTL).await, Err(StorageError::TimedOut));
    assert_eq!(client.get("k").await, Ok(None));
}

#[tokio::test]
async fn a_store_that_comes_up_late_is_found() {
    let address = nowhere().await;
    let client = KeyValue::new(Options { address: address.clone(), retry: SHORT, ..Options::default() });
    let error = client.get("k").await.unwrap_err();
    assert!(matches!(&error, StorageError::Unavailable(text) if text.contains(&address)), "{error}");
    let _server = Responder::listen(&address).await;
    assert_eq!(client.get("k").await, Ok(None));
}

#[tokio::test]
async fn those_who_queued_behind_a_failed_attempt_share_its_failure_and_the_next_waits() {
    let retry = Duration::from_millis(200);
    let client = KeyValue::new(Options { address: nowhere().await, retry, ..Options::default() });
    let started = Instant::now();
    let calls = tokio::join!(client.get("a"), client.get("b"), client.compare_and_set("c", None, None, TTL));
    assert!(calls.0.is_err() && calls.1.is_err() && calls.2.is_err());
    assert!(started.elapsed() < retry, "one failure was paid for three times");
    assert!(client.get("d").await.is_err());
    assert!(started.elapsed() >= retry, "a second attempt came too soon");
}

#[tokio::test]
async fn compare_and_set_writes_only_over_what_was_expected() {
    let server = Responder::start().await;
    let client = server.client();
    let differs = |value: Option<&str>| Ok(Swap::Differs(value.map(str::to_owned)));
    assert_eq!(client.compare_and_set("k", Some("0"), Some("1"), TTL).await, differs(None));
    assert_eq!(client.compare_and_set("k", None, Some("1"), TTL).await, Ok(Swap::Done));
    assert_eq!(client.compare_and_set("k", None, Some("2"), TTL).await, differs(Some("1")));
    assert_eq!(client.compare_and_set("k", Some("1"), Some("2"), TTL).await, Ok(Swap::Done));
    assert_eq!(server.state().text("k").as_deref(), Some("2"));
    assert_eq!(client.compare_and_set("k", Some("2"), None, TTL).await, Ok(Swap::Done));
    assert_eq!(server.state().text("k"), None);
    assert_eq!(client.compare_and_set("k", None, None, TTL).await, Ok(Swap::Done));
    assert_eq!(server.state().connections, 1);
}

#[tokio::test]
async fn compare_and_set_looks_again_when_the_key_was_touched_in_between() {
    let server = Responder::start().await;
    let client = server.client();
    server.state().write("k", b"1");
    server.state().meddle = Some(Box::new(|state| state.write("k", b"1")));
    assert_eq!(client.compare_and_set("k", Some("1"), Some("2"), TTL).await, Ok(Swap::Done));
    server.state().meddle = Some(Box::new(|state| state.write("k", b"3")));
    let swap = client.compare_and_set("k", Some("2"), Some("4"), TTL).await;
    assert_eq!(swap, Ok(Swap::Differs(Some("3".to_owned()))));
    assert_eq!(server.state().heard.iter().filter(|heard| *heard == "EXEC").count(), 3);
}

#[tokio::test]
async fn concurrent_swaps_lose_no_update() {
    let server = Responder::start().await;
    let client = server.client();
    let increments: Vec<_> = (0..6)
        .map(|_| {
            let client = client.clone();
            task::spawn(async move {
                let mut current: Option<String> = None;
                loop {
                    let next = current.as_ref().map_or(1, |text| text.parse::<u32>().unwrap() + 1).to_string();
                    match client.compare_and_set("n", current.as_deref(), Some(&next), TTL).await.unwrap() {
                        Swap::Done => return,
                        Swap::Differs(value) => current = value,
                    }
                }
            })
        })
        .collect();
    for increment in increments {
        increment.await.unwrap();
    }
    assert_eq!(server.state().text("n").as_deref(), Some("6"));
}

#[tokio::test]
async fn a_dropped_swap_takes_its_connection_along() {
    let server = Responder::start().await;
    server.state().silent.push("stalled".to_owned());
    let client = server.client();
    let swap = client.compare_and_set("stalled", None, Some("1"), TTL);
    assert!(timeout(SHORT, swap).await.is_err());
    assert_eq!(client.compare_and_set("k", None, Some("1"), TTL).await, Ok(Swap::Done));
    assert_eq!(server.state().connections, 2);
}

#[test]
fn calls_can_be_spawned_and_clients_shared() {
    fn sendable<T: Send>(_: impl FnOnce() -> T) {}
    fn shared<T: Send + Sync>() {}
    shared::<KeyValue>();
    sendable(|| async {
        let client = KeyValue::new(Options::default());
        let _ = client.compare_and_set("k", None, None, TTL).await;
        let _ = client.load("k", TTL).await;
    });
}
