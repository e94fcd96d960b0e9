//! One run, from seed to verdict: faults strike and heal, decisions replay, panics and leaks are found.

use std::collections::BTreeMap;
use std::time::Duration;

use sexton::harness::{Decision, Fault, Limits, Plan, Run, RunOptions, Verdict, What, run};

use crate::echo::{Echo, Habit};

fn plan(faults: &[(&str, f64)]) -> Plan {
    Plan {
        faults: faults.iter().map(|(kind, rate)| ((*kind).to_owned(), *rate)).collect(),
        limits: Limits { chaos: Duration::from_mins(1), settle: Duration::from_mins(2), ..Limits::default() },
        ..Plan::default()
    }
}

fn everything() -> Plan {
    let mut faults: Vec<(&str, f64)> = Fault::ALL.iter().map(|fault| (fault.name(), 6.0)).collect();
    faults.push(("own_trouble", 6.0));
    plan(&faults)
}

fn echo(seed: u64, plan: &Plan, options: &RunOptions) -> Run {
    run(&Echo::default(), plan, seed, options)
}

#[test]
fn every_kind_of_fault_strikes_and_meets_work_and_the_system_recovers() {
    let mut met: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..60 {
        let run = echo(seed, &everything(), &RunOptions { keep_history: true, ..RunOptions::default() });
        assert_eq!(run.verdict, Verdict::Holds, "seed {seed}: {:?} {:?}", run.violations, run.stuck);
        for (kind, tally) in &run.faults {
            *met.entry(kind.to_string()).or_default() += tally.met;
            assert!(tally.met <= tally.injected, "{kind}: {tally:?}");
        }
        let history = run.history.expect("it was asked for");
        let (mut up, mut paused) = (BTreeMap::new(), BTreeMap::new());
        for event in history.events() {
            match event.what {
                What::Started => drop(up.insert(event.host.clone(), true)),
                What::Crashed => drop((up.insert(event.host.clone(), false), paused.insert(event.host.clone(), false))),
                What::Paused => drop(paused.insert(event.host.clone(), true)),
                What::Resumed => drop(paused.insert(event.host.clone(), false)),
                _ => {}
            }
        }
        assert!(up.values().all(|up| *up), "seed {seed}: healed means that every host is up");
        assert!(!paused.values().any(|paused| *paused), "seed {seed}: healed means that no host is paused");
    }
    assert_eq!(met.len(), Fault::ALL.len() + 1);
    for (kind, met) in met {
        assert!(met > 0, "{kind} never met an operation in 60 seeds");
    }
}

#[test]
fn the_decisions_of_a_run_are_the_run() {
    for seed in 0..20 {
        let free = echo(seed, &everything(), &RunOptions::default());
        let pinned = RunOptions { overrides: free.decisions.clone(), only_overrides: true, ..RunOptions::default() };
        let again = echo(seed, &everything(), &pinned);
        assert_eq!(again.fingerprint, free.fingerprint, "seed {seed}");
        assert!(again.drift.is_empty());
    }
}

#[test]
fn without_decisions_nothing_happens() {
    let run = echo(1, &everything(), &RunOptions { only_overrides: true, ..RunOptions::default() });
    assert_eq!((run.verdict, run.completed), (Verdict::Vacuous, 0));
    assert!(run.decisions.is_empty());
    assert!(run.faults.values().all(|tally| tally.injected == 0));
}

