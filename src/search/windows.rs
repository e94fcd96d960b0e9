//! Windows and intruders: where somebody acted on what they had seen, and somebody else had changed it in between.
//!
//! A window lies between an activity's look at a key and its write that relies on it. What it looked at may be a copy, a
//! cache's for instance: then the window opened when the copy was made. A write takes effect when the server commits it,
//! which is found by key, value and time, for a reply may be lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::harness::{ActivityId, Event, History, What};
use crate::runtime::{Access, Kind};

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

/// How long before its event an access may have begun at most, beyond what it says: hosts count milliseconds.
const GRAIN: Duration = Duration::from_millis(1);
/// How long after its caller has given up a request may still be carried out.
const LATE: Duration = Duration::from_mins(2);

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

/// Which commit each write came to, as far as keys and times tell: indices of events, from access to commit.
///
/// A client that writes rows does not know all that a row holds, so these are not told apart by what was written; but the
/// server may know whom it worked for.
pub(crate) fn effects(history: &History) -> BTreeMap<usize, usize> {
    let events = history.events();
    let mut commits = commits(events);
    let mut writes: Vec<(usize, &Access, &Event)> = events
        .iter()
        .enumerate()
        .filter_map(|(index, event)| match &event.what {
            What::Access(access) if access.kind != Kind::Read && access.changed != Some(false) => {
                Some((index, access, event))
            }
            _ => None,
        })
        .collect();
    // Those who know that they wrote choose first, and of them those who waited least, for they have least choice.
    writes.sort_by_key(|(index, access, _)| (access.changed.is_none(), access.took, *index));
    let mut effects: BTreeMap<usize, usize> = BTreeMap::new();
    for (index, access, event) in writes {
        let Some(waiting) = commits.get_mut(&(access.store.clone(), access.key.clone())) else { continue };
        let from = event.at.saturating_sub(access.took + GRAIN);
        let to = if access.changed.is_some() { event.at } else { event.at + LATE };
        let mine = |commit: &usize| {
            let committed = &events[*commit];
            let What::Commit { value, cause, .. } = &committed.what else { return false };
            let wrote = if is_row(cause) {
                let worked_for = history.root(committed.activity);
                worked_for == ActivityId(0) || worked_for == history.root(event.activity)
            } else {
                *value == access.value
            };
            wrote && (from..=to).contains(&committed.at)
        };
        let place = waiting.iter().position(mine);
        if let Some(place) = place {
            let commit = waiting.remove(place);
            effects.insert(index, commit);
        }
    }
    effects
}

/// Whether a commit comes from a command, and not from the store itself.
fn is_write(cause: &str) -> bool {
    matches!(cause, "set" | "del") || is_row(cause)
}

/// Whether it is a row of a table that was committed.
fn is_row(cause: &str) -> bool {
    matches!(cause, "insert" | "update" | "delete")
}

