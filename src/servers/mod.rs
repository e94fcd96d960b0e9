//! Simulated servers over the real protocols.

pub mod cloud;
pub mod cluster;
mod listener;
mod plain_http;
pub mod postgres;
pub mod redis;
mod spell;

pub use listener::Listener;
pub use spell::seconds;
