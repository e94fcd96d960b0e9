//! Commands from their words to status, output and files, over made-up runs.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use clap::Parser;
use serde_json::Value;
use tempfile::TempDir;

use super::args::Cli;
use super::entry::{Desk, Status};
use super::screen::Screen;
use crate::harness::{Fingerprint, Run};
use crate::report::Paint;
use crate::scenario::{Digest, Expect, Experiment, FileError, Systems};
use crate::search::fake::{Fake, breaking, holding, needing_three};

fn haunted(seed: u64) -> Run {
    match seed % 10 {
        3 => breaking(seed, "no-ghosts", "grave"),
        7 => breaking(seed, "no-ghosts", "chapel"),
        _ => holding(seed),
    }
}

fn haunted_on_another_way(seed: u64) -> Run {
    Run { fingerprint: Fingerprint(1), ..haunted(seed) }
}

fn yard(name: &str) -> Fake {
    let ghosts = Expect::violation("no-ghosts");
    match name {
        "yard/haunted" => Fake::new("yard/haunted", Expect::Holds, haunted),
        "yard/d1" => Fake { defect: Some("Y-D1"), hardened: Some(holding), ..Fake::new("yard/d1", ghosts, haunted) },
        "yard/d10" => Fake { defect: Some("Y-D10"), hardened: Some(holding), ..Fake::new("yard/d10", ghosts, holding) },
        _ => Fake::new("yard/calm", Expect::Holds, holding),
    }
}

/// A directory with scenarios, and what commands in it print.
pub(super) struct Bench {
    directory: TempDir,
    pub(super) systems: Systems,
}

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics while writing").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Bench {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir_all(directory.path().join("scenarios/yard")).expect("directories");
        for name in ["calm", "haunted", "d1", "d10"] {
            let path = directory.path().join(format!("scenarios/yard/{name}.toml"));
            std::fs::write(path, "system = \"yard\"\n").expect("a file");
        }
        Self { directory, systems: Systems::none().with_loader("yard", |_, name| Ok(Arc::new(yard(name)))) }
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// The status of a command and what it printed, without what differs from day to day.
    pub(super) fn sexton(&self, words: &[&str]) -> (Status, String) {
        let (dir, saved) = (self.path("scenarios"), self.path("seeds"));
        let all = ["sexton"].iter().chain(words).copied().chain(["--dir", &dir, "--saved", &saved]);
        let cli = Cli::try_parse_from(all).expect("good words");
        let paper = Paper::default();
        let screen = Screen::new(Paint::PLAIN, Box::new(paper.clone()), Box::new(paper.clone()));
        let status = Desk::new(self.systems.clone(), cli, "sexton", screen).obey();
        let text = String::from_utf8(paper.0.lock().expect("it was written").clone()).expect("it is text");
        (status, text.replace(&self.directory.path().display().to_string(), "~"))
    }

    fn json(&self, name: &str) -> Value {
        let text = std::fs::read_to_string(self.path(name)).expect("it was written");
        serde_json::from_str(&text).expect("it is JSON")
    }
}

/// The keys of an object, as scripts rely on them.
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn fuzz_saves_what_it_finds_once_and_says_how_to_see_it_again() {
    let bench = Bench::new();
    let json = bench.path("out.json");
    let (status, text) = bench.sexton(&["fuzz", "--seeds", "30", "--json", &json, "--junit", &bench.path("out.xml")]);
    assert_eq!(status, Status::NotAsExpected, "{text}");
    insta::assert_snapshot!("fuzz_found", &text[..text.find('─').expect("a table")]);
    assert!(text.contains("yard/haunted: expected to hold"), "{text}");
    assert!(!text.contains("yard/d1"), "a defect is not fuzzed unless it is named\n{text}");

    let report = bench.json("out.json");
    let scenarios = report["scenarios"].as_array().expect("a list");
    assert_eq!(keys(&report), ["scenarios"]);
    let wanted = [
        "name",
        "seeds",
        "seeds_per_second",
        "signatures",
        "simulated_seconds_per_second",
        "system",
        "vacuous",
        "verdict",
        "violations",
    ];
    assert_eq!(keys(&scenarios[1]), wanted);
    assert_eq!(scenarios[0]["verdict"], "holds");
    assert_eq!((&scenarios[1]["violations"], &scenarios[1]["verdict"]), (&6.into(), &"violated".into()));
    assert_eq!(scenarios[1]["signatures"].as_array().map(Vec::len), Some(2));
    let junit = std::fs::read_to_string(bench.path("out.xml")).expect("it was written");
    assert!(junit.contains("tests=\"2\"") && junit.contains("failures=\"1\""), "{junit}");

    let (_, again) = bench.sexton(&["fuzz", "yard/haunted", "--seeds", "30"]);
    assert_eq!(again.matches("(saved before)").count(), 2, "{again}");
    let (status, clean) = bench.sexton(&["fuzz", "yard/calm", "--seeds", "5", "--no-save"]);
    assert_eq!(status, Status::AsExpected, "{clean}");
}

