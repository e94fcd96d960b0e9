//! What a run left behind, sorted: rows, namespaces, passes, and who was behind each. How it is got out of a history is in
//! `reading.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::reading::REACH;
use crate::harness::{ActivityId, EPOCH};
use crate::oracle::{Moment, Quiet, Timeline};
use crate::servers::cluster::Rollout;
use crate::systems::sweeper::outcome::Outcome;
use crate::systems::sweeper::row::Status;
use crate::systems::sweeper::workload::{Identity, Operation, Verb, slug};

/// The passes that delete what no row has.
pub(super) const SWEEPS: [&str; 2] = ["failures", "orphans"];
/// The passes that end stacks whose time is over.
pub(super) const EXPIRERS: [&str; 2] = ["expire", "unfinished"];

/// A run, sorted.
pub(super) struct Lens {
    /// What the database held, by id.
    pub(super) rows: BTreeMap<Arc<str>, Timeline<Written>>,
    /// What the cluster held, by UID.
    pub(super) objects: BTreeMap<Arc<str>, Object>,
    /// What passes have asked, in order.
    pub(super) asked: Vec<Asked>,
    /// What passes were sure of, in order.
    pub(super) condemned: Vec<Condemned>,
    pub(super) passes: Vec<Pass>,
    pub(super) operations: Vec<Op>,
    /// What everything is called that began by itself.
    pub(super) origins: BTreeMap<ActivityId, Arc<str>>,
    /// When nothing was disturbed.
    pub(super) quiet: Quiet,
    pub(super) healed: Duration,
    pub(super) ended: Duration,
    /// Whether a status may be a copy of what the row says.
    pub(super) copied_status: bool,
}

/// A row as the ground truth tells it.
#[derive(Deserialize)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) slug: String,
    pub(super) namespace: String,
    pub(super) status: Status,
    /// When its time is over, in microseconds since the Unix epoch.
    pub(super) expires_at: Option<u64>,
}

impl Row {
    /// When its time is over, since the start of the run; `None`: never.
    pub(super) fn expires(&self) -> Option<Duration> {
        Some(Duration::from_micros(self.expires_at?).saturating_sub(Duration::from_nanos(EPOCH)))
    }
}

/// A row as somebody wrote it.
pub(super) struct Written {
    /// `None`: it was deleted.
    pub(super) row: Option<Row>,
    /// Where that began.
    pub(super) by: ActivityId,
}

/// A namespace: one of all that have ever had its name.
pub(super) struct Object {
    pub(super) name: Arc<str>,
    /// The id of the stack that it was made for.
    pub(super) owner: Option<Arc<str>>,
    pub(super) created: Moment,
    /// When it was deleted, by whom and how.
    pub(super) deleted: Option<Deleted>,
    /// How its deployment fared.
    pub(super) rollouts: Timeline<Rollout>,
}

/// The end of a namespace.
#[derive(Clone, Copy)]
pub(super) struct Deleted {
    pub(super) moment: Moment,
    pub(super) by: ActivityId,
    /// Nobody of the service asked for it.
    pub(super) accident: bool,
}

/// A request or statement that a pass relied on.
pub(super) struct Asked {
    pub(super) moment: Moment,
    pub(super) by: ActivityId,
    pub(super) what: Arc<str>,
    pub(super) about: Arc<str>,
    pub(super) failed: bool,
}

/// An orphan that a pass is about to delete.
pub(super) struct Condemned {
    pub(super) by: ActivityId,
    pub(super) namespace: Arc<str>,
}

/// A pass.
pub(super) struct Pass {
    pub(super) by: ActivityId,
    pub(super) begun: Moment,
    /// `None`: it was cut short by a crash, or by the end of the run.
    pub(super) ended: Option<Moment>,
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
            Operation::Stack { verb, .. } => Some(verb),
            _ => None,
        }
    }

    /// Whether it is about the stack of a row.
    pub(super) fn is_about(&self, row: &Row) -> bool {
        let Operation::Stack { stack, .. } = self.operation else { return false };
        [Identity::Apart, Identity::Alike].into_iter().any(|identity| slug(stack, identity) == row.slug)
    }
}

impl Lens {
    /// The client's operation that something began at; `None`: it began by itself.
    pub(super) fn client_at(&self, origin: ActivityId) -> Option<&Op> {
        let place = self.operations.binary_search_by_key(&origin, |op| op.activity).ok()?;
        Some(&self.operations[place])
    }

    /// What something began at, in a word that is the same for all stacks: `orphans`, `expire`, `create`.
    pub(super) fn word(&self, origin: ActivityId) -> &str {
        let name = self.origins.get(&origin).map_or("nobody", |name| name);
        name.split(' ').next().unwrap_or_default()
    }

    /// Whether something began at one of these.
    pub(super) fn is_of(&self, origin: ActivityId, words: &[&str]) -> bool {
        words.contains(&self.word(origin))
    }

    /// The row of an id at a moment.
    pub(super) fn row_at(&self, id: &str, moment: Moment) -> Option<&Row> {
        self.rows.get(id)?.at(moment)?.value.as_ref()?.row.as_ref()
    }

    /// The row that a namespace was made for, at a moment, if it is that row's still.
    pub(super) fn row_of(&self, object: &Object, moment: Moment) -> Option<&Row> {
        self.row_at(object.owner.as_ref()?, moment).filter(|row| *row.namespace == *object.name)
    }

    /// The namespaces that were made for a stack.
    pub(super) fn objects_of<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Object> {
        self.objects.values().filter(move |object| object.owner.as_deref() == Some(id))
    }

    /// From when on something may be held to what it owes: disturbances have passed.
    pub(super) fn calm(&self) -> Duration {
        self.healed + REACH + Duration::from_secs(1)
    }
}

impl Object {
    /// Whether it was there and not on its way out at some moment of a closed interval.
    pub(super) fn was_active(&self, from: Duration, to: Moment) -> bool {
        self.created <= to && self.deleted.is_none_or(|deleted| deleted.moment.at >= from)
    }

    /// Whether it is there and not on its way out.
    pub(super) fn is_active(&self, moment: Moment) -> bool {
        self.created <= moment && self.deleted.is_none_or(|deleted| deleted.moment > moment)
    }
}
