//! What random statements are made of.
//!
//! A statement that waits for a row and then finds it changed looks at that row again, and at no other: so statements
//! here that may wait name the rows they are about by key. And an upsert that waits for another key than that which it
//! asks about has half inserted its row: who meets that may go either way, so upserts here have but one key.

/// What a name in a template may stand for.
pub(crate) enum Words {
    /// A parameter of one of these values; `NULL` is none. One with `!` before it is wrong wherever it stands: a statement
    /// has one such value at most, for nobody promises which is complained of first.
    Values(&'static [&'static str]),
    /// One of these, as it is.
    Plain(&'static [&'static str]),
    /// One of these, filled in likewise.
    Templates(&'static [&'static str]),
}

/// What `{name}` may stand for. The plainest comes first; what comes twice is twice as likely.
#[rustfmt::skip]
pub(crate) fn words(name: &str) -> Words {
    use Words::{Plain, Templates, Values};
    match name {
        "w" => Values(&["ws1", "ws1", "ws1", "ws1", "ws2", "ws2", "ws3", "ws4", "ws5"]),
        "new" => Values(&["ws4", "ws5", "ws6", "ws4", "ws5", "ws1", "ws2"]),
        "w or none" => Values(&["NULL", "ws1", "ws2", "ws3", "ws9"]),
        "s" => Values(&["online", "degraded", "offline", "paused", "removed", "provisioning", "online", "paused", "online", "degraded", "online", "offline", "strange"]),
        "i" => Values(&["i-1", "i-2", "NULL", "i-3", "i-4", "NULL", "i-5", "i-6", "i-7"]),
        "n" => Values(&["1", "0", "2", "3", "5", "1", "2", "1", "2", "1", "2", "3", "-1"]),
        "count" => Values(&["1", "2", "3", "0", "10"]),
        "big" => Values(&["1", "4611686018427387904", "-9223372036854775808", "!9223372036854775808", "!1.5", "!x", "NULL"]),
        "j" => Values(&["{}", "{\"a\": 1}", "{\"b\": [1, 2.5, null, true], \"a\": \"x\"}", "[]", "\"text\"", "NULL", "{\"a\": {\"c\": \"\\u00e9\"}}", "{\"a\": \"motd\"}", "{\"a\": null}", "{}", "{\"bb\": 1, \"a\": 2, \"bb\": 3}", "!{broken"]),
        "t" => Values(&["2020-01-01 00:00:00+00", "2020-02-01T00:00:00Z", "2020-03-01 12:00:00.000001+02", "2021-12-31 23:59:59.999999+00",
            "2020-01-05 00:00:00+00", "2020-02-01 00:00:00+00", "2020-02-01", "2020-01-31 20:00:00-04:00", "2019-12-31 23:59", "2021-02-03 04:05:06", "NULL", "!2020-02-30 00:00:00+00", "!soon"]),
        "u" => Values(&[
            "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002", "00000000-0000-0000-0000-000000000003",
            "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002", "00000000-0000-0000-0000-000000000001",
            "00000000-0000-0000-0000-000000000002", "00000000-0000-0000-0000-000000000003", "AAAAAAAA-0000-0000-0000-000000000004",
            "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002", "!no-uuid",
        ]),
        "new u" => Values(&[
            "00000000-0000-0000-0000-000000000003", "AAAAAAAA-0000-0000-0000-000000000004", "00000000-0000-0000-0000-000000000005",
            "00000000-0000-0000-0000-000000000003", "00000000-0000-0000-0000-000000000001",
        ]),
        "b" => Values(&["true", "false", "t", "off", "true", "false", "!maybe"]),
        "x" => Values(&["\\x00ff", "\\x", "\\xdeadbeef", "\\xDEADBEEF00", "\\x00"]),
        "f" => Values(&["a", "etc", "motd", "Ärger", "", "with space"]),
        "h" => Values(&["h1", "h2", "h3"]),
        "h or none" => Values(&["NULL", "h1", "h2", "h9"]),
        "k" => Values(&["created", "stopped", "created", "sixteen letters.", "started", "created", "!seventeen letters"]),
        "tenant" => Values(&["t1", "t2"]),
        "name" => Values(&["one", "two", "NULL", "O'Brien"]),
        "float" => Values(&["0.5", "1e10", "1.1", "Infinity", "0.1", "1e-7", "!nil"]),
        "like" => Values(&["ws%", "WS_", "%2", "_s1", "%"]),
        "ids" => Values(&["{ws1,ws3}", "{}", "{ws2,NULL,\"ws1\"}", "{ws4}", "{ws1}", "{ws2,ws5}", "!{broken"]),
        "numbers" => Values(&["{1,2}", "{}", "{3}", "{2}", "{1,2,3}", "!{1,x}"]),
        "online" => Values(&["{online,degraded}"]),
        "nothing" => Values(&["{}"]),
        "lock number" => Values(&["1", "2", "-3"]),

        "number" => Plain(&["1", "2", "0", "3", "-1"]),
        "order" => Plain(&["id", "id DESC", "status, id", "instance_id, id", "instance_id DESC, id", "instance_id NULLS FIRST, id",
            "last_heartbeat_at DESC NULLS LAST, id", "generation DESC, id DESC", "status = 'online', id", "parent IS NULL, parent, id"]),
        "columns" => Plain(&["*", "id", "id, status", "id, instance_id, generation", "id, attributes, updated_at", "w.*", "w.id AS key, upper(status) AS state",
            "id, instance_id IS NULL AS gone", "id, COALESCE(instance_id, 'none') AS instance", "id, attributes->>'a' AS a", "id, generation + 1 AS next, -generation AS less"]),
        "returning" => Plain(&["", " RETURNING id", " RETURNING *", " RETURNING id, status, instance_id", "", " RETURNING generation + 1 AS next, id || '!' AS name"]),
        "lock" => Plain(&["FOR UPDATE", "FOR UPDATE NOWAIT", "FOR UPDATE SKIP LOCKED", "FOR NO KEY UPDATE", "FOR SHARE", "FOR KEY SHARE", "FOR SHARE NOWAIT", "FOR NO KEY UPDATE SKIP LOCKED", "FOR KEY SHARE SKIP LOCKED"]),
        "hurry" => Plain(&["SKIP LOCKED", "NOWAIT"]),
        "comparison" => Plain(&["=", "<", ">", "<=", ">=", "<>"]),

        "set" => Templates(&["status = {s}", "instance_id = {i}", "generation = generation + 1", "instance_id = NULL", "last_heartbeat_at = now()", "updated_at = {t}",
            "attributes = {j}", "status = {s}, instance_id = {i}, updated_at = now()", "generation = generation - {n}", "generation = GREATEST(generation, {n})",
            "instance_id = COALESCE({i}, instance_id)", "status = CASE WHEN instance_id IS NULL THEN 'offline' ELSE 'online' END", "parent = {w or none}",
            "attributes = COALESCE(attributes, {nothing}) || {j}", "generation = {big}", "status = DEFAULT", "(status, generation) = ({s}, {n})"]),
        "guard" => Templates(&["", " AND instance_id IS NOT DISTINCT FROM {i}", " AND status = {s}", " AND status IN ('online', 'degraded')", " AND generation = {n}",
            " AND status <> 'removed'", " AND (last_heartbeat_at IS NULL OR last_heartbeat_at < {t})", " AND instance_id = {i} AND status = ANY({online})",
            " AND updated_at < now() - interval '90 seconds'", " AND status NOT IN ('paused', {s})", " AND NOT (generation > {n})", " AND instance_id IS DISTINCT FROM {i}"]),
        "where" => Templates(&["", "WHERE id = {w}", "WHERE status = {s}", "WHERE instance_id IS NULL", "WHERE id > {w}", "WHERE generation {comparison} {n}",
            "WHERE id = ANY({ids})", "WHERE id IN ({w}, {w})", "WHERE (updated_at, id) > ({t}, {w})", "WHERE status LIKE {like} OR id ILIKE {like}", "WHERE last_heartbeat_at {comparison} {t}",
            "WHERE instance_id = {i} OR parent = {w}", "WHERE generation BETWEEN {n} AND {n}", "WHERE NOT status = 'online' AND instance_id IS NOT NULL",
            "WHERE EXISTS (SELECT 1 FROM events e WHERE e.workspace = w.id)", "WHERE id NOT IN (SELECT workspace FROM events)", "WHERE attributes->>'a' = {f}", "WHERE attributes = {j}",
            "WHERE coalesce(instance_id, '') <> '' AND status <> {s}", "WHERE id = {w} AND generation = {n}", "WHERE (status = {s}) IS NOT TRUE", "WHERE generation % 2 = 1"]),
        other => panic!("a template names `{other}`, which stands for nothing"),
    }
}

