//! Shrinking made-up runs, whose smallest form is known.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::groups::{self, Address};
use super::{Shrink, ShrinkError, ShrinkWatch, Shrunk, values};
use crate::harness::{Decision, RunOptions};
use crate::scenario::{Expect, Experiment, SavedDecision, SavedSeed};
use crate::search::Failure;
use crate::search::fake::{Fake, holding, needing_three};

fn experiment() -> Arc<dyn Experiment> {
    Arc::new(Fake { pinned: Some(needing_three), ..Fake::new("yard/bells", Expect::Holds, holding) })
}

fn saved() -> SavedSeed {
    let experiment = experiment();
    let run = experiment.run(5, &RunOptions::default());
    Failure::all_in(&run).first().expect("it fails with all its decisions").to_seed(&*experiment)
}

fn shrink(saved: &SavedSeed, jobs: usize) -> Result<Shrunk, ShrinkError> {
    let (stop, experiment) = (AtomicBool::new(false), experiment());
    let jobs = NonZeroUsize::new(jobs).expect("some");
    Shrink { experiment: &experiment, saved, time: None, jobs, stop: &stop, clock: &|| Duration::ZERO }.run(&mut ())
}

fn numbers(shrunk: &Shrunk) -> Vec<(u64, u64)> {
    shrunk.seed.decisions.iter().map(|saved| (saved.decision.index, saved.decision.value)).collect()
}

#[test]
fn three_of_five_hundred_are_found_with_small_round_values() {
    let shrunk = shrink(&saved(), 2).expect("it fails");
    assert_eq!(numbers(&shrunk), [(17, 1), (250, 1000), (333, 1)]);
    assert_eq!((shrunk.before, shrunk.complete), (500, true));
    assert_eq!(shrunk.seed.decisions[0].meaning, "spade yard rings");
    assert!(shrunk.seed.only_decisions && shrunk.trials < 400, "{} trials", shrunk.trials);
    let run = experiment().run(5, &shrunk.seed.options());
    assert_eq!(run.fingerprint, shrunk.seed.fingerprint, "the file replays to the fingerprint that it holds");
    assert!(Failure::all_in(&run).iter().any(|failure| failure.signature == saved().signature));
}

#[test]
fn how_many_runs_go_at_once_changes_nothing() {
    let (one, many) = (shrink(&saved(), 1).expect("it fails"), shrink(&saved(), 5).expect("it fails"));
    assert_eq!((&one.seed, one.trials), (&many.seed, many.trials));
}

#[test]
fn what_is_shrunk_stays_as_it_is() {
    let once = shrink(&saved(), 2).expect("it fails").seed;
    let twice = shrink(&once, 2).expect("it still fails");
    assert_eq!((&twice.seed, twice.before), (&once, 3));
}

#[test]
fn whoever_ends_it_has_the_best_so_far() {
    struct Stopper<'a>(&'a AtomicBool);
    impl ShrinkWatch for Stopper<'_> {
        fn tried(&mut self, trials: u64, _: usize) {
            self.0.store(trials >= 15, Ordering::Relaxed);
        }
    }
    let (saved, stop, experiment) = (saved(), AtomicBool::new(false), experiment());
    let jobs = NonZeroUsize::MIN;
    let ticks = AtomicU64::new(0);
    let clock = || Duration::from_millis(ticks.fetch_add(1, Ordering::Relaxed));
    let endless = Shrink { experiment: &experiment, saved: &saved, time: None, jobs, stop: &stop, clock: &clock };
    let check = |shrunk: &Shrunk| {
        let left = shrunk.seed.decisions.len();
        assert!(!shrunk.complete && (4..500).contains(&left), "{left} decisions are left");
        let run = experiment.run(5, &shrunk.seed.options());
        assert!(Failure::all_in(&run).iter().any(|failure| failure.signature == saved.signature));
    };
    check(&endless.run(&mut Stopper(&stop)).expect("it fails"));
    stop.store(false, Ordering::Relaxed);
    check(&Shrink { time: Some(Duration::from_millis(20)), ..endless }.run(&mut ()).expect("it fails"));
}

