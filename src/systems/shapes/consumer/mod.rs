//! The consumer of one shape: it makes the shape's log from transactions, and from what becomes of the shapes that it
//! depends on.

mod actor;
mod holding;
mod materializer;
mod starter;

pub(super) use actor::{Birth, ToConsumer, removes, run};
pub(super) use holding::{Dependency, RowChange, Tx};
#[cfg(test)]
pub(super) use holding::{Event, Holding};
pub(super) use materializer::{ToMaterializer, run as materialize};
