//! What the real client finds: transactions, waiting and its ends, both protocols, and what outlives a crash.

use std::time::{Duration, SystemTime};

use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use super::super::FAULTS;
use super::super::host::Options;
use super::pipes::{Raw, Served, bind, execute, message, parse, query, start, sync};

const TABLES: &str = "CREATE TABLE t (id text PRIMARY KEY, n bigint NOT NULL DEFAULT 0); \
    INSERT INTO t VALUES ('a', 1), ('b', 2), ('c', 3)";

async fn served() -> Served {
    let served = Served::prepared(Options::default(), TABLES);
    yield_now().await;
    assert_eq!(served.take_log().len(), 3);
    served
}

async fn number(client: &Client, id: &str) -> i64 {
    client.query_one("SELECT n FROM t WHERE id = $1", &[&id]).await.expect("a row").get(0)
}

fn state(error: &tokio_postgres::Error) -> &str {
    error.code().map_or("no state", SqlState::code)
}

/// Sends a query string and hears nothing, for it waits.
async fn blocks(raw: &mut Raw, text: &str) {
    raw.whisper(&query(text)).await;
    assert!(timeout(Duration::from_millis(1), raw.hear()).await.is_err(), "`{text}` does not wait");
}

#[tokio::test(start_paused = true)]
async fn each_type_comes_and_goes_in_both_formats() {
    let served = served().await;
    let client = served.client().await;
    let moment = SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_123_456);
    let id = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
    let json: serde_json::Value = serde_json::json!({ "a": [1, null, "x"] });
    let (bytes, texts) = (vec![0u8, 1, 255], vec!["a".to_owned(), "b,c".to_owned()]);
    let with: [&(dyn ToSql + Sync); 10] = [&true, &7i16, &-8i32, &9i64, &1.5f64, &"text", &bytes, &id, &moment, &json];
    let sql = "SELECT $1::boolean, $2::smallint, $3::integer, $4::bigint, $5::double precision, $6::text, $7::bytea, \
        $8::uuid, $9::timestamptz, $10::jsonb";
    let row = client.query_one(sql, &with).await.expect("one of each");
    assert_eq!((row.get::<_, bool>(0), row.get::<_, i16>(1), row.get::<_, i32>(2)), (true, 7, -8));
    assert_eq!((row.get::<_, i64>(3), row.get::<_, f64>(4), row.get::<_, String>(5)), (9, 1.5, "text".to_owned()));
    assert_eq!((row.get::<_, Vec<u8>>(6), row.get::<_, Uuid>(7)), (bytes, id));
    assert_eq!((row.get::<_, SystemTime>(8), row.get::<_, serde_json::Value>(9)), (moment, json));
    let sql = "SELECT $1::text[], $2::bigint[], $3::text";
    let row = client.query_one(sql, &[&texts, &vec![1i64, 2], &None::<String>]).await.expect("arrays and a null");
    assert_eq!((row.get::<_, Vec<String>>(0), row.get::<_, Vec<i64>>(1)), (texts, vec![1, 2]));
    assert_eq!(row.get::<_, Option<String>>(2), None);
    let mut raw = served.begun().await;
    let told = raw.say(&query("SELECT true, 1.5::double precision, '2026-01-02 03:04:05+00'::timestamptz")).await;
    assert!(told.contains("| D t,1.5,2026-01-02 03:04:05+00 | C SELECT 1 | Z I"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn commits_are_told_when_they_happen_and_only_then() {
    let served = served().await;
    let client = served.client().await;
    client.batch_execute("BEGIN; UPDATE t SET n = 5 WHERE id = 'a'").await.expect("an open transaction");
    assert_eq!(served.take_log(), [""; 0]);
    client.batch_execute("COMMIT").await.expect("a commit");
    let log = served.take_log();
    assert!(matches!(&log[..], [line] if line.starts_with("postgres t:a {") && line.ends_with("update")), "{log:?}");
    client.batch_execute("BEGIN; DELETE FROM t; ROLLBACK").await.expect("a rollback");
    assert_eq!(served.take_log(), [""; 0]);
    client.execute("DELETE FROM t WHERE id = 'b'", &[]).await.expect("a deletion");
    assert_eq!(served.take_log(), ["postgres t:b - delete"]);
}

#[tokio::test(start_paused = true)]
async fn several_statements_of_one_query_are_one_transaction() {
    let served = served().await;
    let mut raw = served.begun().await;
    let told = raw.say(&query("UPDATE t SET n = 9 WHERE id = 'a'; SELECT 1/0")).await;
    assert!(told.contains("C UPDATE 1") && told.contains("E ERROR 22012") && told.ends_with("Z I"), "{told}");
    assert_eq!(number(&served.client().await, "a").await, 1);
    let told = raw.say(&query("UPDATE t SET n = 9 WHERE id = 'a'; COMMIT; SELECT 1/0")).await;
    assert!(told.starts_with("C UPDATE 1 | C COMMIT | ") && told.contains("E ERROR 22012"), "{told}");
    assert_eq!(number(&served.client().await, "a").await, 9);
    let told = raw.say(&query("UPDATE t SET n = 8 WHERE id = 'a'; BEGIN; UPDATE t SET n = 7 WHERE id = 'b'")).await;
    assert_eq!(told, "C UPDATE 1 | C BEGIN | C UPDATE 1 | Z T");
    assert_eq!(raw.say(&query("SELECT 1/0")).await.rsplit(" | ").next(), Some("Z E"));
    assert!(raw.say(&query("SELECT 1")).await.starts_with("E ERROR 25P02"));
    assert_eq!(raw.say(&query("COMMIT")).await, "C ROLLBACK | Z I");
    assert_eq!(number(&served.client().await, "a").await, 9);
    assert_eq!(raw.say(&query("  -- nothing\n ;")).await, "I | Z I");
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_before_one_sync_is_one_transaction() {
    let served = served().await;
    let mut raw = served.begun().await;
    let run = |text: &str| [parse("", text), bind("", ""), execute("", 0)].concat();
    let both = [run("UPDATE t SET n = 9 WHERE id = 'a'"), run("INSERT INTO t VALUES ('a', 1)"), sync()].concat();
    let told = raw.say(&both).await;
    assert!(told.contains("C UPDATE 1") && told.contains("E ERROR 23505") && told.ends_with("Z I"), "{told}");
    assert_eq!(number(&served.client().await, "a").await, 1);
    let both = [run("UPDATE t SET n = 9 WHERE id = 'a'"), run("UPDATE t SET n = 9 WHERE id = 'b'"), sync()].concat();
    assert!(raw.say(&both).await.ends_with("C UPDATE 1 | Z I"));
    assert_eq!(served.take_log().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_portal_hands_over_as_many_rows_as_are_asked_for() {
    let served = served().await;
    let mut raw = served.begun().await;
    let begin = [parse("all", "SELECT id FROM t ORDER BY id"), bind("p", "all"), execute("p", 2)].concat();
    let told = raw.say(&[begin, execute("p", 2), execute("p", 2), sync()].concat()).await;
    assert_eq!(told, "1 | 2 | D a | D b | s | D c | C SELECT 1 | C SELECT 0 | Z I");
}

#[tokio::test(start_paused = true)]
async fn the_number_and_the_bytes_of_parameters_are_checked() {
    let served = served().await;
    let mut raw = served.begun().await;
    let told = raw.say(&[parse("q", "SELECT n FROM t WHERE n = $1"), message(b'D', b"Sq\0"), sync()].concat()).await;
    assert_eq!(told, "1 | t 20 | T n | Z I");
    let refused = raw.say(&[bind("", "q"), sync()].concat()).await;
    let expected = "bind message supplies 0 parameters, but prepared statement \"q\" requires 1";
    assert_eq!(refused, format!("E ERROR 08P01 {expected} | Z I"));
    let one = |value: &[u8]| {
        let length = (value.len() as u32).to_be_bytes();
        message(b'B', &[b"\0q\0\0\0\0\x01", &length[..], value, b"\0\0"].concat())
    };
    assert_eq!(raw.say(&[one(b"2"), execute("", 0), sync()].concat()).await, "2 | D 2 | C SELECT 1 | Z I");
    let refused = raw.say(&[one(b"two"), sync()].concat()).await;
    assert_eq!(refused, "E ERROR 22P02 invalid input syntax for type bigint: \"two\" | Z I");
}

#[tokio::test(start_paused = true)]
async fn a_writer_waits_for_the_one_before_it_and_goes_by_what_that_has_left() {
    let served = served().await;
    let (mut first, mut second) = (served.begun().await, served.begun().await);
    first.say(&query("BEGIN; UPDATE t SET n = 10 WHERE id = 'a'")).await;
    blocks(&mut second, "UPDATE t SET n = n + 1 WHERE id = 'a'").await;
    assert_eq!(first.say(&query("COMMIT")).await, "C COMMIT | Z I");
    assert_eq!(second.hear().await, "C UPDATE 1 | Z I");
    assert_eq!(number(&served.client().await, "a").await, 11);
    assert_eq!(served.take_log().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_is_told_which_limit_it_was() {
    let served = served().await;
    let (mut first, mut second) = (served.begun().await, served.begun().await);
    first.say(&query("BEGIN; UPDATE t SET n = 10 WHERE id = 'a'")).await;
    let update = query("UPDATE t SET n = n + 1 WHERE id = 'a'");
    for (setting, expected, after) in [
        ("lock_timeout", "E ERROR 55P03 canceling statement due to lock timeout | Z I", 3),
        ("statement_timeout", "E ERROR 57014 canceling statement due to statement timeout | Z I", 2),
    ] {
        second.say(&query(&format!("SET {setting} = '{after}s'"))).await;
        let begun = Instant::now();
        assert_eq!(second.say(&update).await, expected);
        assert_eq!(begun.elapsed(), Duration::from_secs(after));
    }
    assert_eq!(first.say(&query("ROLLBACK")).await, "C ROLLBACK | Z I");
    assert_eq!(second.say(&update).await, "C UPDATE 1 | Z I");
}

#[tokio::test(start_paused = true)]
async fn a_deadlock_is_noticed_by_whoever_has_waited_for_a_second_in_it() {
    let served = served().await;
    let (mut first, mut second) = (served.begun().await, served.begun().await);
    first.say(&query("BEGIN; UPDATE t SET n = 10 WHERE id = 'a'")).await;
    second.say(&query("BEGIN; UPDATE t SET n = 20 WHERE id = 'b'")).await;
    blocks(&mut first, "UPDATE t SET n = 11 WHERE id = 'b'").await;
    // It has looked by then, and there was no circle.
    sleep(Duration::from_secs(2)).await;
    let begun = Instant::now();
    assert_eq!(second.say(&query("UPDATE t SET n = 21 WHERE id = 'a'")).await, "E ERROR 40P01 deadlock detected | Z E");
    assert_eq!(begun.elapsed(), Duration::from_secs(1));
    assert_eq!(first.hear().await, "C UPDATE 1 | Z T");
}

#[tokio::test(start_paused = true)]
async fn a_cancel_request_ends_what_waits_and_nothing_else() {
    let served = served().await;
    let (mut first, client) = (served.begun().await, served.client().await);
    first.say(&query("BEGIN; UPDATE t SET n = 10 WHERE id = 'a'")).await;
    let cancel = client.cancel_token();
    let mut update = Box::pin(client.execute("UPDATE t SET n = 0 WHERE id = 'a'", &[]));
    assert!(timeout(Duration::from_millis(5), &mut update).await.is_err());
    cancel.cancel_query_raw(served.stream(), tokio_postgres::NoTls).await.expect("a request");
    assert_eq!(state(&update.await.expect_err("cancelled")), "57014");
    cancel.cancel_query_raw(served.stream(), tokio_postgres::NoTls).await.expect("a request");
    sleep(Duration::from_millis(1)).await;
    assert_eq!(number(&client, "b").await, 2);
}

#[tokio::test(start_paused = true)]
async fn who_does_nothing_in_a_transaction_is_shown_out() {
    let served = served().await;
    let (mut first, mut second) = (served.begun().await, served.begun().await);
    first.say(&query("SET idle_in_transaction_session_timeout = '5s'")).await;
    sleep(Duration::from_mins(1)).await;
    first.say(&query("BEGIN; UPDATE t SET n = 10 WHERE id = 'a'")).await;
    let begun = Instant::now();
    let told = first.hear().await;
    assert_eq!(told, "E FATAL 25P03 terminating connection due to idle-in-transaction timeout");
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
    assert_eq!(second.say(&query("UPDATE t SET n = 11 WHERE id = 'a'")).await, "C UPDATE 1 | Z I");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_leaves_nothing_open() {
    let served = served().await;
    let (mut first, mut second) = (served.begun().await, served.begun().await);
    first.say(&query("BEGIN; UPDATE t SET n = 10 WHERE id = 'a'")).await;
    blocks(&mut second, "UPDATE t SET n = n + 1 WHERE id = 'a'").await;
    drop(first);
    assert_eq!(second.hear().await, "C UPDATE 1 | Z I");
    assert_eq!(number(&served.client().await, "a").await, 2);
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_while_its_statement_waits_does_not_take_it_along() {
    let served = served().await;
    let (mut first, mut second) = (served.begun().await, served.begun().await);
    first.say(&query("BEGIN; UPDATE t SET n = 10 WHERE id = 'a'")).await;
    blocks(&mut second, "UPDATE t SET n = n + 1 WHERE id = 'a'").await;
    drop(second);
    sleep(Duration::from_millis(1)).await;
    first.say(&query("COMMIT")).await;
    assert_eq!(number(&served.client().await, "a").await, 11);
}

#[tokio::test(start_paused = true)]
async fn terminated_connections_take_back_what_they_had_open_and_none_goes_on() {
    let served = served().await;
    let (mut first, mut second) = (served.begun().await, served.begun().await);
    first.say(&query("BEGIN; UPDATE t SET n = 10 WHERE id = 'a'")).await;
    blocks(&mut second, "UPDATE t SET n = n + 1 WHERE id = 'a'").await;
    assert_eq!(served.postgres.terminate_backends(), "2 connections ended");
    let told = "E FATAL 57P01 terminating connection due to administrator command";
    assert_eq!((first.hear().await, second.hear().await), (told.to_owned(), told.to_owned()));
    assert_eq!(number(&served.client().await, "a").await, 1);
    assert_eq!(served.take_log(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_keeps_what_was_committed_and_recovery_takes_its_time() {
    let mut served = served().await;
    let (mut first, mut second) = (served.begun().await, served.begun().await);
    first.say(&query("UPDATE t SET n = 4 WHERE id = 'a'")).await;
    first.say(&query("BEGIN; UPDATE t SET n = 10 WHERE id = 'a'")).await;
    blocks(&mut second, "UPDATE t SET n = n + 1 WHERE id = 'a'").await;
    served.take_log();
    served.restart().await;
    assert_eq!(served.take_log(), [""; 0]);
    let refused = served.raw().say(&start(&[("user", "u")])).await;
    assert_eq!(refused, "E FATAL 57P03 the database system is starting up");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(number(&served.client().await, "a").await, 4);
    assert_eq!((first.hear().await, second.hear().await), (String::new(), String::new()));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_only_reads_refuses_writes_for_a_moment() {
    let served = served().await;
    let client = served.client().await;
    assert_eq!(served.postgres.read_only(Duration::from_secs(3)), "writes are refused for 3s");
    assert_eq!(number(&client, "a").await, 1);
    for write in [
        "UPDATE t SET n = 0",
        "INSERT INTO t VALUES ('d', 4) ON CONFLICT (id) DO UPDATE SET n = 4",
        "DELETE FROM t",
        "SELECT n FROM t FOR UPDATE",
    ] {
        let error = client.execute_typed(write, &[]).await.expect_err(write);
        assert_eq!(state(&error), "25006", "{write}: {error}");
    }
    sleep(Duration::from_secs(3)).await;
    assert_eq!(client.execute("UPDATE t SET n = 0 WHERE id = 'a'", &[]).await.expect("a write"), 1);
}

#[tokio::test(start_paused = true)]
async fn each_fault_strikes_by_its_name() {
    let served = served().await;
    let strike = |fault: &str, magnitude| served.postgres.strike(fault, magnitude, 30);
    assert_eq!(strike("read_only", 32).as_deref(), Some("writes are refused for 3s"));
    assert_eq!(strike("flood", 1), None);
    assert!(FAULTS.iter().all(|fault| strike(fault, 1).is_some_and(|did| !did.is_empty())));
}

#[tokio::test(start_paused = true)]
async fn what_is_set_in_a_transaction_goes_back_with_it() {
    let served = served().await;
    let mut raw = served.begun().await;
    let show = query("SHOW lock_timeout");
    raw.say(&query("BEGIN; SET lock_timeout = '3s'; SET LOCAL statement_timeout = '4s'")).await;
    assert_eq!(raw.say(&show).await, "T lock_timeout | D 3s | C SHOW | Z T");
    assert_eq!(raw.say(&query("SHOW statement_timeout")).await, "T statement_timeout | D 4s | C SHOW | Z T");
    raw.say(&query("ROLLBACK")).await;
    assert_eq!(raw.say(&show).await, "T lock_timeout | D 0 | C SHOW | Z I");
    raw.say(&query("BEGIN; SET lock_timeout = '3s'; SET LOCAL statement_timeout = '4s'; COMMIT")).await;
    assert_eq!(raw.say(&show).await, "T lock_timeout | D 3s | C SHOW | Z I");
    assert_eq!(raw.say(&query("SHOW statement_timeout")).await, "T statement_timeout | D 0 | C SHOW | Z I");
    raw.say(&query("BEGIN; SET application_name = 'x'")).await;
    assert_eq!(raw.say(&query("ROLLBACK")).await, "C ROLLBACK | S application_name= | Z I");
}

#[tokio::test(start_paused = true)]
async fn the_crate_beneath_is_at_home_here() {
    let served = served().await;
    let mut client = served.client().await;
    let statement = client.prepare("SELECT n FROM t WHERE id = $1").await.expect("a statement");
    assert_eq!(statement.params(), [Type::TEXT]);
    let row = client.query_opt(&statement, &[&"nobody"]).await.expect("an answer");
    assert!(row.is_none());
    let transaction = client.transaction().await.expect("a transaction");
    transaction.execute("UPDATE t SET n = 5 WHERE id = 'a'", &[]).await.expect("a write");
    drop(transaction);
    yield_now().await;
    assert_eq!(number(&client, "a").await, 1);
    let error = client.query("SELECT nothing FROM t", &[]).await.expect_err("no such column");
    assert_eq!(state(&error), "42703");
}