/// The commits of each key of each store that commands have made, in order.
fn commits(events: &[Event]) -> BTreeMap<(Arc<str>, Arc<str>), Vec<usize>> {
    let mut commits: BTreeMap<(Arc<str>, Arc<str>), Vec<usize>> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        if let What::Commit { store, key, cause, .. } = &event.what
            && is_write(cause)
        {
            commits.entry((store.clone(), key.clone())).or_default().push(index);
        }
    }
    commits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::story::Story;

    const MS: Duration = Duration::from_millis(1);

    /// An access of `host` for `activity` that took `took` milliseconds.
    struct Did {
        kind: Kind,
        store: &'static str,
        key: &'static str,
        value: Option<&'static str>,
        outcome: &'static str,
        changed: Option<bool>,
        took: u32,
    }

    const LOOK: Did = Did {
        kind: Kind::Read,
        store: "redis",
        key: "session:s1",
        value: None,
        outcome: "ok",
        changed: Some(false),
        took: 2,
    };
    const WRITE: Did = Did { kind: Kind::Write, value: Some("new"), changed: Some(true), outcome: "updated", ..LOOK };

    trait Tell {
        fn does(self, millis: u64, host: &str, activity: &str, did: &Did) -> Self;
    }

    impl Tell for Story {
        fn does(self, millis: u64, host: &str, activity: &str, did: &Did) -> Self {
            let access = Access {
                store: did.store.into(),
                key: did.key.into(),
                kind: did.kind,
                outcome: did.outcome.into(),
                value: did.value.map(Arc::from),
                changed: did.changed,
                took: MS * did.took,
            };
            self.within(millis, host, activity, What::Access(access))
        }
    }

    fn actors(history: &History, window: &Window) -> (String, String) {
        let name = |actor: ActivityId| history.activities()[actor.0 as usize].name.to_string();
        (name(window.acted.actor), name(window.intruded.actor))
    }

    #[test]
    fn a_write_on_a_look_that_is_no_longer_so_is_found_with_its_intruder() {
        let history = Story::new(&["redis", "pod-a", "pod-b"])
            .commit(5, "session:s1", Some("old"), "set")
            .does(10, "pod-a", "decorate", &LOOK)
            .commit(14, "session:s1", None, "del")
            .does(15, "pod-b", "terminate", &Did { value: None, outcome: "deleted", ..WRITE })
            .commit(20, "session:s1", Some("new"), "set")
            .does(21, "pod-a", "decorate", &WRITE)
            .history();
        let found = windows(&history);
        let [window] = &found[..] else { panic!("one window: {found:?}") };
        assert_eq!(actors(&history, window), ("decorate".into(), "terminate".into()));
        // Effects are told where they happened, at the store, and not where they were heard of.
        assert_eq!((window.seen.at, window.intruded.at, window.acted.at), (MS * 10, MS * 14, MS * 20));
        assert_eq!((window.entity(), window.noticed), ("s1", false));
    }

    #[test]
    fn nobody_intrudes_on_who_looks_again_or_comes_first() {
        let again = Story::new(&["redis", "pod-a", "pod-b"])
            .does(10, "pod-a", "decorate", &LOOK)
            .commit(14, "session:s1", Some("other"), "set")
            .does(15, "pod-b", "notify", &Did { value: Some("other"), ..WRITE })
            .does(18, "pod-a", "decorate", &LOOK)
            .commit(20, "session:s1", Some("new"), "set")
            .does(21, "pod-a", "decorate", &Did { kind: Kind::ReadWrite, ..WRITE })
            .history();
        assert_eq!(windows(&again), [], "it compared with what it saw last");
        let first = Story::new(&["redis", "pod-a", "pod-b"])
            .does(10, "pod-a", "decorate", &LOOK)
            .commit(20, "session:s1", Some("new"), "set")
            .does(21, "pod-a", "decorate", &WRITE)
            .commit(24, "session:s1", Some("other"), "set")
            .does(25, "pod-b", "notify", &Did { value: Some("other"), ..WRITE })
            .history();
        assert_eq!(windows(&first), []);
        let elsewhere = Story::new(&["redis", "pod-a", "pod-b"])
            .does(10, "pod-a", "decorate", &LOOK)
            .does(15, "pod-b", "terminate", &Did { key: "session:s2", ..WRITE })
            .does(21, "pod-a", "decorate", &WRITE)
            .history();
        assert_eq!(windows(&elsewhere), []);
    }

    #[test]
    fn a_second_look_does_not_help_who_writes_what_it_had_from_the_first() {
        let history = Story::new(&["redis", "pod-a", "pod-b"])
            .does(10, "pod-a", "notify", &LOOK)
            .commit(14, "session:s1", Some("mark"), "set")
            .does(15, "pod-b", "terminate", &Did { value: Some("mark"), ..WRITE })
            .does(18, "pod-a", "notify", &LOOK)
            .commit(20, "session:s1", Some("new"), "set")
            .does(21, "pod-a", "notify", &WRITE)
            .history();
        let found = windows(&history);
        let [window] = &found[..] else { panic!("one window: {found:?}") };
        assert_eq!((window.seen.at, window.intruded.at), (MS * 10, MS * 14));
        assert_eq!(window.rechecked.as_ref().map(|look| look.at), Some(MS * 18));
    }

    #[test]
    fn of_two_writes_at_once_each_is_told_by_its_value() {
        // The intruder's reply comes last, though it wrote first.
        let history = Story::new(&["redis", "pod-a", "pod-b"])
            .does(10, "pod-a", "create", &LOOK)
            .commit(14, "session:s1", Some("mark"), "set")
            .commit(16, "session:s1", Some("new"), "set")
            .does(17, "pod-a", "create", &Did { took: 7, ..WRITE })
            .does(19, "pod-b", "terminate", &Did { value: Some("mark"), took: 7, ..WRITE })
            .history();
        let found = windows(&history);
        let [window] = &found[..] else { panic!("one window: {found:?}") };
        assert_eq!(actors(&history, window), ("create".into(), "terminate".into()));
        let made: Vec<_> = writers(&history).into_values().collect();
        assert_eq!(made.len(), 2, "both commits are somebody's");
    }

    #[test]
    fn a_write_that_was_given_up_is_still_its_writers() {
        let history = Story::new(&["redis", "pod-a", "pod-b"])
            .does(10, "pod-a", "notify", &LOOK)
            .commit(12, "session:s1", None, "del")
            .does(13, "pod-b", "terminate", &Did { value: None, ..WRITE })
            .does(20, "pod-a", "notify", &Did { outcome: "timed out", changed: None, ..WRITE })
            .commit(900, "session:s1", Some("new"), "set")
            .history();
        let found = windows(&history);
        let [window] = &found[..] else { panic!("one window: {found:?}") };
        assert_eq!((window.acted.at, window.acted.host.as_ref()), (MS * 900, "pod-a"));
    }

    #[test]
    fn a_copy_opens_its_window_when_it_was_made() {
        let cache = |outcome, changed| Did {
            kind: if changed { Kind::Write } else { Kind::Read },
            store: "cache pod-a",
            key: "s1",
            value: None,
            outcome,
            changed: Some(changed),
            took: 0,
        };
        let told = |looks_again: bool| {
            let story = Story::new(&["redis", "pod-a"])
                .does(5, "pod-a", "create", &cache("inserted", true))
                .commit(10, "session:s1", Some("one"), "set")
                .does(11, "pod-a", "notify b1", &Did { value: Some("one"), ..WRITE })
                .does(20, "pod-a", "notify b2", &cache("hit", false));
            let story = if looks_again { story.does(22, "pod-a", "notify b2", &LOOK) } else { story };
            story.commit(25, "session:s1", Some("new"), "set").does(26, "pod-a", "notify b2", &WRITE).history()
        };
        let history = told(false);
        let found = windows(&history);
        let [window] = &found[..] else { panic!("one window: {found:?}") };
        assert_eq!(actors(&history, window), ("notify b2".into(), "notify b1".into()));
        assert_eq!(window.copied.as_ref().map(|made| made.at), Some(MS * 5));
        assert_eq!(windows(&told(true)), [], "who looks at the original does not go by the copy");
    }

    #[test]
    fn an_original_is_no_copy_of_what_is_made_of_it() {
        let cache = Did {
            kind: Kind::Write,
            store: "cache pod-a",
            key: "s1",
            value: None,
            outcome: "replaced",
            changed: Some(true),
            took: 0,
        };
        let told = |intruded: u64| {
            Story::new(&["redis", "pod-a"])
                .commit(5, "session:s1", Some("one"), "set")
                .does(6, "pod-a", "create", &Did { value: Some("one"), took: 3, ..WRITE })
                .does(intruded, "pod-a", "restore", &Did { outcome: "inserted", ..cache })
                .does(10, "pod-a", "decorate", &LOOK)
                .does(20, "pod-a", "decorate", &cache)
                .history()
        };
        assert_eq!(windows(&told(8)), [], "it was there when the original was looked at");
        let history = told(15);
        let found = windows(&history);
        let [window] = &found[..] else { panic!("one window: {found:?}") };
        assert_eq!(actors(&history, window), ("decorate".into(), "restore".into()));
        assert_eq!((window.seen.at, window.copied.as_ref()), (MS * 10, None));
    }

    #[test]
    fn of_two_transactions_the_one_that_wrote_in_between_is_found() {
        let row = |millis, activity: &str, story: Story| {
            let what = What::Commit {
                store: "postgres".into(),
                key: "workspaces:ws1".into(),
                value: Some("{}".into()),
                cause: "update",
            };
            story.within(millis, "postgres", activity, what)
        };
        let about = |did: Did| Did { store: "postgres", key: "workspaces:ws1", value: None, ..did };
        let flip = about(Did { kind: Kind::ReadWrite, outcome: "ok", took: 20, ..WRITE });
        let told = |known: bool| {
            let (first, second) = if known { ("flip", "provision") } else { ("", "") };
            let story = Story::new(&["postgres", "pod-a", "pod-b"]).does(10, "pod-a", "flip", &about(LOOK));
            let story = row(14, second, story);
            // The reply of the one that wrote first comes last.
            row(20, first, story)
                .does(21, "pod-a", "flip", &flip)
                .does(22, "pod-b", "provision", &about(Did { outcome: "ok", took: 10, ..WRITE }))
                .history()
        };
        for known in [true, false] {
            let history = told(known);
            let found = windows(&history);
            let [window] = &found[..] else { panic!("one window: {found:?}") };
            assert_eq!((window.seen.at, window.intruded.at, window.acted.at), (MS * 10, MS * 14, MS * 20));
            assert_eq!(actors(&history, window), ("flip".into(), "provision".into()));
        }
    }

    #[test]
    fn a_row_that_went_with_another_is_changed_by_whoever_took_that_one() {
        let what = What::Commit { store: "postgres".into(), key: "files:f1".into(), value: None, cause: "delete" };
        let history = Story::new(&["postgres", "pod-a", "pod-b"])
            .does(10, "pod-a", "write", &Did { store: "postgres", key: "files:f1", ..LOOK })
            .within(14, "postgres", "destroy", what)
            .does(
                21,
                "pod-a",
                "write",
                &Did { store: "postgres", key: "files:f1", outcome: "absent", changed: Some(false), ..WRITE },
            )
            .history();
        let found = windows(&history);
        let [window] = &found[..] else { panic!("one window: {found:?}") };
        assert_eq!(actors(&history, window), ("write".into(), "destroy".into()));
        assert!(window.noticed);
    }

    #[test]
    fn the_store_itself_may_intrude_and_a_swap_may_notice() {
        let swap = Did { kind: Kind::ReadWrite, outcome: "differs", changed: Some(false), ..WRITE };
        let history = Story::new(&["redis", "pod-a"])
            .does(10, "pod-a", "restore", &LOOK)
            .commit(12, "session:s1", None, "expired")
            .does(15, "pod-a", "restore", &swap)
            .history();
        let found = windows(&history);
        let [window] = &found[..] else { panic!("one window: {found:?}") };
        assert_eq!((window.intruded.actor, &*window.intruded.outcome), (ActivityId(0), "expired"));
        assert!(window.noticed);
    }
}
