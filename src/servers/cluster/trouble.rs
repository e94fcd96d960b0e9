//! What a bad hour of a cluster does to its answers, and to what it runs.

use std::time::Duration;

use super::namespaces::REACH;
use crate::runtime::time::Instant;
use crate::servers::spell::{Failing, Spell};

/// The longest that one kind of trouble lasts.
const LONGEST: u64 = 1_200;

/// All troubles that are on.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    sluggish: Option<Spell<Duration>>,
    failing: Option<Spell<Failing>>,
    stale: Option<Spell<Instant>>,
    throttled: Option<Spell<u64>>,
    lingering: Option<Spell<Duration>>,
    slow_pull: Option<Spell<Duration>>,
    bad_pull: Option<Spell<()>>,
    /// The namespace about which every request fails.
    jammed: Option<(String, Spell<()>)>,
    /// Requests seen while throttled.
    seen: u64,
}

impl Troubles {
    /// Answers take seconds, some longer than anybody waits. Says so in words.
    pub(super) fn grow_sluggish(&mut self, magnitude: u64) -> String {
        let delay = Duration::from_secs(2 + magnitude % 40);
        let lasts = lasts(magnitude / 40);
        self.sluggish = Some(Spell::for_seconds(delay, lasts));
        format!("answers take {delay:?} for {lasts} s")
    }

    /// Requests are answered with an error, some of them after they took effect.
    pub(super) fn begin_failing(&mut self, magnitude: u64) -> String {
        let how = Failing::drawn(magnitude);
        let lasts = lasts(magnitude / 2);
        self.failing = Some(Spell::for_seconds(how, lasts));
        format!("requests fail {} their effect for {lasts} s", how.word())
    }

    /// Every request about one namespace fails.
    pub(super) fn jam(&mut self, names: &[&str], magnitude: u64) -> String {
        let Some(place) = magnitude.checked_rem(names.len() as u64) else { return "no namespace to jam".to_owned() };
        let (name, lasts) = (names[place as usize], lasts(magnitude / names.len() as u64));
        self.jammed = Some((name.to_owned(), Spell::for_seconds((), lasts)));
        format!("requests about {name} fail for {lasts} s")
    }

    /// Lists are read from a copy that is no longer brought up to date.
    pub(super) fn go_stale(&mut self, magnitude: u64) -> String {
        let lag = 1 + magnitude % 240;
        let lasts = (1 + magnitude / 240 % (REACH.as_secs() - 240)).min(300);
        let now = Instant::now();
        self.stale = Some(Spell::for_seconds(now.checked_sub(Duration::from_secs(lag)).unwrap_or(now), lasts));
        format!("lists are as of {lag} s ago for {lasts} s")
    }

    /// Most requests are turned away.
    pub(super) fn throttle(&mut self, magnitude: u64) -> String {
        let one_in = 2 + magnitude % 4;
        let lasts = lasts(magnitude / 4);
        self.throttled = Some(Spell::for_seconds(one_in, lasts));
        format!("one request in {one_in} is taken for {lasts} s")
    }

    /// Namespaces are on their way out for long.
    pub(super) fn linger(&mut self, magnitude: u64) -> String {
        let more = Duration::from_secs(1 + magnitude % 600);
        let lasts = lasts(magnitude / 600);
        self.lingering = Some(Spell::for_seconds(more, lasts));
        format!("deletions take {more:?} longer for {lasts} s")
    }

    /// Deployments come up slowly.
    pub(super) fn pull_slowly(&mut self, magnitude: u64) -> String {
        let more = Duration::from_secs(1 + magnitude % 2_400);
        let lasts = lasts(magnitude / 2_400);
        self.slow_pull = Some(Spell::for_seconds(more, lasts));
        format!("deployments take {more:?} longer for {lasts} s")
    }

    /// Deployments do not come up.
    pub(super) fn pull_badly(&mut self, magnitude: u64) -> String {
        let lasts = lasts(magnitude);
        self.bad_pull = Some(Spell::for_seconds((), lasts));
        format!("deployments fail for {lasts} s")
    }

    /// All is well again.
    pub(super) fn end(&mut self) {
        *self = Self::default();
    }

    /// How long an answer takes.
    pub(super) fn delay(&self) -> Duration {
        Spell::now(self.sluggish).unwrap_or_default()
    }

    /// Whether requests fail, and when; those about `name` may do so by themselves.
    pub(super) fn failing(&self, name: Option<&str>) -> Option<Failing> {
        let jammed = self.jammed.as_ref().filter(|(jammed, _)| Some(jammed.as_str()) == name);
        let jammed = jammed.and_then(|(_, spell)| Spell::now(Some(*spell)));
        Spell::now(self.failing).or(jammed.map(|()| Failing::Before))
    }

    /// As of when lists are read.
    pub(super) fn as_of(&self) -> Option<Instant> {
        Spell::now(self.stale)
    }

    /// Whether this request is turned away.
    pub(super) fn turns_away(&mut self) -> bool {
        let Some(one_in) = Spell::now(self.throttled) else { return false };
        self.seen += 1;
        !self.seen.is_multiple_of(one_in)
    }

    /// How much longer a deletion takes.
    pub(super) fn lingers(&self) -> Duration {
        Spell::now(self.lingering).unwrap_or_default()
    }

    /// How much longer a deployment takes.
    pub(super) fn pull_delay(&self) -> Duration {
        Spell::now(self.slow_pull).unwrap_or_default()
    }

    /// Whether deployments fail.
    pub(super) fn pull_fails(&self) -> bool {
        Spell::now(self.bad_pull).is_some()
    }
}

fn lasts(magnitude: u64) -> u64 {
    10 + magnitude % (LONGEST - 10)
}
