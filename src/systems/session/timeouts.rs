//! The times of the session manager: production's, and the same in every form of it.

use std::time::Duration;

/// How long a session's record lives after it was last loaded or written.
pub(crate) const TTL: Duration = Duration::from_mins(30);
/// One attempt to store a new placeholder; there are two.
pub(crate) const GENERATE: Duration = Duration::from_secs(5);
/// Each storage call of a creation.
pub(crate) const CREATE: Duration = Duration::from_secs(5);
/// The load of a validation.
pub(crate) const VALIDATE: Duration = Duration::from_secs(3);
/// The load that checks or restores a session.
pub(crate) const LOAD: Duration = Duration::from_secs(3);
/// All connections of a restored session together.
pub(crate) const RESTORE: Duration = Duration::from_secs(15);
/// Writing a restored session's metadata back.
pub(crate) const RESTORE_WRITE: Duration = Duration::from_secs(5);
/// A termination's storage calls: together or each, by policy.
pub(crate) const TERMINATE: Duration = Duration::from_secs(5);
/// Each storage call of a decoration.
pub(crate) const DECORATE: Duration = Duration::from_secs(5);
/// An expired backend's storage calls: together or each, by policy.
pub(crate) const NOTIFY: Duration = Duration::from_secs(5);
/// Opening one connection to a backend.
pub(crate) const BACKEND_INIT: Duration = Duration::from_secs(30);
/// How many connections to backends a session opens side by side.
pub(crate) const BACKENDS_AT_ONCE: usize = 10;
/// One tool call, as the pod bounds it.
pub(crate) const TOOL_CALL: Duration = Duration::from_mins(1);
/// How often a pod looks for cached sessions whose record has gone.
pub(crate) const SWEEP: Duration = Duration::from_mins(5);
/// After this long an operation that lost a race to write does not try again.
pub(crate) const CONTENTION: Duration = Duration::from_secs(5);
/// How long a draining pod waits for its sessions to finish their calls: a little more than a call may take.
pub(crate) const SHUTDOWN: Duration = Duration::from_secs(95);
/// How long a client waits for an answer.
pub(crate) const CLIENT: Duration = Duration::from_secs(40);
