//! What sessions cost: connections to backends, of which none is forgotten, and room in caches, which is given back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::checks::Check;
use super::lens::{Connection, Ending, Lens, Op, Session, is, label};
use crate::harness::Findings;
use crate::oracle::{Moment, Timeline};
use crate::systems::session::outcome::{Answer, PodView};
use crate::systems::session::record::Record;
use crate::systems::session::timeouts::{BACKEND_INIT, SWEEP, TOOL_CALL};
use crate::systems::session::workload::Operation;

pub(super) const CONNECTIONS_CONSERVED: Check = Check {
    name: "connections-conserved",
    about: "at rest, every connection that a backend has open is one that its pod can reach",
    judge: connections_conserved,
};

pub(super) const FREED_AFTER_TERMINATE: Check = Check {
    name: "freed-after-terminate",
    about: "the connections of a terminated session are closed: soon by the pod that terminated it, in time by others",
    judge: freed_after_terminate,
};

/// What may still be about to be opened or closed: a connection, then a call on it, then the goodbye, and a margin.
const UNDER_WAY: Duration = BACKEND_INIT.saturating_add(TOOL_CALL).saturating_add(Duration::from_mins(1));
/// When all other pods must have found out: a sweep that fails leaves it to the next.
const ELSEWHERE: Duration = SWEEP.saturating_mul(2).saturating_add(Duration::from_mins(1));

/// What is on its way in a quiet world has arrived by then.
const ARRIVAL: Duration = Duration::from_secs(5);

/// What is known at rest of the start of a pod: how it was looked at last, and whether it was drained before.
struct Known<'a> {
    look: &'a Op,
    view: &'a PodView,
    drain: Option<&'a Op>,
}

fn connections_conserved(seen: &Lens, findings: &mut Findings) {
    let mut pods: BTreeMap<&str, Known<'_>> = BTreeMap::new();
    let mut drains: BTreeMap<&str, &Op> = BTreeMap::new();
    let mut told = BTreeSet::new();
    let connections = seen.sessions.values().flat_map(|session| &session.connections);
    let opened: BTreeSet<_> = connections.map(|connection| (&connection.backend, &connection.boot)).collect();
    for op in seen.operations.iter().filter(|op| op.at_rest) {
        match (&op.operation, &op.answer) {
            (Operation::Drain(_), Some(Answer::Done)) => drop(drains.insert(&op.pod, op)),
            (_, Some(Answer::Pod(view))) => {
                pods.insert(&view.boot, Known { look: op, view, drain: drains.get(&*op.pod).copied() });
            }
            (Operation::InspectBackend(backend), Some(Answer::Backends(open))) => {
                // Something was opened there by a pod that still runs: it may have been forgotten.
                if opened.iter().any(|(at, boot)| is(at, *backend) && pods.contains_key(&***boot)) {
                    findings.exercised();
                }
                for connection in open {
                    // Of a pod that did not answer, or that has crashed since, nothing is known.
                    let Some(pod) = pods.get(&*connection.boot) else { continue };
                    let Some(session) = seen.sessions.get(&*connection.session) else { continue };
                    let known = session.connections.iter().find(|known| *known.token == *connection.token);
                    let Some(known) = known.filter(|known| pod.must_know(session, known, op)) else { continue };
                    if !pod.view.connections.contains(&connection.token) && told.insert((&session.id, &pod.look.pod)) {
                        tell_leak(session, known, pod, findings);
                    }
                }
            }
            _ => {}
        }
    }
}

impl Known<'_> {
    /// Whether the pod must know a connection that a backend was seen to have open, for nothing can be under way.
    fn must_know(&self, session: &Session, connection: &Connection, seen: &Op) -> bool {
        if let Some(drain) = self.drain {
            return connection.opened < drain.invoked && seen.invoked.at >= drain.returned.at + ARRIVAL;
        }
        let long_before = |moment: Moment| moment.at + UNDER_WAY <= self.look.invoked.at;
        let mut unshelved =
            session.unshelved.iter().filter(|(moment, pod)| *pod == self.look.pod && *moment < self.look.returned);
        long_before(connection.opened) && unshelved.all(|(moment, _)| long_before(*moment))
    }
}

fn tell_leak(session: &Session, connection: &Connection, pod: &Known<'_>, findings: &mut Findings) {
    let about = match pod.drain {
        None => "connection: open, and out of its pod's reach",
        Some(_) => "connection: left open by a drain",
    };
    findings.violate(
        pod.look.returned.at,
        about,
        format!(
            "{}: {} to {}, open since {:?}, is not among the {} connections that {} can reach",
            session.label(),
            connection.token,
            connection.backend,
            connection.opened.at,
            pod.view.connections.len(),
            pod.look.pod
        ),
    );
}

