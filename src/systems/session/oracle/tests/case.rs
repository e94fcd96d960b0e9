//! A run made by hand: commits, facts and operations at given milliseconds, and what the invariants make of them.

use std::sync::Arc;
use std::time::Duration;

use crate::harness::What;
use crate::oracle::case::{self, Performed};
use crate::runtime::Field;
use crate::systems::session::oracle::all;
use crate::systems::session::outcome::{Answer, ConnectionView, Listing, Outcome, PodView};
use crate::systems::session::record::Record;
use crate::systems::session::workload::{Operation, Target, Verb};

/// The full id of a session that people call `name`.
pub(super) fn id(name: &str) -> String {
    format!("{name}-0123")
}

/// A placeholder.
pub(super) fn placeholder() -> Record {
    let mut record = Record::default();
    record.sign("generate", "g");
    record
}

/// A full record with these backends and decorations, as `writer` wrote it.
pub(super) fn full(writer: &str, backends: &[&str], decorations: &[&str]) -> Record {
    let mut record = Record::default();
    let hints = backends.iter().map(|backend| ((*backend).to_owned(), format!("{backend}.1"))).collect();
    record.fill("c1", "creation", &hints);
    for decoration in decorations {
        record.decorate(decoration);
    }
    record.sign(writer, "w");
    record
}

/// A live record of no particular content.
pub(super) fn live(writer: &str) -> Record {
    full(writer, &["b1", "b2"], &[])
}

/// The same, marked as terminated.
pub(super) fn ended() -> Record {
    let mut record = live("terminate");
    record.terminate();
    record
}

pub(super) const CALL: Verb = Verb::Call { backend: 1, takes: Duration::ZERO, stranger: false };
pub(super) const GET: Verb = Verb::Get { stranger: false };

/// A listing.
pub(super) fn listed(backends: &[&str], decorations: &[&str]) -> Answer {
    let owned = |list: &[&str]| list.iter().map(|&item| item.to_owned()).collect();
    Answer::Listed(Listing { backends: owned(backends), decorations: owned(decorations) })
}

/// A run to be.
pub(super) type Case = case::Case<Operation, Outcome, Resting>;

/// Whether what follows is asked at rest.
pub(super) struct Resting(bool);

impl Case {
    pub(super) fn new() -> Self {
        let case = Self::of(&["redis", "pod-a", "pod-b", "b1", "b2", "c1", "c2"], all(), Resting(false));
        case.boot(0, "pod-a", "boot-a").boot(0, "pod-b", "boot-b")
    }

    /// A host says something, within an activity where it is named.
    pub(super) fn fact<const N: usize>(
        self,
        at: u64,
        host: &str,
        activity: &str,
        name: &'static str,
        fields: [Field; N],
    ) -> Self {
        self.told(|story| story.fact(at, host, activity, name, fields))
    }

    pub(super) fn boot(self, at: u64, pod: &str, boot: &str) -> Self {
        self.fact(at, pod, "", "session.pod", [("boot", boot.into())])
    }

    /// Storage holds this from now on.
    pub(super) fn stored(self, at: u64, session: &str, record: &Record) -> Self {
        self.committed(at, session, Some(record), "set")
    }

    pub(super) fn committed(self, at: u64, session: &str, record: Option<&Record>, cause: &'static str) -> Self {
        let text = record.map(Record::text);
        self.told(|story| story.commit(at, &format!("session:{}", id(session)), text.as_deref(), cause))
    }

    /// A pod has looked at a record, and got this.
    pub(super) fn looked(self, at: u64, pod: &str, session: &str, outcome: &str) -> Self {
        self.told(|story| story.access(at, pod, "redis", &format!("session:{}", id(session)), outcome))
    }

    /// Something has happened to a pod's cache.
    pub(super) fn cached(self, at: u64, pod: &str, session: &str, outcome: &str) -> Self {
        self.told(|story| story.access(at, pod, &format!("cache {pod}"), &id(session), outcome))
    }

    pub(super) fn shelved(self, at: u64, pod: &str, session: &str, live: bool, entries: u64) -> Self {
        self.shelved_by(at, pod, "get", session, live, entries)
    }

    pub(super) fn shelved_by(
        self,
        at: u64,
        pod: &str,
        operation: &str,
        session: &str,
        live: bool,
        entries: u64,
    ) -> Self {
        let fields = [
            ("session", id(session).into()),
            ("object", 1_u64.into()),
            ("live", live.into()),
            ("entries", entries.into()),
            ("capacity", 2_u64.into()),
        ];
        self.fact(at, pod, operation, "session.shelved", fields)
    }

