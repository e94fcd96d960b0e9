//! One instance at a time: not two in the making, and none that is forgotten.

use super::checks::Check;
use super::lens::{Lens, is_provisioning, relies_on};
use crate::harness::Findings;

pub(super) const SINGLE_FLIGHT: Check = Check {
    name: "single-flight",
    about: "nobody begins to provision a workspace that is being provisioned",
    judge: single_flight,
};

pub(super) const NO_LOST_INSTANCE: Check = Check {
    name: "no-lost-instance",
    about: "a workspace does not let go of an instance that is up and that it relies on",
    judge: no_lost_instance,
};

fn single_flight(seen: &Lens, findings: &mut Findings) {
    for (id, rows) in &seen.rows {
        for pair in rows.versions().windows(2) {
            let [before, after] = pair else { continue };
            let (Some(was), Some(written)) = (&before.value, &after.value) else { continue };
            let Some(is) = written.row.as_ref().filter(|row| is_provisioning(row)) else { continue };
            findings.exercised();
            let Some(was) = was.row.as_ref().filter(|row| is_provisioning(row)) else { continue };
            if was.generation != is.generation {
                findings.violate(
                    after.since.at,
                    format!("workspace: provisioned by {} while it is being provisioned", seen.word(written.by)),
                    format!(
                        "{id} was being provisioned since {:?}, and {} began anew at {:?}",
                        before.since.at,
                        seen.word(written.by),
                        after.since.at
                    ),
                );
            }
        }
    }
}

fn no_lost_instance(seen: &Lens, findings: &mut Findings) {
    for (id, rows) in &seen.rows {
        for pair in rows.versions().windows(2) {
            let [before, after] = pair else { continue };
            let (Some(was), Some(written)) = (&before.value, &after.value) else { continue };
            let (Some(was), Some(is)) = (&was.row, &written.row) else { continue };
            let Some(instance) = was.instance.as_deref().filter(|instance| relies_on(was, instance)) else { continue };
            findings.exercised();
            let kept = [&is.instance, &is.parked].into_iter().flatten().any(|now| now == instance);
            let live = seen.instances.get(instance).is_some_and(|instance| instance.is_live(after.since));
            if !kept && live {
                findings.violate(
                    after.since.at,
                    format!("instance: let go of by {}", seen.word(written.by)),
                    format!("{id} let go of {instance} at {:?}, which was up", after.since.at),
                );
            }
        }
    }
}