#[test]
fn a_failure_that_cannot_be_saved_is_told_all_the_same() {
    let bench = Bench::new();
    std::fs::write(bench.path("seeds"), "in the way").expect("a file");
    let (status, text) = bench.sexton(&["fuzz", "yard/d1", "--seeds", "9"]);
    assert_eq!(status, Status::NotAsExpected);
    assert!(text.contains("the seed cannot be saved") && text.contains("sexton run yard/d1 --seed 3"), "{text}");
    let (status, _) = bench.sexton(&["fuzz", "yard/d1", "--seeds", "9", "--no-save"]);
    assert_eq!(status, Status::AsExpected, "the defect was seen");
}

#[test]
fn what_cannot_be_written_is_found_out_before_the_work() {
    let bench = Bench::new();
    let (status, text) = bench.sexton(&["fuzz", "--json", &bench.path("nowhere/out.json")]);
    assert_eq!(status, Status::Unusable);
    assert!(text.contains("nowhere/out.json: cannot be written") && !text.contains("scenario"), "{text}");
}

#[test]
fn replay_tells_apart_how_a_seed_ends() {
    let mut bench = Bench::new();
    let (status, text) = bench.sexton(&["replay"]);
    assert_eq!((status, text.trim()), (Status::AsExpected, "there is no saved seed below `~/seeds`"));
    bench.sexton(&["fuzz", "yard/haunted", "--seeds", "5"]);
    let ends = |bench: &Bench| bench.sexton(&["replay"]);

    let (status, text) = ends(&bench);
    assert_eq!(status, Status::AsExpected, "{text}");
    assert_eq!(text.trim(), "~/seeds/yard/haunted-no-ghosts-3.toml: no-ghosts as recorded");

    bench.systems = Systems::none()
        .with_loader("yard", |_, _| Ok(Arc::new(Fake { answer: haunted_on_another_way, ..yard("yard/haunted") })));
    let (status, text) = ends(&bench);
    assert_eq!(status, Status::AsExpected, "{text}");
    let changed = "no-ghosts as recorded, on another way: the code has changed since \
                   (fingerprint 0000000000000001 instead of 0000000000000009;";
    assert!(text.contains(changed), "{text}");
    let (status, text) = bench.sexton(&["replay", "--exact"]);
    assert!(status == Status::NotAsExpected && text.contains("sexton run yard/haunted --seed 3"), "{text}");

    bench.systems = Systems::none().with_loader("yard", |_, _| {
        Ok(Arc::new(Fake { answer: haunted_on_another_way, digest: Digest(2), ..yard("yard/haunted") }))
    });
    let (status, text) = ends(&bench);
    assert_eq!(status, Status::AsExpected, "{text}");
    assert!(text.contains("though the scenario has changed since"), "{text}");

    bench.systems =
        Systems::none().with_loader("yard", |_, _| Ok(Arc::new(Fake { answer: holding, ..yard("yard/haunted") })));
    let (status, text) = ends(&bench);
    assert_eq!(status, Status::NotAsExpected, "{text}");
    assert!(text.contains("is not broken any more, the verdict is holds"), "{text}");

    std::fs::write(bench.path("seeds/yard/broken.toml"), "scenario = \"yard/ha").expect("a file");
    let (status, text) = ends(&bench);
    assert_eq!(status, Status::Unusable, "{text}");
    assert!(text.contains("cut short") && text.contains("haunted-no-ghosts-3.toml: not as recorded"), "{text}");
}

