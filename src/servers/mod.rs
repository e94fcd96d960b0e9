//! Simulated servers over the real protocols.
