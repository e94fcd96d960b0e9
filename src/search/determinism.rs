//! Whether a run is a pure function of its seed: each is made again in several ways, and has to come to the same.
//! Where it does not, the first differing event is named, and where the difference is likeliest to come from.

mod fate;
mod source;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use self::fate::{Fate, account};
pub use self::source::Source;
use super::workers::in_order;
use crate::harness::RunOptions;
use crate::report::Line;
use crate::scenario::Experiment;

/// How a run is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// In the same process, at once.
    Again,
    /// In the same process, after all the runs that came after it the first time.
    After,
    /// In the same process, beside others on every core.
    Beside,
    /// In a fresh process.
    Fresh,
    /// In another build of the same program: with debug assertions and overflow checks, or without.
    Build,
}

impl Way {
    /// The two runs in words, as in "this process and a fresh one".
    pub fn words(self) -> &'static str {
        match self {
            Self::Again => "two runs in one process",
            Self::After => "a run and the same after unrelated ones",
            Self::Beside => "a run alone and the same beside others",
            Self::Fresh => "this process and a fresh one",
            Self::Build => "this build and the other one",
        }
    }

    /// One word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Again => "again",
            Self::After => "after",
            Self::Beside => "beside",
            Self::Fresh => "fresh",
            Self::Build => "build",
        }
    }
}

/// Another process that runs the same scenarios.
pub trait Elsewhere: Sync {
    /// What these runs come to, in order. Each is named by scenario and seed.
    ///
    /// # Errors
    /// When the other process cannot be had or does not answer.
    fn fates(&self, runs: &[(String, u64)]) -> Result<Vec<Fate>, String>;

    /// The [`account`] of one run.
    ///
    /// # Errors
    /// When the other process cannot be had or does not answer.
    fn account(&self, scenario: &str, seed: u64) -> Result<Vec<Line>, String>;
}

/// A check of several experiments.
pub struct Check<'a> {
    /// What is run; the seeds are dealt out to them in turn.
    pub experiments: &'a [Arc<dyn Experiment>],
    /// The first seed.
    pub from: u64,
    /// How many runs in all.
    pub runs: u64,
    /// How many runs at once, where that decides nothing.
    pub jobs: NonZeroUsize,
    /// Set from outside to end early.
    pub stop: &'a AtomicBool,
    /// Other processes, and how each of them makes a run again.
    pub elsewhere: &'a [(Way, &'a dyn Elsewhere)],
    /// Told how many runs have been made in this process, of four for each seed.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Determinism {
    /// How many seeds were run in every way.
    pub runs: u64,
    /// How many of them came to the same in every way.
    pub equal: u64,
    /// How many came to the same in each way.
    pub ways: Vec<(Way, u64)>,
    /// The first that did not.
    pub first_difference: Option<Difference>,
}

/// Two runs of one seed that differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The scenario.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// How the run was made again when it differed.
    pub way: Way,
    /// What the first run came to.
    pub here: Fate,
    /// What the other came to.
    pub there: Fate,
    /// The first differing line of the two accounts; `None` when they did not differ once everything was kept.
    pub parting: Option<Parting>,
}

/// Where two accounts part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parting {
    /// The number of the first differing line.
    pub event: usize,
    /// That line in the first run; `None` where it had ended.
    pub this: Option<Line>,
    /// That line in the other.
    pub other: Option<Line>,
    /// Where the difference is likeliest to come from.
    pub source: Source,
}

/// The seeds as far as they have been run in every way, and what they came to in each.
struct Compared {
    names: Vec<(String, u64)>,
    first: Vec<Fate>,
    others: Vec<(Way, Vec<Fate>)>,
}

