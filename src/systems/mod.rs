//! The five systems, one folder each, all of the same shape.

pub mod reconciler;
pub mod session;
