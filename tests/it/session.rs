//! The session manager from outside: the story of a failure, the same history in another process, saved failures.

use std::path::{Path, PathBuf};
use std::process::Command;

use sexton::harness::RunOptions;
use sexton::report::Story;
use sexton::scenario::{SavedSeed, SeedShelf, Systems};
use sexton::search::Failure;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What the command prints, run in a process of its own.
fn sexton(words: &[&str]) -> (Option<i32>, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_sexton")).current_dir(root()).args(words).output().expect("the command runs");
    (output.status.code(), String::from_utf8(output.stdout).expect("it prints text"))
}

#[test]
fn the_story_of_a_decoration_that_raises_the_dead() {
    let path = root().join("scenarios/session/scripted-decorate-terminate-upsert.toml");
    let scenario = Systems::builtin().load(&path, "session/scripted-decorate-terminate-upsert").expect("is read");
    let run = scenario.run(1, &RunOptions { keep_history: true, ..RunOptions::default() });
    insta::assert_snapshot!(Story::of(&run, false).to_string());
}

#[test]
fn two_processes_tell_the_same_run_byte_for_byte() {
    for scenario in ["session/default", "session/preset-a"] {
        let words = ["run", scenario, "--seed", "7", "--trace"];
        let (one, other) = (sexton(&words), sexton(&words));
        assert!(one.1.lines().count() > 1_000, "a trace of {scenario} is long");
        assert_eq!(one, other);
    }
}

#[test]
fn determinism_is_checked_against_a_fresh_process() {
    let (status, said) = sexton(&["determinism", "session", "--seeds", "84"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("84 of 84 equal"), "{said}");
    let ours = Path::new(env!("CARGO_BIN_EXE_sexton")).starts_with(root().join("target"));
    let why = if ours { "a release build takes long" } else { "is not in the target directory of its package" };
    assert!(said.contains("not compared: ") && said.contains(why), "{said}");
}

#[test]
fn every_saved_failure_still_fails_in_the_same_way() {
    let files: Vec<PathBuf> = SeedShelf::new(root().join("seeds")).files().expect("the seeds are listed");
    let small = files.iter().filter(|file| file.to_string_lossy().ends_with(".min.toml")).count();
    assert!(small >= 28 && files.len() >= 2 * small, "two for each known defect at least: {small} of {}", files.len());
    for file in files {
        let saved = SavedSeed::read(&file, None).unwrap_or_else(|error| panic!("{error:?}"));
        let path = root().join("scenarios").join(format!("{}.toml", saved.scenario));
        let scenario = Systems::builtin().load(&path, &saved.scenario).unwrap_or_else(|error| panic!("{error:?}"));
        let run = saved.experiment(&scenario).expect("its sizes fit").run(saved.seed, &saved.options());
        let signature = &saved.signature;
        let broken = run
            .violations
            .iter()
            .any(|violation| violation.invariant == signature.invariant && violation.about == signature.about);
        assert!(broken, "{}: {} ({}) is not broken any more", file.display(), signature.invariant, signature.about);
        // Whatever a scenario is there to break, nothing panics in it, nor leaves its world.
        let breakdown = Failure::all_in(&run).into_iter().find(Failure::is_breakdown);
        assert!(breakdown.is_none(), "{}: {breakdown:?}", file.display());
    }
}
