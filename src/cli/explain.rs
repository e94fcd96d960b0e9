//! `explain`: the causes of a saved failure in words.

use std::path::Path;
use std::sync::atomic::Ordering;

use indicatif::ProgressBar;

use super::args::Explain as Args;
use super::entry::{Desk, Status};
use super::outside;
use super::screen::progress;
use super::shrink;
use crate::harness::Run;
use crate::report::{explanation, wrapped};
use crate::scenario::{Experiment, SavedSeed};
use crate::search::{Explain, Progress};

pub(super) fn explain(desk: &Desk, args: &Args) -> miette::Result<Status> {
    args.pictures.writable()?;
    let names: Vec<String> = desk.scenarios.entries()?.into_iter().map(|entry| entry.name).collect();
    let saved = SavedSeed::read(&args.file, Some(&names))?;
    let found = desk.scenarios.find_one(&saved.scenario)?;
    let saved = if saved.only_decisions { saved } else { shrink::shrunk(desk, args.jobs, &found, &saved)? };
    let experiment = saved.experiment(&found)?;
    let mut bar = Bar(progress(1, "explaining"));
    let told = Explain {
        experiment: &*experiment,
        saved: &saved,
        futures: args.futures,
        jobs: args.jobs.unwrap_or_else(outside::cores),
        stop: &desk.stop,
    }
    .explain(&mut bar);
    bar.0.finish_and_clear();
    let Some(told) = told else {
        let drift = saved.drifted(&experiment.run(saved.seed, &saved.options()).drift);
        desk.screen.complain(&*mended(desk, &args.file));
        if !drift.is_empty() {
            desk.screen.say(shrink::drifted(&drift).trim_start());
        }
        return Ok(Status::NotAsExpected);
    };
    desk.screen.say(heading(&*experiment, &saved) + &changed(&*experiment, &saved, &told.run));
    desk.screen.say(explanation(&told, desk.screen.paint));
    args.pictures.write_failure(desk, &*experiment, &told.run, &saved.signature, desk.again.replay(&args.file))?;
    if desk.stop.load(Ordering::Relaxed) {
        desk.screen.say("interrupted: not every run was looked into");
        return Ok(Status::NotAsExpected);
    }
    Ok(Status::AsExpected)
}

fn heading(experiment: &dyn Experiment, saved: &SavedSeed) -> String {
    let mut text = format!("{}  seed {}\n{}", saved.scenario, saved.seed, wrapped("", experiment.about()));
    for line in experiment.settings().iter().filter(|line| line.starts_with("[policy]")) {
        text += &wrapped("", line);
    }
    text
}

/// How the scenario and the code are not what they were when the failure was saved, a line each.
fn changed(experiment: &dyn Experiment, saved: &SavedSeed, run: &Run) -> String {
    let drift = shrink::drifted(&saved.drifted(&run.drift));
    let scenario = if experiment.digest() == saved.digest { "" } else { "\n  the scenario has changed since" };
    let lines = format!("{scenario}{drift}");
    if lines.is_empty() { lines } else { format!("not quite as it was saved, though it still fails:{lines}\n") }
}

fn mended(desk: &Desk, file: &Path) -> miette::Report {
    miette::miette!(
        help = format!("`{}` says how it ends now", desk.again.replay(file)),
        "{}: there is nothing to explain, for it does not fail any more",
        file.display()
    )
}

/// Shows how far it is.
struct Bar(ProgressBar);

impl Progress for Bar {
    fn done(&mut self, part: u64, whole: u64) {
        self.0.set_length(whole);
        self.0.set_position(part);
    }
}
