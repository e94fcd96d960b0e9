//! What the client of rows promises, call by call and failure by failure, over real sockets.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::runtime::net::TcpListener;
use crate::runtime::task;
use crate::servers::postgres::{Options, Postgres};
use crate::storage::{Row, Rows, RowsError, RowsOptions, Touch};

const SHORT: Duration = Duration::from_millis(100);
const TABLES: &str = "CREATE TABLE pairs (k text PRIMARY KEY, v bigint NOT NULL CHECK (v < 1000))";

/// A server that listens, and its address.
async fn serve(tables: &str) -> (Postgres, String) {
    let postgres = Postgres::new(Options::default());
    postgres.prepare(tables).expect("tables that the server knows how to make");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("some port is free");
    let address = listener.local_addr().expect("it listens").to_string();
    let server = postgres.clone();
    task::spawn(async move { server.serve(listener).await });
    (postgres, address)
}

async fn start() -> (Postgres, Rows) {
    let (postgres, address) = serve(TABLES).await;
    (postgres, Rows::new(RowsOptions { address, ..RowsOptions::default() }))
}

async fn value(rows: &Rows, key: &str) -> Option<i64> {
    let found = rows.query(&[], "SELECT v FROM pairs WHERE k = $1", &[&key]).await.expect("a look");
    found.first().map(|row: &Row| row.get(0))
}

async fn insert(rows: &Rows, key: &str, value: i64) -> Result<u64, RowsError> {
    rows.execute(&[Touch::write("pairs:a")], "INSERT INTO pairs VALUES ($1, $2)", &[&key, &value]).await
}

fn alive() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

#[tokio::test]
async fn statements_return_rows_and_counts() {
    let (_, rows) = start().await;
    assert_eq!(value(&rows, "a").await, None);
    assert_eq!(insert(&rows, "a", 1).await, Ok(1));
    assert_eq!(rows.execute(&[], "UPDATE pairs SET v = v + $1 WHERE k = $2", &[&5i64, &"a"]).await, Ok(1));
    assert_eq!(rows.execute(&[], "UPDATE pairs SET v = 0 WHERE k = $1", &[&"b"]).await, Ok(0));
    assert_eq!(value(&rows, "a").await, Some(6));
    let deleted = rows.query(&[], "DELETE FROM pairs RETURNING k, v", &[]).await.expect("a deletion");
    let deleted: Vec<(String, i64)> = deleted.iter().map(|row| (row.get("k"), row.get("v"))).collect();
    assert_eq!(deleted, [("a".to_owned(), 6)]);
    rows.batch("INSERT INTO pairs VALUES ('c', 1); INSERT INTO pairs VALUES ('d', 2)").await.expect("a batch");
    assert_eq!(value(&rows, "d").await, Some(2));
}

#[tokio::test]
async fn refusals_say_what_and_leave_the_connection() {
    let (_, rows) = start().await;
    assert_eq!(insert(&rows, "a", 1).await, Ok(1));
    let error = insert(&rows, "a", 2).await.expect_err("it exists");
    assert!(error.is_unique_violation() && !error.is_ambiguous(), "{error}");
    assert!(matches!(&error, RowsError::Refused { constraint: Some(name), .. } if name == "pairs_pkey"), "{error:?}");
    assert!(insert(&rows, "b", 5000).await.expect_err("too much").is_check_violation());
    let error = rows.query(&[], "SELECT * FROM nowhere", &[]).await.expect_err("no such table");
    assert_eq!(error.sqlstate(), Some("42P01"));
    let error = rows.query(&[], "SELECT v FROM pairs WHERE k = $1", &[&7u32]).await.expect_err("no type");
    assert_eq!(error.sqlstate(), Some("42804"));
    assert_eq!(value(&rows, "a").await, Some(1));
}

