//! A campaign as a test: for `cargo test` of code that uses sexton.
//!
//! ```
//! use sexton::harness::{Deployment, Draw, Invariant, Load, Plan, System};
//! use sexton::testing::Campaign;
//!
//! #[derive(Clone)]
//! struct Bell;
//!
//! impl System for Bell {
//!     type Operation = &'static str;
//!     type Outcome = bool;
//!     type Client = ();
//!     fn name(&self) -> &'static str {
//!         "bell"
//!     }
//!     fn load(&self) -> Load {
//!         Load { clients: 2, operations: 10 }
//!     }
//!     fn deploy(&self, _: &mut Deployment) {}
//!     fn client(&self, _: &str) {}
//!     fn next(&self, _: &mut Draw<'_>) -> Option<&'static str> {
//!         Some("ring")
//!     }
//!     async fn perform(&self, (): (), _: &'static str) -> bool {
//!         true
//!     }
//!     fn invariants(&self) -> Vec<Box<dyn Invariant<Self>>> {
//!         Vec::new()
//!     }
//! }
//!
//! // In a function marked with `#[test]`:
//! Campaign::of(Bell).plan(Plan::default()).seeds(20).check();
//! ```
//!
//! A failure panics with what was broken and the line that shows it again:
//! `SEXTON_SEED=17 cargo test the_bell_rings -- --nocapture`.
//! With `SEXTON_SEED` only that seed is run, and its story told; with `SEXTON_EXPLAIN` it is shrunk to the decisions that
//! matter, and explained. `SEXTON_SEEDS` replaces the number of seeds.

use std::fmt::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::harness::{Plan, RunOptions, System, Verdict};
use crate::report::{Again, Paint, Story, explanation, verdict_word};
use crate::scenario::{
    Bound, Digest, Expect, Experiment, SavedSeed, SeedShelf, Shelf, Signature, Systems, Title, USUAL_SEEDS,
    check_expect, check_plan,
};
use crate::search::{self, Explain, FUTURES, Failure, STUCK, Shrink, Summary, Watch};
use crate::world::not_guaranteed;

/// How many seeds a campaign has when nobody says otherwise.
const SEEDS: u64 = 100;

type Bind = Box<dyn FnOnce(Plan, Expect) -> Arc<dyn Experiment>>;

/// What is run: a system that still wants its plan, or a scenario with everything.
enum Subject {
    System { bind: Bind, plan: Plan },
    Scenario(Arc<dyn Experiment>),
}

/// A campaign as a test.
#[must_use = "a campaign does nothing before `check`"]
pub struct Campaign {
    subject: Subject,
    expect: Option<Expect>,
    from: u64,
    seeds: u64,
    saved: Option<PathBuf>,
}

/// The scenario file at `path`, for one of the systems of this crate, as a campaign.
///
/// # Panics
/// When the file is refused.
pub fn scenario(path: impl AsRef<Path>) -> Campaign {
    Campaign::scenario(path, Systems::builtin())
}

impl Campaign {
    /// A campaign on a system. It is expected to hold, has a plan without faults, and 100 seeds.
    pub fn of<S: System>(system: S) -> Self {
        let bind = Box::new(move |plan, expect| bound(system, plan, expect));
        Self::new(Subject::System { bind, plan: Plan::default() })
    }

    /// A campaign on a scenario file, for one of these systems. What it expects stands in the file.
    ///
    /// # Panics
    /// When the file is refused.
    pub fn scenario(path: impl AsRef<Path>, systems: Systems) -> Self {
        let path = path.as_ref();
        // The name by which the command line knows it, if the file is where scenarios usually are.
        match Shelf::new("scenarios", systems).find_one(&path.display().to_string()) {
            Ok(experiment) => Self::new(Subject::Scenario(experiment)),
            Err(error) => panic!("{:?}", miette::Report::new(error)),
        }
    }

    fn new(subject: Subject) -> Self {
        Self { subject, expect: None, from: 1, seeds: SEEDS, saved: None }
    }

