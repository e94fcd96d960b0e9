//! One session: what statements return, and how they are refused.

use super::{Bench, kinds, text, told};
use crate::servers::postgres::{Type, Value};

const SCHEMA: &str = "
    CREATE TABLE owners (id text PRIMARY KEY, name text NOT NULL, UNIQUE (name));
    CREATE TABLE items (
        id bigint PRIMARY KEY,
        owner text REFERENCES owners (id) ON DELETE CASCADE,
        label varchar(8),
        price integer CHECK (price >= 0),
        live boolean NOT NULL DEFAULT true,
        seen timestamptz NOT NULL DEFAULT now()
    );
    CREATE UNIQUE INDEX items_label ON items (label) WHERE live;
    CREATE TABLE tags (item bigint REFERENCES items, tag text, PRIMARY KEY (item, tag));
    CREATE TABLE log (id bigserial PRIMARY KEY, at timestamptz DEFAULT now(), body jsonb, raw bytea, ref uuid DEFAULT gen_random_uuid());
    INSERT INTO owners VALUES ('a', 'Ann'), ('b', 'Bob'), ('c', 'Cy');
    INSERT INTO items (id, owner, label, price) VALUES (1, 'a', 'one', 10), (2, 'a', 'two', 20), (3, 'b', NULL, NULL);
";

#[test]
fn rows_are_selected_joined_and_ordered_as_postgres_orders_them() {
    let (mut bench, a) = Bench::new(SCHEMA);
    assert_eq!(bench.rows(a, "SELECT id, label FROM items ORDER BY label, id"), "1|one\n2|two\n3|-");
    assert_eq!(bench.rows(a, "SELECT id, label FROM items ORDER BY label DESC"), "3|-\n2|two\n1|one");
    assert_eq!(
        bench.rows(
            a,
            "SELECT o.name, count(i.id) AS n, sum(i.price) FROM owners o LEFT JOIN items i ON i.owner = o.id
             GROUP BY o.id, o.name ORDER BY n DESC, o.name"
        ),
        "Ann|2|30\nBob|1|-\nCy|0|-"
    );
    assert_eq!(bench.rows(a, "SELECT id FROM items WHERE (price, id) > (10, 0) ORDER BY id LIMIT 1"), "1");
    assert_eq!(bench.rows(a, "SELECT id FROM items WHERE id > 1 ORDER BY id OFFSET 1"), "3");
    assert_eq!(bench.rows(a, "SELECT DISTINCT owner FROM items ORDER BY 1"), "a\nb");
    assert_eq!(bench.rows(a, "SELECT name FROM owners WHERE id IN (SELECT owner FROM items WHERE price > 5)"), "Ann");
    assert_eq!(
        bench.rows(a, "SELECT (SELECT max(price) FROM items i WHERE i.owner = o.id) FROM owners o ORDER BY o.id"),
        "20\n-\n-"
    );
    assert_eq!(bench.rows(a, "SELECT 1 AS x UNION ALL SELECT 2 ORDER BY x DESC"), "2\n1");
    assert_eq!(bench.rows(a, "SELECT * FROM (VALUES (1, 'x'), (2, NULL)) AS v (n, t) ORDER BY n"), "1|x\n2|-");
    assert_eq!(bench.refused(a, "SELECT (SELECT id FROM items)").state, "21000");
}

#[test]
fn recursive_queries_walk_trees() {
    let (mut bench, a) = Bench::new(
        "CREATE TABLE nodes (id int PRIMARY KEY, parent int, name text NOT NULL);
         INSERT INTO nodes VALUES (1, NULL, ''), (2, 1, 'etc'), (3, 2, 'passwd'), (4, 1, 'tmp');",
    );
    let sql = "WITH RECURSIVE walk AS (
            SELECT id, name AS path FROM nodes WHERE parent IS NULL
            UNION ALL
            SELECT n.id, w.path || '/' || n.name FROM walk w JOIN nodes n ON n.parent = w.id
        ) SELECT path, id FROM walk ORDER BY path";
    assert_eq!(bench.rows(a, sql), "|1\n/etc|2\n/etc/passwd|3\n/tmp|4");
}

