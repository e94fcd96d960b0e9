//! What was there before each recent change, so that a crash or a fail-over can take the change back.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::runtime::time::Instant;

use super::keyspace::{Cause, Effect, Keyspace, Place};
use super::value::Entry;

/// How far back changes can be undone. What is older has reached every replica and every disk.
pub(super) const REACH: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Change {
    at: Instant,
    place: Place,
    before: Option<Entry>,
}

/// The changes of the last [`REACH`], oldest first.
#[derive(Debug, Default)]
pub(super) struct Journal(VecDeque<Change>);

impl Journal {
    /// Notes a change. What has expired stays so, whoever is the master; and what is lost stays lost.
    pub(super) fn note(&mut self, at: Instant, effect: &Effect) {
        while self.0.front().is_some_and(|oldest| at.saturating_duration_since(oldest.at) > REACH) {
            self.0.pop_front();
        }
        if !matches!(effect.cause, Cause::Expired | Cause::Lost) {
            self.0.push_back(Change { at, place: effect.place.clone(), before: effect.before.clone() });
        }
    }

    /// Takes back every change of the last `span` before `until`. Returns how many keys are not what they were.
    pub(super) fn roll_back(&mut self, keyspace: &mut Keyspace, until: Instant, span: Duration, now: i64) -> usize {
        let mut restored = BTreeMap::new();
        while self.0.back().is_some_and(|change| change.at + span > until) {
            if let Some(Change { place, before, .. }) = self.0.pop_back() {
                restored.insert(place, before);
            }
        }
        let mut changed = 0;
        for ((database, key), before) in restored {
            let before = before.filter(|entry| !entry.expired(now));
            if keyspace.peek(database, &key) != before.as_ref() {
                keyspace.put(database, &key, before, Cause::Lost);
                changed += 1;
            }
        }
        changed
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
