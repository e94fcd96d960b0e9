//! How replicas keep their sessions: one for a sandbox, each with a pool that is closed in time, none that takes the counter of
//! one incarnation for that of another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::checks::Check;
use super::lens::{Lens, Sandbox, Session};
use super::reading::epoch_of;
use crate::harness::Findings;
use crate::oracle::Moment;

pub(super) const ONE_SESSION: Check = Check {
    name: "one-session",
    about: "a replica has one session for a sandbox at a time, and takes out none but the one it means",
    judge: one_session,
};

pub(super) const POOLS_CLOSED: Check = Check {
    name: "pools-closed",
    about: "the pool of a session that is closing, or never was registered, is closed in time",
    judge: pools_closed,
};

pub(super) const COUNTER_WITHIN_INCARNATION: Check = Check {
    name: "counter-within-incarnation",
    about: "a counter that counts the writes of one incarnation is never found equal to what was seen of another's",
    judge: counter_within_incarnation,
};

/// The longest time that a request, a pause or a fault may hold up what is due.
const GRACE: Duration = Duration::from_mins(4);

fn one_session(seen: &Lens, findings: &mut Findings) {
    let mut by_key: BTreeMap<(&Arc<str>, &Arc<str>), Vec<&Session>> = BTreeMap::new();
    for session in seen.sessions.values().filter(|session| session.registered != Moment::NEVER) {
        by_key.entry((&session.boot, &session.sandbox)).or_default().push(session);
    }
    for ((boot, sandbox), sessions) in &mut by_key {
        sessions.sort_by_key(|session| session.registered);
        for pair in sessions.windows(2) {
            findings.exercised();
            let [first, second] = pair else { continue };
            if second.registered < first.over(seen) {
                findings.violate(
                    second.registered.at,
                    "session: registered beside another",
                    format!(
                        "{sandbox}: {boot} registered {} at {:?} while it had {}",
                        second.id, second.registered.at, first.id
                    ),
                );
            }
        }
    }
    for mistaken in &seen.mistaken {
        findings.violate(
            mistaken.moment.at,
            "session: taken out in place of another",
            format!(
                "{}: {} meant to take out {} at {:?}, and took out {}",
                mistaken.sandbox, mistaken.replica, mistaken.meant, mistaken.moment.at, mistaken.removed
            ),
        );
    }
}

fn pools_closed(seen: &Lens, findings: &mut Findings) {
    for session in seen.sessions.values().filter(|session| session.pool_opened != Moment::NEVER) {
        let Some(boot) = seen.boots.get(&session.boot) else { continue };
        let (since, what) = match session.closing.min(session.removed) {
            Moment::NEVER if session.registered == Moment::NEVER => (session.pool_opened, "that never was registered"),
            Moment::NEVER => continue,
            closing => (closing, "that is closing"),
        };
        let due = since.at + boot.shutdown + GRACE;
        if due > seen.ended || boot.crashed.at <= due {
            continue;
        }
        findings.exercised();
        if session.pool_closed.at > due {
            findings.violate(
                due,
                format!("pool: kept open for a session {what}"),
                format!(
                    "{}: the pool of {}, open since {:?}, is still open at {due:?}, though {} at {:?}",
                    session.sandbox,
                    session.id,
                    session.pool_opened.at,
                    if session.registered == Moment::NEVER { "it was never registered" } else { "it was to close" },
                    since.at
                ),
            );
        }
    }
}

fn counter_within_incarnation(seen: &Lens, findings: &mut Findings) {
    for look in &seen.compared {
        let (Some(sandbox), Some(epoch)) = (seen.sandboxes.get(&look.sandbox), look.epoch) else { continue };
        let Some(counted) = counted(sandbox, look.moment, &look.counter) else { continue };
        if sandbox.incarnations.len() > 1 {
            findings.exercised();
        }
        if look.equal && counted != epoch {
            findings.violate(
                look.moment.at,
                "session: takes the counter of another incarnation for its own",
                format!(
                    "{}: at {:?} {} found its tree of epoch {epoch} confirmed by the counter `{}` of epoch {counted}",
                    look.sandbox, look.moment.at, look.replica, look.counter
                ),
            );
        }
    }
}

/// The incarnation that a counter counts for: the one that it names, or that was there when it was written last.
fn counted(sandbox: &Sandbox, moment: Moment, counter: &str) -> Option<i64> {
    if let Some(epoch) = epoch_of(counter) {
        return Some(epoch);
    }
    let written = match sandbox.counter.at(moment) {
        Some(version) if !counter.is_empty() => version.since,
        _ => moment,
    };
    sandbox.incarnation_at(written).map(|incarnation| incarnation.epoch)
}