/// A yard in which three of 500 decisions raise a ghost.
fn bells() -> Bench {
    let loader = |_: &_, _: &str| -> Result<Arc<dyn Experiment>, FileError> {
        Ok(Arc::new(Fake { pinned: Some(needing_three), ..yard("yard/calm") }))
    };
    let bench = Bench { systems: Systems::none().with_loader("yard", loader), ..Bench::new() };
    bench.sexton(&["fuzz", "yard/calm", "--seeds", "1"]);
    bench
}

#[test]
fn shrink_writes_the_few_decisions_that_matter_beside_the_seed() {
    let bench = bells();
    let seed = bench.path("seeds/yard/calm-no-ghosts-1.toml");
    let (status, text) = bench.sexton(&["shrink", &seed, "--jobs", "2"]);
    assert_eq!(status, Status::AsExpected, "{text}");
    let told: Vec<&str> = text.lines().collect();
    assert!(told[0].starts_with("~/seeds/yard/calm-no-ghosts-1.toml: from 500 decisions to 3 in "), "{text}");
    let broken = "no-ghosts (grave): a ghost walked in run 1";
    assert_eq!(told[1..6], [broken, "  spade yard rings", "  toll nave>crypt rings", "  bell yard rings", ""]);
    assert_eq!(told[6], "~/seeds/yard/calm-no-ghosts-1.min.toml");
    for (line, command) in told[7..].iter().zip(["replay", "explain", "promote"]) {
        assert!(line.contains(&format!("sexton {command} ~/seeds/yard/calm-no-ghosts-1.min.toml")), "{text}");
    }
    let (status, text) = bench.sexton(&["replay"]);
    assert_eq!(status, Status::AsExpected, "{text}");
    assert_eq!(text.matches("no-ghosts as recorded\n").count(), 2, "{text}");
    let (_, text) = bench.sexton(&["fuzz", "yard/calm", "--seeds", "1"]);
    assert!(text.contains("(saved before)"), "{text}");

    let small = bench.path("seeds/yard/calm-no-ghosts-1.min.toml");
    let before = std::fs::read_to_string(&small).expect("it was written");
    let (status, text) = bench.sexton(&["shrink", &small]);
    assert!(status == Status::AsExpected && text.contains("from 3 decisions to 3"), "{text}");
    assert_eq!(std::fs::read_to_string(&small).expect("it is there"), before, "what is small stays as it is");
    assert_eq!(bench.sexton(&["shrink", &seed, "--in-place"]).0, Status::AsExpected);
    assert_eq!(std::fs::read_to_string(&seed).expect("it is there"), before);
}

#[test]
fn a_shrunk_seed_that_cannot_be_written_is_printed() {
    let bench = bells();
    let seed = bench.path("seeds/yard/calm-no-ghosts-1.toml");
    let (status, text) = bench.sexton(&["shrink", &seed, "--out", &bench.path("nowhere/small.toml")]);
    assert_eq!(status, Status::Unusable, "{text}");
    assert!(text.contains("nowhere/small.toml: the seed cannot be saved"), "{text}");
    assert!(text.contains("only_decisions = true") && text.matches("[[decision]]").count() == 3, "{text}");
    let (status, text) = bench.sexton(&["shrink", &seed, &seed, "--out", &bench.path("small.toml")]);
    assert!(status == Status::Unusable && text.contains("--out names one file, and there are 2 seed files"), "{text}");
}

