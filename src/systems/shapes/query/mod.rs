//! What a shape is made of: rows of a table that meet a condition, over a schema of four levels with tags.
//!
//! The schema, the conditions and the eight kinds of change are those of the upstream property test. A condition may ask
//! whether a value is among those of a subquery, which is a query of its own, and may ask again.
//!
//! | file | what lives there |
//! |---|---|
//! | [`schema`] | tables, columns, rows, and what is there from the start |
//! | [`clause`] | conditions: how they are written, and which rows meet them |
//! | `parse` | conditions read back from SQL |
//! | `draw` | conditions and changes that the tape decides |
//! | [`mutation`] | changes: as words, and as statements |
//! | [`tables`] | all rows at one moment, and what a query selects of them |

pub mod clause;
mod draw;
pub mod mutation;
mod parse;
pub mod schema;
pub mod tables;
#[cfg(test)]
mod tests;

pub use clause::{Clause, Comparison, Query, Subquery};
pub use mutation::{Mutation, Place};
pub use schema::{Column, Row, SCHEMA, Sizes, Table};
pub use tables::Tables;
