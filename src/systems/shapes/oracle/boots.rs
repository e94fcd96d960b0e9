//! A stack that starts is active in time, and in the end there is one that is.

use std::time::Duration;

use super::checks::Check;
use super::lens::{Lens, Phase};
use crate::harness::Findings;
use crate::systems::shapes::workload::Operation;

pub(super) const ACTIVE_IN_TIME: Check = Check {
    name: "active-in-time",
    about: "where nothing is disturbed, a stack that starts is active within a minute",
    judge: active_in_time,
};

pub(super) const ACTIVE_AGAIN: Check = Check {
    name: "active-again",
    about: "three minutes after faults have healed the stack is active",
    judge: active_again,
};

/// How long a start may take: the one before stops, the slot is let go of, and all shapes are read and caught up with.
const BOOT: Duration = Duration::from_mins(1);

fn active_in_time(seen: &Lens, findings: &mut Findings) {
    for (place, begun) in seen.phases.iter().enumerate().filter(|(_, phase)| &*phase.name == "booting") {
        let due = begun.moment.at + BOOT;
        // Told to stop, or overtaken by another one, it need not come so far.
        let later = || seen.phases[place + 1..].iter().filter(|later| *later.host == *begun.host);
        let is_end = |later: &Phase| {
            let own = *later.boot == *begun.boot;
            (own && matches!(&*later.name, "active" | "stopping" | "stopped")) || (!own && &*later.name == "booting")
        };
        let ended = later().find(|later| is_end(later)).map(|later| later.moment.at);
        let crashed = seen.crashes.iter().find(|(host, at)| **host == *begun.host && *at >= begun.moment.at);
        let ended = [ended, crashed.map(|(_, at)| *at)].into_iter().flatten().min();
        if ended.is_some_and(|ended| ended <= due) {
            findings.exercised();
            continue;
        }
        if due < seen.ended && seen.quiet.throughout(begun.moment.at, due) {
            findings.exercised();
            findings.violate(
                due,
                "stack: does not become active",
                format!("{} began to start at {:?} and was not active at {due:?}", begun.boot, begun.moment.at),
            );
        }
    }
}

fn active_again(seen: &Lens, findings: &mut Findings) {
    for op in seen.operations.iter().filter(|op| op.at_rest && matches!(op.operation, Operation::Inspect)) {
        findings.exercised();
        let phase = op.stack.as_ref().map(|stack| &*stack.phase);
        if phase != Some("active") {
            let phase = phase.unwrap_or("not to be asked");
            findings.violate(
                op.returned.at,
                format!("stack: {phase} in the end"),
                format!("the stack was {phase} at {:?}, and faults had healed at {:?}", op.returned.at, seen.healed),
            );
        }
    }
}
