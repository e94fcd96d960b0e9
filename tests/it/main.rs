//! Everything that needs more than one module of the crate.

mod engine;
mod tape;
