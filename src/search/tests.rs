//! Campaigns, hunts and checks over made-up runs.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::fake::{Fake, breaking, holding};
use super::{Campaign, Catch, Check, Determinism, Elsewhere, Failure, Fate, Hunt, Summary, Watch, Way};
use crate::harness::{Fingerprint, Plan, Run, Step, Verdict};
use crate::report::Line;
use crate::scenario::{Expect, Experiment};

const JOBS: NonZeroUsize = NonZeroUsize::new(3).unwrap();

fn still() -> Duration {
    Duration::ZERO
}

/// A run in which no invariant ever applied.
fn untested(seed: u64) -> Run {
    Run { exercised: [("no-ghosts", 0)].into(), ..holding(seed) }
}

/// A run in which nothing was ever done.
fn idle(seed: u64) -> Run {
    Run { verdict: Verdict::Vacuous, completed: 0, ..holding(seed) }
}

/// Stops a campaign after ten seeds.
struct Stopper<'a>(&'a AtomicBool);
impl Watch for Stopper<'_> {
    fn ran(&mut self, summary: &Summary) {
        self.0.store(summary.seeds >= 10, Ordering::Relaxed);
    }
}

fn campaign(experiment: &Fake, seeds: u64, watch: &mut dyn Watch) -> Summary {
    let stop = AtomicBool::new(false);
    Campaign { experiment, from: 1, seeds, time: None, jobs: JOBS, stop: &stop, clock: &still }.run(watch)
}

fn plan(faults: &[(&str, f64)]) -> Plan {
    Plan { faults: faults.iter().map(|(kind, rate)| ((*kind).to_owned(), *rate)).collect(), ..Plan::default() }
}

#[test]
fn a_campaign_that_holds_says_so() {
    let fake = Fake { plan: plan(&[("restart", 1.0)]), ..Fake::new("yard/calm", Expect::Holds, holding) };
    let summary = campaign(&fake, 40, &mut ());
    assert_eq!((summary.seeds, summary.failing, summary.verdict()), (40, 0, Verdict::Holds));
    assert_eq!(summary.exercised["no-ghosts"], 80);
    assert_eq!(summary.faults["restart"].met, 40);
    assert_eq!(summary.simulated, Duration::from_mins(40));
    assert_eq!(summary.as_expected(), Ok(()));
    assert!(!summary.interrupted);
}

#[test]
fn each_signature_is_told_once_with_its_smallest_seed() {
    struct Listener(Vec<(u64, String)>);
    impl Watch for Listener {
        fn failed(&mut self, failure: &Failure) {
            self.0.push((failure.seed, failure.signature.about.clone()));
        }
    }
    fn answer(seed: u64) -> Run {
        match seed % 7 {
            3 => breaking(seed, "no-ghosts", "grave"),
            5 => breaking(seed, "no-ghosts", "chapel"),
            _ => holding(seed),
        }
    }
    let mut listener = Listener(Vec::new());
    let summary = campaign(&Fake::new("yard/haunted", Expect::Holds, answer), 50, &mut listener);
    assert_eq!(listener.0, [(3, "grave".to_owned()), (5, "chapel".to_owned())]);
    assert_eq!(summary.failing, 14);
    assert_eq!(summary.signatures.values().map(|seen| seen.seeds).sum::<u64>(), 14);
    assert_eq!(summary.verdict(), Verdict::Violated);
    assert!(summary.as_expected().is_err());
}

#[test]
fn what_was_never_put_to_the_test_is_vacuous() {
    let fake = Fake {
        plan: plan(&[("restart", 1.0), ("pause", 0.5), ("slow", 0.0)]),
        ..Fake::new("yard/x", Expect::Holds, untested)
    };
    let summary = campaign(&fake, 5, &mut ());
    assert_eq!(summary.vacuous(), ["invariant no-ghosts", "fault pause"]);
    assert_eq!(summary.verdict(), Verdict::Vacuous);
    assert!(summary.as_expected().is_err_and(|why| why.contains("no-ghosts")));

    assert_eq!(campaign(&Fake::new("yard/x", Expect::Holds, idle), 5, &mut ()).verdict(), Verdict::Vacuous);
}

#[test]
fn a_script_need_not_meet_every_fault_but_must_check_something() {
    let step = Step { at: Duration::ZERO, client: "c1".into(), operation: "dig".into() };
    let scripted = Plan { steps: vec![step], ..plan(&[("pause", 1.0)]) };
    let fake = Fake { plan: scripted.clone(), ..Fake::new("yard/script", Expect::Holds, holding) };
    assert_eq!(campaign(&fake, 3, &mut ()).verdict(), Verdict::Holds);

    let fake = Fake { plan: scripted, ..Fake::new("yard/script", Expect::Holds, untested) };
    assert_eq!(campaign(&fake, 3, &mut ()).verdict(), Verdict::Vacuous);
}

