//! The service as a whole outside any world, and its parts one by one.

mod locks;
mod parts;
mod whole;
