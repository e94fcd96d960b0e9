//! From a shrunk failure to a scenario and to a Rust test: what is written is read back, fails, and holds hardened.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use sexton::harness::{RunOptions, Verdict};
use sexton::scenario::{Experiment, SavedSeed, Shelf, Systems};
use sexton::search::{Failure, Promote, PromoteError, Promoted};
use sexton::testing;

const JOBS: NonZeroUsize = NonZeroUsize::new(2).unwrap();
/// From how many seeds a script must fail while it is looked for; what is found is then held to more.
const SEEDS: u64 = 5;

/// How many that are. A failure that hangs on a latency needs all of them to be found out.
const ALL: u64 = 20;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A shrunk failure of this defect, with its scenario.
fn shrunk(defect: &str) -> (SavedSeed, Arc<dyn Experiment>) {
    // Those of the session manager have a file of their own here, the others are among the saved seeds.
    let path = match defect.starts_with("seeds/") {
        true => root().join(format!("{defect}.min.toml")),
        false => root().join(format!("tests/it/shrunk/{defect}.toml")),
    };
    let saved = SavedSeed::read(&path, None).unwrap_or_else(|error| panic!("{error:?}"));
    let shelf = Shelf::new(root().join("scenarios"), Systems::builtin());
    let experiment = shelf.find_one(&saved.scenario).unwrap_or_else(|error| panic!("{error:?}"));
    (saved, experiment)
}

fn promoted(saved: &SavedSeed, experiment: &Arc<dyn Experiment>, seeds: u64) -> Result<Promoted, PromoteError> {
    let text = Shelf::new(root().join("scenarios"), Systems::builtin()).text(&saved.scenario).expect("it is there");
    let (systems, stop) = (Systems::builtin(), AtomicBool::new(false));
    Promote { experiment, text: &text, saved, systems: &systems, seeds, jobs: JOBS, stop: &stop }.run(&mut ())
}

