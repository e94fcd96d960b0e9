//! Which write came to which commit: clients tell of the one, servers of the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::harness::{ActivityId, Event, History, What};
use crate::runtime::{Access, Kind};

/// How long before its event an access may have begun at most, beyond what it says: hosts count milliseconds.
const GRAIN: Duration = Duration::from_millis(1);
/// How long after its caller has given up a request may still be carried out.
const LATE: Duration = Duration::from_mins(2);

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
pub(super) fn is_write(cause: &str) -> bool {
    matches!(cause, "set" | "del") || is_row(cause)
}

/// Whether it is a row of a table that was committed.
pub(super) fn is_row(cause: &str) -> bool {
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
