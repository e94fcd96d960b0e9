//! Reading a history: one pass over its events, then the operations.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::checks::{STALE_WHILE_CUT_OFF, STORAGE_MAY_LOSE};
use super::lens::{
    BackendCall, Boot, Connection, Ending, Evicted, GivenUp, Lens, Look, Op, Request, Session, Shelved, Standstill,
};
use crate::harness::{ActivityId, Event, Fact, History, Observed, System, What};
use crate::oracle::{Moment, Quiet, Timeline, Version};
use crate::runtime::Access;
use crate::systems::session::outcome::{Answer, Outcome};
use crate::systems::session::record::Record;
use crate::systems::session::records::PREFIX;
use crate::systems::session::workload::{Operation, Verb, pod_name};

/// The store that holds the records.
const STORE: &str = "redis";
/// What the stores of the pods' caches begin with.
const CACHES: &str = "cache ";
/// How far a disturbance reaches: the longest fault lasts a minute and a half, and what waits on it may take as long as a
/// slow call.
const REACH: Duration = Duration::from_secs(150);

impl Lens {
    /// Reads a run.
    pub(super) fn read<S>(run: &Observed<'_, S>) -> Self
    where
        S: System<Operation = Operation, Outcome = Outcome>,
    {
        let mut reader = Reader::new(run.history);
        for (index, event) in run.history.events().iter().enumerate() {
            reader.event(index, event);
        }
        let mut lens = Self {
            sessions: BTreeMap::new(),
            operations: Vec::with_capacity(run.operations.len()),
            quiet: Quiet::read(run.history, REACH),
            storage_clock_tampered: reader.storage_clock_tampered(),
            healed: run.healed,
            ended: run.ended,
            stale_while_cut_off: run.allows(STALE_WHILE_CUT_OFF),
            storage_may_lose: run.allows(STORAGE_MAY_LOSE),
            boots: reader.boots,
            requests: reader.requests,
            given_up: reader.given_up,
            calls: reader.calls,
            standstills: reader.standstills,
        };
        for record in run.operations {
            let moments = reader.operations.get(&record.id).copied();
            let (invoked, returned) = moments.unwrap_or((Moment::NEVER, Moment::NEVER));
            let (session, answer) = match &record.outcome {
                Some(outcome) => (outcome.session.clone(), Some(outcome.answer.clone())),
                None => (None, None),
            };
            let pod = match &record.operation {
                Operation::Session { via: pod, .. } | Operation::InspectPod(pod) | Operation::Drain(pod) => {
                    pod_name(*pod)
                }
                Operation::InspectBackend(_) | Operation::Wait(_) => String::new(),
            };
            let place = lens.operations.len();
            if let Some(id) = &session {
                let session = session_in(&mut reader.sessions, id);
                session.operations.push(place);
                let verb = match &record.operation {
                    Operation::Session { verb, .. } => Some(verb),
                    _ => None,
                };
                if verb == Some(&Verb::Terminate) && answer == Some(Answer::Done) {
                    let pod = pod.as_str().into();
                    session.endings.push(Ending { pod, incarnation: None, begun: invoked, done: returned });
                }
            }
            lens.operations.push(Op {
                operation: record.operation.clone(),
                pod: pod.into(),
                client: record.client.clone(),
                session,
                invoked,
                returned,
                answer,
                at_rest: record.at_rest,
            });
        }
        lens.sessions = reader.sessions;
        for session in lens.sessions.values_mut() {
            session.endings.sort_by_key(|ending| ending.done);
        }
        lens
    }
}

struct Reader<'a> {
    history: &'a History,
    sessions: BTreeMap<Arc<str>, Session>,
    /// By number: when it was invoked, and when it returned.
    operations: BTreeMap<u32, (Moment, Moment)>,
    boots: BTreeMap<Arc<str>, Boot>,
    requests: Vec<Request>,
    /// Requests that are being carried out, by activity.
    under_way: BTreeMap<ActivityId, usize>,
    given_up: Vec<GivenUp>,
    calls: Vec<BackendCall>,
    standstills: BTreeMap<Arc<str>, Vec<Standstill>>,
    paused: BTreeMap<Arc<str>, Duration>,
    /// Open connections, by token: the session and the index among its connections.
    open: BTreeMap<Arc<str>, (Arc<str>, usize)>,
    /// Hosts whose clocks were tampered with.
    tampered: Vec<Arc<str>>,
    /// The host that storage runs on.
    storage: Option<Arc<str>>,
}

