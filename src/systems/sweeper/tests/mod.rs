//! Tests of the parts, and of the whole outside of any world.

mod parts;
mod whole;
