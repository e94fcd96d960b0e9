//! Every statement of the reconciler, as it is sent.
//!
//! `$1` is the workspace throughout. A guard names what the decision behind the write was made on: `generation` changes
//! with every decision about a workspace and never comes back, whatever `instance_id` does.

use crate::storage::ToSql;

/// What is read of a row, in the order in which `row.rs` takes it.
macro_rules! columns {
    () => {
        "id, status, runtime, instance_id, parked_id, generation, owed"
    };
}

/// The tables, if they are not there.
pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS workspaces (
    id text PRIMARY KEY,
    status text NOT NULL,
    runtime text NOT NULL,
    instance_id text,
    parked_id text,
    generation text NOT NULL,
    owed text NOT NULL,
    claimed_by text,
    claimed_until timestamptz,
    restarted_at timestamptz,
    attached_at timestamptz,
    checked_at timestamptz,
    last_heartbeat_at timestamptz,
    updated_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS events (
    id text PRIMARY KEY,
    kind text NOT NULL,
    workspace_id text NOT NULL,
    instance_id text,
    at timestamptz NOT NULL
)";

/// A new workspace: `$2` status, `$3` runtime, `$4` generation, `$5` what is owed, `$6` by whom.
pub(crate) const CREATE: &str = concat!(
    "INSERT INTO workspaces (id, status, runtime, generation, owed, claimed_by, claimed_until, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, now() + interval '60 seconds', now())
     ON CONFLICT (id) DO NOTHING
     RETURNING ",
    columns!()
);

/// One workspace.
pub(crate) const READ: &str = concat!("SELECT ", columns!(), " FROM workspaces WHERE id = $1");

/// All workspaces after `$1`, in order.
pub(crate) const LIST: &str = concat!("SELECT ", columns!(), " FROM workspaces WHERE id > $1 ORDER BY id LIMIT 500");

/// The workspaces among `$1`.
pub(crate) const AMONG: &str = concat!("SELECT ", columns!(), " FROM workspaces WHERE id = ANY($1) ORDER BY id");

/// The user pauses it: `$2` generation, `$3` by whom.
pub(crate) const PAUSE: &str = concat!(
    "UPDATE workspaces
     SET status = 'paused', parked_id = COALESCE(instance_id, parked_id), instance_id = NULL, generation = $2,
         owed = 'stop', claimed_by = $3, claimed_until = now() + interval '60 seconds', updated_at = now()
     WHERE id = $1 AND status IN ('provisioning', 'online', 'degraded', 'offline', 'awaiting_agent')
     RETURNING ",
    columns!()
);

/// The user hibernates it: `$2` generation, `$3` by whom.
pub(crate) const HIBERNATE: &str = concat!(
    "UPDATE workspaces
     SET status = 'hibernating', parked_id = COALESCE(instance_id, parked_id), instance_id = NULL, generation = $2,
         owed = 'stop', claimed_by = $3, claimed_until = now() + interval '60 seconds', updated_at = now()
     WHERE id = $1 AND status IN ('online', 'degraded')
     RETURNING ",
    columns!()
);

/// The user resumes it: `$2` generation, `$3` by whom.
pub(crate) const RESUME: &str = concat!(
    "UPDATE workspaces
     SET status = CASE WHEN runtime = 'external' THEN 'awaiting_agent' ELSE 'provisioning' END, generation = $2,
         owed = CASE WHEN runtime = 'external' THEN 'nothing' ELSE 'create' END,
         claimed_by = $3, claimed_until = now() + interval '60 seconds', updated_at = now()
     WHERE id = $1 AND status IN ('paused', 'hibernating', 'hibernated')
     RETURNING ",
    columns!()
);

/// The user removes it: `$2` generation, `$3` by whom.
pub(crate) const REMOVE: &str = concat!(
    "UPDATE workspaces
     SET status = 'removed', generation = $2, owed = 'terminate', claimed_by = $3,
         claimed_until = now() + interval '60 seconds', updated_at = now()
     WHERE id = $1 AND status <> 'removed'
     RETURNING ",
    columns!()
);

/// The user wants it back: `$2` generation, `$3` by whom.
pub(crate) const UNREMOVE: &str = concat!(
    "UPDATE workspaces
     SET status = CASE WHEN runtime = 'external' THEN 'awaiting_agent' ELSE 'provisioning' END, generation = $2,
         owed = CASE WHEN runtime = 'external' THEN 'nothing' ELSE 'create' END,
         claimed_by = $3, claimed_until = now() + interval '60 seconds', updated_at = now()
     WHERE id = $1 AND status = 'removed'
     RETURNING ",
    columns!()
);

/// The user has it restarted: `$2` generation, `$3` what is owed.
pub(crate) const RESTART: &str = concat!(
    "UPDATE workspaces SET status = 'offline', generation = $2, owed = $3, claimed_until = NULL, updated_at = now()
     WHERE id = $1 AND runtime <> 'external' AND status IN ('online', 'degraded', 'offline')
     RETURNING ",
    columns!()
);

/// The user has the row deleted.
pub(crate) const PURGE: &str = concat!("DELETE FROM workspaces WHERE id = $1 RETURNING ", columns!());

/// An agent says that it is alive: `$2` its instance, `$3` how it fares.
pub(crate) const HEARTBEAT: &str = "
UPDATE workspaces
SET last_heartbeat_at = now(), updated_at = now(), status = CASE WHEN owed = 'nothing' THEN $3 ELSE status END
WHERE id = $1 AND (instance_id = $2 OR runtime = 'external')
  AND status IN ('provisioning', 'online', 'degraded', 'offline', 'awaiting_agent')";

/// Agents that have been silent for too long.
pub(crate) const HEALTH: &str = "
UPDATE workspaces
SET status = CASE WHEN runtime = 'external' THEN 'offline' ELSE 'degraded' END, updated_at = now()
WHERE (status = 'online' OR (status = 'degraded' AND runtime = 'external'))
  AND last_heartbeat_at < now() - interval '90 seconds'
RETURNING id, status";

/// What a cycle is to look at, the longest unchecked first; `$1`: degraded ones too, and those that never came up.
pub(crate) const OLDEST_CHECKED: &str = concat!(
    "SELECT ",
    columns!(),
    ", (attached_at IS NOT NULL AND attached_at > now() - interval '30 seconds') AS fresh
     FROM workspaces
     WHERE (status = 'online' OR ($1 AND (status = 'degraded' OR (status = 'provisioning' AND owed = 'nothing'))))
       AND instance_id IS NOT NULL AND runtime <> 'external'
       AND (checked_at IS NULL OR checked_at < now() - interval '30 seconds')
     ORDER BY checked_at NULLS FIRST, id LIMIT 200"
);

/// The same, the latest written first.
pub(crate) const LATEST_UPDATED: &str = concat!(
    "SELECT ",
    columns!(),
    ", (attached_at IS NOT NULL AND attached_at > now() - interval '30 seconds') AS fresh
     FROM workspaces
     WHERE (status = 'online' OR ($1 AND (status = 'degraded' OR (status = 'provisioning' AND owed = 'nothing'))))
       AND instance_id IS NOT NULL AND runtime <> 'external'
     ORDER BY updated_at DESC, id LIMIT 200"
);

/// It has been checked: `$2` the generation that was.
pub(crate) const CHECKED: &str = "UPDATE workspaces SET checked_at = now() WHERE id = $1 AND generation = $2";

/// It is offline, if nothing has changed: `$2` instance, `$3` generation, `$4` the next, `$5` what is owed.
pub(crate) const FLIP: &str = concat!(
    "UPDATE workspaces SET status = 'offline', generation = $4, owed = $5, claimed_until = NULL, updated_at = now()
     WHERE id = $1 AND instance_id = $2 AND generation = $3 AND owed = 'nothing'
       AND status IN ('provisioning', 'online', 'degraded')
     RETURNING ",
    columns!()
);

/// It is offline, unless the user has put it away: `$2` generation, `$3` what is owed.
pub(crate) const FLIP_BY_ID: &str = concat!(
    "UPDATE workspaces SET status = 'offline', generation = $2, owed = $3, claimed_until = NULL, updated_at = now()
     WHERE id = $1 AND status NOT IN ('paused', 'hibernating', 'hibernated', 'removed')
     RETURNING ",
    columns!()
);

/// What happened: `$1` its id, `$2` kind, `$3` workspace, `$4` instance.
pub(crate) const EVENT: &str =
    "INSERT INTO events (id, kind, workspace_id, instance_id, at) VALUES ($1, $2, $3, $4, now())";

/// A restart begins, if it is the one decided on: `$2` generation, `$3` the next, `$4` by whom.
pub(crate) const BEGIN_CLAIMED: &str = concat!(
    "UPDATE workspaces
     SET status = 'provisioning', generation = $3, owed = 'create', claimed_by = $4,
         claimed_until = now() + interval '60 seconds', restarted_at = now(), updated_at = now()
     WHERE id = $1 AND generation = $2 AND status = 'offline' AND owed IN ('restart', 'nothing')
       AND (restarted_at IS NULL OR restarted_at <= now() - interval '60 seconds')
     RETURNING ",
    columns!()
);

/// A restart begins, unless the user has put the workspace away: `$2` the next generation, `$3` by whom.
pub(crate) const BEGIN_BY_STATUS: &str = concat!(
    "UPDATE workspaces
     SET status = 'provisioning', generation = $2, owed = 'create', claimed_by = $3,
         claimed_until = now() + interval '60 seconds', restarted_at = now(), updated_at = now()
     WHERE id = $1 AND status NOT IN ('paused', 'hibernating', 'hibernated', 'removed')
     RETURNING ",
    columns!()
);

/// A restart begins: `$2` the next generation, `$3` by whom.
pub(crate) const BEGIN_BLIND: &str = concat!(
    "UPDATE workspaces
     SET status = 'provisioning', generation = $2, owed = 'create', claimed_by = $3,
         claimed_until = now() + interval '60 seconds', restarted_at = now(), updated_at = now()
     WHERE id = $1
     RETURNING ",
    columns!()
);

/// Work that nobody is at, the longest waiting first.
pub(crate) const OWED: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM workspaces
     WHERE owed <> 'nothing' AND (claimed_until IS NULL OR claimed_until < now())
       AND (owed <> 'restart' OR restarted_at IS NULL OR restarted_at <= now() - interval '60 seconds')
     ORDER BY updated_at, id LIMIT 100"
);

