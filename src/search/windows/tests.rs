//! Windows in histories made by hand.

use super::*;
use crate::oracle::story::Story;
use crate::runtime::{Access, Kind};

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
