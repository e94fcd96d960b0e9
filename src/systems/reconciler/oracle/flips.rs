//! A workspace is taken offline on proof alone, and that is told.

use super::checks::Check;
use super::lens::{Lens, Told};
use crate::harness::Findings;
use crate::systems::reconciler::row::Status;
use crate::systems::reconciler::server::OFFLINE;

pub(super) const NO_WRONGFUL_FLIP: Check = Check {
    name: "no-wrongful-flip",
    about: "a workspace is told to be offline only after an answer in the same cycle that its instance is not up",
    judge: no_wrongful_flip,
};

pub(super) const UNCERTAINTY_INERT: Check = Check {
    name: "uncertainty-inert",
    about: "where a status request gets no answer, the cycle leaves that workspace alone",
    judge: uncertainty_inert,
};

pub(super) const TOLD_OFFLINE: Check =
    Check { name: "told-offline", about: "whoever takes a workspace offline by itself tells so", judge: told_offline };

fn no_wrongful_flip(seen: &Lens, findings: &mut Findings) {
    for told in seen.events.iter().filter(|told| told.kind == OFFLINE) {
        findings.exercised();
        if let Some(lack) = lack_of_proof(seen, told) {
            findings.violate(
                told.moment.at,
                format!("event: {lack}"),
                format!(
                    "{} was told to be offline at {:?} for {}: {lack}",
                    told.workspace,
                    told.moment.at,
                    told.instance.as_deref().unwrap_or("no instance")
                ),
            );
        }
    }
}

/// What is missing for an event to be right.
fn lack_of_proof(seen: &Lens, told: &Told) -> Option<&'static str> {
    let Some(instance) = told.instance.as_deref() else { return Some("no instance was asked about") };
    let mut of_cycle = seen
        .answers
        .iter()
        .filter(|answer| answer.by == told.by && answer.moment < told.moment && *answer.instance == *instance);
    let negative = of_cycle.clone().filter(|answer| answer.is_negative());
    if negative.clone().next().is_none() {
        return Some(if of_cycle.next().is_some() {
            "no answer said that it is not up"
        } else {
            "nobody asked about it"
        });
    }
    let in_use = negative.clone().any(|answer| {
        seen.row_at(&told.workspace, answer.moment)
            .is_some_and(|row| row.status.is_up() && row.instance.as_deref() == Some(instance))
    });
    if !in_use {
        return Some("it was not the workspace's when asked about");
    }
    // Back since the answer, it is not the instance that the answer was about.
    let back = seen.instances.get(instance).is_some_and(|known| {
        let answered = negative.map(|answer| answer.moment).max();
        answered.is_some_and(|answered| known.is_live(answered) && !known.was_dead(seen.began(told.by), told.moment))
    });
    back.then_some("it was up all through the cycle")
}

fn uncertainty_inert(seen: &Lens, findings: &mut Findings) {
    for answer in seen.answers.iter().filter(|answer| &*answer.word == "error") {
        findings.exercised();
        let told = seen
            .events
            .iter()
            .find(|told| told.by == answer.by && told.moment > answer.moment && told.workspace == *answer.workspace);
        let versions =
            seen.rows.get(&answer.workspace).map(|rows| rows.during(answer.moment, crate::oracle::Moment::NEVER));
        let flipped = versions.into_iter().flatten().find(|version| {
            version.since > answer.moment
                && version.value.as_ref().is_some_and(|written| {
                    written.by == answer.by && written.row.as_ref().is_some_and(|row| row.status == Status::Offline)
                })
        });
        let acted = [told.map(|told| told.moment), flipped.map(|version| version.since)].into_iter().flatten().min();
        if let Some(acted) = acted {
            findings.violate(
                acted.at,
                "workspace: taken offline though nobody answered",
                format!(
                    "the status of {} for {} could not be had at {:?}, and the same cycle acted at {:?}",
                    answer.instance, answer.workspace, answer.moment.at, acted.at
                ),
            );
        }
    }
}

fn told_offline(seen: &Lens, findings: &mut Findings) {
    for (id, rows) in &seen.rows {
        for pair in rows.versions().windows(2) {
            let [before, after] = pair else { continue };
            let (Some(was), Some(written)) = (&before.value, &after.value) else { continue };
            let (Some(was), Some(is)) = (&was.row, &written.row) else { continue };
            if !was.status.is_up() || is.status != Status::Offline || is.runtime == "external" {
                continue;
            }
            if seen.client_at(written.by).is_some() {
                continue;
            }
            findings.exercised();
            let told = seen.events.iter().any(|told| told.by == written.by && *told.workspace == **id);
            if !told {
                findings.violate(
                    after.since.at,
                    format!("workspace: taken offline by {} without a word", seen.word(written.by)),
                    format!("{id} was taken offline at {:?}, and that was never told", after.since.at),
                );
            }
        }
    }
}
