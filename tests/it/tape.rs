//! The tape: decisions keep to their addresses, overrides pin them, and zero is benign.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use sexton::world::tape::{Decision, Tape, below, chance, spread};

const SITES: [(&str, &str); 4] =
    [("net.latency", "a>b"), ("net.latency", "b>a"), ("fault.restart", "pod-a"), ("swarm", "restart")];

/// Draws from the sites in the given order and tells what came out, by address and index.
fn draw(tape: &mut Tape, order: &[usize]) -> BTreeMap<(usize, u64), u64> {
    let mut counts = [0_u64; SITES.len()];
    let mut drawn = BTreeMap::new();
    for &site in order {
        let (name, subject) = SITES[site];
        let id = tape.site(name, subject);
        drawn.insert((site, counts[site]), tape.next(id, |word| below(word, 1_000)));
        counts[site] += 1;
    }
    drawn
}

fn address(site: usize) -> Arc<str> {
    format!("{} {}", SITES[site].0, SITES[site].1).into()
}

proptest! {
    #[test]
    fn a_decision_does_not_depend_on_what_is_drawn_elsewhere(
        seed: u64,
        order in prop::collection::vec(0..SITES.len(), 1..60),
        left_out in 0..SITES.len(),
    ) {
        let all = draw(&mut Tape::new(seed, &[], false), &order);
        let rest: Vec<usize> = order.into_iter().filter(|site| *site != left_out).collect();
        for (key, value) in draw(&mut Tape::new(seed, &[], false), &rest) {
            prop_assert_eq!(all[&key], value);
        }
    }

    #[test]
    fn decisions_by_index_are_those_drawn_in_a_row(seed: u64, indices in prop::collection::vec(0_u64..40, 1..40)) {
        let mut tape = Tape::new(seed, &[], false);
        let site = tape.site("operation", "kind c1");
        let row: Vec<u64> = (0..40).map(|_| tape.next(site, |word| word)).collect();
        let mut jumping = Tape::new(seed, &[], false);
        let site = jumping.site("operation", "kind c1");
        for index in indices {
            prop_assert_eq!(jumping.at(site, index, |word| word), row[index as usize]);
        }
    }

    #[test]
    fn the_log_of_a_run_replays_it_and_nothing_else_is_needed(
        seed: u64,
        order in prop::collection::vec(0..SITES.len(), 1..60),
    ) {
        let mut tape = Tape::new(seed, &[], false);
        let drawn = draw(&mut tape, &order);
        let log = tape.decisions();
        prop_assert_eq!(log.len(), drawn.values().filter(|value| **value != 0).count());
        let mut replayed = Tape::new(seed.wrapping_add(1), &log, true);
        prop_assert_eq!(draw(&mut replayed, &order), drawn);
        prop_assert!(replayed.drift().is_empty());
        prop_assert_eq!(replayed.decisions(), log);
    }

    #[test]
    fn an_override_pins_one_decision_and_moves_no_other(
        seed: u64,
        order in prop::collection::vec(0..SITES.len(), 1..60),
        pick: prop::sample::Index,
        value in 0_u64..1_000,
    ) {
        let free = draw(&mut Tape::new(seed, &[], false), &order);
        let ((site, index), _) = free.iter().nth(pick.index(free.len())).expect("something was drawn");
        let pin = Decision { site: address(*site), index: *index, value };
        let mut tape = Tape::new(seed, std::slice::from_ref(&pin), false);
        for (key, drawn) in draw(&mut tape, &order) {
            let expected = if key == (*site, *index) { value } else { free[&key] };
            prop_assert_eq!(drawn, expected);
        }
    }

    #[test]
    fn an_override_that_meets_no_site_is_drift(seed: u64, index in 60_u64..100) {
        let unmet = [
            Decision { site: address(0), index, value: 1 },
            Decision { site: "fault.restart nobody".into(), index: 0, value: 2 },
        ];
        let mut tape = Tape::new(seed, &unmet, false);
        draw(&mut tape, &[0, 0, 1]);
        let mut drift = tape.drift();
        drift.sort();
        let mut expected = unmet.to_vec();
        expected.sort();
        prop_assert_eq!(drift, expected);
    }

    #[test]
    fn a_benign_tape_draws_nothing(seed: u64, order in prop::collection::vec(0..SITES.len(), 1..60)) {
        let mut tape = Tape::new(seed, &[], true);
        prop_assert!(draw(&mut tape, &order).values().all(|value| *value == 0));
        prop_assert!(tape.decisions().is_empty());
    }

    #[test]
    fn shapes_keep_to_their_bounds(word: u64, bound in 1_u64..u64::MAX) {
        prop_assert!(below(word, bound) < bound);
        prop_assert!(spread(word, bound) <= bound);
        prop_assert!(chance(word, bound) <= 1);
        prop_assert_eq!(chance(word, 0), 0);
        prop_assert_eq!(chance(word, 1_000_000), 1);
        prop_assert_eq!(below(0, bound) + spread(0, bound) + chance(0, 999_999), 0);
    }
}

#[test]
fn spread_reaches_every_order_of_magnitude_and_both_ends() {
    let mut tape = Tape::new(1, &[], false);
    let site = tape.site("style", "spread");
    let mut orders = [0_u32; 18];
    for _ in 0..20_000 {
        let value = tape.next(site, |word| spread(word, 100_000));
        orders[(u64::BITS - value.leading_zeros()) as usize] += 1;
    }
    // Zero and each power of two up to 100,000 are one order each, as likely as the others.
    for (order, count) in orders.iter().enumerate() {
        assert!((800..1_500).contains(count), "order {order} came {count} times of 20,000");
    }
}
