//! Simulated servers over the real protocols.

pub mod redis;
