//! Caches that the systems use.
//!
//! Here: what a process keeps in memory in front of a store, without policy. Not here: when an entry is still good, and
//! what to do when it is not; that is each system's own.

mod restorable;
mod single_flight;
#[cfg(test)]
mod tests;

pub use restorable::{Identity, Options, RestorableCache};
pub use single_flight::SingleFlight;