/// Somebody takes over work that nobody is at: `$2` generation, `$3` what is owed, `$4` by whom.
pub(crate) const ADOPT: &str = concat!(
    "UPDATE workspaces SET claimed_by = $4, claimed_until = now() + interval '60 seconds'
     WHERE id = $1 AND generation = $2 AND owed = $3 AND (claimed_until IS NULL OR claimed_until < now())
     RETURNING ",
    columns!()
);

/// Whoever is at work is so for a while longer: `$2` generation, `$3` by whom.
pub(crate) const RENEW: &str = concat!(
    "UPDATE workspaces SET claimed_until = now() + interval '60 seconds'
     WHERE id = $1 AND generation = $2 AND claimed_by = $3 AND owed <> 'nothing'
     RETURNING ",
    columns!()
);

/// It has an instance: `$2` generation, `$3` the instance, `$4` the status that comes of it.
pub(crate) const RECORD: &str = "
UPDATE workspaces
SET status = $4, instance_id = $3, parked_id = NULL, owed = 'nothing', claimed_by = NULL, claimed_until = NULL,
    attached_at = now(), last_heartbeat_at = NULL, updated_at = now()
WHERE id = $1 AND generation = $2 AND status = 'provisioning' AND owed = 'create'";

/// Its instance is shut down: `$2` generation.
pub(crate) const SETTLE: &str = "
UPDATE workspaces
SET status = CASE WHEN status = 'hibernating' THEN 'hibernated' ELSE status END, owed = 'nothing',
    claimed_by = NULL, claimed_until = NULL, updated_at = now()
