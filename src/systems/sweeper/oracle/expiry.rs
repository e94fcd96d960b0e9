//! Stacks go when their time is over, with all that they have, and not before.

use std::time::Duration;

use super::checks::Check;
use super::lens::{EXPIRERS, Lens, Op, Row};
use crate::harness::Findings;
use crate::oracle::Moment;
use crate::systems::sweeper::outcome::Outcome;
use crate::systems::sweeper::row::Status;
use crate::systems::sweeper::timeouts::{EXPIRY, INTERVAL};
use crate::systems::sweeper::workload::Verb;

pub(super) const EXTENSION_KEPT: Check = Check {
    name: "extension-kept",
    about: "a stack that a user was told has more time does not expire within it",
    judge: extension_kept,
};

pub(super) const EXPIRED_WITH_NAMESPACE: Check = Check {
    name: "expired-with-namespace",
    about: "the row of an expired stack goes only once its namespace does",
    judge: expired_with_namespace,
};

pub(super) const EXPIRES: Check = Check {
    name: "expires",
    about: "once nothing is disturbed, a stack whose time is over goes at the next expiry, or when that is finished",
    judge: expires,
};

/// The next expiry, two sweeps for what it leaves behind, and what they take.
const DUE: Duration = EXPIRY.saturating_add(INTERVAL).saturating_add(INTERVAL).saturating_add(Duration::from_mins(2));

/// Whether a stack's time was over at a moment.
pub(super) fn is_over(row: &Row, at: Duration) -> bool {
    row.status == Status::Expiring || row.expires().is_some_and(|expires| expires <= at)
}

fn extension_kept(seen: &Lens, findings: &mut Findings) {
    let prolonged =
        |op: &&Op| matches!(op.verb(), Some(Verb::Extend | Verb::Claim)) && op.outcome == Some(Outcome::Done);
    for op in seen.operations.iter().filter(prolonged) {
        for (id, rows) in &seen.rows {
            let versions = rows.during(op.invoked, op.returned).iter();
            let own = versions.filter_map(|version| {
                let written = version.value.as_ref().filter(|written| written.by == op.activity)?;
                Some((version.since, written.row.as_ref()?))
            });
            for (since, row) in own {
                findings.exercised();
                let until = row.expires().unwrap_or(Duration::MAX);
                if let Some((at, what)) = expired(seen, id, since).filter(|(at, _)| at.at < until) {
                    findings.violate(
                        at.at,
                        format!("{what}: expired after {}", op.verb().map_or("nothing", Verb::word)),
                        format!(
                            "`{}` of {} was done at {:?}, and the {what} went at {:?}",
                            op.operation, op.client, since.at, at.at
                        ),
                    );
                }
            }
        }
    }
}

/// When the expirer deletes something of a stack after a moment, and what.
fn expired(seen: &Lens, id: &str, after: Moment) -> Option<(Moment, &'static str)> {
    let namespaces = seen.objects_of(id).filter_map(|object| object.deleted);
    let namespaces = namespaces.map(|deleted| (deleted.moment, deleted.by, "namespace"));
    let rows = seen.rows.get(id)?.versions().iter().filter_map(|version| {
        let written = version.value.as_ref().filter(|written| written.row.is_none())?;
        Some((version.since, written.by, "row"))
    });
    let gone = namespaces.chain(rows).filter(|(moment, by, _)| *moment > after && seen.is_of(*by, &EXPIRERS));
    gone.map(|(moment, _, what)| (moment, what)).min()
}

fn expired_with_namespace(seen: &Lens, findings: &mut Findings) {
    for (id, rows) in &seen.rows {
        for version in rows.versions() {
            let by_expirer = version
                .value
                .as_ref()
                .is_some_and(|written| written.row.is_none() && seen.is_of(written.by, &EXPIRERS));
            if !by_expirer {
                continue;
            }
            findings.exercised();
            for object in seen.objects_of(id).filter(|object| object.is_active(version.since)) {
                findings.violate(
                    version.since.at,
                    "namespace: left behind by the expirer",
                    format!("the row of {id} went at {:?}, and {} stayed", version.since.at, object.name),
                );
            }
        }
    }
}

fn expires(seen: &Lens, findings: &mut Findings) {
    for (id, rows) in &seen.rows {
        for (place, version) in rows.versions().iter().enumerate() {
            let Some(row) = version.value.as_ref().and_then(|written| written.row.as_ref()) else { continue };
            let next = rows.versions().get(place + 1);
            let until = next.map_or(seen.ended, |next| next.since.at);
            let over = match row.status {
                Status::Expiring => Some(version.since.at),
                _ => row.expires().filter(|over| *over < until),
            };
            let Some(over) = over else { continue };
            let gone =
                next.is_some_and(|next| next.value.as_ref().is_some_and(|written| seen.is_of(written.by, &EXPIRERS)));
            if gone {
                findings.exercised();
            }
            let overdue = [over, over.max(seen.calm())].into_iter().map(|from| (from, from + DUE));
            let overdue = overdue.into_iter().find(|(from, due)| *due < until && seen.quiet.throughout(*from, *due));
            if let Some((_, due)) = overdue {
                findings.exercised();
                findings.violate(
                    due,
                    "stack: there though its time is over",
                    format!("the time of {id} was over at {over:?}, and it was there at {due:?} still"),
                );
            }
        }
    }
}
