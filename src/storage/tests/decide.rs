//! Transactions that look first, and the commands beside them, against the simulated Redis.

use std::time::Duration;

use crate::runtime::net::TcpListener;
use crate::runtime::task;
use crate::servers::redis::{self, Redis};
use crate::storage::{Change, Decision, Found, KeyValue, Look, Options, StorageError};

const TTL: Duration = Duration::from_mins(1);

async fn served() -> (Redis, KeyValue) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = Redis::new(redis::Options::default());
    let serving = server.clone();
    drop(task::spawn(async move { serving.serve(listener).await }));
    (server, KeyValue::new(Options { address, ..Options::default() }))
}

#[tokio::test]
async fn all_changes_are_made_or_none() {
    let (_, client) = served().await;
    let looks = [Look::Text("k"), Look::Members("z")];
    let written = client
        .decide("k", &["k", "z"], &looks, |found| {
            assert_eq!(found, [Found::Text(None), Found::Members(Vec::new())]);
            let changes = vec![
                Change::Set("k", "1", TTL),
                Change::Add("z", "late", 30),
                Change::Add("z", "early", 10),
                Change::Add("z", "gone", 5),
                Change::Remove("z", "gone"),
            ];
            Ok(Decision::Write(changes, "written"))
        })
        .await;
    assert_eq!(written, Ok("written"));
    let members = |found: &[Found]| match found {
        [_, Found::Members(members)] => members.clone(),
        other => panic!("{other:?}"),
    };
    let seen = client.decide("k", &[], &looks, |found| Ok(Decision::Leave(members(found)))).await.unwrap();
    assert_eq!(seen, [("early".to_owned(), 10), ("late".to_owned(), 30)]);
    let trimmed = vec![Change::RemoveUpTo("z", 10), Change::Delete("k")];
    assert_eq!(client.decide("k", &["k"], &looks, |_| Ok(Decision::Write(trimmed.clone(), ()))).await, Ok(()));
    assert_eq!(client.get("k").await, Ok(None));
    let seen = client.decide("k", &[], &looks, |found| Ok(Decision::Leave(members(found)))).await.unwrap();
    assert_eq!(seen, [("late".to_owned(), 30)]);
}

#[tokio::test]
async fn a_key_that_is_touched_in_between_is_looked_at_again() {
    let (server, client) = served().await;
    client.upsert("k", "1", TTL).await.unwrap();
    let mut seen = Vec::new();
    let mut intruder = Some(());
    client
        .decide("k", &["k"], &[Look::Text("k")], |found| {
            let [Found::Text(text)] = found else { panic!("{found:?}") };
            seen.push(text.clone().unwrap_or_default());
            if intruder.take().is_some() {
                // The decision is taken between look and write: whoever writes now comes in between.
                server.garble("k", 0);
            }
            Ok(Decision::Write(vec![Change::Set("k", "3", TTL)], ()))
        })
        .await
        .unwrap();
    assert_eq!(seen, ["1", "garbled"]);
    assert_eq!(client.get("k").await, Ok(Some("3".to_owned())));
}

#[tokio::test]
async fn a_decision_may_refuse_and_then_writes_nothing() {
    let (_, client) = served().await;
    let refusal = StorageError::Corrupt("not as it should be".to_owned());
    let refused = client
        .decide("k", &["k"], &[Look::Time], |found| {
            let [Found::Time(now)] = found else { panic!("{found:?}") };
            assert!(*now > 1_600_000_000_000, "milliseconds since 1970, not {now}");
            Err::<Decision<'_, ()>, _>(refusal.clone())
        })
        .await;
    assert_eq!(refused, Err(refusal));
    assert_eq!(client.get("k").await, Ok(None));
}

#[tokio::test]
async fn a_garbled_counter_counts_no_more() {
    let (server, client) = served().await;
    assert_eq!(server.garble("counter", 1), "no text to garble");
    assert_eq!(client.increment("counter").await, Ok(1));
    assert_eq!(client.increment("counter").await, Ok(2));
    assert_eq!(client.expire("counter", TTL).await, Ok(true));
    assert_eq!(client.expire("nobody", TTL).await, Ok(false));
    assert_eq!(server.garble("other", 1), "no text to garble", "no key goes by that name");
    assert_eq!(server.garble("counter", 5), "garbled counter");
    assert_eq!(client.get("counter").await, Ok(Some("garbled".to_owned())));
    assert!(
        matches!(client.increment("counter").await, Err(StorageError::Refused(why)) if why.contains("not an integer"))
    );
}

#[tokio::test]
async fn a_member_is_removed_once() {
    let (_, client) = served().await;
    let add = vec![Change::Add("z", "m", 1)];
    client.decide("z", &[], &[], |_| Ok(Decision::Write(add.clone(), ()))).await.unwrap();
    assert_eq!(client.remove_member("z", "m").await, Ok(true));
    assert_eq!(client.remove_member("z", "m").await, Ok(false));
}
