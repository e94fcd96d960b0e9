//! The search for an order: all states that an object may be in, while its history is read from front to back.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::rc::Rc;

use super::Model;
use super::contradiction::{self, Contradiction};
use super::model::{Asked, EntryOf};
use super::ways::{Slots, Ways};
use crate::oracle::Moment;

/// How far a search goes before it gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many operations of one object may be pending for ever.
    pub pending: usize,
    /// How many ways in which it may have gone are tried for one object.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { pending: 12, steps: 1_000_000 }
    }
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// There is an order.
    Linearizable,
    /// There is none.
    Contradiction(Contradiction),
    /// Nobody knows: there is an order of what comes before `from`, and all of it was too much.
    Undecided {
        /// Why.
        reason: Undecided,
        /// Where the search gave up.
        from: Moment,
    },
}

/// Why a search gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecided {
    /// More operations than [`Limits::pending`] may yet take effect.
    Pending,
    /// More operations were under way at a time than a search can tell apart.
    Crowded,
    /// More ways than [`Limits::steps`].
    Steps,
}

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "too many operations may or may not have taken effect",
            Self::Crowded => "too many operations were under way at a time",
            Self::Steps => "there were too many orders to try",
        })
    }
}

/// Decides whether operations on one object, given in any order, are linearizable.
///
/// # Panics
/// When an operation has returned before it was invoked.
pub fn decide<M: Model>(model: &M, entries: &[EntryOf<M>], limits: &Limits) -> Ruling {
    let all: Vec<_> = entries.iter().map(Asked::of).collect();
    match search(model, &all, &[model.initial()], limits) {
        Found::Order => Ruling::Linearizable,
        Found::Limit(reason, from) => Ruling::Undecided { reason, from },
        Found::Dead(dead) => Ruling::Contradiction(contradiction::reduce(model, entries, &dead, limits)),
    }
}

type AskedOf<'a, M> = Asked<'a, <M as Model>::Operation, <M as Model>::Answer>;

/// What a search over one history finds.
pub(super) enum Found<S> {
    Order,
    Limit(Undecided, Moment),
    Dead(Dead<S>),
}

/// Where no state is left.
pub(super) struct Dead<S> {
    /// The operation whose answer fits nowhere.
    pub(super) entry: usize,
    /// What the object may have held when it answered.
    pub(super) held: Vec<S>,
    /// Each moment at which nothing was under way but what is pending for ever, and what the object may have held then,
    /// oldest first.
    pub(super) lulls: Vec<(Moment, Vec<S>)>,
}

/// Searches for an order that begins in one of these states.
pub(super) fn search<M: Model>(
    model: &M,
    entries: &[AskedOf<'_, M>],
    initial: &[M::State],
    limits: &Limits,
) -> Found<M::State> {
    let mut search = Search::new(model, entries, initial, limits);
    let mut lulls = Vec::new();
    for (moment, turn) in turns(model, entries) {
        let done = match turn {
            Turn::Invoked(entry) => search.invoke(entry),
            Turn::Returned(entry) => search.answer(entry),
        };
        match done {
            Ok(true) => {}
            Ok(false) => {
                let Turn::Returned(entry) = turn else { unreachable!("an invocation leaves all states as they are") };
                let held = search.resolve(&search.tried.states());
                let lulls = lulls.into_iter().map(|(moment, states): (_, Vec<u32>)| (moment, search.resolve(&states)));
                let lulls = lulls.collect();
                return Found::Dead(Dead { entry, held, lulls });
            }
            Err(reason) => return Found::Limit(reason, moment),
        }
        if search.open == search.forever {
            lulls.push((moment, search.ways.states()));
        }
    }
    Found::Order
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Invoked(usize),
    Returned(usize),
}

/// What happened in order. At the same moment invocations come first: then the operations have overlapped.
fn turns<M: Model>(model: &M, entries: &[AskedOf<'_, M>]) -> Vec<(Moment, Turn)> {
    let mut turns = Vec::with_capacity(entries.len() * 2);
    for (number, entry) in entries.iter().enumerate() {
        assert!(entry.invoked <= entry.returned, "{} returned before it was invoked", entry.operation);
        if !entry.is_pending() {
            turns.push((entry.returned, Turn::Returned(number)));
        } else if model.observes(entry.operation) {
            continue;
        }
        turns.push((entry.invoked, Turn::Invoked(number)));
    }
    turns.sort_unstable();
    turns
}

struct Search<'a, M: Model> {
    model: &'a M,
    entries: &'a [AskedOf<'a, M>],
    limits: &'a Limits,
    /// All states met so far, and their numbers.
    states: Vec<Rc<M::State>>,
    numbers: BTreeMap<Rc<M::State>, u32>,
    /// The operation in each slot, and what came of it in each state where it was tried.
    slots: Vec<(usize, BTreeMap<u32, Option<u32>>)>,
    /// Slots in use; of them, those of operations that are pending for ever.
    open: Slots,
    forever: Slots,
    ways: Ways,
    /// All ways that were met while the last answer was looked for.
    tried: Ways,
    steps: u64,
}

