//! What is kept of shapes: which there are, their snapshots, and their logs.

mod files;
mod journal;
mod log;

pub(super) use files::{Files, Snapshot, Stored, line};
pub(super) use journal::{Journal, Record};
pub(super) use log::{Log, Logged, Read, Transaction};

/// The handle of a shape: what clients know it by.
pub(super) type Handle = std::sync::Arc<str>;
