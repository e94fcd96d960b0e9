//! The passes that make a form smaller; each takes it as far as it can, and says whether it came any further.

use std::collections::BTreeMap;

use super::groups::{Address, Key};
use super::trials::{Form, Place, Trials};
use super::values;
use crate::harness::Decision;

/// How many places are looked at side by side when the last decision that matters is searched.
const FAN: usize = 4;

/// Drops what was decided after the violation was there: the shortest beginning that still fails.
pub(super) fn cut_off(trials: &mut Trials<'_>, form: &mut Form) -> bool {
    // A beginning of `low` decisions is not known to fail, one of `form.decisions.len()` is.
    let (mut low, mut any) = (0, false);
    while low < form.decisions.len() && !trials.is_over() {
        let high = form.decisions.len();
        let mut places: Vec<usize> = (0..FAN).map(|part| low + (high - low) * part / FAN).collect();
        places.dedup();
        let best = &*form;
        match trials.first(places.len(), high, |number| best.with(best.decisions[..places[number]].to_vec())) {
            Some((number, next)) => {
                low = if number == 0 { low } else { places[number - 1] + 1 };
                *form = next;
                any = true;
            }
            None => low = places.last().map_or(high, |place| place + 1),
        }
    }
    any
}

/// Drops groups, from half of all of them down to single ones (Zeller and Hildebrandt, *Simplifying and isolating
/// failure-inducing input*, TSE 2002, with groups for characters).
pub(super) fn drop_groups(trials: &mut Trials<'_>, form: &mut Form, key: Key) -> bool {
    let mut any = false;
    let mut size = groups(&form.decisions, key).len().div_ceil(2).max(1);
    loop {
        let mut from = 0;
        loop {
            let groups = groups(&form.decisions, key);
            let starts: Vec<usize> = (from..groups.len()).step_by(size).collect();
            let best = &*form;
            let without = |number: usize| {
                let start = starts[number];
                let gone: Vec<usize> = groups[start..(start + size).min(groups.len())].concat();
                best.with(without(&best.decisions, gone))
            };
            let Some((number, next)) = trials.first(starts.len(), form.decisions.len(), without) else { break };
            from = starts[number];
            *form = next;
            any = true;
        }
        if size == 1 || trials.is_over() {
            return any;
        }
        size = size.min(groups(&form.decisions, key).len()).div_ceil(2).max(1);
    }
}

/// The places of decisions, by group, the largest group first.
pub(super) fn groups(decisions: &[Decision], key: Key) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, decision) in decisions.iter().enumerate() {
        groups.entry(key(decision)).or_default().push(place);
    }
    let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
    groups.sort_by_key(|places| (std::cmp::Reverse(places.len()), places[0]));
    groups
}

/// The decisions without those at some places.
pub(super) fn without(decisions: &[Decision], mut gone: Vec<usize>) -> Vec<Decision> {
    gone.sort_unstable();
    let kept = decisions.iter().enumerate().filter(|(place, _)| gone.binary_search(place).is_err());
    kept.map(|(_, decision)| decision.clone()).collect()
}

/// Makes values smaller and rounder.
pub(super) fn lower_values(trials: &mut Trials<'_>, form: &mut Form) -> bool {
    let mut any = false;
    let all = form.decisions.clone();
    for wanted in all {
        // Others may go with it, so each is looked for where it is now.
        loop {
            let is = |decision: &Decision| decision.site == wanted.site && decision.index == wanted.index;
            let Some(place) = form.decisions.iter().position(is) else { break };
            let value = form.decisions[place].value;
            let tries =
                if Address::of(&wanted).is_fault() { values::smaller_fault(value) } else { values::smaller(value) };
            let best = &*form;
            let lowered = |number: usize| {
                let mut decisions = best.decisions.clone();
                decisions[place].value = tries[number];
                best.with(decisions)
            };
            let Some((_, next)) = trials.first(tries.len(), form.decisions.len(), lowered) else { break };
            *form = next;
            any = true;
        }
        if trials.is_over() {
            break;
        }
    }
    any
}

/// Makes the scenario's sizes smaller.
pub(super) fn lower_sizes(trials: &mut Trials<'_>, form: &mut Form, found: &Place) -> bool {
    let mut any = false;
    for (name, _) in found.experiment.sizes() {
        loop {
            let size =
                form.place.experiment.sizes().iter().find(|(known, _)| *known == name).map_or(0, |(_, size)| *size);
            let mut tries: Vec<u64> = [1, size / 2, size.saturating_sub(1)].into();
            tries.dedup();
            let places: Vec<Place> = (tries.into_iter())
                .filter(|tried| (1..size).contains(tried))
                .filter_map(|tried| form.place.resized(found, &name, tried))
                .collect();
            let best = &*form;
            let smaller = |number: usize| Form { place: places[number].clone(), decisions: best.decisions.clone() };
            let Some((_, next)) = trials.first(places.len(), form.decisions.len(), smaller) else { break };
            *form = next;
            any = true;
        }
        if trials.is_over() {
            break;
        }
    }
    any
}
