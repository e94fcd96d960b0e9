//! A server on a host of a world.
