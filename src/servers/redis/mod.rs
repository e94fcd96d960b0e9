//! A simulated Redis host: the real protocol, the real error texts, and faults that a real one has.
//!
//! From the bottom up: `numbers`, `glob`, `value` and `keyspace` are pure; `request` and `reply` are the wire; `dispatch`
//! and `commands` are one command from its arguments to its reply; `journal` is what a crash or a fail-over takes back;
//! `host` alone knows clocks, tasks and the network.
//!
//! It answers as Redis 7.0.15 does, which `tests/it/redis_conformance.rs` holds it to. Left out: lists, sets, streams,
//! scripts, publish and subscribe, blocking commands, replication as a protocol, memory limits (eviction is a fault that
//! is asked for, see [`Redis::evict`]). `CLIENT SETINFO`, which is younger, is accepted because client libraries send it.

mod commands;
mod dispatch;
mod glob;
mod host;
mod journal;
mod keyspace;
mod numbers;
mod reply;
mod request;
mod session;
mod sorted_set;
#[cfg(test)]
mod tests;
mod value;

pub use super::Listener;
pub use host::{Options, Persistence, Redis};
