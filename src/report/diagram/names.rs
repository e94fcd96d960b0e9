//! What entities are called in a diagram: short, and still told apart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::harness::{History, What};
use crate::report::brief::{brief, is_id};
use crate::search::entity;

/// The entities of a history: what its keys are about.
pub(super) struct Names {
    /// By their full name; the short one is behind it.
    short: BTreeMap<Arc<str>, String>,
}

impl Names {
    pub(super) fn of(history: &History) -> Self {
        let entities: BTreeSet<&str> = (history.events().iter())
            .filter_map(|event| match &event.what {
                What::Access(access) => Some(entity(&access.key)),
                What::Commit { key, .. } => Some(entity(key)),
                _ => None,
            })
            .collect();
        let mut labels: BTreeMap<&str, usize> = BTreeMap::new();
        for known in &entities {
            *labels.entry(label(known)).or_default() += 1;
        }
        let short = |known: &&str| {
            let label = label(known);
            let short = if labels[label] == 1 { label.to_owned() } else { brief(known) };
            (Arc::from(*known), short)
        };
        Self { short: entities.iter().map(short).collect() }
    }

    /// The entities that a text names as words, by full name or by label.
    pub(super) fn named<'a>(&'a self, text: &str) -> BTreeSet<&'a Arc<str>> {
        let words: BTreeSet<&str> = words(text).collect();
        self.short.keys().filter(|known| words.contains(&***known) || words.contains(label(known))).collect()
    }

    /// The entities that a text names by their full names.
    pub(super) fn named_in_full<'a>(&'a self, text: &str) -> impl Iterator<Item = &'a Arc<str>> {
        words(text).filter_map(|word| self.short.get_key_value(word).map(|(known, _)| known))
    }

    /// The text with short names for entities, and no long ids.
    pub(super) fn brief(&self, text: &str) -> String {
        let mut told = String::with_capacity(text.len());
        let mut rest = text;
        for word in words(text) {
            let Some(start) = rest.find(word) else { continue };
            told.push_str(&rest[..start]);
            match self.short.get(word) {
                Some(short) => told.push_str(short),
                None => told.push_str(&brief(word)),
            }
            rest = &rest[start + word.len()..];
        }
        told + rest
    }
}

/// What an entity is called by people: its name without the id that makes it unique.
pub(super) fn label(entity: &str) -> &str {
    match entity.rsplit_once('-') {
        Some((label, id)) if is_id(id) && !label.is_empty() => label,
        _ => entity,
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let within = |letter: char| letter.is_alphanumeric() || "-._/".contains(letter);
    text.split(move |letter| !within(letter)).map(|word| word.trim_end_matches('.')).filter(|word| !word.is_empty())
}
