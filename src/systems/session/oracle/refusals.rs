//! A live session is served: not called missing, not called closed, and not put off when nothing stands in the way.

use std::collections::BTreeSet;

use super::checks::Check;
use super::lens::{Lens, Op, Session};
use crate::harness::Findings;
use crate::oracle::Moment;
use crate::systems::session::outcome::Answer;
use crate::systems::session::record::Record;
use crate::systems::session::workload::{Operation, Verb, pod_name};

pub(super) const NO_FALSE_NOT_FOUND: Check = Check {
    name: "no-false-not-found",
    about: "a session or tool is called missing only if it was missing at some moment since it was asked for",
    judge: no_false_not_found,
};

pub(super) const NO_STALE_HANDLE: Check = Check {
    name: "no-stale-handle",
    about: "a call to a live session is never answered that the session is closed",
    judge: no_stale_handle,
};

pub(super) const LIVE_SESSION_SERVED: Check = Check {
    name: "live-session-served",
    about: "with nothing disturbed, a live session is served to whoever asks a pod for the second time",
    judge: live_session_served,
};

fn no_false_not_found(seen: &Lens, findings: &mut Findings) {
    for (op, session) in seen.on_sessions() {
        // A pod may take for dead what storage brought back to life by losing its end.
        if !op.answered() || !session.records.binds(Moment::default(), op.returned) {
            continue;
        }
        let Some(asked) = asked_for(op, session) else { continue };
        findings.exercised();
        let missing = match &op.answer {
            Some(Answer::NotFound) => "not found",
            Some(Answer::NoTool) if asked.tool => "no such tool",
            _ => continue,
        };
        let circumstance = circumstance(session, op);
        findings.violate(
            op.returned.at,
            format!("session: {} answered {missing} while it was there{circumstance}", op.word()),
            format!(
                "{}: {} via {} was answered {missing} at {:?}, but storage held it all the time{circumstance}",
                session.label(),
                op.story(),
                op.pod,
                op.returned.at,
            ),
        );
    }
}

/// What an operation asked for was there all the time.
struct There {
    /// The tool too.
    tool: bool,
}

fn asked_for(op: &Op, session: &Session) -> Option<There> {
    let standing = |record: &Record| !record.is_terminated();
    let there = match op.verb()? {
        // It makes the placeholder itself, and finds it again.
        Verb::Create => {
            let made = session.records.versions().first()?.since;
            session.records.held(made.max(op.invoked), op.returned, standing)
        }
        // A placeholder is good enough.
        Verb::Validate => session.records.held(op.invoked, op.returned, standing),
        Verb::Call { .. } | Verb::Get { .. } | Verb::Decorate | Verb::Notify { .. } => session.live_throughout(op),
        Verb::Terminate | Verb::Abandon => false,
    };
    let tool = match op.verb()? {
        Verb::Call { backend, .. } => {
            let backend = format!("b{backend}");
            session.records.held(op.invoked, op.returned, |record| record.has_backend(&backend))
        }
        _ => false,
    };
    there.then_some(There { tool })
}

/// What the pod did meanwhile.
fn circumstance(session: &Session, op: &Op) -> &'static str {
    let during = |moment: Moment| op.invoked < moment && moment < op.returned;
    if session.evicted.iter().any(|evicted| evicted.pod == op.pod && during(evicted.moment)) {
        ", after an eviction"
    } else if session.shelved.iter().any(|shelved| shelved.pod == op.pod && during(shelved.moment)) {
        ", and just cached"
    } else if session.cut_off(op) {
        ", while cut off from storage"
    } else {
        ""
    }
}

fn no_stale_handle(seen: &Lens, findings: &mut Findings) {
    for (op, session) in seen.on_sessions() {
        if !matches!(op.verb(), Some(Verb::Call { .. })) || !op.answered() || !session.live_throughout(op) {
            continue;
        }
        if !session.records.binds(Moment::default(), op.returned) {
            continue;
        }
        findings.exercised();
        if op.got(&Answer::Closed) {
            findings.violate(
                op.returned.at,
                "session: call answered closed while it was live",
                format!(
                    "{}: {} via {} was answered that the session is closed at {:?}, but it was live all the time",
                    session.label(),
                    op.story(),
                    op.pod,
                    op.returned.at
                ),
            );
        }
    }
}

fn live_session_served(seen: &Lens, findings: &mut Findings) {
    // Who has been answered by which pod in quiet times, so that neither has anything left of earlier troubles.
    let mut acquainted = BTreeSet::new();
    let mut draining = BTreeSet::new();
    // In the order of invocation; an operation makes acquaintances only for those that begin after its return.
    let mut waiting: Vec<&Op> = Vec::new();
    for op in &seen.operations {
        if let Operation::Drain(pod) = op.operation {
            draining.insert(pod_name(pod));
        }
        let due = waiting.extract_if(.., |earlier| earlier.returned < op.invoked);
        acquainted.extend(due.map(|earlier| (&*earlier.client, &*earlier.pod)));
        if op.verb().is_none() || !seen.quiet.throughout(op.invoked.at, op.returned.at.min(seen.ended)) {
            continue;
        }
        if op.answered() {
            waiting.push(op);
        }
        let Some(session) = op.session.as_ref().and_then(|id| seen.sessions.get(id)) else { continue };
        let due = matches!(op.verb(), Some(Verb::Get { stranger: false }))
            && !draining.contains(&*op.pod)
            && acquainted.contains(&(&*op.client, &*op.pod))
            && session.live_throughout(op);
        if !due {
            continue;
        }
        findings.exercised();
        // That it is called missing is judged above.
        if !op.served() && !op.got(&Answer::NotFound) {
            let answer = op.answer_word();
            findings.violate(
                op.returned.at.min(seen.ended),
                format!("session: get of a live one answers {answer} with nothing disturbed"),
                format!("{}: {} via {} got {answer}", session.label(), op.story(), op.pod),
            );
        }
    }
}
