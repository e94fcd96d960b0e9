//! Every statement of the sweeper and of the service beside it, as it is sent.

use crate::storage::ToSql;

/// What is read of a row, in the order in which `row.rs` takes it.
macro_rules! columns {
    () => {
        "id::text, slug, namespace, status"
    };
}

/// The tables, if they are not there.
pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS stacks (
    id uuid PRIMARY KEY,
    slug text UNIQUE NOT NULL,
    namespace text NOT NULL,
    status text NOT NULL,
    tier text NOT NULL,
    expires_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS jobs (
    kind text PRIMARY KEY,
    ran_at timestamptz NOT NULL
)";

/// A new stack: `$1` id, `$2` slug, `$3` namespace, `$4` status, `$5` tier.
pub(crate) const INSERT: &str = concat!(
    "INSERT INTO stacks (id, slug, namespace, status, tier, expires_at, created_at, updated_at)
     VALUES ($1::uuid, $2, $3, $4, $5,
             CASE WHEN $5 = 'anonymous' THEN now() + interval '24 hours' END, now(), now())
     ON CONFLICT (slug) DO NOTHING
     RETURNING ",
    columns!()
);

/// The stack of the slug `$1`.
pub(crate) const READ: &str = concat!("SELECT ", columns!(), " FROM stacks WHERE slug = $1");

/// Stacks after the slug `$1`, in order.
pub(crate) const LIST: &str = concat!("SELECT ", columns!(), " FROM stacks WHERE slug > $1 ORDER BY slug LIMIT 500");

/// A build has come to an end: `$1` id, `$2` status.
pub(crate) const SETTLE: &str =
    "UPDATE stacks SET status = $2, updated_at = now() WHERE id = $1::uuid AND status = 'building'";

/// Another day for the stack `$1`, unless it is being torn down or has all the time in the world.
pub(crate) const EXTEND: &str = "
UPDATE stacks SET expires_at = now() + interval '24 hours', updated_at = now()
WHERE id = $1::uuid AND status <> 'expiring' AND expires_at IS NOT NULL";

/// Somebody takes the stack `$1` for good, unless it is being torn down.
pub(crate) const CLAIM: &str = "
UPDATE stacks SET tier = 'paid', expires_at = NULL, updated_at = now()
WHERE id = $1::uuid AND status <> 'expiring'";

/// The stack `$1` is no more.
pub(crate) const DELETE: &str = "DELETE FROM stacks WHERE id = $1::uuid";

/// The stack `$1` is no more, if its time is over.
pub(crate) const DELETE_EXPIRING: &str = "DELETE FROM stacks WHERE id = $1::uuid AND status = 'expiring'";

/// Those whose time is over.
pub(crate) const EXPIRED: &str =
    concat!("SELECT ", columns!(), " FROM stacks WHERE expires_at < now() ORDER BY expires_at, slug");

/// The same, and from now on nobody can extend them.
pub(crate) const CLAIM_EXPIRED: &str = concat!(
    "UPDATE stacks SET status = 'expiring', updated_at = now()
     WHERE expires_at < now() AND status <> 'expiring'
     RETURNING ",
    columns!()
);

/// Tear-downs that were begun and not finished.
pub(crate) const UNFINISHED: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM stacks WHERE status = 'expiring' AND updated_at < now() - interval '5 minutes'
     ORDER BY updated_at, slug LIMIT 25"
);

/// Builds that nobody is at any more.
pub(crate) const STUCK: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM stacks WHERE status = 'building' AND created_at < now() - interval '30 minutes'
     ORDER BY created_at, slug LIMIT 25"
);

/// What is live, by id, slug and namespace: all at once.
pub(crate) const LIVE_IDS: &str = "SELECT id::text FROM stacks";
/// As above.
pub(crate) const LIVE_SLUGS: &str = "SELECT slug FROM stacks";
/// As above.
pub(crate) const LIVE_NAMESPACES: &str = "SELECT namespace FROM stacks";

/// The same a page at a time: after the slug `$1`, `$2` of them, with the slug beside it.
pub(crate) const PAGE_IDS: &str = "SELECT id::text, slug FROM stacks WHERE slug > $1 ORDER BY slug LIMIT $2";
/// As above.
pub(crate) const PAGE_SLUGS: &str = "SELECT slug, slug AS cursor FROM stacks WHERE slug > $1 ORDER BY slug LIMIT $2";
/// As above.
pub(crate) const PAGE_NAMESPACES: &str = "SELECT namespace, slug FROM stacks WHERE slug > $1 ORDER BY slug LIMIT $2";

