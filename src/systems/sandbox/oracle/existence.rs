//! Whether a sandbox is there: what was destroyed is of no use to anybody and is told to be gone, what is there is found, and
//! nothing but a creation brings one about.

use std::collections::BTreeSet;

use super::checks::Check;
use super::lens::{Lens, Op, Sandbox};
use crate::harness::Findings;
use crate::systems::sandbox::errors::Code;
use crate::systems::sandbox::outcome::Outcome;
use crate::systems::sandbox::workload::Verb;

pub(super) const NO_GHOST: Check =
    Check { name: "no-ghost", about: "a sandbox that is gone all the time serves nothing", judge: no_ghost };

pub(super) const NO_FALSE_NOT_FOUND: Check = Check {
    name: "no-false-not-found",
    about: "a sandbox is called missing only if it was missing at some moment since it was asked for",
    judge: no_false_not_found,
};

pub(super) const DESTROYED_IS_TOLD: Check = Check {
    name: "destroyed-is-told",
    about: "whoever asks for a destroyed sandbox is not told that its session is closing",
    judge: destroyed_is_told,
};

pub(super) const NO_RESURRECTION: Check = Check {
    name: "no-resurrection",
    about: "a sandbox comes about by a creation that was asked for, and by each of them once",
    judge: no_resurrection,
};

/// Whether a sandbox that had been there was gone all the time of an operation that needs it.
fn asked_of_the_dead(op: &Op, sandbox: &Sandbox) -> bool {
    let needs = matches!(op.verb(), Some(Verb::Get | Verb::Exec(_) | Verb::File(_)));
    let was_there = sandbox.incarnations.first().is_some_and(|first| first.from < op.invoked);
    needs && was_there && op.answered() && sandbox.gone_throughout(op)
}

fn no_ghost(seen: &Lens, findings: &mut Findings) {
    for (op, sandbox) in seen.on_sandboxes().filter(|(op, sandbox)| asked_of_the_dead(op, sandbox)) {
        findings.exercised();
        if !op.served() {
            continue;
        }
        let how = match &op.outcome {
            Some(Outcome::Ran(ran)) if ran.exit != 0 => ", and fails on an empty tree",
            _ => "",
        };
        let since = sandbox.last_before(op).map_or(op.invoked.at, |incarnation| incarnation.to.at);
        findings.violate(
            op.returned.at,
            format!("sandbox: {} is served though it was destroyed{how}", op.word()),
            format!(
                "{}: {} via {} was answered {} at {:?}, though Postgres has no such sandbox since {since:?}",
                sandbox.id,
                op.story(),
                op.replica,
                op.answer(),
                op.returned.at,
            ),
        );
    }
}

fn no_false_not_found(seen: &Lens, findings: &mut Findings) {
    for (op, sandbox) in seen.on_sandboxes() {
        if !op.answered() || op.verb() == Some(&Verb::Create) || !sandbox.there_throughout(op) {
            continue;
        }
        findings.exercised();
        if op.not_found() {
            let mut held = sandbox.counter.during(op.invoked, op.returned).iter();
            let marked = held.any(|version| version.value.as_deref().is_some_and(|text| text.starts_with("DESTROYED")));
            let how = if marked { ", under a tombstone" } else { "" };
            findings.violate(
                op.returned.at,
                format!("sandbox: {} answered not found while it was there{how}", op.word()),
                format!(
                    "{}: {} via {} was answered not found at {:?}, but Postgres held it all the time{how}",
                    sandbox.id,
                    op.story(),
                    op.replica,
                    op.returned.at
                ),
            );
        }
    }
}

fn destroyed_is_told(seen: &Lens, findings: &mut Findings) {
    for (op, sandbox) in seen.on_sandboxes().filter(|(op, sandbox)| asked_of_the_dead(op, sandbox)) {
        let mut boots = seen.boots.values().filter(|boot| boot.replica == op.replica);
        if boots.any(|boot| boot.drained < op.returned) {
            continue;
        }
        findings.exercised();
        if op.refused() == Some(Code::Esessionclosing) {
            findings.violate(
                op.returned.at,
                format!("sandbox: {} of a destroyed one is told to try again", op.word()),
                format!(
                    "{}: {} via {} was answered {}, though Postgres has no such sandbox any more",
                    sandbox.id,
                    op.story(),
                    op.replica,
                    op.answer()
                ),
            );
        }
    }
}

fn no_resurrection(seen: &Lens, findings: &mut Findings) {
    for sandbox in seen.sandboxes.values() {
        let mut creations = BTreeSet::new();
        for incarnation in &sandbox.incarnations {
            findings.exercised();
            let by = seen.operation_of(incarnation.by);
            let (who, about) = match by {
                Some(op) if op.verb() == Some(&Verb::Create) && op.sandbox == sandbox.id => {
                    if creations.insert(incarnation.by) {
                        continue;
                    }
                    (op.story(), "sandbox: create creates it twice".to_owned())
                }
                Some(op) => (op.story(), format!("sandbox: {} brings it into being", op.word())),
                None => {
                    ("a background cycle".to_owned(), "sandbox: a background cycle brings it into being".to_owned())
                }
            };
            findings.violate(
                incarnation.from.at,
                about,
                format!(
                    "{}: {who} inserted it at {:?} as epoch {}",
                    sandbox.id, incarnation.from.at, incarnation.epoch
                ),
            );
        }
    }
}
