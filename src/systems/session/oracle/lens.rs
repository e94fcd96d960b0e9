//! One reading of a history, in the terms of sessions, for all invariants.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::harness::{ActivityId, Event, Observed, What};
use crate::systems::session::Session;
use crate::systems::session::record::Record;
use crate::systems::session::records::PREFIX;
use crate::systems::session::workload::{Answer, Operation, Verb, pod_name};

/// One start of a host.
pub(super) type Incarnation = (Arc<str>, u32);

/// What storage held of a session from a moment on.
pub(super) struct Held {
    /// The event.
    pub(super) index: usize,
    pub(super) at: Duration,
    /// `None`: nothing.
    pub(super) record: Option<Record>,
    pub(super) cause: &'static str,
}

/// What storage held of a session, in order.
#[derive(Default)]
pub(super) struct Timeline(pub(super) Vec<Held>);

impl Timeline {
    /// What was held just after an event.
    pub(super) fn after(&self, index: usize) -> Option<&Record> {
        let place = self.0.partition_point(|held| held.index <= index);
        place.checked_sub(1).and_then(|place| self.0[place].record.as_ref())
    }

    /// What came after an event.
    pub(super) fn since(&self, index: usize) -> &[Held] {
        &self.0[self.0.partition_point(|held| held.index <= index)..]
    }

    /// Whether all that was held between two events passes a test.
    pub(super) fn always(&self, from: usize, to: usize, test: impl Fn(Option<&Record>) -> bool) -> bool {
        let between = self.since(from).iter().take_while(|held| held.index < to);
        test(self.after(from)) && between.map(|held| held.record.as_ref()).all(test)
    }
}

/// An operation of a client, answered.
pub(super) struct Answered {
    pub(super) verb: Verb,
    pub(super) pod: Arc<str>,
    pub(super) session: Arc<str>,
    /// The events of its invocation and its return.
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) invoked: Duration,
    pub(super) returned: Duration,
    pub(super) answer: Answer,
}

/// A request as a pod carried it out.
pub(super) struct Handled {
    pub(super) pod: Incarnation,
    pub(super) operation: Arc<str>,
    pub(super) session: Arc<str>,
    pub(super) backend: Arc<str>,
    pub(super) from: usize,
    pub(super) began: Duration,
    /// When and how it ended.
    pub(super) end: Option<(usize, Duration, Arc<str>)>,
}

/// A connection as its backend counted it.
pub(super) struct Opened {
    pub(super) boot: Arc<str>,
    pub(super) session: Arc<str>,
    pub(super) from: usize,
    pub(super) closed: Option<Duration>,
}

/// A history in the terms of sessions.
#[derive(Default)]
pub(super) struct Lens {
    /// What storage held, by session id.
    pub(super) timelines: BTreeMap<Arc<str>, Timeline>,
    /// All answered operations on sessions.
    pub(super) answered: Vec<Answered>,
    /// All requests to pods.
    pub(super) handled: Vec<Handled>,
    /// All connections to backends.
    pub(super) opened: Vec<Opened>,
    /// Each start of a pod, by the word it calls itself.
    pub(super) boots: BTreeMap<Arc<str>, Incarnation>,
    /// When hosts crashed.
    pub(super) crashes: BTreeMap<Arc<str>, Vec<Duration>>,
    /// For how long hosts, or tasks on them, stood still, and until when.
    pub(super) stills: BTreeMap<Arc<str>, Vec<(Duration, Duration)>>,
    /// The first acknowledged termination of each session: the event and the time of the answer.
    pub(super) ended: BTreeMap<Arc<str>, (usize, Duration)>,
    /// The last time that anybody touched a session's record.
    pub(super) touched: BTreeMap<Arc<str>, Duration>,
    open: BTreeMap<Arc<str>, (usize, Arc<str>)>,
    requests: BTreeMap<ActivityId, usize>,
    paused: BTreeMap<Arc<str>, Duration>,
}

impl Lens {
    /// Reads a history.
    pub(super) fn new(run: &Observed<'_, Session>) -> Self {
        let mut lens = Self::default();
        let mut spans = vec![(0, 0); run.operations.len()];
        for (index, event) in run.history.events().iter().enumerate() {
            match &event.what {
                What::Invoked { operation, .. } => spans[*operation as usize].0 = index,
                What::Returned { operation, .. } => spans[*operation as usize].1 = index,
                What::Commit { key, value, cause, .. } => {
                    lens.committed(index, event.at, key, value.as_deref(), cause);
                }
                What::Access(access) => {
                    if let Some(id) = access.key.strip_prefix(PREFIX) {
                        lens.touched.insert(id.into(), event.at);
                    }
                }
                What::Fact { name, .. } => lens.told(index, event, name),
                What::Crashed => lens.crashed(event),
                What::Paused => drop(lens.paused.insert(event.host.clone(), event.at)),
                What::Resumed => {
                    if let Some(since) = lens.paused.remove(&event.host) {
                        lens.stood_still(&event.host, event.at, event.at.saturating_sub(since));
                    }
                }
                // A drawn hold is reported when it begins, a scripted one when it ends: both ends are allowed for.
                What::Point { held, .. } => lens.stood_still(&event.host, event.at + *held, *held),
                _ => {}
            }
        }
        lens.answers(run, &spans);
        lens
    }

