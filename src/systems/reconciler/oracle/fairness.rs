//! The dead are found out: no workspace waits for longer than it takes to look at all of them.

use std::time::Duration;

use super::checks::Check;
use super::lens::{Answer, Cycle, Instance, Lens};
use crate::harness::Findings;
use crate::oracle::Moment;
use crate::systems::reconciler::row::Workspace;
use crate::systems::reconciler::timeouts::{CHECK, CONFIRM, CYCLE, INTERVAL, LIMIT};

pub(super) const FAIRNESS: Check = Check {
    name: "fairness",
    about: "while the control plane answers, a workspace whose instance is dead is taken offline as soon as all have been \
            looked at",
    judge: fairness,
};

/// How long a cycle takes at most once it has begun.
const TURN: Duration = CYCLE.saturating_add(CHECK).saturating_add(CONFIRM).saturating_add(CONFIRM);

fn fairness(seen: &Lens, findings: &mut Findings) {
    for (id, instance) in &seen.instances {
        for death in &instance.deaths {
            judge(seen, id, instance, *death, findings);
        }
    }
}

fn judge(seen: &Lens, id: &str, instance: &Instance, death: Moment, findings: &mut Findings) {
    let in_scope =
        |row: &Workspace| row.status.is_up() && row.runtime != "external" && row.instance.as_deref() == Some(id);
    let Some(rows) = seen.rows.get(&instance.workspace) else { return };
    if !seen.row_at(&instance.workspace, death).is_some_and(in_scope) {
        return;
    }
    let left = rows.versions().iter().find(|version| {
        version.since > death && !version.value.as_ref().and_then(|written| written.row.as_ref()).is_some_and(in_scope)
    });
    let revived = instance
        .states
        .versions()
        .iter()
        .find(|version| version.since > death && version.value.is_some_and(crate::servers::cloud::State::is_live));
    let ends = [left.map(|version| version.since.at), revived.map(|version| version.since.at), Some(seen.ended)];
    let until = ends.into_iter().flatten().min().unwrap_or(seen.ended);
    // Each stretch of time in which nothing says nothing is judged for itself.
    let mut from = death.at;
    let misled = |answer: &&Answer| answer.is_silent() || (*answer.instance == *id && !answer.is_negative());
    let troubles =
        seen.answers.iter().filter(|answer| answer.moment > death).filter(misled).map(|answer| answer.moment.at);
    for trouble in troubles.chain([until]) {
        let trouble = trouble.min(until);
        if let Some(due) = overdue(seen, from, trouble) {
            findings.exercised();
            findings.violate(
                due,
                "workspace: not looked at though its instance is dead",
                format!(
                    "{id} of {} was dead since {:?}; all there are could have been looked at between {from:?} and {due:?}",
                    instance.workspace, death.at
                ),
            );
            return;
        }
        from = from.max(trouble);
    }
    if seen.quiet.throughout(death.at, until) {
        findings.exercised();
    }
}

/// When a dead instance ought to have been found out that has been one all through an interval; `None`: by its end, that
/// was not due.
fn overdue(seen: &Lens, from: Duration, to: Duration) -> Option<Duration> {
    // The latest quiet stretch begins at some event; it is enough to try the times when cycles begin.
    let within = |cycle: &&Cycle| cycle.begun >= from && cycle.begun < to;
    let starts = std::iter::once(from).chain(seen.cycles.iter().filter(within).map(|cycle| cycle.begun));
    for start in starts {
        let due = start + patience(seen, start, to);
        if due < to && seen.quiet.throughout(start, due) {
            return Some(due);
        }
    }
    None
}

/// How long it takes to look at all rows, as fast as cycles go in an interval.
fn patience(seen: &Lens, from: Duration, to: Duration) -> Duration {
    let within = |cycle: &&Cycle| cycle.begun >= from && cycle.begun < to && cycle.ended.is_some();
    let of_interval = || seen.cycles.iter().filter(within);
    let rows = seen.rows.len() as u64;
    let pace =
        of_interval().filter(|cycle| cycle.checked > 0 && cycle.checked < cycle.selected).map(|cycle| cycle.checked);
    let pace = pace.min().unwrap_or(LIMIT as u64).min(LIMIT as u64).max(1);
    let cycles = rows.div_ceil(pace) + 1;
    INTERVAL * cycles as u32 + TURN
}
