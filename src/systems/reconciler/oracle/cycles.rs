//! A cycle ends: what takes long is left to the next.

use std::time::Duration;

use super::checks::Check;
use super::lens::Lens;
use crate::harness::Findings;
use crate::systems::reconciler::timeouts::{CHECK, CONFIRM, CYCLE};

pub(super) const BOUNDED_CYCLE: Check = Check {
    name: "bounded-cycle",
    about: "a cycle takes no longer than its deadline and taking one workspace offline",
    judge: bounded_cycle,
};

/// Taking one offline: asked again, written, and what is checked written down.
const OFFLINE: Duration = CHECK.saturating_add(CONFIRM).saturating_add(CONFIRM);

fn bounded_cycle(seen: &Lens, findings: &mut Findings) {
    for cycle in seen.cycles.iter().filter(|cycle| !cycle.cut_short) {
        let ended = cycle.ended.unwrap_or(seen.ended);
        findings.exercised();
        let due = cycle.begun + CYCLE + OFFLINE;
        if ended <= due {
            continue;
        }
        let due = due + seen.stood_still(&cycle.host, cycle.begun, ended);
        if ended > due {
            findings.violate(
                due,
                "cycle: longer than its deadline",
                format!(
                    "a cycle of {} began at {:?} and took {:?} to check {} of {}",
                    cycle.host,
                    cycle.begun,
                    ended.saturating_sub(cycle.begun),
                    cycle.checked,
                    cycle.selected
                ),
            );
        }
    }
}
