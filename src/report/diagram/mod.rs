//! The sequence diagram of a run, for a terminal: lanes for hosts, arrows for what went between them.
//!
//! `subject.rs` finds what the first violation is about, `scribe.rs` turns events into pieces of a diagram, `lanes.rs` gives
//! hosts their columns, `canvas.rs` is one line of cells, and `picture.rs` puts them together.

mod canvas;
mod lanes;
mod names;
mod picture;
mod piece;
mod scribe;
mod subject;
#[cfg(test)]
mod tests;

pub use picture::{Diagram, Scope};
