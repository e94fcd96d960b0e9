//! The times and bounds of the sweeper: production's, and the same in every form of it.
//!
//! Those that rows are held against are in `sql.rs`: 24 hours of life for an anonymous stack, 30 minutes for a build,
//! 5 minutes for a tear-down, and how soon a job may run again.

use std::time::Duration;

/// How often a sweep begins; the first at boot.
pub(crate) const INTERVAL: Duration = Duration::from_mins(15);
/// How often stacks expire, and after which time since boot for the first time.
pub(crate) const EXPIRY: Duration = Duration::from_hours(1);
pub(crate) const FIRST_EXPIRY: Duration = Duration::from_mins(30);
/// How old a namespace without a row has to be.
pub(crate) const GRACE: Duration = Duration::from_hours(1);
/// For how long a deployment may have failed.
pub(crate) const FAILED_GRACE: Duration = Duration::from_hours(6);
/// How much one sweep deletes at most, where that is bounded.
pub(crate) const CAP: usize = 5;
/// One look at what a build has come to.
pub(crate) const PODS: Duration = Duration::from_secs(5);
/// One request to the cluster.
pub(crate) const ASK: Duration = Duration::from_secs(15);
/// One statement.
pub(crate) const STATEMENT: Duration = Duration::from_secs(10);
/// How long a build is kept at until it counts as failed.
pub(crate) const BUILD: Duration = Duration::from_mins(5);
/// How long a build waits before it looks again.
pub(crate) const BUILD_PAUSE: Duration = Duration::from_secs(5);
/// How long a client waits for an answer.
pub(crate) const CLIENT: Duration = Duration::from_mins(1);