#[test]
fn shrink_says_what_does_not_fail_any_more_and_what_drifted() {
    let mut bench = bells();
    let seed = bench.path("seeds/yard/calm-no-ghosts-1.toml");
    bench.sexton(&["shrink", &seed, "--in-place"]);
    let text = std::fs::read_to_string(&seed).expect("it is there");
    std::fs::write(&seed, text.replace("toll nave>crypt", "organ loft")).expect("a file");
    for command in ["shrink", "replay"] {
        let (status, text) = bench.sexton(&[command, &seed]);
        assert_eq!(status, Status::NotAsExpected, "{text}");
        assert!(text.contains("never asked for: organ loft 250 (organ loft rings)"), "{text}");
    }
    std::fs::write(&seed, text.replace("[signature]", "[topology]\ngraves = 1\n\n[signature]")).expect("a file");
    let (status, text) = bench.sexton(&["shrink", &seed]);
    assert!(status == Status::Unusable && text.contains("has no size `graves`"), "{text}");
    bench.systems = Systems::none();
    assert_eq!(bench.sexton(&["shrink", &seed]).0, Status::Unusable);
}

#[test]
fn two_runs_that_differ_are_nondeterminism() {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    fn leaking(seed: u64) -> Run {
        Run { fingerprint: Fingerprint(COUNT.fetch_add(1, Ordering::Relaxed)), ..haunted(seed) }
    }
    let bench = Bench {
        systems: Systems::none()
            .with_loader("yard", |_, _| Ok(Arc::new(Fake { answer: leaking, ..yard("yard/haunted") }))),
        ..Bench::new()
    };
    bench.sexton(&["fuzz", "yard/haunted", "--seeds", "5"]);
    let (status, text) = bench.sexton(&["replay"]);
    assert_eq!(status, Status::Nondeterministic, "{text}");
}

#[test]
fn the_catalogue_counts_seeds_and_says_what_was_not_caught() {
    let bench = Bench::new();
    let json = bench.path("out.json");
    let (status, text) = bench.sexton(&["catalogue", "--system", "yard", "--seeds", "60", "--json", &json]);
    assert_eq!(status, Status::NotAsExpected, "{text}");
    assert!(text.contains("Y-D10: not caught by 60 seeds of yard/d10"), "{text}");
    let report = bench.json("out.json");
    let defects = report["defects"].as_array().expect("a list");
    assert_eq!(keys(&defects[0]), ["caught", "cpu_ms", "hardened_holds", "id", "invariant", "scenario", "seeds"]);
    let of = |index: usize, key: &str| defects[index][key].clone();
    assert_eq!((of(0, "id"), of(0, "caught"), of(0, "seeds")), ("Y-D1".into(), true.into(), 3.into()));
    assert_eq!((of(0, "invariant"), of(0, "hardened_holds")), ("no-ghosts".into(), true.into()));
    assert_eq!((of(1, "id"), of(1, "caught"), of(1, "seeds")), ("Y-D10".into(), false.into(), Value::Null));

    assert_eq!(bench.sexton(&["catalogue", "Y-D1"]).0, Status::AsExpected);
    let (status, text) = bench.sexton(&["catalogue", "Y-D2"]);
    assert!(status == Status::Unusable && text.contains("did you mean `Y-D1`?"), "{text}");
    let (status, text) = bench.sexton(&["catalogue", "--system", "yrad"]);
    assert!(status == Status::Unusable && text.contains("did you mean `yard`?"), "{text}");
}

#[test]
fn run_prints_what_decides_it_and_how_it_ended() {
    let bench = Bench::new();
    let (status, text) = bench.sexton(&["run", "yard/haunted", "--seed", "7"]);
    assert_eq!(status, Status::NotAsExpected);
    insta::assert_snapshot!("run_broken", text);
    assert_eq!(bench.sexton(&["run", "yard/haunted", "--seed", "8"]).0, Status::AsExpected);
    assert_eq!(bench.sexton(&["run", "yard/d1", "--seed", "7"]).0, Status::AsExpected);
    assert_eq!(bench.sexton(&["run", "yard/d1", "--seed", "8"]).0, Status::NotAsExpected);
    let (status, text) = bench.sexton(&["run", "yard/hunted", "--seed", "7"]);
    assert!(status == Status::Unusable && text.contains("did you mean `yard/haunted`?"), "{text}");
    let (status, text) = bench.sexton(&["run", "yard", "--seed", "7"]);
    assert!(status == Status::Unusable && text.contains("it is a prefix of several"), "{text}");
}

