//! Invariants that any system can use, and what invariants are made of.
//!
//! | item | what it is for |
//! |---|---|
//! | [`Timeline`] | what a store held under a key, when, and why it changed: ground truth for every other claim |
//! | [`Quiet`] | when nothing was disturbed, so that a delay or a refusal has no excuse |
//! | [`Moment`] | a place in a history; two events of the same instant still have an order |
//! | [`Absorbing`] | a state of a stored value that is never left |
//! | [`Check`] | a demand on what the oracles of a system read off a history once; [`invariants`] makes them invariants |
//! | [`Answered`] | every operation gets an outcome within a bound |
//! | [`linearizability`] | whether operations that overlapped can be put in an order that a sequential model explains |
//!
//! All of them read histories only. None knows a system, or how one is configured.

mod absorbing;
mod answered;
#[cfg(test)]
pub(crate) mod case;
mod checks;
pub mod linearizability;
mod quiet;
#[cfg(test)]
pub(crate) mod story;
mod timeline;

pub use absorbing::Absorbing;
pub use answered::Answered;
pub use checks::{Check, invariants};
pub use quiet::Quiet;
pub use timeline::{Moment, Timeline, Timelines, Version};
