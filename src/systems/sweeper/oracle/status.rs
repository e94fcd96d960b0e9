//! What a stack is told to be it is, give or take the time that it takes to notice.

use super::checks::Check;
use super::lens::{Lens, Object, Op, Row};
use crate::harness::Findings;
use crate::servers::cluster::Rollout;
use crate::systems::sweeper::outcome::Outcome;
use crate::systems::sweeper::timeouts::INTERVAL;

pub(super) const HONEST_STATUS: Check = Check {
    name: "honest-status",
    about: "a stack that is told to be healthy had its namespace within the last quarter of an hour, and one that is told not \
            to be was not well all through it",
    judge: honest_status,
};

/// A status may be a copy of what the row says, which is nothing new.
pub(super) const COPIED_STATUS: &str = "copied-status";

fn honest_status(seen: &Lens, findings: &mut Findings) {
    if seen.copied_status {
        // What is not looked at does not break anything, and is no reason to doubt the rest.
        findings.exercised();
        return;
    }
    for op in &seen.operations {
        let Some(Outcome::Shown(view)) = &op.outcome else { continue };
        let of_stack = |row: &&Row| op.is_about(row);
        let stacks: Vec<&str> = seen
            .rows
            .values()
            .flat_map(|rows| rows.during(op.invoked, op.returned))
            .filter_map(|version| version.value.as_ref()?.row.as_ref().filter(of_stack))
            .map(|row| row.id.as_str())
            .collect();
        let from = op.returned.at.checked_sub(INTERVAL);
        let objects: Vec<&Object> = stacks.iter().flat_map(|id| seen.objects_of(id)).collect();
        let lie = match &*view.status {
            "healthy" => {
                findings.exercised();
                let there = objects.iter().any(|object| object.was_active(from.unwrap_or_default(), op.returned));
                (!there).then(|| format!("healthy though its namespace {}", fate(seen, objects.last().copied())))
            }
            "building" | "failed" => {
                findings.exercised();
                let well = from.is_some_and(|from| objects.iter().any(|object| ran_throughout(object, from, op)));
                well.then(|| format!("{} though it has been well", view.status))
            }
            _ => None,
        };
        if let Some(lie) = lie {
            findings.violate(
                op.returned.at,
                format!("stack: told to be {lie}"),
                format!("`{}` of {} was answered `{}` at {:?}", op.operation, op.client, view.status, op.returned.at),
            );
        }
    }
}

/// What became of a namespace.
fn fate(seen: &Lens, object: Option<&Object>) -> String {
    match object.map(|object| object.deleted) {
        None | Some(None) => "was never there".to_owned(),
        Some(Some(deleted)) if deleted.accident => "was lost".to_owned(),
        Some(Some(deleted)) => format!("was deleted by {}", seen.word(deleted.by)),
    }
}

/// Whether a namespace's deployment ran from then until an operation had its answer.
fn ran_throughout(object: &Object, from: std::time::Duration, op: &Op) -> bool {
    let runs = object.rollouts.versions().last();
    object.is_active(op.returned)
        && runs.is_some_and(|last| last.value == Some(Rollout::Running) && last.since.at <= from)
        && op.invoked.at >= from
}
