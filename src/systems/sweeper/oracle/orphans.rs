//! What no row has goes, in time.

use std::time::Duration;

use super::checks::Check;
use super::lens::{Lens, Object, SWEEPS};
use crate::harness::Findings;
use crate::oracle::{Moment, Timeline};
use crate::systems::sweeper::row::token;
use crate::systems::sweeper::timeouts::{CAP, GRACE, INTERVAL};

pub(super) const ORPHANS_GO: Check = Check {
    name: "orphans-go",
    about: "while nothing is disturbed and there are rows, a namespace that has had no row for an hour is deleted within two \
            sweeps, or a few more where there are many",
    judge: orphans_go,
};

/// What a sweep may take.
const SLACK: Duration = Duration::from_mins(2);

fn orphans_go(seen: &Lens, findings: &mut Findings) {
    let orphans: Vec<(&Object, Moment)> = seen
        .objects
        .values()
        .filter(|object| token(&object.name).is_some())
        .filter_map(|object| Some((object, orphaned(seen, object)?)))
        .collect();
    // Each sweep deletes a few only.
    let rounds = (orphans.len().div_ceil(CAP) + 1) as u32;
    for (object, since) in &orphans {
        if object.deleted.is_some_and(|deleted| seen.is_of(deleted.by, &SWEEPS)) {
            findings.exercised();
        }
        let until = object.deleted.map_or(seen.ended, |deleted| deleted.moment.at);
        let ripe = since.at + GRACE;
        let overdue = [ripe, ripe.max(seen.calm())].into_iter().map(|from| (from, from + INTERVAL * rounds + SLACK));
        let overdue = overdue.into_iter().find(|(from, due)| {
            *due < until && seen.quiet.throughout(*from, *due) && some_row_throughout(seen, *from, *due)
        });
        if let Some((_, due)) = overdue {
            findings.exercised();
            findings.violate(
                due,
                "namespace: an orphan for too long",
                format!("{} has had no row since {:?}, and nobody had deleted it at {due:?}", object.name, since.at),
            );
        }
    }
}

/// Since when a namespace has had no row, for good; `None`: it had one in the end, or has come to have none with its own end.
fn orphaned(seen: &Lens, object: &Object) -> Option<Moment> {
    let end = object.deleted.map_or(Moment::NEVER, |deleted| deleted.moment);
    if seen.row_of(object, end).is_some() {
        return None;
    }
    // Another row may have the name by now: then a sweep that goes by names takes it for that one's.
    let rows = seen.rows.values().flat_map(Timeline::versions);
    let named = rows.filter_map(|version| {
        let row = version.value.as_ref()?.row.as_ref()?;
        (*row.namespace == *object.name).then_some((row.id.as_str(), version.since))
    });
    let mut since = object.created;
    for (id, begun) in named.filter(|(_, begun)| *begun < end) {
        let versions = seen.rows.get(id)?.versions();
        let gone = versions.iter().find(|version| {
            version.since > begun && version.value.as_ref().is_some_and(|written| written.row.is_none())
        });
        since = since.max(gone.filter(|gone| gone.since < end)?.since);
    }
    Some(since)
}

/// Whether there was a row all through an interval: without any, sweeps take it that something is wrong.
fn some_row_throughout(seen: &Lens, from: Duration, to: Duration) -> bool {
    seen.rows.values().any(|rows| {
        rows.versions().iter().enumerate().any(|(place, first)| {
            let gone = rows.versions()[place..]
                .iter()
                .find(|version| version.value.as_ref().is_none_or(|written| written.row.is_none()));
            first.since.at <= from && gone.is_none_or(|gone| gone.since.at > to)
        })
    })
}
