//! What a run left behind, sorted by session: the ground truth of storage and backends, what pods report, and what clients
//! saw. How it is got out of a history is in `reading.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::oracle::{Moment, Quiet, Timeline, Version};
use crate::systems::session::outcome::Answer;
use crate::systems::session::record::Record;
use crate::systems::session::workload::{Operation, Verb};

/// A run, sorted.
pub(super) struct Lens {
    /// By id.
    pub(super) sessions: BTreeMap<Arc<str>, Session>,
    /// All operations, in the order of their invocation.
    pub(super) operations: Vec<Op>,
    /// Each start of a pod, by what it calls itself.
    pub(super) boots: BTreeMap<Arc<str>, Boot>,
    /// What pods had to carry out.
    pub(super) requests: Vec<Request>,
    /// Storage calls that were given up.
    pub(super) given_up: Vec<GivenUp>,
    /// Tool calls as backends saw them.
    pub(super) calls: Vec<BackendCall>,
    /// By host: when tasks stood still there, held or paused.
    pub(super) standstills: BTreeMap<Arc<str>, Vec<Standstill>>,
    /// When nothing was disturbed.
    pub(super) quiet: Quiet,
    /// Whether the clock of the host that storage runs on was tampered with.
    pub(super) storage_clock_tampered: bool,
    /// When faults had healed.
    pub(super) healed: Duration,
    /// When the run ended.
    pub(super) ended: Duration,
    /// Whether a pod that cannot reach storage may serve what is stale.
    pub(super) stale_while_cut_off: bool,
    /// Whether storage may take back what it has acknowledged.
    pub(super) storage_may_lose: bool,
}

/// All that is known of one session.
pub(super) struct Session {
    pub(super) id: Arc<str>,
    /// What storage held of it.
    pub(super) records: Timeline<Record>,
    /// Calls to storage about it, as the pods that made them know them.
    pub(super) looks: Vec<Look>,
    /// Operations on it, as indices, in the order of their invocation.
    pub(super) operations: Vec<usize>,
    /// Terminations that were done, in the order in which they were.
    pub(super) endings: Vec<Ending>,
    /// Objects that were put into a cache.
    pub(super) shelved: Vec<Shelved>,
    /// Objects that were evicted because their record no longer bore them out.
    pub(super) evicted: Vec<Evicted>,
    /// When an object went out of a pod's cache, in whatever way.
    pub(super) unshelved: Vec<(Moment, Arc<str>)>,
    /// Connections to backends.
    pub(super) connections: Vec<Connection>,
}

/// A termination that was done: as the pod told it, or as a client was.
pub(super) struct Ending {
    pub(super) pod: Arc<str>,
    pub(super) incarnation: Option<u32>,
    pub(super) begun: Moment,
    pub(super) done: Moment,
}

impl Ending {
    /// Who ended what when, in words.
    pub(super) fn story(&self) -> String {
        format!("a termination on {} was done at {:?}", self.pod, self.done.at)
    }
}

/// A call to storage, at its end.
pub(super) struct Look {
    pub(super) moment: Moment,
    pub(super) pod: Arc<str>,
    /// Storage gave no answer, or none that was waited for.
    pub(super) failed: bool,
}

/// An object that was put into a cache.
pub(super) struct Shelved {
    pub(super) moment: Moment,
    pub(super) pod: Arc<str>,
    pub(super) incarnation: u32,
    /// What the pod was doing, for example `decorate`.
    pub(super) operation: Arc<str>,
    /// It stands for a session that can be served.
    pub(super) live: bool,
    pub(super) entries: i64,
    pub(super) capacity: i64,
}

/// An object that was evicted.
pub(super) struct Evicted {
    pub(super) moment: Moment,
    pub(super) pod: Arc<str>,
    /// The backends and decorations that it knew of, joined by commas.
    pub(super) backends: Arc<str>,
    pub(super) decorations: Arc<str>,
}

/// A connection to a backend, as the backend saw it.
pub(super) struct Connection {
    pub(super) token: Arc<str>,
    pub(super) boot: Arc<str>,
    pub(super) backend: Arc<str>,
    pub(super) opened: Moment,
    /// [`Moment::NEVER`]: it was still open when the run ended.
    pub(super) closed: Moment,
}

/// One start of a pod.
pub(super) struct Boot {
    pub(super) pod: Arc<str>,
    /// When it crashed; [`Moment::NEVER`]: it did not.
    pub(super) crashed: Moment,
}

/// A request that a pod carried out.
pub(super) struct Request {
    pub(super) pod: Arc<str>,
    pub(super) operation: Arc<str>,
    pub(super) session: Arc<str>,
    pub(super) begun: Moment,
    /// [`Moment::NEVER`]: it was not done when the run ended.
    pub(super) done: Moment,
    /// The pod crashed before it was done.
    pub(super) cut_short: bool,
}

/// A storage call that was given up.
pub(super) struct GivenUp {
    pub(super) moment: Moment,
    pub(super) session: Arc<str>,
    /// What it was part of, for example `terminate`.
    pub(super) operation: Arc<str>,
    pub(super) call: Arc<str>,
    pub(super) waited: Duration,
}

/// A tool call that reached a backend.
pub(super) struct BackendCall {
    pub(super) moment: Moment,
    pub(super) session: Arc<str>,
    pub(super) owner: Arc<str>,
    pub(super) caller: Arc<str>,
}

/// A time in which tasks of a host stood still.
#[derive(Clone, Copy)]
pub(super) struct Standstill {
    pub(super) from: Duration,
    pub(super) to: Duration,
}

