//! The two round trips of a transaction: look and watch, then write if nothing was touched.

use redis::{Pipeline, Value};

use super::StorageError;
use super::connection::Connection;
use super::key_value::unexpected;
use super::optimistic::{Change, Found, Look};

/// Looks, and watches these keys alone: a transaction that wrote nothing left its watch, as ending it there and then would
/// have cost a round trip.
pub(super) async fn watch(
    connection: &Connection,
    watched: &[&str],
    looks: &[Look<'_>],
) -> Result<Vec<Found>, StorageError> {
    let mut look = Pipeline::with_capacity(2 + looks.len());
    look.cmd("UNWATCH");
    if !watched.is_empty() {
        look.cmd("WATCH").arg(watched);
    }
    for wanted in looks {
        look.add_command(wanted.command());
    }
    let mut replies = connection.commands(&look).await?.into_iter();
    for _ in 0..look.cmd_iter().count() - looks.len() {
        match replies.next() {
            Some(Value::Okay) => {}
            other => return Err(unexpected(&other.unwrap_or(Value::Nil))),
        }
    }
    let found: Vec<Found> =
        looks.iter().zip(replies).map(|(look, reply)| look.read(reply)).collect::<Result<_, _>>()?;
    if found.len() == looks.len() { Ok(found) } else { Err(short(found.len(), looks.len())) }
}

/// Whether the transaction was carried out; false: a watched key was touched first.
pub(super) async fn commit(connection: &Connection, changes: &[Change<'_>]) -> Result<bool, StorageError> {
    let mut transaction = Pipeline::with_capacity(2 + changes.len());
    transaction.cmd("MULTI");
    for change in changes {
        transaction.add_command(change.command());
    }
    transaction.cmd("EXEC");
    match connection.commands(&transaction).await?.pop() {
        Some(Value::Nil) => Ok(false),
        Some(Value::Array(done)) if done.len() == changes.len() => {
            match done.iter().find(|reply| matches!(reply, Value::ServerError(_))) {
                Some(Value::ServerError(error)) => Err(StorageError::Refused(error.to_string())),
                _ => Ok(true),
            }
        }
        Some(Value::Array(done)) => Err(short(done.len(), changes.len())),
        other => Err(unexpected(&other.unwrap_or(Value::Nil))),
    }
}

fn short(got: usize, due: usize) -> StorageError {
    StorageError::Corrupt(format!("{got} replies where {due} were due"))
}
