//! The five systems, one folder each, all of the same shape.

mod choices;
pub mod sandbox;
pub mod session;
