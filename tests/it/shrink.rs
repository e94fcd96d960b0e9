//! Saved failures made small, over whole systems; `benches/shrink.rs` does it for every defect.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sexton::harness::RunOptions;
use sexton::scenario::{Experiment, SavedSeed, SeedShelf, Shelf, Systems};
use sexton::search::{Failure, Shrink, ShrinkWatch, Shrunk};

use crate::lamps::systems;

/// The first failing seed of a defect of the session manager.
fn first_of(scenario: &str) -> (Arc<dyn Experiment>, SavedSeed) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let experiment = Shelf::new(root.join("scenarios"), Systems::builtin()).find_one(scenario).expect("it is there");
    let files = SeedShelf::new(root.join("seeds")).files().expect("the saved seeds are listed");
    let read = |file: &PathBuf| SavedSeed::read(file, None).expect("a saved seed is read");
    let whole = |saved: &SavedSeed| saved.scenario == scenario && !saved.only_decisions;
    let saved = files.iter().map(read).find(whole).expect("its failure is saved");
    (experiment, saved)
}

fn shrink(experiment: &Arc<dyn Experiment>, saved: &SavedSeed, jobs: usize) -> Shrunk {
    let stop = AtomicBool::new(false);
    let jobs = NonZeroUsize::new(jobs).expect("some");
    let shrink = Shrink { experiment, saved, time: None, jobs, stop: &stop, clock: &|| Duration::ZERO };
    shrink.run(&mut ()).expect("it still fails")
}

/// Fails unless a saved failure ends as it is recorded, fingerprint included.
fn replays(found: &Arc<dyn Experiment>, saved: &SavedSeed) {
    let run = saved.experiment(found).expect("its sizes fit").run(saved.seed, &saved.options());
    assert!(Failure::all_in(&run).iter().any(|failure| failure.signature == saved.signature), "{saved:?}");
    assert_eq!((run.fingerprint, run.drift), (saved.fingerprint, Vec::new()));
}

#[test]
fn saved_failures_become_small_and_stay_the_same() {
    for (scenario, most) in
        [("session/d16-absent-is-an-error", 4), ("session/d7-notify-unclosed", 4), ("session/r1-create-over-mark", 8)]
    {
        let (experiment, saved) = first_of(scenario);
        let one = shrink(&experiment, &saved, 1);
        assert!(one.complete && one.before > 500 && one.seed.decisions.len() <= most, "{scenario}: {:?}", one.seed);
        assert_eq!(one.seed.signature, saved.signature);
        assert!(one.seed.topology.contains(&("pods".into(), 1)), "{scenario}: {:?}", one.seed.topology);
        replays(&experiment, &one.seed);
        let two = shrink(&experiment, &saved, 2);
        assert_eq!((&two.seed, two.trials), (&one.seed, one.trials), "how many run at once decides nothing");
        let again = shrink(&experiment, &one.seed, 2);
        assert_eq!(again.seed, one.seed, "what is small stays as it is");
    }
}

#[test]
fn a_shrunk_seed_file_is_read_as_it_was_written() {
    let (experiment, saved) = first_of("session/d16-absent-is-an-error");
    let small = shrink(&experiment, &saved, 2).seed;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("small.toml");
    small.write(&path, "again").expect("it is written");
    assert_eq!(SavedSeed::read(&path, None).expect("it is read"), small);
    replays(&experiment, &small);
    assert_eq!(std::fs::read_dir(directory.path()).expect("it is listed").count(), 1, "no draft is left behind");
}

#[test]
fn whoever_stops_it_has_the_best_so_far() {
    struct Stopper<'a>(&'a AtomicBool);
    impl ShrinkWatch for Stopper<'_> {
        fn tried(&mut self, trials: u64, _: usize) {
            self.0.store(trials >= 20, Ordering::Relaxed);
        }
    }
    let (experiment, saved) = first_of("session/r1-create-over-mark");
    let stop = AtomicBool::new(false);
    let jobs = NonZeroUsize::new(2).expect("some");
    let shrink =
        Shrink { experiment: &experiment, saved: &saved, time: None, jobs, stop: &stop, clock: &|| Duration::ZERO };
    let best = shrink.run(&mut Stopper(&stop)).expect("it fails");
    assert!(!best.complete && (1..best.before).contains(&best.seed.decisions.len()), "{:?}", best.seed);
    replays(&experiment, &best.seed);
}

#[test]
fn sizes_shrink_with_the_decisions_and_only_those_there_are() {
    let text = "about = \"x\"\nsystem = \"lamps\"\nexpect = { violates = \"no-fire\" }\n[policy]\nwick = \"frayed\"\n";
    let experiment = systems().parse(text, Path::new("frayed.toml"), "lamps/frayed").expect("it is good");
    assert_eq!(experiment.sizes(), [("clients".into(), 4), ("lamps".into(), 2)]);
    let run = experiment.run(1, &RunOptions::default());
    let saved = Failure::all_in(&run)[0].to_seed(&*experiment);
    let small = shrink(&experiment, &saved, 2).seed;
    assert_eq!((small.decisions.len(), small.topology.len()), (1, 2), "{small:?}");
    assert_eq!(small.topology[1], ("lamps".into(), 1));
    replays(&experiment, &small);

    let resized = small.experiment(&experiment).expect("its sizes fit");
    assert_eq!((resized.digest(), resized.name()), (experiment.digest(), "lamps/frayed"));
    assert_eq!(resized.sizes()[1], ("lamps".into(), 1));
    let hardened = |experiment: &Arc<dyn Experiment>| experiment.hardened().expect("it has a policy");
    assert_eq!(hardened(&resized).sizes(), resized.sizes());
    assert_eq!(hardened(&resized).digest(), hardened(&experiment).digest());
    let strange = SavedSeed { topology: vec![("lmaps".into(), 1)], ..small.clone() };
    let refused = strange.experiment(&experiment).err().expect("there is no such size");
    assert_eq!(refused.to_string(), "`lamps/frayed` has no size `lmaps` in its [topology]");
    let none = SavedSeed { topology: vec![("clients".into(), 0)], ..small };
    assert!(none.experiment(&experiment).is_err(), "no client would do anything");
}
