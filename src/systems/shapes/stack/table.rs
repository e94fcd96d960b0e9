//! The table of handles that requests look into: it is there for as long as its owner is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::runtime::time::Instant;
use crate::systems::shapes::actors::{Context, Mail, Reason};
use crate::systems::shapes::stack::Stack;
use crate::systems::shapes::store::{Handle, Record};

/// There is no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no table of shapes")]
pub(crate) struct NoTable;

/// What the table says of a handle.
#[derive(Clone, Debug)]
struct Entry {
    /// The query, as written.
    query: Arc<str>,
    /// The shapes that it depends on.
    dependencies: Vec<Handle>,
    /// When it was last asked for.
    read: Instant,
}

type Table = BTreeMap<Handle, Entry>;

/// Where the table is, when there is one.
#[derive(Default)]
pub(crate) struct Tables(Mutex<Option<Table>>);

impl Tables {
    /// What it says of a handle; it is asked for now.
    pub(crate) fn look_up(&self, handle: &str) -> Result<Option<Arc<str>>, NoTable> {
        self.within(|table| {
            table.get_mut(handle).map(|entry| {
                entry.read = Instant::now();
                entry.query.clone()
            })
        })
    }

    /// The handle of a query.
    pub(crate) fn handle_of(&self, query: &str) -> Result<Option<Handle>, NoTable> {
        self.within(|table| table.iter().find(|(_, entry)| *entry.query == *query).map(|(handle, _)| handle.clone()))
    }

    /// Puts a shape in.
    pub(super) fn insert(&self, record: &Record) -> Result<(), NoTable> {
        self.within(|table| drop(table.insert(record.handle.clone(), entry(record))))
    }

    /// Takes a shape out.
    pub(super) fn remove(&self, handle: &str) -> Result<bool, NoTable> {
        self.within(|table| table.remove(handle).is_some())
    }

    /// What is in it is this from now on, and nothing else.
    pub(super) fn refill<'a>(&self, records: impl IntoIterator<Item = &'a Record>) -> Result<(), NoTable> {
        let all = fill(records);
        self.within(|table| *table = all)
    }

    /// The handles.
    pub(crate) fn handles(&self) -> Result<Vec<Handle>, NoTable> {
        self.within(|table| table.keys().cloned().collect())
    }

    /// The shapes that nobody has asked for in so long, and that no other depends on.
    pub(super) fn idle(&self, limit: Duration) -> Result<Vec<Handle>, NoTable> {
        self.within(|table| {
            let needed = |handle: &Handle| table.values().any(|entry| entry.dependencies.contains(handle));
            let idle = table.iter().filter(|(handle, entry)| entry.read.elapsed() >= limit && !needed(handle));
            idle.map(|(handle, _)| handle.clone()).collect()
        })
    }

    fn within<T>(&self, act: impl FnOnce(&mut Table) -> T) -> Result<T, NoTable> {
        self.lock().as_mut().map(act).ok_or(NoTable)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Table>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fill<'a>(records: impl IntoIterator<Item = &'a Record>) -> Table {
    let kept = records.into_iter().filter(|record| !record.removing);
    kept.map(|record| (record.handle.clone(), entry(record))).collect()
}

fn entry(record: &Record) -> Entry {
    Entry { query: record.query.clone(), dependencies: record.dependencies.clone(), read: Instant::now() }
}

/// What the owner of the table is told.
pub(super) enum ToOwner {}

/// Owns the table, with these shapes in it, until it is told to end.
pub(super) async fn own(mut context: Context<ToOwner>, stack: Arc<Stack>, records: Vec<Record>) -> Reason {
    struct Owned(Arc<Stack>);
    impl Drop for Owned {
        fn drop(&mut self) {
            *self.0.table.lock() = None;
        }
    }
    *stack.table.lock() = Some(fill(&records));
    let _owned = Owned(stack);
    loop {
        match context.next().await {
            Mail::Letter(never) => match never {},
            Mail::Exit(..) | Mail::Down(..) => {}
        }
    }
}
