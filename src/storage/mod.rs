//! Typed clients that the systems use; they report their accesses.
//!
//! Here: key-value over the `redis` crate and rows over the `tokio-postgres` crate, and what a replication
//! slot tells, on runtime streams. Not here:
//! servers (see [`crate::servers`]), and caches in front of a store (see [`crate::cache`]).

mod connection;
mod error;
mod key_value;
mod link;
mod optimistic;
mod rows;
mod slot;
#[cfg(test)]
mod tests;
mod transaction;

pub use error::StorageError;
pub use key_value::{KeyValue, Options, Swap};
pub use optimistic::{Change, Decision, Found, Look};
pub use rows::{FromSql, Row, Rows, RowsError, RowsOptions, ToSql, Touch, Transaction};
pub use slot::{Slot, SlotChange, SlotError, SlotEvent, SlotOp, SlotTransaction};