/// Templates with their weights.
pub(crate) type Group = &'static [(u32, &'static str)];

/// Stands for what begins a transaction where there is none, and for what ends it where there is one.
pub(crate) const TURN: &str = "begin or end";

/// Transactions.
#[rustfmt::skip]
pub(crate) const TRANSACTIONS: Group = &[
    (14, TURN),
    (1, "BEGIN"),
    (1, "COMMIT"),
    (1, "ROLLBACK"),
    (2, "SAVEPOINT a"),
    (2, "SAVEPOINT b"),
    (3, "ROLLBACK TO SAVEPOINT a"),
    (2, "ROLLBACK TO b"),
    (1, "RELEASE SAVEPOINT a"),
    (1, "RELEASE b"),
];

/// What begins a transaction.
pub(crate) const BEGINNINGS: &[&str] =
    &["BEGIN", "START TRANSACTION", "BEGIN ISOLATION LEVEL READ COMMITTED", "BEGIN TRANSACTION"];

/// What ends one.
pub(crate) const ENDS: &[&str] = &["COMMIT", "ROLLBACK", "COMMIT", "END", "ABORT", "COMMIT WORK"];

/// Statements that write rows.
#[rustfmt::skip]
pub(crate) const WRITES: Group = &[
    (6, "INSERT INTO workspaces (id, status, instance_id) VALUES ({new}, {s}, {i}){returning}"),
    (2, "INSERT INTO workspaces (id, generation, attributes, last_heartbeat_at) VALUES ({new}, {n}, {j}, {t}), ({w}, {n}, NULL, now()){returning}"),
    (1, "INSERT INTO workspaces VALUES ({new}, DEFAULT, {i}){returning}"),
    (1, "INSERT INTO workspaces (id, parent, updated_at) SELECT id || '0', id, updated_at FROM workspaces WHERE id = {w}"),
    (3, "INSERT INTO workspaces (id, status) VALUES ({new}, {s}) ON CONFLICT DO NOTHING{returning}"),
    (2, "INSERT INTO workspaces (id, generation) VALUES ({new}, {n}) ON CONFLICT (id) DO NOTHING{returning}"),
    (4, "INSERT INTO workspaces (id, status, last_heartbeat_at) VALUES ({w}, {s}, {t}) ON CONFLICT (id) DO UPDATE SET status = EXCLUDED.status, generation = workspaces.generation + 1{returning}"),
    (2, "INSERT INTO workspaces AS w (id, status) VALUES ({w}, {s}) ON CONFLICT (id) DO UPDATE SET status = excluded.status WHERE w.status <> {s} RETURNING id, w.status"),
    (1, "INSERT INTO workspaces (id) VALUES ({w}), ({w}) ON CONFLICT (id) DO UPDATE SET generation = workspaces.generation + 1"),
    (12, "UPDATE workspaces SET {set} WHERE id = {w}{guard}{returning}"),
    (2, "UPDATE workspaces w SET {set} WHERE w.id = {w}{guard}"),
    (1, "UPDATE workspaces SET id = {w} WHERE id = {w}"),
    (1, "UPDATE workspaces SET status = 'paused' FROM events e WHERE e.workspace = workspaces.id AND e.kind = {k} AND workspaces.id = {w}"),
    (2, "WITH picked AS (SELECT id FROM workspaces WHERE status = {s} ORDER BY id LIMIT {count} FOR UPDATE SKIP LOCKED) UPDATE workspaces SET generation = generation + 1 FROM picked WHERE workspaces.id = picked.id RETURNING workspaces.id, generation"),
    (1, "UPDATE workspaces SET generation = generation + 10 WHERE id = (SELECT id FROM workspaces WHERE status = {s} ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id"),
    (4, "DELETE FROM workspaces WHERE id = {w}{guard}{returning}"),

    (4, "INSERT INTO events (workspace, kind, body) VALUES ({w}, {k}, {j}) RETURNING id, kind, body"),
    (1, "INSERT INTO events (workspace, kind) VALUES ({w}, {k}), ({w}, {k})"),
    (1, "INSERT INTO blobs (sha, body) SELECT id, 'copied' FROM workspaces WHERE status = {s} ORDER BY id RETURNING sha"),
    (2, "DELETE FROM events WHERE workspace = {w} AND kind = {k} RETURNING id, kind"),
    (1, "DELETE FROM events WHERE workspace = {w}"),
    (1, "UPDATE events SET body = {j}, at = {t} WHERE workspace = {w} RETURNING *"),

    (3, "INSERT INTO sandboxes (id, tenant, name) VALUES ({new u}, {tenant}, {name}) RETURNING *"),
    (1, "INSERT INTO sandboxes (id, tenant, warm) VALUES ({new u}, {tenant}, {b}) ON CONFLICT (id) DO UPDATE SET version = sandboxes.version + 1, warm = EXCLUDED.warm RETURNING id, version, warm"),
    (1, "INSERT INTO sandboxes (id, tenant) VALUES ({new u}, {tenant}) ON CONFLICT ON CONSTRAINT sandboxes_pkey DO NOTHING"),
    (4, "UPDATE sandboxes SET version = version + 1 WHERE id = {u} AND epoch = {n} RETURNING version"),
    (2, "UPDATE sandboxes SET warm = NOT warm, name = {name} WHERE id = {u} RETURNING warm, name"),
    (3, "DELETE FROM sandboxes WHERE id = {u}"),
    (1, "DELETE FROM sandboxes WHERE tenant = {tenant} AND name IS NOT DISTINCT FROM {name} RETURNING id"),

    (3, "INSERT INTO inodes (sandbox_id, ino, parent, name, blob) VALUES ({u}, {n}, {n}, {f}, {h or none})"),
    (2, "INSERT INTO inodes (sandbox_id, ino, name) VALUES ({u}, {n}, {f}), ({u}, {n}, {f}) ON CONFLICT (sandbox_id, ino) DO UPDATE SET name = EXCLUDED.name RETURNING ino, name"),
    (2, "UPDATE inodes SET name = {f}, blob = {h or none} WHERE sandbox_id = {u} AND ino = {n}"),
    (2, "DELETE FROM inodes WHERE sandbox_id = {u} AND ino = {n} RETURNING blob"),
    (2, "INSERT INTO blobs (sha, body) VALUES ({h}, {x}) ON CONFLICT (sha) DO NOTHING"),
    (1, "INSERT INTO blobs (sha, body, weight, ratio) VALUES ({h}, {x}, {n}, {float}) RETURNING body, weight, ratio"),
    (2, "DELETE FROM blobs WHERE sha = {h}"),
    (1, "UPDATE blobs SET weight = weight * {n}, ratio = ratio / 3 WHERE sha = {h} RETURNING weight, ratio"),
];

