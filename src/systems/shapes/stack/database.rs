//! The durable store of handles, which one part of the stack at a time may change.

use std::io;
use std::sync::Arc;

use super::Stack;
use crate::systems::shapes::actors::{Context, Mail, Reason, Reply};
use crate::systems::shapes::store::{Handle, Journal, Record};

/// What the store is told; errors are those of its file.
pub(super) enum ToDatabase {
    /// There is a shape more.
    Add(Record, Reply<io::Result<()>>),
    /// Shapes are to be removed.
    Intend(Vec<Handle>, Reply<io::Result<()>>),
    /// A shape is no more. False: there was none.
    Remove(Handle, Reply<io::Result<bool>>),
    /// Which shapes there are.
    All(Reply<Vec<Record>>),
    /// Another stack may have written since.
    Reload(Reply<io::Result<()>>),
}

/// Keeps the store until it is told to end; what it is about to write is written first.
pub(super) async fn keep(mut context: Context<ToDatabase>, stack: Arc<Stack>) -> Reason {
    let mut journal = match Journal::open(&stack.directory).await {
        Ok(journal) => journal,
        Err(error) => return Reason::failed(error),
    };
    loop {
        match context.next().await {
            Mail::Letter(ToDatabase::Add(record, reply)) => reply.send(journal.add(record).await),
            Mail::Letter(ToDatabase::Intend(handles, reply)) => reply.send(journal.intend(handles).await),
            Mail::Letter(ToDatabase::Remove(handle, reply)) => reply.send(journal.remove(&handle).await),
            Mail::Letter(ToDatabase::All(reply)) => reply.send(journal.records().values().cloned().collect()),
            Mail::Letter(ToDatabase::Reload(reply)) => reply.send(match Journal::open(&stack.directory).await {
                Ok(opened) => {
                    journal = opened;
                    journal.settle().await
                }
                Err(error) => Err(error),
            }),
            Mail::Exit(from, reason) if context.is_parent(from) => return reason,
            Mail::Exit(..) | Mail::Down(..) => {}
        }
    }
}
