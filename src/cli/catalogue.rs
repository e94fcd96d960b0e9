//! `catalogue`: each known defect is re-introduced and must be caught.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::args::Catalogue as Args;
use super::entry::{Desk, Status};
use super::outside;
use super::screen::{progress, writable, write_json};
use crate::report::{CatalogueJson, DefectJson, Ink, catalogue_table};
use crate::scenario::{Expect, Experiment, nearest};
use crate::search::{Catch, Hunt};

pub(super) fn catalogue(desk: &Desk, args: &Args) -> miette::Result<Status> {
    let screen = &desk.screen;
    let experiments = chosen(desk, args)?;
    writable(args.common.json.as_deref())?;
    let clock = outside::stopwatch();
    let bar = progress(experiments.len() as u64, "catalogue");
    let mut catches = Vec::new();
    for experiment in &experiments {
        bar.set_message(experiment.name().to_owned());
        let hunt = Hunt {
            experiment: &**experiment,
            from: args.common.from,
            seeds: args.seeds,
            hardened: args.hardened,
            jobs: args.common.jobs.unwrap_or_else(outside::cores),
            stop: &desk.stop,
            clock: &clock,
        };
        let found = hunt.run();
        if desk.stop.load(Ordering::Relaxed) {
            break;
        }
        bar.suspend(|| desk.screen.say(told(desk, &found)));
        bar.inc(1);
        catches.push(found);
    }
    bar.finish_and_clear();

    let report = CatalogueJson { defects: catches.iter().map(DefectJson::from).collect() };
    desk.screen.say(catalogue_table(&report, screen.paint));
    let left = experiments.len() - catches.len();
    if left > 0 {
        desk.screen.say(format!("interrupted: {left} defects were not hunted to the end"));
    }
    write_json(args.common.json.as_deref(), &report)?;
    let good = left == 0 && catches.iter().all(Catch::as_expected);
    Ok(if good { Status::AsExpected } else { Status::NotAsExpected })
}

fn chosen(desk: &Desk, args: &Args) -> miette::Result<Vec<Arc<dyn Experiment>>> {
    let unknown = args.systems.iter().find(|system| !desk.systems.names().contains(&system.as_str()));
    if let Some(system) = unknown {
        let help = nearest::instead("system", system, desk.systems.names());
        return Err(miette::miette!(help = help, "unknown system `{system}`"));
    }
    let mut experiments = desk.select(&[])?;
    experiments.retain(|experiment| experiment.defect().is_some());
    let wanted = |experiment: &Arc<dyn Experiment>| args.systems.iter().any(|system| experiment.system() == system);
    experiments.retain(|experiment| args.systems.is_empty() || wanted(experiment));
    if experiments.is_empty() {
        return Err(desk.nothing("scenario with a defect"));
    }
    if !args.defects.is_empty() {
        for word in &args.defects {
            if !experiments.iter().any(|experiment| names(&**experiment, word)) {
                let known: Vec<&str> = experiments.iter().filter_map(|experiment| experiment.defect()).collect();
                let help = nearest::instead("defect", word, known);
                return Err(miette::miette!(help = help, "unknown defect `{word}`"));
            }
        }
        experiments.retain(|experiment| args.defects.iter().any(|word| names(&**experiment, word)));
    }
    experiments.sort_by_key(|experiment| natural(experiment.defect().unwrap_or_default()));
    Ok(desk.put(experiments))
}

fn names(experiment: &dyn Experiment, word: &str) -> bool {
    experiment.defect() == Some(word) || experiment.name() == word
}

/// A key that puts `S1-D2` before `S1-D10`.
fn natural(id: &str) -> (String, u64) {
    let digits = id.len() - id.trim_end_matches(|letter: char| letter.is_ascii_digit()).len();
    let (stem, number) = id.split_at(id.len() - digits);
    (stem.into(), number.parse().unwrap_or(0))
}

/// What came of one hunt, with the line that shows it.
fn told(desk: &Desk, found: &Catch) -> String {
    let screen = &desk.screen;
    let mut lines = vec![match (&found.caught, &found.expect) {
        (Some(failure), Expect::Unobservable(_)) => {
            let text = format!("{}: said to be unobservable, but seen: {}", found.id, failure.message);
            format!("{}\n  {}", screen.ink(Ink::Red, &text), desk.again.run(&found.scenario, failure.seed))
        }
        (Some(failure), _) => {
            let text = format!("{}: {} ({})", found.id, failure.signature.invariant, failure.message);
            format!("{text}\n  {}", desk.again.run(&found.scenario, failure.seed))
        }
        (None, Expect::Unobservable(reason)) => format!("{}: unobservable: {reason}", found.id),
        (None, _) => {
            let text = format!("{}: not caught by {} seeds of {}", found.id, found.seeds, found.scenario);
            screen.ink(Ink::Red, &text)
        }
    }];
    if let (Some(_), Some((signature, seed))) = (&found.caught, found.breakdown()) {
        let text = format!("  and beside it {} ({})", signature.invariant, signature.about);
        lines.push(screen.ink(Ink::Red, &text) + "\n  " + &desk.again.run(&found.scenario, seed));
    }
    if found.caught.is_none() {
        for (signature, seed) in &found.others {
            let again = desk.again.run(&found.scenario, *seed);
            lines.push(format!("  seen instead: {} ({})\n  {again}", signature.invariant, signature.about));
        }
    }
    if let Some(why) = &found.hardened_fails {
        lines.push(screen.ink(Ink::Red, &format!("  the hardened form does not hold: {why}")));
    }
    lines.join("\n")
}
