//! The scenario file and the seed file: reading, checking, finding and saving them.
//!
//! A file that is not understood to the last key is refused, with the place and the nearest right word.

mod bind;
mod error;
mod expect;
mod experiment;
mod faults;
pub(crate) mod nearest;
mod seed;
mod sheet;
mod shelf;
mod systems;

pub use error::{FileError, Refusal};
pub use expect::Expect;
pub use experiment::{Digest, Experiment};
pub use seed::{Kept, SaveError, SavedDecision, SavedSeed, SeedShelf, Signature};
pub use shelf::{Entry, ScenarioError, Shelf};
pub use systems::Systems;
