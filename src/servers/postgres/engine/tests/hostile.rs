//! Statements that nobody means well with: refused, with the stack, the time and the memory that others need.

use super::Bench;

const TABLE: &str = "CREATE TABLE t (id bigint PRIMARY KEY, body text); INSERT INTO t VALUES (1, 'a')";

#[test]
fn statements_without_end_are_given_up() {
    let (mut bench, a) = Bench::new(TABLE);
    let endless = "WITH RECURSIVE n AS (SELECT 2 AS n UNION ALL SELECT n + 1 FROM n)";
    for statement in [
        format!("{endless} SELECT count(*) FROM n"),
        "SELECT count(*) FROM generate_series(1, 9223372036854775807) AS n".to_owned(),
        format!("INSERT INTO t {endless} SELECT 2, 'b' FROM n WHERE n < 0"),
    ] {
        let refusal = bench.refused(a, &statement);
        assert_eq!(refusal.state, "54000", "{statement}: {refusal:?}");
        assert!(refusal.message.contains("gives up"), "{refusal:?}");
    }
    // As after any other refusal: only the statement is undone outside of a transaction, and inside it is spoilt.
    assert_eq!(bench.rows(a, "SELECT * FROM t"), "1|a");
    bench.done(a, "BEGIN");
    bench.done(a, "INSERT INTO t VALUES (5, 'mine')");
    bench.refused(a, &format!("UPDATE t SET body = 'all' WHERE id = ({endless} SELECT max(n) FROM n)"));
    assert_eq!(bench.refused(a, "SELECT 1").state, "25P02");
    bench.done(a, "ROLLBACK");
    assert_eq!(bench.rows(a, "SELECT * FROM t"), "1|a");
}

#[test]
fn results_without_end_are_refused() {
    let (mut bench, a) = Bench::new(TABLE);
    let long = "SELECT repeat('x', 1000000) FROM generate_series(1, 1000000) AS n";
    assert_eq!(bench.refused(a, long).state, "0A000");
    assert_eq!(bench.rows(a, "SELECT 1"), "1");
}

#[test]
fn deep_statements_are_refused_before_the_stack_is_used_up() {
    let (mut bench, a) = Bench::new(TABLE);
    for (part, last) in [("1 + ", "1"), ("'a' || ", "'b'"), ("true OR ", "false"), ("- ", "1"), ("NOT ", "true")] {
        let deep = bench.refused(a, &format!("SELECT {}{last}", part.repeat(100_000)));
        assert!(["54001", "42601"].contains(&deep.state), "{part}: {}", deep.message);
    }
    let casts = |count| format!("SELECT 1{}", "::int".repeat(count));
    assert_eq!(bench.refused(a, &casts(100_000)).state, "54001");
    assert_eq!(bench.rows(a, &casts(100)), "1");
    assert_eq!(bench.rows(a, &format!("SELECT {}1", "1 + ".repeat(100))), "101");
    let unions = |count| format!("SELECT 1 {}", "UNION SELECT 1 ".repeat(count));
    assert_eq!(bench.refused(a, &unions(10_000)).state, "54001");
    assert_eq!(bench.rows(a, &unions(100)), "1");
}

#[test]
fn what_is_too_much_for_the_storage_is_no_failure_of_it() {
    let (mut bench, a) = Bench::new(TABLE);
    let tables: Vec<String> = (0..70).map(|n| format!("t t{n}")).collect();
    assert_eq!(bench.refused(a, &format!("SELECT 1 FROM {}", tables.join(", "))).state, "54000");
    assert_eq!(bench.refused(a, &format!("SELECT {}1", "1, ".repeat(5000))).state, "54000");
}