impl Check<'_> {
    /// Runs everything, and looks for the first difference.
    ///
    /// # Errors
    /// When another process cannot be had or does not answer.
    pub fn run(&self) -> Result<Determinism, String> {
        let Compared { names, first, others } = self.compare()?;
        let mut equal = 0;
        let mut ways: Vec<(Way, u64)> = others.iter().map(|(way, _)| (*way, 0)).collect();
        let mut first_difference = None;
        for (index, (scenario, seed)) in names.iter().enumerate() {
            let here = first[index];
            let mut differing = None;
            for ((way, fates), (_, same)) in others.iter().zip(&mut ways) {
                if fates[index] == here {
                    *same += 1;
                } else if differing.is_none() {
                    differing = Some((*way, fates[index]));
                }
            }
            match differing {
                None => equal += 1,
                Some((way, there)) if first_difference.is_none() => {
                    let (scenario, seed) = (scenario.clone(), *seed);
                    let found = Difference { scenario, seed, way, here, there, parting: None };
                    first_difference = Some(self.locate(found)?);
                }
                Some(_) => {}
            }
        }
        Ok(Determinism { runs: names.len() as u64, equal, ways, first_difference })
    }

    fn compare(&self) -> Result<Compared, String> {
        // Alone, and at once again.
        let twice = self.pass(self.runs, NonZeroUsize::MIN, 0, |place| [self.once(place), self.once(place)]);
        let count = twice.len() as u64;
        // Backwards, so that other runs have come before each.
        let mut after = self.pass(count, NonZeroUsize::MIN, 2 * count, |place| [self.once(count - 1 - place)]);
        after.reverse();
        let beside = self.pass(count, self.crowd(), 3 * count, |place| [self.once(place)]);
        // Where it was ended early, the last ones have been run in every way.
        let skipped = twice.len() - after.len();
        let whole = beside.len().saturating_sub(skipped);
        let names: Vec<_> = (skipped..skipped + whole).map(|place| self.named(place as u64)).collect();
        let part = |fates: &[Fate], from: usize| fates[from..from + whole].to_vec();
        let (first, again): (Vec<Fate>, Vec<Fate>) = twice.into_iter().map(|[first, again]| (first, again)).unzip();
        let mut others = vec![
            (Way::Again, part(&again, skipped)),
            (Way::After, part(&after.concat(), 0)),
            (Way::Beside, part(&beside.concat(), skipped)),
        ];
        for (way, elsewhere) in self.elsewhere {
            let fates = if names.is_empty() { Vec::new() } else { elsewhere.fates(&names)? };
            if fates.len() != names.len() {
                return Err(format!("the other process answered for {} of {} runs", fates.len(), names.len()));
            }
            others.push((*way, fates));
        }
        Ok(Compared { first: part(&first, skipped), names, others })
    }

    /// What each of so many places comes to, `N` runs each; `before` have been made already.
    fn pass<const N: usize>(
        &self,
        count: u64,
        jobs: NonZeroUsize,
        before: u64,
        work: impl Fn(u64) -> [Fate; N] + Sync,
    ) -> Vec<[Fate; N]> {
        let mut fates = Vec::new();
        in_order(0..count, jobs, self.stop, work, |_, fate| {
            fates.push(fate);
            (self.progress)(before + (N * fates.len()) as u64);
            ControlFlow::Continue(())
        });
        fates
    }

    /// What the run at a place comes to.
    fn once(&self, place: u64) -> Fate {
        let (experiment, seed) = self.deal(place);
        Fate::of(&experiment.run(seed, &RunOptions::default()))
    }

    /// How many runs at once are more than there is room for.
    fn crowd(&self) -> NonZeroUsize {
        self.jobs.saturating_add(self.jobs.get())
    }

    /// The experiment and seed at a place.
    fn deal(&self, place: u64) -> (&dyn Experiment, u64) {
        let experiment = &self.experiments[(place % self.experiments.len() as u64) as usize];
        (&**experiment, self.from + place / self.experiments.len() as u64)
    }

    fn named(&self, place: u64) -> (String, u64) {
        let (experiment, seed) = self.deal(place);
        (experiment.name().into(), seed)
    }

    /// Runs both sides again, keeping everything, and finds where they part.
    fn locate(&self, mut found: Difference) -> Result<Difference, String> {
        let Some(experiment) = self.experiments.iter().find(|experiment| experiment.name() == found.scenario) else {
            return Ok(found);
        };
        let here = account(&**experiment, found.seed);
        let mut accounts = vec![(Way::Again, account(&**experiment, found.seed))];
        if found.way == Way::Beside {
            let crowd = self.crowd();
            let work = |_| account(&**experiment, found.seed);
            in_order(0..4 * crowd.get() as u64, crowd, &AtomicBool::new(false), work, |_, account| {
                accounts.push((Way::Beside, account));
                ControlFlow::Continue(())
            });
        }
        if let Some((way, elsewhere)) = self.elsewhere.iter().find(|(way, _)| *way == found.way) {
            accounts.push((*way, elsewhere.account(&found.scenario, found.seed)?));
        }
        for (way, there) in accounts {
            let parted = (0..here.len().max(there.len())).find(|&index| here.get(index) != there.get(index));
            if let Some(event) = parted {
                // What differs in one process already says more than that it does in another one.
                found.way = if found.way == Way::After { Way::After } else { way };
                let source = Source::likeliest(found.way, &here, &there, event);
                let (this, other) = (here.get(event).cloned(), there.get(event).cloned());
                found.parting = Some(Parting { event, this, other, source });
                break;
            }
        }
        Ok(found)
    }

    /// Whether it was stopped from outside.
    pub fn interrupted(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
