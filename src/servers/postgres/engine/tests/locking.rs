//! Two and three sessions: who waits for whom, and what comes of it.

use super::Bench;
use crate::servers::postgres::Refusal;

const SCHEMA: &str = "
    CREATE TABLE accounts (id text PRIMARY KEY, balance integer NOT NULL, code text UNIQUE);
    CREATE TABLE entries (id integer PRIMARY KEY, account text NOT NULL REFERENCES accounts ON DELETE CASCADE);
    INSERT INTO accounts VALUES ('a', 100, 'x'), ('b', 100, 'y');
";

#[expect(clippy::unnecessary_wraps, reason = "what statements come to is compared with it")]
fn ok(text: &str) -> Result<String, &'static str> {
    Ok(text.to_owned())
}

#[test]
fn a_read_before_a_write_loses_an_update() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let b = bench.database.connect();
    for session in [a, b] {
        bench.done(session, "BEGIN");
        assert_eq!(bench.rows(session, "SELECT balance FROM accounts WHERE id = 'a'"), "100");
    }
    bench.done(a, "UPDATE accounts SET balance = 110 WHERE id = 'a'");
    bench.waits(b, "UPDATE accounts SET balance = 120 WHERE id = 'a'");
    bench.done(a, "COMMIT");
    assert_eq!(bench.finished(), [(b, ok("UPDATE 1"))]);
    bench.done(b, "COMMIT");
    assert_eq!(bench.rows(a, "SELECT balance FROM accounts WHERE id = 'a'"), "120");
}

#[test]
fn a_write_that_waited_looks_at_the_row_again() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let b = bench.database.connect();
    bench.done(a, "BEGIN");
    bench.done(a, "UPDATE accounts SET balance = balance + 10 WHERE id = 'a'");
    bench.waits(b, "UPDATE accounts SET balance = balance + 5 WHERE id = 'a' AND balance < 105 RETURNING balance");
    bench.done(a, "COMMIT");
    assert_eq!(bench.finished(), [(b, ok("UPDATE 0"))]);
    bench.done(a, "BEGIN");
    bench.done(a, "UPDATE accounts SET balance = balance + 10 WHERE id = 'a'");
    bench.waits(b, "UPDATE accounts SET balance = balance + 5 WHERE id = 'a' RETURNING balance");
    bench.done(a, "ROLLBACK");
    assert_eq!(bench.finished(), [(b, ok("115"))]);
}

#[test]
fn write_skew_and_phantoms_are_possible() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let b = bench.database.connect();
    for (session, id) in [(a, "a"), (b, "b")] {
        bench.done(session, "BEGIN");
        assert_eq!(bench.rows(session, "SELECT sum(balance) FROM accounts WHERE balance > 0").as_str(), "200");
        bench.done(session, &format!("UPDATE accounts SET balance = 0 WHERE id = '{id}'"));
    }
    bench.done(a, "COMMIT");
    assert_eq!(bench.rows(b, "SELECT count(*) FROM accounts WHERE balance > 0"), "0");
    bench.done(a, "INSERT INTO accounts VALUES ('c', 1)");
    assert_eq!(bench.rows(b, "SELECT count(*) FROM accounts WHERE balance > 0"), "1");
    bench.done(b, "COMMIT");
}

#[test]
fn a_key_that_is_being_written_makes_its_next_writer_wait() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let (b, c) = (bench.database.connect(), bench.database.connect());
    bench.done(a, "BEGIN");
    bench.done(a, "INSERT INTO accounts VALUES ('n', 1, 'z')");
    bench.waits(b, "INSERT INTO accounts VALUES ('n', 2, NULL)");
    bench.waits(c, "INSERT INTO accounts VALUES ('m', 2, 'z') ON CONFLICT DO NOTHING");
    bench.done(a, "COMMIT");
    assert_eq!(bench.finished(), [(b, Err("23505")), (c, ok("INSERT 0 0"))]);
    bench.done(a, "BEGIN");
    bench.done(a, "DELETE FROM accounts WHERE id = 'n'");
    bench.waits(b, "INSERT INTO accounts VALUES ('n', 2, NULL)");
    bench.waits(c, "INSERT INTO accounts VALUES ('n', 3, NULL) ON CONFLICT (id) DO UPDATE SET balance = excluded.balance RETURNING balance");
    bench.done(a, "COMMIT");
    assert_eq!(bench.finished(), [(b, ok("INSERT 0 1")), (c, ok("3"))]);
}

