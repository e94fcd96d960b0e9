//! A simulated Postgres host: the real protocol to any client, the SQL that systems ship, and faults that a real one has.
//!
//! From the bottom up: `value` and `refusal` are what the parts speak of among each other; `engine` is data and statements
//! without connections, clocks and network; `wire` is the protocol without what it is about; `settings`, `portal`, `running`
//! and `session` are one connection; `waiting` is a statement that waits for a lock; `backends` knows
//! all connections; `slots` keeps what is committed for those who follow it, and `streaming` is how they are told; `host` and `conversation` alone know
//! clocks, tasks and the network; `faults` is what the host suffers, by name.

mod backends;
mod conversation;
pub mod engine;
mod faults;
mod host;
mod portal;
mod refusal;
mod replica;
mod running;
mod session;
mod settings;
mod slots;
mod streaming;
#[cfg(test)]
mod tests;
mod value;
mod waiting;
mod wire;

pub use faults::FAULTS;
pub use host::{Options, Postgres};
pub use refusal::Refusal;
pub use replica::Replica;
pub use value::{Type, Value};
