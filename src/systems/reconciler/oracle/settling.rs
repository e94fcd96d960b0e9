//! When all has settled, each workspace has what its status says, and nothing else is up.

use std::time::Duration;

use super::checks::Check;
use super::lens::{Instance, Lens};
use crate::harness::Findings;
use crate::oracle::Moment;
use crate::systems::reconciler::row::{Owed, Workspace};

pub(super) const SETTLES: Check = Check {
    name: "settles",
    about: "once nothing is disturbed for long, a workspace has its instance, up and alone, or none if it is put away",
    judge: settles,
};

/// How long all may take: a lease that runs out, a sweep, two restarts and their boots.
const LONG: Duration = Duration::from_secs(390);

fn settles(seen: &Lens, findings: &mut Findings) {
    if seen.ended.saturating_sub(seen.healed) < LONG {
        return;
    }
    let mut workspaces: Vec<&str> = seen.rows.keys().map(|id| &**id).collect();
    workspaces.extend(seen.instances.values().map(|instance| &*instance.workspace));
    workspaces.sort_unstable();
    workspaces.dedup();
    for id in workspaces {
        findings.exercised();
        let row = seen.row_at(id, Moment::NEVER);
        let up = seen.instances.iter().filter(|(_, instance)| *instance.workspace == *id && is_up(instance));
        let up: Vec<&str> = up.map(|(id, _)| &**id).collect();
        if let Some(trouble) = trouble(row, &up) {
            let status = row.map_or("gone", |row| row.status.word());
            findings.violate(
                seen.ended,
                format!("workspace: {trouble}"),
                format!("{id} is {status} in the end, with {up:?} up: {trouble}"),
            );
        }
    }
}

fn is_up(instance: &Instance) -> bool {
    instance.is_live(Moment::NEVER)
}

/// What is wrong with a workspace in the end, given what is up for it.
fn trouble(row: Option<&Workspace>, up: &[&str]) -> Option<&'static str> {
    let put_away = row.is_none_or(|row| row.status.is_put_away() || row.runtime == "external");
    match row {
        Some(row) if row.owed != Owed::Nothing => Some("something is still owed"),
        _ if put_away => (!up.is_empty()).then_some("put away, and an instance is up"),
        Some(row) if !row.status.is_up() => Some("neither online nor put away"),
        Some(row) => match (&row.instance, up) {
            (None, _) => Some("online on no instance"),
            (Some(instance), [one]) if instance == one => None,
            (Some(instance), up) if up.contains(&&**instance) => Some("more than its instance is up"),
            (Some(_), []) => Some("online on a dead instance"),
            (Some(_), _) => Some("online on one instance, and another is up"),
        },
        None => None,
    }
}
