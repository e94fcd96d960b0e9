//! Why a run fails: what it broke, who intruded on whom, which one change would have let it pass, and from where on there
//! was no way out.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::windows::{Window, windows};
use super::{Failure, in_order};
use crate::harness::{ActivityId, Decision, Event, Fork, History, Run, RunOptions, Verdict, What};
use crate::scenario::{Experiment, SavedSeed};

/// A failing run to be explained. It is best shrunk first.
#[derive(Clone, Copy)]
pub struct Explain<'a> {
    /// What is run, in the sizes that the failure was saved with.
    pub experiment: &'a dyn Experiment,
    /// The failure.
    pub saved: &'a SavedSeed,
    /// How many futures are drawn from each step of the run.
    pub futures: u64,
    /// How many runs at once.
    pub jobs: NonZeroUsize,
    /// Set from outside to end early: what has not been looked into is left out.
    pub stop: &'a AtomicBool,
}

/// Why a run fails.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The run, with its history in full detail and its decisions in words.
    pub run: Run,
    /// What was broken.
    pub failure: Failure,
    /// What the broken invariant demands.
    pub promise: String,
    /// All windows that somebody intruded on.
    pub windows: Vec<Window>,
    /// Of these, the ones that are about what was broken, the likeliest cause first.
    pub causes: Vec<Window>,
    /// The run that passes and differs least.
    pub nearest: Option<Nearest>,
    /// How often the run fails if it is drawn anew from a step on; in order, up to what was broken.
    pub odds: Vec<Odds>,
    /// Whether all was looked into; otherwise it was ended early, and what was not found may be there all the same.
    pub complete: bool,
}

/// A run that passes, one decision away from one that fails.
#[derive(Clone, Debug)]
pub struct Nearest {
    /// The failing run's decision that differs.
    pub decision: Decision,
    /// What it means, in words.
    pub was: String,
    /// What is decided instead.
    pub instead: u64,
    /// That in words, where it is not nothing.
    pub meaning: Option<String>,
    /// The run that passes.
    pub run: Run,
}

/// How often a run fails if everything after a step is drawn anew, but for what clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Odds {
    /// The step: an index into the history of the run that is explained. `None`: the start.
    pub event: Option<usize>,
    /// How many futures failed in the same way.
    pub failing: u64,
    /// Of how many.
    pub of: u64,
}

/// What is told while it goes on.
pub trait Progress {
    /// That much of that much is done.
    fn done(&mut self, part: u64, whole: u64);
}

/// Nobody watches.
impl Progress for () {
    fn done(&mut self, _: u64, _: u64) {}
}

/// How many futures are drawn from each step, where nobody says otherwise.
pub const FUTURES: u64 = 40;

/// At how many steps of a run futures are drawn, at most.
const STEPS: usize = 40;