#[test]
fn a_fault_pinned_to_zero_takes_no_other_decision_with_it() {
    let (seed, free) = (0..100)
        .map(|seed| (seed, echo(seed, &everything(), &RunOptions::default())))
        .find(|(_, run)| run.faults["restart"].injected > 0)
        .expect("some seed restarts a host");
    let swarm = Decision { site: "swarm restart".into(), index: 0, value: 0 };
    let calm = echo(seed, &everything(), &RunOptions { overrides: vec![swarm], ..RunOptions::default() });
    assert_eq!(calm.faults["restart"].injected, 0);
    // Timing differs from there on, so one of the runs may have time for more; what both decide, they decide alike.
    let others = |run: &Run| -> BTreeMap<(String, u64), u64> {
        let kept = run.decisions.iter().filter(|d| d.site.starts_with("operation") || d.site.starts_with("swarm"));
        kept.map(|d| ((d.site.to_string(), d.index), d.value)).collect()
    };
    let (free, calm) = (others(&free), others(&calm));
    let common = free.iter().filter(|(address, _)| calm.contains_key(address)).count();
    assert!(common > 100, "only {common} decisions in common");
    for (address, value) in &free {
        assert!(calm.get(address).is_none_or(|other| other == value), "{address:?} moved");
    }
}

#[test]
fn detail_changes_what_is_kept_and_not_what_happens() {
    let brief = echo(5, &everything(), &RunOptions { keep_history: true, ..RunOptions::default() });
    let full = echo(5, &everything(), &RunOptions { keep_history: true, detail: true, ..RunOptions::default() });
    assert_eq!(brief.fingerprint, full.fingerprint);
    let count = |run: &Run| run.history.as_ref().map_or(0, |history| history.events().len());
    assert!(count(&full) > count(&brief));
}

#[test]
fn a_panic_anywhere_is_a_violation_that_names_host_and_task() {
    let run = run(&Echo { habit: Habit::Panics }, &plan(&[]), 1, &RunOptions::default());
    assert_eq!(run.verdict, Verdict::Violated);
    let violation = &run.violations[0];
    assert_eq!((violation.invariant, &*violation.about), ("no-panic", "panic on pod"));
    assert!(violation.message.contains("pod-") && violation.message.contains("too many"), "{}", violation.message);
}

#[test]
fn a_run_that_cannot_end_in_its_bounds_is_stuck_and_says_on_what() {
    let mut tight = everything();
    tight.limits.events = 500;
    let run = echo(2, &tight, &RunOptions::default());
    assert_eq!(run.verdict, Verdict::Stuck);
    let stuck = run.stuck.expect("says on what");
    assert!(stuck.contains("500 events") && stuck.contains("pod-0"), "{stuck}");
}

#[test]
fn an_operation_that_never_returns_is_no_pass() {
    let run = run(&Echo { habit: Habit::Hangs }, &plan(&[]), 1, &RunOptions::default());
    assert_eq!(run.verdict, Verdict::Stuck);
    let stuck = run.stuck.expect("says on what");
    assert!(stuck.contains("never returned") && stuck.contains("`ask pod-"), "{stuck}");
}

#[test]
fn an_oracle_that_panics_does_not_take_the_seed_with_it() {
    let run = run(&Echo { habit: Habit::OracleFails }, &plan(&[]), 1, &RunOptions::default());
    assert_eq!(run.verdict, Verdict::Violated);
    assert_eq!((run.violations[0].invariant, &*run.violations[0].about), ("no-panic", "panic of an oracle"));
}

#[test]
#[should_panic(expected = "`restrat` is no kind of fault")]
fn a_fault_that_nobody_knows_is_refused() {
    let _ = echo(1, &plan(&[("restrat", 1.0)]), &RunOptions::default());
}

#[test]
fn a_task_held_by_chance_goes_on_when_faults_heal() {
    for seed in 0..60 {
        let run = echo(seed, &plan(&[("stall", 60.0)]), &RunOptions { keep_history: true, ..RunOptions::default() });
        let history = run.history.expect("it was asked for");
        let healed =
            history.events().iter().find(|event| matches!(event.what, What::Phase("settle"))).expect("settles");
        let last = history.events().iter().rev().find(|event| matches!(event.what, What::Returned { .. }));
        let late = last.map_or(Duration::ZERO, |event| event.at.saturating_sub(healed.at));
        assert!(late < Duration::from_secs(1), "seed {seed}: something was held {late:?} beyond the heal");
    }
}
