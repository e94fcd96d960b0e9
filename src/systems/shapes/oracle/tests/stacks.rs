//! Stacks that start, requests that are held, and what the slot is told.

use super::case::{Case, PLAIN, complete, exchanged, held, stack};
use crate::systems::shapes::outcome::{Outcome, StackView};
use crate::systems::shapes::workload::Operation;

const IN_TIME: &str = "active-in-time";
const AGAIN: &str = "active-again";
const HELD: &str = "held-is-answered";
const SLOT: &str = "slot-advances";
const ANSWERED: &str = "answered";

#[test]
fn a_stack_that_starts_becomes_active() {
    let started = || Case::new().stack(10_000, "s1", "stopped").stack(10_000, "s2", "booting").ended(300);
    let late = "stack: does not become active";
    started().breaks(IN_TIME, late);
    started().stack(20_000, "s2", "read_only").breaks(IN_TIME, late);
    started().stack(20_000, "s2", "active").holds(IN_TIME);
    started().stack(80_000, "s2", "active").breaks(IN_TIME, late);
    started().stack(20_000, "s2", "stopping").holds(IN_TIME);
    started().stack(20_000, "s3", "booting").stack(21_000, "s3", "active").holds(IN_TIME);
    // The first is not the last any more.
    started().stack(20_000, "s1", "stopping").breaks(IN_TIME, late);
    started().crash(20_000).holds(IN_TIME);
    started().fault(20_000, "partition").holds(IN_TIME);
    started().ended(60).holds(IN_TIME);
}

#[test]
fn in_the_end_there_is_one_that_is_active() {
    let looked = |outcome| Case::new().looked(30_000, Operation::Inspect, outcome);
    looked(Outcome::Stack(stack(&[]))).holds(AGAIN);
    let phase = StackView { phase: "read_only".to_owned(), ..stack(&[]) };
    looked(Outcome::Stack(phase)).breaks(AGAIN, "stack: read_only in the end");
    looked(Outcome::Lost).breaks(AGAIN, "stack: not to be asked in the end");
    Case::new().passes_over(AGAIN);
}

#[test]
fn what_is_held_is_let_go() {
    let live = |case: Case, back: u64| {
        let outcome = exchanged(PLAIN, 1, held("h", "0_0"), complete("h", "0_0", 10, Vec::new()));
        case.performed(10_000, back, Operation::Live(1), outcome).ended(500)
    };
    live(Case::new(), 30_000).holds(HELD);
    live(Case::new(), 60_000).breaks(HELD, "request: held for longer than it may be");
    live(Case::new().restart(20_000), 60_000).holds(HELD);
    live(Case::new().restart(20_000), 110_000).breaks(HELD, "request: held for longer than it may be");
    live(Case::new().fault(20_000, "pause"), 60_000).passes_over(HELD);
    live(Case::new(), 3_000_000).ended(4_000).breaks(ANSWERED, "operation: outcome after its bound");
}

#[test]
fn the_slot_forgets_what_is_done() {
    let case = || Case::new().leaf(1_000, "a", None).committed(1_000, 20).healed(10).ended(600);
    case().breaks(SLOT, "slot: kept from forgetting");
    case().acknowledged(5_000, 10).breaks(SLOT, "slot: kept from forgetting");
    case().acknowledged(5_000, 20).holds(SLOT);
    case().acknowledged(199_000, 25).holds(SLOT);
    case().acknowledged(201_000, 25).breaks(SLOT, "slot: kept from forgetting");
    case().restart(30_000).acknowledged(201_000, 25).holds(SLOT);
    case().ended(150).passes_over(SLOT);
    // What was there before the first stack is not waited for.
    Case::new().healed(10).ended(600).passes_over(SLOT);
}