/// Statements that read rows.
#[rustfmt::skip]
pub(crate) const READS: Group = &[
    (6, "SELECT {columns} FROM workspaces w {where} ORDER BY {order}"),
    (3, "SELECT {columns} FROM workspaces w {where}"),
    (2, "SELECT {columns} FROM workspaces w {where} ORDER BY {order} LIMIT {count} OFFSET {count}"),
    (2, "SELECT id, updated_at FROM workspaces WHERE (updated_at, id) > ({t}, {w}) ORDER BY updated_at, id LIMIT {count}"),
    (1, "SELECT id FROM workspaces WHERE id > {w} ORDER BY id LIMIT 2"),
    (2, "SELECT count(*) FROM workspaces w {where}"),
    (2, "SELECT status, count(*) AS n, max(generation), min(instance_id), bool_or(instance_id IS NULL) FROM workspaces w {where} GROUP BY status ORDER BY n DESC, status"),
    (1, "SELECT status, sum(generation)::bigint, avg(generation)::double precision FROM workspaces GROUP BY 1 HAVING count(*) > {n} ORDER BY 1"),
    (1, "SELECT count(DISTINCT status), count(instance_id), sum(generation)::bigint, max(updated_at) < now() FROM workspaces"),
    (1, "SELECT DISTINCT status FROM workspaces ORDER BY status"),
    (2, "SELECT w.id, e.kind, e.body FROM workspaces w JOIN events e ON e.workspace = w.id WHERE w.status <> {s} ORDER BY w.id, e.kind, e.body::text"),
    (2, "SELECT w.id, count(e.id) AS events FROM workspaces w LEFT JOIN events e ON e.workspace = w.id GROUP BY w.id ORDER BY events DESC, w.id"),
    (1, "SELECT w.id, (SELECT max(e.id) FROM events e WHERE e.workspace = w.id) AS latest FROM workspaces w ORDER BY latest IS NULL, w.id"),
    (1, "SELECT id FROM workspaces WHERE status = {s} UNION SELECT workspace FROM events WHERE kind = {k} ORDER BY id"),
    (1, "SELECT EXISTS (SELECT 1 FROM workspaces WHERE id = {w} AND status = {s})"),
    (1, "SELECT extract(epoch FROM updated_at)::bigint AS at, updated_at + interval '1 hour' AS later FROM workspaces WHERE updated_at < '2022-01-01' ORDER BY id"),
    (3, "WITH RECURSIVE tree (ino, path) AS (SELECT ino, name FROM inodes WHERE sandbox_id = {u} AND parent IS NULL UNION ALL SELECT i.ino, t.path || '/' || i.name FROM inodes i JOIN tree t ON i.parent = t.ino WHERE i.sandbox_id = {u} AND i.ino > t.ino) SELECT ino, path FROM tree ORDER BY ino, path"),
    (1, "WITH online AS (SELECT id FROM workspaces WHERE status = 'online') SELECT count(*) FROM online"),
    (1, "WITH RECURSIVE up AS (SELECT id, parent, 1 AS depth FROM workspaces WHERE id = {w} UNION ALL SELECT w.id, w.parent, up.depth + 1 FROM workspaces w JOIN up ON w.id = up.parent WHERE up.depth < 5) SELECT id, depth FROM up ORDER BY depth"),
    (2, "SELECT * FROM sandboxes WHERE id = {u}"),
    (1, "SELECT s.id, s.version, i.name, b.body FROM sandboxes s LEFT JOIN inodes i ON i.sandbox_id = s.id LEFT JOIN blobs b ON b.sha = i.blob WHERE s.tenant = {tenant} ORDER BY s.id, i.ino"),
    (1, "SELECT sandbox_id, ino, name, octet_length(name) FROM inodes WHERE ino = ANY({numbers}) ORDER BY name, sandbox_id, ino"),
    (1, "SELECT sha, body, length(body), weight, ratio FROM blobs ORDER BY ratio DESC, sha"),
    (1, "SELECT {w}::text, {n}::int + 1, {b}::boolean, {u}::uuid, {t}::timestamptz, {j}::jsonb"),
    (1, "SELECT generation / {n}, generation % 3, generation * 2 - 1 FROM workspaces WHERE id = {w}"),
    (1, "VALUES ({n}::bigint, {w}), (2, 'two')"),
];