    /// Faults, limits, steps and holds.
    ///
    /// # Panics
    /// On a scenario file, which has a plan of its own.
    pub fn plan(mut self, plan: Plan) -> Self {
        match &mut self.subject {
            Subject::System { plan: place, .. } => *place = plan,
            Subject::Scenario(known) => panic!("{} has a plan of its own: change the file", known.name()),
        }
        self
    }

    /// How many seeds. `SEXTON_SEEDS` replaces it.
    pub fn seeds(mut self, seeds: u64) -> Self {
        self.seeds = seeds;
        self
    }

    /// The first seed; 1 unless it is set.
    pub fn from(mut self, seed: u64) -> Self {
        self.from = seed;
        self
    }

    /// A directory of seed files: all in it are replayed before anything new, and a new failure is saved there.
    pub fn saved(mut self, directory: impl Into<PathBuf>) -> Self {
        self.saved = Some(directory.into());
        self
    }

    /// Some seed must break this invariant, and the test fails when none does.
    pub fn violates(mut self, invariant: &str) -> Self {
        self.expect = Some(Expect::violation(invariant));
        self
    }

    /// Runs it. Ends at the first seed that decides it.
    ///
    /// # Panics
    /// When it does not end as expected: with what was broken, and the line that shows it again. Also when something
    /// in the plan does not exist, or `SEXTON_SEED` or `SEXTON_SEEDS` is not a number.
    #[track_caller]
    #[expect(clippy::print_stderr, reason = "a test tells what it cannot promise where the test runner captures it")]
    pub fn check(self) {
        for missing in not_guaranteed() {
            eprintln!("warning: {missing}");
        }
        let experiment = match self.subject {
            Subject::System { bind, plan } => bind(plan, self.expect.clone().unwrap_or(Expect::Holds)),
            Subject::Scenario(experiment) => experiment,
        };
        let test =
            Test { expect: self.expect.unwrap_or_else(|| experiment.expect().clone()), experiment, saved: self.saved };
        let done = match (number("SEXTON_EXPLAIN"), number("SEXTON_SEED")) {
            (Some(seed), _) => test.explain(seed),
            (None, Some(seed)) => test.one(seed),
            (None, None) => {
                test.replay().and_then(|()| test.campaign(self.from, number("SEXTON_SEEDS").unwrap_or(self.seeds)))
            }
        };
        if let Err(why) = done {
            panic!("{why}");
        }
    }
}

/// A system with its plan, once everything in the plan is known to exist.
fn bound<S: System>(system: S, plan: Plan, expect: Expect) -> Arc<dyn Experiment> {
    if let Err(why) = check_plan(&system, &plan).and_then(|()| check_expect(&system, &expect)) {
        panic!("{why}");
    }
    let title = Title {
        name: system.name().into(),
        about: String::new(),
        defect: None,
        expect,
        seeds: USUAL_SEEDS,
        settings: Vec::new(),
        digest: Digest::of(&format!("{plan:?}")),
    };
    Arc::new(Bound { system, plan, title, hardened: None, sizes: None })
}

/// A campaign that is being checked.
struct Test {
    experiment: Arc<dyn Experiment>,
    expect: Expect,
    saved: Option<PathBuf>,
}

impl Test {
    /// One seed, with its story.
    #[expect(clippy::print_stderr, reason = "a test tells its story where the test runner captures it")]
    fn one(&self, seed: u64) -> Result<(), String> {
        let options = RunOptions { keep_history: true, ..RunOptions::default() };
        let run = self.experiment.run(seed, &options);
        eprintln!("{} seed {seed}\n\n{}", self.experiment.name(), Story::of(&run, false));
        eprintln!("verdict {}, fingerprint {}", verdict_word(run.verdict), run.fingerprint);
        let failures = Failure::all_in(&run);
        let good = match &self.expect {
            Expect::Holds | Expect::Unobservable(_) | Expect::Vacuous(_) => run.verdict == Verdict::Holds,
            Expect::Violates { .. } => failures.iter().any(|failure| self.expect.wants(&failure.signature)),
            Expect::Stuck => failures.iter().any(|failure| failure.signature.invariant == STUCK),
        };
        match failures.first() {
            _ if good => Ok(()),
            Some(failure) => Err(self.told(failure)),
            None => Err(format!(
                "{}: seed {seed} {}, expected: {}",
                self.experiment.name(),
                verdict_word(run.verdict),
                self.expect
            )),
        }
    }