#[test]
fn a_row_that_is_referred_to_stays() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let b = bench.database.connect();
    bench.done(a, "BEGIN");
    bench.done(a, "INSERT INTO entries VALUES (1, 'a')");
    bench.done(b, "UPDATE accounts SET balance = 7 WHERE id = 'a'");
    bench.waits(b, "DELETE FROM accounts WHERE id = 'a'");
    bench.done(a, "COMMIT");
    assert_eq!(bench.finished(), [(b, ok("DELETE 1"))]);
    assert_eq!(bench.rows(a, "SELECT count(*) FROM entries"), "0");
    bench.done(a, "BEGIN");
    bench.done(a, "DELETE FROM accounts WHERE id = 'b'");
    bench.waits(b, "INSERT INTO entries VALUES (2, 'b')");
    bench.done(a, "COMMIT");
    assert_eq!(bench.finished(), [(b, Err("23503"))]);
}

#[test]
fn rows_are_locked_by_reading_them_for_update() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let b = bench.database.connect();
    bench.done(a, "BEGIN");
    assert_eq!(bench.rows(a, "SELECT id FROM accounts ORDER BY id LIMIT 1 FOR UPDATE"), "a");
    assert_eq!(bench.rows(b, "SELECT id FROM accounts ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"), "b");
    assert_eq!(bench.refused(b, "SELECT id FROM accounts WHERE id = 'a' FOR UPDATE NOWAIT").state, "55P03");
    let queue = "UPDATE accounts SET balance = 1 WHERE id = (SELECT id FROM accounts ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id";
    assert_eq!(bench.rows(b, queue), "b");
    let queue = "WITH next AS (SELECT id FROM accounts ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1) UPDATE accounts SET balance = 2 FROM next WHERE accounts.id = next.id RETURNING accounts.id";
    assert_eq!(bench.rows(b, queue), "b");
    assert_eq!(bench.rows(b, "SELECT id FROM accounts WHERE id = 'a' FOR KEY SHARE SKIP LOCKED"), "");
    bench.waits(b, "SELECT balance FROM accounts WHERE id = 'a' FOR UPDATE");
    bench.done(a, "UPDATE accounts SET balance = 55 WHERE id = 'a'");
    bench.done(a, "COMMIT");
    assert_eq!(bench.finished(), [(b, ok("55"))]);
    for session in [a, b] {
        bench.done(session, "BEGIN");
        bench.rows(session, "SELECT 1 FROM accounts WHERE id = 'a' FOR SHARE");
    }
    bench.waits(a, "UPDATE accounts SET balance = 0 WHERE id = 'a'");
    bench.done(b, "COMMIT");
    assert_eq!(bench.finished(), [(a, ok("UPDATE 1"))]);
}

#[test]
fn a_weaker_lock_stands_beside_references() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let b = bench.database.connect();
    bench.done(a, "BEGIN");
    bench.done(a, "SELECT 1 FROM accounts WHERE id = 'a' FOR NO KEY UPDATE");
    bench.done(b, "INSERT INTO entries VALUES (1, 'a')");
    bench.done(a, "SELECT 1 FROM accounts WHERE id = 'a' FOR UPDATE");
    bench.waits(b, "INSERT INTO entries VALUES (2, 'a')");
    bench.done(a, "ROLLBACK");
    assert_eq!(bench.finished(), [(b, ok("INSERT 0 1"))]);
}

#[test]
fn waiting_for_each_other_is_found_out() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let b = bench.database.connect();
    bench.done(a, "BEGIN");
    bench.done(b, "BEGIN");
    bench.done(a, "UPDATE accounts SET balance = 1 WHERE id = 'a'");
    bench.done(b, "UPDATE accounts SET balance = 2 WHERE id = 'b'");
    bench.waits(a, "UPDATE accounts SET balance = 1 WHERE id = 'b'");
    assert!(!bench.database.is_deadlocked(a));
    bench.waits(b, "UPDATE accounts SET balance = 2 WHERE id = 'a'");
    assert!(bench.database.is_deadlocked(a) && bench.database.is_deadlocked(b));
    bench.database.cancel(b, Refusal::new("40P01", "deadlock detected"));
    assert_eq!(bench.finished(), [(b, Err("40P01")), (a, ok("UPDATE 1"))]);
    assert_eq!(bench.done(b, "COMMIT").tag, "ROLLBACK");
    bench.done(a, "COMMIT");
    assert_eq!(bench.rows(b, "SELECT balance FROM accounts ORDER BY id"), "1\n1");
}

