//! The five systems, one folder each, all of the same shape.

mod choices;
mod hosts;
pub mod reconciler;
pub mod sandbox;
pub mod session;
pub mod shapes;
mod sizes;
pub mod sweeper;
