//! What a bad hour of a control plane does to its answers.

use std::time::Duration;

use crate::runtime::time::Instant;
use crate::servers::spell::{Failing, Spell};

/// The longest that one kind of trouble lasts.
const LONGEST: u64 = 150;

/// What a status answer looks like that says nothing.
pub(super) const ODDITIES: [&str; 5] =
    ["{}", "null", r#"{"state":null}"#, r#"{"state":"rebalancing"}"#, r#"{"state":"absent"}"#];

/// All troubles that are on.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    sluggish: Option<Spell<Duration>>,
    failing: Option<Spell<Failing>>,
    odd: Option<Spell<usize>>,
    stale: Option<Spell<Instant>>,
    throttled: Option<Spell<u64>>,
    slow_boot: Option<Spell<Duration>>,
    /// Requests seen while throttled.
    seen: u64,
}

impl Troubles {
    /// Answers take 8 seconds and more. Says so in words.
    pub(super) fn grow_sluggish(&mut self, magnitude: u64) -> String {
        let delay = Duration::from_secs(8 + magnitude % 13);
        let lasts = lasts(magnitude / 13);
        self.sluggish = Some(Spell::for_seconds(delay, lasts));
        format!("answers take {delay:?} for {lasts} s")
    }

    /// Requests are answered with an error, some of them after they took effect.
    pub(super) fn begin_failing(&mut self, magnitude: u64) -> String {
        let how = Failing::drawn(magnitude);
        let lasts = 1 + (magnitude / 2) % 60;
        self.failing = Some(Spell::for_seconds(how, lasts));
        format!("requests fail {} their effect for {lasts} s", how.word())
    }

    /// Status answers are a success that says nothing.
    pub(super) fn grow_odd(&mut self, magnitude: u64) -> String {
        let which = (magnitude % ODDITIES.len() as u64) as usize;
        let lasts = lasts(magnitude / ODDITIES.len() as u64);
        self.odd = Some(Spell::for_seconds(which, lasts));
        format!("status is {} for {lasts} s", ODDITIES[which])
    }

    /// Status is read from a copy that is no longer brought up to date.
    pub(super) fn go_stale(&mut self, magnitude: u64) -> String {
        let lag = 1 + magnitude % 60;
        let lasts = lasts(magnitude / 60) % 100 + 10;
        let now = Instant::now();
        self.stale = Some(Spell::for_seconds(now.checked_sub(Duration::from_secs(lag)).unwrap_or(now), lasts));
        format!("status is as of {lag} s ago for {lasts} s")
    }

    /// Most requests are turned away.
    pub(super) fn throttle(&mut self, magnitude: u64) -> String {
        let one_in = 2 + magnitude % 4;
        let lasts = lasts(magnitude / 4);
        self.throttled = Some(Spell::for_seconds(one_in, lasts));
        format!("one request in {one_in} is taken for {lasts} s")
    }

    /// Instances boot slowly.
    pub(super) fn boot_slowly(&mut self, magnitude: u64) -> String {
        let more = Duration::from_secs(1 + magnitude % 90);
        let lasts = lasts(magnitude / 90);
        self.slow_boot = Some(Spell::for_seconds(more, lasts));
        format!("boots take {more:?} longer for {lasts} s")
    }

    /// All is well again.
    pub(super) fn end(&mut self) {
        *self = Self::default();
    }

    /// How long an answer takes.
    pub(super) fn delay(&self) -> Duration {
        Spell::now(self.sluggish).unwrap_or_default()
    }

    /// Whether requests fail, and when.
    pub(super) fn failing(&self) -> Option<Failing> {
        Spell::now(self.failing)
    }

    /// What status is answered with instead.
    pub(super) fn oddity(&self) -> Option<&'static str> {
        Spell::now(self.odd).map(|which| ODDITIES[which])
    }

    /// As of when status is read.
    pub(super) fn as_of(&self) -> Option<Instant> {
        Spell::now(self.stale)
    }

    /// Whether this request is turned away.
    pub(super) fn turns_away(&mut self) -> bool {
        let Some(one_in) = Spell::now(self.throttled) else { return false };
        self.seen += 1;
        !self.seen.is_multiple_of(one_in)
    }

    /// How much longer a boot takes.
    pub(super) fn boot_delay(&self) -> Duration {
        Spell::now(self.slow_boot).unwrap_or_default()
    }
}

fn lasts(magnitude: u64) -> u64 {
    10 + magnitude % (LONGEST - 10)
}
