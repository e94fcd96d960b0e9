//! A session's record: what storage holds of it, as a map of strings. How it gets there is in `records.rs`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Present and `true`: terminated, for good.
const TERMINATED: &str = "terminated";
/// Whose session it is; present in a session that is more than a placeholder.
const OWNER: &str = "owner";
/// The ids of its backends, sorted and joined by commas. Empty: none. Absent in a full record: corrupt.
const BACKENDS: &str = "backend.ids";
/// Prefix of the session id that each backend gave.
const HINT: &str = "backend.session.";
/// What it is decorated with, sorted and joined by commas.
const DECORATIONS: &str = "decorations";
/// Which creation made it full: tells one's own write from somebody else's after a reply was lost.
const CREATION: &str = "creation";
/// Number, operation and writer of the last write. No two writes have the same.
const REVISION: &str = "revision";

/// What storage holds of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Record {
    fields: BTreeMap<String, String>,
}

impl Record {
    /// Reads a stored text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The text to store.
    pub(crate) fn text(&self) -> String {
        // A map of strings always serialises.
        serde_json::to_string(&self.fields).unwrap_or_default()
    }

    fn field(&self, key: &str) -> Option<&str> {
        self.fields.get(key).map(String::as_str)
    }

    /// Whether it is terminated.
    pub(crate) fn is_terminated(&self) -> bool {
        self.field(TERMINATED) == Some("true")
    }

    /// Whether it is more than a placeholder.
    pub(crate) fn is_full(&self) -> bool {
        self.fields.contains_key(OWNER)
    }

    /// Whether it is a session that can be served.
    pub(crate) fn is_live(&self) -> bool {
        self.is_full() && !self.is_terminated()
    }

    /// Whose it is.
    pub(crate) fn owner(&self) -> &str {
        self.field(OWNER).unwrap_or_default()
    }

    /// Which creation made it full.
    pub(crate) fn creation(&self) -> &str {
        self.field(CREATION).unwrap_or_default()
    }

    /// The ids of its backends; `None`: it has no such field.
    pub(crate) fn backends(&self) -> Option<BTreeSet<&str>> {
        self.field(BACKENDS).map(list)
    }

    /// Whether it names this backend.
    pub(crate) fn has_backend(&self, backend: &str) -> bool {
        self.backends().is_some_and(|backends| backends.contains(backend))
    }

    /// The session id that a backend gave.
    pub(crate) fn hint(&self, backend: &str) -> &str {
        self.fields.get(&format!("{HINT}{backend}")).map_or("", String::as_str)
    }

    /// What it is decorated with.
    pub(crate) fn decorations(&self) -> BTreeSet<&str> {
        self.field(DECORATIONS).map(list).unwrap_or_default()
    }

    /// The last write: number, operation and writer.
    pub(crate) fn revision(&self) -> &str {
        self.field(REVISION).unwrap_or_default()
    }

    /// The number of the last write.
    pub(crate) fn number(&self) -> u64 {
        self.revision().split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default()
    }

    /// The operation that wrote it last.
    pub(crate) fn writer(&self) -> &str {
        self.revision().split(' ').nth(1).unwrap_or("nobody")
    }

    /// Makes it full.
    pub(crate) fn fill(&mut self, owner: &str, creation: &str, backends: &BTreeMap<String, String>) {
        self.set(OWNER, owner.to_owned());
        self.set(CREATION, creation.to_owned());
        self.set_backends(backends);
    }

    /// Names these backends and their session ids, and no others.
    pub(crate) fn set_backends(&mut self, backends: &BTreeMap<String, String>) {
        self.fields.retain(|key, _| !key.starts_with(HINT));
        for (backend, hint) in backends {
            self.set(&format!("{HINT}{backend}"), hint.clone());
        }
        self.set(BACKENDS, join(backends.keys().map(String::as_str)));
    }

    /// Drops a backend.
    pub(crate) fn drop_backend(&mut self, backend: &str) {
        let left = join(self.backends().unwrap_or_default().into_iter().filter(|id| *id != backend));
        self.fields.remove(&format!("{HINT}{backend}"));
        self.set(BACKENDS, left);
    }

    /// Adds a decoration.
    pub(crate) fn decorate(&mut self, label: &str) {
        let mut decorations = self.decorations();
        decorations.insert(label);
        let decorations = join(decorations.into_iter());
        self.set(DECORATIONS, decorations);
    }

    /// Marks it as terminated.
    pub(crate) fn terminate(&mut self) {
        self.set(TERMINATED, "true".to_owned());
    }

    /// Signs the next write. `stamp` must be unique.
    pub(crate) fn sign(&mut self, operation: &str, stamp: &str) {
        let revision = format!("{} {operation} {stamp}", self.number() + 1);
        self.set(REVISION, revision);
    }

    /// Whether two records agree in all but who wrote them last.
    pub(crate) fn same_metadata(&self, other: &Self) -> bool {
        let rest = |record: &Self| record.fields.iter().filter(|(key, _)| *key != REVISION).count();
        rest(self) == rest(other)
            && self.fields.iter().all(|(key, value)| key == REVISION || other.fields.get(key) == Some(value))
    }

    fn set(&mut self, key: &str, value: String) {
        self.fields.insert(key.to_owned(), value);
    }
}

fn list(text: &str) -> BTreeSet<&str> {
    text.split(',').filter(|part| !part.is_empty()).collect()
}

fn join<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.collect::<Vec<_>>().join(",")
}