#[test]
fn who_came_first_is_served_first() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let (b, c) = (bench.database.connect(), bench.database.connect());
    bench.done(a, "BEGIN");
    bench.done(a, "UPDATE accounts SET balance = 0 WHERE id = 'a'");
    for session in [b, c] {
        bench.done(session, "BEGIN");
        bench.waits(session, "UPDATE accounts SET balance = balance + 1 WHERE id = 'a' RETURNING balance");
    }
    bench.done(a, "COMMIT");
    assert_eq!(bench.finished(), [(b, ok("1"))]);
    bench.database.disconnect(b);
    assert_eq!(bench.finished(), [(c, ok("1"))]);
    bench.done(c, "COMMIT");
}

#[test]
fn a_failed_transaction_holds_no_locks() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let b = bench.database.connect();
    bench.done(a, "BEGIN");
    bench.done(a, "UPDATE accounts SET balance = 0 WHERE id = 'a'");
    bench.waits(b, "UPDATE accounts SET balance = balance + 1 WHERE id = 'a' RETURNING balance");
    assert_eq!(bench.refused(a, "SELECT 1 / 0").state, "22012");
    assert_eq!(bench.finished(), [(b, ok("101"))]);
}

#[test]
fn advisory_locks_wait_and_are_given_back() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let b = bench.database.connect();
    bench.done(a, "BEGIN");
    bench.done(a, "SELECT pg_advisory_xact_lock(7)");
    assert_eq!(bench.rows(b, "SELECT pg_try_advisory_lock(7)"), "false");
    bench.waits(b, "SELECT pg_advisory_lock(7)");
    bench.done(a, "COMMIT");
    assert_eq!(bench.finished(), [(b, ok(""))]);
    bench.waits(a, "SELECT pg_advisory_lock(7)");
    assert_eq!(bench.rows(b, "SELECT pg_advisory_unlock(7)"), "true");
    assert_eq!(bench.finished(), [(a, ok(""))]);
    assert_eq!(bench.rows(b, "SELECT pg_advisory_unlock(7)"), "false");
    bench.database.disconnect(a);
    assert_eq!(bench.rows(b, "SELECT pg_try_advisory_lock(7)"), "true");
}

#[test]
fn emptying_a_table_waits_for_those_who_use_it() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let b = bench.database.connect();
    bench.done(a, "BEGIN");
    bench.rows(a, "SELECT id FROM entries");
    bench.waits(b, "TRUNCATE entries");
    bench.done(a, "COMMIT");
    assert_eq!(bench.finished(), [(b, ok("TRUNCATE TABLE"))]);
    bench.done(a, "BEGIN");
    bench.done(a, "TRUNCATE entries");
    bench.waits(b, "SELECT count(*) FROM entries");
    bench.done(a, "ROLLBACK");
    assert_eq!(bench.finished(), [(b, ok("0"))]);
}

#[test]
fn a_write_that_waited_finds_no_rows_but_those_it_had_found() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let b = bench.database.connect();
    // The row has gone, and another has taken its key.
    bench.done(a, "BEGIN");
    bench.done(a, "DELETE FROM accounts WHERE id = 'a'");
    bench.done(a, "INSERT INTO accounts VALUES ('a', 1, NULL)");
    bench.waits(b, "UPDATE accounts SET balance = 9 WHERE id = 'a'");
    bench.done(a, "COMMIT");
    assert_eq!(bench.finished(), [(b, ok("UPDATE 0"))]);
    // One row fits only now, the other still does.
    bench.done(a, "BEGIN");
    bench.done(a, "UPDATE accounts SET balance = 100 WHERE id = 'a'");
    bench.done(a, "UPDATE accounts SET code = 'z' WHERE id = 'b'");
    bench.waits(b, "DELETE FROM accounts WHERE balance = 100 RETURNING id");
    bench.done(a, "COMMIT");
    assert_eq!(bench.finished(), [(b, ok("b"))]);
    bench.done(a, "BEGIN");
    bench.done(a, "DELETE FROM accounts WHERE id = 'a'");
    bench.done(a, "INSERT INTO accounts VALUES ('a', 2, NULL)");
    bench.waits(b, "SELECT balance FROM accounts WHERE id = 'a' FOR UPDATE");
    bench.done(a, "COMMIT");
    assert_eq!(bench.finished(), [(b, ok("SELECT 0"))]);
}

