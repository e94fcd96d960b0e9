//! What a run left behind, sorted by sandbox: the ground truth of Postgres and Redis, what replicas report, and what clients
//! saw. How it is got out of a history is in `reading.rs` and `tree.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::harness::ActivityId;
use crate::oracle::{Moment, Quiet, Timeline};
use crate::systems::sandbox::errors::Code;
use crate::systems::sandbox::outcome::{Outcome, StepOutcome};
use crate::systems::sandbox::workload::{Operation, Step, Verb};

/// A run, sorted.
pub(super) struct Lens {
    /// By id.
    pub(super) sandboxes: BTreeMap<Arc<str>, Sandbox>,
    /// All operations, in the order of their invocation.
    pub(super) operations: Vec<Op>,
    /// The operation that an activity is.
    pub(super) by_activity: BTreeMap<ActivityId, usize>,
    /// Each start of a replica, by what it calls itself.
    pub(super) boots: BTreeMap<Arc<str>, Boot>,
    /// Sessions, by identity.
    pub(super) sessions: BTreeMap<Arc<str>, Session>,
    /// What was taken out of a replica's sessions for another, in order.
    pub(super) mistaken: Vec<Mistaken>,
    /// Sessions' looks at their counters, in order.
    pub(super) compared: Vec<Compared>,
    /// Writes that could not be told to other replicas, in order.
    pub(super) unpublished: Vec<Unpublished>,
    /// When nothing was disturbed.
    pub(super) quiet: Quiet,
    /// When faults had healed.
    pub(super) healed: Duration,
    /// When the run ended.
    pub(super) ended: Duration,
}

/// All that is known of one id.
pub(super) struct Sandbox {
    pub(super) id: Arc<str>,
    /// What Postgres held under it, one after another.
    pub(super) incarnations: Vec<Incarnation>,
    /// What Postgres held at each path, whatever the incarnation.
    pub(super) paths: BTreeMap<Arc<str>, Timeline<Node>>,
    /// When any of it changed, in order.
    pub(super) changes: Vec<Moment>,
    /// What the counter in Redis held.
    pub(super) counter: Timeline<Arc<str>>,
    /// Operations on it, as indices, in the order of their invocation.
    pub(super) operations: Vec<usize>,
}

/// The life of a row.
pub(super) struct Incarnation {
    pub(super) epoch: i64,
    pub(super) from: Moment,
    /// [`Moment::NEVER`]: it was still there when the run ended.
    pub(super) to: Moment,
    /// The operation, or the background cycle, that inserted it.
    pub(super) by: ActivityId,
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A file with this content.
    File(Arc<str>),
    /// A directory with these names.
    Directory(Vec<Arc<str>>),
}

/// One start of a replica.
pub(super) struct Boot {
    pub(super) replica: Arc<str>,
    pub(super) started: Moment,
    /// When it crashed; [`Moment::NEVER`]: it did not.
    pub(super) crashed: Moment,
    /// When it was told to let go of everything; [`Moment::NEVER`]: it was not.
    pub(super) drained: Moment,
    pub(super) idle: Duration,
    pub(super) reap: Duration,
    pub(super) drain: Duration,
    pub(super) shutdown: Duration,
}

/// A session of a replica.
pub(super) struct Session {
    pub(super) id: Arc<str>,
    pub(super) sandbox: Arc<str>,
    /// The start of the replica that has it.
    pub(super) boot: Arc<str>,
    /// When it could be used by requests; [`Moment::NEVER`]: not at all.
    pub(super) registered: Moment,
    /// When it was to take no more; [`Moment::NEVER`]: never.
    pub(super) closing: Moment,
    /// When it was taken out of the replica's sessions, by whomever.
    pub(super) removed: Moment,
    pub(super) pool_opened: Moment,
    pub(super) pool_closed: Moment,
    /// The epoch of its tree, as it was loaded last; `None`: it has none.
    pub(super) epoch: Option<i64>,
    /// When requests were served from it or tried to be: each look at its counter.
    pub(super) used: Vec<Moment>,
}

