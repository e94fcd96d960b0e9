//! `replay`: saved failures must end as they are recorded.

use std::path::Path;
use std::sync::atomic::Ordering;

use super::args::Replay as Args;
use super::entry::{Desk, Status};
use crate::report::{Ink, verdict_word};
use crate::scenario::{SavedSeed, ScenarioError};
use crate::search::Failure;

/// How a replay ended, in words.
struct Ending {
    status: Status,
    text: String,
}

pub(super) fn replay(desk: &Desk, args: &Args) -> miette::Result<Status> {
    let screen = &desk.screen;
    let files = if args.files.is_empty() { desk.seeds.files()? } else { args.files.clone() };
    if files.is_empty() {
        desk.screen.say(format!("there is no saved seed below `{}`", desk.cli.saved.display()));
    }
    let mut worst = Status::AsExpected;
    for (index, file) in files.iter().enumerate() {
        if desk.stop.load(Ordering::Relaxed) {
            desk.screen.say(format!("interrupted: {} saved seeds were not replayed", files.len() - index));
            return Ok(worst.max(Status::NotAsExpected));
        }
        let ending = match one(desk, file) {
            Ok(ending) => ending,
            Err(error) => {
                screen.complain(&error);
                worst = worst.max(Status::Unusable);
                continue;
            }
        };
        let ink = if ending.status == Status::AsExpected { Ink::Green } else { Ink::Red };
        desk.screen.say(format!("{}: {}", file.display(), screen.ink(ink, &ending.text)));
        worst = worst.max(ending.status);
    }
    Ok(worst)
}

fn one(desk: &Desk, file: &Path) -> Result<Ending, ScenarioError> {
    let names: Vec<String> = desk.scenarios.entries()?.into_iter().map(|entry| entry.name).collect();
    let saved = SavedSeed::read(file, Some(&names))?;
    let experiment = desk.scenarios.find_one(&saved.scenario)?;
    let run = experiment.run(saved.seed, &saved.options());
    let again = desk.again.run(&saved.scenario, saved.seed);
    let drift = match run.drift.len() {
        0 => String::new(),
        some => format!("\n  {some} of its {} decisions were never asked for", saved.decisions.len()),
    };
    let ending = |status, text: String| Ok(Ending { status, text: text + &drift });

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
        "{} as recorded, but on another way: fingerprint {} instead of {}; it was saved by sexton {}, this is {}\n  {again}",
        recorded.invariant,
        run.fingerprint,
        saved.fingerprint,
        saved.version,
        env!("CARGO_PKG_VERSION"),
    );
    ending(Status::NotAsExpected, text)
}
