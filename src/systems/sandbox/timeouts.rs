//! The times of the sandbox service: production's, and the same in every form of it.

use std::time::Duration;

/// How long a counter or tombstone lives after it was last read or written.
pub(crate) const COUNTER_TTL: Duration = Duration::from_hours(7 * 24);
/// How long a snapshot of a tree lives.
pub(crate) const SNAPSHOT_TTL: Duration = Duration::from_hours(1);
/// How long a lock is held without being renewed.
pub(crate) const LEASE: Duration = Duration::from_mins(1);
/// After how long it is renewed.
pub(crate) const RENEW: Duration = Duration::from_secs(20);
/// The least pause before a failed renewal is tried again; at most a quarter of [`RENEW`].
pub(crate) const RENEW_RETRY: Duration = Duration::from_millis(50);
/// How long a request waits for its lock: upstream's at #155, and later.
pub(crate) const ACQUIRE_LONG: Duration = Duration::from_mins(5);
pub(crate) const ACQUIRE_SHORT: Duration = Duration::from_secs(75);
/// The first pause before a lock is tried again, or half of it where it is jittered.
pub(crate) const LOCK_RETRY: Duration = Duration::from_millis(50);
/// The longest, where each is twice as long as the one before.
pub(crate) const LOCK_RETRY_MOST: Duration = Duration::from_secs(2);
/// After how long without use a session is let go of.
pub(crate) const IDLE: Duration = Duration::from_mins(10);
/// How often that is looked at.
pub(crate) const REAP: Duration = Duration::from_mins(1);
/// How often what could not be published is tried again.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);
/// How long a replica that shuts down waits for requests in flight.
pub(crate) const SHUTDOWN: Duration = Duration::from_secs(30);
/// One call to Redis, connecting included.
pub(crate) const REDIS: Duration = Duration::from_secs(2);
/// One statement in Postgres, waiting for a connection, and waiting for other transactions included.
pub(crate) const STATEMENT: Duration = Duration::from_secs(10);
/// One attempt to connect to it.
pub(crate) const CONNECT: Duration = Duration::from_secs(5);
/// How long a client waits for an answer: a little longer than a request waits for its lock.
pub(crate) const CLIENT: Duration = Duration::from_secs(90);
