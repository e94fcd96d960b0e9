//! What an answer promises: that something was applied, that nothing was, and that nothing is broken.

use super::checks::Check;
use super::lens::{Lens, Node, Op, Sandbox, Written, values};
use crate::harness::Findings;
use crate::systems::sandbox::errors::Code;
use crate::systems::sandbox::outcome::{Outcome, StepOutcome};
use crate::systems::sandbox::workload::{Step, Verb};

pub(super) const ACKNOWLEDGED_IS_DURABLE: Check = Check {
    name: "acknowledged-is-durable",
    about: "what is told to be done is in Postgres by then, even if other replicas could not be told",
    judge: acknowledged_is_durable,
};

pub(super) const REFUSED_IS_NOT_APPLIED: Check = Check {
    name: "refused-is-not-applied",
    about: "what is refused as not applied changes nothing in Postgres, then or later",
    judge: refused_is_not_applied,
};

pub(super) const LOOK_IS_NO_ERROR: Check = Check {
    name: "look-is-no-error",
    about: "whoever only looks is never told that nobody knows what came of it",
    judge: look_is_no_error,
};

pub(super) const WRITES_ARE_PUBLISHED: Check = Check {
    name: "writes-are-published",
    about: "with nothing disturbed, no write is told that other replicas could not be told of it",
    judge: writes_are_published,
};

fn acknowledged_is_durable(seen: &Lens, findings: &mut Findings) {
    for (op, sandbox) in seen.on_sandboxes() {
        if let Some(Outcome::Created | Outcome::Destroyed) = op.outcome {
            findings.exercised();
            let created = op.verb() == Some(&Verb::Create);
            let there = !sandbox.incarnations_during(op.invoked, op.returned).is_empty();
            if if created { !there } else { sandbox.there_throughout(op) } {
                tell(op, sandbox, op.word(), findings);
            }
        }
        let writes = op.writes();
        for (number, (step, written)) in writes.iter().enumerate() {
            // Whatever the same script replaces need never have been seen.
            let mut later = writes[number + 1..].iter().map(|(later, _)| later);
            let replaced = later.any(|later| later.path() == step.path() && !matches!(later, Step::Append(..)));
            if *written != Written::Done || replaced {
                continue;
            }
            findings.exercised();
            if !committed(op, sandbox, step) {
                tell(op, sandbox, kind(step), findings);
            }
        }
    }
}

/// Whether a state that bears a step out was there by the end of its operation.
fn committed(op: &Op, sandbox: &Sandbox, step: &Step) -> bool {
    let mut states = sandbox.states_during(op).map(|moment| sandbox.node_at(step.path(), moment));
    states.any(|node| match (step, node) {
        (Step::Remove(_), None) => true,
        (Step::Write(_, value) | Step::Append(_, value), Some(Node::File(content))) => {
            values(content).any(|held| *held == **value)
        }
        _ => false,
    })
}

fn kind(step: &Step) -> &'static str {
    match step {
        Step::Write(..) => "write",
        Step::Append(..) => "append",
        Step::Remove(_) => "remove",
        Step::Read(_) | Step::List(_) => "look",
    }
}

fn tell(op: &Op, sandbox: &Sandbox, what: &str, findings: &mut Findings) {
    findings.violate(
        op.returned.at,
        format!("sandbox: {what} acknowledged and not in Postgres"),
        format!(
            "{}: {} via {} was answered {} at {:?}, and Postgres held nothing of it by then",
            sandbox.id,
            op.story(),
            op.replica,
            op.answer(),
            op.returned.at
        ),
    );
}

fn refused_is_not_applied(seen: &Lens, findings: &mut Findings) {
    for (op, sandbox) in seen.on_sandboxes().filter(|(op, _)| op.retryable()) {
        findings.exercised();
        // Contents and epochs are kept whatever becomes of what they were for.
        let mut applied = op.commits.iter().filter(|commit| !matches!(&*commit.table, "blobs" | "sandbox_epochs"));
        if let Some(commit) = applied.next() {
            let code = op.refused().map_or("", Code::word);
            findings.violate(
                op.returned.at.max(commit.moment.at),
                format!("sandbox: {} is refused with {code}, and applied", op.word()),
                format!(
                    "{}: {} via {} was answered {} at {:?}, but Postgres committed the {} of a row of {} for it at {:?}",
                    sandbox.id,
                    op.story(),
                    op.replica,
                    op.answer(),
                    op.returned.at,
                    commit.cause,
                    commit.table,
                    commit.moment.at
                ),
            );
        }
    }
}

fn look_is_no_error(seen: &Lens, findings: &mut Findings) {
    for (op, sandbox) in seen.on_sandboxes().filter(|(op, _)| op.only_looks() && op.answered()) {
        findings.exercised();
        let broken = match &op.outcome {
            Some(Outcome::Refused(refused)) => refused.status == 500,
            Some(Outcome::Ran(ran)) => ran
                .steps
                .iter()
                .any(|step| matches!(step, StepOutcome::Failed(why) if why.starts_with(Code::Eio.word()))),
            _ => false,
        };
        if broken {
            findings.violate(
                op.returned.at,
                format!("sandbox: {} fails as if it had done anything", op.word()),
                format!("{}: {} via {} was answered {}", sandbox.id, op.story(), op.replica, op.answer()),
            );
        }
    }
}

fn writes_are_published(seen: &Lens, findings: &mut Findings) {
    for (op, sandbox) in seen.on_sandboxes() {
        let writes = op.steps().iter().any(Step::is_write);
        if !writes || !op.answered() || !seen.quiet.throughout(op.invoked.at, op.returned.at) {
            continue;
        }
        findings.exercised();
        if op.refused() == Some(Code::Ecoherence) {
            findings.violate(
                op.returned.at,
                format!("sandbox: {} is not published with nothing disturbed", op.word()),
                format!("{}: {} via {} was answered {}", sandbox.id, op.story(), op.replica, op.answer()),
            );
        }
    }
}
