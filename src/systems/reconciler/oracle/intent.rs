//! What a user has decided stays so, until a user decides otherwise.

use super::checks::Check;
use super::lens::Lens;
use crate::harness::Findings;
use crate::systems::reconciler::outcome::Outcome;
use crate::systems::reconciler::row::{Status, Workspace};
use crate::systems::reconciler::workload::{Operation, Verb, workspace_name};

pub(super) const USER_INTENT_ABSORBING: Check = Check {
    name: "user-intent-absorbing",
    about: "a workspace that a user has put away is brought back by a user alone",
    judge: user_intent_absorbing,
};

pub(super) const INTENT_RECORDED: Check =
    Check { name: "intent-recorded", about: "a decision that was acknowledged was in the row", judge: intent_recorded };

fn user_intent_absorbing(seen: &Lens, findings: &mut Findings) {
    for (id, rows) in &seen.rows {
        for pair in rows.versions().windows(2) {
            let [before, after] = pair else { continue };
            let (Some(was), Some(written)) = (&before.value, &after.value) else { continue };
            let Some(was) = was.row.as_ref().filter(|row| row.status.is_put_away()) else { continue };
            findings.exercised();
            if written.row.as_ref().is_some_and(|row| row.status.is_put_away()) {
                continue;
            }
            let verb = seen.client_at(written.by).and_then(super::lens::Op::verb);
            let by_right = match written.row {
                Some(_) => matches!(verb, Some(Verb::Resume | Verb::Unremove)),
                None => verb == Some(Verb::Purge),
            };
            if !by_right {
                findings.violate(
                    after.since.at,
                    format!("workspace: {} is left by {}", family(was.status), seen.word(written.by)),
                    format!(
                        "{id} was {} since {:?}, and {} at {:?} by {}",
                        was.status,
                        before.since.at,
                        written.row.as_ref().map_or("gone", |row| row.status.word()),
                        after.since.at,
                        seen.word(written.by)
                    ),
                );
            }
        }
    }
}

/// The status that a user gives, of those that lead there.
fn family(status: Status) -> &'static str {
    match status {
        Status::Removed => "removed",
        Status::Hibernating | Status::Hibernated => "hibernated",
        _ => "paused",
    }
}

fn intent_recorded(seen: &Lens, findings: &mut Findings) {
    for op in &seen.operations {
        let (Operation::Workspace { verb, workspace, .. }, Some(Outcome::Done)) = (&op.operation, &op.outcome) else {
            continue;
        };
        let Some(wanted) = wanted(*verb) else { continue };
        findings.exercised();
        let id = workspace_name(*workspace);
        let versions = seen.rows.get(&*id).map(|rows| rows.during(op.invoked, op.returned)).unwrap_or_default();
        let recorded = versions.iter().any(|version| {
            version.since > op.invoked
                && version
                    .value
                    .as_ref()
                    .is_some_and(|written| written.by == op.activity && wanted(written.row.as_ref()))
        });
        if !recorded {
            findings.violate(
                op.returned.at,
                format!("workspace: {} acknowledged and not recorded", verb.word()),
                format!(
                    "`{}` of {} was acknowledged at {:?}, but the row never said so",
                    op.operation, op.client, op.returned.at
                ),
            );
        }
    }
}

/// How a row is right after a decision; `None`: it is none.
fn wanted(verb: Verb) -> Option<fn(Option<&Workspace>) -> bool> {
    fn is(row: Option<&Workspace>, wanted: &[Status]) -> bool {
        row.is_some_and(|row| wanted.contains(&row.status))
    }
    const BEGINNINGS: &[Status] = &[Status::Provisioning, Status::AwaitingAgent];
    match verb {
        Verb::Create | Verb::Resume | Verb::Unremove => Some(|row| is(row, BEGINNINGS)),
        Verb::Pause => Some(|row| is(row, &[Status::Paused])),
        Verb::Hibernate => Some(|row| is(row, &[Status::Hibernating])),
        Verb::Remove => Some(|row| is(row, &[Status::Removed])),
        Verb::Restart => Some(|row| is(row, &[Status::Offline])),
        Verb::Purge => Some(|row| row.is_none()),
        Verb::Status | Verb::Kill | Verb::Impair | Verb::Beat => None,
    }
}