#[test]
fn writes_return_their_rows_and_counts() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let answer = bench.done(a, "INSERT INTO items (id, price) VALUES (7, 1), (8, 2) RETURNING id, live, seen");
    assert_eq!((told(&answer).as_str(), answer.tag.as_str()), ("7|true|@8000000\n8|true|@8000000", "INSERT 0 2"));
    assert_eq!(bench.rows(a, "UPDATE items SET price = price + 1 WHERE id = 7 RETURNING price, id AS it"), "2|7");
    assert_eq!(bench.done(a, "DELETE FROM items WHERE id >= 7").tag, "DELETE 2");
    assert_eq!(bench.done(a, "UPDATE items SET owner = NULL WHERE owner IS DISTINCT FROM 'a'").tag, "UPDATE 1");
    let upsert = "INSERT INTO owners AS o (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE
        SET name = excluded.name || '+' WHERE o.name <> 'Bob' RETURNING name";
    let names = |bench: &mut Bench, id| {
        let answer = bench.answer(a, upsert, vec![text(id), text("new")]).expect("an upsert works");
        (told(&answer), answer.tag)
    };
    assert_eq!(names(&mut bench, "a"), ("new+".to_owned(), "INSERT 0 1".to_owned()));
    assert_eq!(names(&mut bench, "b"), (String::new(), "INSERT 0 0".to_owned()));
    assert_eq!(bench.done(a, "INSERT INTO owners VALUES ('a', 'x') ON CONFLICT DO NOTHING").tag, "INSERT 0 0");
    assert_eq!(
        bench
            .refused(
                a,
                "INSERT INTO owners VALUES ('a', 'x'), ('a', 'y') ON CONFLICT (id) DO UPDATE SET name = excluded.name"
            )
            .state,
        "21000"
    );
    assert_eq!(
        bench.rows(a, "INSERT INTO log (body) SELECT '{\"b\":1,\"a\":[]}' RETURNING id, body, body ->> 'b'"),
        "1|{\"a\": [], \"b\": 1}|1"
    );
    assert_eq!(bench.rows(a, "INSERT INTO log DEFAULT VALUES RETURNING id, body"), "2|-");
}

#[test]
fn what_violates_a_constraint_is_refused_with_its_name() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let refusal = bench.refused(a, "INSERT INTO owners VALUES ('a', 'x')");
    assert_eq!(refusal.state, "23505");
    assert_eq!(refusal.constraint, Some(("owners_pkey".to_owned(), "owners".to_owned())));
    assert_eq!(refusal.detail.as_deref(), Some("Key (id)=(a) already exists."));
    assert_eq!(refusal.message, "duplicate key value violates unique constraint \"owners_pkey\"");
    let named = |bench: &mut Bench, sql: &str| {
        let refusal = bench.refused(a, sql);
        (
            refusal.state,
            refusal.constraint.map(|(name, _)| name).unwrap_or_default(),
            refusal.detail.unwrap_or_default(),
        )
    };
    let expect = |state, name: &str, detail: &str| (state, name.to_owned(), detail.to_owned());
    assert_eq!(
        named(&mut bench, "UPDATE owners SET name = 'Bob' WHERE id = 'a'"),
        expect("23505", "owners_name_key", "Key (name)=(Bob) already exists.")
    );
    assert_eq!(
        named(&mut bench, "UPDATE items SET label = 'two' WHERE id = 1"),
        expect("23505", "items_label", "Key (label)=(two) already exists.")
    );
    assert_eq!(bench.done(a, "UPDATE items SET label = 'two', live = false WHERE id = 1").tag, "UPDATE 1");
    assert_eq!(
        named(&mut bench, "UPDATE items SET live = true WHERE id = 1"),
        expect("23505", "items_label", "Key (label)=(two) already exists.")
    );
    assert_eq!(
        named(&mut bench, "INSERT INTO items (id, owner) VALUES (9, 'z')"),
        expect("23503", "items_owner_fkey", "Key (owner)=(z) is not present in table \"owners\".")
    );
    assert_eq!(named(&mut bench, "INSERT INTO owners VALUES ('a', 'Bob')").1, "owners_pkey");
    assert_eq!(named(&mut bench, "UPDATE owners SET id = 'b', name = 'Cy' WHERE id = 'a'").1, "owners_pkey");
    bench.done(a, "INSERT INTO tags VALUES (2, 'red')");
    assert_eq!(
        named(&mut bench, "DELETE FROM items WHERE id = 2"),
        expect("23503", "tags_item_fkey", "Key (id)=(2) is still referenced from table \"tags\".")
    );
    // The row that goes takes others with it, and one of those is held.
    assert_eq!(named(&mut bench, "DELETE FROM owners WHERE id = 'a'").0, "23503");
    assert_eq!(bench.rows(a, "SELECT count(*) FROM items"), "3");
    bench.done(a, "DELETE FROM tags");
    bench.commits();
    assert_eq!(bench.done(a, "DELETE FROM owners WHERE id = 'a'").tag, "DELETE 1");
    assert_eq!(bench.commits(), ["delete owners:a", "delete items:1", "delete items:2"]);
    assert_eq!(named(&mut bench, "UPDATE items SET price = -1"), expect("23514", "items_price_check", ""));
    assert_eq!(bench.refused(a, "UPDATE items SET live = NULL").state, "23502");
    assert_eq!(bench.refused(a, "UPDATE items SET label = 'much too long'").state, "22001");
}

