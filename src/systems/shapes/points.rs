//! The windows of the shape service, by name: each lies between a look at shared state and the act that relies on it.

/// A part of the stack is to be told to stop; it hears of it next. The subject is the part.
pub(crate) const SIGNAL: &str = "shapes.signal";
/// A consumer has written a transaction to its log; it tells its materializer next.
pub(crate) const APPENDED: &str = "shapes.consumer.appended";
/// Its materializer knows; it tells the log collector next.
pub(crate) const NOTIFIED: &str = "shapes.consumer.notified";
/// A consumer has found the materializer of a shape that it depends on; it watches that next.
pub(crate) const FOUND: &str = "shapes.consumer.found";
/// A consumer has subscribed to what it depends on; it takes its snapshot, or begins, next.
pub(crate) const SUBSCRIBED: &str = "shapes.consumer.subscribed";
/// A consumer has what the database selects; it writes that down next.
pub(crate) const SELECTED: &str = "shapes.consumer.selected";
/// A consumer ends; it puts its log on disk next.
pub(crate) const ENDING: &str = "shapes.consumer.ending";
/// A materializer has its source's position; it reads the source's log next.
pub(crate) const REPLAYING: &str = "shapes.materializer.replaying";
/// A request has found the stack ready; it looks its handle up next.
pub(crate) const ADMITTED: &str = "shapes.request.admitted";
/// It has found its shape; it reads the log next.
pub(crate) const RESOLVED: &str = "shapes.request.resolved";
/// It has waited in vain; it looks once more next.
pub(crate) const WAITED: &str = "shapes.request.waited";
/// A shape's row is written; its consumer is started next.
pub(crate) const ADDED: &str = "shapes.create.added";
/// A removal has taken back the shape's row, or written down that it will; it stops the consumer next.
pub(crate) const REMOVAL_BEGUN: &str = "shapes.remove.begun";
/// The consumer has stopped; its files go next.
pub(crate) const REMOVAL_STOPPED: &str = "shapes.remove.stopped";
/// The files are gone; the log collector is told next.
pub(crate) const REMOVAL_CLEARED: &str = "shapes.remove.cleared";
/// The log collector has a transaction; the shapes have it next.
pub(crate) const RECEIVED: &str = "shapes.collector.received";

/// All of them, for checking what a scenario names.
pub(crate) const ALL: &[&str] = &[
    SIGNAL,
    APPENDED,
    NOTIFIED,
    FOUND,
    SUBSCRIBED,
    SELECTED,
    ENDING,
    REPLAYING,
    ADMITTED,
    RESOLVED,
    WAITED,
    ADDED,
    REMOVAL_BEGUN,
    REMOVAL_STOPPED,
    REMOVAL_CLEARED,
    RECEIVED,
    "storage.before",
    "storage.after",
];
