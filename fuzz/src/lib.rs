//! What hostile bytes must not do to sexton: one function for each kind of reader, which takes any bytes and panics where
//! they did it.
//!
//! The fuzz targets call these, and so does `tests/it/hostile.rs`, with the corpora that are kept here and mutations of
//! them. Nothing here prints, or reads a clock or the environment: a finding is the bytes, and nothing else.

pub mod files;
pub mod http;
pub mod postgres;
pub mod redis;
mod script;
pub mod sql;
