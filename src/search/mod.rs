//! From seeds to failures: campaigns over many seeds, the catalogue of defects, and the check that runs are pure.
//!
//! Nothing here prints, reads the host's clock or knows a system.

mod campaign;
mod catalogue;
mod determinism;
mod failure;
mod windows;
mod workers;

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;

pub use campaign::{Campaign, Clock, Seen, Summary, Watch};
pub use catalogue::{Catch, Hunt};
pub use determinism::{Check, Determinism, Difference, Elsewhere, events};
pub use failure::{Failure, STUCK};
pub use windows::{Touch, Window, windows};
pub(crate) use windows::{effects, entity};
pub(crate) use workers::in_order;