WHERE id = $1 AND generation = $2 AND owed = 'stop'";

/// A removed one lets go of its instances, if it is the removal that was seen: `$2` generation.
pub(crate) const CLEAR: &str = "
UPDATE workspaces
SET instance_id = NULL, parked_id = NULL, owed = 'nothing', claimed_by = NULL, claimed_until = NULL,
    updated_at = now()
WHERE id = $1 AND generation = $2 AND status = 'removed' AND owed = 'terminate'";

/// It lets go of its instances.
pub(crate) const CLEAR_BY_ID: &str =
    "UPDATE workspaces SET instance_id = NULL, parked_id = NULL, updated_at = now() WHERE id = $1";

/// One parameter of a statement.
pub type Parameter = Box<dyn ToSql + Sync + Send>;

/// Every statement by name, with parameters as they might be: for holding it against a real server.
///
/// The first is the schema, which takes several statements and no parameters.
pub fn statements() -> Vec<(&'static str, &'static str, Vec<Parameter>)> {
    let words = |words: &[&'static str]| words.iter().map(|word| Box::new(*word) as Parameter).collect::<Vec<_>>();
    let flag = || vec![Box::new(true) as Parameter];
    vec![
        ("schema", SCHEMA, Vec::new()),
        ("create", CREATE, words(&["ws1", "provisioning", "cloud", "g1", "create", "server-a"])),
        ("create again", CREATE, words(&["ws1", "provisioning", "cloud", "g2", "create", "server-b"])),
        ("record", RECORD, words(&["ws1", "g1", "i-1", "provisioning"])),
        ("heartbeat", HEARTBEAT, words(&["ws1", "i-1", "online"])),
        ("read", READ, words(&["ws1"])),
        ("list", LIST, words(&["ws0"])),
        ("among", AMONG, vec![Box::new(vec!["ws1", "ws9"])]),
        ("health", HEALTH, Vec::new()),
        ("oldest checked", OLDEST_CHECKED, flag()),
        ("latest updated", LATEST_UPDATED, flag()),
        ("checked", CHECKED, words(&["ws1", "g1"])),
        ("flip", FLIP, words(&["ws1", "i-1", "g1", "g2", "restart"])),
        ("event", EVENT, words(&["e1", "WORKSPACE_OFFLINE", "ws1", "i-1"])),
        ("owed", OWED, Vec::new()),
        ("begin", BEGIN_CLAIMED, words(&["ws1", "g2", "g3", "server-a"])),
        ("renew", RENEW, words(&["ws1", "g3", "server-a"])),
        ("adopt", ADOPT, words(&["ws1", "g3", "create", "server-b"])),
        ("record the next", RECORD, words(&["ws1", "g3", "i-2", "online"])),
        ("restart", RESTART, words(&["ws1", "g4", "restart"])),
        ("flip by id", FLIP_BY_ID, words(&["ws1", "g5", "nothing"])),
        ("begin by status", BEGIN_BY_STATUS, words(&["ws1", "g6", "server-b"])),
        ("begin blindly", BEGIN_BLIND, words(&["ws1", "g7", "server-b"])),
        ("pause", PAUSE, words(&["ws1", "g8", "server-a"])),
        ("settle", SETTLE, words(&["ws1", "g8"])),
        ("resume", RESUME, words(&["ws1", "g9", "server-a"])),
        ("hibernate", HIBERNATE, words(&["ws9", "g10", "server-a"])),
        ("remove", REMOVE, words(&["ws1", "g11", "server-a"])),
        ("clear", CLEAR, words(&["ws1", "g11"])),
        ("unremove", UNREMOVE, words(&["ws1", "g12", "server-a"])),
        ("clear by id", CLEAR_BY_ID, words(&["ws1"])),
        ("purge", PURGE, words(&["ws1"])),
    ]
}