#[test]
fn pictures_are_written_of_one_run_and_said() {
    let bench = Bench::new();
    let (page, trace) = (bench.path("run.html"), bench.path("run.json"));
    let (status, text) = bench.sexton(&["run", "yard/haunted", "--seed", "7", "--html", &page, "--perfetto", &trace]);
    assert_eq!(status, Status::NotAsExpected, "a picture changes nothing in how a run is judged");
    assert!(text.contains("page         ~/run.html") && text.contains("trace        ~/run.json"), "{text}");
    assert!(bench.json("run.json")["traceEvents"].is_array());
    let written = std::fs::read_to_string(&page).expect("it was written");
    assert!(written.starts_with("<!doctype html>") && written.contains("a ghost walked in run 7"));

    let nowhere = bench.path("nowhere/run.html");
    let (status, text) = bench.sexton(&["run", "yard/haunted", "--seed", "7", "--html", &nowhere]);
    assert!(status == Status::Unusable && text.contains("nowhere/run.html: cannot be written"), "{text}");
    assert!(!text.contains("verdict"), "it is refused before the run\n{text}");
    let (status, text) = bench.sexton(&["run", "yard/haunted", "--seed", "7", "--html", &page, "--perfetto", &page]);
    assert!(status == Status::Unusable && text.contains("name the same file"), "{text}");
}

#[test]
fn a_replay_draws_exactly_one_seed_file() {
    let bench = Bench::new();
    bench.sexton(&["fuzz", "yard/haunted", "--seeds", "9"]);
    let (seed, other) =
        (bench.path("seeds/yard/haunted-no-ghosts-3.toml"), bench.path("seeds/yard/haunted-no-ghosts-7.toml"));
    let page = bench.path("replay.html");
    for (files, says) in [(vec![], "none is named"), (vec![seed.as_str(), &other], "2 are named")] {
        let (status, text) = bench.sexton(&[&["replay", "--html", &page], &files[..]].concat());
        assert!(status == Status::Unusable && text.contains(says), "{text}");
        assert!(!Path::new(&page).exists());
    }
    let (status, text) = bench.sexton(&["replay", &seed, "--html", &page]);
    assert_eq!(status, Status::AsExpected, "{text}");
    assert!(text.contains("page         ~/replay.html") && Path::new(&page).is_file(), "{text}");
}

#[test]
fn list_shows_everything_there_is() {
    let bench = Bench::new();
    bench.sexton(&["fuzz", "yard/haunted", "--seeds", "5"]);
    let (status, text) = bench.sexton(&["list"]);
    assert_eq!(status, Status::AsExpected);
    insta::assert_snapshot!("list", text);
    assert!(Path::new(&bench.path("seeds/yard/haunted-no-ghosts-3.toml")).is_file());
    std::fs::write(bench.path("scenarios/yard/calm.toml"), "system = \"yrad\"\n").expect("a file");
    let (status, text) = bench.sexton(&["list"]);
    assert!(
        status == Status::Unusable && text.contains("did you mean `yard`?") && text.contains("yard/haunted"),
        "{text}"
    );
}

#[test]
fn words_that_make_no_sense_are_refused() {
    let refused =
        |words: &[&str]| Cli::try_parse_from(["sexton"].iter().chain(words)).expect_err("bad words").to_string();
    assert!(refused(&["fuz"]).contains("fuzz"));
    assert!(refused(&["run", "x"]).contains("--seed"));
    assert!(refused(&["run", "x", "--seed", "-1"]).contains("-1"));
    assert!(refused(&["fuzz", "--seeds", "0"]).contains('0'));
    assert!(refused(&["fuzz", "--seeds", "5", "--for", "1m"]).contains("cannot be used with"));
    assert!(refused(&["fuzz", "--for", "soon"]).contains("soon"));
    assert!(refused(&["fuzz", "--jobs", "0"]).contains('0'));
}
