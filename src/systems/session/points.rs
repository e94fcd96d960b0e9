//! The windows of the session manager, by name: each lies between a look at shared state and the act that relies on it.

/// Creation has seen its placeholder; it opens connections next.
pub(crate) const CREATE_CHECKED: &str = "session.create.checked";
/// Creation has seen its placeholder once more; it writes the full record next.
pub(crate) const CREATE_RECHECKED: &str = "session.create.rechecked";
/// Creation has written the full record; it fills the cache next.
pub(crate) const CREATE_WRITTEN: &str = "session.create.written";
/// A Get has held a cached object against its record; it serves, adopts or evicts next.
pub(crate) const GET_CHECKED: &str = "session.get.checked";
/// A restore has loaded the record; it opens connections next.
pub(crate) const RESTORE_LOADED: &str = "session.restore.loaded";
/// A restore has its connections; it writes back, if it does, and fills the cache next.
pub(crate) const RESTORE_CONNECTED: &str = "session.restore.connected";
/// A restore has found another object cached; it looks for that one again next.
pub(crate) const RESTORE_PRESENT: &str = "session.restore.present";
/// A decoration has its decorated object; it writes next.
pub(crate) const DECORATE_SWAPPED: &str = "session.decorate.swapped";
/// A decoration has written; it fills the cache next.
pub(crate) const DECORATE_WRITTEN: &str = "session.decorate.written";
/// A termination has looked at the cache; in the form with sentinels it places its own there next.
pub(crate) const TERMINATE_PEEKED: &str = "session.terminate.peeked";
/// A termination has looked at cache and record; it writes next.
pub(crate) const TERMINATE_LOADED: &str = "session.terminate.loaded";
/// A termination has written; it turns to the cache next.
pub(crate) const TERMINATE_WRITTEN: &str = "session.terminate.written";
/// A notification has the metadata it will change; it checks or writes next.
pub(crate) const NOTIFY_LOADED: &str = "session.notify.loaded";
/// A notification has made sure that the record exists; it writes next.
pub(crate) const NOTIFY_CHECKED: &str = "session.notify.checked";
/// A notification has written; it turns to the cache next.
pub(crate) const NOTIFY_WRITTEN: &str = "session.notify.written";
/// A tool call has its session; it is sent to the backend next.
pub(crate) const CALL_ADMITTED: &str = "session.call.admitted";
/// A sweep has seen that a cached session's record has gone; it evicts next.
pub(crate) const SWEEP_CHECKED: &str = "session.sweep.checked";

/// All of them, for checking what a scenario names.
pub(crate) const ALL: &[&str] = &[
    CREATE_CHECKED,
    CREATE_RECHECKED,
    CREATE_WRITTEN,
    GET_CHECKED,
    RESTORE_LOADED,
    RESTORE_CONNECTED,
    RESTORE_PRESENT,
    DECORATE_SWAPPED,
    DECORATE_WRITTEN,
    TERMINATE_PEEKED,
    TERMINATE_LOADED,
    TERMINATE_WRITTEN,
    NOTIFY_LOADED,
    NOTIFY_CHECKED,
    NOTIFY_WRITTEN,
    CALL_ADMITTED,
    SWEEP_CHECKED,
    "storage.before",
    "storage.after",
];