impl<'a, M: Model> Search<'a, M> {
    fn new(model: &'a M, entries: &'a [AskedOf<'a, M>], initial: &[M::State], limits: &'a Limits) -> Self {
        let mut search = Self {
            model,
            entries,
            limits,
            states: Vec::new(),
            numbers: BTreeMap::new(),
            slots: Vec::new(),
            open: 0,
            forever: 0,
            ways: Ways::default(),
            tried: Ways::default(),
            steps: 0,
        };
        for state in initial {
            let state = search.number(state.clone());
            search.ways.insert((state, 0), 0);
        }
        search
    }

    fn number(&mut self, state: M::State) -> u32 {
        if let Some(number) = self.numbers.get(&state) {
            return *number;
        }
        let (state, number) = (Rc::new(state), self.states.len() as u32);
        self.states.push(state.clone());
        self.numbers.insert(state, number);
        number
    }

    /// An operation is under way from now on.
    fn invoke(&mut self, entry: usize) -> Result<bool, Undecided> {
        let slot = (!self.open).trailing_zeros();
        if slot == Slots::BITS {
            return Err(Undecided::Crowded);
        }
        self.open |= 1 << slot;
        if self.entries[entry].is_pending() {
            self.forever |= 1 << slot;
            if self.forever.count_ones() as usize > self.limits.pending {
                return Err(Undecided::Pending);
            }
        }
        let fresh = (entry, BTreeMap::new());
        match self.slots.get_mut(slot as usize) {
            Some(old) => *old = fresh,
            None => self.slots.push(fresh),
        }
        Ok(true)
    }

    /// An operation has returned: keeps the ways in which it has taken effect by now. Whether there are any.
    fn answer(&mut self, entry: usize) -> Result<bool, Undecided> {
        let slot = self.slots.iter().position(|(of, _)| *of == entry).expect("what returns is under way");
        let bit: Slots = 1 << slot;
        let mut next = Ways::default();
        self.tried = Ways::default();
        // In the order in which they are found, so that the freest come first.
        let mut waiting = VecDeque::new();
        for (state, done) in std::mem::take(&mut self.ways).iter() {
            if done & bit != 0 {
                next.insert((state, done & !bit), self.forever);
            } else {
                waiting.push_back((state, done));
            }
        }
        while let Some((state, done)) = waiting.pop_front() {
            if !self.tried.insert((state, done), self.forever) {
                continue;
            }
            self.steps += 1;
            if self.steps > self.limits.steps {
                return Err(Undecided::Steps);
            }
            if let Some(after) = self.step(slot, state) {
                next.insert((after, done), self.forever);
            }
            let mut rest = self.open & !done & !bit;
            while rest != 0 {
                let other = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                let Some(after) = self.step(other, state) else { continue };
                // What need never take effect, and would change nothing, is left for later.
                if after != state || self.forever & (1 << other) == 0 {
                    waiting.push_back((after, done | 1 << other));
                }
            }
        }
        self.open &= !bit;
        self.ways = next;
        Ok(!self.ways.is_empty())
    }

    fn step(&mut self, slot: usize, state: u32) -> Option<u32> {
        if let Some(known) = self.slots[slot].1.get(&state) {
            return *known;
        }
        let Asked { operation, answer, .. } = self.entries[self.slots[slot].0];
        let after = self.model.step(&self.states[state as usize], operation, answer);
        let after = after.map(|after| self.number(after));
        self.slots[slot].1.insert(state, after);
        after
    }

    fn resolve(&self, states: &[u32]) -> Vec<M::State> {
        states.iter().map(|number| (*self.states[*number as usize]).clone()).collect()
    }
}