#[test]
fn mistakes_have_the_states_that_postgres_gives_them() {
    let (mut bench, a) = Bench::new(SCHEMA);
    for (sql, state) in [
        ("SELECT * FROM nowhere", "42P01"),
        ("SELECT nothing FROM items", "42703"),
        ("SELECT x.id FROM items", "42P01"),
        ("SELEC 1", "42601"),
        ("SELECT id FROM items i, tags t, owners", "42702"),
        ("SELECT 1 WHERE 1", "42804"),
        ("SELECT 1 = 'x'::text", "42883"),
        ("SELECT 'x'::integer", "22P02"),
        ("SELECT id FROM items WHERE id = 'x'", "22P02"),
        ("SELECT 'x'::uuid", "22P02"),
        ("SELECT 'soon'::timestamptz", "22007"),
        ("SELECT 1 / 0", "22012"),
        ("SELECT 2147483647 + 1", "22003"),
        ("SELECT 9223372036854775807 * 2", "22003"),
        ("INSERT INTO items (id, price) VALUES (9, 3000000000)", "22003"),
        ("INSERT INTO items (id, price) VALUES (9, 'x'::text)", "42804"),
        ("INSERT INTO items (id, id) VALUES (9, 9)", "42701"),
        ("INSERT INTO items (id) VALUES (9, 9)", "42601"),
        ("SELECT owner, count(*) FROM items", "42803"),
        ("SELECT id FROM items WHERE count(*) > 1", "42803"),
        ("SELECT nofunction(1)", "42883"),
        ("SELECT pg_sleep(1)", "0A000"),
        ("SELECT DISTINCT ON (owner) id FROM items", "0A000"),
        ("SELECT * FROM items, LATERAL (SELECT 1) x", "0A000"),
        ("BEGIN ISOLATION LEVEL SERIALIZABLE", "0A000"),
        ("LISTEN x", "0A000"),
        ("COPY items FROM stdin", "0A000"),
        ("DECLARE c CURSOR FOR SELECT 1", "0A000"),
        ("CREATE TABLE keyless (a int)", "0A000"),
        ("CREATE TABLE items (a int PRIMARY KEY)", "42P07"),
        ("INSERT INTO items (id) VALUES (1) ON CONFLICT (price) DO NOTHING", "42P10"),
        ("SELECT $1 IS NULL", "42P18"),
        ("SELECT $2::text", "42P18"),
        ("SAVEPOINT s", "25P01"),
        ("SET nothing = 1", "42704"),
    ] {
        assert_eq!(bench.refused(a, sql).state, state, "{sql}");
    }
    assert_eq!(bench.rows(a, "SELECT count(*) FROM items"), "3");
}

#[test]
fn parameters_take_the_type_of_what_they_meet() {
    use Type::{Bool, Float8, Int4, Int8, Interval, Jsonb, Text, Timestamptz, Uuid};
    let (mut bench, _) = Bench::new(SCHEMA);
    for (sql, expected) in [
        ("SELECT $1", vec![Text]),
        ("SELECT * FROM items WHERE id = $1 AND seen < $2 AND live = $3", vec![Int8, Timestamptz, Bool]),
        ("SELECT * FROM log WHERE ref = ANY($1)", vec![Type::UuidArray]),
        ("SELECT * FROM log WHERE ref = ANY($1::uuid[])", vec![Type::UuidArray]),
        ("UPDATE items SET price = price + $2, label = $3 WHERE id = $1", vec![Int8, Int4, Type::Varchar]),
        ("INSERT INTO log (body, ref, at) VALUES ($1, $2, now() - $3)", vec![Jsonb, Uuid, Timestamptz]),
        ("INSERT INTO log (at) VALUES (now() - $1::interval)", vec![Interval]),
        ("SELECT now() + make_interval(secs => $1)", vec![Float8]),
        ("SELECT id FROM items LIMIT $1 OFFSET $2", vec![Int8, Int8]),
        ("SELECT coalesce($1, price) FROM items WHERE ($2 IS NULL OR owner = $2)", vec![Int4, Text]),
        ("SELECT $1::text, $2::bigint", vec![Text, Int8]),
        ("SELECT id FROM items WHERE id IN ($1, $2)", vec![Int8, Int8]),
        ("SELECT pg_advisory_xact_lock(hashtext($1))", vec![Text]),
    ] {
        if sql.starts_with("INSERT INTO log (body, ref, at)") {
            // A moment less something unknown is a span between moments, which is no moment.
            assert_eq!(bench.database.prepare(sql, &[]).expect_err("no moment").state, "42804");
            continue;
        }
        assert_eq!(kinds(&mut bench, sql), expected, "{sql}");
    }
}

