//! What a run left behind, sorted: rows, instances, answers, cycles, and who was behind each. How it is got out of a history
//! is in `reading.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::harness::ActivityId;
use crate::oracle::{Moment, Quiet, Timeline};
use crate::servers::cloud::State;
use crate::systems::reconciler::outcome::Outcome;
use crate::systems::reconciler::row::{Owed, Workspace};
use crate::systems::reconciler::workload::{Operation, Verb};

/// A run, sorted.
pub(super) struct Lens {
    /// What the database held, by workspace.
    pub(super) rows: BTreeMap<Arc<str>, Timeline<Written>>,
    /// What the cloud held, by id.
    pub(super) instances: BTreeMap<Arc<str>, Instance>,
    /// Status answers, in order.
    pub(super) answers: Vec<Answer>,
    /// What was told of workspaces, in order.
    pub(super) events: Vec<Told>,
    pub(super) cycles: Vec<Cycle>,
    pub(super) operations: Vec<Op>,
    /// Everything that began by itself: what it is called, and when it did something first.
    pub(super) origins: BTreeMap<ActivityId, (Arc<str>, Moment)>,
    /// By host: when tasks stood still there, held or paused.
    pub(super) standstills: BTreeMap<Arc<str>, Vec<(Duration, Duration)>>,
    /// When nothing was disturbed but the cloud.
    pub(super) quiet: Quiet,
    pub(super) healed: Duration,
    pub(super) ended: Duration,
}

/// A row as somebody wrote it.
pub(super) struct Written {
    /// `None`: it was deleted.
    pub(super) row: Option<Workspace>,
    /// Where that began.
    pub(super) by: ActivityId,
}

/// An instance.
pub(super) struct Instance {
    /// The workspace that it was created for.
    pub(super) workspace: Arc<str>,
    pub(super) states: Timeline<State>,
    /// When it was terminated by request, and where that began.
    pub(super) terminated: Option<(Moment, ActivityId)>,
    /// When it ceased to be up, however often.
    pub(super) deaths: Vec<Moment>,
}

/// An answer to a status request, or that there was none.
pub(super) struct Answer {
    pub(super) moment: Moment,
    pub(super) by: ActivityId,
    pub(super) workspace: Arc<str>,
    pub(super) instance: Arc<str>,
    /// The word for it.
    pub(super) word: Arc<str>,
}

impl Answer {
    /// Whether it says that the instance is not up.
    pub(super) fn is_negative(&self) -> bool {
        matches!(&*self.word, "stopping" | "stopped" | "terminated")
    }

    /// Whether it says nothing of use.
    pub(super) fn is_silent(&self) -> bool {
        matches!(&*self.word, "error" | "odd")
    }
}

/// An event as it was written down.
pub(super) struct Told {
    pub(super) moment: Moment,
    pub(super) by: ActivityId,
    pub(super) kind: String,
    pub(super) workspace: String,
    pub(super) instance: Option<String>,
}

/// One cycle of one process.
pub(super) struct Cycle {
    pub(super) host: Arc<str>,
    pub(super) begun: Duration,
    /// `None`: it was cut short by a crash, or by the end of the run.
    pub(super) ended: Option<Duration>,
    /// The process crashed before its end.
    pub(super) cut_short: bool,
    pub(super) selected: u64,
    pub(super) checked: u64,
}

/// An operation of a client.
pub(super) struct Op {
    pub(super) operation: Operation,
    pub(super) client: Arc<str>,
    pub(super) activity: ActivityId,
    pub(super) invoked: Moment,
    pub(super) returned: Moment,
    pub(super) outcome: Option<Outcome>,
}

impl Op {
    pub(super) fn verb(&self) -> Option<Verb> {
        match self.operation {
            Operation::Workspace { verb, .. } => Some(verb),
            _ => None,
        }
    }
}

impl Lens {
    /// The client's operation that something began at; `None`: it began by itself.
    pub(super) fn client_at(&self, origin: ActivityId) -> Option<&Op> {
        let place = self.operations.binary_search_by_key(&origin, |op| op.activity).ok()?;
        Some(&self.operations[place])
    }

    /// What something began at, in a word that is the same for all workspaces: `reconcile`, `orphans`, `pause`.
    pub(super) fn word(&self, origin: ActivityId) -> &str {
        let name = self.origins.get(&origin).map_or("nobody", |(name, _)| name);
        name.split(' ').next().unwrap_or_default()
    }

    /// When something began.
    pub(super) fn began(&self, origin: ActivityId) -> Moment {
        self.origins.get(&origin).map_or(Moment::NEVER, |(_, moment)| *moment)
    }

    /// A workspace's row at a moment.
    pub(super) fn row_at(&self, workspace: &str, moment: Moment) -> Option<&Workspace> {
        self.rows.get(workspace)?.at(moment)?.value.as_ref()?.row.as_ref()
    }

    /// For how long tasks of a host stood still in an interval.
    pub(super) fn stood_still(&self, host: &str, from: Duration, to: Duration) -> Duration {
        let times = self.standstills.get(host).map(Vec::as_slice).unwrap_or_default();
        times.iter().map(|(since, until)| (*until).min(to).saturating_sub((*since).max(from))).sum()
    }
}

impl Instance {
    /// Whether it was not up any more at some moment of an interval, its end excluded.
    pub(super) fn was_dead(&self, from: Moment, before: Moment) -> bool {
        let states = self.states.during(from, before).iter().filter(|version| version.since < before);
        states.filter_map(|version| version.value).any(|state| !state.is_live())
    }

    /// Whether it is up, or will be by itself.
    pub(super) fn is_live(&self, moment: Moment) -> bool {
        self.states.at(moment).and_then(|version| version.value).is_some_and(State::is_live)
    }
}

/// Whether a row is settled on this instance: nothing is owed, and nobody has put it away.
pub(super) fn relies_on(row: &Workspace, instance: &str) -> bool {
    row.owed == Owed::Nothing && !row.status.is_put_away() && row.instance.as_deref() == Some(instance)
}

/// Whether a row waits for an instance to be made.
pub(super) fn is_provisioning(row: &Workspace) -> bool {
    row.owed == Owed::Create
}
