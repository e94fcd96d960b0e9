//! Single statements: what expressions come to, of which type, and what is refused.

use super::bench::{Bench, Then};
use super::schema::TABLES;
use super::steps::{Said, Way};

/// Statements, each sent as a query string and prepared. `$1` and the like stand for what follows `--`, by commas; `~` is
/// NULL.
#[rustfmt::skip]
const STATEMENTS: &[&str] = &[
    // Literals, casts and the types of results.
    "SELECT 1, 2147483648, 'x', NULL, true, -1, 9223372036854775807",
    "SELECT 1 AS one, 2 two, 'x' AS \"Mixed Case\"",
    "SELECT '1'::int, '2'::bigint, '3'::smallint, '1.5'::double precision, 'x'::text, 'x'::varchar, 'long'::varchar(2)",
    "SELECT CAST('7' AS integer), CAST(7 AS text), 7::text || '!', true::text, 't'::boolean, 'no'::bool, 1::bool, 0::boolean, true::int",
    "SELECT '00000000-0000-0000-0000-00000000000A'::uuid, '{00000000-0000-0000-0000-00000000000a}'::uuid, '0000000000000000000000000000000B'::uuid::text",
    "SELECT '\\x0aff'::bytea, 'plain'::bytea, 'tab\\011'::bytea",
    "SELECT '{\"b\": 1, \"a\": [1, 2, {\"c\": null}], \"aa\": 1.5}'::jsonb, '[]'::jsonb, 'null'::jsonb, '\"x\"'::jsonb, '12'::jsonb",
    "SELECT '2020-02-29 12:00:00+00'::timestamptz, '2020-02-29'::timestamptz, '2020-02-29T23:59:60Z'::timestamptz, '2020-02-29 12:00:00.1234567+01:30'::timestamptz",
    "SELECT 1.9::int, 2.5::int, 3.5::int, (-2.5)::int, 2.5::double precision::int, 3.5::float8::bigint",
    "SELECT 1::smallint + 1::smallint, 1::smallint + 1, 1 + 1::bigint, 1 + 1.5::float8, 7 / 2, -7 / 2, 7 % 3, -7 % 3, 7::bigint / 2::int",
    "SELECT 1.5::float8, 0.1::float8 + 0.2::float8, 1e300::float8 * 10, 'Infinity'::float8, 1e-5::float8, 123456789012345678::float8, 1::float8",
    "SELECT 3 = 3, 3 <> 4, 3 != 4, 3 < 4, 'a' < 'b', 'B' < 'a', true > false, NULL = NULL, NULL IS NULL, 1 IS NOT NULL",
    "SELECT true AND NULL, false AND NULL, true OR NULL, false OR NULL, NOT NULL::boolean",
    "SELECT NULL IS TRUE, NULL IS NOT TRUE, false IS FALSE, NULL IS UNKNOWN, true IS NOT FALSE",
    "SELECT 1 IS DISTINCT FROM NULL, NULL IS DISTINCT FROM NULL, 1 IS NOT DISTINCT FROM 1, 'a' IS DISTINCT FROM 'b'",
    "SELECT 2 BETWEEN 1 AND 3, 2 NOT BETWEEN 1 AND 3, 2 IN (1, 2), 2 NOT IN (1, NULL), NULL IN (1), 1 IN (1, NULL)",
    "SELECT 'abc' LIKE 'a%', 'abc' LIKE 'A%', 'abc' ILIKE 'A_C', 'a%c' LIKE 'a\\%c', 'abc' NOT LIKE '%b%', 'ABC' ILIKE 'abd'",
    "SELECT CASE WHEN 1 = 2 THEN 'a' WHEN NULL THEN 'b' ELSE 'c' END, CASE 2 WHEN 1 THEN 10 WHEN 2 THEN 20 END, CASE WHEN false THEN 1 END",
    "SELECT coalesce(NULL, 2, 3), coalesce(NULL, 'x'), nullif(1, 1), nullif(1, 2), greatest(1, NULL, 3), least('b', 'a'), greatest(NULL::int, NULL)",
    "SELECT 'a' || 'b', 'a' || 1, 1 || 'a', 'a' || NULL, 'a' || true",
    // Text.
    "SELECT upper('aé'), lower('ÀB'), length('né'), octet_length('né'), char_length('abc'), trim('  x '), ltrim('xxa', 'x'), rtrim('a  '), btrim('xax', 'x')",
    "SELECT substring('abcdef' FROM 2 FOR 3), substr('abcdef', 3), left('abc', 2), right('abc', 2), position('c' IN 'abc'), strpos('abc', 'b')",
    "SELECT replace('aXbX', 'X', '-'), concat('a', NULL, 1), concat_ws('/', 'a', NULL, 'b'), repeat('ab', 2), starts_with('abc', 'ab')",
    "SELECT split_part('a/b/c', '/', 2), lpad('7', 3, '0'), encode('\\xdead'::bytea, 'hex'), decode('beef', 'hex')",
    "SELECT abs(-3), abs(-1.5::float8), mod(7, 3), floor(1.7::float8), ceil(1.2::float8), round(2.5::float8)",
    "SELECT hashtext('ws1'), hashtext(''), hashtext('a longer text that does not fit into twelve bytes')",
    // Parameters and their types.
    "SELECT $1::text, $2::int -- x,7",
    "SELECT $1 -- x",
    "SELECT $1 + 1, $2::bigint * 2 -- 3,4",
    "SELECT $1::timestamptz + interval '1 day', $1::timestamptz -- 2020-01-31 00:00:00+00",
    "SELECT id FROM workspaces WHERE id = $1 AND generation > $2 AND instance_id IS NOT DISTINCT FROM $3 -- ws1,0,i-1",
    "SELECT id FROM workspaces WHERE $1::text IS NULL OR id = $1 ORDER BY id -- ~",
    "SELECT id FROM workspaces WHERE id = ANY($1) ORDER BY id -- {ws1,ws2}",
    "SELECT id FROM workspaces WHERE id <> ALL($1) ORDER BY id -- {ws1,ws2}",
    "SELECT id FROM workspaces WHERE generation = ANY($1) ORDER BY id -- {1,2}",
    "SELECT id FROM sandboxes WHERE id = ANY($1::uuid[]) ORDER BY id -- {00000000-0000-0000-0000-000000000001}",
    "SELECT $1::text[], $2::int[], $3::bool[] -- {a,NULL},{},{t}",
    "SELECT coalesce($1, 'none'), coalesce($2, 0) -- ~,5",
    "SELECT CASE WHEN $1 THEN 1 ELSE 2 END -- true",
    "SELECT id FROM workspaces ORDER BY id LIMIT $1 OFFSET $2 -- 1,1",
    "SELECT $2::int -- 1,2",
    "INSERT INTO workspaces (id, status, generation, attributes, last_heartbeat_at) VALUES ($1, $2, $3, $4, $5) RETURNING * -- ws9,online,4,{\"a\": 1},2020-01-01 00:00:00+00",
    "UPDATE workspaces SET generation = generation + $2, instance_id = coalesce($3, instance_id), status = CASE WHEN $4 THEN 'online' ELSE status END WHERE id = $1 RETURNING generation, instance_id, status -- ws1,5,~,true",
    "SELECT make_interval(secs => $1) -- 90",
    "SELECT '2020-01-01 00:00:00+00'::timestamptz + make_interval(secs => 90.5), '2020-01-01 00:00:00+00'::timestamptz - $1::interval -- 1 mon 2 days 03:04:05",
    // Moments and spans.
    "SELECT interval '7 days', interval '90 seconds', interval '1 year 2 months 3 days 04:05:06.7', interval '-1 hour', interval '1 week', '2 minutes'::interval",
    "SELECT '2020-01-31 00:00:00+00'::timestamptz + interval '1 month', '2020-03-31 00:00:00+00'::timestamptz - interval '1 month', '2020-01-01 00:00:00+00'::timestamptz - interval '90 seconds'",
    "SELECT '2020-01-02 00:00:00+00'::timestamptz - '2020-01-01 12:00:00+00'::timestamptz, '2020-03-01 00:00:00+00'::timestamptz - '2020-01-01 00:00:00+00'::timestamptz",
    "SELECT extract(epoch FROM '2020-01-01 00:00:00.5+00'::timestamptz)::double precision, extract(epoch FROM interval '1 day 1 second')::int, date_part('epoch', '2020-01-01 00:00:00+00'::timestamptz)",
    "SELECT extract(epoch FROM '2020-01-01 00:00:00.5+00'::timestamptz)::bigint, extract(year FROM '2020-05-06 07:08:09+00'::timestamptz)::int",
    "SELECT to_timestamp(1577836800), to_timestamp(1577836800.25), '2020-01-01 00:00:00+00'::timestamptz::text",
    "SELECT date_trunc('hour', '2020-01-01 12:34:56+00'::timestamptz), date_trunc('day', '2020-01-01 12:34:56+00'::timestamptz)",
    "SELECT now() = current_timestamp, now() = transaction_timestamp(), clock_timestamp() >= now(), now() - now(), statement_timestamp() >= now()",
    "SELECT interval '1 hour' < interval '61 minutes', interval '1 month' = interval '30 days', interval '1 day' * 2, interval '1 hour' / 2, - interval '1 day', interval '1 day' + interval '1 hour'",
    "SELECT 2 * interval '90 seconds', 1.5 * interval '1 minute'",
    "SELECT id FROM workspaces WHERE updated_at < now() - interval '1 day' AND updated_at > '2019-01-01' ORDER BY id",
    // JSON.
    "SELECT '{\"a\": {\"b\": 1}}'::jsonb -> 'a', '{\"a\": {\"b\": 1}}'::jsonb -> 'a' ->> 'b', '[1, 2]'::jsonb -> 1, '[1, 2]'::jsonb ->> -1, '{\"a\": 1}'::jsonb ->> 'z'",
    "SELECT '{\"a\": 1, \"b\": 2}'::jsonb = '{\"b\": 2, \"a\": 1}', '{\"a\": 1}'::jsonb = '{\"a\": 2}'",
    "SELECT jsonb_build_object('a', 1, 'b', NULL, 'c', true), to_jsonb('x'::text), '{\"a\": 1}'::jsonb || '{\"b\": 2}'",
    // Rows.
    "SELECT * FROM workspaces ORDER BY id",
    "SELECT w.* FROM workspaces w ORDER BY w.id",
    "SELECT id AS status, status AS id FROM workspaces ORDER BY id",
    "SELECT id FROM workspaces ORDER BY instance_id, id",
    "SELECT id FROM workspaces ORDER BY instance_id DESC, id",
    "SELECT id FROM workspaces ORDER BY last_heartbeat_at DESC NULLS LAST, id",
    "SELECT id, status FROM workspaces ORDER BY 2 DESC, 1 LIMIT ALL",
    "SELECT count(*), count(instance_id), sum(generation)::bigint, avg(generation)::float8, min(id), max(updated_at), bool_and(status = 'online') FROM workspaces",
    "SELECT count(*), sum(generation)::bigint, max(id) FROM workspaces WHERE false",
    "SELECT string_agg(id, ', ' ORDER BY id) FROM workspaces",
    "SELECT count(*) FILTER (WHERE status = 'online'), count(DISTINCT status) FROM workspaces",
    "SELECT status, count(*) FROM workspaces GROUP BY status HAVING count(*) >= 1 ORDER BY status",
    "SELECT sum(version), avg(version)::float8, sum(epoch)::bigint, min(warm::int) FROM sandboxes",
    "SELECT w.id, e.id FROM workspaces w LEFT JOIN events e ON e.workspace = w.id ORDER BY w.id",
    "SELECT w.id, e.id FROM events e RIGHT JOIN workspaces w ON e.workspace = w.id ORDER BY w.id",
    "SELECT a.id, b.id FROM workspaces a CROSS JOIN workspaces b WHERE a.id < b.id ORDER BY 1, 2",
    "SELECT a.id, b.id FROM workspaces a, workspaces b WHERE a.id > b.id ORDER BY a.id, b.id",
    "SELECT sandbox_id, name FROM inodes JOIN blobs ON sha = blob",
    "SELECT id FROM workspaces JOIN (SELECT workspace AS id FROM events) AS e USING (id)",
    "SELECT id FROM workspaces w WHERE NOT EXISTS (SELECT 1 FROM events WHERE workspace = w.id) ORDER BY id",
    "SELECT (SELECT count(*) FROM events) AS events, (SELECT id FROM workspaces WHERE id = 'none') AS nobody",
    "SELECT id FROM workspaces WHERE (status, generation) IN (('online', 1), ('paused', 3)) ORDER BY id",
    "SELECT id FROM workspaces WHERE (status, id) > ('online', 'ws1') ORDER BY status, id",
    "SELECT id FROM workspaces WHERE status = 'online' UNION ALL SELECT id FROM workspaces WHERE generation = 1",
    "SELECT status FROM workspaces EXCEPT SELECT 'paused' ORDER BY status",
    "SELECT status FROM workspaces INTERSECT SELECT 'paused'",
    "SELECT n FROM generate_series(1, 3) AS n ORDER BY n DESC",
    "WITH RECURSIVE n AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM n WHERE n < 5) SELECT sum(n) FROM n",
    "SELECT row_number() OVER (ORDER BY id), id FROM workspaces",
    "SELECT 1 WHERE false",
    "VALUES (1, 'a'), (2, NULL)",
    // Writes.
    "INSERT INTO workspaces DEFAULT VALUES",
    "INSERT INTO events (workspace, kind) VALUES ('ws1', 'created'), ('ws2', 'stopped') RETURNING id, body",
    "INSERT INTO sandboxes (id, tenant) VALUES (gen_random_uuid(), 't3') RETURNING id, epoch, version, warm, created_at",
    "INSERT INTO workspaces (id, status) VALUES ('ws1', 'paused') ON CONFLICT (id) DO UPDATE SET (status, generation) = (EXCLUDED.status, workspaces.generation + 1) RETURNING status, generation",
    "INSERT INTO workspaces (id) VALUES ('ws1') ON CONFLICT (id) DO UPDATE SET generation = 9 WHERE workspaces.status = 'removed' RETURNING id",
    "INSERT INTO workspaces (id, instance_id) VALUES ('ws9', 'i-1') ON CONFLICT (instance_id) WHERE instance_id IS NOT NULL DO NOTHING RETURNING id",
    "INSERT INTO workspaces (id, instance_id) VALUES ('ws9', 'i-1') ON CONFLICT (id) DO NOTHING RETURNING id",
    "INSERT INTO sandboxes (id, tenant, name) VALUES ('00000000-0000-0000-0000-000000000009', 't1', 'one') ON CONFLICT ON CONSTRAINT sandboxes_tenant_name_key DO NOTHING",
    "INSERT INTO sandboxes (id, tenant, name) VALUES ('00000000-0000-0000-0000-000000000009', 't1', 'one') ON CONFLICT (tenant, name) DO UPDATE SET version = 7 RETURNING id, version",
    "UPDATE workspaces SET (status, generation) = ('offline', 8) WHERE id = 'ws1' RETURNING *",
    "UPDATE workspaces SET status = 'offline', generation = generation + 1, attributes = jsonb_build_object('was', status) WHERE id = 'ws1' RETURNING attributes, generation",
    "UPDATE workspaces SET generation = e.n FROM (SELECT workspace, count(*) AS n FROM events GROUP BY workspace) e WHERE e.workspace = workspaces.id RETURNING workspaces.id, generation",
    "UPDATE workspaces SET generation = (SELECT max(generation) + 1 FROM workspaces) WHERE id = 'ws1' RETURNING generation",
    "UPDATE workspaces AS w SET status = 'offline' WHERE w.id IN (SELECT workspace FROM events) RETURNING w.id, w.status",
    "UPDATE workspaces SET id = id || '!' WHERE id <> 'ws3' RETURNING id",
    "UPDATE inodes SET ino = ino + 100 RETURNING ino",
    "UPDATE inodes SET ino = ino + 1",
    "DELETE FROM inodes WHERE (sandbox_id, ino) IN (SELECT sandbox_id, max(ino) FROM inodes GROUP BY sandbox_id) RETURNING name",
    "DELETE FROM workspaces",
    "DELETE FROM sandboxes",
    "DELETE FROM blobs RETURNING *",
    "DELETE FROM workspaces WHERE id = 'nobody' RETURNING id",
    // Mistakes.
    "SELECT 1 +",
    "SELECT * FROM workspaces WHERE",
    "SELECT 'unterminated",
    "SELECT nothing",
    "SELECT w.nothing FROM workspaces w",
    "SELECT x.id FROM workspaces w",
    "SELECT id FROM workspaces, sandboxes",
    "SELECT 1 FROM workspaces GROUP BY nothing",
    "SELECT max(count(*)) FROM workspaces",
    "SELECT id FROM workspaces WHERE count(*) > 1",
    "SELECT 'a' + 1",
    "SELECT true + 1",
    "SELECT id + 1 FROM workspaces",
    "SELECT id FROM workspaces WHERE id = generation",
    "SELECT id FROM workspaces WHERE updated_at = 1",
    "SELECT id FROM sandboxes WHERE id = 'x'",
    "SELECT id FROM sandboxes WHERE id = tenant",
    "SELECT CASE WHEN true THEN 1 ELSE 'x' END",
    "SELECT coalesce(1, 'x')",
    "SELECT 1 UNION SELECT 'x'",
    "SELECT 1, 2 UNION SELECT 1",
    "SELECT 1 LIMIT -1",
    "SELECT 2147483647 + 1",
    "SELECT 9223372036854775807 + 1",
    "SELECT 32767::smallint + 1::smallint",
    "SELECT 2147483648::int, 40000::smallint",
    "SELECT 1 % 0",
    "SELECT 1.0::float8 / 0",
    "SELECT ''::int",
    "SELECT ' 7 '::int, '0x10'::int",
    "SELECT 'x'::boolean",
    "SELECT 'x'::uuid",
    "SELECT '2020-13-01'::timestamptz",
    "SELECT 'x'::timestamptz",
    "SELECT 'x'::interval",
    "SELECT 'x'::jsonb",
    "SELECT '{1,x}'::int[]",
    "SELECT '{1'::int[]",
    "SELECT upper(1)",
    "SELECT nosuch('x')",
    "SELECT lower('a', 'b')",
    "SELECT (SELECT 1, 2)",
    "SELECT (SELECT id FROM workspaces)",
    "INSERT INTO workspaces (id, id) VALUES ('a', 'b')",
    "INSERT INTO workspaces (nothing) VALUES (1)",
    "INSERT INTO workspaces (id, status) VALUES ('a')",
    "INSERT INTO workspaces (id) VALUES ('a', 'b')",
    "INSERT INTO workspaces (id, generation) VALUES ('ws9', true)",
    "INSERT INTO workspaces (id, generation) VALUES ('ws9', 1.5)",
    "INSERT INTO workspaces (id, generation) VALUES ('ws9', 'x')",
    "INSERT INTO workspaces (id, updated_at) VALUES ('ws9', 5)",
    "INSERT INTO workspaces (id, attributes) VALUES (5, 6)",
    "INSERT INTO workspaces (id, generation) VALUES ('ws9', -1)",
    "INSERT INTO workspaces (id, parent) VALUES ('ws9', 'nobody')",
    "INSERT INTO events (workspace, kind) VALUES ('ws1', NULL)",
    "INSERT INTO events (workspace, kind) VALUES ('ws1', 'seventeen letters')",
    "INSERT INTO events (workspace, kind) VALUES ('ws1', 'sixteen letters.       ')",
    "INSERT INTO nowhere VALUES (1)",
    "INSERT INTO workspaces (id) VALUES ('ws1'), ('ws1')",
    "INSERT INTO workspaces (id) VALUES ('ws8'), ('ws8') ON CONFLICT (id) DO UPDATE SET generation = 1",
    "INSERT INTO workspaces (id) VALUES ('ws1') ON CONFLICT (nothing) DO NOTHING",
    "INSERT INTO workspaces (id) VALUES ('ws1') ON CONFLICT ON CONSTRAINT nothing DO NOTHING",
    "INSERT INTO workspaces (id) VALUES ('ws1') ON CONFLICT DO UPDATE SET generation = 1",
    "UPDATE workspaces SET nothing = 1",
    "UPDATE workspaces SET generation = 1, generation = 2",
    "UPDATE workspaces SET generation = 'x'",
    "UPDATE workspaces SET status = NULL",
    "UPDATE workspaces SET status = 7",
    "UPDATE workspaces SET generation = id",
    "UPDATE nowhere SET x = 1",
    "DELETE FROM nowhere",
    "DELETE FROM workspaces WHERE nothing = 1",
    "CREATE TABLE workspaces (id text PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS workspaces (id text PRIMARY KEY)",
    "CREATE INDEX workspaces_updated ON workspaces (id)",
    "CREATE INDEX IF NOT EXISTS workspaces_updated ON workspaces (id)",
    "CREATE TABLE others (id text PRIMARY KEY, other text REFERENCES nowhere (id))",
    "CREATE TABLE others (id text PRIMARY KEY, other bigint REFERENCES workspaces (id))",
    "CREATE TABLE others (id text PRIMARY KEY, id text)",
    "DROP TABLE nowhere",
    "DROP TABLE IF EXISTS nowhere",
    "DROP TABLE workspaces",
    "ALTER TABLE workspaces ADD COLUMN status text",
    "ALTER TABLE nowhere ADD COLUMN status text",
];

