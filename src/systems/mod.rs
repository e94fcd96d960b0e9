//! The five systems, one folder each, all of the same shape.

mod choices;
pub mod reconciler;
pub mod sandbox;
pub mod session;
pub mod shapes;
pub mod sweeper;