/// What is live among `$1`.
pub(crate) const AMONG_IDS: &str = "SELECT id::text FROM stacks WHERE id::text = ANY($1)";
/// As above.
pub(crate) const AMONG_SLUGS: &str = "SELECT slug FROM stacks WHERE slug = ANY($1)";
/// As above.
pub(crate) const AMONG_NAMESPACES: &str = "SELECT namespace FROM stacks WHERE namespace = ANY($1)";

/// One of all workers gets to do the job `$1`, which is due every quarter of an hour.
pub(crate) const TAKE_QUARTERLY: &str = "
INSERT INTO jobs (kind, ran_at) VALUES ($1, now())
ON CONFLICT (kind) DO UPDATE SET ran_at = now() WHERE jobs.ran_at < now() - interval '14 minutes'
RETURNING kind";

/// The same every hour.
pub(crate) const TAKE_HOURLY: &str = "
INSERT INTO jobs (kind, ran_at) VALUES ($1, now())
ON CONFLICT (kind) DO UPDATE SET ran_at = now() WHERE jobs.ran_at < now() - interval '59 minutes'
RETURNING kind";

/// One parameter of a statement.
pub type Parameter = Box<dyn ToSql + Sync + Send>;

/// Every statement by name, with parameters as they might be: for holding it against a real server.
///
/// The first is the schema, which takes several statements and no parameters.
pub fn statements() -> Vec<(&'static str, &'static str, Vec<Parameter>)> {
    const ONE: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
    const TWO: &str = "7f9619ff-8b86-4d01-b42d-00cf4fc964ff";
    let words = |words: &[&'static str]| words.iter().map(|word| Box::new(*word) as Parameter).collect::<Vec<_>>();
    let list = |words: &[&str]| -> Vec<Parameter> {
        vec![Box::new(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())]
    };
    let page = || -> Vec<Parameter> { vec![Box::new(""), Box::new(2_i64)] };
    vec![
        ("schema", SCHEMA, Vec::new()),
        ("insert", INSERT, words(&[ONE, "stk-1", "instant-stack-stk-1", "building", "anonymous"])),
        ("insert again", INSERT, words(&[TWO, "stk-1", "instant-stack-stk-1", "building", "paid"])),
        ("insert another", INSERT, words(&[TWO, "stk-2", "instant-stack-old-2", "healthy", "paid"])),
        ("settle", SETTLE, words(&[ONE, "healthy"])),
        ("settle again", SETTLE, words(&[ONE, "failed"])),
        ("live ids", LIVE_IDS, Vec::new()),
        ("live slugs", LIVE_SLUGS, Vec::new()),
        ("live namespaces", LIVE_NAMESPACES, Vec::new()),
        ("page of ids", PAGE_IDS, page()),
        ("page of slugs", PAGE_SLUGS, page()),
        ("page of namespaces", PAGE_NAMESPACES, page()),
        ("among ids", AMONG_IDS, list(&[ONE, "no-id"])),
        ("among slugs", AMONG_SLUGS, list(&["stk-1", "stk-9"])),
        ("among namespaces", AMONG_NAMESPACES, list(&["instant-stack-old-2"])),
        ("extend what is paid", EXTEND, words(&[TWO])),
        ("expired", EXPIRED, Vec::new()),
        ("claim expired", CLAIM_EXPIRED, Vec::new()),
        ("unfinished", UNFINISHED, Vec::new()),
        ("stuck", STUCK, Vec::new()),
        ("delete expiring", DELETE_EXPIRING, words(&[ONE])),
        ("delete", DELETE, words(&[ONE])),
        ("claim", CLAIM, words(&[TWO])),
        ("read", READ, words(&["stk-9"])),
        ("list", LIST, words(&["stk-9"])),
        ("take quarterly", TAKE_QUARTERLY, words(&["sweep"])),
        ("take quarterly again", TAKE_QUARTERLY, words(&["sweep"])),
        ("take hourly", TAKE_HOURLY, words(&["expire"])),
    ]
}
