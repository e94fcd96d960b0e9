//! What a client is told follows from what it was told before.

use super::checks::Check;
use super::lens::Lens;
use crate::harness::Findings;

pub(super) const VALID_STREAM: Check = Check {
    name: "valid-stream",
    about: "from the first answer on, rows are inserted that were absent, changed and deleted that were there, and offsets rise",
    judge: valid_stream,
};

fn valid_stream(seen: &Lens, findings: &mut Findings) {
    for journey in &seen.journeys {
        for step in &journey.steps {
            findings.exercised();
            // What follows a misstep is none of its own.
            let Some(misstep) = step.missteps.first() else { continue };
            let op = seen.op(&seen.told[step.told]);
            findings.violate(
                op.returned.at,
                format!("shape: {}", misstep.about()),
                format!("{}, `{}`, was told at {:?} of an {misstep}", journey.name, journey.query, op.returned.at),
            );
            break;
        }
    }
}
