//! Who did what, by the names that people know: a client's operation, a host's cycle.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::brief::brief;
use crate::harness::{ActivityId, History, What};
use crate::search::writers;

/// The operations and background cycles of a run, by name.
pub(crate) struct Actors<'a> {
    history: &'a History,
    operations: BTreeMap<ActivityId, Known<'a>>,
    writers: BTreeMap<usize, ActivityId>,
}

struct Known<'a> {
    client: &'a str,
    text: &'a str,
    invoked: Duration,
    returned: Option<(Duration, &'a str)>,
}

impl<'a> Actors<'a> {
    pub(crate) fn of(history: &'a History) -> Self {
        let mut operations: BTreeMap<ActivityId, Known<'a>> = BTreeMap::new();
        for event in history.events() {
            match &event.what {
                What::Invoked { text, .. } => {
                    operations
                        .insert(event.activity, Known { client: &event.host, text, invoked: event.at, returned: None });
                }
                What::Returned { text, .. } => {
                    if let Some(known) = operations.get_mut(&event.activity) {
                        known.returned = Some((event.at, text));
                    }
                }
                _ => {}
            }
        }
        Self { history, operations, writers: writers(history) }
    }

    /// An operation or cycle by name, with who does it: `` `decorate s1` of c1 ``.
    pub(crate) fn name(&self, actor: ActivityId) -> String {
        match self.operations.get(&actor) {
            Some(known) => format!("`{}` of {}", brief(known.text), known.client),
            None if actor == ActivityId(0) => "the world".to_owned(),
            None => {
                let activity = self.history.activities().get(actor.0 as usize);
                activity.map_or_else(String::new, |known| format!("`{}` on {}", brief(&known.name), known.host))
            }
        }
    }

    /// What an activity is for, in as few words as there are.
    pub(crate) fn text(&self, activity: ActivityId) -> String {
        let root = self.history.root(activity);
        match self.operations.get(&root) {
            Some(known) => brief(known.text),
            None => {
                let known: Option<Arc<str>> =
                    self.history.activities().get(root.0 as usize).map(|known| known.name.clone());
                known.map_or_else(String::new, |name| brief(&name))
            }
        }
    }

    /// When the client saw what came of an operation, and what.
    pub(crate) fn returned(&self, actor: ActivityId) -> Option<(Duration, &'a str)> {
        self.operations.get(&actor)?.returned
    }

    /// The operations that had begun and not returned at some moment, in the order in which they began.
    pub(crate) fn in_flight(&self, at: Duration) -> Vec<String> {
        let open = |known: &Known<'_>| known.invoked <= at && known.returned.is_none_or(|(returned, _)| returned > at);
        self.operations.iter().filter(|(_, known)| open(known)).map(|(actor, _)| self.name(*actor)).collect()
    }

    /// Whose command made a commit, by the commit's place in the history.
    pub(crate) fn writer(&self, commit: usize) -> Option<ActivityId> {
        self.writers.get(&commit).copied()
    }
}
