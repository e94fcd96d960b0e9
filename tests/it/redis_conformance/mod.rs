//! The simulated Redis against the real one: the same requests on real sockets, and equal replies.
//!
//! The real server is the `redis-server` on the path, of version 7.0; without it these tests say so and pass.

mod commands;
mod compare;
mod malformed;
mod peers;
mod random;
mod scripted;
mod wire;
