//! What is deliberately not simulated: a real server does it, the simulated one refuses it by name.

use super::bench::Bench;
use super::schema::{ROWS, TABLES};
use super::wire::{Part, show};

/// Statements, each in a transaction of its own that is rolled back.
#[rustfmt::skip]
const REFUSED: &[&str] = &[
    "SELECT DISTINCT ON (status) id FROM workspaces ORDER BY status, id",
    "SELECT w.id, e.id FROM workspaces w, LATERAL (SELECT id FROM events WHERE workspace = w.id) e",
    "LISTEN anything",
    "NOTIFY anything",
    "DECLARE every CURSOR FOR SELECT id FROM workspaces",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "CREATE TABLE keyless (id text)",
    "CREATE VIEW online AS SELECT id FROM workspaces WHERE status = 'online'",
    "CREATE SEQUENCE numbers",
    "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TYPE mood AS ENUM ('well')",
    "CREATE SCHEMA apart",
    "LOCK TABLE workspaces IN EXCLUSIVE MODE",
    "MERGE INTO workspaces USING events ON workspace = workspaces.id WHEN MATCHED THEN UPDATE SET status = 'online'",
    "SELECT pg_sleep(0)",
    "SELECT id FROM workspaces TABLESAMPLE SYSTEM (50)",
    "SELECT status, count(*) FROM workspaces GROUP BY ROLLUP (status)",
    "SELECT id FROM workspaces WHERE id ~ '^ws'",
    "PREPARE one AS SELECT 1",
    "DO 'BEGIN END'",
    "EXPLAIN SELECT 1",
    "SELECT 1.5",
    "SELECT sum(generation) FROM workspaces",
    "SELECT avg(version) FROM sandboxes",
    "SELECT extract(epoch FROM now())",
    "SELECT 'NaN'::float8",
    "SELECT 5 & 3",
    "SELECT jsonb_agg(id) FROM workspaces",
    "SELECT '{\"a\": 1}'::jsonb @> '{}'",
    "SELECT '{\"a\": 1}'::jsonb ? 'a'",
    "SELECT '{\"a\": [1]}'::jsonb #>> '{a,0}'",
    "SELECT jsonb_build_array(1, 'x')",
    "SELECT jsonb_array_length('[1, 2]')",
    "SELECT md5('x')",
    "SELECT reverse('abc')",
    "SELECT power(2, 10)",
    "SELECT sqrt(16::double precision)",
    "SELECT jsonb_set('{}', '{a}', '1')",
    "SELECT unnest('{a}'::text[])",
    "WITH gone AS (DELETE FROM events RETURNING workspace) SELECT count(*) FROM gone",
    "CREATE TABLE priced (id text PRIMARY KEY, price numeric)",
    "ALTER TABLE workspaces DROP COLUMN parent",
    "CREATE INDEX workspaces_lower ON workspaces (lower(id))",
    "CREATE TABLE deferred (id text PRIMARY KEY, parent text REFERENCES workspaces (id) DEFERRABLE)",
    "GRANT SELECT ON workspaces TO PUBLIC",
    "SET LOCAL search_path TO apart",
];

#[test]
fn what_is_not_simulated_is_refused_by_name() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    let differences = runtime.block_on(async {
        let mut bench = Bench::start(TABLES).await?;
        bench.expect(ROWS).await.expect("rows are taken");
        let mut differences = Vec::new();
        for text in REFUSED {
            let [real, simulated] = bench.ask(&format!("BEGIN; {text}")).await.expect("both servers answer");
            if real.iter().any(|part| matches!(part, Part::Failed(_))) {
                differences.push(format!("{text}: the real server refuses it, too:\n{}", show(&real)));
            }
            let refused = |part: &Part| match part {
                Part::Failed(failure) => failure.state == "0A000" && failure.message.contains("does not support"),
                _ => false,
            };
            if !simulated.iter().any(refused) {
                differences.push(format!("{text}: the simulated server:\n{}", show(&simulated)));
            }
            bench.ask("ROLLBACK").await.expect("both servers answer");
        }
        Some(differences)
    });
    let differences = differences.unwrap_or_default();
    assert!(differences.is_empty(), "{} of {} differ:\n{}", differences.len(), REFUSED.len(), differences.join("\n"));
}