#[test]
fn what_no_table_could_hold_is_refused_before_anybody_is_waited_for() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let b = bench.database.connect();
    bench.done(a, "ALTER TABLE accounts ADD CONSTRAINT positive CHECK (balance >= 0)");
    bench.done(a, "BEGIN");
    bench.done(a, "UPDATE accounts SET balance = 5 WHERE id = 'a'");
    bench.done(a, "INSERT INTO accounts VALUES ('n', 1, 'z')");
    assert_eq!(bench.refused(b, "UPDATE accounts SET balance = -1 WHERE id = 'a'").state, "23514");
    assert_eq!(bench.refused(b, "UPDATE accounts SET balance = -1, code = 'q' WHERE id = 'a'").state, "23514");
    assert_eq!(bench.refused(b, "INSERT INTO accounts VALUES ('n', NULL, NULL)").state, "23502");
    bench.waits(b, "UPDATE accounts SET id = 'b' WHERE id = 'a'");
    bench.done(a, "ROLLBACK");
    assert_eq!(bench.finished(), [(b, Err("23505"))]);
}

#[test]
fn who_waits_for_a_key_holds_the_row() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let (b, c) = (bench.database.connect(), bench.database.connect());
    bench.done(a, "BEGIN");
    bench.done(a, "UPDATE accounts SET balance = 5 WHERE id = 'b'");
    bench.waits(b, "UPDATE accounts SET code = 'y' WHERE id = 'a'");
    bench.waits(c, "UPDATE accounts SET code = NULL WHERE id = 'a'");
    bench.done(a, "COMMIT");
    assert_eq!(bench.finished(), [(b, Err("23505")), (c, ok("UPDATE 1"))]);
}

#[test]
fn keys_are_looked_at_in_their_order() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let b = bench.database.connect();
    bench.done(a, "BEGIN");
    bench.done(a, "UPDATE accounts SET balance = 5 WHERE id = 'a'");
    assert_eq!(
        bench.refused(b, "INSERT INTO accounts VALUES ('b', 1, 'x')").constraint.expect("it is named").0,
        "accounts_pkey"
    );
    assert_eq!(
        bench.done(b, "INSERT INTO accounts VALUES ('b', 1, 'x') ON CONFLICT (id) DO NOTHING").tag,
        "INSERT 0 0"
    );
    let upsert =
        "INSERT INTO accounts VALUES ('b', 1, 'x') ON CONFLICT (id) DO UPDATE SET balance = 8 RETURNING balance";
    assert_eq!(bench.rows(b, upsert), "8");
    bench.waits(b, "INSERT INTO accounts VALUES ('c', 1, 'x')");
    bench.done(a, "ROLLBACK");
    assert_eq!(bench.finished(), [(b, Err("23505"))]);
}

#[test]
fn a_row_that_is_met_is_locked_though_it_is_not_updated() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let b = bench.database.connect();
    bench.done(a, "BEGIN");
    bench.done(
        a,
        "INSERT INTO accounts AS t VALUES ('a', 1) ON CONFLICT (id) DO UPDATE SET balance = 0 WHERE t.balance < 0",
    );
    bench.waits(b, "UPDATE accounts SET balance = 1 WHERE id = 'a'");
    bench.done(a, "COMMIT");
    assert_eq!(bench.finished(), [(b, ok("UPDATE 1"))]);
}

#[test]
fn a_row_is_waited_for_before_what_refers_to_it_is_looked_at() {
    let (mut bench, a) = Bench::new(
        "CREATE TABLE blobs (sha text PRIMARY KEY); CREATE TABLE uses (id integer PRIMARY KEY, sha text REFERENCES blobs ON DELETE RESTRICT);
         INSERT INTO blobs VALUES ('h'), ('g'); INSERT INTO uses VALUES (1, 'h')",
    );
    let b = bench.database.connect();
    bench.done(a, "BEGIN");
    bench.done(a, "INSERT INTO uses VALUES (2, 'h')");
    bench.waits(b, "DELETE FROM blobs WHERE sha = 'h'");
    bench.done(a, "COMMIT");
    assert_eq!(bench.finished(), [(b, Err("23503"))]);
    bench.done(a, "BEGIN");
    bench.done(a, "UPDATE uses SET sha = 'g' WHERE id = 2");
    bench.waits(b, "DELETE FROM blobs WHERE sha = 'g'");
    bench.done(a, "ROLLBACK");
    assert_eq!(bench.finished(), [(b, ok("DELETE 1"))]);
}
