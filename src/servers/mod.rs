//! Simulated servers over the real protocols.

pub mod cloud;
mod listener;
pub mod postgres;
pub mod redis;

pub use listener::Listener;
