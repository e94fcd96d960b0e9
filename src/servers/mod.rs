//! Simulated servers over the real protocols.

mod listener;
pub mod postgres;
pub mod redis;

pub use listener::Listener;