/// Statements that lock without writing.
#[rustfmt::skip]
pub(crate) const LOCKS: Group = &[
    (8, "SELECT id, status, generation FROM workspaces WHERE id = {w} {lock}"),
    (2, "SELECT id FROM workspaces ORDER BY id LIMIT {count} FOR UPDATE {hurry}"),
    (2, "SELECT id FROM workspaces WHERE status = {s} ORDER BY id FOR NO KEY UPDATE {hurry}"),
    (1, "SELECT e.id FROM events e JOIN workspaces w ON w.id = e.workspace ORDER BY e.id FOR UPDATE OF e {hurry}"),
    (2, "SELECT id, version FROM sandboxes WHERE id = {u} {lock}"),
    (1, "SELECT sha FROM blobs WHERE sha = {h} {lock}"),
    (2, "SELECT pg_advisory_xact_lock({lock number})"),
    (2, "SELECT pg_try_advisory_xact_lock({lock number})"),
    (1, "SELECT pg_advisory_lock({lock number})"),
    (1, "SELECT pg_try_advisory_lock({lock number})"),
    (1, "SELECT pg_advisory_unlock({lock number})"),
    (1, "SELECT pg_advisory_xact_lock(hashtext({w}))"),
    (1, "SELECT pg_advisory_xact_lock_shared({lock number})"),
];

