//! Transactions: what they keep, what they undo, what others see of them.

use super::Bench;
use crate::servers::postgres::engine::{Database, Status};

const SCHEMA: &str = "
    CREATE TABLE t (id text PRIMARY KEY, n integer NOT NULL, UNIQUE (n));
    CREATE TABLE parts (id integer PRIMARY KEY, t text REFERENCES t ON DELETE CASCADE);
    INSERT INTO t VALUES ('a', 1), ('b', 2);
";

#[test]
fn nobody_sees_what_is_not_committed() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let b = bench.database.connect();
    bench.done(a, "BEGIN");
    bench.done(a, "UPDATE t SET n = 10 WHERE id = 'a'");
    bench.done(a, "INSERT INTO t VALUES ('c', 3)");
    bench.done(a, "DELETE FROM t WHERE id = 'b'");
    assert_eq!(bench.rows(b, "SELECT id, n FROM t ORDER BY id"), "a|1\nb|2");
    assert_eq!(bench.rows(a, "SELECT id, n FROM t ORDER BY id"), "a|10\nc|3");
    assert!(bench.commits().is_empty());
    bench.done(b, "INSERT INTO t VALUES ('d', 4)");
    assert_eq!(bench.rows(a, "SELECT id FROM t ORDER BY id"), "a\nc\nd");
    bench.done(a, "COMMIT");
    assert_eq!(bench.rows(b, "SELECT id, n FROM t ORDER BY id"), "a|10\nc|3\nd|4");
    assert_eq!(bench.commits(), ["insert t:d", "update t:a", "insert t:c", "delete t:b"]);
}

#[test]
fn a_transaction_commits_while_anothers_rows_are_in_place() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let b = bench.database.connect();
    for (session, id) in [(a, "a"), (b, "b")] {
        bench.done(session, "BEGIN");
        bench.done(session, &format!("UPDATE t SET n = n + 100 WHERE id = '{id}'"));
    }
    bench.done(a, "COMMIT");
    assert_eq!(bench.rows(a, "SELECT n FROM t ORDER BY id"), "101\n2");
    bench.done(b, "ROLLBACK");
    assert_eq!(bench.rows(b, "SELECT n FROM t ORDER BY id"), "101\n2");
}

#[test]
fn an_error_spoils_a_transaction_until_it_ends() {
    let (mut bench, a) = Bench::new(SCHEMA);
    bench.done(a, "BEGIN");
    bench.done(a, "INSERT INTO t VALUES ('c', 3)");
    assert_eq!(bench.refused(a, "INSERT INTO t VALUES ('d', 3)").state, "23505");
    assert_eq!(bench.database.status(a), Status::Failed);
    assert_eq!(bench.refused(a, "SELECT 1").state, "25P02");
    assert_eq!(bench.done(a, "COMMIT").tag, "ROLLBACK");
    assert_eq!(bench.rows(a, "SELECT count(*) FROM t"), "2");
    assert!(bench.commits().is_empty());
}

#[test]
fn savepoints_go_back_in_part() {
    let (mut bench, a) = Bench::new(SCHEMA);
    bench.done(a, "BEGIN");
    bench.done(a, "INSERT INTO t VALUES ('c', 3)");
    bench.done(a, "SAVEPOINT one");
    bench.done(a, "DELETE FROM t");
    assert_eq!(bench.refused(a, "SELECT 1 / 0").state, "22012");
    bench.done(a, "ROLLBACK TO one");
    assert_eq!(bench.rows(a, "SELECT count(*) FROM t"), "3");
    bench.done(a, "RELEASE one");
    assert_eq!(bench.refused(a, "ROLLBACK TO one").state, "3B001");
    bench.done(a, "ROLLBACK");
    assert_eq!(bench.rows(a, "SELECT count(*) FROM t"), "2");
}

