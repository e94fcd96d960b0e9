//! Actors: tasks with a mailbox, which end for a reason that others hear of.
//!
//! As in Erlang: an actor that is linked to another ends when that does, unless it traps exits, and then it finds a notice in its
//! mailbox; one that monitors another finds a notice too. A kill cannot be trapped. Signals take their time, and those of
//! different senders come in any order. Nothing here knows shapes.

mod address;
mod context;
mod process;
mod reason;
#[cfg(test)]
mod tests;

pub(crate) use address::{Address, Reply};
pub(crate) use context::{Context, Mail};
pub(crate) use process::{Actors, Pid, Start};
pub(crate) use reason::Reason;