/// An operation of a client.
pub(super) struct Op {
    pub(super) operation: Operation,
    /// The pod that it went to; empty where it went to none.
    pub(super) pod: Arc<str>,
    pub(super) client: Arc<str>,
    pub(super) session: Option<Arc<str>>,
    pub(super) invoked: Moment,
    /// [`Moment::NEVER`]: there was no outcome.
    pub(super) returned: Moment,
    pub(super) answer: Option<Answer>,
    pub(super) at_rest: bool,
}

impl Op {
    /// What was asked of a session.
    pub(super) fn verb(&self) -> Option<&Verb> {
        match &self.operation {
            Operation::Session { verb, .. } => Some(verb),
            _ => None,
        }
    }

    /// The word for what was asked, the same for all sessions.
    pub(super) fn word(&self) -> &'static str {
        match &self.operation {
            Operation::InspectPod(_) | Operation::InspectBackend(_) => "inspect",
            Operation::Drain(_) => "drain",
            Operation::Wait(_) => "wait",
            Operation::Session { verb, .. } => match verb {
                Verb::Create => "create",
                Verb::Abandon => "abandon",
                Verb::Call { .. } => "call",
                Verb::Get { .. } => "get",
                Verb::Decorate => "decorate",
                Verb::Terminate => "terminate",
                Verb::Notify { .. } => "notify",
                Verb::Validate => "validate",
            },
        }
    }

    /// Whether it was made with somebody else's credentials.
    pub(super) fn by_stranger(&self) -> bool {
        matches!(self.verb(), Some(Verb::Call { stranger: true, .. } | Verb::Get { stranger: true }))
    }

    /// Whether it was answered at all.
    pub(super) fn answered(&self) -> bool {
        !matches!(self.answer, None | Some(Answer::Lost | Answer::Skipped))
    }

    /// Whether this was its answer.
    pub(super) fn got(&self, answer: &Answer) -> bool {
        self.answer.as_ref() == Some(answer)
    }

    /// The word for its answer, the same for all sessions.
    pub(super) fn answer_word(&self) -> &'static str {
        match &self.answer {
            None => "nothing",
            Some(Answer::Done | Answer::Decorated(_) | Answer::Listed(_) | Answer::Pod(_) | Answer::Backends(_)) => {
                "done"
            }
            Some(Answer::NotFound) => "not found",
            Some(Answer::Forbidden) => "forbidden",
            Some(Answer::NoTool) => "no such tool",
            Some(Answer::Conflict) => "conflict",
            Some(Answer::Closed) => "closed",
            Some(Answer::Backend) => "backend failed",
            Some(Answer::Unavailable) => "unavailable",
            Some(Answer::Lost) => "no answer",
            Some(Answer::Skipped) => "nothing to do",
        }
    }

    /// Whether the session was of use to whoever asked.
    pub(super) fn served(&self) -> bool {
        matches!(self.answer, Some(Answer::Done | Answer::Listed(_) | Answer::Decorated(_)))
    }

    /// Who asked for what, in words.
    pub(super) fn story(&self) -> String {
        format!("`{}` of {} at {:?}", self.operation, self.client, self.invoked.at)
    }
}

impl Session {
    /// What it is called by people: its id without what makes it unique.
    pub(super) fn label(&self) -> &str {
        label(&self.id)
    }

    /// Whether it could be served at every moment of an operation.
    pub(super) fn live_throughout(&self, op: &Op) -> bool {
        self.records.held(op.invoked, op.returned, Record::is_live)
    }

    /// Whether some call of a pod to storage about this session failed during an operation.
    pub(super) fn cut_off(&self, op: &Op) -> bool {
        self.looks_during(op).any(|look| look.failed)
    }

    /// Whether some call of the operation's pod to storage about this session was answered during it.
    pub(super) fn looked_at(&self, op: &Op) -> bool {
        self.looks_during(op).any(|look| !look.failed)
    }

    fn looks_during<'a>(&'a self, op: &'a Op) -> impl Iterator<Item = &'a Look> {
        let first = self.looks.partition_point(|look| look.moment < op.invoked);
        let during = self.looks[first..].iter().take_while(|look| look.moment <= op.returned);
        during.filter(|look| look.pod == op.pod)
    }
}

impl Lens {
    /// A session's operations, in the order of their invocation.
    pub(super) fn of<'a>(&'a self, session: &'a Session) -> impl Iterator<Item = &'a Op> {
        session.operations.iter().map(|index| &self.operations[*index])
    }

    /// The operations that have a session, with that session.
    pub(super) fn on_sessions(&self) -> impl Iterator<Item = (&Op, &Session)> {
        self.operations.iter().filter_map(|op| {
            let session = self.sessions.get(op.session.as_ref()?)?;
            Some((op, session))
        })
    }

    /// Whether a promise about a session, given at one moment, still binds at another, by the scenario's leave.
    pub(super) fn binds(&self, session: &Session, promised: Moment, until: Moment) -> bool {
        !self.storage_may_lose || session.records.binds(promised, until)
    }

    /// Whether what an operation saw may be stale, by the scenario's leave.
    pub(super) fn may_be_stale(&self, session: &Session, op: &Op) -> bool {
        self.stale_while_cut_off && session.cut_off(op)
    }
}

/// Who wrote a version: what storage took back it wrote itself, whoever had written it before.
pub(super) fn writer_of(version: &Version<Record>) -> &str {
    match &version.value {
        _ if version.cause == "lost" => "storage",
        Some(record) => record.writer(),
        None => "nobody",
    }
}

/// What a session is called by people: its id without what makes it unique.
pub(super) fn label(id: &str) -> &str {
    id.split_once('-').map_or(id, |(label, _)| label)
}

/// Whether a backend of this name is the one of this number.
pub(super) fn is(backend: &str, number: u32) -> bool {
    backend.strip_prefix('b').and_then(|rest| rest.parse().ok()) == Some(number)
}