/// Promotes the failure of a defect, and holds what it finds to 20 seeds.
fn check(defect: &str, seeds: u64) -> Promoted {
    let (saved, experiment) = shrunk(defect);
    let found = promoted(&saved, &experiment, seeds).unwrap_or_else(|error| panic!("{defect}: {error}"));
    assert!(found.grade.is_full() && found.complete, "{defect}: {:?}", found.grade);
    assert!(found.text.lines().count() < 60, "{defect}: it is too long to be read\n{}", found.text);
    assert!(found.plan.faults.is_empty() && found.plan.decisions.is_empty(), "{defect}: chance has a part in it");

    let read = Systems::builtin().parse(&found.text, Path::new("promoted.toml"), "promoted").expect("it is accepted");
    let hardened = read.hardened().expect("there is a hardened form");
    for seed in 1..=ALL {
        let failures = Failure::all_in(&read.run(seed, &RunOptions::default()));
        let same = failures.iter().any(|failure| failure.signature == saved.signature);
        assert!(same, "{defect}: seed {seed} does not fail like that\n{}", found.text);
        let verdict = hardened.run(seed, &RunOptions::default()).verdict;
        assert_eq!(verdict, Verdict::Holds, "{defect}: hardened, seed {seed} does not hold\n{}", found.text);
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("promoted.toml");
    std::fs::write(&path, &found.text).expect("there is room");
    testing::scenario(&path).seeds(SEEDS).check();
    found
}

#[test]
fn a_blind_decoration_becomes_a_scenario_and_a_test() {
    let found = check("d2", SEEDS);
    insta::assert_snapshot!("promoted_d2", found.text);
    // What `--test=plan` prints is compiled and run in `promoted`.
    let checked_in = std::fs::read_to_string(root().join("tests/it/promoted/plan.rs")).expect("it is checked in");
    assert_eq!(found.to_plan_test("a_decoration_raises_the_dead"), checked_in);
    insta::assert_snapshot!("promoted_d2_test", found.to_test("d2 of session", Path::new("scenarios/session/d2.toml")));
}

#[test]
fn a_session_taken_for_a_sentinel_becomes_a_scenario() {
    insta::assert_snapshot!("promoted_d3", check("d3", ALL).text);
}

#[test]
fn a_blind_notification_becomes_a_scenario() {
    insta::assert_snapshot!("promoted_d4", check("d4", SEEDS).text);
}

#[test]
fn a_creation_over_a_mark_becomes_a_scenario() {
    insta::assert_snapshot!("promoted_r1", check("r1", SEEDS).text);
}

#[test]
fn a_notification_from_the_cache_becomes_a_scenario() {
    insta::assert_snapshot!("promoted_r2", check("r2", SEEDS).text);
}

#[test]
fn a_ghost_on_a_warm_replica_becomes_a_scenario() {
    insta::assert_snapshot!("promoted_sandbox_d2", check("seeds/sandbox/d2-no-tombstone-no-ghost-4", SEEDS).text);
}

#[test]
fn a_restart_that_undoes_a_pause_becomes_a_scenario() {
    let seed = "seeds/reconciler/r1-restart-over-intent-user-intent-absorbing-6";
    insta::assert_snapshot!("promoted_reconciler_r1", check(seed, SEEDS).text);
}

#[test]
fn what_is_not_shrunk_or_does_not_fail_is_refused() {
    let (saved, experiment) = shrunk("r1");
    let whole = SavedSeed { only_decisions: false, decisions: Vec::new(), ..saved.clone() };
    assert!(matches!(promoted(&whole, &experiment, SEEDS), Err(PromoteError::NotShrunk)));
    let mended = SavedSeed { decisions: Vec::new(), ..saved.clone() };
    assert!(matches!(promoted(&mended, &experiment, SEEDS), Err(PromoteError::Mended)));
    let hardened = experiment.hardened().expect("there is a hardened form");
    assert!(matches!(promoted(&saved, &hardened, SEEDS), Err(PromoteError::NothingHardened)));

    let text = Shelf::new(root().join("scenarios"), Systems::builtin()).text(&saved.scenario).expect("it is there");
    let (systems, stop) = (Systems::builtin(), AtomicBool::new(true));
    let stopped = Promote {
        experiment: &experiment,
        text: &text,
        saved: &saved,
        systems: &systems,
        seeds: SEEDS,
        jobs: JOBS,
        stop: &stop,
    };
    assert!(matches!(stopped.run(&mut ()), Err(PromoteError::Ended)));
}

fn sexton(out: &Path, words: &[&str]) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_sexton"))
        .current_dir(root())
        .args(["promote", "tests/it/shrunk/r1.toml", "--seeds", "2", "--out"])
        .arg(out)
        .args(words)
        .output()
        .expect("the command runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output, said)
}

#[test]
fn the_command_writes_once_and_loses_nothing() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let out: PathBuf = directory.path().join("new/promoted.toml");
    let (first, said) = sexton(&out, &[]);
    assert_eq!(first.status.code(), Some(0), "{said}");
    let written = std::fs::read_to_string(&out).expect("it was written");
    assert!(written.contains("violates = \"termination-absorbing\""), "{written}");

    let (again, said) = sexton(&out, &[]);
    assert_eq!(again.status.code(), Some(2), "{said}");
    assert!(said.contains("--force"), "{said}");
    assert_eq!(sexton(&out, &["--force"]).0.status.code(), Some(0));

    let (lost, said) = sexton(&out.join("below-a-file.toml"), &[]);
    assert_eq!(lost.status.code(), Some(2), "{said}");
    assert!(said.contains("cannot be written") && said.contains("[[step]]"), "{said}");

    let test = directory.path().join("promoted.rs");
    assert_eq!(sexton(&test, &["--test=plan"]).0.status.code(), Some(0));
    let written = std::fs::read_to_string(&test).expect("it was written");
    assert!(written.contains("fn promoted_r1()") && written.contains("Campaign::of(your_system())"), "{written}");
}
