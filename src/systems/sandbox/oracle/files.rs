//! Each file of each incarnation of a sandbox as a register: what clients were told of it must have an order.

use std::sync::Arc;

use super::checks::Check;
use super::lens::{Incarnation, Lens, Op, Sandbox, Seen, Written};
use crate::harness::Findings;
use crate::oracle::linearizability::register::{Answer, Operation};
use crate::oracle::linearizability::{Entry, Limits, Partitions, Register, Ruling};
use crate::systems::sandbox::workload::Step;

pub(super) const LINEARIZABLE_FILES: Check = Check {
    name: "linearizable-files",
    about: "all that clients see of a file in one incarnation has an order in which each answer is right",
    judge: linearizable_files,
};

/// A file of an incarnation: the sandbox, the place among its incarnations, the path.
type File = (Arc<str>, usize, Arc<str>);

/// What goes between what a file holds and what is appended.
const SEPARATOR: &str = "+";

fn linearizable_files(seen: &Lens, findings: &mut Findings) {
    let mut files = Partitions::<File, Operation, Answer>::default();
    for (op, sandbox) in seen.on_sandboxes() {
        for (step, shown) in op.looks() {
            look(&mut files, op, sandbox, step, shown);
        }
        for (step, written) in op.writes() {
            write(&mut files, op, sandbox, step, written);
        }
    }
    let model = Register { separator: SEPARATOR, ..Register::default() };
    for ((sandbox, _, path), entries, ruling) in files.rulings(&model, &Limits::default()) {
        match ruling {
            // What could not be decided has not been checked.
            Ruling::Undecided { .. } => {}
            Ruling::Linearizable => {
                let looks = entries.iter().filter(|entry| entry.operation == Operation::Read).count();
                if looks > 0 && looks < entries.len() {
                    findings.exercised();
                }
            }
            Ruling::Contradiction(found) => findings.violate(
                found.last.at,
                "file: what clients see of it has no order",
                format!("{sandbox}{path}: {}", found.tell(entries)),
            ),
        }
    }
}

/// A look counts if it can only have been at one incarnation.
fn look(files: &mut Partitions<File, Operation, Answer>, op: &Op, sandbox: &Sandbox, step: &Step, shown: Seen) {
    let Some((place, all_the_time)) = only(op, sandbox) else { return };
    let held = match shown {
        Seen::Content(text) => Some(text),
        Seen::Nothing if all_the_time && matches!(step, Step::Read(_)) => None,
        _ => return,
    };
    let key = (sandbox.id.clone(), place, step.path().clone());
    files.push(key, Entry::new(&op.client, Operation::Read, op.invoked, op.returned, Some(Answer::Held(held))));
}

/// A write is certain if it is known to be done, and where; or else it may be done in any incarnation from then on.
fn write(files: &mut Partitions<File, Operation, Answer>, op: &Op, sandbox: &Sandbox, step: &Step, written: Written) {
    let operation = match step {
        Step::Write(_, value) => Operation::Write(value.clone()),
        Step::Append(_, value) => Operation::Append(value.clone()),
        Step::Remove(_) => Operation::Clear,
        Step::Read(_) | Step::List(_) => return,
    };
    let key = |place| (sandbox.id.clone(), place, step.path().clone());
    let certain = |answer| Entry::new(&op.client, operation.clone(), op.invoked, op.returned, Some(answer));
    match (written, only(op, sandbox)) {
        (Written::Absent, Some((place, true))) => files.push(key(place), certain(Answer::Cleared(false))),
        (Written::Absent | Written::Refused, _) => {}
        (Written::Done, Some((place, _))) => {
            let cleared = operation == Operation::Clear;
            files.push(key(place), certain(if cleared { Answer::Cleared(true) } else { Answer::Done }));
        }
        (Written::Done | Written::Unknown, _) => {
            let until = if written == Written::Done { op.returned } else { crate::oracle::Moment::NEVER };
            for (place, _) in possible(sandbox, |one| one.from <= until && op.invoked < one.to) {
                files.push(key(place), Entry::pending(&op.client, operation.clone(), op.invoked));
            }
        }
    }
}

fn possible(sandbox: &Sandbox, may: impl Fn(&Incarnation) -> bool) -> impl Iterator<Item = (usize, &Incarnation)> {
    sandbox.incarnations.iter().enumerate().filter(move |(_, incarnation)| may(incarnation))
}

/// The one incarnation that was there at any moment of an operation, and whether it was there all the time.
fn only(op: &Op, sandbox: &Sandbox) -> Option<(usize, bool)> {
    let mut met = possible(sandbox, |one| one.from <= op.returned && op.invoked < one.to);
    let (place, _) = met.next()?;
    met.next().is_none().then(|| (place, sandbox.there_throughout(op)))
}