#[test]
fn expressions_mean_what_they_mean_in_postgres() {
    let (mut bench, a) = Bench::new("");
    for (sql, expected) in [
        ("SELECT 7 / 2, -7 / 2, 7 % 3, 7.0::float8 / 2", "3|-3|1|3.5"),
        ("SELECT 'a' || 1, 'A' LIKE 'a', 'A' ILIKE 'a%', 'a_b' LIKE 'a\\_b'", "a1|false|true|true"),
        ("SELECT greatest(1, NULL, 3), least('b', 'a'), nullif(1, 1), coalesce(NULL, 'x')", "3|a|-|x"),
        ("SELECT now() - interval '1 day 2 hours' < now(), interval '1 day' = interval '24 hours'", "true|true"),
        (
            "SELECT extract(epoch from interval '1 minute')::bigint, '2024-02-29T12:00:00Z'::timestamptz::text",
            "60|2024-02-29 12:00:00+00",
        ),
        (
            "SELECT ('2024-03-31 00:00+00'::timestamptz - interval '1 month')::text, (interval '90 minutes')::text",
            "2024-02-29 00:00:00+00|01:30:00",
        ),
        ("SELECT 2 = ANY(ARRAY[1, 2]), 'x' <> ALL('{a,b}'), NULL = ANY('{a}'::text[])", "true|true|-"),
        ("SELECT CASE WHEN true THEN 1 ELSE 2.5::float8 END, CASE 1 WHEN 1 THEN 'one' END", "1.0|one"),
        ("SELECT true AND NULL, NOT false, NULL IS DISTINCT FROM 1, 'f'::bool", "-|true|true|false"),
        ("SELECT 2.5::int, 3.5::int, '12'::bigint, 1.5::float8::text, true::text", "3|4|12|1.5|true"),
        ("SELECT '{\"a\":{\"b\":[1,2]}}'::jsonb -> 'a' -> 'b' ->> 1", "2"),
        (
            "SELECT array_agg(x ORDER BY x DESC), string_agg(x::text, ',') FROM generate_series(1, 3) AS x",
            "[3,2,1]|1,2,3",
        ),
        ("SELECT u, v FROM unnest('{a,b}'::text[], '{1}'::int[]) AS t (u, v)", "a|1\nb|-"),
        (
            "SELECT hashtext('hello'), hashtext(''), hashtext('a longer text than twelve')",
            "-1870292951|-1477818771|2136312880",
        ),
        ("SELECT substr('hello', 2, 3), left('hello', -1), split_part('a/b/c', '/', -1), upper('x')", "ell|hell|c|X"),
        (
            "SELECT count(*) FILTER (WHERE x > 1), EXISTS (SELECT FROM generate_series(1, 0)) FROM generate_series(1, 3) x",
            "2|false",
        ),
        ("SELECT row_number() OVER (PARTITION BY x % 2 ORDER BY x) FROM generate_series(1, 3) x ORDER BY x", "1\n1\n2"),
    ] {
        assert_eq!(bench.rows(a, sql), expected, "{sql}");
    }
}

