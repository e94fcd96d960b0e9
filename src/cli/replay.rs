//! `replay`: saved failures must end as they are recorded.

use std::path::Path;
use std::sync::atomic::Ordering;

use super::args::Replay as Args;
use super::entry::{Desk, Status};
use super::shrink::drifted;
use crate::report::{Ink, verdict_word};
use crate::scenario::SeedShelf;
use crate::search::Failure;

/// How a replay ended, in words.
struct Ending {
    status: Status,
    text: String,
    /// The decisions that were never asked for, a line each.
    drift: String,
}

pub(super) fn replay(desk: &Desk, args: &Args) -> miette::Result<Status> {
    let screen = &desk.screen;
    args.pictures.wanted_of(&args.files)?;
    let mut files = if args.files.is_empty() { desk.seeds.files()? } else { Vec::new() };
    for named in &args.files {
        match named.is_dir() {
            true => files.extend(SeedShelf::new(named).files()?),
            false => files.push(named.clone()),
        }
    }
    if files.is_empty() {
        desk.screen.say(format!("there is no saved seed below `{}`", desk.cli.saved.display()));
    }
    let mut worst = Status::AsExpected;
    for (index, file) in files.iter().enumerate() {
        if desk.stop.load(Ordering::Relaxed) {
            desk.screen.say(format!("interrupted: {} saved seeds were not replayed", files.len() - index));
            return Ok(worst.max(Status::NotAsExpected));
        }
        let ending = match one(desk, args.exact, file) {
            Ok(ending) => ending,
            Err(error) => {
                screen.complain(&*error);
                worst = worst.max(Status::Unusable);
                continue;
            }
        };
        let ink = if ending.status == Status::AsExpected { Ink::Green } else { Ink::Red };
        desk.screen.say(format!("{}: {}{}", file.display(), screen.ink(ink, &ending.text), ending.drift));
        worst = worst.max(ending.status);
        args.pictures.write_seed(desk, file)?;
    }
    Ok(worst)
}

fn one(desk: &Desk, exact: bool, file: &Path) -> miette::Result<Ending> {
    let (saved, found) = desk.read_seed(file)?;
    let experiment = saved.experiment(&found)?;
    let run = experiment.run(saved.seed, &saved.options());
    let pinned = saved.only_decisions || !saved.decisions.is_empty();
    let again = if pinned { desk.again.replay(file) } else { desk.again.run(&saved.scenario, saved.seed) };
    let drift = drifted(&saved.drifted(&run.drift));
    let ending = |status, text: String| Ok(Ending { status, text, drift });

    let failures = Failure::all_in(&run);
    let recorded = &saved.signature;
    if !failures.iter().any(|failure| failure.signature == *recorded) {
        let instead = match failures.first() {
            Some(other) => format!("it breaks {} ({})", other.signature.invariant, other.signature.about),
            None => format!("the verdict is {}", verdict_word(run.verdict)),
        };
        let text = format!(
            "not as recorded: {} ({}) is not broken any more, {instead}; if that is right, the file has done its duty\n  {again}",
            recorded.invariant, recorded.about
        );
        return ending(Status::NotAsExpected, text);
    }
    if experiment.digest() != saved.digest {
        let text = format!("{} as recorded, though the scenario has changed since", recorded.invariant);
        return ending(Status::AsExpected, text);
    }
    if run.fingerprint == saved.fingerprint {
        return ending(Status::AsExpected, format!("{} as recorded", recorded.invariant));
    }
    let second = experiment.run(saved.seed, &saved.options()).fingerprint;
    if second != run.fingerprint {
        let text = format!("two runs of it differ: {} and {second}\n  {again}", run.fingerprint);
        return ending(Status::Nondeterministic, text);
    }
    let text = format!(
        "{} as recorded, on another way: the code has changed since (fingerprint {} instead of {}; saved by sexton {}, this is {})",
        recorded.invariant,
        run.fingerprint,
        saved.fingerprint,
        saved.version,
        env!("CARGO_PKG_VERSION"),
    );
    if exact {
        return ending(Status::NotAsExpected, format!("{text}\n  {again}"));
    }
    ending(Status::AsExpected, text)
}
