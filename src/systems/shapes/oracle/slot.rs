//! The slot is told what it may forget: nothing is waited for that will never come.

use std::time::Duration;

use super::checks::Check;
use super::lens::Lens;
use crate::harness::Findings;

pub(super) const SLOT_ADVANCES: Check = Check {
    name: "slot-advances",
    about: "two minutes after a commit and after faults have healed, the slot has been told that it may forget it",
    judge: slot_advances,
};

/// Twice the time for which a shape may keep the slot without a word.
const ADVANCE: Duration = Duration::from_mins(2);
/// Until a stack that was restarted last is active, and has put what came meanwhile on disk.
const MARGIN: Duration = Duration::from_secs(70);

fn slot_advances(seen: &Lens, findings: &mut Findings) {
    let Some(restarted) = seen.restarts.iter().chain([&seen.healed]).max() else { return };
    // What was there before anybody listened is nobody's to forget.
    let Some(first) = seen.phases.iter().find(|phase| &*phase.name == "active") else { return };
    for state in seen.states.all().iter().filter(|state| state.since > first.moment) {
        let due = state.since.at.max(*restarted) + ADVANCE + MARGIN;
        if due > seen.ended {
            continue;
        }
        findings.exercised();
        let told =
            seen.acknowledged.iter().take_while(|(at, _)| *at <= due).map(|(_, lsn)| *lsn).max().unwrap_or_default();
        if told < state.lsn {
            findings.violate(
                due,
                "slot: kept from forgetting",
                format!(
                    "the transaction at {} was committed at {:?}, and at {due:?} the slot had been told to forget no more than \
                     up to {told}",
                    state.lsn, state.since.at
                ),
            );
            return;
        }
    }
}
