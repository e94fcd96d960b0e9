//! Explanations of known failures, as the command prints them.

use std::path::{Path, PathBuf};
use std::process::Command;

use sexton::harness::{Fork, Run, RunOptions};
use sexton::report::lines;
use sexton::scenario::{SavedSeed, Shelf, Systems};

/// The shrunk seed file of a defect of a system, by the start of its scenario's name.
fn shrunk(system: &str, defect: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(system);
    let named = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&format!("{defect}-")) && name.ends_with(".min.toml")
    };
    let entries = std::fs::read_dir(directory).expect("there are saved seeds");
    let found: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).filter(named).collect();
    let [file] = &found[..] else { panic!("one shrunk seed of {defect}: {found:?}") };
    file.clone()
}

fn explain(file: &Path, more: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_sexton"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["explain", "--futures", "6"])
        .arg(file)
        .args(more)
        .output()
        .expect("the command runs");
    let text = String::from_utf8(output.stdout).expect("it prints text");
    (output.status.code(), text + &String::from_utf8_lossy(&output.stderr))
}

/// The explanation of a defect; no line of it is wider than a terminal of 100 columns.
fn explained(system: &str, defect: &str) -> String {
    let (status, text) = explain(&shrunk(system, defect), &[]);
    assert_eq!(status, Some(0), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours where no terminal is");
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    text
}

/// The part of an explanation below a title.
fn part<'a>(text: &'a str, title: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("\n{title}")).unwrap_or_else(|| panic!("there is `{title}` in:\n{text}"));
    rest.split("\n\n").next().unwrap_or_default()
}

/// The words in this order, whatever stands between them.
fn says(text: &str, words: &[&str]) {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rest = flat.as_str();
    for word in words {
        let Some((_, after)) = rest.split_once(word) else { panic!("`{word}` comes next in:\n{flat}") };
        rest = after;
    }
}

#[test]
fn a_blind_decoration_is_explained() {
    let text = explained("session", "d2");
    let why = part(&text, "Why");
    says(
        why,
        &[
            "decorate",
            "looked at",
            "Then `terminate",
            "deleted",
            "acknowledged",
            "decorate",
            "all the same",
            "there again",
        ],
    );
    insta::assert_snapshot!(text);
}

#[test]
fn a_present_session_taken_for_a_sentinel_is_explained() {
    let text = explained("session", "d3");
    let why = part(&text, "Why");
    says(
        why,
        &[
            "`get",
            "cache",
            "miss",
            "Then `create",
            "inserted",
            "acknowledged",
            "came too late: exists",
            "told",
            "not found",
        ],
    );
    says(why, &["create", "held at session.create.written"]);
    insta::assert_snapshot!(text);
}

#[test]
fn a_blind_notification_is_explained() {
    let text = explained("session", "d4");
    let why = part(&text, "Why");
    says(
        why,
        &[
            "`notify",
            "looked at",
            "Then `terminate",
            "deleted",
            "acknowledged",
            "`notify",
            "all the same",
            "there again",
        ],
    );
    insta::assert_snapshot!(text);
}

#[test]
fn a_creation_over_a_mark_is_explained() {
    let text = explained("session", "r1");
    let why = part(&text, "Why");
    says(
        why,
        &[
            "`create",
            "looked at",
            "Then `terminate",
            "+terminated true",
            "acknowledged",
            "`create",
            "all the same",
            "−terminated",
        ],
    );
    insta::assert_snapshot!(text);
}

#[test]
fn a_notification_from_a_stale_copy_is_explained() {
    let text = explained("session", "r2");
    let why = part(&text, "Why");
    says(
        why,
        &[
            "`notify",
            "went by its copy",
            "`create",
            "made that copy",
            "Since then `notify",
            "acknowledged",
            "all the same",
        ],
    );
    says(why, &["Since then", "backend.ids b1,b2 → b2", "all the same", "+backend.session.b1"]);
    // It needs no chance: two notifications one after the other do it.
    says(part(&text, "When it became unavoidable"), &["100 %", "the start", "no chance at all"]);
    insta::assert_snapshot!(text);
}

#[test]
fn a_sandbox_that_is_inserted_again_is_explained() {
    let text = explained("sandbox", "r8");
    let why = part(&text, "Why");
    says(
        why,
        &[
            "`create",
            "looked at sandboxes:",
            "Then `destroy",
            "deleted",
            "acknowledged",
            "`create",
            "all the same",
            "there again",
        ],
    );
    insta::assert_snapshot!(text);
}

#[test]
fn a_restart_that_undoes_a_pause_is_explained() {
    let text = explained("reconciler", "r1-restart");
    let why = part(&text, "Why");
    says(
        why,
        &[
            "`restart",
            "looked at workspaces:",
            "Then `pause",
            "acknowledged",
            "`restart",
            "all the same",
            "owed stop → create",
        ],
    );
    says(why, &["`restart", "held at storage.after"]);
    insta::assert_snapshot!(text);
}

