//! The `sexton` command: the only place that prints, reads the environment or looks at the host's clock.
//!
//! [`main`] takes the systems that scenario files may name, so that a stranger's binary has the whole command for its
//! own systems.

mod args;
mod catalogue;
#[cfg(test)]
mod changes;
mod determinism;
mod entry;
mod explain;
mod fuzz;
mod ground;
mod list;
mod outside;
mod pictures;
mod promote;
mod replay;
mod run;
mod screen;
mod shrink;
#[cfg(test)]
mod tests;

pub use entry::main;