#[test]
fn commits_tell_what_became_of_each_row() {
    let (mut bench, a) = Bench::new(SCHEMA);
    bench.done(a, "BEGIN");
    bench.done(a, "INSERT INTO t VALUES ('c', 3)");
    bench.done(a, "UPDATE t SET n = 4 WHERE id = 'c'");
    bench.done(a, "INSERT INTO t VALUES ('d', 5)");
    bench.done(a, "DELETE FROM t WHERE id = 'd'");
    bench.done(a, "UPDATE t SET id = 'e' WHERE id = 'a'");
    bench.done(a, "COMMIT");
    let commits = bench.database.take_commits();
    let told: Vec<(&str, &str, Option<&str>)> =
        commits.iter().map(|commit| (commit.cause, commit.key.as_str(), commit.row.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("insert", "t:c", Some("{\"id\":\"c\",\"n\":4}")),
            ("delete", "t:a", None),
            ("insert", "t:e", Some("{\"id\":\"e\",\"n\":1}")),
        ]
    );
}

#[test]
fn a_crash_keeps_what_was_committed_and_nothing_else() {
    let (mut bench, a) = Bench::new(SCHEMA);
    bench.done(a, "BEGIN");
    bench.done(a, "DELETE FROM t");
    bench.database.crash();
    let b = bench.database.connect();
    assert_eq!(bench.rows(b, "SELECT count(*) FROM t"), "2");
    assert_eq!(bench.refused(a, "SELECT 1").state, "08003");
}

#[test]
fn statements_that_came_together_end_together() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let now = bench.now;
    bench.database.begin_implicit(a, now);
    bench.done(a, "DELETE FROM t WHERE id = 'a'");
    assert_eq!(bench.refused(a, "SELECT 1 / 0").state, "22012");
    bench.database.end_implicit(a);
    assert_eq!(bench.database.status(a), Status::Idle);
    assert_eq!(bench.rows(a, "SELECT count(*) FROM t"), "2");
    bench.database.begin_implicit(a, now);
    bench.done(a, "DELETE FROM t WHERE id = 'a'");
    bench.database.end_implicit(a);
    assert_eq!(bench.commits(), ["delete t:a"]);
}

#[test]
fn the_time_stands_still_in_a_transaction() {
    let (mut bench, a) = Bench::new("");
    bench.done(a, "BEGIN");
    let first = bench.rows(a, "SELECT now()");
    assert_eq!(bench.rows(a, "SELECT now(), clock_timestamp() - now()"), format!("{first}|0m0d2000000us"));
}

#[test]
fn parameters_are_set_for_a_session_or_a_transaction() {
    let (mut bench, a) = Bench::new("");
    bench.done(a, "SET lock_timeout = '2s'");
    bench.done(a, "BEGIN");
    bench.done(a, "SET LOCAL lock_timeout = 500");
    assert_eq!(bench.rows(a, "SHOW lock_timeout"), "500ms");
    bench.done(a, "COMMIT");
    assert_eq!(bench.database.timeout(a, "lock_timeout"), Some(std::time::Duration::from_secs(2)));
    bench.done(a, "BEGIN");
    bench.done(a, "SET statement_timeout TO 1000");
    bench.done(a, "ROLLBACK");
    assert_eq!(bench.database.timeout(a, "statement_timeout"), None);
}

#[test]
fn a_replica_does_what_its_primary_has_committed() {
    let (mut bench, a) = Bench::new("");
    bench.database.keep_stream();
    for sql in [
        "CREATE TABLE t (id int PRIMARY KEY, n int)",
        "INSERT INTO t VALUES (1, 1), (2, 2)",
        "BEGIN",
        "UPDATE t SET n = 5 WHERE id = 1",
        "DELETE FROM t WHERE id = 2",
        "COMMIT",
        "BEGIN",
        "DELETE FROM t",
    ] {
        bench.done(a, sql);
    }
    let mut replica = Bench { database: Database::new(), now: 0 };
    replica.database.set_read_only(true);
    let b = replica.database.connect();
    for changes in bench.database.take_stream() {
        replica.database.replica_apply(&changes).expect("it follows");
    }
    assert_eq!(replica.rows(b, "SELECT id, n FROM t"), "1|5");
    assert_eq!(replica.refused(b, "INSERT INTO t VALUES (3, 3)").state, "25006");
    assert_eq!(replica.refused(b, "SELECT * FROM t FOR UPDATE").state, "25006");
}
