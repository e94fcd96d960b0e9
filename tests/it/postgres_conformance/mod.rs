//! The simulated Postgres against the real one: the same statements on real sockets, and equal answers.
//!
//! The real server is a PostgreSQL 15, made and started by these tests from the binaries that are there, and gone with
//! them; without binaries they say so and pass.

mod bench;
mod compare;
mod expressions;
mod interleavings;
mod peers;
mod random;
mod real;
mod refused;
mod render;
mod schema;
mod session;
mod side;
mod steps;
mod systems;
mod templates;
mod wire;
