//! From what a shrunk run shows to a script that fails from every seed: what was a matter of latencies and of who
//! runs first becomes a matter of holds.

use std::time::Duration;

use super::bench::{Bench, Grade};
use super::evidence::{Pass, passes};
use super::minimise::{compressed, reduce};
use super::script::Script;
use crate::harness::{Decision, Hold};
use crate::scenario::SavedDecision;

/// For how long tasks are held at most in pairs.
const WAITS: [&str; 3] = ["2s", "3s", "6s"];
/// How many scripts that pass the first few seeds are tried in earnest.
const EARNEST: usize = 8;
/// How many pairs of holds are tried at most.
const PAIRS: usize = 3_000;

/// The best script that is found from this one, which plays what happened at its exact times.
pub(super) fn find(bench: &mut Bench<'_>, exact: &Script) -> Option<(Script, Grade)> {
    let mut best: Option<(Script, Grade)> = None;
    // What a person would write comes first: as few holds as will do.
    if better(bench, &[compressed(exact), exact.clone()], &mut best) {
        return best;
    }
    // Fewer steps have fewer points between them, so what is not needed goes while nothing is drawn.
    let calm = calmed(bench, exact);
    let mut bases = Vec::new();
    for script in calm.iter().chain([exact]) {
        bases.extend([compressed(script), script.clone()]);
        if !script.holds.is_empty() {
            let bare = Script { holds: Vec::new(), ..script.clone() };
            bases.extend([compressed(&bare), bare]);
        }
        if calm.is_some() {
            break;
        }
    }
    if better(bench, &bases, &mut best) {
        return best;
    }
    for base in &bases {
        let holds = candidates(bench, base);
        let singles: Vec<Script> = holds.iter().map(|(_, hold)| with(base, [hold])).collect();
        if tried(bench, &singles, &mut best) {
            return best;
        }
    }
    for base in &bases {
        let holds = candidates(bench, base);
        let mut pairs: Vec<_> = (holds.iter().enumerate())
            .flat_map(|(place, one)| holds[place + 1..].iter().map(move |other| (one, other)))
            .filter(|((_, one), (_, other))| one.point != other.point)
            .collect();
        // Two operations that wait for each other come before one that is held twice.
        pairs.sort_by_key(|((one, _), (other, _))| one == other);
        pairs.truncate(PAIRS);
        let pairs: Vec<Script> = pairs.into_iter().map(|((_, one), (_, other))| with(base, [one, other])).collect();
        if tried(bench, &pairs, &mut best) {
            return best;
        }
    }
    // The last resort: nothing is left to chance.
    let fixed: Vec<Script> = calm.iter().chain([exact]).map(fixed).collect();
    better(bench, &fixed, &mut best);
    best
}

/// The script without what it does not need while nothing is drawn; `None` where it does not fail then.
fn calmed(bench: &mut Bench<'_>, exact: &Script) -> Option<Script> {
    bench.calm = true;
    let least = Grade { seeds: 1, failing: 1, holding: 1 };
    let calm = bench.grade(exact, least).map(|mut grade| {
        let mut script = exact.clone();
        reduce(bench, &mut script, &mut grade);
        script
    });
    bench.calm = false;
    calm
}

/// The script with every latency and every choice of the scheduler as if nothing were drawn.
fn fixed(script: &Script) -> Script {
    let styles =
        [("latency", "no message takes longer than another"), ("schedule", "whoever is ready first runs first")];
    let decisions = styles.map(|(style, meaning)| SavedDecision {
        decision: Decision { site: format!("style {style}").into(), index: 0, value: 0 },
        meaning: meaning.into(),
    });
    Script { decisions: decisions.into(), ..script.clone() }
}

fn with<const N: usize>(base: &Script, holds: [&Hold; N]) -> Script {
    let mut script = base.clone();
    script.holds.extend(holds.into_iter().cloned());
    script
}

/// Every hold that can be scripted at the points that this script passes, with the operation that would be held.
fn candidates(bench: &mut Bench<'_>, base: &Script) -> Vec<(Option<String>, Hold)> {
    let Some(run) = bench.look(base, true) else { return Vec::new() };
    let mut holds = Vec::new();
    for Pass { point, operation } in passes(&run) {
        let others = base.steps.iter().filter(|step| Some(&step.operation) != operation.as_ref());
        let mut untils: Vec<String> = others.map(|step| format!("{} returns", step.operation)).collect();
        untils.extend(WAITS.map(str::to_owned));
        let hold = |until| (operation.clone(), Hold { point: point.clone(), until });
        holds.extend(untils.into_iter().map(hold));
    }
    holds
}

/// Screens many scripts and tries those that come through; whether one never misses.
fn tried(bench: &mut Bench<'_>, scripts: &[Script], best: &mut Option<(Script, Grade)>) -> bool {
    let good = bench.screen(scripts, EARNEST);
    let good: Vec<Script> = good.into_iter().map(|place| scripts[place].clone()).collect();
    better(bench, &good, best)
}

/// Takes the best of some scripts, if it is better than what there is; whether it never misses.
fn better(bench: &mut Bench<'_>, scripts: &[Script], best: &mut Option<(Script, Grade)>) -> bool {
    for script in scripts {
        if bench.is_over() {
            return true;
        }
        let known = best.as_ref().map_or(0, |(_, grade)| grade.sum());
        let least = Grade { failing: 1, ..Grade::default() };
        if let Some(grade) = bench.grade(script, least)
            && grade.sum() > known
        {
            *best = Some((script.clone(), grade));
            if grade.is_full() {
                return true;
            }
        }
    }
    false
}

/// A whole number of seconds.
pub(super) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