fn freed_after_terminate(seen: &Lens, findings: &mut Findings) {
    for session in seen.sessions.values() {
        let mut told = BTreeSet::new();
        for ending in &session.endings {
            if !session.records.binds(ending.begun, Moment::NEVER) {
                continue;
            }
            for connection in session.connections.iter().filter(|connection| connection.opened < ending.done) {
                let Some((due, own)) = due(seen, ending, connection) else { continue };
                findings.exercised();
                if connection.closed.at <= due || !told.insert(own) {
                    continue;
                }
                let whose = if own { "by the pod that terminated it" } else { "by another pod" };
                findings.violate(
                    due,
                    format!("connection: kept open after terminate {whose}"),
                    format!(
                        "{}: {}, but {} to {} was still open at {due:?}",
                        session.label(),
                        ending.story(),
                        connection.token,
                        connection.backend
                    ),
                );
            }
        }
    }
}

/// When a connection of a terminated session must be closed, and whether it is of the pod that terminated it; `None`:
/// that is after the end of the run, or the pod crashed before.
fn due(seen: &Lens, ending: &Ending, connection: &Connection) -> Option<(Duration, bool)> {
    let boot = seen.boots.get(&connection.boot)?;
    let own = boot.pod == ending.pod;
    let ended = ending.done.at;
    let due = if own && seen.quiet.throughout(ending.begun.at, ended + UNDER_WAY) {
        ended + UNDER_WAY
    } else {
        let known = ended.max(seen.healed) + UNDER_WAY;
        if own { known } else { known + ELSEWHERE }
    };
    (due < seen.ended && boot.crashed.at > due).then_some((due, own))
}

/// When at the latest a pod has found out that a session ended at `since`.
pub(super) fn found_out(seen: &Lens, since: Duration) -> Duration {
    since.max(seen.healed) + UNDER_WAY + ELSEWHERE
}

/// A pod and what it held at rest.
pub(super) fn looks_at_rest(seen: &Lens) -> impl Iterator<Item = (&Op, &PodView)> {
    seen.operations.iter().filter(|op| op.at_rest).filter_map(|op| match &op.answer {
        Some(Answer::Pod(view)) => Some((op, view)),
        _ => None,
    })
}

pub(super) const BOUNDED_CACHE: Check = Check {
    name: "bounded-cache",
    about: "a pod's cache holds no more than its capacity, and nothing for ever that has no live record",
    judge: bounded_cache,
};

pub(super) const NO_WRONGFUL_EVICTION: Check = Check {
    name: "no-wrongful-eviction",
    about: "an object is not evicted as overtaken while its record says just what it says",
    judge: no_wrongful_eviction,
};

fn bounded_cache(seen: &Lens, findings: &mut Findings) {
    for session in seen.sessions.values() {
        for shelved in &session.shelved {
            findings.exercised();
            if shelved.entries > shelved.capacity {
                findings.violate(
                    shelved.moment.at,
                    "cache: more than its capacity",
                    format!(
                        "{} holds {} sessions with {}, and may hold {}",
                        shelved.pod,
                        shelved.entries,
                        session.label(),
                        shelved.capacity
                    ),
                );
                return;
            }
        }
    }
    for (look, view) in looks_at_rest(seen) {
        for id in &view.sessions {
            let Some(session) = seen.sessions.get(&**id) else { continue };
            findings.exercised();
            let Some(dead) = dead_since(&session.records, look.invoked) else { continue };
            let due = found_out(seen, dead.at);
            if due < look.invoked.at {
                findings.violate(
                    due,
                    "cache: keeps what has no live record",
                    format!(
                        "{} still holds {} at {:?}, whose record has not been live since {:?}",
                        look.pod,
                        label(id),
                        look.invoked.at,
                        dead.at
                    ),
                );
                return;
            }
        }
    }
}

/// Since when a record has not been live; `None`: it is, or there never was one.
fn dead_since(records: &Timeline<Record>, now: Moment) -> Option<Moment> {
    let dead = records.during(Moment::default(), now).iter().rev();
    let dead = dead.take_while(|version| !version.value.as_ref().is_some_and(Record::is_live));
    dead.last().map(|version| version.since)
}

fn no_wrongful_eviction(seen: &Lens, findings: &mut Findings) {
    for session in seen.sessions.values() {
        for evicted in &session.evicted {
            findings.exercised();
            let Some(record) = session.records.at(evicted.moment).and_then(|version| version.value.as_ref()) else {
                continue;
            };
            let same = record.is_live()
                && record.backends().is_some_and(|backends| says(&evicted.backends, backends))
                && says(&evicted.decorations, record.decorations());
            // A pod may take for dead what storage brought back to life by losing its end.
            if same && session.records.binds(Moment::default(), evicted.moment) {
                findings.violate(
                    evicted.moment.at,
                    "object: evicted while its record bore it out",
                    format!(
                        "{}: at {:?} {} evicted an object with the backends and decorations of the record ({})",
                        session.label(),
                        evicted.moment.at,
                        evicted.pod,
                        record.revision()
                    ),
                );
                break;
            }
        }
    }
}

/// Whether a text lists exactly these, sorted and joined by commas.
fn says<'a>(text: &str, listed: impl IntoIterator<Item = &'a str>) -> bool {
    text.split(',').filter(|part| !part.is_empty()).eq(listed)
}
