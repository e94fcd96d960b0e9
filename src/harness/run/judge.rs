//! The verdict on a run that is over.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::drive::Driven;
use super::{Fingerprint, Run, RunOptions, Verdict};
use crate::harness::{Findings, Observed, Plan, Record, System, Violation};
use crate::world::Outcome;
use crate::world::history::{History, What};

/// The invariant of every world: nothing panics.
pub const NO_PANIC: &str = "no-panic";
/// The invariant of every world: nothing leaves it for tokio's own tasks, or for threads.
pub const NO_ESCAPE: &str = "no-escape";

/// Asks every invariant about a run that is over.
pub(super) fn judge<S: System>(
    system: &S,
    plan: &Plan,
    seed: u64,
    options: &RunOptions,
    outcome: Outcome<Driven<S>>,
) -> Run {
    let Outcome { value, mut stuck, history, decisions, meanings, drift, simulated, events } = outcome;
    let mut violations = world_violations(&history);
    let mut exercised = BTreeMap::new();
    let mut faults = BTreeMap::new();
    let mut completed = 0;
    if let Some(driven) = value {
        completed =
            driven.operations.iter().filter(|record| !record.at_rest && record.returned.is_some()).count() as u32;
        faults = driven.faults;
        let observed = Observed {
            history: &history,
            operations: &driven.operations,
            healed: driven.healed,
            ended: simulated,
            allowed: &plan.allow,
        };
        stuck = stuck.or_else(|| unanswered(&driven.operations));
        for invariant in system.invariants() {
            let mut findings = Findings { invariant: invariant.name(), ..Findings::default() };
            // An oracle that panics must not take the seed with it.
            let checked = catch_unwind(AssertUnwindSafe(|| invariant.check(&observed, &mut findings)));
            if let Err(payload) = checked {
                let why = payload.downcast_ref::<String>().map(String::as_str);
                let why = why.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or_default();
                violations.push(Violation {
                    invariant: NO_PANIC,
                    about: "panic of an oracle".to_owned(),
                    message: format!("the oracle {} panicked: {why}", findings.invariant),
                    at: simulated,
                });
            }
            exercised.insert(findings.invariant, findings.exercised);
            violations.append(&mut findings.violations);
        }
    }
    violations.sort_by_key(|violation| violation.at);
    let verdict = if !violations.is_empty() {
        Verdict::Violated
    } else if stuck.is_some() {
        Verdict::Stuck
    } else if completed == 0 {
        Verdict::Vacuous
    } else {
        Verdict::Holds
    };
    Run {
        seed,
        verdict,
        violations,
        stuck,
        exercised,
        faults,
        fingerprint: Fingerprint(history.fingerprint()),
        simulated,
        events,
        completed,
        decisions,
        meanings,
        drift,
        history: options.keep_history.then_some(history),
    }
}

/// Operations whose clients still wait when all is over, in words.
fn unanswered<S: System>(operations: &[Record<S>]) -> Option<String> {
    let waiting: Vec<&Record<S>> = operations.iter().filter(|record| record.returned.is_none()).collect();
    let named: Vec<String> = waiting
        .iter()
        .take(5)
        .map(|record| format!("#{} `{}` of {} since {:?}", record.id, record.operation, record.client, record.invoked))
        .collect();
    let more = if waiting.len() > named.len() { ", …" } else { "" };
    (!waiting.is_empty()).then(|| format!("{} operations never returned: {}{more}", waiting.len(), named.join(", ")))
}

/// What no system may do in any world: panic, or leave it.
fn world_violations(history: &History) -> Vec<Violation> {
    let of = |invariant, about: String, message, at| Violation { invariant, about, message, at };
    let found = history.events().iter().filter_map(|event| match &event.what {
        What::Panicked { task, message } => Some(of(
            NO_PANIC,
            format!("panic on {}", role(&event.host)),
            format!("task {task} on host {} panicked: {message}", event.host),
            event.at,
        )),
        What::Escaped(how) => Some(of(
            NO_ESCAPE,
            format!("escape on {}", role(&event.host)),
            format!("on host {}: {how}", event.host),
            event.at,
        )),
        _ => None,
    });
    found.collect()
}

/// A host's name without what numbers it among its like, for signatures: `pod-b` is `pod`, `c3` is `c`.
fn role(host: &str) -> &str {
    host.split_once('-').map_or_else(|| host.trim_end_matches(|c: char| c.is_ascii_digit()), |(role, _)| role)
}
