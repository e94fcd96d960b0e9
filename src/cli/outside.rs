//! What the command takes from the machine it runs on: the clock, the cores, the terminal, signals, its own binary.

use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
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

/// A signal so soon after another is the same one: `timeout` sends its to a process and to the group it is in.
const SAME: Duration = Duration::from_millis(500);

/// Sets `stop` on the first Ctrl-C, SIGTERM or SIGHUP; another one after that ends the process at once.
pub(super) fn catch_signals(stop: &Arc<AtomicBool>) -> miette::Result<()> {
    let stop = Arc::clone(stop);
    let clock = stopwatch();
    let mut first = None;
    ctrlc::set_handler(move || {
        stop.store(true, Ordering::Relaxed);
        if clock().saturating_sub(*first.get_or_insert_with(&clock)) > SAME {
            std::process::exit(130);
        }
    })
    .map_err(|error| miette::miette!("signals cannot be caught: {error}"))
}

/// This program's own binary, for a fresh process.
pub(super) fn binary() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|error| format!("the path of this program cannot be had: {error}"))
}

/// The binary of this program's debug build, for a release, made up to date by cargo.
///
/// # Errors
/// Says why it cannot be had: this binary is no release where cargo puts it, or cargo cannot make the other.
pub(super) fn other_build(own: &Path) -> Result<PathBuf, String> {
    let place = || {
        let (name, profile) = (own.file_name()?, own.parent()?);
        let target = profile.parent()?;
        let root = target.parent().filter(|root| root.join("Cargo.toml").is_file())?;
        Some((name, profile.file_name()?.to_str()?, target, root))
    };
    let elsewhere =
        || format!("{} is not in the target directory of its package; --other-build names one", own.display());
    let (name, profile, target, root) = place().ok_or_else(elsewhere)?;
    match profile {
        "release" => {}
        "debug" => return Err("a release build takes long; make one, and name it with --other-build".into()),
        _ => return Err(elsewhere()),
    }
    let made = Command::new("cargo")
        .args(["build", "--quiet", "--bin"])
        .arg(name)
        .arg("--target-dir")
        .arg(target)
        .current_dir(root)
        .stdout(Stdio::null())
        .status();
    match made {
        Ok(status) if status.success() => Ok(target.join("debug").join(name)),
        Ok(status) => Err(format!("cargo could not make the debug build: {status}")),
        Err(error) => Err(format!("cargo cannot be started: {error}")),
    }
}

/// The words of the command line.
pub(super) fn arguments() -> Vec<std::ffi::OsString> {
    std::env::args_os().collect()
}
