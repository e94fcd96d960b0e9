//! The times of the shape service: production's, and the same in every form of it.

use std::time::Duration;

/// How long a request for what comes next is held.
pub(crate) const LONG_POLL: Duration = Duration::from_secs(20);
/// How long a request waits for an offset that the shape has not come to.
pub(crate) const OUT_OF_BOUNDS: Duration = Duration::from_secs(10);
/// How long a request waits for a stack that is starting, before it is told to come back.
pub(crate) const STACK_READY: Duration = Duration::from_secs(5);
/// When to come back, as such an answer says.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(5);
/// How long a request waits for a snapshot.
pub(crate) const SNAPSHOT: Duration = Duration::from_secs(45);
/// How long a part of the stack has to stop before it is killed.
pub(crate) const STOP: Duration = Duration::from_secs(5);
/// How long whoever removes a shape waits for its consumer to stop.
pub(crate) const STOP_CONSUMER: Duration = Duration::from_secs(30);
/// How long a removal may take altogether.
pub(crate) const CLEANUP: Duration = Duration::from_mins(1);
/// How long a materializer waits for its source, where it does not wait for ever.
pub(crate) const SUBSCRIBE: Duration = Duration::from_secs(5);
/// How often a consumer puts its log on disk.
pub(crate) const FLUSH: Duration = Duration::from_secs(1);
/// For how long a shape may keep the slot from being acknowledged without a word from its consumer, where that is limited.
pub(crate) const FLUSH_STALL: Duration = Duration::from_mins(1);
/// Before the stack is started again after a part has died.
pub(crate) const BACKOFF: Duration = Duration::from_secs(1);
/// Before something that failed is tried again.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);
/// One statement, connecting included.
pub(crate) const STATEMENT: Duration = Duration::from_secs(10);
/// After how long without a request a shape expires.
pub(crate) const EXPIRY: Duration = Duration::from_hours(1);
/// How often that is looked at.
pub(crate) const EXPIRY_ROUND: Duration = Duration::from_mins(1);
/// How long a client waits for an answer: a long poll, and a restart.
pub(crate) const CLIENT: Duration = Duration::from_secs(90);
