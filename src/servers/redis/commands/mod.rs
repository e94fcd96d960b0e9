//! The commands: each reads its arguments, acts on the keyspace, and writes its reply or is refused.

#![expect(clippy::unnecessary_wraps, reason = "a command may be refused, even where this one never is")]

mod call;
mod connection;
mod expiry;
mod hashes;
mod keys;
mod scan;
mod server;
mod sorted_ranges;
mod sorted_sets;
mod strings;
mod table;
mod transactions;

pub(super) use call::{Call, Outcome};
pub(super) use table::{Command, find};