#[test]
fn single_statements_are_answered_alike() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    let differences = runtime.block_on(async {
        let mut bench = Bench::start(TABLES).await?;
        let mut differences = Vec::new();
        for line in STATEMENTS {
            for way in [Way::Simple, Way::Unnamed { binary: false }, Way::Prepared { binary: true }] {
                if let Err(difference) = bench.perform(&[(0, read(line, way), Then::Answers)]).await {
                    differences.push(difference);
                    bench.renew().await.expect("both servers accept again");
                    break;
                }
            }
        }
        Some(differences)
    });
    let differences = differences.unwrap_or_default();
    assert!(
        differences.is_empty(),
        "{} of {} differ:\n{}",
        differences.len(),
        STATEMENTS.len(),
        differences.join("\n")
    );
}

fn read(line: &'static str, way: Way) -> Said {
    let (text, values) = line.split_once(" -- ").unwrap_or((line, ""));
    let mut parameters: Vec<Option<String>> = Vec::new();
    let mut depth = 0;
    for piece in values.split(',').filter(|_| line != text) {
        match parameters.last_mut() {
            Some(Some(last)) if depth > 0 => *last = format!("{last},{piece}"),
            _ => parameters.push(Some(piece.to_owned()).filter(|piece| piece != "~")),
        }
        depth += piece.matches('{').count() as i32 - piece.matches('}').count() as i32;
    }
    Said::new(text, parameters, way)
}
