//! For which operation or cycle each thing was done.
//!
//! Activities say so for what runs on hosts. Messages are told apart by who sent them, and where many share a connection
//! by who waited at its end: an access ends with the arrival of its reply, and began with its request.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::harness::{ActivityId, Event, History, What};
use crate::search::writers;

/// How far a request may be from when its access seems to have begun: hosts count milliseconds.
const GRAIN: Duration = Duration::from_millis(2);

/// An access as its messages see it: who waited, from when to when.
struct Wait {
    /// Before this it cannot have begun.
    earliest: Duration,
    from: Duration,
    until: Duration,
    serves: ActivityId,
}

/// What each event of a history was done for; zero where nobody knows.
pub(super) fn attribution(history: &History) -> Vec<ActivityId> {
    let events = history.events();
    let written = writers(history);
    let waits = waits(history);
    let lives = lives(history);
    let mut asked: BTreeMap<(&str, &str), Vec<(Duration, ActivityId)>> = BTreeMap::new();
    let mut all = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        let root = history.root(event.activity);
        let serves = match &event.what {
            What::Commit { .. } => written.get(&index).copied().unwrap_or(root),
            What::Message { from, to, sent, .. } => {
                let earlier = asked.get(&(&**to, &**from)).into_iter().flatten();
                let answered = || earlier.rev().find(|(at, _)| at <= sent).map(|(_, serves)| *serves);
                let serves = match (waits.get(&(&**from, &**to)), waits.get(&(&**to, &**from))) {
                    (Some(waits), _) => asks(waits, *sent).or_else(|| lives_at(&lives, root, *sent)),
                    (None, Some(waits)) => told(waits, event).or_else(answered),
                    (None, None) => Some(root).filter(|root| *root != ActivityId(0)).or_else(answered),
                };
                let serves = serves.unwrap_or_default();
                asked.entry((&**from, &**to)).or_default().push((event.at, serves));
                serves
            }
            _ => root,
        };
        all.push(serves);
    }
    all
}

/// Who waited for which store's host, by both their names.
fn waits(history: &History) -> BTreeMap<(&str, &str), Vec<Wait>> {
    let mut stores: BTreeMap<&str, &str> = BTreeMap::new();
    for event in history.events() {
        if let What::Commit { store, .. } = &event.what {
            stores.insert(store, &event.host);
        }
    }
    let mut waits: BTreeMap<(&str, &str), Vec<Wait>> = BTreeMap::new();
    let mut begun: BTreeMap<(&str, ActivityId), Duration> = BTreeMap::new();
    for event in history.events() {
        let serves = history.root(event.activity);
        let known = begun.get(&(&*event.host, serves)).copied();
        if known.is_none() && !matches!(event.what, What::Message { .. }) {
            begun.insert((&event.host, serves), event.at);
        }
        if let What::Access(access) = &event.what
            && let Some(store) = stores.get(&*access.store)
        {
            let from = event.at.saturating_sub(access.took);
            let earliest = from.saturating_sub(GRAIN).max(known.unwrap_or_default());
            let wait = Wait { earliest, from, until: event.at, serves };
            waits.entry((&event.host, store)).or_default().push(wait);
        }
    }
    waits
}

/// Whose access a request sent at this moment began, or went on with.
fn asks(waits: &[Wait], sent: Duration) -> Option<ActivityId> {
    let during = waits.iter().filter(|wait| wait.earliest <= sent && sent <= wait.until);
    during.min_by_key(|wait| wait.from.abs_diff(sent)).map(|wait| wait.serves)
}

/// Whose access a reply ended.
fn told(waits: &[Wait], reply: &Event) -> Option<ActivityId> {
    waits.iter().find(|wait| wait.until == reply.at).map(|wait| wait.serves)
}

/// The last that each operation or cycle itself is known to have done.
fn lives(history: &History) -> BTreeMap<ActivityId, Duration> {
    let own = history.events().iter().filter(|event| !matches!(event.what, What::Message { .. }));
    own.map(|event| (history.root(event.activity), event.at)).collect()
}

/// Whoever opened a connection, as long as they are there: it outlives them.
fn lives_at(lives: &BTreeMap<ActivityId, Duration>, root: ActivityId, at: Duration) -> Option<ActivityId> {
    lives.get(&root).filter(|until| at <= **until && root != ActivityId(0)).map(|_| root)
}
