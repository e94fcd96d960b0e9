//! What comes true in time once nothing is disturbed any more: no session of what was destroyed, no write that others are never
//! told of.

use std::time::Duration;

use super::checks::Check;
use super::lens::{Lens, Session};
use crate::harness::Findings;
use crate::oracle::Moment;

pub(super) const DESTROYED_IS_LET_GO: Check = Check {
    name: "destroyed-is-let-go",
    about: "a session of a destroyed sandbox is gone from its replica once it has been idle for its time",
    judge: destroyed_is_let_go,
};

pub(super) const PUBLISH_FLUSHED: Check = Check {
    name: "publish-flushed",
    about: "a write that could not be told to other replicas is told soon after Redis is there again",
    judge: publish_flushed,
};

/// What is due may be on its way for as long as a request takes.
const MARGIN: Duration = Duration::from_mins(2);

fn destroyed_is_let_go(seen: &Lens, findings: &mut Findings) {
    for session in seen.sessions.values().filter(|session| session.registered != Moment::NEVER) {
        let Some(boot) = seen.boots.get(&session.boot) else { continue };
        let Some(destroyed) = destroyed(seen, session) else { continue };
        let used = session.used.last().map_or(Duration::ZERO, |used| used.at);
        let since = destroyed.at.max(seen.healed).max(used);
        let due = since + boot.idle + boot.reap + MARGIN;
        if due > seen.ended || boot.drained.at <= due || boot.crashed.at <= due {
            continue;
        }
        findings.exercised();
        if session.removed.at > due {
            findings.violate(
                due,
                "session: of a destroyed sandbox, and kept",
                format!(
                    "{}: {} is kept at {due:?}, though its sandbox was destroyed at {:?} and it was last asked for \
                     anything at {used:?}",
                    session.sandbox, session.id, destroyed.at
                ),
            );
        }
    }
}

/// When the incarnation was destroyed whose tree a session has, or should have.
fn destroyed(seen: &Lens, session: &Session) -> Option<Moment> {
    let sandbox = seen.sandboxes.get(&session.sandbox)?;
    let ended = match session.epoch {
        Some(epoch) => sandbox.incarnations.iter().find(|incarnation| incarnation.epoch == epoch)?.to,
        None if sandbox.incarnation_at(session.registered).is_none() => session.registered,
        None => Moment::NEVER,
    };
    (ended != Moment::NEVER).then_some(ended)
}

fn publish_flushed(seen: &Lens, findings: &mut Findings) {
    for left in &seen.unpublished {
        let Some(session) = seen.sessions.get(&left.session) else { continue };
        let Some(boot) = seen.boots.get(&session.boot) else { continue };
        let due = left.moment.at.max(seen.healed) + boot.drain + MARGIN;
        let destroyed = destroyed(seen, session).map_or(Duration::MAX, |destroyed| destroyed.at);
        if left.settled.at > due
            && (due > seen.ended || boot.crashed.at <= due || boot.drained.at <= due || destroyed <= due)
        {
            continue;
        }
        findings.exercised();
        if left.settled.at > due {
            findings.violate(
                due,
                "write: never told to other replicas",
                format!(
                    "{}: {} committed a write at {:?}, and other replicas were not told of it by {due:?}",
                    left.sandbox, left.session, left.moment.at
                ),
            );
        }
    }
}
