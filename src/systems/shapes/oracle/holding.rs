//! A request that is held is let go, whatever becomes of the stack.

use std::time::Duration;

use super::checks::Check;
use super::lens::Lens;
use crate::harness::Findings;
use crate::systems::shapes::timeouts::{LONG_POLL, OUT_OF_BOUNDS, STACK_READY};
use crate::systems::shapes::workload::Operation;

pub(super) const HELD_IS_ANSWERED: Check = Check {
    name: "held-is-answered",
    about: "where nothing is disturbed, a request that is held is answered within a long poll and the restarts meanwhile",
    judge: held_is_answered,
};

/// By how much each restart may put an answer off: the stack stops and starts, and a client comes back.
const RESTART: Duration = Duration::from_mins(1);
/// Reading on before there is nothing more, and what takes a little while.
const MARGIN: Duration = OUT_OF_BOUNDS.saturating_add(STACK_READY);

fn held_is_answered(seen: &Lens, findings: &mut Findings) {
    for op in seen.operations.iter().filter(|op| matches!(op.operation, Operation::Live(_))) {
        let from = op.invoked.at;
        let ended = op.returned.at.min(seen.ended);
        let restarts = seen.restarts.iter().filter(|at| **at + RESTART > from && **at <= ended).count() as u32;
        let due = from + LONG_POLL + MARGIN + RESTART * restarts;
        if op.returned.at <= due {
            findings.exercised();
        } else if due < seen.ended && seen.quiet.throughout(from, due) {
            findings.exercised();
            findings.violate(
                due,
                "request: held for longer than it may be",
                format!("`{}` of {} began at {from:?} and was still held at {due:?}", op.operation, op.client),
            );
        }
    }
}
