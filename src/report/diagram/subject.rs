//! What a diagram is about: the entity that the first violation names, and the operations that had to do with it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::names::{Names, label};
use crate::harness::{ActivityId, Event, History, Run, What};
use crate::runtime::Value;
use crate::search::entity;

/// What the first violation is about; of nothing in particular where it names nothing that is known.
pub(super) struct Subject {
    entities: BTreeSet<Arc<str>>,
    /// The operations that concern it.
    operations: BTreeSet<ActivityId>,
}

impl Subject {
    /// Of a run; one that is stuck is about what was never answered.
    pub(super) fn of(run: &Run, history: &History, names: &Names) -> Self {
        let first = run.violations.iter().min_by_key(|violation| violation.at);
        let Some(first) = first else {
            return Self { entities: BTreeSet::new(), operations: unanswered(history) };
        };
        let named = names.named(&first.message);
        // The message opens with what it is about; further names in it are others' parts.
        let opening = first.message.split(':').next().unwrap_or_default();
        let opened: BTreeSet<_> = names.named(opening);
        let entities: BTreeSet<Arc<str>> =
            if opened.is_empty() { named } else { opened }.into_iter().cloned().collect();
        let mut operations = BTreeSet::new();
        for event in history.events() {
            if event.activity != ActivityId(0) && about(event, names).iter().any(|known| entities.contains(*known)) {
                operations.insert(history.root(event.activity));
            }
        }
        Self { entities, operations }
    }

    /// Whether it is about nothing in particular.
    pub(super) fn is_anything(&self) -> bool {
        self.entities.is_empty() && self.operations.is_empty()
    }

    /// Whether an event has to do with it; `key` is what the event touched.
    pub(super) fn concerns(&self, history: &History, activity: ActivityId, key: Option<&str>) -> bool {
        match key {
            _ if self.is_anything() => true,
            Some(key) if !self.entities.is_empty() => self.entities.contains(entity(key)),
            _ => activity != ActivityId(0) && self.operations.contains(&history.root(activity)),
        }
    }

    /// Whether a text names it.
    pub(super) fn is_named_in(&self, text: &str, names: &Names) -> bool {
        self.is_anything() || names.named(text).iter().any(|known| self.entities.contains(*known))
    }

    /// What it is called.
    pub(super) fn words(&self) -> String {
        let labels: BTreeSet<&str> = self.entities.iter().map(|known| label(known)).collect();
        match labels.is_empty() {
            true => "what was never answered".into(),
            false => labels.into_iter().collect::<Vec<_>>().join(", "),
        }
    }
}

/// The entities that an event is about, by their full names.
fn about<'a>(event: &Event, names: &'a Names) -> Vec<&'a Arc<str>> {
    let of = |text: &str| names.named_in_full(text).collect();
    match &event.what {
        What::Access(access) => of(entity(&access.key)),
        What::Point { subject, .. } => of(entity(subject)),
        What::Returned { text, .. } => of(text),
        What::Fact { fields, .. } => fields
            .iter()
            .filter_map(|(_, value)| match value {
                Value::Text(text) => Some(names.named_in_full(text)),
                _ => None,
            })
            .flatten()
            .collect(),
        _ => Vec::new(),
    }
}

/// The operations whose clients never saw an outcome.
fn unanswered(history: &History) -> BTreeSet<ActivityId> {
    let mut waiting = BTreeSet::new();
    for event in history.events() {
        match &event.what {
            What::Invoked { .. } => drop(waiting.insert(event.activity)),
            What::Returned { .. } => drop(waiting.remove(&event.activity)),
            _ => {}
        }
    }
    waiting
}
