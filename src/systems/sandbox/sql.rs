//! The tables of the service, and every statement it sends to Postgres.

use crate::servers::postgres::Value;

/// The tables. `sandbox_epochs` outlives the sandboxes it counts, so that no epoch is ever given twice; `blobs` outlive
/// the files whose content they are.
pub const SCHEMA: &[&str] = &[
    "CREATE TABLE sandbox_epochs (
        id text PRIMARY KEY,
        epoch bigint NOT NULL)",
    "CREATE TABLE sandboxes (
        id text PRIMARY KEY,
        owner text NOT NULL,
        root_inode bigint NOT NULL,
        epoch bigint NOT NULL,
        version bigint NOT NULL)",
    "CREATE TABLE blobs (
        sha256 text PRIMARY KEY,
        content text NOT NULL)",
    "CREATE TABLE inodes (
        ino bigserial PRIMARY KEY,
        sandbox_id text NOT NULL REFERENCES sandboxes (id) ON DELETE CASCADE,
        kind text NOT NULL CHECK (kind IN ('file', 'directory')),
        sha256 text)",
    "CREATE TABLE dirents (
        sandbox_id text NOT NULL REFERENCES sandboxes (id) ON DELETE CASCADE,
        parent bigint NOT NULL,
        name text NOT NULL,
        ino bigint NOT NULL REFERENCES inodes (ino) ON DELETE CASCADE,
        PRIMARY KEY (sandbox_id, parent, name))",
    "CREATE INDEX inodes_sandbox ON inodes (sandbox_id)",
    "CREATE INDEX dirents_ino ON dirents (ino)",
    "CREATE INDEX sandboxes_owner ON sandboxes (owner)",
];

/// Whose sandbox it is, and as of when.
pub(crate) const META: &str = "SELECT owner, epoch, version FROM sandboxes WHERE id = $1";

/// The sandboxes of a tenant.
pub(crate) const INDEX: &str = "SELECT id FROM sandboxes WHERE owner = $1 ORDER BY id";

/// The next epoch of an id.
pub(crate) const NEXT_EPOCH: &str = "INSERT INTO sandbox_epochs (id, epoch) VALUES ($1, 1) \
     ON CONFLICT (id) DO UPDATE SET epoch = sandbox_epochs.epoch + 1 RETURNING epoch";

/// A sandbox, whose root goes by the epoch so that no two of one id have the same.
pub(crate) const CREATE: &str =
    "INSERT INTO sandboxes (id, owner, root_inode, epoch, version) VALUES ($1, $2, $3, $4, 0)";

/// Keeps two destructions of one sandbox apart.
pub(crate) const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtext($1))";

/// The end of a sandbox; its inodes and directory entries go with it.
pub(crate) const DELETE: &str = "DELETE FROM sandboxes WHERE id = $1";

/// The end of one incarnation of a sandbox.
pub(crate) const DELETE_EPOCH: &str = "DELETE FROM sandboxes WHERE id = $1 AND epoch = $2";

/// The whole tree, and as of when. The first row is the root's: no rows, no sandbox.
pub(crate) const LOAD: &str = "WITH RECURSIVE tree (owner, epoch, version, path, ino, kind, sha256) AS (
    SELECT owner, epoch, version, ''::text, root_inode, 'directory'::text, NULL::text FROM sandboxes WHERE id = $1
    UNION ALL
    SELECT tree.owner, tree.epoch, tree.version, tree.path || '/' || dirents.name, inodes.ino, inodes.kind, inodes.sha256
    FROM tree
    JOIN dirents ON dirents.sandbox_id = $1 AND dirents.parent = tree.ino
    JOIN inodes ON inodes.ino = dirents.ino)
SELECT owner, epoch, version, path, ino, kind, sha256 FROM tree ORDER BY path";

/// A write may pass if the sandbox is still as it was when the writer last saw it.
pub(crate) const FENCE: &str =
    "UPDATE sandboxes SET version = version + 1 WHERE id = $1 AND epoch = $2 AND version = $3";

/// A content, kept under its hash.
pub(crate) const KEEP_BLOB: &str =
    "INSERT INTO blobs (sha256, content) VALUES ($1, $2) ON CONFLICT (sha256) DO NOTHING";

/// The content under a hash.
pub(crate) const BLOB: &str = "SELECT content FROM blobs WHERE sha256 = $1";

/// A new file or directory, without a name.
pub(crate) const CREATE_INODE: &str = "INSERT INTO inodes (sandbox_id, kind, sha256) VALUES ($1, $2, $3) RETURNING ino";

/// Its name.
pub(crate) const LINK: &str = "INSERT INTO dirents (sandbox_id, parent, name, ino) VALUES ($1, $2, $3, $4)";

/// Another content for a file.
pub(crate) const UPDATE_INODE: &str = "UPDATE inodes SET sha256 = $3 WHERE ino = $1 AND sandbox_id = $2";

/// The end of a file or directory; its name goes with it.
pub(crate) const DELETE_INODE: &str = "DELETE FROM inodes WHERE ino = $1 AND sandbox_id = $2";

/// Every statement by a name, with parameters such that all of them can be carried out one after another: for holding the
/// simulated server against a real one.
pub fn statements() -> Vec<(&'static str, &'static str, Vec<Value>)> {
    let text = |text: &str| Value::Text(text.into());
    let hash = || text("2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae");
    vec![
        ("next epoch", NEXT_EPOCH, vec![text("sb1")]),
        ("next epoch again", NEXT_EPOCH, vec![text("sb1")]),
        ("create", CREATE, vec![text("sb1"), text("t1"), Value::Int(-2), Value::Int(2)]),
        ("meta", META, vec![text("sb1")]),
        ("index", INDEX, vec![text("t1")]),
        ("fence", FENCE, vec![text("sb1"), Value::Int(2), Value::Int(0)]),
        ("fence out of date", FENCE, vec![text("sb1"), Value::Int(1), Value::Int(7)]),
        ("keep a blob", KEEP_BLOB, vec![hash(), text("foo")]),
        ("keep it again", KEEP_BLOB, vec![hash(), text("foo")]),
        ("blob", BLOB, vec![hash()]),
        ("create a directory", CREATE_INODE, vec![text("sb1"), text("directory"), Value::Null]),
        ("link it", LINK, vec![text("sb1"), Value::Int(-2), text("d"), Value::Int(1)]),
        ("create a file", CREATE_INODE, vec![text("sb1"), text("file"), hash()]),
        ("link that", LINK, vec![text("sb1"), Value::Int(1), text("f2"), Value::Int(2)]),
        ("load", LOAD, vec![text("sb1")]),
        ("update an inode", UPDATE_INODE, vec![Value::Int(2), text("sb1"), hash()]),
        ("delete an inode", DELETE_INODE, vec![Value::Int(2), text("sb1")]),
        ("lock", LOCK, vec![text("sb1")]),
        ("delete an epoch that is over", DELETE_EPOCH, vec![text("sb1"), Value::Int(1)]),
        ("delete", DELETE, vec![text("sb1")]),
        ("delete the epoch of what has gone", DELETE_EPOCH, vec![text("sb1"), Value::Int(2)]),
        ("load what has gone", LOAD, vec![text("sb1")]),
    ]
}
