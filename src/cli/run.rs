//! `run`: one run and its story.

use super::args::Run as Args;
use super::entry::{Desk, Status};
use crate::harness::{Run, RunOptions, Verdict};
use crate::report::{Diagram, Ink, Scope, Story, TimelineHead, verdict_word};
use crate::scenario::{Expect, Experiment};
use crate::search::{Failure, STUCK};

pub(super) fn run(desk: &Desk, args: &Args) -> miette::Result<Status> {
    let experiment = desk.one(&args.scenario)?;
    let screen = &desk.screen;
    args.pictures.writable()?;
    desk.screen.say(heading(&*experiment, args.seed));
    let options = RunOptions { keep_history: true, detail: true, ..RunOptions::default() };
    let run = experiment.run(args.seed, &options);
    desk.screen.say(Story::of(&run, args.trace).painted(screen.paint));
    if let Some(diagram) = Diagram::of(&run, Scope::Brief) {
        desk.screen.say(diagram.painted(screen.paint));
    }
    let status = if as_expected(experiment.expect(), &run) { Status::AsExpected } else { Status::NotAsExpected };
    desk.screen.say(ending(desk, &run, experiment.expect(), status));
    let again = desk.again.run(experiment.name(), args.seed);
    desk.screen.say(format!("again        {again}"));
    args.pictures.write(desk, &run, &TimelineHead::of(&*experiment, again))?;
    Ok(status)
}

/// Everything that decides the run, in front of it.
fn heading(experiment: &dyn Experiment, seed: u64) -> String {
    let limits = experiment.plan().limits;
    let (chaos, settle) = (humantime::format_duration(limits.chaos), humantime::format_duration(limits.settle));
    let mut lines = vec![
        format!("sexton {}  {}  seed {seed}", env!("CARGO_PKG_VERSION"), experiment.name()),
        experiment.about().to_owned(),
        format!("system {}, {}", experiment.system(), expected(experiment)),
        format!("chaos {chaos}, settle {settle}, at most {} events", limits.events),
    ];
    lines.extend(experiment.settings().iter().filter(|line| !line.starts_with("[limits]")).cloned());
    lines.join("\n") + "\n"
}

fn expected(experiment: &dyn Experiment) -> String {
    match experiment.defect() {
        Some(defect) => format!("defect {defect}, expected: {}", experiment.expect()),
        None => format!("expected: {}", experiment.expect()),
    }
}

/// How it ended, and what it came to.
fn ending(desk: &Desk, run: &Run, expect: &Expect, status: Status) -> String {
    let screen = &desk.screen;
    let (ink, word) = match status {
        Status::AsExpected => (Ink::Green, "as expected".to_owned()),
        _ => (Ink::Red, format!("but expected: {expect}")),
    };
    let mut lines = vec![format!("verdict      {}, {}", verdict_word(run.verdict), screen.ink(ink, &word))];
    for failure in Failure::all_in(run) {
        let text = format!("{} ({}): {}", failure.signature.invariant, failure.signature.about, failure.message);
        lines.push(format!("broken       {}", screen.ink(Ink::Red, &text)));
    }
    let checked = run.exercised.iter().map(|(invariant, count)| format!("{invariant} × {count}"));
    lines.extend(wrapped("checked      ", checked));
    let struck = (run.faults.iter())
        .map(|(kind, tally)| format!("{kind} × {} ({} met an operation)", tally.injected, tally.met));
    lines.extend(wrapped("faults       ", struck));
    let simulated = humantime::format_duration(std::time::Duration::from_millis(run.simulated.as_millis() as u64));
    lines.push(format!("simulated    {simulated}, {} events, {} operations completed", run.events, run.completed));
    lines.push(format!("fingerprint  {}", run.fingerprint));
    lines.join("\n")
}

/// Items in lines that fit a terminal, the first behind a title.
fn wrapped(title: &str, items: impl Iterator<Item = String>) -> Vec<String> {
    const WIDTH: usize = 110;
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        match lines.last_mut() {
            Some(line) if line.chars().count() + item.chars().count() + 2 <= WIDTH => {
                line.push_str(", ");
                line.push_str(&item);
            }
            Some(line) => {
                line.push(',');
                lines.push(" ".repeat(title.len()) + &item);
            }
            None => lines.push(title.to_owned() + &item),
        }
    }
    lines
}

/// Whether this one run is what the scenario expects.
fn as_expected(expect: &Expect, run: &Run) -> bool {
    match expect {
        Expect::Holds | Expect::Unobservable(_) | Expect::Vacuous(_) => run.verdict == Verdict::Holds,
        Expect::Violates { .. } => Failure::all_in(run).iter().any(|failure| expect.wants(&failure.signature)),
        Expect::Stuck => Failure::all_in(run).iter().any(|failure| failure.signature.invariant == STUCK),
    }
}
