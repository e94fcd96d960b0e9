//! Windows and intruders: where somebody acted on what they had seen, and somebody else had changed it in between.
//!
//! A window lies between an activity's look at a key and its write that relies on it. What it looked at may be a copy, a
//! cache's for instance: then the window opened when the copy was made. A write takes effect when the server commits it,
//! which is found by key, value and time, for a reply may be lost.

mod effects;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::effects::effects;
use self::effects::{is_row, is_write};
use crate::harness::{ActivityId, Event, History, What};
use crate::runtime::Kind;

/// One look at shared state, or one change of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// When it took effect, in simulated time.
    pub at: Duration,
    /// The event that tells it, as an index into the history.
    pub event: usize,
    /// The client's operation or background cycle that it was for; zero for the store itself.
    pub actor: ActivityId,
    /// The host that did it.
    pub host: Arc<str>,
    /// The store, for example `redis` or `cache pod-a`.
    pub store: Arc<str>,
    /// The key.
    pub key: Arc<str>,
    /// What came of it, in a word.
    pub outcome: Arc<str>,
}

/// Somebody looked, somebody else changed it, and then the first acted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The look.
    pub seen: Touch,
    /// When the copy that was looked at had been made, where it was one of something else.
    pub copied: Option<Touch>,
    /// The change in between.
    pub intruded: Touch,
    /// The act that relied on the look.
    pub acted: Touch,
    /// The look after the change that did not make it think again, where there was one: it wrote what it had from before.
    pub rechecked: Option<Touch>,
    /// Whether the act found out, and so changed nothing.
    pub noticed: bool,
}

impl Window {
    /// The thing all of this is about: the key without what tells stores apart.
    pub fn entity(&self) -> &str {
        entity(&self.acted.key)
    }
}

/// All windows of a run that somebody intruded on, in the order in which they were acted upon.
pub fn windows(history: &History) -> Vec<Window> {
    let touched = Touched::read(history);
    let mut found = Vec::new();
    for (place, act) in touched.all.iter().enumerate() {
        if act.acts && act.touch.actor != ActivityId(0) {
            found.extend(touched.window(place));
        }
    }
    found.sort_by_key(|window| (window.acted.at, window.acted.event));
    found
}

/// Which client's operation or background cycle made each commit, by the commit's place in the history.
pub(crate) fn writers(history: &History) -> BTreeMap<usize, ActivityId> {
    let touched = Touched::read(history);
    let commit = |known: &Known| matches!(history.events()[known.touch.event].what, What::Commit { .. });
    let made = touched.all.iter().filter(|known| commit(known) && known.touch.actor != ActivityId(0));
    made.map(|known| (known.touch.event, known.touch.actor)).collect()
}

/// What a key is about, in whatever store: the part behind the last colon.
pub(crate) fn entity(key: &str) -> &str {
    key.rsplit(':').next().unwrap_or(key)
}

struct Known {
    touch: Touch,
    /// It saw the value; a write that does not is blind to what it overwrites.
    looks: bool,
    /// It wrote, or tried to.
    acts: bool,
    changes: bool,
}

/// Everything that touched shared state, in the order in which it took effect.
struct Touched {
    all: Vec<Known>,
    /// The stores that tell what they commit: the originals of whatever is kept elsewhere.
    originals: BTreeSet<Arc<str>>,
}

impl Touched {
    fn read(history: &History) -> Self {
        let events = history.events();
        let effects = effects(history);
        let owned: BTreeSet<usize> = effects.values().copied().collect();
        let touch = |index: usize, told: &Event, store: &Arc<str>, key: &Arc<str>, outcome: &str| Touch {
            at: events[index].at,
            event: index,
            actor: history.root(told.activity),
            host: told.host.clone(),
            store: store.clone(),
            key: key.clone(),
            outcome: outcome.into(),
        };
        let mut all = Vec::new();
        let mut originals = BTreeSet::new();
        for (index, event) in events.iter().enumerate() {
            if let What::Commit { store, .. } = &event.what {
                originals.insert(store.clone());
            }
            match &event.what {
                What::Access(access) => {
                    let effect = effects.get(&index).copied();
                    let known = effect.is_some() || access.changed == Some(true);
                    all.push(Known {
                        touch: touch(effect.unwrap_or(index), event, &access.store, &access.key, &access.outcome),
                        looks: access.kind != Kind::Write,
                        acts: access.kind != Kind::Read && (known || access.changed == Some(false)),
                        changes: known,
                    });
                }
                What::Commit { store, key, cause, .. } if !owned.contains(&index) && !is_write(cause) => {
                    let mut touch = touch(index, event, store, key, cause);
                    touch.actor = ActivityId(0);
                    all.push(Known { touch, looks: false, acts: false, changes: true });
                }
                // A row that went with another, or that its writer has not named.
                What::Commit { store, key, cause, .. } if !owned.contains(&index) && is_row(cause) => {
                    let touch = touch(index, event, store, key, cause);
                    all.push(Known { touch, looks: false, acts: false, changes: true });
                }
                _ => {}
            }
        }
        all.sort_by_key(|known| known.touch.event);
        Self { all, originals }
    }

    /// The window that this act closes, if somebody intruded on it.
    fn window(&self, place: usize) -> Option<Window> {
        let act = &self.all[place];
        let about = entity(&act.touch.key);
        let same = |known: &&Known| known.touch.store == act.touch.store && known.touch.key == act.touch.key;
        let mine = |known: &&Known| known.touch.actor == act.touch.actor;
        let before = &self.all[..place];
        // What it last looked at itself, and what it last saw of a copy.
        let look = before.iter().rev().filter(mine).find(|known| known.looks && same(known));
        let copy = before.iter().rev().filter(mine).find(|known| {
            known.looks && !known.changes && known.touch.store != act.touch.store && entity(&known.touch.key) == about
        });
        let intruder = |since: usize| {
            before
                .iter()
                .rev()
                .take_while(|known| known.touch.event > since)
                .find(|known| known.changes && known.touch.actor != act.touch.actor && same(known))
        };
        if let Some(look) = look
            && let Some(intruder) = intruder(look.touch.event)
        {
            return Some(act.closes(look, None, intruder));
        }
        // It may have looked before as well, and write what it had from there.
        let first = before.iter().filter(mine).find(|known| known.looks && same(known));
        if !act.looks
            && let Some((first, look)) = first.zip(look)
            && let Some(intruder) = intruder(first.touch.event)
        {
            return Some(Window { rechecked: Some(look.touch.clone()), ..act.closes(first, None, intruder) });
        }
        let copy = copy?;
        // Who makes a copy of an original goes by what the original was when it looked.
        if self.originals.contains(&copy.touch.store) {
            return Some(act.closes(copy, None, intruder(copy.touch.event)?));
        }
        let made = self.all.iter().rev().find(|known| {
            known.touch.event < copy.touch.event
                && known.changes
                && known.touch.store == copy.touch.store
                && known.touch.key == copy.touch.key
        })?;
        // Whoever has looked at the original since the copy was made goes by that.
        if look.is_some_and(|look| look.touch.event > made.touch.event) {
            return None;
        }
        Some(act.closes(copy, Some(made), intruder(made.touch.event)?))
    }
}

impl Known {
    fn closes(&self, seen: &Self, copied: Option<&Self>, intruded: &Self) -> Window {
        Window {
            seen: seen.touch.clone(),
            copied: copied.map(|made| made.touch.clone()),
            intruded: intruded.touch.clone(),
            acted: self.touch.clone(),
            rechecked: None,
            noticed: !self.changes,
        }
    }
}
