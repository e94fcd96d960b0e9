//! The windows of the sweeper, by name: each lies between a look at shared state and the act that relies on it.

/// A sweep has seen the first of its two halves, namespaces or rows; it looks at the other next.
pub(crate) const HALF_SEEN: &str = "sweeper.sweep.half_seen";
/// A sweep has read a page of rows; it reads the next one next.
pub(crate) const PAGE_READ: &str = "sweeper.sweep.page_read";
/// A sweep knows what it takes for orphans; it makes sure of that, or deletes the first, next.
pub(crate) const JUDGED: &str = "sweeper.sweep.judged";
/// A sweep is sure of an orphan; it deletes it next.
pub(crate) const CONDEMNED: &str = "sweeper.sweep.condemned";
/// The expirer has seen or claimed a stack; it deletes the namespace next.
pub(crate) const EXPIRED: &str = "sweeper.expire.seen";
/// A namespace is deleted; the row goes next.
pub(crate) const TORN_DOWN: &str = "sweeper.teardown.done";
/// A stack has a row; its namespace is created next.
pub(crate) const INSERTED: &str = "sweeper.create.inserted";
/// A stack that comes from elsewhere has a namespace; its row is written next.
pub(crate) const IMPORTED: &str = "sweeper.import.created";
/// A build has come to an end; the row is told next.
pub(crate) const BUILT: &str = "sweeper.create.built";
/// A request has read its row; it looks at the cluster, or writes, next.
pub(crate) const ROW_READ: &str = "sweeper.request.read";

/// All of them, for checking what a scenario names.
pub(crate) const ALL: &[&str] = &[
    HALF_SEEN,
    PAGE_READ,
    JUDGED,
    CONDEMNED,
    EXPIRED,
    TORN_DOWN,
    INSERTED,
    IMPORTED,
    BUILT,
    ROW_READ,
    "storage.before",
    "storage.after",
];
