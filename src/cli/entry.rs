//! From the words of a command line to one of its commands.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;

use super::args::{Cli, Command};
use super::screen::Screen;
use super::{catalogue, determinism, fuzz, list, outside, replay, run};
use crate::report::Again;
use crate::scenario::{Experiment, ScenarioError, SeedShelf, Shelf, Systems};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    AsExpected = 0,
    NotAsExpected = 1,
    Unusable = 2,
    Nondeterministic = 3,
}

/// What every command works with.
pub(super) struct Desk {
    pub(super) systems: Systems,
    pub(super) scenarios: Shelf,
    pub(super) seeds: SeedShelf,
    pub(super) again: Again,
    pub(super) screen: Screen,
    pub(super) cli: Cli,
}

/// The whole command, for scenario files that name these systems. Reads the arguments of the process.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     sexton::cli::main(sexton::scenario::Systems::builtin())
/// }
/// ```
pub fn main(systems: Systems) -> ExitCode {
    let words = outside::arguments();
    let program =
        words.first().and_then(|word| Path::new(word).file_stem()).map(|stem| stem.to_string_lossy().into_owned());
    let cli = Cli::parse_from(words);
    let mut options = Vec::new();
    for (name, value, default) in [("--dir", &cli.dir, "scenarios"), ("--saved", &cli.saved, "seeds")] {
        if value != Path::new(default) {
            options.extend([name.to_owned(), value.display().to_string()]);
        }
    }
    let desk = Desk {
        scenarios: Shelf::new(&cli.dir, systems.clone()),
        seeds: SeedShelf::new(&cli.saved),
        again: Again::new(program.unwrap_or_else(|| "sexton".into()), &options),
        screen: Screen { paint: outside::paint() },
        systems,
        cli,
    };
    let done = match &desk.cli.command {
        Command::List => list::list(&desk),
        Command::Run(args) => run::run(&desk, args),
        Command::Fuzz(args) => fuzz::fuzz(&desk, args),
        Command::Replay(args) => replay::replay(&desk, args),
        Command::Catalogue(args) => catalogue::catalogue(&desk, args),
        Command::Determinism(args) => determinism::determinism(&desk, args),
        Command::Fingerprints(args) => determinism::fingerprints(&desk, args),
    };
    let status = done.unwrap_or_else(|error| {
        desk.screen.complain(&*error);
        Status::Unusable
    });
    ExitCode::from(status as u8)
}

impl Desk {
    /// Every scenario that these words name, once, in their order; without words, every scenario there is.
    pub(super) fn select(&self, words: &[String]) -> Result<Vec<Arc<dyn Experiment>>, ScenarioError> {
        if words.is_empty() {
            return self.scenarios.entries()?.iter().map(|entry| self.scenarios.load(entry)).collect();
        }
        let mut chosen: Vec<Arc<dyn Experiment>> = Vec::new();
        for word in words {
            for experiment in self.scenarios.find(word)? {
                if chosen.iter().all(|known| known.name() != experiment.name()) {
                    chosen.push(experiment);
                }
            }
        }
        Ok(chosen)
    }

    /// What to say when there is nothing to do.
    pub(super) fn nothing(&self, what: &str) -> miette::Report {
        let below = self.cli.dir.display();
        miette::miette!(help = "name another directory with --dir, or see `list`", "there is no {what} below `{below}`")
    }
}
