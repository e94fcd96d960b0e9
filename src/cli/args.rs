//! What may be written on the command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::ground::Ground;
use super::pictures::Pictures;
use crate::search::FUTURES;

/// Deterministic simulation testing for code that decides what is alive.
#[derive(Debug, Parser)]
#[command(
    name = "sexton",
    version,
    after_help = "SCENARIO is a name as `list` prints it, a file, or a prefix such as `session`.\n\
                  Exit status: 0 as expected, 1 not as expected, 2 unusable input, 3 nondeterminism."
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    /// Where scenarios are
    #[arg(long, global = true, default_value = "scenarios", value_name = "DIR")]
    pub(super) dir: PathBuf,
    /// Where seeds of failures are saved
    #[arg(long, global = true, default_value = "seeds", value_name = "DIR")]
    pub(super) saved: PathBuf,
    #[command(flatten)]
    pub(super) ground: Ground,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Systems, scenarios, defects, saved seeds
    List,
    /// One run and its story
    Run(Run),
    /// A campaign: many seeds of each scenario; without any, of all that expect to hold
    Fuzz(Fuzz),
    /// Saved failures must end as recorded, fingerprint included
    Replay(Replay),
    /// The same failure from the fewest decisions
    Shrink(Shrink),
    /// Why a saved failure fails, and when there was no way out any more
    Explain(Explain),
    /// A saved failure as a scripted scenario that fails in the same way, ready to commit
    Promote(Promote),
    /// Re-introduce each defect: it must be caught, and the hardened form must hold beside it
    Catalogue(Catalogue),
    /// Each seed twice here and once in a fresh process: all must be equal
    Determinism(Determinism),
    /// Answer another process: fingerprints, or all events, of the runs that standard input names
    #[command(hide = true)]
    Fingerprints(Fingerprints),
}

#[derive(Debug, Args)]
pub(super) struct Run {
    /// The scenario
    pub(super) scenario: String,
    /// The seed
    #[arg(long)]
    pub(super) seed: u64,
    /// Tell everything: accesses, commits, facts, points, messages, all logs
    #[arg(long)]
    pub(super) trace: bool,
    #[command(flatten)]
    pub(super) pictures: Pictures,
}

#[derive(Debug, Args)]
pub(super) struct Seeds {
    /// The first seed
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    pub(super) from: u64,
    /// How many runs at once [default: one for each core]
    #[arg(long, value_name = "N")]
    pub(super) jobs: Option<NonZeroUsize>,
    /// Write what the table says for machines
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Fuzz {
    /// The scenarios; a prefix stands for those below it that are to hold
    #[arg(value_name = "SCENARIO")]
    pub(super) scenarios: Vec<String>,
    /// How many seeds of each scenario; without it, as many as each asks for in its file, or 200
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) seeds: Option<u64>,
    /// How long in all, for example `10m`, instead of how many
    #[arg(long = "for", value_name = "TIME", conflicts_with = "seeds", value_parser = humantime::parse_duration)]
    pub(super) time: Option<Duration>,
    #[command(flatten)]
    pub(super) common: Seeds,
    /// Write the campaign as `JUnit` XML
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// Save no seeds of failures
    #[arg(long)]
    pub(super) no_save: bool,
}

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The seed files, or folders of them; without any, all that are saved
    #[arg(value_name = "SEEDFILE")]
    pub(super) files: Vec<PathBuf>,
    /// The same failure on another way, because the code has changed since, is not as expected either
    #[arg(long)]
    pub(super) exact: bool,
    #[command(flatten)]
    pub(super) pictures: Pictures,
}

#[derive(Debug, Args)]
pub(super) struct Shrink {
    /// The seed files
    #[arg(value_name = "SEEDFILE", required = true)]
    pub(super) files: Vec<PathBuf>,
    /// Where the result goes [default: beside the seed file, as NAME.min.toml]
    #[arg(long, value_name = "FILE", conflicts_with = "in_place")]
    pub(super) out: Option<PathBuf>,
    /// Replace the seed file
    #[arg(long)]
    pub(super) in_place: bool,
    /// How long for each file, for example `1m`; then the best so far is taken
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(super) time: Option<Duration>,
    /// How many runs at once [default: one for each core]
    #[arg(long, value_name = "N")]
    pub(super) jobs: Option<NonZeroUsize>,
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The seed file; one that is not shrunk yet is shrunk first
    #[arg(value_name = "SEEDFILE")]
    pub(super) file: PathBuf,
    /// How many futures to draw from each step of the run
    #[arg(long, default_value_t = FUTURES, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) futures: u64,
    /// How many runs at once [default: one for each core]
    #[arg(long, value_name = "N")]
    pub(super) jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(super) pictures: Pictures,
}

#[derive(Debug, Args)]
pub(super) struct Promote {
    /// The seed file; one that is not shrunk yet is shrunk first
    #[arg(value_name = "SEEDFILE")]
    pub(super) file: PathBuf,
    /// Where the result goes [default: among the scenarios, as SYSTEM/promoted-NAME.toml]; with --test, where the test goes
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// Print a Rust test too: one that plays the scenario's file, or `plan`, one that has the whole script in itself
    #[arg(long, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "file")]
    pub(super) test: Option<TestForm>,
    /// Write over a file that is there
    #[arg(long)]
    pub(super) force: bool,
    /// From how many seeds it must fail, and hold in the hardened form
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) seeds: u64,
    /// How many runs at once [default: one for each core]
    #[arg(long, value_name = "N")]
    pub(super) jobs: Option<NonZeroUsize>,
}

/// What kind of Rust test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TestForm {
    /// It plays the scenario's file
    File,
    /// It has the whole script in itself, for a system that no file describes
    Plan,
}

#[derive(Debug, Args)]
pub(super) struct Catalogue {
    /// The defects, by id or scenario; without any, all of them
    #[arg(value_name = "DEFECT")]
    pub(super) defects: Vec<String>,
    /// Only the defects of this system; may be given again for another
    #[arg(long = "system", value_name = "NAME")]
    pub(super) systems: Vec<String>,
    /// How many seeds at most for each defect
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) seeds: u64,
    /// How many seeds of the hardened form at least
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) hardened: u64,
    #[command(flatten)]
    pub(super) common: Seeds,
}

#[derive(Debug, Args)]
pub(super) struct Determinism {
    /// The scenarios; without any, all of them
    #[arg(value_name = "SCENARIO")]
    pub(super) scenarios: Vec<String>,
    /// How many seeds in all; the scenarios take them in turn
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) seeds: u64,
    /// Another build of this program to compare with; a release has cargo make a debug build without it
    #[arg(long, value_name = "BINARY")]
    pub(super) other_build: Option<PathBuf>,
    #[command(flatten)]
    pub(super) common: Seeds,
}

#[derive(Debug, Args)]
pub(super) struct Fingerprints {
    /// All events instead of fingerprints
    #[arg(long)]
    pub(super) events: bool,
    /// How many runs at once
    #[arg(long)]
    pub(super) jobs: NonZeroUsize,
}