/// A session was taken out though another was meant.
pub(super) struct Mistaken {
    pub(super) moment: Moment,
    pub(super) sandbox: Arc<str>,
    pub(super) replica: Arc<str>,
    pub(super) meant: Arc<str>,
    pub(super) removed: Arc<str>,
}

/// A counter was held against what a session had seen of it.
pub(super) struct Compared {
    pub(super) moment: Moment,
    pub(super) sandbox: Arc<str>,
    pub(super) replica: Arc<str>,
    /// The epoch of the session's tree.
    pub(super) epoch: Option<i64>,
    pub(super) counter: Arc<str>,
    pub(super) equal: bool,
}

/// A committed write that could not be told to other replicas.
pub(super) struct Unpublished {
    pub(super) moment: Moment,
    pub(super) sandbox: Arc<str>,
    pub(super) session: Arc<str>,
    /// When it was told after all, or needed not be told any more; [`Moment::NEVER`]: never.
    pub(super) settled: Moment,
}

/// An operation of a client.
pub(super) struct Op {
    pub(super) operation: Operation,
    /// Empty where it is about none.
    pub(super) sandbox: Arc<str>,
    /// The replica that it went to; empty where it went to none.
    pub(super) replica: Arc<str>,
    pub(super) client: Arc<str>,
    pub(super) invoked: Moment,
    /// [`Moment::NEVER`]: there was no outcome.
    pub(super) returned: Moment,
    pub(super) outcome: Option<Outcome>,
    /// What was committed on its behalf, in order.
    pub(super) commits: Vec<Committed>,
}

/// A row that was committed on behalf of an operation.
pub(super) struct Committed {
    pub(super) moment: Moment,
    pub(super) table: Arc<str>,
    pub(super) cause: &'static str,
}

/// What came of a step that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// It was done.
    Done,
    /// Nothing was there to be removed.
    Absent,
    /// It was not done.
    Refused,
    /// Nobody knows.
    Unknown,
}

/// What a step that looks has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Content(Arc<str>),
    Names(Vec<Arc<str>>),
    Nothing,
}

impl Op {
    /// What was asked of a sandbox.
    pub(super) fn verb(&self) -> Option<&Verb> {
        match &self.operation {
            Operation::Sandbox { verb, .. } => Some(verb),
            _ => None,
        }
    }