impl<'a> Reader<'a> {
    fn new(history: &'a History) -> Self {
        Self {
            history,
            sessions: BTreeMap::new(),
            operations: BTreeMap::new(),
            boots: BTreeMap::new(),
            requests: Vec::new(),
            under_way: BTreeMap::new(),
            given_up: Vec::new(),
            calls: Vec::new(),
            standstills: BTreeMap::new(),
            paused: BTreeMap::new(),
            open: BTreeMap::new(),
            tampered: Vec::new(),
            storage: None,
        }
    }

    fn storage_clock_tampered(&self) -> bool {
        self.storage.as_ref().is_some_and(|storage| self.tampered.contains(storage))
    }

    fn event(&mut self, index: usize, event: &Event) {
        let moment = Moment { index, at: event.at };
        match &event.what {
            What::Invoked { operation, .. } => {
                self.operations.insert(*operation, (moment, Moment::NEVER));
            }
            What::Returned { operation, .. } => {
                if let Some((_, returned)) = self.operations.get_mut(operation) {
                    *returned = moment;
                }
            }
            What::Commit { store, key, value, cause } if **store == *STORE => {
                if self.storage.is_none() {
                    self.storage = Some(event.host.clone());
                }
                if let Some(id) = key.strip_prefix(PREFIX) {
                    let value = value.as_deref().and_then(Record::parse);
                    self.session(id).records.push(Version { since: moment, value, cause });
                }
            }
            What::Access(access) => self.access(moment, &event.host, access),
            What::Fact { name, .. } => {
                if let Some(fact) = event.fact(name) {
                    self.fact(name, fact, moment, event);
                }
            }
            What::Crashed => self.crash(moment, &event.host),
            What::Paused => {
                self.paused.insert(event.host.clone(), event.at);
            }
            What::Resumed => {
                if let Some(from) = self.paused.remove(&event.host) {
                    self.stood_still(&event.host, from, event.at);
                }
            }
            What::Point { since, held, .. } if !held.is_zero() => {
                self.stood_still(&event.host, *since, *since + *held);
            }
            What::Fault { kind, subject, .. } if kind.starts_with("clock_") => self.tampered.push(subject.clone()),
            _ => {}
        }
    }

    fn session(&mut self, id: &str) -> &mut Session {
        if !self.sessions.contains_key(id) {
            let id: Arc<str> = id.into();
            self.sessions.insert(id.clone(), Session::new(id));
        }
        self.sessions.get_mut(id).expect("it has just been put there")
    }

    fn stood_still(&mut self, host: &Arc<str>, from: Duration, to: Duration) {
        self.standstills.entry(host.clone()).or_default().push(Standstill { from, to });
    }

    fn access(&mut self, moment: Moment, host: &Arc<str>, access: &Access) {
        if *access.store == *STORE {
            if let Some(id) = access.key.strip_prefix(PREFIX) {
                let failed =
                    matches!(&*access.outcome, "timed out" | "unavailable" | "refused" | "corrupt" | "abandoned");
                self.session(id).looks.push(Look { moment, pod: host.clone(), failed });
            }
        } else if access.store.starts_with(CACHES)
            && matches!(&*access.outcome, "removed" | "evicted" | "swapped" | "replaced")
        {
            self.session(&access.key).unshelved.push((moment, host.clone()));
        }
    }

    fn crash(&mut self, moment: Moment, host: &Arc<str>) {
        self.paused.remove(host);
        for boot in self.boots.values_mut() {
            if boot.pod == *host && boot.crashed == Moment::NEVER {
                boot.crashed = moment;
            }
        }
        for request in &mut self.requests {
            if request.pod == *host && request.done == Moment::NEVER {
                request.cut_short = true;
            }
        }
        // A backend that crashes does not live to tell which connections it had.
        let sessions = &mut self.sessions;
        self.open.retain(|_, (session, place)| {
            let Some(session) = sessions.get_mut(session) else { return false };
            let connection = &mut session.connections[*place];
            let gone = connection.backend == *host;
            if gone {
                connection.closed = moment;
            }
            !gone
        });
    }

