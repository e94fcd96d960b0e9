//! The scenario file and the seed file: reading, checking, finding and saving them.
//!
//! A file that is not understood to the last key is refused, with the place and the nearest right word.

mod bind;
mod checks;
mod error;
mod expect;
mod experiment;
pub(crate) mod nearest;
mod seed;
mod sheet;
mod shelf;
mod systems;

pub(crate) use checks::{check_expect, check_plan};
pub use error::{FileError, Refusal};
pub use expect::Expect;
pub(crate) use expect::HARNESS_INVARIANTS;
pub(crate) use experiment::{Bound, Title, USUAL_SEEDS};
pub use experiment::{Digest, Experiment, ResizeError};
pub use seed::{Kept, SaveError, SavedDecision, SavedSeed, SeedShelf, Signature};
pub use shelf::{Entry, ScenarioError, Shelf};
pub use systems::Systems;
