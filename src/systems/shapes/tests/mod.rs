//! Tests of the parts, and of the whole outside of any world.

mod holding;
mod parts;
mod store;
mod whole;