#[tokio::test]
async fn a_batch_is_all_or_nothing() {
    let (_, rows) = start().await;
    let both = "INSERT INTO pairs VALUES ('a', 1); INSERT INTO pairs VALUES ('a', 2)";
    assert!(rows.batch(both).await.expect_err("the second").is_unique_violation());
    assert_eq!(value(&rows, "a").await, None);
}

#[tokio::test]
async fn a_transaction_takes_effect_when_it_is_committed() {
    let (_, rows) = start().await;
    let mut transaction = rows.transaction().await.expect("a transaction");
    transaction.execute(&[Touch::write("pairs:a")], "INSERT INTO pairs VALUES ('a', 1)", &[]).await.expect("a write");
    assert_eq!(value(&rows, "a").await, None);
    assert_eq!(transaction.commit().await, Ok(()));
    assert_eq!(value(&rows, "a").await, Some(1));

    let mut transaction = rows.transaction().await.expect("a transaction");
    assert_eq!(transaction.execute(&[], "DELETE FROM pairs", &[]).await, Ok(1));
    assert_eq!(transaction.rollback().await, Ok(()));
    assert_eq!(value(&rows, "a").await, Some(1));

    let mut transaction = rows.transaction().await.expect("a transaction");
    assert_eq!(transaction.execute(&[], "DELETE FROM pairs", &[]).await, Ok(1));
    drop(transaction);
    // It holds the row until the server has noticed.
    assert_eq!(rows.execute(&[], "UPDATE pairs SET v = 2", &[]).await, Ok(1));
}

#[tokio::test]
async fn a_transaction_that_failed_is_not_committed() {
    let (_, rows) = start().await;
    let mut transaction = rows.transaction().await.expect("a transaction");
    assert_eq!(transaction.execute(&[], "INSERT INTO pairs VALUES ('a', 1)", &[]).await, Ok(1));
    let twice = transaction.execute(&[], "INSERT INTO pairs VALUES ('a', 1)", &[]).await;
    assert!(twice.expect_err("it exists").is_unique_violation());
    let after = transaction.query(&[], "SELECT 1", &[]).await;
    assert_eq!(after.expect_err("it has failed").sqlstate(), Some("25P02"));
    assert_eq!(transaction.commit().await.expect_err("nothing to commit").sqlstate(), Some("25P02"));
    assert_eq!(value(&rows, "a").await, None);
}

#[tokio::test]
async fn connections_are_used_again_and_there_are_no_more_than_allowed() {
    let (postgres, address) = serve(TABLES).await;
    let options = RowsOptions { address, connections: 1, acquire_timeout: SHORT, ..RowsOptions::default() };
    let rows = Rows::new(options);
    let before = alive();
    for number in 0..3 {
        insert(&rows, &format!("k{number}"), number).await.expect("an insertion");
    }
    // The server has one task for each connection, the client none.
    assert_eq!(alive(), before + 1);
    let transaction = rows.transaction().await.expect("a transaction");
    let error = rows.query(&[], "SELECT 1", &[]).await.expect_err("the one connection is taken");
    assert!(matches!(error, RowsError::TimedOut(_)), "{error}");
    transaction.rollback().await.expect("an end");
    assert_eq!(rows.clone().query(&[], "SELECT 1", &[]).await.map(|found| found.len()), Ok(1));
    assert_eq!(postgres.terminate_backends(), "1 connection ended");
}

#[tokio::test]
async fn a_connection_that_has_ended_is_not_used_again() {
    let (postgres, rows) = start().await;
    assert_eq!(insert(&rows, "a", 1).await, Ok(1));
    postgres.terminate_backends();
    tokio::time::sleep(SHORT).await;
    assert_eq!(value(&rows, "a").await, Some(1));
}

