//! `shrink`: the same signature from the fewest decisions.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use indicatif::ProgressBar;

use super::args::Shrink as Args;
use super::entry::{Desk, Status};
use super::outside;
use super::screen::progress;
use crate::report::Ink;
use crate::scenario::{Experiment, SavedDecision, SavedSeed};
use crate::search::{Shrink, ShrinkError, ShrinkWatch, Shrunk};

pub(super) fn shrink(desk: &Desk, args: &Args) -> miette::Result<Status> {
    if args.out.is_some() && args.files.len() > 1 {
        return Err(miette::miette!(
            help = "shrink them one by one, or leave --out away: each result then goes beside its seed file",
            "--out names one file, and there are {} seed files",
            args.files.len()
        ));
    }
    let mut worst = Status::AsExpected;
    for (index, file) in args.files.iter().enumerate() {
        if desk.stop.load(Ordering::Relaxed) {
            desk.screen.say(format!("interrupted: {} seed files were not shrunk", args.files.len() - index));
            return Ok(worst.max(Status::NotAsExpected));
        }
        let status = one(desk, args, file).unwrap_or_else(|error| {
            desk.screen.complain(&*error);
            Status::Unusable
        });
        worst = worst.max(status);
    }
    Ok(worst)
}

fn one(desk: &Desk, args: &Args, file: &Path) -> miette::Result<Status> {
    let (saved, experiment) = desk.read_seed(file)?;
    let clock = outside::stopwatch();
    let mut bar = Bar(progress(1, "shrinking"));
    let done = Shrink {
        experiment: &experiment,
        saved: &saved,
        time: args.time,
        jobs: args.jobs.unwrap_or_else(outside::cores),
        stop: &desk.stop,
        clock: &clock,
    }
    .run(&mut bar);
    bar.0.finish_and_clear();
    match done {
        Ok(shrunk) => {
            if experiment.digest() != saved.digest {
                desk.screen.say("the scenario has changed since this was saved, and it still fails");
            }
            desk.screen.say(told(desk, file, &shrunk));
            keep(desk, file, &target(args, file), &shrunk.seed)?;
            let interrupted = desk.stop.load(Ordering::Relaxed) && !shrunk.complete;
            Ok(if interrupted { Status::NotAsExpected } else { Status::AsExpected })
        }
        Err(ShrinkError::Mended { instead, drift }) => {
            let text = format!(
                "{}: {} does not fail any more: {instead}; if that is right, the file has done its duty",
                file.display(),
                saved.signature.invariant
            );
            let ink = desk.screen.ink(Ink::Red, &text);
            desk.screen.say(format!("{ink}{}\n  {}", drifted(&drift), desk.again.replay(file)));
            Ok(Status::NotAsExpected)
        }
        Err(error @ ShrinkError::Elusive { .. }) => {
            desk.screen.complain(&error);
            Ok(Status::Nondeterministic)
        }
        Err(error @ ShrinkError::Sizes(_)) => Err(error.into()),
    }
}

/// A failure made small, for commands that cannot work with a long run.
pub(super) fn shrunk(
    desk: &Desk,
    jobs: Option<NonZeroUsize>,
    found: &Arc<dyn Experiment>,
    saved: &SavedSeed,
) -> miette::Result<SavedSeed> {
    let clock = outside::stopwatch();
    let mut bar = Bar(progress(1, "shrinking"));
    let jobs = jobs.unwrap_or_else(outside::cores);
    let shrunk = Shrink { experiment: found, saved, time: None, jobs, stop: &desk.stop, clock: &clock }.run(&mut bar);
    bar.0.finish_and_clear();
    Ok(shrunk?.seed)
}

/// Where the result goes.
fn target(args: &Args, file: &Path) -> PathBuf {
    match &args.out {
        Some(out) => out.clone(),
        None if args.in_place => file.into(),
        None => beside(file),
    }
}

/// `<stem>.min.toml` beside the seed file, which may be that file already.
fn beside(file: &Path) -> PathBuf {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = stem.strip_suffix(".min").unwrap_or(&stem);
    file.with_file_name(format!("{stem}.min.toml"))
}

/// Writes the result; where that fails it is printed, so that nothing is lost.
fn keep(desk: &Desk, file: &Path, target: &Path, seed: &SavedSeed) -> miette::Result<()> {
    if let Err(error) = seed.write(target, &desk.again.of("shrink", file)) {
        desk.screen.say(format!("\n{}", seed.to_text()));
        return Err(error.into());
    }
    desk.screen.say(format!("\n{}", target.display()));
    for command in ["replay", "explain", "promote"] {
        desk.screen.say(format!("  {}", desk.again.of(command, target)));
    }
    Ok(())
}

/// From how much to how little, and what is left.
fn told(desk: &Desk, file: &Path, shrunk: &Shrunk) -> String {
    let Shrunk { seed, failure, before, trials, elapsed, complete, drift } = shrunk;
    let time = format!("{:.1} s", elapsed.as_secs_f64());
    let count = seed.decisions.len();
    let first = format!("{}: from {before} decisions to {count} in {trials} trials, {time}", file.display());
    let mut lines = vec![desk.screen.ink(Ink::Bold, &first)];
    if !complete {
        lines.push(desk.screen.ink(Ink::Yellow, "not complete: it was ended early, and may become smaller still"));
    }
    let broken = format!("{} ({}): {}", failure.signature.invariant, failure.signature.about, failure.message);
    lines.push(desk.screen.ink(Ink::Red, &broken));
    if !seed.topology.is_empty() {
        let sizes: Vec<String> = seed.topology.iter().map(|(name, size)| format!("{name} = {size}")).collect();
        lines.push(format!("  [topology] {}", sizes.join(", ")));
    }
    lines.extend(meanings(&seed.decisions));
    lines.join("\n") + &drifted(drift)
}

/// What is left in words, each meaning once: one operation has several decisions.
fn meanings(decisions: &[SavedDecision]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for saved in decisions {
        let line = format!("  {}", saved.meaning);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// What a seed file pins and no site asked for any more, a line each.
pub(super) fn drifted(drift: &[SavedDecision]) -> String {
    let line = |saved: &SavedDecision| {
        let decision = &saved.decision;
        format!("\n  never asked for: {} {} ({})", decision.site, decision.index, saved.meaning)
    };
    drift.iter().map(line).collect()
}

/// Shows how far it is.
struct Bar(ProgressBar);

impl ShrinkWatch for Bar {
    fn tried(&mut self, trials: u64, left: usize) {
        // How many decisions will be left is not known, so the bar shows how many have gone.
        let most = self.0.length().unwrap_or(1).max(left as u64);
        self.0.set_length(most);
        self.0.set_position(most - left as u64);
        self.0.set_message(format!("{trials} trials, {left} decisions left"));
    }
}