    /// The word for what was asked, the same for all sandboxes.
    pub(super) fn word(&self) -> &'static str {
        match self.verb() {
            None => "look around",
            Some(Verb::Create) => "create",
            Some(Verb::Destroy) => "destroy",
            Some(Verb::Get) => "get",
            Some(Verb::Exec(_)) => "exec",
            Some(Verb::File(Step::Read(_))) => "read",
            Some(Verb::File(Step::Write(..))) => "write",
            Some(Verb::File(Step::Append(..))) => "append",
            Some(Verb::File(Step::Remove(_))) => "remove",
            Some(Verb::File(Step::List(_))) => "list",
        }
    }

    /// Its steps: of a script, or the one thing that it does with a file.
    pub(super) fn steps(&self) -> &[Step] {
        match self.verb() {
            Some(Verb::Exec(steps)) => steps,
            Some(Verb::File(step)) => std::slice::from_ref(step),
            _ => &[],
        }
    }

    /// Whether it writes nothing to a file.
    pub(super) fn only_looks(&self) -> bool {
        matches!(self.verb(), Some(Verb::Get | Verb::Exec(_) | Verb::File(_)))
            && !self.steps().iter().any(Step::is_write)
    }

    /// Whether it was answered at all.
    pub(super) fn answered(&self) -> bool {
        !matches!(self.outcome, None | Some(Outcome::Lost))
    }

    /// Whether what was asked of a sandbox was done, or begun: a script may have failed in each step.
    pub(super) fn served(&self) -> bool {
        use Outcome::{Content, Created, Destroyed, Listed, Ran, Shown, Written};
        let good =
            matches!(self.outcome, Some(Created | Destroyed | Shown | Written | Content(_) | Listed(_) | Ran(_)));
        self.verb().is_some() && good
    }

    /// The code that it was refused with.
    pub(super) fn refused(&self) -> Option<Code> {
        match &self.outcome {
            Some(Outcome::Refused(refused)) => Some(refused.code),
            _ => None,
        }
    }

    /// Whether it was told that there is no such sandbox.
    pub(super) fn not_found(&self) -> bool {
        matches!(&self.outcome, Some(Outcome::Refused(refused)) if refused.code == Code::Enoent && !refused.path)
    }

    /// Whether it was told that nothing was applied, and to try again.
    pub(super) fn retryable(&self) -> bool {
        matches!(&self.outcome, Some(Outcome::Refused(refused)) if refused.retryable)
    }

    /// What each step has seen that looks, as long as none before it in the same script has written.
    pub(super) fn looks(&self) -> Vec<(&Step, Seen)> {
        let steps = self.steps();
        let before = steps.iter().position(Step::is_write).unwrap_or(steps.len());
        let looks = steps[..before].iter().enumerate();
        looks.filter_map(|(number, step)| Some((step, self.seen(number)?))).collect()
    }

    fn seen(&self, number: usize) -> Option<Seen> {
        match self.outcome.as_ref()? {
            Outcome::Content(text) => Some(Seen::Content(text.clone())),
            Outcome::Listed(names) => Some(names_of(names.iter().map(String::as_str))),
            Outcome::Refused(refused) if refused.path && refused.code == Code::Enoent => Some(Seen::Nothing),
            Outcome::Ran(ran) => match (&self.steps()[number], ran.steps.get(number)?) {
                (Step::List(_), StepOutcome::Output(text)) => Some(names_of(text.lines())),
                (_, StepOutcome::Output(text)) => Some(Seen::Content(text.clone())),
                (_, StepOutcome::Failed(why)) if is_absent(why) => Some(Seen::Nothing),
                _ => None,
            },
            _ => None,
        }
    }

    /// The steps that write, and what came of each.
    pub(super) fn writes(&self) -> Vec<(&Step, Written)> {
        let writes = self.steps().iter().enumerate().filter(|(_, step)| step.is_write());
        writes.map(|(number, step)| (step, self.written(number))).collect()
    }

    fn written(&self, number: usize) -> Written {
        match &self.outcome {
            Some(Outcome::Written) => Written::Done,
            Some(Outcome::Ran(ran)) => match ran.steps.get(number) {
                Some(StepOutcome::Done) => Written::Done,
                Some(StepOutcome::Failed(why)) if is_absent(why) => Written::Absent,
                Some(StepOutcome::Failed(_)) => Written::Refused,
                _ => Written::Unknown,
            },
            Some(Outcome::Refused(refused)) => match refused.code {
                _ if refused.retryable => Written::Refused,
                Code::Enoent if refused.path => Written::Absent,
                // A script that was applied in part may say so too.
                code if code.is_applied() && self.steps().len() == 1 => Written::Done,
                code if code.is_applied() || code == Code::Eio => Written::Unknown,
                _ => Written::Refused,
            },
            _ => Written::Unknown,
        }
    }

    /// Who asked for what, in words.
    pub(super) fn story(&self) -> String {
        format!("`{}` of {} at {:?}", self.operation, self.client, self.invoked.at)
    }

    /// What was answered, in words.
    pub(super) fn answer(&self) -> String {
        self.outcome.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string)
    }
}

fn names_of<'a>(names: impl Iterator<Item = &'a str>) -> Seen {
    let mut names: Vec<Arc<str>> = names.map(Arc::from).collect();
    names.sort_unstable();
    Seen::Names(names)
}

fn is_absent(complaint: &str) -> bool {
    complaint.starts_with(Code::Enoent.word())
}