#[tokio::test]
async fn a_dropped_call_takes_its_connection_along_and_holds_up_nobody() {
    let (_, rows) = start().await;
    insert(&rows, "a", 1).await.expect("an insertion");
    let mut holder = rows.transaction().await.expect("a transaction");
    holder.execute(&[], "UPDATE pairs SET v = 2", &[]).await.expect("a write");
    let blocked = rows.execute(&[], "UPDATE pairs SET v = v + 10", &[]);
    assert!(timeout(SHORT, blocked).await.is_err());
    assert_eq!(value(&rows, "a").await, Some(1));
    holder.commit().await.expect("a commit");
    // What was sent is carried out nevertheless, as soon as it can be.
    let late = Instant::now() + Duration::from_secs(5);
    while value(&rows, "a").await != Some(12) {
        assert!(Instant::now() < late, "the abandoned update never came");
    }
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_doubtful_only_if_it_writes() {
    let (_, address) = serve(TABLES).await;
    let patient = Rows::new(RowsOptions { address: address.clone(), ..RowsOptions::default() });
    let hasty = Rows::new(RowsOptions { address, statement_timeout: Some(SHORT), ..RowsOptions::default() });
    insert(&patient, "a", 1).await.expect("an insertion");
    let mut holder = patient.transaction().await.expect("a transaction");
    holder.execute(&[], "UPDATE pairs SET v = 2", &[]).await.expect("a write");
    let look = hasty.query(&[Touch::read("pairs:a")], "SELECT v FROM pairs FOR UPDATE", &[]).await;
    assert!(matches!(look.expect_err("locked"), RowsError::TimedOut(_)));
    let write = hasty.execute(&[Touch::write("pairs:a")], "UPDATE pairs SET v = 3", &[]).await;
    assert!(write.expect_err("locked").is_ambiguous());
}

#[tokio::test]
async fn a_closed_pool_gives_out_no_connection() {
    let (_, rows) = start().await;
    let before = alive();
    insert(&rows, "a", 1).await.expect("an insertion");
    let mut open = rows.transaction().await.expect("a transaction");
    rows.clone().close();
    assert!(rows.is_closed());
    let error = rows.query(&[], "SELECT 1", &[]).await.expect_err("closed");
    assert!(matches!(error, RowsError::Closed(_)), "{error}");
    assert!(matches!(rows.transaction().await, Err(RowsError::Closed(_))));
    // What is under way comes to its end.
    open.execute(&[], "UPDATE pairs SET v = 7", &[]).await.expect("a write");
    open.commit().await.expect("a commit");
    let gone = Instant::now() + Duration::from_secs(5);
    while alive() > before {
        assert!(Instant::now() < gone, "a connection is still open");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn where_nobody_listens_the_address_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("some port is free");
    let address = listener.local_addr().expect("it listens").to_string();
    drop(listener);
    let rows = Rows::new(RowsOptions { address: address.clone(), ..RowsOptions::default() });
    let error = insert(&rows, "a", 1).await.expect_err("nobody listens");
    assert!(matches!(&error, RowsError::Unavailable(why) if why.contains(&address)), "{error}");
}

#[tokio::test]
async fn a_server_that_grants_no_connection_is_unavailable() {
    let (postgres, rows) = start().await;
    postgres.too_many(Duration::from_mins(1));
    let error = insert(&rows, "a", 1).await.expect_err("no connection");
    assert!(matches!(&error, RowsError::Unavailable(why) if why.contains("53300")), "{error}");
    postgres.heal();
    assert_eq!(insert(&rows, "a", 1).await, Ok(1));
}

#[test]
fn calls_can_be_spawned_and_clients_shared() {
    fn sendable<T: Send>(_: impl FnOnce() -> T) {}
    fn shared<T: Send + Sync>() {}
    shared::<Rows>();
    sendable(|| async {
        let rows = Rows::new(RowsOptions::default());
        let _ = rows.execute(&[Touch::read_write("a")], "SELECT $1", &[&1i64]).await;
        if let Ok(mut transaction) = rows.transaction().await {
            let _ = transaction.query(&[], "SELECT $1", &[&"a"]).await;
            let _ = transaction.commit().await;
        }
    });
}
