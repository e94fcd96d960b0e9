//! Why there is no order: the few operations that contradict each other, and what the object can have held.

use std::fmt::{Display, Write as _};

use super::model::{Asked, EntryOf};
use super::search::{Dead, Found, search};
use super::{Entry, Limits, Model};
use crate::oracle::Moment;

/// Operations that have no order, whatever the others did and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The operations, by their places among those given, in the order of their invocation. Take away what is known of the
    /// outcome of any of them, and the rest may have an order.
    pub operations: Vec<usize>,
    /// When the answer came that fits nowhere.
    pub last: Moment,
    /// What can have been held at some moment of the operation that got this answer; in words.
    pub held: Vec<String>,
    /// A moment before all of the operations at which nothing was under way, and what can have been held then, in words.
    /// `None`: it takes no more than what was held at first.
    pub since: Option<(Moment, Vec<String>)>,
}

impl Contradiction {
    /// The contradiction in words; `entries` are those that were decided.
    pub fn tell<O: Display, A: Display>(&self, entries: &[Entry<O, A>]) -> String {
        let mut words = String::new();
        if let Some((since, held)) = &self.since {
            let _ = write!(words, "{} was held at {:?}; ", choice(held), since.at);
        }
        for place in &self.operations {
            let Entry { by, operation, invoked, returned, answer } = &entries[*place];
            let _ = write!(words, "{by}: {operation}, from {:?} to {:?}, was ", invoked.at, returned.at);
            let _ = match answer {
                Some(answer) => write!(words, "answered {answer}; "),
                None => write!(words, "done by then; "),
            };
        }
        let _ = write!(words, "but during the one answered at {:?}, only {} can have been held", self.last.at, {
            choice(&self.held)
        });
        words
    }
}

/// Some of many things in words.
fn choice(of: &[String]) -> String {
    const MOST: usize = 4;
    let named = of[..of.len().min(MOST)].join(" or ");
    match of.len() {
        0..=MOST => named,
        more => format!("{named} or {} more", more - MOST),
    }
}

/// How many operations are looked at together for the few that contradict each other.
const WINDOW: usize = 16;

/// Finds the operations that matter where a search came to an end.
///
/// One that does not is weakened, not left out: its times and its answer are forgotten, but it may still have taken effect
/// at any time. To leave out a write would make a contradiction of each read of what it wrote.
pub(super) fn reduce<M: Model>(
    model: &M,
    entries: &[EntryOf<M>],
    dead: &Dead<M::State>,
    limits: &Limits,
) -> Contradiction {
    let last = entries[dead.entry].returned;
    let (since, from, places) = window(model, entries, dead, limits);
    let mut kept = vec![true; places.len()];
    let mut size = places.len().div_ceil(2).max(1);
    loop {
        for start in (0..places.len()).step_by(size) {
            let mut fewer = kept.clone();
            for (place, keep) in places.iter().zip(&mut fewer).skip(start).take(size) {
                *keep &= *place == dead.entry;
            }
            if fewer != kept && contradicts(model, entries, &places, &fewer, &from, last, limits) {
                kept = fewer;
            }
        }
        if size == 1 {
            break;
        }
        size = size.div_ceil(2);
    }
    let operations = places.iter().zip(kept).filter(|(_, keep)| *keep).map(|(place, _)| *place).collect();
    let words = |states: &[M::State]| states.iter().map(ToString::to_string).collect();
    Contradiction {
        operations,
        last,
        held: dead.held.iter().map(ToString::to_string).collect(),
        since: since.map(|since| (since, words(&from))),
    }
}

/// The last operations before the end that contradict each other by themselves, in the order of their invocation, and the
/// states that the object may have been in before them.
fn window<M: Model>(
    model: &M,
    entries: &[EntryOf<M>],
    dead: &Dead<M::State>,
    limits: &Limits,
) -> (Option<Moment>, Vec<M::State>, Vec<usize>) {
    let last = entries[dead.entry].returned;
    let after = |since: Option<Moment>| {
        let late = |place: &usize| since.is_none_or(|since| entries[*place].returned > since);
        let mut places: Vec<usize> =
            (0..entries.len()).filter(|place| entries[*place].invoked <= last).filter(late).collect();
        places.sort_by_key(|place| entries[*place].invoked);
        places
    };
    let whole = after(None);
    if whole.len() > WINDOW {
        // The longest that is short enough, or else the shortest that will do.
        let first = dead.lulls.partition_point(|(since, _)| after(Some(*since)).len() > WINDOW);
        let longer = dead.lulls[..first].iter().rev();
        for (since, states) in dead.lulls[first..].iter().take(1).chain(longer) {
            let places = after(Some(*since));
            let all = vec![true; places.len()];
            if places.contains(&dead.entry) && contradicts(model, entries, &places, &all, states, last, limits) {
                return (Some(*since), states.clone(), places);
            }
        }
    }
    (None, vec![model.initial()], whole)
}

/// Whether operations have no order up to some moment that begins in one of these states, though what is not kept is
/// weakened.
fn contradicts<M: Model>(
    model: &M,
    entries: &[EntryOf<M>],
    places: &[usize],
    kept: &[bool],
    from: &[M::State],
    last: Moment,
    limits: &Limits,
) -> bool {
    let limits = Limits { pending: usize::MAX, steps: limits.steps.min(20_000) };
    let asked = places.iter().zip(kept).map(|(place, keep)| {
        let asked = Asked::of(&entries[*place]).by(last);
        if *keep { asked } else { asked.weakened() }
    });
    matches!(search(model, &asked.collect::<Vec<_>>(), from, &limits), Found::Dead(_))
}