    fn committed(&mut self, index: usize, at: Duration, key: &str, value: Option<&str>, cause: &'static str) {
        let Some(id) = key.strip_prefix(PREFIX) else { return };
        let record = value.and_then(Record::parse);
        let id: Arc<str> = id.into();
        self.touched.insert(id.clone(), at);
        self.timelines.entry(id).or_default().0.push(Held { index, at, record, cause });
    }

    fn told(&mut self, index: usize, event: &Event, name: &str) {
        let Some(fact) = event.fact(event_name(event)) else { return };
        let text = |field| Arc::<str>::from(fact.text(field));
        match name {
            "session.pod" => drop(self.boots.insert(text("boot"), (event.host.clone(), event.incarnation))),
            "session.handling" => {
                self.requests.insert(event.activity, self.handled.len());
                self.handled.push(Handled {
                    pod: (event.host.clone(), event.incarnation),
                    operation: text("operation"),
                    session: text("session"),
                    backend: text("backend"),
                    from: index,
                    began: event.at,
                    end: None,
                });
            }
            "session.handled" => {
                if let Some(request) = self.requests.remove(&event.activity) {
                    self.handled[request].end = Some((index, event.at, text("answer")));
                }
            }
            "backend.opened" => {
                self.open.insert(text("connection"), (self.opened.len(), event.host.clone()));
                let (boot, session) = (text("boot"), text("session"));
                self.opened.push(Opened { boot, session, from: index, closed: None });
            }
            "backend.closed" => {
                if let Some((place, _)) = self.open.remove(fact.text("connection")) {
                    self.opened[place].closed = Some(event.at);
                }
            }
            _ => {}
        }
    }

    /// What a crashed backend had open is closed.
    fn crashed(&mut self, event: &Event) {
        self.crashes.entry(event.host.clone()).or_default().push(event.at);
        let opened = &mut self.opened;
        self.open.retain(|_, (place, host)| {
            let stays = *host != event.host;
            if !stays {
                opened[*place].closed = Some(event.at);
            }
            stays
        });
    }

    fn stood_still(&mut self, host: &Arc<str>, until: Duration, lasted: Duration) {
        self.stills.entry(host.clone()).or_default().push((until, lasted));
    }

    fn answers(&mut self, run: &Observed<'_, Session>, spans: &[(usize, usize)]) {
        for record in run.operations {
            let Operation::Session { verb, via, .. } = &record.operation else { continue };
            let (Some(returned), Some(outcome)) = (record.returned, &record.outcome) else { continue };
            let Some(session) = outcome.session.clone() else { continue };
            let (from, to) = spans[record.id as usize];
            if *verb == Verb::Terminate && outcome.answer == Answer::Done {
                let first = self.ended.entry(session.clone()).or_insert((to, returned));
                *first = (*first).min((to, returned));
            }
            self.answered.push(Answered {
                verb: verb.clone(),
                pod: pod_name(*via).into(),
                session,
                from,
                to,
                invoked: record.invoked,
                returned,
                answer: outcome.answer.clone(),
            });
        }
    }

    /// What storage held of a session; nothing, if it never held anything.
    pub(super) fn timeline(&self, session: &str) -> &Timeline {
        const NOTHING: &Timeline = &Timeline(Vec::new());
        self.timelines.get(session).unwrap_or(NOTHING)
    }

    /// For how long a host, or tasks on it, stood still between two moments, at most.
    pub(super) fn stood(&self, host: &str, from: Duration, to: Duration) -> Duration {
        let stills = self.stills.get(host).map_or(&[][..], Vec::as_slice);
        let within = stills.iter().filter(|(until, lasted)| *until > from && until.saturating_sub(*lasted) < to);
        within.map(|(_, lasted)| *lasted).sum()
    }

    /// Whether a start of a host had crashed by a moment.
    pub(super) fn crashed_between(&self, host: &str, from: Duration, to: Duration) -> bool {
        self.crashes.get(host).is_some_and(|crashes| crashes.iter().any(|at| *at >= from && *at <= to))
    }
}

/// The first word of the activity that an event belongs to: the operation.
pub(super) fn doing<'a>(run: &Observed<'a, Session>, event: &Event) -> &'a str {
    let activity = run.history.activities().get(event.activity.0 as usize);
    activity.and_then(|activity| activity.name.split(' ').next()).unwrap_or("something")
}

fn event_name(event: &Event) -> &'static str {
    match &event.what {
        What::Fact { name, .. } => name,
        _ => "",
    }
}

/// What people call a session.
pub(super) fn name_of(session: &str) -> &str {
    session.split_once('-').map_or(session, |(label, _)| label)
}
