//! A replica: what it has when, and what it refuses.

use std::time::Duration;

use tokio::time::sleep;
use tokio_postgres::Client;

use super::super::host::{Options, Postgres};
use super::super::replica::Replica;
use super::pipes::Served;

const LAG: Duration = Duration::from_secs(2);
const SECOND: Duration = Duration::from_secs(1);

/// A primary with one table and one row, its replica, and both on the network.
fn served() -> (Replica, Served, Served) {
    let primary = Postgres::observed(Options::default(), Box::new(|_, _, _, _, _| {}));
    // It is told what was there before it, too.
    primary.prepare("CREATE TABLE t (id text PRIMARY KEY, n bigint)").expect("a table");
    let replica = primary.replica(Options { name: "replica".to_owned(), ..Options::default() }, LAG);
    primary.prepare("INSERT INTO t VALUES ('a', 1)").expect("a row");
    let copy = Served::of(replica.server());
    (replica, Served::of(&primary), copy)
}

async fn number(client: &Client) -> Option<i64> {
    client.query_opt("SELECT n FROM t WHERE id = 'a'", &[]).await.expect("an answer").map(|row| row.get(0))
}

async fn write(client: &Client, number: i64) {
    client.execute("UPDATE t SET n = $1 WHERE id = 'a'", &[&number]).await.expect("a write");
}

#[tokio::test(start_paused = true)]
async fn it_has_what_was_committed_some_time_ago() {
    let (_, primary, copy) = served();
    let (primary, copy) = (primary.client().await, copy.client().await);
    assert_eq!(number(&copy).await, Some(1));
    primary.batch_execute("BEGIN; UPDATE t SET n = 2; SELECT 1").await.expect("an open transaction");
    sleep(LAG).await;
    primary.batch_execute("COMMIT").await.expect("a commit");
    sleep(LAG / 2).await;
    assert_eq!(number(&copy).await, Some(1));
    primary.batch_execute("ALTER TABLE t ADD COLUMN m bigint").await.expect("a definition");
    primary.execute("DELETE FROM t", &[]).await.expect("a deletion");
    sleep(LAG / 2).await;
    assert_eq!(number(&copy).await, Some(2));
    assert!(copy.query("SELECT m FROM t", &[]).await.is_err());
    sleep(LAG).await;
    assert_eq!(number(&copy).await, None);
    assert_eq!(copy.query("SELECT m FROM t", &[]).await.expect("the new column").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn it_only_reads() {
    let (replica, _, copy) = served();
    let client = copy.client().await;
    for heals in [false, true] {
        if heals {
            replica.heal();
        }
        let error = client.execute("UPDATE t SET n = 2", &[]).await.expect_err("a write");
        assert_eq!(error.code().map(tokio_postgres::error::SqlState::code), Some("25006"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_is_held_up_catches_up() {
    let (replica, primary, copy) = served();
    let (primary, copy) = (primary.client().await, copy.client().await);
    assert_eq!(replica.stall(SECOND * 30, SECOND * 20), "the replica is 30s behind for 20s");
    write(&primary, 2).await;
    sleep(SECOND * 10).await;
    assert_eq!(number(&copy).await, Some(1));
    sleep(SECOND * 10).await;
    assert_eq!(number(&copy).await, Some(2));
    replica.stall(SECOND * 30, SECOND * 20);
    write(&primary, 3).await;
    sleep(LAG).await;
    assert_eq!(number(&copy).await, Some(2));
    replica.heal();
    assert_eq!(number(&copy).await, Some(3));
}

#[tokio::test(start_paused = true)]
async fn a_statement_in_the_way_of_recovery_is_refused() {
    let (replica, _, copy) = served();
    let client = copy.client().await;
    assert_eq!(replica.conflict(1), "1 statements stand in the way of recovery");
    let error = client.query("SELECT n FROM t", &[]).await.expect_err("a conflict");
    assert_eq!(error.code().map(tokio_postgres::error::SqlState::code), Some("40001"));
    assert_eq!(number(&client).await, Some(1));
}

#[tokio::test(start_paused = true)]
async fn changes_wait_for_a_replica_that_is_down() {
    let (_, primary, mut copy) = served();
    let primary = primary.client().await;
    copy.client().await;
    write(&primary, 2).await;
    copy.restart().await;
    sleep(LAG).await;
    assert_eq!(number(&copy.client().await).await, Some(2));
    let error = copy.client().await.execute("DELETE FROM t", &[]).await.expect_err("a write");
    assert_eq!(error.code().map(tokio_postgres::error::SqlState::code), Some("25006"));
}
