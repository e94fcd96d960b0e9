//! A session is its owner's: nobody else gets anything of it, and the owner is never turned away.

use super::checks::Check;
use super::lens::{Lens, label};
use crate::harness::Findings;
use crate::systems::session::outcome::Answer;

pub(super) const CALLER_IDENTITY: Check = Check {
    name: "caller-identity",
    about: "a stranger is never served, nor let through to a backend, and the owner is never forbidden",
    judge: caller_identity,
};

fn caller_identity(seen: &Lens, findings: &mut Findings) {
    for (op, session) in seen.on_sessions() {
        let forbidden = op.got(&Answer::Forbidden);
        if op.by_stranger() && (op.served() || forbidden) {
            findings.exercised();
        }
        let wrong = match op.by_stranger() {
            true if op.served() => "served to a stranger",
            false if forbidden => "refused to its owner",
            _ => continue,
        };
        findings.violate(
            op.returned.at,
            format!("session: {} {wrong}", op.word()),
            format!("{}: {} via {} was {wrong} at {:?}", session.label(), op.story(), op.pod, op.returned.at),
        );
    }
    for call in seen.calls.iter().filter(|call| call.caller != call.owner) {
        findings.violate(
            call.moment.at,
            "call: reaches a backend for a stranger",
            format!(
                "{}: a call of {} reached a backend at {:?} on a connection of {}",
                label(&call.session),
                call.caller,
                call.moment.at,
                call.owner
            ),
        );
    }
}
