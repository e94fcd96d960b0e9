//! Leaving something out while what comes later stays where it was.
//!
//! Without an operation, a latency or a held task, whatever follows comes sooner, and a message or a pass of a point has
//! another number. So often nothing can be left out by itself, though it matters for nothing but its time and its
//! place. Here it goes together with a later start of an operation, or an earlier number of what is counted.

use super::groups::{self, Address, Key};
use super::reduce;
use super::trials::{Form, Trials};
use crate::harness::Decision;

/// How long a client may wait instead, in milliseconds: fine where operations take as long, coarse beyond.
const PAUSES: [u64; 22] =
    [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 50, 100, 200, 500, 1_000, 2_000, 2_500, 3_000, 4_000];
/// By how many at most the number of something counted goes down with what is left out.
const NUMBERS: u64 = 12;

/// An operation of a client.
type Operation = (String, u64);

/// How things are told apart that may be left out: what clients do by operation, all else from large to small.
const KEYS: [(Key, bool); 5] = [
    (groups::operation, true),
    (groups::family, false),
    (groups::kind, false),
    (groups::whole_subject, false),
    (groups::single, false),
];

/// Where a search for something to leave out goes on, so that what has just been tried comes last.
#[derive(Default)]
pub(super) struct Cursor {
    key: usize,
    place: usize,
}

/// Leaves out one thing, if something else can make up for the time or the place that it took.
pub(super) fn replace(trials: &mut Trials<'_>, form: &mut Form, cursor: &mut Cursor) -> bool {
    let start = cursor.key;
    for turn in 0..=KEYS.len() {
        let (key, of_clients) = KEYS[(start + turn) % KEYS.len()];
        cursor.key = (start + turn) % KEYS.len();
        // The last turn is that of the first key again, for what stood in front of the cursor.
        while let Some(gone) = reduce::groups(&form.decisions, key).into_iter().nth(cursor.place) {
            let client = groups::client_operation(&form.decisions[gone[0]]);
            if client.is_some() == of_clients {
                let rest = reduce::without(&form.decisions, gone);
                let tries = instead(&rest, client.as_ref());
                let best = &*form;
                let (count, left) = (tries.len(), form.decisions.len());
                if let Some((_, next)) = trials.first(count, left, |number| best.with(tries[number].to(&rest))) {
                    *form = next;
                    return true;
                }
                if trials.is_over() {
                    return false;
                }
            }
            cursor.place += 1;
        }
        cursor.place = 0;
    }
    false
}

/// One thing changed in what remains. It is done only when its turn comes: there are many, and what remains may be long.
enum Change {
    /// A client waits so long before an operation.
    Pause(Operation, u64),
    /// What is counted there has a number lower by so much.
    Number(usize, u64),
}

impl Change {
    fn to(&self, rest: &[Decision]) -> Vec<Decision> {
        match self {
            Self::Pause((client, index), pause) => pinned(rest, &groups::think_site(client), *index, *pause),
            Self::Number(place, less) => {
                let mut decisions = rest.to_vec();
                decisions[*place].index -= less;
                decisions
            }
        }
    }
}

/// What may make up for what was left out.
fn instead(rest: &[Decision], gone: Option<&Operation>) -> Vec<Change> {
    let mut tries = Vec::new();
    let mut operations: Vec<Operation> =
        rest.iter().filter(|left| Address::of(left).is_operation()).filter_map(groups::client_operation).collect();
    operations.sort();
    operations.dedup();
    if let Some((client, index)) = gone {
        operations.retain(|(own, later)| own == client && later > index);
        operations.truncate(1);
    }
    for operation in operations {
        tries.extend(PAUSES.map(|pause| Change::Pause(operation.clone(), pause)));
    }
    if gone.is_some() {
        for (place, counted) in rest.iter().enumerate().filter(|(_, left)| Address::of(left).is_counted()) {
            tries.extend((1..=counted.index.min(NUMBERS)).map(|less| Change::Number(place, less)));
        }
    }
    tries
}

/// Puts several pauses of a client before one operation into one pause.
pub(super) fn join_pauses(trials: &mut Trials<'_>, form: &mut Form) -> bool {
    let mut any = false;
    loop {
        let pauses: Vec<usize> =
            (0..form.decisions.len()).filter(|place| Address::of(&form.decisions[*place]).is_think()).collect();
        let mut tries = Vec::new();
        for &place in &pauses {
            let pause = &form.decisions[place];
            let later = pauses.iter().map(|later| &form.decisions[*later]);
            let next = later
                .filter(|later| later.site == pause.site && later.index > pause.index)
                .min_by_key(|later| later.index);
            if let Some(next) = next {
                let rest = reduce::without(&form.decisions, vec![place]);
                tries.push(pinned(&rest, &pause.site, next.index, next.value.saturating_add(pause.value)));
            }
        }
        let best = &*form;
        let joined = trials.first(tries.len(), form.decisions.len(), |number| best.with(tries[number].clone()));
        let Some((_, next)) = joined else { return any };
        *form = next;
        any = true;
    }
}

/// The decisions with one more, in place of any that was there.
fn pinned(rest: &[Decision], site: &str, index: u64, value: u64) -> Vec<Decision> {
    let mut decisions = rest.to_vec();
    match decisions.iter_mut().find(|decision| *decision.site == *site && decision.index == index) {
        Some(there) => there.value = value,
        None => decisions.push(Decision { site: site.into(), index, value }),
    }
    decisions
}

/// Lets faults strike earlier.
pub(super) fn strike_earlier(trials: &mut Trials<'_>, form: &mut Form) -> bool {
    let mut any = false;
    for place in 0..form.decisions.len() {
        // A fault that strikes earlier may be asked for earlier too, so the order may change; the next round sees it.
        let Some(fault) = form.decisions.get(place).filter(|decision| Address::of(decision).is_fault()) else {
            continue;
        };
        let (site, index) = (fault.site.clone(), fault.index);
        let taken = |earlier: &u64| form.decisions.iter().any(|known| known.site == site && known.index == *earlier);
        let tries: Vec<u64> = (0..index).filter(|earlier| !taken(earlier)).collect();
        let best = &*form;
        let earlier = |number: usize| {
            let mut decisions = best.decisions.clone();
            decisions[place].index = tries[number];
            best.with(decisions)
        };
        if let Some((_, next)) = trials.first(tries.len(), form.decisions.len(), earlier) {
            *form = next;
            any = true;
        }
    }
    any
}
