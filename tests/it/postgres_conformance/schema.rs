//! Tables as services have them, and how they are emptied.

/// The tables: keys of text, UUIDs, whole numbers and several columns, plain and partial indexes, references of every
/// kind, checks and defaults.
pub(crate) const TABLES: &[&str] = &[
    "CREATE TABLE workspaces (
        id text PRIMARY KEY,
        status text NOT NULL DEFAULT 'provisioning'
            CHECK (status IN ('provisioning', 'online', 'degraded', 'offline', 'paused', 'removed')),
        instance_id text,
        generation bigint NOT NULL DEFAULT 0,
        attributes jsonb,
        last_heartbeat_at timestamptz,
        updated_at timestamptz NOT NULL DEFAULT now(),
        parent text REFERENCES workspaces (id) ON DELETE SET NULL,
        CONSTRAINT generation_counts CHECK (generation >= 0)
    )",
    "CREATE UNIQUE INDEX workspaces_instance ON workspaces (instance_id) WHERE instance_id IS NOT NULL",
    "CREATE INDEX workspaces_updated ON workspaces (updated_at DESC, id)",
    "CREATE TABLE events (
        id bigserial PRIMARY KEY,
        workspace text NOT NULL REFERENCES workspaces,
        kind varchar(16) NOT NULL,
        body jsonb NOT NULL DEFAULT '{}',
        at timestamptz NOT NULL DEFAULT now()
    )",
    "CREATE TABLE sandboxes (
        id uuid PRIMARY KEY,
        tenant text NOT NULL,
        name text,
        epoch bigint NOT NULL DEFAULT 1,
        version integer NOT NULL DEFAULT 0,
        warm boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (tenant, name)
    )",
    "CREATE TABLE blobs (
        sha text PRIMARY KEY,
        body bytea NOT NULL,
        weight smallint,
        ratio double precision
    )",
    "CREATE TABLE inodes (
        sandbox_id uuid NOT NULL REFERENCES sandboxes (id) ON DELETE CASCADE,
        ino bigint NOT NULL,
        parent bigint,
        name text NOT NULL,
        blob text REFERENCES blobs (sha) ON DELETE RESTRICT,
        PRIMARY KEY (sandbox_id, ino),
        CONSTRAINT inodes_path UNIQUE (sandbox_id, parent, name)
    )",
];

/// What empties the tables, and begins the numbers of events at 1 again.
pub(crate) const EMPTY: &str = "TRUNCATE events RESTART IDENTITY; DELETE FROM inodes; DELETE FROM blobs; \
     DELETE FROM sandboxes; DELETE FROM workspaces";

/// A few rows to begin with.
pub(crate) const ROWS: &str =
    "INSERT INTO workspaces (id, status, instance_id, generation, last_heartbeat_at, updated_at) VALUES
         ('ws1', 'online', 'i-1', 1, '2020-01-01 00:00:00+00', '2020-02-01 00:00:00+00'),
         ('ws2', 'degraded', 'i-2', 2, NULL, '2020-02-01 00:00:00+00'),
         ('ws3', 'paused', NULL, 3, '2020-03-01 10:00:00.000001+00', '2020-01-05 00:00:00+00');
     INSERT INTO events (workspace, kind) VALUES ('ws3', 'created');
     INSERT INTO sandboxes (id, tenant, name) VALUES
         ('00000000-0000-0000-0000-000000000001', 't1', 'one'),
         ('00000000-0000-0000-0000-000000000002', 't1', NULL);
     INSERT INTO blobs (sha, body, weight, ratio) VALUES ('h1', '\\x00ff', 1, 0.5);
     INSERT INTO inodes (sandbox_id, ino, parent, name, blob) VALUES
         ('00000000-0000-0000-0000-000000000001', 1, NULL, '', NULL),
         ('00000000-0000-0000-0000-000000000001', 2, 1, 'etc', NULL),
         ('00000000-0000-0000-0000-000000000001', 3, 2, 'motd', 'h1')";

/// All that the tables hold. A statement that has waited may have drawn numbers anew: events go by what they say.
pub(crate) const EVERYTHING: &str = "SELECT * FROM workspaces ORDER BY id; SELECT * FROM events ORDER BY workspace, kind, body::text; \
     SELECT * FROM sandboxes ORDER BY id; SELECT * FROM blobs ORDER BY sha; SELECT * FROM inodes ORDER BY sandbox_id, ino";