#[test]
fn expectations_are_met_or_said_to_be_missed() {
    fn haunted(seed: u64) -> Run {
        if seed == 4 { breaking(seed, "no-ghosts", "grave") } else { holding(seed) }
    }
    fn panicking(seed: u64) -> Run {
        let mut run = breaking(seed, "no-ghosts", "grave");
        run.violations.extend(breaking(seed, "no-panic", "task").violations);
        run
    }
    fn stuck(seed: u64) -> Run {
        Run { verdict: Verdict::Stuck, stuck: Some("the sexton waits".into()), ..holding(seed) }
    }
    let met = |expect: &Expect, answer| {
        campaign(&Fake::new("yard/x", expect.clone(), answer), 6, &mut ()).as_expected().is_ok()
    };
    let ghosts = Expect::violation("no-ghosts");
    let unseen = Expect::Unobservable("it is dark".into());
    assert!(met(&ghosts, haunted) && !met(&ghosts, holding) && !met(&ghosts, stuck));
    assert!(!met(&ghosts, panicking), "a panic beside what is expected is no success");
    let both = Expect::Violates { invariants: vec!["no-ghosts".into(), "no-panic".into()], about: None };
    assert!(met(&both, panicking) && !met(&both, haunted), "each of several is to be seen");
    let about = |part: &str| Expect::Violates { invariants: vec!["no-ghosts".into()], about: Some(part.into()) };
    assert!(met(&about("grav"), haunted) && !met(&about("cellar"), haunted));
    assert!(met(&Expect::Stuck, stuck) && !met(&Expect::Stuck, holding));
    assert!(met(&unseen, holding) && !met(&unseen, haunted));
}

#[test]
fn time_and_stop_end_a_campaign() {
    let ticks = AtomicU64::new(0);
    let clock = || Duration::from_millis(ticks.fetch_add(1, Ordering::Relaxed));
    let stop = AtomicBool::new(false);
    let fake = Fake::new("yard/calm", Expect::Holds, holding);
    let timed = Campaign {
        experiment: &fake,
        from: 1,
        seeds: u64::MAX,
        time: Some(Duration::from_millis(25)),
        jobs: JOBS,
        stop: &stop,
        clock: &clock,
    };
    let summary = timed.run(&mut ());
    assert!((20..30).contains(&summary.seeds), "{} seeds", summary.seeds);
    assert!(!summary.interrupted, "its time was up");

    let summary = Campaign { time: None, seeds: 1_000_000, ..timed }.run(&mut Stopper(&stop));
    assert!(summary.interrupted && summary.seeds >= 10 && summary.seeds < 1_000);
}

fn hunt(fake: &Fake) -> Catch {
    let stop = AtomicBool::new(false);
    Hunt { experiment: fake, from: 1, seeds: 100, hardened: 50, jobs: JOBS, stop: &stop, clock: &still }.run()
}

fn defect(answer: fn(u64) -> Run, hardened: fn(u64) -> Run) -> Fake {
    let expect = Expect::violation("no-ghosts");
    Fake { defect: Some("Y-D1"), hardened: Some(hardened), ..Fake::new("yard/d1", expect, answer) }
}

#[test]
fn a_defect_is_caught_by_the_smallest_seed_that_shows_it() {
    fn haunted(seed: u64) -> Run {
        match seed {
            5 => breaking(seed, "no-noise", "bell"),
            62.. => breaking(seed, "no-ghosts", "grave"),
            _ => holding(seed),
        }
    }
    let found = hunt(&defect(haunted, holding));
    assert!(found.as_expected());
    assert_eq!(found.caught.expect("it shows").seed, 62);
    assert_eq!((found.seeds, found.hardened_seeds), (62, 62));
    assert_eq!(
        found.others.into_iter().map(|(other, seed)| (other.invariant, seed)).collect::<Vec<_>>(),
        [("no-noise".into(), 5)]
    );
}

/// A run that panics before it shows anything else.
fn crumbling(seed: u64) -> Run {
    breaking(seed, if seed < 9 { "no-panic" } else { "no-ghosts" }, "grave")
}

