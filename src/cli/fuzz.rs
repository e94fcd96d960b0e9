//! `fuzz`: a campaign over many seeds, with failures saved as soon as they are found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::ProgressBar;

use super::args::Fuzz as Args;
use super::entry::{Desk, Status};
use super::outside;
use super::screen::{progress, writable, write, write_json};
use crate::report::{FuzzJson, Ink, ScenarioJson, fuzz_table, junit};
use crate::scenario::{Expect, Experiment, Kept, Signature};
use crate::search::{Campaign, Failure, Summary, Watch};

/// What takes longer is told of when it is done, where there is no terminal for a bar: a log that says nothing for an hour
/// leaves open whether anything goes on.
const LONG: Duration = Duration::from_secs(10);

/// Where failures are saved, by scenario and signature.
type Files = BTreeMap<(String, Signature), PathBuf>;

pub(super) fn fuzz(desk: &Desk, args: &Args) -> miette::Result<Status> {
    let mut experiments = desk.select(&args.scenarios)?;
    // What is named in full is fuzzed whatever it expects; a prefix, or nothing, stands for what is to hold.
    experiments.retain(|experiment| {
        let named = args.scenarios.iter().any(|word| word == experiment.name() || Path::new(word).is_file());
        named || (*experiment.expect() == Expect::Holds && experiment.defect().is_none())
    });
    let experiments = desk.put(experiments);
    if experiments.is_empty() {
        return Err(desk.nothing("scenario that expects to hold"));
    }
    writable(args.common.json.as_deref())?;
    writable(args.junit.as_deref())?;

    let clock = outside::stopwatch();
    let mut files = Files::new();
    let mut summaries = Vec::new();
    let mut lost = false;
    let count = experiments.len() as u32;
    for (index, experiment) in (0_u32..).zip(&experiments) {
        if desk.stop.load(Ordering::Relaxed) {
            break;
        }
        // Each scenario has an equal share of the time; what one leaves is there for those after it.
        let time = args.time.map(|time| time.saturating_sub(clock()) / (count - index));
        let seeds = args.seeds.unwrap_or(experiment.seeds());
        let campaign = Campaign {
            experiment: &**experiment,
            from: args.common.from,
            seeds: if time.is_some() { u64::MAX } else { seeds },
            time,
            jobs: args.common.jobs.unwrap_or_else(outside::cores),
            stop: &desk.stop,
            clock: &clock,
        };
        let bar = progress(time.map_or(seeds, millis), experiment.name());
        let mut watcher = Watcher {
            desk,
            experiment,
            bar,
            by_time: time.is_some(),
            save: !args.no_save && desk.cli.ground.is_own(),
            files: &mut files,
            lost: false,
        };
        let summary = campaign.run(&mut watcher);
        watcher.bar.finish_and_clear();
        lost |= watcher.lost;
        if watcher.bar.is_hidden() && summary.elapsed >= LONG {
            let took = humantime::format_duration(Duration::from_secs(summary.elapsed.as_secs()));
            let Summary { name, seeds, failing, .. } = &summary;
            desk.screen.note(&format!("{name}: {seeds} seeds in {took}, {failing} failing"));
        }
        if summary.seeds > 0 {
            summaries.push(summary);
        }
    }

    let scenario = |summary: &Summary| {
        ScenarioJson::of(summary, &desk.again, |seen| {
            files.get(&(summary.name.clone(), seen.first.signature.clone())).cloned()
        })
    };
    let report = FuzzJson { scenarios: summaries.iter().map(scenario).collect() };
    let left = experiments.len() - summaries.len();
    let status = conclude(desk, &report, &summaries, left);
    write_json(args.common.json.as_deref(), &report)?;
    if let Some(path) = &args.junit {
        write(path, &junit(&summaries, &desk.again).map_err(|error| miette::miette!("{error}"))?)?;
    }
    Ok(if lost { status.max(Status::NotAsExpected) } else { status })
}

/// The table, and what in it is not as expected.
fn conclude(desk: &Desk, report: &FuzzJson, summaries: &[Summary], left: usize) -> Status {
    let screen = &desk.screen;
    let unexpected: Vec<&str> = (summaries.iter())
        .filter(|summary| summary.as_expected().is_err())
        .map(|summary| summary.name.as_str())
        .collect();
    screen.say(fuzz_table(report, &unexpected, screen.paint));
    let mut status = Status::AsExpected;
    for summary in summaries {
        if let Err(why) = summary.as_expected() {
            desk.screen.say(screen.ink(Ink::Red, &format!("{}: {why}", summary.name)));
            status = Status::NotAsExpected;
        }
        if summary.interrupted {
            desk.screen.say(format!("{}: interrupted after {} seeds", summary.name, summary.seeds));
        }
    }
    if left > 0 {
        desk.screen.say(format!("interrupted: {left} scenarios were not run"));
    }
    status
}

fn millis(time: Duration) -> u64 {
    time.as_millis() as u64
}

/// Shows how far a campaign is, and keeps what it finds.
struct Watcher<'a> {
    desk: &'a Desk,
    experiment: &'a Arc<dyn Experiment>,
    bar: ProgressBar,
    by_time: bool,
    save: bool,
    files: &'a mut Files,
    /// Whether a failure could not be saved.
    lost: bool,
}

impl Watch for Watcher<'_> {
    fn ran(&mut self, summary: &Summary) {
        self.bar.set_position(if self.by_time { millis(summary.elapsed) } else { summary.seeds });
        self.bar.set_message(format!("{} seeds, {} failing", summary.seeds, summary.failing));
    }

    fn failed(&mut self, failure: &Failure) {
        let Self { desk, experiment, .. } = self;
        let reproduce = desk.again.run(experiment.name(), failure.seed);
        let signature = &failure.signature;
        let text = format!("{}: {} ({}): {}", experiment.name(), signature.invariant, signature.about, failure.message);
        let ink = if experiment.expect().wants(signature) { Ink::Yellow } else { Ink::Red };
        let mut lines = vec![desk.screen.ink(ink, &text), format!("  {reproduce}")];
        let mut trouble = None;
        if self.save {
            match desk.seeds.save(experiment.system(), &failure.to_seed(&***experiment), &reproduce) {
                Ok(kept) => {
                    let there = if matches!(kept, Kept::Already(_)) { "  (saved before)" } else { "" };
                    lines.push(format!("  {}{there}", desk.again.replay(kept.path())));
                    lines.push(format!("  {}", desk.again.of("explain", kept.path())));
                    self.files.insert((experiment.name().into(), signature.clone()), kept.path().into());
                }
                Err(error) => trouble = Some(error),
            }
        }
        self.lost |= trouble.is_some();
        self.bar.suspend(|| {
            desk.screen.say(lines.join("\n"));
            if let Some(error) = &trouble {
                desk.screen.complain(error);
            }
        });
    }
}
