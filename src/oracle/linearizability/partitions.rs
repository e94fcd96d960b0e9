//! A history of many independent objects, split into one for each.

use std::collections::BTreeMap;

use super::model::EntryOf;
use super::{Entry, Limits, Model, Ruling, decide};

/// The operations on each of many objects, by key.
#[derive(Clone, Debug)]
pub struct Partitions<K, O, A>(BTreeMap<K, Vec<Entry<O, A>>>);

impl<K, O, A> Default for Partitions<K, O, A> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord, O, A> Partitions<K, O, A> {
    /// Adds an operation on the object of this key. The order does not matter.
    pub fn push(&mut self, key: K, entry: Entry<O, A>) {
        self.0.entry(key).or_default().push(entry);
    }

    /// All keys with their operations, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &[Entry<O, A>])> {
        self.0.iter().map(|(key, entries)| (key, &entries[..]))
    }

    /// Decides each object by itself, in the order of the keys.
    pub fn rulings<M>(&self, model: &M, limits: &Limits) -> Vec<(&K, &[EntryOf<M>], Ruling)>
    where
        M: Model<Operation = O, Answer = A>,
    {
        self.iter().map(|(key, entries)| (key, entries, decide(model, entries, limits))).collect()
    }
}