impl Explain<'_> {
    /// Explains it. `None` when it does not fail in this way.
    pub fn explain(&self, progress: &mut dyn Progress) -> Option<Explanation> {
        let run = self.run(&self.decisions(), true, None);
        let failure = self.failure(&run)?;
        let history = run.history.as_ref()?;
        let windows = windows(history);
        let causes = causes(history, &windows, &failure.message, failure.at);
        let invariants = self.experiment.invariants();
        let invariant = &failure.signature.invariant;
        let promise = invariants.iter().find(|(name, _)| name == invariant);
        let promise = promise.map_or_else(|| demand(invariant), |(_, about)| (*about).to_owned());
        let steps = steps(history, failure.at, &causes);
        let whole = self.saved.decisions.len() as u64 + steps.len() as u64;
        let nearest = self.nearest(&run, history, &mut |part| progress.done(part, whole));
        let before = self.saved.decisions.len() as u64;
        let odds = self.odds(history, &steps, &mut |part| progress.done(before + part, whole));
        let complete = !self.stop.load(Ordering::Relaxed);
        Some(Explanation { run, failure, promise, windows, causes, nearest, odds, complete })
    }

    fn failure(&self, run: &Run) -> Option<Failure> {
        Failure::all_in(run).into_iter().find(|failure| failure.signature == self.saved.signature)
    }

    fn run(&self, decisions: &[Decision], told: bool, fork: Option<Fork>) -> Run {
        let options = RunOptions {
            overrides: decisions.to_vec(),
            only_overrides: self.saved.only_decisions,
            keep_history: told,
            detail: told,
            meanings: told,
            fork,
            ..RunOptions::default()
        };
        self.experiment.run(self.saved.seed, &options)
    }

    fn decisions(&self) -> Vec<Decision> {
        self.saved.decisions.iter().map(|saved| saved.decision.clone()).collect()
    }

    /// The smallest change of one decision that makes the run pass: rather of a fault or a hold than of mere timing, and
    /// rather of timing than of what clients do.
    fn nearest(&self, failing: &Run, history: &History, done: &mut dyn FnMut(u64)) -> Option<Nearest> {
        let mut best: Option<(Distance, usize, u64)> = None;
        let all = 0..self.saved.decisions.len() as u64;
        in_order(
            all,
            self.jobs,
            self.stop,
            |place| self.turn(place as usize, history),
            |place, found| {
                done(place + 1);
                if let Some((distance, instead)) = found
                    && best.as_ref().is_none_or(|(least, ..)| distance < *least)
                {
                    best = Some((distance, place as usize, instead));
                }
                ControlFlow::Continue(())
            },
        );
        let (_, place, instead) = best?;
        let run = self.run(&self.changed(place, instead), true, None);
        let decision = self.saved.decisions[place].decision.clone();
        let meaning = |of: &Run| {
            let same = |taken: &Decision| taken.site == decision.site && taken.index == decision.index;
            of.decisions.iter().position(same).and_then(|taken| of.meanings.get(taken).cloned())
        };
        let was = meaning(failing).unwrap_or_default();
        Some(Nearest { was, meaning: meaning(&run), decision, instead, run })
    }

    /// The largest value below its own with which a decision lets the run pass, and how far away that is.
    fn turn(&self, place: usize, failing: &History) -> Option<(Distance, u64)> {
        let Decision { site, value, .. } = &self.saved.decisions[place].decision;
        let passes = |value: u64| self.run(&self.changed(place, value), false, None).verdict == Verdict::Holds;
        let kind = site.split(' ').next().unwrap_or_default();
        if kind == "operation" {
            // One operation is not nearer to some than to others: it is left out, or stays.
            let run = self.run(&self.changed(place, 0), true, None);
            let differ = run.history.as_ref().map_or(u64::MAX, |other| differing(failing, other));
            return (run.verdict == Verdict::Holds).then_some((Distance(2, differ), 0));
        }
        let instead = if *value > 0 && passes(value - 1) {
            value - 1
        } else if passes(0) {
            // Passing at zero and failing at its value, it turns somewhere in between.
            let (mut low, mut high) = (0, value - 1);
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                if passes(middle) { low = middle } else { high = middle }
            }
            low
        } else {
            return None;
        };
        let class = u64::from(!(kind == "stall" || kind.starts_with("fault")));
        let share = (u128::from(value - instead) << 20) / u128::from(*value);
        Some((Distance(class, share as u64), instead))
    }

    fn changed(&self, place: usize, value: u64) -> Vec<Decision> {
        let mut decisions = self.decisions();
        decisions[place].value = value;
        decisions
    }

    fn odds(&self, history: &History, steps: &[Option<usize>], done: &mut dyn FnMut(u64)) -> Vec<Odds> {
        // How many events stay, by the index of the last one that does.
        let mut plain = 0;
        let after: Vec<u64> = (history.events().iter())
            .map(|event| {
                plain += u64::from(!event.what.is_detail());
                plain
            })
            .collect();
        let decisions = self.decisions();
        let look = |number: u64| {
            let event = steps[(number / self.futures) as usize];
            let after = event.map_or(0, |event| after[event]);
            let fork = Fork { after, seed: number % self.futures + 1 };
            self.failure(&self.run(&decisions, false, Some(fork))).is_some()
        };
        let mut odds: Vec<Odds> = steps.iter().map(|event| Odds { event: *event, failing: 0, of: 0 }).collect();
        let all = 0..steps.len() as u64 * self.futures;
        in_order(all, self.jobs, self.stop, look, |number, fails| {
            let place = &mut odds[(number / self.futures) as usize];
            place.failing += u64::from(fails);
            place.of += 1;
            done(number / self.futures);
            ControlFlow::Continue(())
        });
        // A step that was only begun when somebody stopped it says nothing.
        if self.stop.load(Ordering::Relaxed) {
            odds.retain(|odds| odds.of == self.futures);
        }
        odds
    }
}

/// How far a changed run is from the failing one: what sort of change it is, then how large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Distance(u64, u64);

/// How many operations of the one run came to something else in the other.
fn differing(one: &History, other: &History) -> u64 {
    let outcomes = |history: &History| -> BTreeMap<(Arc<str>, Arc<str>), Arc<str>> {
        let names: BTreeMap<u32, &Arc<str>> = (history.events().iter())
            .filter_map(|event| match &event.what {
                What::Invoked { operation, text } => Some((*operation, text)),
                _ => None,
            })
            .collect();
        let outcome = |event: &Event| match &event.what {
            What::Returned { operation, text } => {
                Some(((event.host.clone(), Arc::clone(names.get(operation)?)), text.clone()))
            }
            _ => None,
        };
        history.events().iter().filter_map(outcome).collect()
    };
    let other = outcomes(other);
    outcomes(one).iter().filter(|(name, outcome)| other.get(*name) != Some(outcome)).count() as u64
}

