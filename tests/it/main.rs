//! Everything that needs more than one module of the crate.

mod echo;
mod engine;
mod harness;
mod tape;
mod tidy;
