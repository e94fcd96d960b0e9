//! Nothing that is alive and in use is terminated, but for a user's wish.

use super::checks::Check;
use super::lens::{Instance, Lens, relies_on};
use crate::harness::{ActivityId, Findings};
use crate::oracle::Moment;

pub(super) const NO_WRONGFUL_TERMINATION: Check = Check {
    name: "no-wrongful-termination",
    about: "what goes on by itself terminates an instance that a workspace relies on only once it has been dead",
    judge: no_wrongful_termination,
};

fn no_wrongful_termination(seen: &Lens, findings: &mut Findings) {
    for (id, instance) in &seen.instances {
        let Some((at, by)) = instance.terminated.filter(|(_, by)| seen.client_at(*by).is_none()) else { continue };
        let Some(decided) = decision(seen, id, instance, at, by) else { continue };
        findings.exercised();
        if !instance.was_dead(decided, at) {
            findings.violate(
                at.at,
                format!("instance: terminated in good health by {}", seen.word(by)),
                format!(
                    "{id} of {} was terminated at {:?} by {}, which was decided on after {:?}; it was up all the time since",
                    instance.workspace,
                    at.at,
                    seen.word(by),
                    decided.at
                ),
            );
        }
    }
}

/// Since when whoever decided that an instance is to go may have looked; `None`: no workspace relied on it, or that was a
/// user's wish.
fn decision(seen: &Lens, id: &str, instance: &Instance, at: Moment, by: ActivityId) -> Option<Moment> {
    let versions = seen.rows.get(&instance.workspace)?.versions();
    let before = &versions[..versions.partition_point(|version| version.since < at)];
    let relied = |place: &usize| {
        let written = before[*place].value.as_ref();
        written.and_then(|written| written.row.as_ref()).is_some_and(|row| relies_on(row, id))
    };
    let last = (0..before.len()).rev().find(relied)?;
    let Some(departure) = before.get(last + 1) else { return Some(seen.began(by)) };
    let origin = departure.value.as_ref()?.by;
    seen.client_at(origin).is_none().then(|| seen.began(origin))
}