#[test]
fn a_shape_that_goes_with_its_materializer_is_explained() {
    let text = explained("shapes", "d1");
    says(part(&text, "What broke"), &["told to fetch all again after its removal", "`ended`"]);
    // It takes no change of a key, but two things at the same time.
    says(part(&text, "Why"), &["`restart graceful`", "held at shapes.consumer.appended"]);
    insta::assert_snapshot!(text);
}

#[test]
fn what_took_no_window_is_explained_by_what_was_done() {
    let text = explained("sandbox", "d2");
    says(part(&text, "What broke"), &["served though it was destroyed", "though Postgres has no such sandbox"]);
    says(part(&text, "Why"), &["No change of a key", "nothing but the operations"]);
    says(part(&text, "What it took"), &["create sb", "exec sb", "via replica-b", "destroy sb"]);
}

#[test]
fn what_does_not_fail_any_more_is_not_explained() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("mended.toml");
    let saved = std::fs::read_to_string(shrunk("session", "r1")).expect("a seed file");
    std::fs::write(&file, saved.replace("session/r1-create-over-mark", "session/default")).expect("there is room");
    let (status, text) = explain(&file, &[]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("there is nothing to explain, for it does not fail any more"), "{text}");
}

#[test]
fn the_decision_that_differs_is_named_behind_one_that_is_never_asked_for() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("drifted.toml");
    let saved = std::fs::read_to_string(shrunk("session", "r1")).expect("a seed file");
    let lantern =
        "\n[[decision]]\nsite = \"operation lantern c1\"\nindex = 0\nvalue = 1\nmeaning = \"c1 has a lantern\"\n";
    std::fs::write(&file, saved.replacen("\n[[decision]]", &format!("{lantern}\n[[decision]]"), 1)).expect("a file");
    let (status, text) = explain(&file, &[]);
    assert_eq!(status, Some(0), "{text}");
    says(part(&text, "The nearest run that passes"), &["here: a task on pod-a is held", "there: it does not happen"]);
    assert!(text.contains("never asked for: operation lantern c1 0 (c1 has a lantern)"), "{text}");
}

#[test]
fn an_explanation_comes_with_its_pictures() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (page, trace) = (directory.path().join("page.html"), directory.path().join("trace.json"));
    let words = ["--html", &*page.to_string_lossy(), "--perfetto", &*trace.to_string_lossy()];
    let (status, text) = explain(&shrunk("session", "r1"), &words);
    assert_eq!(status, Some(0), "{text}");
    assert!(std::fs::read_to_string(&page).expect("a page").contains("termination-absorbing"));
    let trace = std::fs::read_to_string(&trace).expect("a trace");
    let trace: serde_json::Value = serde_json::from_str(&trace).expect("JSON");
    assert!(trace["traceEvents"].as_array().is_some_and(|events| !events.is_empty()));
}

/// The events of a run that are kept without full detail too, in words.
fn plain(run: &Run) -> Vec<String> {
    lines(run.history.as_ref().expect("it was kept")).iter().map(ToString::to_string).collect()
}

#[test]
fn a_fork_keeps_its_past_and_draws_the_rest_anew() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shelf = Shelf::new(root.join("scenarios"), Systems::builtin());
    let small = SavedSeed::read(&shrunk("session", "d2"), None).expect("a seed file");
    let whole = SavedSeed { only_decisions: false, decisions: Vec::new(), topology: Vec::new(), ..small.clone() };
    for saved in [small, whole] {
        let found = shelf.find_one(&saved.scenario).expect("its scenario is there");
        let experiment = saved.experiment(&found).expect("its sizes fit");
        let run = |fork| experiment.run(saved.seed, &RunOptions { keep_history: true, fork, ..saved.options() });
        let original = run(None);
        let told = plain(&original);
        for after in [0, 1, told.len() / 3, told.len() / 2] {
            let (one, other) =
                (run(Some(Fork { after: after as u64, seed: 1 })), run(Some(Fork { after: after as u64, seed: 2 })));
            for fork in [&one, &other] {
                assert_eq!(plain(fork)[..after], told[..after], "the first {after} events stay");
            }
            assert_ne!(one.fingerprint, other.fingerprint, "what comes after {after} events is drawn");
            assert_eq!(one.fingerprint, run(Some(Fork { after: after as u64, seed: 1 })).fingerprint);
        }
        let never = run(Some(Fork { after: u64::MAX, seed: 1 }));
        assert_eq!(never.fingerprint, original.fingerprint, "no future was drawn");
    }
}
