//! A campaign as a test, and the story of a run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;

use sexton::harness::{Plan, RunOptions};
use sexton::report::{Story, lines};
use sexton::testing::Campaign;

use crate::lamps::{Lamps, systems};

const SCENARIO: &str = r#"
about    = "The wind blows while a frayed lamp is lit."
system   = "lamps"
expect   = { violates = "no-fire" }
[policy]
wick = "frayed"
[topology]
clients = 2
lamps = 2
[workload]
operations = 10
[faults]
restart = 20
gust = 20
[limits]
chaos = "30s"
settle = "5s"
"#;

fn plan(faults: &[(&str, f64)]) -> Plan {
    Plan { faults: faults.iter().map(|(kind, rate)| ((*kind).to_owned(), *rate)).collect(), ..Plan::default() }
}

/// What a campaign that does not end as expected says.
fn complaint(campaign: Campaign) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| campaign.check())).expect_err("it is not as expected");
    panic.downcast_ref::<String>().expect("it says why").clone()
}

#[test]
fn the_story_of_a_run_reads_the_same_for_ever() {
    let scenario = systems().parse(SCENARIO, Path::new("windy.toml"), "lamps/windy").expect("it is good");
    let run = |detail| scenario.run(3, &RunOptions { keep_history: true, detail, ..RunOptions::default() });
    insta::assert_snapshot!("story", Story::of(&run(false), false).to_string());
    insta::assert_snapshot!("story_with_everything", Story::of(&run(true), true).to_string());
    assert_eq!(run(true).fingerprint, run(false).fingerprint, "what is kept decides nothing");
    let history = run(false).history.expect("it was asked for");
    assert_eq!(lines(&history).len(), history.events().len());
}

#[test]
fn a_system_that_holds_passes() {
    Campaign::of(Lamps::trimmed()).plan(plan(&[("gust", 20.0)])).seeds(20).check();
}

#[test]
fn an_expected_violation_is_found() {
    Campaign::of(Lamps::frayed()).violates("no-fire").seeds(20).check();
}

#[test]
fn a_failure_says_what_broke_and_how_to_see_it_again() {
    let text = complaint(Campaign::of(Lamps::frayed()).seeds(20));
    assert!(text.contains("lamps: no-fire (lamp) from seed 1"), "{text}");
    assert!(text.contains("SEXTON_SEED=1 cargo test"), "{text}");
}

#[test]
fn a_violation_that_never_comes_is_a_failure() {
    let text = complaint(Campaign::of(Lamps::trimmed()).violates("no-fire").seeds(5));
    assert!(text.contains("5 seeds from 1: expected a violation of no-fire"), "{text}");
}

#[test]
fn a_fault_that_meets_nothing_is_a_failure() {
    let text = complaint(Campaign::of(Lamps::trimmed()).plan(plan(&[("gust", 0.000_001)])).seeds(3));
    assert!(text.contains("never put to the test: fault gust"), "{text}");
}

#[test]
fn a_plan_that_names_nothing_real_is_refused() {
    let text = complaint(Campaign::of(Lamps::trimmed()).plan(plan(&[("gusts", 1.0)])));
    assert_eq!(text, "the plan of `lamps` is not usable: unknown kind of fault `gusts`: did you mean `gust`?");
    let text = complaint(Campaign::of(Lamps::trimmed()).violates("no-fires"));
    assert!(text.contains("did you mean `no-fire`?"), "{text}");
}

#[test]
fn a_failure_is_saved_and_comes_first_next_time() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let frayed = || Campaign::of(Lamps::frayed()).saved(directory.path()).seeds(20);
    let first = complaint(frayed());
    assert!(first.contains("saved in"), "{first}");
    let again = complaint(frayed().from(5));
    assert!(again.contains("from seed 1") && again.contains("it is saved in"), "{again}");
    frayed().violates("no-fire").check();
    Campaign::of(Lamps::trimmed()).saved(directory.path()).seeds(5).check();
    let mended = complaint(Campaign::of(Lamps::trimmed()).violates("no-fire").saved(directory.path()).seeds(5));
    assert!(mended.contains("the file has done its duty"), "{mended}");
}

#[test]
fn a_scenario_file_is_a_campaign_too() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("windy.toml");
    std::fs::write(&path, SCENARIO).expect("a file");
    Campaign::scenario(&path, systems()).seeds(10).check();
    std::fs::write(&path, SCENARIO.replace("gust", "gsut")).expect("a file");
    let text = complaint_of(|| drop(Campaign::scenario(&path, systems())));
    assert!(text.contains("did you mean `gust`?"), "{text}");
}

fn complaint_of(act: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(act)).expect_err("it is refused");
    panic.downcast_ref::<String>().expect("it says why").clone()
}

/// Runs `an_expected_violation_is_found` of this very binary with a variable set.
fn with(variable: &str, value: &str) -> (bool, String) {
    let output = Command::new(std::env::current_exe().expect("this test has a binary"))
        .args(["--exact", "campaigns::an_expected_violation_is_found", "--nocapture"])
        .env(variable, value)
        .output()
        .expect("it can be run");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

#[test]
fn sexton_seed_runs_one_seed_and_tells_its_story() {
    let (good, text) = with("SEXTON_SEED", "2");
    assert!(good, "{text}");
    assert!(text.contains("lamps seed 2") && text.contains("── chaos ──") && text.contains("✗ no-fire"), "{text}");
    let (good, text) = with("SEXTON_SEED", "two");
    assert!(!good && text.contains("SEXTON_SEED is `two`, which is not a number"), "{text}");
    let (good, text) = with("SEXTON_SEEDS", "0");
    assert!(!good && text.contains("0 seeds from 1"), "{text}");
}

#[test]
fn sexton_explain_makes_one_seed_small_and_says_why_it_fails() {
    let (good, text) = with("SEXTON_EXPLAIN", "2");
    assert!(!good, "it is there to be read, and so does not pass: {text}");
    for part in ["What broke\n  no-fire", "What it took: 1 decision, all others benign", "The nearest run that passes"]
    {
        assert!(text.contains(part), "{part} in:\n{text}");
    }
    assert!(text.contains("SEXTON_EXPLAIN=2 cargo test campaigns::an_expected_violation_is_found"), "{text}");
}
