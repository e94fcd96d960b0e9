//! What code under test calls: the network, files, tasks, time, and the marks that let a world see inside.
//!
//! Inside a world every item reaches the simulation; outside it is plain tokio, or nothing at all for the marks.
//! The source of a service is the same in both.

pub mod fs;
mod mark;
pub mod net;
pub mod task;
pub mod time;

pub use mark::{Doing, access, activity, commit, doing, fact, host, point};

pub use crate::vocabulary::{Access, Field, Kind, Value};

/// Whether the caller runs inside a world.
#[cfg(feature = "sim")]
fn inside() -> bool {
    crate::world::World::with(|_| ()).is_some()
}