    /// Why one seed fails: its failure is made small, and explained.
    #[expect(clippy::print_stderr, reason = "a test explains itself where the test runner captures it")]
    fn explain(&self, seed: u64) -> Result<(), String> {
        let failures = Failure::all_in(&self.experiment.run(seed, &RunOptions::default()));
        let wanted = failures.iter().find(|failure| self.expect.wants(&failure.signature));
        let Some(failure) = wanted.or(failures.first()) else {
            return Err(format!(
                "{}: seed {seed} fails in no way, so there is nothing to explain",
                self.experiment.name()
            ));
        };
        let stop = AtomicBool::new(false);
        let refused = |error| format!("{:?}", miette::Report::new(error));
        let saved = failure.to_seed(&*self.experiment);
        let (jobs, clock) = (cores(), &|| Duration::ZERO);
        let shrink = Shrink { experiment: &self.experiment, saved: &saved, time: None, jobs, stop: &stop, clock };
        let saved = shrink.run(&mut ()).map_err(refused)?.seed;
        let experiment =
            saved.experiment(&self.experiment).map_err(|error| format!("{:?}", miette::Report::new(error)))?;
        let explain = Explain { experiment: &*experiment, saved: &saved, futures: FUTURES, jobs, stop: &stop };
        if let Some(told) = explain.explain(&mut ()) {
            eprintln!("{} seed {seed}\n\n{}", self.experiment.name(), explanation(&told, Paint::PLAIN));
        }
        Err(self.told(failure))
    }

