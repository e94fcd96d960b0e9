//! `determinism`, and the hidden command by which a fresh process answers it.

use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use miette::IntoDiagnostic;

use super::args::{Determinism as Args, Fingerprints};
use super::entry::{Desk, Status};
use super::outside;
use super::screen::{progress, writable, write_json};
use crate::harness::RunOptions;
use crate::report::{DeterminismJson, Ink, Line};
use crate::scenario::Experiment;
use crate::search::{Check, Determinism, Difference, Elsewhere, Fate, Parting, Way, account, in_order};

pub(super) fn determinism(desk: &Desk, args: &Args) -> miette::Result<Status> {
    let screen = &desk.screen;
    let experiments = desk.put(desk.select(&args.scenarios)?);
    if experiments.is_empty() {
        return Err(desk.nothing("scenario"));
    }
    writable(args.common.json.as_deref())?;
    let jobs = args.common.jobs.unwrap_or_else(outside::cores);
    let own = outside::binary().map_err(|error| miette::miette!("{error}"))?;
    let process =
        |binary| FreshProcess { binary, directory: desk.cli.dir.clone(), jobs, ground: desk.cli.ground.options() };
    let other = args.other_build.clone().map_or_else(|| outside::other_build(&own), Ok);
    let (fresh, built) = (process(own), other.map(process));
    let mut elsewhere: Vec<(Way, &dyn Elsewhere)> = vec![(Way::Fresh, &fresh)];
    elsewhere.extend(built.as_ref().ok().map(|built| (Way::Build, built as &dyn Elsewhere)));
    let bar = progress(4 * args.seeds, "determinism");
    let check = Check {
        experiments: &experiments,
        from: args.common.from,
        runs: args.seeds,
        jobs,
        stop: &desk.stop,
        elsewhere: &elsewhere,
        progress: &|done| bar.set_position(done),
    };
    let checked = check.run().map_err(|error| miette::miette!("{error}"))?;
    bar.finish_and_clear();

    let Determinism { runs, equal, ways, .. } = &checked;
    desk.screen.say(format!("{equal} of {runs} equal"));
    for (way, same) in ways {
        desk.screen.say(format!("  {:<50} {same} of {runs}", way.words()));
    }
    if let Err(why) = &built {
        desk.screen.say(format!("  {:<50} not compared: {why}", Way::Build.words()));
    }
    if check.interrupted() {
        desk.screen.say(format!("interrupted: {runs} of {} seeds were checked", args.seeds));
    }
    if let Some(difference) = &checked.first_difference {
        desk.screen.say(screen.ink(Ink::Red, &told(difference)));
        desk.screen.say(format!("  {}", desk.again.run(&difference.scenario, difference.seed)));
    }
    write_json(args.common.json.as_deref(), &DeterminismJson::from(&checked))?;
    Ok(if checked.first_difference.is_none() { Status::AsExpected } else { Status::Nondeterministic })
}

fn told(difference: &Difference) -> String {
    let Difference { scenario, seed, way, here, there, parting } = difference;
    let head = format!("{scenario} seed {seed}: {} differ ({here} and {there})", way.words());
    let Some(Parting { event, this, other, source }) = parting else {
        return format!("{head}, but did not when they were run again with all events kept");
    };
    let side = |line: &Option<Line>| {
        let Some(line) = line else { return "nothing more".into() };
        if line.task.is_empty() { line.to_string() } else { format!("{line}, by {}", line.task) }
    };
    format!(
        "{head}, first at event {event}\n  one    {}\n  other  {}\n  likeliest from {source}",
        side(this),
        side(other)
    )
}

/// A fresh process of this program, or of another build of it.
struct FreshProcess {
    binary: PathBuf,
    directory: PathBuf,
    jobs: NonZeroUsize,
    ground: Vec<String>,
}

impl FreshProcess {
    fn ask(&self, mode: &[&str], runs: &[(String, u64)]) -> Result<String, String> {
        let failed = |error: std::io::Error| format!("{} cannot be started: {error}", self.binary.display());
        let mut child = Command::new(&self.binary)
            .arg("fingerprints")
            .args(mode)
            .args(["--jobs", &self.jobs.to_string(), "--dir"])
            .arg(&self.directory)
            .args(&self.ground)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        // It reads all of its input before it answers, so neither side waits for the other.
        let asked: String = runs
            .iter()
            .flat_map(|(scenario, seed)| [seed.to_string(), " ".into(), scenario.clone(), "\n".into()])
            .collect();
        if let Some(mut input) = child.stdin.take() {
            input.write_all(asked.as_bytes()).map_err(failed)?;
        }
        let answer = child.wait_with_output().map_err(failed)?;
        if !answer.status.success() {
            return Err(format!("{} failed: {}", self.binary.display(), answer.status));
        }
        String::from_utf8(answer.stdout)
            .map_err(|_| "the other process answered with something that is not text".into())
    }
}

impl Elsewhere for FreshProcess {
    fn fates(&self, runs: &[(String, u64)]) -> Result<Vec<Fate>, String> {
        let answers = self.ask(&[], runs)?;
        answers
            .lines()
            .map(|line| line.parse().map_err(|error| format!("the other process answered: {error}")))
            .collect()
    }

    fn account(&self, scenario: &str, seed: u64) -> Result<Vec<Line>, String> {
        self.ask(&["--events"], &[(scenario.into(), seed)])?
            .lines()
            .map(|line| {
                serde_json::from_str(line).map_err(|error| format!("the other process answered `{line}`: {error}"))
            })
            .collect()
    }
}

/// Answers for another process: a line for each run, or for each event of it.
pub(super) fn fingerprints(desk: &Desk, args: &Fingerprints) -> miette::Result<Status> {
    let mut asked = String::new();
    std::io::stdin().read_to_string(&mut asked).into_diagnostic()?;
    let mut runs: Vec<(Arc<dyn Experiment>, u64)> = Vec::new();
    for line in asked.lines() {
        let (seed, scenario) = line.split_once(' ').ok_or_else(|| miette::miette!("`{line}` names no run"))?;
        let known = runs.iter().find(|(experiment, _)| experiment.name() == scenario);
        let experiment = match known {
            Some((experiment, _)) => Arc::clone(experiment),
            None => desk.one(scenario)?,
        };
        runs.push((experiment, seed.parse().into_diagnostic()?));
    }
    let answer = |index: u64| {
        let (experiment, seed) = &runs[index as usize];
        if args.events {
            let lines = account(&**experiment, *seed);
            lines.iter().map(|line| serde_json::to_string(line).unwrap_or_default()).collect::<Vec<_>>().join("\n")
        } else {
            Fate::of(&experiment.run(*seed, &RunOptions::default())).to_string()
        }
    };
    in_order(0..runs.len() as u64, args.jobs, &AtomicBool::new(false), answer, |_, text| {
        desk.screen.say(text);
        std::ops::ControlFlow::Continue(())
    });
    Ok(Status::AsExpected)
}
