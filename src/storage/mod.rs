//! Typed clients that the systems use; they report their accesses.
//!
//! Here: key-value over the `redis` crate and rows over the `tokio-postgres` crate, on runtime streams. Not here:
//! servers (see [`crate::servers`]), and caches in front of a store (see [`crate::cache`]).

mod connection;
mod error;
mod key_value;
mod link;
mod rows;
#[cfg(test)]
mod tests;

pub use error::StorageError;
pub use key_value::{KeyValue, Options, Swap};
pub use rows::{FromSql, Row, Rows, RowsError, RowsOptions, ToSql, Touch, Transaction};
