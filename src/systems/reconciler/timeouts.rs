//! The times of the reconciler: production's, and the same in every form of it.
//!
//! Those that rows are held against are in `sql.rs`: a lease of 60 seconds, 30 seconds of grace for a new instance, 90 seconds of
//! silence, 60 seconds between two restarts.

use std::time::Duration;

/// How often a cycle begins; the first at boot.
pub(crate) const INTERVAL: Duration = Duration::from_mins(1);
/// How many rows a cycle looks at, at most. `sql.rs` has it in words.
pub(crate) const LIMIT: usize = 200;
/// One check of one instance.
pub(crate) const CHECK: Duration = Duration::from_secs(10);
/// A whole cycle, where it is bounded.
pub(crate) const CYCLE: Duration = Duration::from_secs(45);
/// The look at the row just before it is taken offline, or the write that does so.
pub(crate) const CONFIRM: Duration = Duration::from_secs(5);
/// How often rows with work left over are looked for, and instances that nobody has.
pub(crate) const ORPHANS: Duration = Duration::from_mins(1);
/// One such sweep.
pub(crate) const ORPHAN_SWEEP: Duration = Duration::from_secs(30);
/// How often rows are looked for whose agents have fallen silent.
pub(crate) const HEALTH: Duration = Duration::from_secs(15);
/// How often an agent says that it is alive.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(30);
/// The least time between the beginnings of two restarts of a workspace.
pub(crate) const DEBOUNCE: Duration = Duration::from_mins(1);
/// How long an instance goes on after its workspace was put away for a while: often that is taken back at once.
pub(crate) const SECOND_THOUGHTS: Duration = Duration::from_secs(10);
/// One request to the control plane that changes something.
pub(crate) const ACT: Duration = Duration::from_secs(15);
/// One statement.
pub(crate) const STATEMENT: Duration = Duration::from_secs(10);
/// How long a client waits for an answer.
pub(crate) const CLIENT: Duration = Duration::from_secs(40);