/// Statements that are refused, most of them whatever the tables hold.
#[rustfmt::skip]
pub(crate) const MISTAKES: Group = &[
    (1, "SELECT nothing FROM workspaces"),
    (1, "SELECT * FROM nowhere"),
    (1, "SELEC 1"),
    (1, "UPDATE workspaces SET nothing = 1 WHERE id = {w}"),
    (1, "INSERT INTO workspaces (id, status) VALUES ({new})"),
    (1, "INSERT INTO workspaces (id, generation) VALUES ({new}, 'many')"),
    (1, "INSERT INTO workspaces (id, status) VALUES (NULL, {s})"),
    (1, "UPDATE workspaces SET updated_at = NULL WHERE id = {w}"),
    (1, "SELECT 1 / 0"),
    (1, "UPDATE workspaces SET generation = generation / 0 WHERE id = {w}"),
    (1, "SELECT generation + 9223372036854775807 FROM workspaces WHERE id = {w}"),
    (1, "UPDATE sandboxes SET version = 2147483647 + version WHERE id = {u}"),
    (1, "UPDATE blobs SET weight = weight + 32767 WHERE sha = 'h1'"),
    (1, "SELECT id = 1 FROM workspaces"),
    (1, "SELECT upper(generation) FROM workspaces"),
    (1, "SELECT no_function(1)"),
    (1, "SELECT 'x'::int"),
    (1, "SELECT {big}::bigint"),
    (1, "SELECT id, count(*) FROM workspaces"),
    (1, "SELECT w.id, e.id FROM workspaces w, events e WHERE id = {w}"),
    (1, "SELECT id FROM workspaces WHERE generation"),
    (1, "SELECT (SELECT id FROM workspaces)"),
    (1, "SAVEPOINT"),
    (1, ""),
    (1, "-- only words"),
];

/// Query strings of several statements, which are one transaction unless they say otherwise.
#[rustfmt::skip]
pub(crate) const SEVERAL: Group = &[
    (1, "UPDATE workspaces SET generation = 7 WHERE id = 'ws2'; SELECT count(*) FROM workspaces WHERE generation = 7"),
    (1, "INSERT INTO workspaces (id) VALUES ('ws6'); SELECT 1 / 0; SELECT 2"),
    (1, "BEGIN; INSERT INTO workspaces (id) VALUES ('ws7'); COMMIT; SELECT 1 / 0"),
    (1, "INSERT INTO workspaces (id) VALUES ('ws8'); ROLLBACK; SELECT id FROM workspaces WHERE id = 'ws8'"),
    (1, "; ;SELECT 1;"),
];