#[test]
fn a_catch_is_worth_nothing_when_the_hardened_form_fails_too() {
    fn haunted(seed: u64) -> Run {
        breaking(seed, "no-ghosts", "grave")
    }
    fn late(seed: u64) -> Run {
        if seed == 50 { haunted(seed) } else { holding(seed) }
    }
    assert!(hunt(&defect(haunted, late)).hardened_fails.is_some_and(|why| why.starts_with("seed 50: no-ghosts")));
    assert!(hunt(&defect(haunted, untested)).hardened_fails.is_some_and(|why| why.contains("never applied")));
    assert!(hunt(&Fake { hardened: None, ..defect(haunted, holding) }).hardened_fails.is_some());
    assert!(!hunt(&defect(holding, holding)).as_expected(), "nothing was caught");
    let found = hunt(&defect(crumbling, holding));
    assert_eq!(found.breakdown().map(|(signature, seed)| (signature.invariant.as_str(), seed)), Some(("no-panic", 1)));
    assert!(found.caught.is_some() && !found.as_expected(), "a panic beside the defect is no success");
}

#[test]
fn what_is_said_to_be_unobservable_must_not_be_seen() {
    fn haunted(seed: u64) -> Run {
        if seed == 40 { breaking(seed, "no-ghosts", "grave") } else { holding(seed) }
    }
    let unseen = |answer| Fake { expect: Expect::Unobservable("it is dark".into()), ..defect(answer, holding) };
    let found = hunt(&unseen(holding));
    assert!(found.as_expected() && found.seeds == 50);
    assert!(!hunt(&unseen(haunted)).as_expected());
}

/// Another process whose runs are made up too.
struct Made(fn(u64) -> Run);

impl Elsewhere for Made {
    fn fates(&self, runs: &[(String, u64)]) -> Result<Vec<Fate>, String> {
        Ok(runs.iter().map(|(_, seed)| Fate::of(&(self.0)(*seed))).collect())
    }
    fn account(&self, _: &str, _: u64) -> Result<Vec<Line>, String> {
        Ok(Vec::new())
    }
}

/// Ten seeds of each of two scenarios, with a fresh process and another build whose runs are made up.
fn checked(answer: fn(u64) -> Run, fresh: fn(u64) -> Run, build: fn(u64) -> Run) -> Determinism {
    let experiments: Vec<Arc<dyn Experiment>> = ["yard/a", "yard/b"]
        .into_iter()
        .map(|name| Arc::new(Fake::new(name, Expect::Holds, answer)) as Arc<dyn Experiment>)
        .collect();
    let check = Check {
        experiments: &experiments,
        from: 1,
        runs: 20,
        jobs: JOBS,
        stop: &AtomicBool::new(false),
        elsewhere: &[(Way::Fresh, &Made(fresh)), (Way::Build, &Made(build))],
        progress: &|_| {},
    };
    check.run().expect("it answers")
}

#[test]
fn equal_runs_are_equal_and_whoever_differs_is_found_out() {
    fn drifting(seed: u64) -> Run {
        if seed == 7 { Run { fingerprint: Fingerprint(0), ..holding(seed) } } else { holding(seed) }
    }
    fn judged_otherwise(seed: u64) -> Run {
        if seed == 3 { Run { verdict: Verdict::Violated, ..holding(seed) } } else { holding(seed) }
    }
    let good = checked(holding, holding, holding);
    assert_eq!((good.runs, good.equal, good.first_difference), (20, 20, None));
    let all = [Way::Again, Way::After, Way::Beside, Way::Fresh, Way::Build];
    assert_eq!(good.ways, all.map(|way| (way, 20)));

    let bad = checked(holding, drifting, holding);
    assert_eq!((bad.runs, bad.equal), (20, 18));
    assert_eq!(bad.ways[3..], [(Way::Fresh, 18), (Way::Build, 20)]);
    let difference = bad.first_difference.expect("seed 7 differs");
    assert_eq!((difference.scenario.as_str(), difference.seed, difference.way), ("yard/a", 7, Way::Fresh));

    let bad = checked(holding, holding, judged_otherwise);
    assert_eq!((bad.equal, bad.ways[4]), (18, (Way::Build, 18)));
    let difference = bad.first_difference.expect("seed 3 differs");
    assert_eq!((difference.seed, difference.way), (3, Way::Build));
    assert_eq!(difference.here.history, difference.there.history, "the same history, judged in two ways");
}

#[test]
fn a_run_that_depends_on_what_ran_before_is_found_out() {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    fn leaking(seed: u64) -> Run {
        Run { fingerprint: Fingerprint(COUNT.fetch_add(1, Ordering::Relaxed)), ..holding(seed) }
    }
    let found = checked(leaking, holding, holding);
    assert_eq!(found.equal, 0);
    assert_eq!(found.first_difference.expect("every seed differs").way, Way::Again);
}
