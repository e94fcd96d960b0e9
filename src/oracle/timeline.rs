//! What a store held, when: the servers' own commits, ordered by key.
//!
//! Times alone cannot tell a commit from an answer of the same instant, so everything here is ordered by [`Moment`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::harness::{History, What};

/// A place in a history: the index of an event, and when it happened. Ordered by the index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    /// Index into [`History::events`].
    pub index: usize,
    /// Simulated time since the start of the run.
    pub at: Duration,
}

impl Moment {
    /// After all that a history holds.
    pub const NEVER: Self = Self { index: usize::MAX, at: Duration::MAX };
}

/// What a key held from a moment on.
#[derive(Clone, Debug)]
pub struct Version<V> {
    /// Since when.
    pub since: Moment,
    /// The value; `None`: the key was absent.
    pub value: Option<V>,
    /// Why it changed: `set`, `del`, `expired`, `evicted`, `lost`, `flushed`.
    pub cause: &'static str,
}

/// What one key held over a whole run. Before its first version it was absent.
#[derive(Clone, Debug)]
pub struct Timeline<V> {
    versions: Vec<Version<V>>,
}

impl<V> Default for Timeline<V> {
    fn default() -> Self {
        Self { versions: Vec::new() }
    }
}

impl<V> Timeline<V> {
    /// Adds what the key holds from now on. Versions are added in the order of the history.
    pub fn push(&mut self, version: Version<V>) {
        debug_assert!(self.versions.last().is_none_or(|last| last.since < version.since), "versions are in order");
        self.versions.push(version);
    }

    /// All versions, oldest first.
    pub fn versions(&self) -> &[Version<V>] {
        &self.versions
    }

    /// The version that was current at a moment; `None`: there was none yet.
    pub fn at(&self, moment: Moment) -> Option<&Version<V>> {
        self.versions[..self.begun_by(moment)].last()
    }

    /// The versions that were current at some moment of a closed interval. When it begins before the first version, the
    /// key was absent for a part that no version here stands for.
    pub fn during(&self, from: Moment, to: Moment) -> &[Version<V>] {
        let first = self.begun_by(from).saturating_sub(1);
        let end = self.begun_by(to);
        if first >= end { &[] } else { &self.versions[first..end] }
    }

    /// Whether the key held a value that passes `test` at every moment of a closed interval.
    pub fn held(&self, from: Moment, to: Moment, test: impl Fn(&V) -> bool) -> bool {
        self.begun_by(from) > 0 && self.during(from, to).iter().all(|version| version.value.as_ref().is_some_and(&test))
    }

    /// Whether at no moment of a closed interval the key held a value that passes `test`.
    pub fn lacked(&self, from: Moment, to: Moment, test: impl Fn(&V) -> bool) -> bool {
        !self.during(from, to).iter().any(|version| version.value.as_ref().is_some_and(&test))
    }

    /// Whether a promise given at `promised` still binds at `until`: the store itself has taken nothing back in between,
    /// as it does in a crash or a fail-over that loses acknowledged writes.
    pub fn binds(&self, promised: Moment, until: Moment) -> bool {
        let after = self.versions.partition_point(|version| version.since <= promised);
        !self.versions[after..]
            .iter()
            .take_while(|version| version.since <= until)
            .any(|version| version.cause == "lost")
    }

    fn begun_by(&self, moment: Moment) -> usize {
        self.versions.partition_point(|version| version.since <= moment)
    }
}

/// The timelines of all keys of a store.
#[derive(Clone, Debug)]
pub struct Timelines<V> {
    keys: BTreeMap<Arc<str>, Timeline<V>>,
}

impl<V> Timelines<V> {
    /// Reads the commits of a store. `parse` is given key and value; `None`: this is no value of the kind looked for, and
    /// the key counts as absent.
    pub fn read(history: &History, store: &str, parse: impl Fn(&str, &str) -> Option<V>) -> Self {
        let mut keys = BTreeMap::<Arc<str>, Timeline<V>>::new();
        for (index, event) in history.events().iter().enumerate() {
            let What::Commit { store: of, key, value, cause } = &event.what else { continue };
            if **of == *store {
                let value = value.as_ref().and_then(|value| parse(key, value));
                let since = Moment { index, at: event.at };
                keys.entry(key.clone()).or_default().push(Version { since, value, cause });
            }
        }
        Self { keys }
    }

    /// All keys and their timelines, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Timeline<V>)> {
        self.keys.iter()
    }

    /// The timeline of a key; `None`: it was never written.
    pub fn get(&self, key: &str) -> Option<&Timeline<V>> {
        self.keys.get(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(index: usize) -> Moment {
        Moment { index, at: Duration::from_secs(index as u64) }
    }

    fn timeline(versions: &[(usize, Option<i32>, &'static str)]) -> Timeline<i32> {
        let mut timeline = Timeline::default();
        for (index, value, cause) in versions {
            timeline.push(Version { since: moment(*index), value: *value, cause });
        }
        timeline
    }

    #[test]
    fn an_interval_sees_what_was_current_when_it_began() {
        let timeline = timeline(&[(2, Some(1), "set"), (5, Some(2), "set"), (9, None, "expired")]);
        let values = |from, to| {
            timeline.during(moment(from), moment(to)).iter().map(|version| version.value).collect::<Vec<_>>()
        };
        assert_eq!(values(0, 1), []);
        assert_eq!(values(0, 2), [Some(1)]);
        assert_eq!(values(3, 4), [Some(1)]);
        assert_eq!(values(3, 5), [Some(1), Some(2)]);
        assert_eq!(values(6, 20), [Some(2), None]);
        assert_eq!(timeline.at(moment(1)).map(|version| version.value), None);
        assert_eq!(timeline.at(moment(8)).map(|version| version.value), Some(Some(2)));
    }

    #[test]
    fn a_value_is_held_only_if_nothing_else_was_there_at_any_moment() {
        let timeline = timeline(&[(2, Some(1), "set"), (5, Some(2), "set"), (9, None, "expired")]);
        let positive = |value: &i32| *value > 0;
        assert!(timeline.held(moment(2), moment(8), positive));
        assert!(!timeline.held(moment(1), moment(8), positive), "absent at first");
        assert!(!timeline.held(moment(2), moment(9), positive), "absent at last");
        assert!(!timeline.held(moment(2), moment(8), |value| *value == 1));
        assert!(timeline.lacked(moment(9), moment(20), positive));
        assert!(timeline.lacked(moment(0), moment(1), positive));
        assert!(!timeline.lacked(moment(8), moment(20), positive));
    }

    #[test]
    fn what_the_store_lost_no_longer_binds() {
        let timeline = timeline(&[(2, Some(1), "set"), (5, Some(2), "set"), (9, Some(1), "lost")]);
        assert!(timeline.binds(moment(2), moment(8)));
        assert!(!timeline.binds(moment(5), moment(9)));
        assert!(timeline.binds(moment(9), moment(20)), "promised after the loss");
    }
}