#[test]
fn what_does_not_fail_any_more_says_which_decisions_drifted() {
    let once = shrink(&saved(), 2).expect("it fails").seed;
    let strange = Decision { site: "organ loft".into(), ..once.decisions[2].decision.clone() };
    let strange = SavedDecision { decision: strange, meaning: "the organ plays".into() };
    let mut more = once.clone();
    more.decisions.push(strange.clone());
    let shrunk = shrink(&more, 2).expect("the others are still there");
    assert_eq!((&shrunk.drift, &shrunk.seed.decisions), (&vec![strange.clone()], &once.decisions));

    let mut moved = once;
    moved.decisions[2] = strange.clone();
    match shrink(&moved, 2) {
        Err(ShrinkError::Mended { instead, drift }) => {
            assert_eq!((instead.as_str(), drift), ("every invariant holds", vec![strange]));
        }
        other => panic!("it cannot fail any more: {other:?}"),
    }
}

#[test]
fn a_run_that_its_decisions_do_not_decide_is_found_out() {
    let fake = Fake {
        pinned: Some(|seed, options| match options.only_overrides {
            true => holding(seed),
            false => needing_three(seed, options),
        }),
        ..Fake::new("yard/bells", Expect::Holds, holding)
    };
    let experiment: Arc<dyn Experiment> = Arc::new(fake);
    let (stop, saved) = (AtomicBool::new(false), saved());
    let jobs = NonZeroUsize::MIN;
    let shrink =
        Shrink { experiment: &experiment, saved: &saved, time: None, jobs, stop: &stop, clock: &|| Duration::ZERO };
    let refused = shrink.run(&mut ()).expect_err("its decisions do not make it fail");
    assert!(matches!(refused, ShrinkError::Elusive { decisions: 500, .. }), "{refused}");
}

#[test]
fn values_get_smaller_and_no_rougher_until_they_end() {
    assert_eq!(values::smaller(1), Vec::<u64>::new());
    assert_eq!(values::smaller(4), [1, 2, 3]);
    assert_eq!(values::smaller(500), [1, 2, 5, 10, 20, 50, 100, 200]);
    for value in [11, 99, 130, 2_048, 71_234, 5_000_000, u64::MAX] {
        let tries = values::smaller(value);
        assert!(tries.contains(&10) && tries.iter().all(|tried| (1..value).contains(tried)), "{value}: {tries:?}");
    }
    assert!(values::smaller(3_472).contains(&3_000), "rounder ones are tried on the way up");
    for fault in [1, 2, 257, 835_841] {
        let magnitude = |value: u64| ((value - 1) >> 8, (value - 1) & 0xff);
        let tries = values::smaller_fault(fault);
        assert!(tries.iter().all(|tried| magnitude(*tried) < magnitude(fault)), "{fault}: {tries:?}");
        assert!(fault == 1 || tries.contains(&1), "{fault}: {tries:?}");
    }
}

#[test]
fn groups_follow_from_addresses() {
    let of = |site: &str, index| Decision { site: site.into(), index, value: 1 };
    let keys = |site: &str| {
        let decision = of(site, 7);
        [groups::family(&decision), groups::kind(&decision), groups::whole_subject(&decision)]
    };
    assert_eq!(keys("fault.restart pod-a"), ["fault", "fault.restart", "pod-a"]);
    assert_eq!(keys("fault.own slow_init b4"), ["fault", "fault.own", "b4"]);
    assert_eq!(keys("net.latency pod-a>redis"), ["net", "net.latency", "pod-a>redis"]);
    assert_eq!(keys("schedule pod-a#1/2.3"), ["schedule", "schedule", "pod-a"]);
    assert_eq!(keys("stall session.create.rechecked pod-a"), ["stall", "stall", "pod-a"]);
    assert_eq!(keys("operation session#2 c4"), ["operation", "operation", "c4"]);
    assert_eq!(keys("novel"), ["novel", "novel", ""]);
    let together = [of("operation operation c4", 7), of("operation pod c4", 7), of("think c4", 7)];
    assert!(together.iter().all(|one| groups::operation(one) == groups::operation(&together[0])));
    assert_ne!(groups::operation(&of("think c4", 8)), groups::operation(&together[0]));
    assert!(Address::of(&of("stall point pod-a", 0)).is_counted() && !Address::of(&together[0]).is_counted());
}
