//! The `sexton` command.

use std::process::ExitCode;

/// A campaign allocates and frees small things on many threads, which is what this allocator is good at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    sexton::cli::main(sexton::scenario::Systems::builtin())
}