    fn fact(&mut self, name: &str, fact: Fact<'_>, moment: Moment, event: &Event) {
        let text = |field| Arc::<str>::from(fact.text(field));
        let id = fact.text("session");
        match name {
            "backend.opened" => {
                let connection = Connection {
                    token: text("connection"),
                    boot: text("boot"),
                    backend: text("backend"),
                    opened: moment,
                    closed: Moment::NEVER,
                };
                let token = connection.token.clone();
                let session = self.session(id);
                session.connections.push(connection);
                let place = (session.id.clone(), session.connections.len() - 1);
                self.open.insert(token, place);
            }
            "backend.closed" => {
                if let Some((session, place)) = self.open.remove(fact.text("connection")) {
                    self.session(&session).connections[place].closed = moment;
                }
            }
            "backend.called" => self.calls.push(BackendCall {
                moment,
                session: text("session"),
                owner: text("owner"),
                caller: text("caller"),
            }),
            "session.pod" => {
                let boot = Boot { pod: event.host.clone(), crashed: Moment::NEVER };
                self.boots.insert(text("boot"), boot);
            }
            "session.shelved" => {
                let shelved = Shelved {
                    moment,
                    pod: event.host.clone(),
                    incarnation: event.incarnation,
                    operation: self.operation_of(event.activity),
                    live: fact.flag("live"),
                    entries: fact.int("entries"),
                    capacity: fact.int("capacity"),
                };
                self.session(id).shelved.push(shelved);
            }
            "session.expired" => {
                let evicted = Evicted {
                    moment,
                    pod: event.host.clone(),
                    backends: text("backends"),
                    decorations: text("decorations"),
                };
                self.session(id).evicted.push(evicted);
            }
            "session.gave-up" => {
                // Given up though it had been answered, if the caller was held up between the two.
                self.session(id).looks.push(Look { moment, pod: event.host.clone(), failed: true });
                self.given_up.push(GivenUp {
                    moment,
                    session: text("session"),
                    operation: self.operation_of(event.activity),
                    call: text("call"),
                    waited: Duration::from_millis(fact.int("waited_ms") as u64),
                });
            }
            "session.handling" => {
                self.under_way.insert(event.activity, self.requests.len());
                self.requests.push(Request {
                    pod: event.host.clone(),
                    operation: text("operation"),
                    session: text("session"),
                    begun: moment,
                    done: Moment::NEVER,
                    cut_short: false,
                });
            }
            "session.handled" => {
                if let Some(place) = self.under_way.remove(&event.activity) {
                    self.handled(place, fact.text("answer") == "ok", moment, event.incarnation);
                }
            }
            _ => {}
        }
    }

    fn handled(&mut self, place: usize, well: bool, moment: Moment, incarnation: u32) {
        let request = &mut self.requests[place];
        request.done = moment;
        if well && *request.operation == *"terminate" {
            let pod = request.pod.clone();
            let ending = Ending { pod, incarnation: Some(incarnation), begun: request.begun, done: moment };
            let id = request.session.clone();
            self.session(&id).endings.push(ending);
        }
    }

    /// What an activity is doing, without what it does it to: the first word of its name.
    fn operation_of(&self, activity: ActivityId) -> Arc<str> {
        let name = self.history.activities().get(activity.0 as usize).map_or("", |activity| &activity.name);
        name.split(' ').next().unwrap_or_default().into()
    }
}

impl Session {
    fn new(id: Arc<str>) -> Self {
        Self {
            id,
            records: Timeline::default(),
            looks: Vec::new(),
            operations: Vec::new(),
            endings: Vec::new(),
            shelved: Vec::new(),
            evicted: Vec::new(),
            unshelved: Vec::new(),
            connections: Vec::new(),
        }
    }
}

fn session_in<'a>(sessions: &'a mut BTreeMap<Arc<str>, Session>, id: &Arc<str>) -> &'a mut Session {
    sessions.entry(id.clone()).or_insert_with(|| Session::new(id.clone()))
}