impl Sandbox {
    /// The incarnation that was there at a moment.
    pub(super) fn incarnation_at(&self, moment: Moment) -> Option<&Incarnation> {
        let begun = self.incarnations.partition_point(|incarnation| incarnation.from <= moment);
        self.incarnations[..begun].last().filter(|incarnation| moment < incarnation.to)
    }

    /// The incarnations that were there at some moment of a closed interval.
    pub(super) fn incarnations_during(&self, from: Moment, to: Moment) -> &[Incarnation] {
        let first = self.incarnations.partition_point(|incarnation| incarnation.to <= from);
        let end = self.incarnations.partition_point(|incarnation| incarnation.from <= to);
        self.incarnations.get(first..end).unwrap_or_default()
    }

    /// The last incarnation that was gone before an operation.
    pub(super) fn last_before(&self, op: &Op) -> Option<&Incarnation> {
        let gone = self.incarnations.partition_point(|incarnation| incarnation.to < op.invoked);
        self.incarnations[..gone].last()
    }

    /// Whether there was none at any moment of an operation.
    pub(super) fn gone_throughout(&self, op: &Op) -> bool {
        self.incarnations_during(op.invoked, op.returned).is_empty()
    }

    /// Whether the same one was there at every moment of an operation.
    pub(super) fn there_throughout(&self, op: &Op) -> bool {
        self.incarnation_at(op.invoked).is_some_and(|incarnation| op.returned < incarnation.to)
    }

    /// What was at a path at a moment.
    pub(super) fn node_at(&self, path: &str, moment: Moment) -> Option<&Node> {
        self.paths.get(path)?.at(moment)?.value.as_ref()
    }

    /// The moments at which anything may have been looked at during an operation: when it began, and each change since.
    pub(super) fn states_during(&self, op: &Op) -> impl Iterator<Item = Moment> {
        let first = self.changes.partition_point(|moment| *moment <= op.invoked);
        let end = self.changes.partition_point(|moment| *moment <= op.returned);
        std::iter::once(op.invoked).chain(self.changes[first..end].iter().copied())
    }

    /// Whether a look may have seen this at a moment.
    pub(super) fn shows(&self, step: &Step, seen: &Seen, moment: Moment) -> bool {
        match (self.node_at(step.path(), moment), seen) {
            (None, Seen::Nothing) => true,
            (Some(Node::File(content)), Seen::Content(text)) => content == text,
            (Some(Node::Directory(names)), Seen::Names(listed)) => names == listed,
            _ => false,
        }
    }
}

impl Session {
    /// When it was no longer among its replica's sessions: it was taken out, or the replica crashed.
    pub(super) fn over(&self, seen: &Lens) -> Moment {
        self.removed.min(seen.boots.get(&self.boot).map_or(Moment::NEVER, |boot| boot.crashed))
    }
}

impl Lens {
    /// The operations that are about a sandbox, with that sandbox.
    pub(super) fn on_sandboxes(&self) -> impl Iterator<Item = (&Op, &Sandbox)> {
        self.operations.iter().filter_map(|op| Some((op, self.sandboxes.get(&op.sandbox)?)))
    }

    /// The operation that a commit was for.
    pub(super) fn operation_of(&self, root: ActivityId) -> Option<&Op> {
        self.by_activity.get(&root).map(|place| &self.operations[*place])
    }
}

impl Seen {
    /// What was seen, in words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Content(text) => format!("`{text}`"),
            Self::Names(names) => format!("[{}]", names.join(" ")),
            Self::Nothing => "nothing".to_owned(),
        }
    }
}

impl Node {
    /// What is there, in words.
    pub(super) fn words(node: Option<&Self>) -> String {
        match node {
            Some(Self::File(content)) => format!("`{content}`"),
            Some(Self::Directory(names)) => format!("[{}]", names.join(" ")),
            None => "nothing".to_owned(),
        }
    }
}

/// The values that a content is made of: an append puts a `+` before its own.
pub(super) fn values(content: &str) -> impl DoubleEndedIterator<Item = &str> {
    content.split('+')
}
