//! From what a shrunk run shows to a script that fails from every seed: what was a matter of latencies and of who
//! runs first becomes a matter of holds.

use std::collections::BTreeSet;
use std::time::Duration;

use super::bench::{Bench, Grade};
use super::evidence::{Leftover, Pass, lasting, passes};
use super::minimise::{after_a_while, compressed, reduce};
use super::script::Script;
use crate::harness::{Decision, Hold, Step};
use crate::scenario::SavedDecision;

/// For how long tasks are held at most in pairs.
const WAITS: [&str; 3] = ["2s", "3s", "6s"];
/// How many scripts that pass the first few seeds are tried in earnest.
const EARNEST: usize = 8;
/// How many ways to end the holds that there are, are tried at most.
const UNTILS: usize = 300;
/// How many pairs of holds are tried at most.
const PAIRS: usize = 1_500;
/// How many holds follow one another at most, each where the one before it led.
const DEPTH: usize = 3;
/// How many scripts are followed at each of these steps.
const WIDTH: usize = 12;
/// The seed whose run says what names mean nothing but to one run.
const OTHER: u64 = 2;

/// The best script that is found from this one, which plays what happened at its exact times.
pub(super) fn find(bench: &mut Bench<'_>, exact: &Script, leftover: &Leftover) -> Option<(Script, Grade)> {
    let mut best: Option<(Script, Grade)> = None;
    if exact.steps.is_empty() {
        better(bench, &with_any_step(exact, &leftover.steps), &mut best);
        return best;
    }
    let exact = &named_to_last(bench, exact);
    // What a person would write comes first: as few holds as will do.
    if better(bench, &[compressed(exact), after_a_while(exact), exact.clone()], &mut best) {
        return best;
    }
    // Fewer steps have fewer points between them, so what is not needed goes while nothing is drawn.
    let core = calmed(bench, exact, &leftover.unscripted).unwrap_or_else(|| exact.clone());
    let mut bases = vec![compressed(&core), after_a_while(&core), core.clone()];
    if !core.holds.is_empty() {
        let bare = Script { holds: Vec::new(), ..core.clone() };
        bases.extend([compressed(&bare), after_a_while(&bare), bare]);
    }
    let orders: Vec<Script> = bases[..2].iter().flat_map(other_orders).collect();
    if better(bench, &bases, &mut best) || tried(bench, &orders, &mut best) {
        return best;
    }
    let otherwise: Vec<Script> = bases.iter().flat_map(other_untils).collect();
    if tried(bench, &otherwise, &mut best) {
        return best;
    }
    for base in &bases {
        let holds = candidates(bench, base);
        let singles: Vec<Script> = holds.iter().map(|(_, hold)| with(base, [hold])).collect();
        if tried(bench, &singles, &mut best) {
            return best;
        }
    }
    let led: Vec<Script> = bases.iter().flat_map(|base| led_on(bench, base)).collect();
    if tried(bench, &led, &mut best) {
        return best;
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
    let held = Script { decisions: [fixed(), leftover.unscripted.clone()].concat(), ..core.clone() };
    let stalls = [fixed(), leftover.unscripted.clone(), leftover.stalls.clone()].concat();
    let stalled = Script { decisions: stalls, holds: Vec::new(), ..exact.clone() };
    better(bench, &[held, stalled], &mut best);
    best
}

/// Where nothing has to be done, something is done all the same: without a step, clients would do as they like.
fn with_any_step(script: &Script, steps: &[Step]) -> Vec<Script> {
    let mut steps: Vec<Step> = steps.iter().map(|step| Step { at: seconds(1), ..step.clone() }).collect();
    steps.sort_by_key(|step| step.operation.len());
    steps.dedup_by(|one, other| one.operation == other.operation);
    steps.into_iter().map(|step| Script { steps: vec![step], ..script.clone() }).collect()
}

/// The script with holds at points as they are named from every seed.
fn named_to_last(bench: &Bench<'_>, script: &Script) -> Script {
    let others = bench.look_from(OTHER, script, true).map(|run| passes(&run)).unwrap_or_default();
    let mut script = script.clone();
    for hold in &mut script.holds {
        hold.point = lasting(&hold.point, &others);
    }
    script
}

/// The script without what it does not need while nothing is drawn but what it cannot script; `None` where it does not
/// fail then.
fn calmed(bench: &mut Bench<'_>, exact: &Script, unscripted: &[SavedDecision]) -> Option<Script> {
    bench.calm = true;
    let least = Grade { seeds: 1, failing: 1, holding: 1 };
    let mut script = Script { decisions: unscripted.to_vec(), ..exact.clone() };
    let calm = bench.grade(&script, least).map(|mut grade| {
        reduce(bench, &mut script, &mut grade);
        script.decisions.clear();
        script
    });
    bench.calm = false;
    calm
}

/// Every latency and every choice of the scheduler as if nothing were drawn.
fn fixed() -> Vec<SavedDecision> {
    let styles =
        [("latency", "no message takes longer than another"), ("schedule", "whoever is ready first runs first")];
    let fixed = styles.map(|(style, meaning)| SavedDecision {
        decision: Decision { site: format!("style {style}").into(), index: 0, value: 0 },
        meaning: meaning.into(),
    });
    fixed.into()
}

/// The script with other ends to its holds.
fn other_untils(script: &Script) -> Vec<Script> {
    let mut scripts = vec![script.clone()];
    for place in 0..script.holds.len() {
        let returns = script.steps.iter().map(|step| format!("{} returns", step.operation));
        let untils: Vec<String> = returns.chain(WAITS.map(str::to_owned)).collect();
        let other = |script: &Script, until: &String| {
            let mut script = script.clone();
            script.holds[place].until.clone_from(until);
            script
        };
        let more: Vec<Script> =
            scripts.iter().flat_map(|script| untils.iter().map(move |until| other(script, until))).collect();
        scripts.extend(more);
        scripts.truncate(UNTILS);
    }
    scripts.split_off(1)
}

/// The script with one step moved to another place in its order.
fn other_orders(script: &Script) -> Vec<Script> {
    let mut scripts = Vec::new();
    let count = script.steps.len();
    for from in 0..count {
        for to in (0..count).filter(|to| to.abs_diff(from) > 1 || *to == from + 1) {
            let mut other = script.clone();
            let times: Vec<Duration> = other.steps.iter().map(|step| step.at).collect();
            let step = other.steps.remove(from);
            other.steps.insert(to, step);
            other.steps.iter_mut().zip(times).for_each(|(step, at)| step.at = at);
            scripts.push(other);
        }
    }
    scripts.truncate(UNTILS);
    scripts
}

fn with<const N: usize>(base: &Script, holds: [&Hold; N]) -> Script {
    let mut script = base.clone();
    script.holds.extend(holds.into_iter().cloned());
    script
}

/// Scripts with several holds, found step by step: a hold that leads somewhere new is followed by one right there.
fn led_on(bench: &mut Bench<'_>, base: &Script) -> Vec<Script> {
    let mut found = Vec::new();
    let mut seen: BTreeSet<String> = points(bench, base);
    let mut level = vec![(base.clone(), seen.clone())];
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for (script, new) in &level {
            for (_, hold) in candidates(bench, script) {
                if !new.contains(&hold.point) || bench.is_over() {
                    continue;
                }
                let longer = with(script, [&hold]);
                let fresh: BTreeSet<String> = points(bench, &longer).difference(&seen).cloned().collect();
                if !fresh.is_empty() && next.len() < WIDTH {
                    next.push((longer.clone(), fresh));
                }
                found.push(longer);
            }
        }
        seen.extend(next.iter().flat_map(|(_, fresh)| fresh.iter().cloned()));
        level = next;
    }
    found
}

/// The points that a script passes.
fn points(bench: &Bench<'_>, script: &Script) -> BTreeSet<String> {
    passed(bench, script).into_iter().map(|pass| pass.point).collect()
}

/// The points that a script passes, as they are named from every seed.
fn passed(bench: &Bench<'_>, script: &Script) -> Vec<Pass> {
    let passes = |seed| bench.look_from(seed, script, true).map(|run| passes(&run)).unwrap_or_default();
    let others = passes(OTHER);
    let mut seen = BTreeSet::new();
    let mut passed = passes(1);
    for pass in &mut passed {
        pass.point = lasting(&pass.point, &others);
    }
    passed.retain(|pass| seen.insert(pass.point.clone()));
    passed
}

/// Every hold that can be scripted at the points that this script passes, with the operation that would be held.
fn candidates(bench: &Bench<'_>, base: &Script) -> Vec<(Option<String>, Hold)> {
    let mut holds = Vec::new();
    for Pass { point, operation } in passed(bench, base) {
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