    /// What is saved comes first. Where the campaign is to hold, so must every seed that ever failed; where it is to
    /// fail, each must fail as it did.
    fn replay(&self) -> Result<(), String> {
        let Some(directory) = &self.saved else { return Ok(()) };
        let refused = |error| format!("{:?}", miette::Report::new(error));
        for file in SeedShelf::flat(directory).files().map_err(refused)? {
            let saved = SavedSeed::read(&file, None).map_err(refused)?;
            if saved.scenario != self.experiment.name() {
                continue;
            }
            let told = |error| format!("{}: {:?}", file.display(), miette::Report::new(error));
            let experiment = saved.experiment(&self.experiment).map_err(told)?;
            let failures = Failure::all_in(&experiment.run(saved.seed, &saved.options()));
            match (&self.expect, failures.first()) {
                (Expect::Holds | Expect::Unobservable(_) | Expect::Vacuous(_), Some(failure)) => {
                    // What a shrunk seed runs, its number alone does not.
                    let told = if saved.only_decisions { self.named(failure) } else { self.told(failure) };
                    return Err(format!("{told}\n  it is saved in {}", file.display()));
                }
                (Expect::Violates { .. } | Expect::Stuck, _)
                    if failures.iter().all(|failure| failure.signature != saved.signature) =>
                {
                    let signature = &saved.signature;
                    return Err(format!(
                        "{}: does not break {} ({}) any more; if that is right, the file has done its duty",
                        file.display(),
                        signature.invariant,
                        signature.about
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Seed after seed, until one of them decides.
    fn campaign(&self, from: u64, seeds: u64) -> Result<(), String> {
        let stop = AtomicBool::new(false);
        let mut decided = Decided { expect: &self.expect, stop: &stop, failure: None, seen: Vec::new() };
        let campaign = search::Campaign {
            experiment: &*self.experiment,
            from,
            seeds,
            time: None,
            jobs: cores(),
            stop: &stop,
            clock: &|| Duration::ZERO,
        };
        let summary = Summary { expect: self.expect.clone(), ..campaign.run(&mut decided) };
        let Err(why) = summary.as_expected() else { return Ok(()) };
        let seen = || summary.signatures.values().map(|seen| &seen.first);
        let breakdown = seen().find(|failure| failure.is_breakdown() && !self.expect.wants(&failure.signature));
        let telling = match (&self.expect, breakdown, &decided.failure) {
            (_, Some(breakdown), _) => Some(breakdown),
            // Some of what was expected came, so what is told is what did not.
            (Expect::Violates { .. }, None, Some(_)) => None,
            (_, None, Some(failure)) => Some(failure),
            (_, None, None) => seen().next(),
        };
        Err(match telling {
            Some(failure) => self.told(failure) + &self.keep(failure),
            None => format!("{}: {} seeds from {from}: {why}", self.experiment.name(), summary.seeds),
        })
    }

    /// Saves a failure, where there is a place for it; says where.
    fn keep(&self, failure: &Failure) -> String {
        let Some(directory) = &self.saved else { return String::new() };
        let seed = failure.to_seed(&*self.experiment);
        match SeedShelf::flat(directory).save(self.experiment.system(), &seed, &again("SEXTON_SEED", failure.seed)) {
            Ok(kept) => format!("\n  saved in {}", kept.path().display()),
            Err(error) => format!("\n  {error}"),
        }
    }

    /// A failure in words.
    fn named(&self, failure: &Failure) -> String {
        let Failure { signature, seed, message, at, .. } = failure;
        let (name, at) = (self.experiment.name(), humantime::format_duration(*at));
        format!("{name}: {} ({}) from seed {seed}\n  at {at}: {message}", signature.invariant, signature.about)
    }

    /// A failure with the lines that show it again.
    fn told(&self, failure: &Failure) -> String {
        let seed = &failure.seed;
        let mut text = self.named(failure);
        // Writing into a string cannot fail.
        let _ = write!(text, "\n  {}\n  {}", again("SEXTON_SEED", *seed), again("SEXTON_EXPLAIN", *seed));
        if self.experiment.name().contains('/') {
            let _ = write!(text, "\n  {}", Again::default().run(self.experiment.name(), *seed));
        }
        text
    }
}

/// Ends a campaign at the first failure that decides it.
struct Decided<'a> {
    expect: &'a Expect,
    stop: &'a AtomicBool,
    failure: Option<Failure>,
    seen: Vec<Signature>,
}

impl Watch for Decided<'_> {
    fn failed(&mut self, failure: &Failure) {
        let counts = match self.expect {
            Expect::Violates { .. } => self.expect.wants(&failure.signature),
            Expect::Stuck => failure.signature.invariant == STUCK,
            Expect::Holds | Expect::Unobservable(_) | Expect::Vacuous(_) => true,
        };
        if !counts {
            return;
        }
        self.seen.push(failure.signature.clone());
        self.failure.get_or_insert_with(|| failure.clone());
        if self.expect.missing(&self.seen.iter().collect::<Vec<_>>()).is_empty() {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

/// The line that runs the current test on one seed, or explains why it fails there.
fn again(variable: &str, seed: u64) -> String {
    let thread = std::thread::current();
    let name = thread.name().filter(|name| *name != "main").map(|name| format!(" {name}")).unwrap_or_default();
    format!("{variable}={seed} cargo test{name} -- --nocapture")
}

/// A number from the environment.
#[expect(clippy::disallowed_methods, reason = "a test is told from outside which seed to run")]
fn number(variable: &str) -> Option<u64> {
    let text = std::env::var_os(variable)?;
    let text = text.to_string_lossy();
    let Ok(number) = text.trim().parse() else {
        panic!("{variable} is `{text}`, which is not a number: write for example {variable}=17");
    };
    Some(number)
}

#[expect(clippy::disallowed_methods, reason = "how many runs go side by side decides nothing in any of them")]
fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