#[test]
fn identifiers_are_drawn_from_the_seed() {
    let draw = |seed| {
        let (mut bench, a) = Bench::new("");
        bench.database.seed(seed);
        bench.rows(a, "SELECT gen_random_uuid(), gen_random_uuid()")
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn tables_can_be_changed_with_their_rows_in_them() {
    let (mut bench, a) = Bench::new(SCHEMA);
    bench.done(a, "ALTER TABLE items ADD COLUMN stock integer NOT NULL DEFAULT 5");
    assert_eq!(bench.rows(a, "SELECT stock FROM items WHERE id = 1"), "5");
    assert_eq!(bench.refused(a, "ALTER TABLE items ADD COLUMN must integer NOT NULL").state, "23502");
    assert_eq!(bench.rows(a, "SELECT count(*) FROM items"), "3");
    bench.done(a, "ALTER TABLE items ADD CONSTRAINT few CHECK (stock < 10)");
    assert_eq!(bench.refused(a, "UPDATE items SET stock = 10").state, "23514");
    assert_eq!(bench.refused(a, "TRUNCATE owners").state, "0A000");
    bench.done(a, "TRUNCATE owners CASCADE");
    assert_eq!(bench.rows(a, "SELECT count(*) FROM items"), "0");
    assert_eq!(bench.refused(a, "DROP TABLE owners").state, "2BP01");
    bench.done(a, "DROP TABLE tags, items, owners");
    assert_eq!(bench.refused(a, "SELECT 1 FROM items").state, "42P01");
}

#[test]
fn a_statement_is_looked_at_again_after_tables_have_changed() {
    let (mut bench, a) = Bench::new(SCHEMA);
    let statement = bench.database.prepare("SELECT name FROM owners WHERE id = $1", &[]).expect("it is right");
    bench.done(a, "ALTER TABLE owners ADD COLUMN age integer");
    let found = bench.database.execute(a, &statement, vec![text("a")], 0);
    let super::Progress::Done(Ok(answer)) = found else { panic!("{found:?}") };
    assert_eq!(answer.rows, [[Value::Text("Ann".into())]]);
    bench.done(a, "DROP TABLE tags, items, owners");
    let found = bench.database.execute(a, &statement, vec![text("a")], 0);
    assert!(matches!(found, super::Progress::Done(Err(refusal)) if refusal.state == "42P01"));
}

#[test]
fn positions_in_the_log_are_told_as_the_real_server_tells_them() {
    let (mut bench, a) = Bench::new("CREATE TABLE t (id bigint PRIMARY KEY)");
    let lsn = "SELECT pg_current_wal_lsn()";
    assert_eq!(bench.rows(a, lsn), "0/01000000");
    // The rows that a statement finds are those of the position that it tells.
    let snapshot = "SELECT p.lsn, t.id FROM (SELECT pg_current_wal_lsn() AS lsn) p LEFT JOIN t ON true ORDER BY t.id";
    assert_eq!(bench.rows(a, snapshot), "0/01000000|-");
    bench.done(a, "INSERT INTO t VALUES (1), (2)");
    assert_eq!(bench.rows(a, snapshot), "0/010000B0|1\n0/010000B0|2");
    let b = bench.database.connect();
    bench.done(b, "BEGIN");
    bench.done(b, "DELETE FROM t");
    assert_eq!(bench.rows(a, lsn), "0/010000B0", "nothing more is committed");
    bench.done(b, "ROLLBACK");
    bench.done(a, "DELETE FROM t WHERE id = 7");
    assert_eq!(bench.rows(a, lsn), "0/010000B0", "a transaction that changes nothing has no position");
    assert_eq!(bench.rows(a, "SELECT pg_wal_lsn_diff('1/00000001', '0/FF')::bigint"), "4294967042");
    assert_eq!(bench.rows(a, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"), "16777392");
    assert_eq!(bench.database.lsn(), 16_777_392);
    for wrong in ["", "0", "/", "0/x", "0/123456789", "+1/0"] {
        assert_eq!(bench.refused(a, &format!("SELECT pg_wal_lsn_diff('{wrong}', '0/0')")).state, "22P02", "{wrong}");
    }
}

#[test]
fn what_is_kept_for_slots_begins_and_ends_when_it_is_told_to() {
    let (mut bench, a) = Bench::new("CREATE TABLE t (id bigint PRIMARY KEY, body jsonb)");
    bench.done(a, "INSERT INTO t VALUES (1, NULL)");
    assert_eq!(bench.database.take_decoded(), []);
    bench.database.keep_decoded(true);
    bench.done(a, "UPDATE t SET id = 2, body = '{\"a\": [1, null]}'");
    bench.database.keep_decoded(true);
    let decoded = bench.database.take_decoded();
    let told = serde_json::to_string(&decoded).expect("it can be told");
    assert_eq!(
        told,
        "[{\"lsn\":16777440,\"xid\":2,\"changes\":[{\"table\":\"t\",\"op\":\"update\",\"key\":[\"id\"],\
         \"old\":{\"body\":null,\"id\":1},\"new\":{\"body\":{\"a\":[1,null]},\"id\":2}}]}]"
    );
    bench.done(a, "DELETE FROM t");
    bench.database.keep_decoded(false);
    assert_eq!(bench.database.take_decoded(), []);
}
