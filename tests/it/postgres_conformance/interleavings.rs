//! Interleavings by name: who waits for whom, and what they find then.

use super::bench::{Bench, Then};
use super::schema::TABLES;
use super::steps::{Said, Way};

/// What each is about, and its lines: the connection, what it sends, and whether it then waits.
#[rustfmt::skip]
const SCRIPTS: &[(&str, &str)] = &[
    ("a second writer waits, and looks again", "
        A: BEGIN
        A: UPDATE workspaces SET status = 'offline', generation = 10 WHERE id = 'ws1'
        B: SELECT status FROM workspaces WHERE id = 'ws1'
        B: UPDATE workspaces SET generation = generation + 1 WHERE id = 'ws1' RETURNING generation -- waits
        A: COMMIT
        B: SELECT status, generation FROM workspaces WHERE id = 'ws1'"),
    ("a guard that no longer holds writes nothing", "
        A: BEGIN
        A: UPDATE workspaces SET instance_id = 'i-9' WHERE id = 'ws1'
        B: UPDATE workspaces SET status = 'offline' WHERE id = 'ws1' AND instance_id = 'i-1' -- waits
        A: COMMIT
        B: SELECT status FROM workspaces WHERE id = 'ws1'"),
    ("a guard that does not hold yet does not wait", "
        A: BEGIN
        A: UPDATE workspaces SET instance_id = 'i-9' WHERE id = 'ws1'
        B: UPDATE workspaces SET status = 'offline' WHERE id = 'ws1' AND instance_id = 'i-9'
        A: COMMIT"),
    ("a writer goes on as if nothing had been after a rollback", "
        A: BEGIN
        A: DELETE FROM workspaces WHERE id = 'ws1'
        B: UPDATE workspaces SET generation = generation + 1 WHERE id = 'ws1' RETURNING generation -- waits
        A: ROLLBACK"),
    ("a deleted row is gone for who waited", "
        A: BEGIN
        A: DELETE FROM workspaces WHERE id = 'ws1'
        B: UPDATE workspaces SET generation = generation + 1 WHERE id = 'ws1' RETURNING generation -- waits
        A: COMMIT"),
    ("a row deleted and made anew is another row", "
        A: BEGIN
        A: DELETE FROM workspaces WHERE id = 'ws1'
        A: INSERT INTO workspaces (id, status) VALUES ('ws1', 'online')
        B: UPDATE workspaces SET generation = generation + 1 WHERE id = 'ws1' RETURNING generation -- waits
        A: COMMIT
        B: UPDATE workspaces SET generation = generation + 1 WHERE id = 'ws1' RETURNING generation"),
    ("two deletes of one row", "
        A: BEGIN
        A: DELETE FROM workspaces WHERE id = 'ws1' RETURNING id
        B: DELETE FROM workspaces WHERE id = 'ws1' RETURNING id -- waits
        A: COMMIT"),
    ("readers never wait", "
        A: BEGIN
        A: UPDATE workspaces SET status = 'removed'
        A: DELETE FROM sandboxes
        B: SELECT id, status FROM workspaces ORDER BY id
        B: SELECT count(*) FROM sandboxes
        A: SELECT count(*) FROM inodes
        A: ROLLBACK"),
    ("each statement sees what was committed when it began", "
        A: BEGIN
        A: SELECT count(*) FROM workspaces WHERE status = 'online'
        B: INSERT INTO workspaces (id, status) VALUES ('ws7', 'online')
        A: SELECT count(*) FROM workspaces WHERE status = 'online'
        A: COMMIT"),
    ("two may each rely on what the other changes", "
        A: BEGIN
        B: BEGIN
        A: SELECT count(*) FROM workspaces WHERE status IN ('online', 'degraded')
        B: SELECT count(*) FROM workspaces WHERE status IN ('online', 'degraded')
        A: UPDATE workspaces SET status = 'offline' WHERE id = 'ws1'
        B: UPDATE workspaces SET status = 'offline' WHERE id = 'ws2'
        A: COMMIT
        B: COMMIT"),
    ("who inserts the same key waits, and is told so", "
        A: BEGIN
        A: INSERT INTO workspaces (id) VALUES ('ws7')
        B: INSERT INTO workspaces (id) VALUES ('ws7') -- waits
        A: COMMIT"),
    ("who inserts the same key waits, and may", "
        A: BEGIN
        A: INSERT INTO workspaces (id) VALUES ('ws7')
        B: INSERT INTO workspaces (id) VALUES ('ws7') -- waits
        A: ROLLBACK"),
    ("a key given up is not free before the commit", "
        A: BEGIN
        A: UPDATE workspaces SET instance_id = NULL WHERE id = 'ws1'
        B: UPDATE workspaces SET instance_id = 'i-1' WHERE id = 'ws3' -- waits
        A: COMMIT"),
    ("a key given up and taken back", "
        A: BEGIN
        A: DELETE FROM workspaces WHERE id = 'ws1'
        B: INSERT INTO workspaces (id, instance_id) VALUES ('ws7', 'i-1') -- waits
        A: ROLLBACK"),
    ("what conflicts is waited for, and then left alone", "
        A: BEGIN
        A: INSERT INTO workspaces (id) VALUES ('ws7')
        B: INSERT INTO workspaces (id) VALUES ('ws7') ON CONFLICT DO NOTHING RETURNING id -- waits
        A: COMMIT"),
    ("what conflicts is waited for, and then updated", "
        A: BEGIN
        A: INSERT INTO workspaces (id, generation) VALUES ('ws7', 5)
        B: INSERT INTO workspaces (id) VALUES ('ws7') ON CONFLICT (id) DO UPDATE SET generation = workspaces.generation + 1 RETURNING generation -- waits
        A: COMMIT"),
    ("a row to be updated on conflict is waited for", "
        A: BEGIN
        A: UPDATE workspaces SET generation = 20 WHERE id = 'ws1'
        B: INSERT INTO workspaces (id) VALUES ('ws1') ON CONFLICT (id) DO UPDATE SET generation = workspaces.generation + 1 RETURNING generation -- waits
        A: COMMIT"),
    ("a conflict with a row that is written waits, whatever was written of it", "
        A: BEGIN
        A: UPDATE workspaces SET generation = 20 WHERE id = 'ws1'
        B: INSERT INTO workspaces (id) VALUES ('ws2') ON CONFLICT (id) DO NOTHING
        B: INSERT INTO workspaces (id) VALUES ('ws2')
        B: INSERT INTO workspaces (id) VALUES ('ws1') ON CONFLICT (id) DO NOTHING -- waits
        A: COMMIT"),
    ("a key is kept by a row that is only locked", "
        A: BEGIN
        A: SELECT id FROM workspaces WHERE id = 'ws1' FOR UPDATE
        B: INSERT INTO workspaces (id) VALUES ('ws1') ON CONFLICT (id) DO NOTHING
        B: INSERT INTO workspaces (id, instance_id) VALUES ('ws9', 'i-1')
        A: COMMIT"),
    ("a parent is kept while a child is on its way", "
        A: BEGIN
        A: INSERT INTO events (workspace, kind) VALUES ('ws1', 'created')
        B: UPDATE workspaces SET status = 'offline' WHERE id = 'ws1'
        B: DELETE FROM workspaces WHERE id = 'ws1' -- waits
        A: COMMIT"),
    ("a parent may go when the child does not come", "
        A: BEGIN
        A: INSERT INTO events (workspace, kind) VALUES ('ws1', 'created')
        B: DELETE FROM workspaces WHERE id = 'ws1' -- waits
        A: ROLLBACK"),
    ("a child waits to know whether its parent stays: it goes", "
        A: BEGIN
        A: DELETE FROM sandboxes WHERE id = '00000000-0000-0000-0000-000000000001'
        B: INSERT INTO inodes (sandbox_id, ino, name) VALUES ('00000000-0000-0000-0000-000000000001', 9, 'x') -- waits
        A: COMMIT"),
    ("a child waits to know whether its parent stays: it does", "
        A: BEGIN
        A: DELETE FROM sandboxes WHERE id = '00000000-0000-0000-0000-000000000001'
        B: INSERT INTO inodes (sandbox_id, ino, name) VALUES ('00000000-0000-0000-0000-000000000001', 9, 'x') -- waits
        A: ROLLBACK"),
    ("a child of a parent that is not committed", "
        A: BEGIN
        A: INSERT INTO sandboxes (id, tenant) VALUES ('00000000-0000-0000-0000-000000000007', 't1')
        B: INSERT INTO inodes (sandbox_id, ino, name) VALUES ('00000000-0000-0000-0000-000000000007', 1, 'x')
        A: COMMIT"),
    ("a cascade takes what was inserted while it waited", "
        A: BEGIN
        A: INSERT INTO inodes (sandbox_id, ino, name) VALUES ('00000000-0000-0000-0000-000000000001', 9, 'x')
        B: DELETE FROM sandboxes WHERE id = '00000000-0000-0000-0000-000000000001' -- waits
        A: COMMIT
        B: SELECT count(*) FROM inodes"),
    ("a cascade waits for the rows that it takes", "
        A: BEGIN
        A: UPDATE inodes SET name = 'hosts' WHERE sandbox_id = '00000000-0000-0000-0000-000000000001' AND ino = 2
        B: DELETE FROM sandboxes WHERE id = '00000000-0000-0000-0000-000000000001' -- waits
        A: COMMIT
        B: SELECT count(*) FROM inodes"),
    ("who may not leave children behind waits to know whether they stay", "
        A: BEGIN
        A: DELETE FROM inodes WHERE blob = 'h1'
        B: DELETE FROM blobs WHERE sha = 'h1' -- waits
        A: ROLLBACK"),
    ("who may not leave children behind waits, and keeps the parent meanwhile", "
        A: BEGIN
        A: DELETE FROM events WHERE workspace = 'ws3'
        B: DELETE FROM workspaces WHERE id = 'ws3' -- waits
        C: SELECT id FROM workspaces WHERE id = 'ws3' FOR SHARE -- waits
        A: COMMIT"),
    ("a new parent is looked for, the old one is let go", "
        A: BEGIN
        A: UPDATE workspaces SET parent = 'ws2' WHERE id = 'ws1'
        B: UPDATE workspaces SET generation = 5 WHERE id = 'ws2'
        B: DELETE FROM workspaces WHERE id = 'ws2' -- waits
        A: COMMIT
        B: SELECT id, parent FROM workspaces ORDER BY id"),
    ("a locked row is waited for by who locks it, too", "
        A: BEGIN
        A: SELECT id FROM workspaces WHERE id = 'ws1' FOR UPDATE
        B: SELECT status FROM workspaces WHERE id = 'ws1'
        B: SELECT id FROM workspaces WHERE id = 'ws1' FOR UPDATE NOWAIT
        B: SELECT id FROM workspaces ORDER BY id FOR UPDATE SKIP LOCKED
        B: SELECT id, generation FROM workspaces WHERE id = 'ws1' FOR UPDATE -- waits
        A: UPDATE workspaces SET generation = 30 WHERE id = 'ws1'
        A: COMMIT"),
    ("a lock looks again at what it has waited for", "
        A: BEGIN
        A: UPDATE workspaces SET status = 'removed' WHERE id = 'ws1'
        B: SELECT id FROM workspaces WHERE id = 'ws1' AND status = 'online' FOR UPDATE -- waits
        A: COMMIT"),
    ("readers share a lock", "
        A: BEGIN
        B: BEGIN
        A: SELECT id FROM workspaces WHERE id = 'ws1' FOR SHARE
        B: SELECT id FROM workspaces WHERE id = 'ws1' FOR SHARE
        B: SELECT id FROM workspaces WHERE id = 'ws1' FOR KEY SHARE
        C: UPDATE workspaces SET generation = 5 WHERE id = 'ws1' -- waits
        A: COMMIT
        B: COMMIT"),
    ("a key is shared with an ordinary update", "
        A: BEGIN
        A: SELECT id FROM workspaces WHERE id = 'ws1' FOR KEY SHARE
        B: UPDATE workspaces SET generation = 5 WHERE id = 'ws1'
        B: SELECT id FROM workspaces WHERE id = 'ws1' FOR NO KEY UPDATE NOWAIT
        B: SELECT id FROM workspaces WHERE id = 'ws1' FOR UPDATE NOWAIT
        B: UPDATE workspaces SET id = 'ws9' WHERE id = 'ws1' -- waits
        A: COMMIT"),
    ("a lock is made stronger over another's share", "
        A: BEGIN
        B: BEGIN
        A: SELECT id FROM workspaces WHERE id = 'ws1' FOR SHARE
        B: SELECT id FROM workspaces WHERE id = 'ws1' FOR SHARE
        A: UPDATE workspaces SET generation = 5 WHERE id = 'ws1' -- waits
        B: COMMIT
        A: COMMIT"),
    ("what is taken after a savepoint is given back with it", "
        A: BEGIN
        A: SAVEPOINT a
        A: UPDATE workspaces SET generation = 5 WHERE id = 'ws1'
        A: INSERT INTO workspaces (id) VALUES ('ws7')
        A: ROLLBACK TO SAVEPOINT a
        B: UPDATE workspaces SET generation = 6 WHERE id = 'ws1'
        B: INSERT INTO workspaces (id) VALUES ('ws7')
        A: COMMIT"),
    ("who waits goes on when a savepoint is rolled back", "
        A: BEGIN
        A: SAVEPOINT a
        A: UPDATE workspaces SET generation = 5 WHERE id = 'ws1'
        B: UPDATE workspaces SET generation = generation + 1 WHERE id = 'ws1' RETURNING generation -- waits
        A: ROLLBACK TO SAVEPOINT a
        A: SELECT generation FROM workspaces WHERE id = 'ws1'
        A: COMMIT"),
    ("a failed statement gives its locks back with the transaction", "
        A: BEGIN
        A: UPDATE workspaces SET generation = 5 WHERE id = 'ws1'
        A: SELECT 1 / 0
        B: UPDATE workspaces SET generation = 6 WHERE id = 'ws1'
        A: UPDATE workspaces SET generation = 7 WHERE id = 'ws1'
        A: COMMIT"),
    ("a statement that waits keeps what it has locked so far", "
        A: BEGIN
        A: UPDATE workspaces SET generation = 5 WHERE id = 'ws2'
        B: UPDATE workspaces SET generation = generation + 1 WHERE id IN ('ws1', 'ws2') -- waits
        C: SELECT id FROM workspaces ORDER BY id FOR UPDATE SKIP LOCKED
        A: COMMIT"),
    ("rows of several statements, in two orders: a deadlock", "
        A: BEGIN
        B: BEGIN
        A: UPDATE workspaces SET generation = 5 WHERE id = 'ws1'
        B: UPDATE workspaces SET generation = 6 WHERE id = 'ws2'
        A: UPDATE workspaces SET generation = 7 WHERE id = 'ws2' -- waits
        B: UPDATE workspaces SET generation = 8 WHERE id = 'ws1' -- deadlock"),
    ("three in a circle: a deadlock", "
        A: BEGIN
        B: BEGIN
        C: BEGIN
        A: SELECT pg_advisory_xact_lock(1)
        B: SELECT id FROM workspaces WHERE id = 'ws1' FOR UPDATE
        C: INSERT INTO workspaces (id) VALUES ('ws7')
        A: UPDATE workspaces SET generation = 5 WHERE id = 'ws1' -- waits
        B: INSERT INTO workspaces (id) VALUES ('ws7') -- waits
        C: SELECT pg_advisory_xact_lock(1) -- deadlock"),
    ("advisory locks of transactions", "
        A: BEGIN
        A: SELECT pg_advisory_xact_lock(1)
        A: SELECT pg_advisory_xact_lock(1)
        B: SELECT pg_try_advisory_xact_lock(1)
        B: SELECT pg_try_advisory_xact_lock(2)
        B: SELECT pg_try_advisory_lock(1)
        B: SELECT pg_advisory_xact_lock(1) -- waits
        A: COMMIT"),
    ("advisory locks of sessions", "
        A: SELECT pg_advisory_lock(1)
        A: SELECT pg_advisory_lock(1)
        A: BEGIN
        A: ROLLBACK
        B: SELECT pg_try_advisory_lock(1)
        A: SELECT pg_advisory_unlock(1)
        B: SELECT pg_try_advisory_lock(1)
        A: SELECT pg_advisory_unlock(1)
        A: SELECT pg_advisory_unlock(1)
        B: SELECT pg_try_advisory_lock(1)
        B: SELECT pg_advisory_unlock(1)"),
    ("advisory locks of two numbers, and shared ones", "
        A: SELECT pg_advisory_lock(1, 2)
        B: SELECT pg_try_advisory_lock(1, 2), pg_try_advisory_lock(2, 1), pg_try_advisory_lock(1)
        A: SELECT pg_advisory_lock_shared(7)
        B: SELECT pg_try_advisory_lock_shared(7), pg_try_advisory_lock(7)
        A: SELECT pg_advisory_unlock(7)
        A: SELECT pg_advisory_unlock_shared(7)"),
    ("first come, first served", "
        A: BEGIN
        B: BEGIN
        A: UPDATE workspaces SET generation = 5 WHERE id = 'ws1'
        B: UPDATE workspaces SET generation = generation * 2 WHERE id = 'ws1' RETURNING generation -- waits
        C: UPDATE workspaces SET generation = generation + 1 WHERE id = 'ws1' RETURNING generation -- waits
        A: COMMIT
        B: COMMIT"),
    ("a lock is waited for as long as was said", "
        A: BEGIN
        A: UPDATE workspaces SET generation = 5 WHERE id = 'ws1'
        B: BEGIN
        B: SET LOCAL lock_timeout = '30ms'
        B: UPDATE workspaces SET generation = 6 WHERE id = 'ws1' -- gives up
        B: ROLLBACK
        B: SET statement_timeout = 30
        B: UPDATE workspaces SET generation = 6 WHERE id = 'ws1' -- gives up
        B: RESET statement_timeout"),
    ("claims of a queue pass each other", "
        A: BEGIN
        B: BEGIN
        A: WITH picked AS (SELECT id FROM workspaces ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) UPDATE workspaces SET status = 'offline' FROM picked WHERE workspaces.id = picked.id RETURNING workspaces.id
        B: WITH picked AS (SELECT id FROM workspaces ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) UPDATE workspaces SET status = 'offline' FROM picked WHERE workspaces.id = picked.id RETURNING workspaces.id
        B: COMMIT
        A: COMMIT"),
    ("several statements in one query string are one transaction", "
        A: BEGIN
        A: UPDATE workspaces SET generation = 5 WHERE id = 'ws1'
        B: UPDATE workspaces SET generation = 6 WHERE id = 'ws2'; UPDATE workspaces SET generation = 7 WHERE id = 'ws1'; SELECT 1 -- waits
        C: SELECT generation FROM workspaces WHERE id = 'ws2'
        A: ROLLBACK"),
    ("tables come and go with their transactions", "
        A: BEGIN
        A: CREATE TABLE passing (id text PRIMARY KEY)
        A: INSERT INTO passing VALUES ('x')
        A: ROLLBACK
        A: SELECT * FROM passing"),
];

#[test]
fn interleavings_by_name_are_answered_alike() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    let differences = runtime.block_on(async {
        let mut bench = Bench::start(TABLES).await?;
        let mut differences = Vec::new();
        for (name, script) in SCRIPTS {
            if let Err(difference) = bench.perform(&read(script)).await {
                differences.push(format!("{name}:\n{difference}"));
                bench.renew().await.expect("both servers accept again");
            }
        }
        Some(differences)
    });
    let differences = differences.unwrap_or_default();
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

fn read(script: &'static str) -> Vec<(usize, Said, Then)> {
    let line = |line: &'static str| {
        let (name, text) = line.split_once(": ").expect("a line names its connection");
        let (text, then) = match text.rsplit_once(" -- ") {
            Some((text, "waits")) => (text, Then::Waits),
            Some((text, "gives up")) => (text, Then::GivesUp),
            Some((text, "deadlock")) => (text, Then::Deadlock),
            Some((_, other)) => panic!("nothing {other}"),
            None => (text, Then::Answers),
        };
        (usize::from(name.as_bytes()[0] - b'A'), Said::new(text, Vec::new(), Way::Simple), then)
    };
    script.trim().lines().map(|text| line(text.trim())).collect()
}
