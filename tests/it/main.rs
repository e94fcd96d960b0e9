//! Everything that needs more than one module of the crate.

mod campaigns;
mod cases;
mod command;
mod determinism;
mod disk;
mod echo;
mod engine;
mod explain;
mod files;
mod harness;
mod hostile;
mod lamps;
mod page;
mod postgres_conformance;
mod promote;
mod promoted;
mod redis_conformance;
mod rows;
mod scenarios;
mod session;
mod shrink;
mod slots;
mod strikes;
mod switches;
mod tape;
mod tidy;
