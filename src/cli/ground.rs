//! Which engine runs are made on.

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::args::Command;
use crate::harness::{Engine, Plan};
use crate::scenario::Experiment;

/// How many ticks of a run are too many, where nobody has said how long a tick is.
const TOO_MANY: u128 = 250_000;

/// The engine.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Ground {
    /// What runs are made on (`run`, `fuzz`, `catalogue` and `determinism`)
    #[arg(long, global = true, value_name = "ENGINE", default_value = "events")]
    engine: Named,
    /// How long a tick of turmoil's is, in whole milliseconds [default: by the length of a run, 1ms to 250ms]
    #[arg(long, global = true, value_name = "TIME", value_parser = tick)]
    tick: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Named {
    /// A queue of events of sexton's own
    Events,
    /// Turmoil's network, clock and hosts
    Turmoil,
}

fn tick(text: &str) -> Result<Duration, String> {
    let tick = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if Engine::is_tick(tick) { Ok(tick) } else { Err("a tick is a number of whole milliseconds, such as 5ms".into()) }
}

impl Ground {
    /// Whether runs are made on sexton's own engine, of which failures are saved.
    pub(super) fn is_own(self) -> bool {
        self.engine == Named::Events
    }

    /// What lines need that make a run again.
    pub(super) fn options(self) -> Vec<String> {
        let mut options = Vec::new();
        if !self.is_own() {
            options.extend(["--engine".to_owned(), "turmoil".to_owned()]);
        }
        if let Some(tick) = self.tick {
            options.extend(["--tick".to_owned(), humantime::format_duration(tick).to_string().replace(' ', "")]);
        }
        options
    }

    /// What is wrong with asking this of a command.
    pub(super) fn refused(self, command: &Command) -> Option<miette::Report> {
        let takes = matches!(
            command,
            Command::Run(_)
                | Command::Fuzz(_)
                | Command::Catalogue(_)
                | Command::Determinism(_)
                | Command::Fingerprints(_)
        );
        if !self.is_own() && !takes {
            let help =
                "leave --engine out: failures are saved of sexton's own engine only, whose decisions have addresses";
            return Some(miette::miette!(help = help, "this command has no --engine"));
        }
        (self.is_own() && self.tick.is_some()).then(|| {
            let help = "say --engine turmoil, or leave --tick out";
            miette::miette!(help = help, "sexton's own engine has no ticks")
        })
    }

    /// The same experiment on this engine; or why it is not run there.
    pub(super) fn put(self, experiment: Arc<dyn Experiment>) -> Result<Arc<dyn Experiment>, String> {
        if self.is_own() {
            return Ok(experiment);
        }
        let Plan { limits, steps, .. } = experiment.plan();
        let tick = self.tick.unwrap_or_else(|| limits.tick());
        // Scripted clients are done with their last step.
        let chaos = steps.iter().map(|step| step.at).max().unwrap_or(limits.chaos).min(limits.chaos);
        let ticks = (chaos + limits.settle).as_millis().div_ceil(tick.as_millis());
        if self.tick.is_none() && ticks > TOO_MANY {
            return Err(format!(
                "{}: not run on turmoil, {ticks} ticks of {tick:?} would be too many; --tick makes them longer",
                experiment.name()
            ));
        }
        let moved = experiment.on(Engine::Turmoil { tick });
        moved.ok_or_else(|| format!("{}: not run on turmoil, which it cannot be put on", experiment.name()))
    }
}
