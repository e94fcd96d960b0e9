//! The data of one server and the statements that work on them: no connection, no clock, no network.
//!
//! A statement is parsed and checked by `parse` and `translate`, which turn it into SQL of the storage, an `SQLite` in
//! memory. `database` and `work` carry it out for a session; `capture` notices each row it writes, `foreign_keys` does
//! what follows from them, `locks` says who has to wait for whom, and `sessions` keeps what is not committed yet.

mod capture;
mod catalog;
mod civil;
mod commits;
mod database;
mod decoded;
mod define;
mod depth;
mod errors;
mod exchange;
mod foreign_keys;
mod functions;
mod hashtext;
mod interval;
mod kinds;
mod live;
mod locks;
mod lsn;
mod parse;
mod schema;
mod sessions;
mod settings;
mod statement;
mod stored;
mod text;
mod translate;
mod work;

#[cfg(test)]
mod tests;

pub use commits::{Commit, CommittedChanges};
pub use database::Database;
pub use decoded::{Decoded, RowChange};
pub(super) use exchange::{from_text, to_text};
pub use statement::{Answer, Column, Progress, Statement, Status};

/// A session with the database, as one connection has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);
