//! Simulated time, and each host's wall clock with its offset, drift and jumps.
//!
//! All hosts share one monotonic clock, the paused clock of tokio, which moves in whole milliseconds; the network
//! orders its deliveries in nanoseconds within them. What a host believes the date to be is its own.

use std::cell::Cell;
use std::time::Duration;

/// The date at which every run starts: 2026-01-01 00:00:00 UTC, in nanoseconds since the Unix epoch.
pub const EPOCH: u64 = 1_767_225_600_000_000_000;

/// Simulated nanoseconds since the start of the run.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// What hosts read: whole milliseconds.
    tick: Cell<u64>,
    /// The order of events within a tick.
    fine: Cell<u64>,
}

impl Clock {
    pub(super) fn tick(&self) -> u64 {
        self.tick.get()
    }

    pub(super) fn now(&self) -> u64 {
        self.fine.get().max(self.tick.get())
    }

    pub(super) fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.now())
    }

    pub(super) fn set_tick(&self, nanos: u64) {
        debug_assert!(nanos >= self.tick.get(), "simulated time goes forward");
        self.tick.set(nanos);
    }

    /// As [`set_tick`](Self::set_tick), where hosts have their ticks by turns: the next one begins where this one began.
    pub(super) fn set_tick_of_host(&self, nanos: u64) {
        self.tick.set(nanos);
    }

    pub(super) fn set_fine(&self, nanos: u64) {
        self.fine.set(self.fine.get().max(nanos));
    }
}

/// A host's idea of the date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WallClock {
    /// Nanoseconds that it is ahead of true time, as of `since`.
    offset: i64,
    /// Parts per million that it runs too fast.
    drift: i64,
    /// When the drift began, in nanoseconds of simulated time.
    since: u64,
}

impl WallClock {
    /// The date at simulated time `now`, in nanoseconds since the Unix epoch.
    pub fn at(&self, now: u64) -> u64 {
        (EPOCH + now).saturating_add_signed(self.ahead(now))
    }

    /// How far it is ahead of true time at `now`, in nanoseconds; negative: behind.
    pub fn ahead(&self, now: u64) -> i64 {
        let drifted = i128::from(now.saturating_sub(self.since)) * i128::from(self.drift) / 1_000_000;
        self.offset.saturating_add(drifted as i64)
    }

    /// Jumps by `nanos`, backwards when negative.
    pub fn jump(&mut self, nanos: i64) {
        self.offset = self.offset.saturating_add(nanos);
    }

    /// Runs `parts_per_million` too fast from `now` on; what it is ahead by now stays.
    pub fn set_drift(&mut self, now: u64, parts_per_million: i64) {
        self.offset = self.ahead(now);
        self.since = now;
        self.drift = parts_per_million;
    }

    /// Tells true time again, as after a synchronisation.
    pub fn synchronise(&mut self) {
        *self = Self::default();
    }
}
