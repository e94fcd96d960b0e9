//! The command itself: what it prints where, and its status.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn sexton(directory: &Path, words: &[&str]) -> Output {
    let binary = env!("CARGO_BIN_EXE_sexton");
    Command::new(binary).args(words).current_dir(directory).env_remove("NO_COLOR").output().expect("the command runs")
}

/// Checks a command's status and what it says to standard error, and that a pipe gets no colours.
fn check(directory: &Path, words: &[&str], status: i32, says: &[&str]) -> String {
    let output = sexton(directory, words);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{words:?}\n{out}\n{err}");
    for part in says {
        assert!(err.contains(part), "{words:?} does not say `{part}`:\n{err}");
    }
    assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "colours in a pipe:\n{out}\n{err}");
    out.into_owned()
}

#[test]
fn unusable_input_is_status_2_and_says_what_to_do() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let here = directory.path();
    let scenarios = here.join("scenarios/session");
    std::fs::create_dir_all(&scenarios).expect("directories");
    let broken = "about = \"x\"\nsystem = \"nobody\"\nexpect = \"holds\"\n";
    std::fs::write(scenarios.join("default.toml"), broken).expect("a file");
    std::fs::create_dir_all(here.join("seeds/session")).expect("directories");
    std::fs::write(here.join("seeds/session/cut.toml"), "scenario = \"session/de").expect("a file");

    check(here, &[], 2, &["Usage"]);
    check(here, &["run", "session/default"], 2, &["--seed"]);
    check(here, &["run", "session/defualt", "--seed", "1"], 2, &["did you mean `session/default`?"]);
    check(here, &["run", "session/default", "--seed", "1"], 2, &["default.toml:2:10: unknown system `nobody`"]);
    check(here, &["run", "elsewhere.toml", "--seed", "1"], 2, &["elsewhere.toml: no such file"]);
    check(here, &["fuzz"], 2, &["unknown system"]);
    check(here, &["fuzz", "--dir", "nowhere"], 2, &["there is no scenario", "--dir"]);
    check(here, &["catalogue", "--system", "nobody"], 2, &["unknown system `nobody`"]);
    check(here, &["determinism", "--dir", "nowhere"], 2, &["there is no scenario"]);
    check(here, &["replay"], 2, &["cut.toml:1:23", "cut short"]);
    check(here, &["catalogue", "--system", "session", "--system", "nobdy"], 2, &["unknown system `nobdy`"]);
    check(here, &["replay", "seeds/session"], 2, &["cut.toml:1:23", "cut short"]);
    check(here, &["replay", "seeds/session/cu.toml"], 2, &["no such file", "`cut.toml`"]);
    let out = check(here, &["list"], 2, &["unknown system `nobody`", "cut.toml"]);
    assert!(out.contains("systems") && out.contains("saved seeds"), "{out}");
}

#[test]
fn an_empty_directory_has_nothing_to_list_or_replay() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let out = check(directory.path(), &["list"], 0, &[]);
    assert!(out.starts_with("systems"), "{out}");
    assert_eq!(check(directory.path(), &["replay"], 0, &[]), "there is no saved seed below `seeds`\n");
}

#[test]
fn the_other_engine_is_asked_for_where_it_can_be() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let run = ["run", "session/scripted-decorate-terminate", "--seed", "1"];
    let with = |more: &[&'static str]| [&run[..], more].concat();
    check(here, &with(&["--tick", "5ms"]), 2, &["no ticks", "--engine turmoil"]);
    check(here, &with(&["--engine", "turmoil", "--tick", "1500us"]), 2, &["whole milliseconds"]);
    check(here, &with(&["--engine", "madsim"]), 2, &["events", "turmoil"]);
    check(here, &["replay", "--engine", "turmoil"], 2, &["no --engine"]);
    let long = ["fuzz", "sandbox/long-idle", "--engine", "turmoil", "--seeds", "1"];
    check(here, &long, 2, &["sandbox/long-idle: not run on turmoil", "--tick"]);
    let out = check(here, &with(&["--engine", "turmoil", "--tick", "50ms"]), 0, &[]);
    assert!(out.contains("verdict      holds") && out.contains("--engine turmoil --tick 50ms"), "{out}");
}

/// A campaign in which failures are found, ended by signals once this many have been printed: how it ended, and the files
/// that it has named.
fn fuzz_until(signals: &str, failures: usize, saved: &Path) -> (std::process::ExitStatus, Vec<String>) {
    let mut campaign = Command::new(env!("CARGO_BIN_EXE_sexton"))
        .args(["fuzz", "session/preset-a", "session/d4-notify-upsert", "--seeds", "1000000", "--saved"])
        .arg(saved)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command runs");
    let printed = BufReader::new(campaign.stdout.take().expect("it is a pipe")).lines();
    let mut named = Vec::new();
    for line in printed {
        let line = line.expect("text");
        let Some(("  sexton", words)) = line.split_once(" replay ") else { continue };
        named.extend(words.split(' ').next().map(str::to_owned));
        if named.len() == failures {
            let kill = format!("for signal in {signals}; do kill -$signal {}; done", campaign.id());
            let killed = Command::new("sh").args(["-c", &kill]).status().expect("a shell");
            assert!(killed.success(), "{kill}");
        }
    }
    (campaign.wait().expect("it ends"), named)
}

#[test]
fn a_campaign_that_is_killed_has_saved_each_failure_it_has_printed() {
    // `timeout -s INT` sends two at once.
    for signals in ["KILL", "TERM", "INT", "INT INT"] {
        let saved = tempfile::tempdir().expect("a temporary directory");
        let (status, named) = fuzz_until(signals, 3, saved.path());
        // What is asked to end says what it has done, and that this was not all.
        assert_eq!(status.code(), (signals != "KILL").then_some(1), "{signals}: {status}");
        assert!(named.len() >= 3, "{signals}: {status}, {named:?}");
        for file in &named {
            let replay = ["replay", "--exact", file];
            let out = check(Path::new(env!("CARGO_MANIFEST_DIR")), &replay, 0, &[]);
            assert!(out.contains("as recorded"), "{signals}: {file}:\n{out}");
        }
    }
}
