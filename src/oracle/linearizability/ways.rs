//! The ways in which it may have gone so far: only the freest of those that are alike are kept.

use std::collections::BTreeMap;

/// A set of operations that are under way, by their slots.
pub(super) type Slots = u128;

/// One way: the number of the state, and what of that which is under way has already taken effect.
pub(super) type Way = (u32, Slots);

/// Ways, of which none is better than another.
#[derive(Default)]
pub(super) struct Ways {
    /// By state and by what else has taken effect: what of the pending has.
    spent: BTreeMap<Way, Vec<Slots>>,
}

impl Ways {
    /// Adds a way; `forever` are the slots of what is pending for ever. Whether it was not there, nor a better one.
    ///
    /// Of ways that differ only in what is pending for ever, one in which less of it has taken effect is better: what can
    /// go on from the other can go on from this.
    pub(super) fn insert(&mut self, (state, done): Way, forever: Slots) -> bool {
        let spent = done & forever;
        let alike = self.spent.entry((state, done & !forever)).or_default();
        if alike.iter().any(|less| less & !spent == 0) {
            return false;
        }
        alike.retain(|more| spent & !more != 0);
        alike.push(spent);
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.spent.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Way> {
        self.spent.iter().flat_map(|((state, done), spent)| spent.iter().map(move |spent| (*state, done | spent)))
    }

    /// The states that occur, in order.
    pub(super) fn states(&self) -> Vec<u32> {
        let mut states: Vec<u32> = self.spent.keys().map(|(state, _)| *state).collect();
        states.dedup();
        states
    }
}
