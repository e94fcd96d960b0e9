//! What the command takes from the machine it runs on: the clock, the cores, the terminal, signals, its own binary.

use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::report::Paint;

/// A clock that starts now.
#[expect(clippy::disallowed_methods, reason = "how long a campaign takes is measured outside every world")]
pub(super) fn stopwatch() -> impl Fn() -> Duration + Sync {
    let start = Instant::now();
    move || start.elapsed()
}

/// How many runs at once, where nobody said.
#[expect(clippy::disallowed_methods, reason = "how many runs go side by side decides nothing in any of them")]
pub(super) fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Whether standard output is coloured: only on a terminal, and not where `NO_COLOR` is set.
#[expect(clippy::disallowed_methods, reason = "the command line reads the environment, and nothing below it does")]
pub(super) fn paint() -> Paint {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    Paint(std::io::stdout().is_terminal() && !unwanted && !dumb)
}

/// Sets `stop` on the first Ctrl-C, SIGTERM or SIGHUP; the second one ends the process at once.
pub(super) fn catch_signals(stop: &Arc<AtomicBool>) -> miette::Result<()> {
    let stop = Arc::clone(stop);
    ctrlc::set_handler(move || {
        if stop.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })
    .map_err(|error| miette::miette!("signals cannot be caught: {error}"))
}

/// This program's own binary, for a fresh process.
pub(super) fn binary() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|error| format!("the path of this program cannot be had: {error}"))
}

/// The words of the command line.
pub(super) fn arguments() -> Vec<std::ffi::OsString> {
    std::env::args_os().collect()
}