    pub(super) fn evicted(self, at: u64, pod: &str, session: &str, backends: &str, decorations: &str) -> Self {
        let fields = [
            ("session", id(session).into()),
            ("object", 1_u64.into()),
            ("backends", backends.into()),
            ("decorations", decorations.into()),
        ];
        self.fact(at, pod, "", "session.expired", fields)
    }

    pub(super) fn opened(self, at: u64, backend: &str, token: &str, boot: &str, session: &str) -> Self {
        let fields = [
            ("backend", backend.into()),
            ("connection", token.into()),
            ("boot", boot.into()),
            ("session", id(session).into()),
            ("owner", "c1".into()),
        ];
        self.fact(at, backend, "", "backend.opened", fields)
    }

    pub(super) fn closed(self, at: u64, backend: &str, token: &str, session: &str) -> Self {
        let fields = [("backend", backend.into()), ("connection", token.into()), ("session", id(session).into())];
        self.fact(at, backend, "", "backend.closed", fields)
    }

    /// A pod carries out a request; `done` may never come.
    pub(super) fn request(self, at: u64, done: Option<u64>, pod: &str, operation: &str, session: &str) -> Self {
        let activity = format!("{operation} {session} {at}");
        let handling = [("operation", operation.into()), ("session", id(session).into()), ("backend", "".into())];
        let handled = [("operation", operation.into()), ("session", id(session).into()), ("answer", "ok".into())];
        let case = self.fact(at, pod, &activity, "session.handling", handling);
        match done {
            Some(done) => case.fact(done, pod, &activity, "session.handled", handled),
            None => case,
        }
    }

    /// A fault or another event of the world.
    pub(super) fn world(self, at: u64, host: &str, what: What) -> Self {
        self.told(|story| story.at(at, host, what))
    }

    pub(super) fn fault(self, at: u64, kind: &str, subject: &str) -> Self {
        self.told(|story| story.fault(at, kind, subject))
    }

    pub(super) fn restart(self, at: u64, host: &str, down: u64) -> Self {
        self.told(|story| story.restart(at, host, down))
    }

    pub(super) fn pause(self, at: u64, host: &str, lasts: u64) -> Self {
        self.told(|story| story.pause(at, host, lasts))
    }

    /// A client asks a pod something of a session, and gets this answer. To be told in the order of invocation.
    pub(super) fn asked(self, at: u64, back: u64, pod: u32, session: &str, verb: Verb, answer: Answer) -> Self {
        let operation = Operation::Session { verb, target: Target { slot: 1, generation: None }, via: pod };
        self.performed("c1", at, Some((back, Some(id(session).as_str().into()), answer)), operation)
    }

    /// The same, and there never is an outcome.
    pub(super) fn unanswered(self, at: u64, pod: u32, verb: Verb) -> Self {
        let operation = Operation::Session { verb, target: Target { slot: 1, generation: None }, via: pod };
        self.performed("c1", at, None, operation)
    }

    pub(super) fn performed(
        self,
        client: &str,
        at: u64,
        outcome: Option<(u64, Option<Arc<str>>, Answer)>,
        operation: Operation,
    ) -> Self {
        let outcome = outcome.map(|(back, session, answer)| (back, Outcome { session, answer }));
        let at_rest = self.known.0;
        self.client(Performed { client, activity: "", operation, at, outcome, at_rest })
    }

    /// What follows is asked at rest.
    pub(super) fn at_rest(mut self) -> Self {
        self.known = Resting(true);
        self
    }

    /// A look at what a pod holds.
    pub(super) fn pod_holds(self, at: u64, pod: u32, boot: &str, sessions: &[&str], connections: &[&str]) -> Self {
        let view = PodView {
            boot: boot.to_owned(),
            sessions: sessions.iter().map(|session| id(session)).collect(),
            connections: connections.iter().map(|&token| token.to_owned()).collect(),
        };
        self.performed("c1", at, Some((at + 10, None, Answer::Pod(view))), Operation::InspectPod(pod))
    }

    /// A look at what a backend has open: token, boot and session of each.
    pub(super) fn backend_has(self, at: u64, backend: u32, open: &[(&str, &str, &str)]) -> Self {
        let view = |&(token, boot, session): &(&str, &str, &str)| ConnectionView {
            token: token.to_owned(),
            boot: boot.to_owned(),
            session: id(session),
        };
        let answer = Answer::Backends(open.iter().map(view).collect());
        self.performed("c1", at, Some((at + 10, None, answer)), Operation::InspectBackend(backend))
    }
}
