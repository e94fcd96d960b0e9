//! Nothing that lives is deleted, and nothing that is none of ours.

use super::checks::Check;
use super::expiry::is_over;
use super::lens::{Deleted, EXPIRERS, Lens, Object, Row, SWEEPS};
use crate::harness::Findings;
use crate::oracle::Moment;
use crate::systems::sweeper::row::token;
use crate::systems::sweeper::timeouts::GRACE;
use crate::systems::sweeper::workload::Verb;

pub(super) const NO_LIVING_DELETED: Check = Check {
    name: "no-living-deleted",
    about: "a namespace is deleted only while no row has it, nor gets it within the hour after it was created; unless a user \
            wants that, or the stack's time is over",
    judge: no_living_deleted,
};

pub(super) const PRECISION: Check = Check {
    name: "precision",
    about: "sweeps delete only namespaces with the prefix and something after it",
    judge: precision,
};

fn no_living_deleted(seen: &Lens, findings: &mut Findings) {
    for pass in seen.passes.iter().filter(|pass| seen.is_of(pass.by, &["orphans"])) {
        let Some(ended) = pass.ended else { continue };
        let failed = seen.asked.iter().any(|asked| asked.by == pass.by && asked.failed);
        let looked = seen.asked.iter().any(|asked| asked.by == pass.by && *asked.what == *"rows");
        // What is told of a stack has to differ, or a sweep that mixes it up is right by chance.
        let could_err = |object: &&Object| {
            token(&object.name).is_some()
                && object.is_active(pass.begun)
                && seen.row_of(object, pass.begun).is_some_and(|row| row.id != row.slug)
                && seen.row_of(object, ended).is_some()
        };
        if looked && !failed && seen.objects.values().any(|object| could_err(&object)) {
            findings.exercised();
        }
    }
    for object in seen.objects.values() {
        let Some(deleted) = object.deleted.filter(|deleted| !deleted.accident) else { continue };
        if let Some(wrong) = wrong(seen, object, deleted) {
            findings.violate(
                deleted.moment.at,
                format!("namespace: deleted {wrong} by {}", seen.word(deleted.by)),
                format!(
                    "{} of {} was deleted at {:?} by {}, {wrong}",
                    object.name,
                    object.owner.as_deref().unwrap_or("nobody"),
                    deleted.moment.at,
                    seen.word(deleted.by)
                ),
            );
        }
    }
}

/// What is wrong with a deletion.
fn wrong(seen: &Lens, object: &Object, deleted: Deleted) -> Option<&'static str> {
    let Deleted { moment, by, .. } = deleted;
    if let Some(row) = seen.row_of(object, moment) {
        let wanted = seen.client_at(by).is_some_and(|op| op.verb() == Some(Verb::Delete) && op.is_about(row));
        let over = seen.is_of(by, &EXPIRERS) && is_over(row, moment.at);
        return (!wanted && !over).then_some("while its row was there");
    }
    let due = object.created.at + GRACE;
    let comes = |row: &Row| *row.namespace == *object.name;
    let later = seen.rows.get(object.owner.as_ref()?)?.versions().iter().any(|version| {
        version.since > moment
            && version.since.at <= due
            && version.value.as_ref().and_then(|written| written.row.as_ref()).is_some_and(comes)
    });
    let had = had_row_before(seen, object, moment);
    (later && !had).then_some("before its row came")
}

/// Whether it has had its row already, so that none is to come.
fn had_row_before(seen: &Lens, object: &Object, moment: Moment) -> bool {
    let rows = object.owner.as_ref().and_then(|owner| seen.rows.get(owner));
    rows.is_some_and(|rows| rows.versions().first().is_some_and(|first| first.since < moment))
}

fn precision(seen: &Lens, findings: &mut Findings) {
    for object in seen.objects.values() {
        let Some(deleted) = object.deleted.filter(|deleted| seen.is_of(deleted.by, &SWEEPS)) else { continue };
        findings.exercised();
        if token(&object.name).is_none() {
            findings.violate(
                deleted.moment.at,
                format!("namespace: none of ours, deleted by {}", seen.word(deleted.by)),
                format!("{} was deleted at {:?}", object.name, deleted.moment.at),
            );
        }
    }
}
