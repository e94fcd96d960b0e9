//! A Postgres: the wire protocol, and SQL over `SQLite`.

pub mod engine;
mod refusal;
mod value;

pub use refusal::Refusal;
pub use value::{Type, Value};
