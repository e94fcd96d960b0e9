//! From seeds to failures: campaigns over many seeds, the catalogue of defects, the check that runs are pure, and
//! the few decisions that a failure takes.
//!
//! Nothing here prints, reads the host's clock or knows a system.

mod campaign;
mod catalogue;
mod determinism;
mod explain;
mod failure;
mod promote;
mod shrink;
mod windows;
mod workers;

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;

pub use campaign::{Campaign, Clock, Seen, Summary, Watch};
pub use catalogue::{Catch, Hunt};
pub use determinism::{Check, Determinism, Difference, Elsewhere, Fate, Parting, Source, Way, account};
pub use explain::{Explain, Explanation, FUTURES, Nearest, Odds, Progress};
pub(crate) use explain::{causes, demand};
pub use failure::{Failure, STUCK};
pub use promote::{Grade, Promote, PromoteError, PromoteWatch, Promoted};
pub use shrink::{Shrink, ShrinkError, ShrinkWatch, Shrunk};
pub(crate) use windows::writers;
pub use windows::{Touch, Window, windows};
pub(crate) use windows::{effects, entity};
pub(crate) use workers::in_order;