impl Explanation {
    /// The first step from which on every future fails; `None` where not all were drawn.
    pub fn unavoidable(&self) -> Option<&Odds> {
        if !self.complete {
            return None;
        }
        let certain = self.odds.iter().rev().take_while(|odds| odds.failing == odds.of).count();
        self.odds.get(self.odds.len() - certain)
    }
}

/// What an invariant of every world demands.
pub(crate) fn demand(invariant: &str) -> String {
    let demand = match invariant {
        super::STUCK => "every operation returns, and the run comes to its end",
        crate::harness::NO_PANIC => "nothing panics",
        crate::harness::NO_ESCAPE => "nothing leaves the world for tasks or threads of its own",
        _ => "what it says",
    };
    demand.to_owned()
}

/// The windows that are about what was broken, the likeliest cause first.
pub(crate) fn causes(history: &History, windows: &[Window], message: &str, broken: Duration) -> Vec<Window> {
    let named = |window: &Window| {
        let key = window.entity();
        let name = key.rsplit_once('-').map_or(key, |(name, _)| name);
        let words = message.split(|letter: char| !(letter.is_alphanumeric() || "-.".contains(letter)));
        words.map(|word| word.trim_end_matches('.')).any(|word| word == key || word == name)
    };
    let operations = operations_in(history, message);
    let apart = |window: &Window| {
        let actors = [window.acted.actor, window.intruded.actor];
        !operations.is_empty() && !actors.iter().any(|actor| operations.contains(actor))
    };
    // An act that found out, in which what was answered wrongly has no part, has nothing to do with it.
    let relevant = |window: &&Window| window.acted.at <= broken && named(window) && !(window.noticed && apart(window));
    let mut causes: Vec<Window> = windows.iter().filter(relevant).cloned().collect();
    causes.sort_by_key(|window| {
        let rest = is_at_rest(history, window.acted.actor);
        (rest, window.noticed, window.rechecked.is_some(), broken.saturating_sub(window.acted.at))
    });
    // One of each pair is enough: the others are its echoes.
    let mut seen = BTreeSet::new();
    causes.retain(|window| seen.insert((window.acted.actor, window.intruded.actor)));
    // An act that found out did no harm, unless there is no other.
    if causes.iter().any(|window| !window.noticed) {
        causes.retain(|window| !window.noticed);
    }
    causes
}

/// The operations that a message names, with the clients whose they are.
fn operations_in(history: &History, message: &str) -> BTreeSet<ActivityId> {
    let named = |event: &&Event| match &event.what {
        What::Invoked { text, .. } => message.contains(&format!("`{text}` of {} ", event.host)),
        _ => false,
    };
    history.events().iter().filter(named).map(|event| event.activity).collect()
}

/// Whether an operation looks at what is left when all is over.
fn is_at_rest(history: &History, actor: ActivityId) -> bool {
    let mut settled = false;
    for event in history.events() {
        match &event.what {
            What::Phase(phase) => settled |= *phase == "settle",
            What::Invoked { .. } if event.activity == actor => return settled,
            _ => {}
        }
    }
    false
}

/// The steps from which futures are drawn: the start, and what a story of the run would tell, up to what was broken.
fn steps(history: &History, until: Duration, causes: &[Window]) -> Vec<Option<usize>> {
    let events = history.events();
    let vital: Vec<usize> = causes
        .iter()
        .take(1)
        .flat_map(|window| [&window.seen, &window.intruded, &window.acted])
        .map(|touch| touch.event)
        .collect();
    let tells = |event: &Event| match &event.what {
        What::Invoked { .. }
        | What::Returned { .. }
        | What::Fault { .. }
        | What::Crashed
        | What::Paused
        | What::Resumed
        | What::Commit { .. }
        | What::Point { .. } => true,
        What::Started => event.incarnation > 1,
        _ => false,
    };
    let told: Vec<usize> = (0..events.len())
        .filter(|index| events[*index].at <= until && (tells(&events[*index]) || vital.contains(index)))
        .collect();
    let thin = told.len().div_ceil(STEPS).max(1);
    let kept = told.iter().enumerate().filter(|(place, index)| place % thin == 0 || vital.contains(index));
    std::iter::once(None).chain(kept.map(|(_, index)| Some(*index))).collect()
}
