//! Simulated servers over the real protocols.

pub mod cloud;
pub mod postgres;
pub mod redis;
