//! Time: tokio's timers (on the simulated clock inside a world) and the wall clock of the current host.

use std::time::SystemTime;

pub use tokio::time::error::Elapsed;
pub use tokio::time::{
    Instant, Interval, MissedTickBehavior, Sleep, interval, interval_at, sleep, sleep_until, timeout, timeout_at,
};

/// The wall clock of the current host. Inside a world it may be offset, drift and jump; never measure a duration with it.
#[expect(clippy::disallowed_methods, reason = "this is the replacement that the ban names")]
pub fn wall() -> SystemTime {
    #[cfg(feature = "sim")]
    if let Some(nanos) = crate::world::World::with(|world| world.wall()) {
        return SystemTime::UNIX_EPOCH + std::time::Duration::from_nanos(nanos);
    }
    SystemTime::now()
}
