//! What was taken offline is provisioned again.

use std::time::Duration;

use super::checks::Check;
use super::lens::Lens;
use crate::harness::Findings;
use crate::systems::reconciler::row::Status;
use crate::systems::reconciler::timeouts::{DEBOUNCE, ORPHAN_SWEEP, ORPHANS, STATEMENT};

pub(super) const REPLACEMENT: Check = Check {
    name: "replacement",
    about: "a workspace that is offline is provisioned anew as soon as that is not too soon after the last time",
    judge: replacement,
};

/// Not too soon, then found by the sweep at the latest.
const DUE: Duration = DEBOUNCE.saturating_add(ORPHANS).saturating_add(ORPHAN_SWEEP).saturating_add(STATEMENT);

fn replacement(seen: &Lens, findings: &mut Findings) {
    for (id, rows) in &seen.rows {
        let versions = rows.versions();
        let offline = |place: usize| {
            let row = versions[place].value.as_ref().and_then(|written| written.row.as_ref());
            row.is_some_and(|row| row.status == Status::Offline && row.runtime != "external")
        };
        for place in (0..versions.len()).filter(|place| offline(*place) && (*place == 0 || !offline(place - 1))) {
            let since = versions[place].since.at;
            let until = (place..versions.len()).find(|place| !offline(*place));
            let until = until.map_or(seen.ended, |place| versions[place].since.at);
            findings.exercised();
            // From when it was taken offline, or from when disturbances had passed.
            let starts = [since, since.max(seen.healed)]
                .into_iter()
                .chain(seen.cycles.iter().map(|cycle| cycle.begun).filter(|begun| *begun > since && *begun < until));
            let overdue = starts
                .map(|start| (start, start + DUE))
                .find(|(start, due)| *due < until && seen.quiet.throughout(*start, *due));
            if let Some((_, due)) = overdue {
                let by = versions[place].value.as_ref().map_or("nobody", |written| seen.word(written.by));
                findings.violate(
                    due,
                    format!("workspace: left offline by {by}"),
                    format!("{id} was taken offline at {since:?}, and nobody had begun to provision it at {due:?}"),
                );
            }
        }
    }
}
