//! What a pass does when something fails.

use super::checks::Check;
use super::lens::{Asked, Lens, SWEEPS};
use crate::harness::Findings;

pub(super) const UNCERTAINTY_INERT: Check = Check {
    name: "uncertainty-inert",
    about: "where namespaces, rows or an age cannot be had, the pass deletes nothing",
    judge: uncertainty_inert,
};

pub(super) const ONE_FAILURE_ALONE: Check = Check {
    name: "one-failure-alone",
    about: "a pass tries to delete every orphan that it is sure of, whatever becomes of the others",
    judge: one_failure_alone,
};

fn uncertainty_inert(seen: &Lens, findings: &mut Findings) {
    for pass in seen.passes.iter().filter(|pass| seen.is_of(pass.by, &SWEEPS)) {
        let asked = || seen.asked.iter().filter(|asked| asked.by == pass.by);
        let is_look = |asked: &&Asked| *asked.what != *"delete";
        let Some(error) = asked().filter(is_look).find(|asked| asked.failed) else { continue };
        findings.exercised();
        if let Some(deletion) = asked().find(|asked| !is_look(asked)) {
            findings.violate(
                deletion.moment.at,
                format!("namespace: deleted by {} though {} failed", seen.word(pass.by), error.what),
                format!(
                    "`{}` failed at {:?}, and the same pass asked for {} to be deleted at {:?}",
                    error.what, error.moment.at, deletion.about, deletion.moment.at
                ),
            );
        }
    }
}

fn one_failure_alone(seen: &Lens, findings: &mut Findings) {
    for pass in seen.passes.iter().filter(|pass| seen.is_of(pass.by, &SWEEPS)) {
        let Some(ended) = pass.ended else { continue };
        let deletions = || seen.asked.iter().filter(|asked| asked.by == pass.by && *asked.what == *"delete");
        for orphan in seen.condemned.iter().filter(|condemned| condemned.by == pass.by) {
            findings.exercised();
            if deletions().any(|asked| asked.about == orphan.namespace) {
                continue;
            }
            let failed = deletions().find(|asked| asked.failed);
            let after = failed.map_or("nothing".to_owned(), |failed| format!("deleting {} failed", failed.about));
            findings.violate(
                ended.at,
                "namespace: not tried though known for an orphan",
                format!("{after}, and the pass ended at {:?} without trying {}", ended.at, orphan.namespace),
            );
        }
    }
}
