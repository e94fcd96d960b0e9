//! The windows of the sandbox service, by name: each lies between a look at shared state and the act that relies on it.

/// A request has its lock; it looks for its session next.
pub(crate) const LOCKED: &str = "sandbox.locked";
/// A replica has seen that a sandbox exists; it makes a session of it next.
pub(crate) const REHYDRATE_SEEN: &str = "sandbox.rehydrate.seen";
/// A new session has its sandbox, created or found; it loads the tree next.
pub(crate) const READY: &str = "sandbox.ready";
/// A new session has its tree; it registers next.
pub(crate) const REGISTER: &str = "sandbox.register";
/// The counter has been read; it is held against what is in memory next.
pub(crate) const COUNTED: &str = "sandbox.counted";
/// A tree has been confirmed; it is read, or written to, next.
pub(crate) const CONFIRMED: &str = "sandbox.confirmed";
/// A session's sandbox has been found gone; the session is taken out next.
pub(crate) const TEARDOWN: &str = "sandbox.teardown";
/// Between two steps of a script.
pub(crate) const STEP: &str = "sandbox.step";
/// A write has passed the fence; it is committed next.
pub(crate) const COMMIT: &str = "sandbox.commit";
/// A write is in Postgres; it is published next.
pub(crate) const PUBLISH: &str = "sandbox.publish";
/// A creation has inserted the row, or found one; it makes the session next.
pub(crate) const CREATED: &str = "sandbox.created";
/// A destruction may begin; the row is deleted next.
pub(crate) const DESTROY: &str = "sandbox.destroy";
/// The row has been deleted; the counter is marked next.
pub(crate) const DESTROYED: &str = "sandbox.destroyed";
/// The drainer is about to publish what was left.
pub(crate) const DRAIN: &str = "sandbox.drain";
/// The reaper has chosen a session; it is taken out next.
pub(crate) const REAP: &str = "sandbox.reap";

/// All of them, for checking what a scenario names.
pub(crate) const ALL: &[&str] = &[
    LOCKED,
    REHYDRATE_SEEN,
    READY,
    REGISTER,
    COUNTED,
    CONFIRMED,
    TEARDOWN,
    STEP,
    COMMIT,
    PUBLISH,
    CREATED,
    DESTROY,
    DESTROYED,
    DRAIN,
    REAP,
    "storage.before",
    "storage.after",
];
