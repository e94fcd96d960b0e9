//! From the words of a command line to one of its commands.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Parser;

use super::args::{Cli, Command};
use super::screen::Screen;
use super::{catalogue, determinism, explain, fuzz, list, outside, promote, replay, run, shrink};
use crate::report::Again;
use crate::scenario::{Experiment, SavedSeed, ScenarioError, SeedShelf, Shelf, Systems};
use crate::search::ShrinkError;
use crate::world::not_guaranteed;

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
    /// Set from outside to end early.
    pub(super) stop: Arc<AtomicBool>,
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
    let program = words.first().and_then(|word| Path::new(word).file_stem());
    let program = program.map_or_else(|| "sexton".into(), |stem| stem.to_string_lossy().into_owned());
    let screen = Screen::new(outside::paint(), Box::new(std::io::stdout()), Box::new(std::io::stderr()));
    let desk = Desk::new(systems, Cli::parse_from(words), &program, screen);
    let caught = if desk.is_long() { outside::catch_signals(&desk.stop) } else { Ok(()) };
    let status = caught.map_or_else(|error| desk.give_up(&error), |()| desk.obey());
    ExitCode::from(status as u8)
}

impl Desk {
    /// A desk for one command; `program` is what lines that reproduce something start with.
    pub(super) fn new(systems: Systems, cli: Cli, program: &str, screen: Screen) -> Self {
        let mut options = Vec::new();
        for (name, value, default) in [("--dir", &cli.dir, "scenarios"), ("--saved", &cli.saved, "seeds")] {
            if value != Path::new(default) {
                options.extend([name.to_owned(), value.display().to_string()]);
            }
        }
        options.extend(cli.ground.options());
        Self {
            scenarios: Shelf::new(&cli.dir, systems.clone()),
            seeds: SeedShelf::new(&cli.saved),
            again: Again::new(program, &options),
            stop: Arc::default(),
            screen,
            systems,
            cli,
        }
    }

    /// Whether the command runs long enough that Ctrl-C should end it cleanly.
    fn is_long(&self) -> bool {
        matches!(
            self.cli.command,
            Command::Fuzz(_)
                | Command::Catalogue(_)
                | Command::Determinism(_)
                | Command::Replay(_)
                | Command::Shrink(_)
                | Command::Explain(_)
                | Command::Promote(_)
        )
    }

    /// Does what the command line says.
    pub(super) fn obey(&self) -> Status {
        if let Some(refused) = self.cli.ground.refused(&self.cli.command) {
            return self.give_up(&refused);
        }
        if !matches!(self.cli.command, Command::List | Command::Fingerprints(_)) {
            for missing in not_guaranteed() {
                self.screen.warn(missing);
            }
        }
        let done = match &self.cli.command {
            Command::List => list::list(self),
            Command::Run(args) => run::run(self, args),
            Command::Fuzz(args) => fuzz::fuzz(self, args),
            Command::Replay(args) => replay::replay(self, args),
            Command::Shrink(args) => shrink::shrink(self, args),
            Command::Explain(args) => explain::explain(self, args),
            Command::Promote(args) => promote::promote(self, args),
            Command::Catalogue(args) => catalogue::catalogue(self, args),
            Command::Determinism(args) => determinism::determinism(self, args),
            Command::Fingerprints(args) => determinism::fingerprints(self, args),
        };
        done.unwrap_or_else(|error| self.give_up(&error))
    }

    fn give_up(&self, error: &miette::Report) -> Status {
        self.screen.complain(&**error);
        match error.downcast_ref() {
            Some(ShrinkError::Mended { .. }) => Status::NotAsExpected,
            Some(ShrinkError::Elusive { .. }) => Status::Nondeterministic,
            _ => Status::Unusable,
        }
    }

    /// The scenario of this name, on the engine that is asked for.
    pub(super) fn one(&self, name: &str) -> miette::Result<Arc<dyn Experiment>> {
        self.cli.ground.put(self.scenarios.find_one(name)?).map_err(|why| miette::miette!("{why}"))
    }

    /// These on the engine that is asked for. What cannot be had there is left out, and said to be.
    pub(super) fn put(&self, experiments: Vec<Arc<dyn Experiment>>) -> Vec<Arc<dyn Experiment>> {
        let put = |experiment| self.cli.ground.put(experiment).map_err(|why| self.screen.warn(&why)).ok();
        experiments.into_iter().filter_map(put).collect()
    }

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

    /// A seed file, and the scenario that it was found in.
    pub(super) fn read_seed(&self, file: &Path) -> Result<(SavedSeed, Arc<dyn Experiment>), ScenarioError> {
        let names: Vec<String> = self.scenarios.entries()?.into_iter().map(|entry| entry.name).collect();
        let saved = SavedSeed::read(file, Some(&names))?;
        let experiment = self.scenarios.find_one(&saved.scenario)?;
        Ok((saved, experiment))
    }

    /// What to say when there is nothing to do.
    pub(super) fn nothing(&self, what: &str) -> miette::Report {
        let below = self.cli.dir.display();
        miette::miette!(help = "name another directory with --dir, or see `list`", "there is no {what} below `{below}`")
    }
}
