//! Rows in a Postgres, over the `tokio-postgres` crate: a small pool of connections, statements that say what shared
//! state they are about, and transactions.

mod connection;
mod error;
mod parameters;
mod pool;
mod report;
mod statements;
#[cfg(test)]
mod tests;
mod transaction;

pub use error::RowsError;
pub use pool::RowsOptions;
pub use report::Touch;
pub use statements::Rows;
pub use tokio_postgres::Row;
pub use tokio_postgres::types::{FromSql, ToSql};
pub use transaction::Transaction;
