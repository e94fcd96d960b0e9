//! Simulated servers over the real protocols.

pub mod postgres;
pub mod redis;
