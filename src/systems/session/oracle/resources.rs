//! What sessions cost: connections to backends, and room in caches.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::lens::{Lens, name_of};
use crate::harness::{Findings, Observed, Record};
use crate::systems::session::Session;
use crate::systems::session::workload::{Answer, ConnectionView, Operation, PodView};

/// How long a pod may take to close what a session had: the longest call in flight, a connection on its way, and some.
const FREEING: Duration = Duration::from_mins(2);

/// What was seen in one look around.
#[derive(Default)]
struct Look<'a> {
    pods: BTreeMap<u32, &'a PodView>,
    backends: BTreeMap<u32, &'a [ConnectionView]>,
}

impl<'a> Look<'a> {
    fn at(operations: &'a [Record<Session>]) -> Self {
        let mut look = Self::default();
        for record in operations {
            match (&record.operation, record.outcome.as_ref().map(|outcome| &outcome.answer)) {
                (Operation::InspectPod(pod), Some(Answer::Pod(view))) => drop(look.pods.insert(*pod, view)),
                (Operation::InspectBackend(backend), Some(Answer::Backends(open))) => {
                    look.backends.insert(*backend, open);
                }
                _ => {}
            }
        }
        look
    }

    /// Connections from these starts of pods that the pods do not name.
    fn orphans(&self) -> impl Iterator<Item = (u32, &'a ConnectionView)> {
        let boots: BTreeSet<&str> = self.pods.values().map(|view| &*view.boot).collect();
        let known: BTreeSet<&str> = self.pods.values().flat_map(|view| &view.connections).map(String::as_str).collect();
        let open = self.backends.iter().flat_map(|(backend, open)| open.iter().map(move |one| (*backend, one)));
        open.filter(move |(_, one)| boots.contains(&*one.boot) && !known.contains(&*one.token))
    }
}

pub(super) fn connections_conserved(lens: &Lens, run: &Observed<'_, Session>, findings: &mut Findings) {
    let rest = run.operations.partition_point(|record| !record.at_rest);
    let rest = &run.operations[rest..];
    let drained = rest.iter().position(|record| matches!(record.operation, Operation::Drain(_)));
    let Some(drained) = drained else { return };
    let (before, after) = (Look::at(&rest[..drained]), Look::at(&rest[drained..]));
    if !lens.opened.is_empty() && !before.backends.is_empty() && !after.backends.is_empty() {
        findings.exercised();
    }
    for (look, about) in [(before, "connection that its pod has lost"), (after, "connection left after a drain")] {
        let orphans: Vec<_> = look.orphans().collect();
        if let Some((backend, first)) = orphans.first() {
            let message = format!(
                "{} connections, for example of {} to b{backend} for {}, belong to no session that their pod knows of",
                orphans.len(),
                first.boot,
                name_of(&first.session)
            );
            findings.violate(run.ended, about, message);
        }
    }
}

pub(super) fn bounded_cache(_: &Lens, run: &Observed<'_, Session>, findings: &mut Findings) {
    for event in run.history.events() {
        let Some(fact) = event.fact("session.shelved") else { continue };
        let (entries, capacity) = (fact.int("entries"), fact.int("capacity"));
        if entries >= capacity {
            findings.exercised();
        }
        if entries > capacity {
            let message = format!("{} caches {entries} sessions where {capacity} are to fit", event.host);
            findings.violate(event.at, "cache above its capacity", message);
            return;
        }
    }
}

pub(super) fn freed_after_terminate(lens: &Lens, run: &Observed<'_, Session>, findings: &mut Findings) {
    let mut opened: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for connection in &lens.opened {
        opened.entry(&connection.session).or_default().push(connection);
    }
    for request in lens.handled.iter().filter(|request| &*request.operation == "terminate") {
        let Some((_, at, answer)) = &request.end else { continue };
        let due = (*at).max(run.healed) + FREEING;
        if &**answer != "ok" || due > run.ended || lens.crashed_between(&request.pod.0, *at, due) {
            continue;
        }
        for connection in opened.get(&*request.session).map_or(&[][..], Vec::as_slice) {
            let mine = lens.boots.get(&connection.boot) == Some(&request.pod);
            if !mine || connection.from > request.from || connection.closed.is_some_and(|closed| closed < *at) {
                continue;
            }
            findings.exercised();
            if connection.closed.is_none_or(|closed| closed > due) {
                let message = format!(
                    "{} terminated {} at {at:?} and had connections for it open {FREEING:?} later",
                    request.pod.0,
                    name_of(&request.session)
                );
                findings.violate(due, "connection of a terminated session", message);
                return;
            }
        }
    }
}

pub(super) fn no_wrongful_eviction(lens: &Lens, run: &Observed<'_, Session>, findings: &mut Findings) {
    for (index, event) in run.history.events().iter().enumerate() {
        let Some(fact) = event.fact("session.expired") else { continue };
        findings.exercised();
        let session = fact.text("session");
        let Some(record) = lens.timeline(session).after(index).filter(|record| record.is_live()) else { continue };
        let same = |text: &str, set: Option<BTreeSet<&str>>| {
            let listed: BTreeSet<&str> = text.split(',').filter(|part| !part.is_empty()).collect();
            set == Some(listed)
        };
        if same(fact.text("backends"), record.backends()) && same(fact.text("decorations"), Some(record.decorations()))
        {
            let message =
                format!("{} evicted {} as expired, though it agreed with its record", event.host, name_of(session));
            findings.violate(event.at, "cached session that was current", message);
        }
    }
}
