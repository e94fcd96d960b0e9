//! S4: shapes.
pub mod query;
