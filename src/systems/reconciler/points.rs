//! The windows of the reconciler, by name: each lies between a look at shared state and the act that relies on it.

/// A cycle has selected its rows; it checks the first of them next.
pub(crate) const SELECTED: &str = "reconciler.cycle.selected";
/// A check has resolved the instance of its row, in the form that does so; it asks the control plane next.
pub(crate) const RESOLVED: &str = "reconciler.probe.resolved";
/// A check has its answer; it asks again, looks at the row, or takes it offline next.
pub(crate) const PROBED: &str = "reconciler.probe.answered";
/// A check has looked at the row once more; it takes it offline next.
pub(crate) const CONFIRMED: &str = "reconciler.flip.confirmed";
/// A row has been taken offline; the word is spread next.
pub(crate) const FLIPPED: &str = "reconciler.flip.written";
/// A restart has looked at its row; it says that it begins next.
pub(crate) const RESTART_SEEN: &str = "reconciler.restart.seen";
/// A restart has begun; it terminates the old instance next.
pub(crate) const RESTART_BEGUN: &str = "reconciler.restart.begun";
/// A restart has looked up what to terminate; it does so next.
pub(crate) const STOP_RESOLVED: &str = "reconciler.stop.resolved";
/// The old instance is gone; a new one is created next.
pub(crate) const PROVISION_CLEARED: &str = "reconciler.provision.cleared";
/// There is a new instance; the row is told next.
pub(crate) const PROVISION_CREATED: &str = "reconciler.provision.created";
/// A row did not take its new instance; that is terminated next.
pub(crate) const PROVISION_REFUSED: &str = "reconciler.provision.refused";
/// A sweep has seen a removed row; its instance is terminated next.
pub(crate) const ORPHAN_SEEN: &str = "reconciler.orphan.seen";
/// The instance of a removed row is terminated; the row lets go of it next.
pub(crate) const ORPHAN_STOPPED: &str = "reconciler.orphan.stopped";
/// A sweep has found an instance that no row has; it is terminated next.
pub(crate) const STRAY_FOUND: &str = "reconciler.stray.found";
/// A user's decision is in the row; what follows from it is carried out next.
pub(crate) const INTENT_WRITTEN: &str = "reconciler.intent.written";

/// All of them, for checking what a scenario names.
pub(crate) const ALL: &[&str] = &[
    SELECTED,
    RESOLVED,
    PROBED,
    CONFIRMED,
    FLIPPED,
    RESTART_SEEN,
    RESTART_BEGUN,
    STOP_RESOLVED,
    PROVISION_CLEARED,
    PROVISION_CREATED,
    PROVISION_REFUSED,
    ORPHAN_SEEN,
    ORPHAN_STOPPED,
    STRAY_FOUND,
    INTENT_WRITTEN,
    "storage.before",
    "storage.after",
];
