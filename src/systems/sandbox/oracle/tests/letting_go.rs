//! What comes true in time.

use super::case::Case;
use crate::systems::sandbox::outcome::Outcome;

const LET_GO: &str = "destroyed-is-let-go";
const FLUSHED: &str = "publish-flushed";

/// A session of what was destroyed at 5 s.
fn left() -> Case {
    let served = Case::created().registered(2_000, "replica-b", 1, "1:0");
    served.asked(4_000, 6_000, "destroy sb1", Outcome::Destroyed).delete(5_000, "op 1").healed(60).ended(1_200)
}

#[test]
fn a_session_of_what_is_destroyed_is_let_go() {
    left().breaks(LET_GO, "session: of a destroyed sandbox, and kept");
    left().removed(700_000, "replica-b", 1, 1).holds(LET_GO);
    left().restart(700_000, "replica-b", 1_000).passes_over(LET_GO);
    left().ended(800).passes_over(LET_GO);
    // It had turned to the next incarnation in time.
    let again = left().asked(7_000, 9_000, "create sb1", Outcome::Created).insert(8_000, "op 2");
    let loaded = [("sandbox", "sb1".into()), ("session", "replica-b/1".into()), ("stamp", "2:0".into())];
    again.fact(9_000, "replica-b", "sandbox.loaded", loaded).passes_over(LET_GO);
}

#[test]
fn a_write_that_could_not_be_told_is_told_in_time() {
    let stranded = || {
        let case = Case::created().registered(2_000, "replica-a", 1, "1:0");
        case.publication(3_000, "sandbox.unpublished").healed(60).ended(600)
    };
    stranded().breaks(FLUSHED, "write: never told to other replicas");
    stranded().publication(70_000, "sandbox.published").holds(FLUSHED);
    stranded().publication(70_000, "sandbox.dropped").holds(FLUSHED);
    stranded().restart(50_000, "replica-a", 1_000).passes_over(FLUSHED);
    let gone = stranded().asked(4_000, 6_000, "destroy sb1", Outcome::Destroyed).delete(5_000, "op 1");
    gone.passes_over(FLUSHED);
}
