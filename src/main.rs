//! The `sexton` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    sexton::cli::main(sexton::scenario::Systems::builtin())
}
