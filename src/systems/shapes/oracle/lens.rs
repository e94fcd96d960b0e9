//! What a run left behind, sorted: states of the database, shapes, stacks, answers, and what clients have made of them. How
//! it is got out of a history is in `reading.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::states::{Rows, States};
use crate::oracle::{Moment, Quiet};
use crate::systems::shapes::outcome::{Answer, Asked, Exchange, Offset, StackView};
use crate::systems::shapes::view::Misstep;
use crate::systems::shapes::workload::Operation;

/// A run, sorted.
pub(super) struct Lens {
    pub(super) states: States,
    pub(super) shapes: BTreeMap<Arc<str>, Shape>,
    /// What a shape saw of one that it depends on when live changes began.
    pub(super) seeds: Vec<Seed>,
    /// What each stack was, in order.
    pub(super) phases: Vec<Phase>,
    /// When a stack was to be restarted.
    pub(super) restarts: Vec<Duration>,
    /// Up to where the slot was told that it may forget, in order.
    pub(super) acknowledged: Vec<(Duration, u64)>,
    /// When the slot was lost.
    pub(super) lost_slots: Vec<Moment>,
    pub(super) operations: Vec<Op>,
    /// Requests about shapes, in the order of their operations.
    pub(super) told: Vec<Told>,
    /// What clients have made of the answers: each view from its beginning.
    pub(super) journeys: Vec<Journey>,
    pub(super) quiet: Quiet,
    /// When processes crashed, by host.
    pub(super) crashes: Vec<(Arc<str>, Duration)>,
    pub(super) healed: Duration,
    pub(super) ended: Duration,
}

/// A shape as the service keeps it.
pub(super) struct Shape {
    pub(super) created: Moment,
    /// As written.
    pub(super) query: Arc<str>,
    /// The handles that it depends on.
    pub(super) dependencies: Vec<Arc<str>>,
    pub(super) removals: Vec<Removal>,
}

/// That a shape is to be removed.
pub(super) struct Removal {
    pub(super) moment: Moment,
    /// The word for it.
    pub(super) why: Arc<str>,
    /// The handle that it follows.
    pub(super) of: Arc<str>,
}

/// As of when a shape began to follow one that it depends on.
pub(super) struct Seed {
    pub(super) moment: Moment,
    pub(super) handle: Arc<str>,
    pub(super) of: Arc<str>,
    pub(super) view: u64,
    pub(super) stored: u64,
}

/// What a stack is from a moment on.
pub(super) struct Phase {
    pub(super) moment: Moment,
    pub(super) host: Arc<str>,
    pub(super) boot: Arc<str>,
    pub(super) name: Arc<str>,
}

/// An operation of a client.
pub(super) struct Op {
    pub(super) operation: Operation,
    pub(super) client: Arc<str>,
    pub(super) invoked: Moment,
    pub(super) returned: Moment,
    pub(super) at_rest: bool,
    /// What it showed of the service.
    pub(super) stack: Option<StackView>,
}

/// A request about a shape, with its answer.
pub(super) struct Told {
    /// The operation that it was part of.
    pub(super) op: usize,
    pub(super) exchange: Exchange,
}

impl Told {
    /// The handle that was asked about, where there was one.
    pub(super) fn handle(&self) -> Option<&Arc<str>> {
        match &self.exchange.asked {
            Asked::Read { handle, .. } => handle.as_ref(),
            Asked::Live { handle, .. } | Asked::Delete { handle } => Some(handle),
        }
    }

    /// The offset that was asked from.
    pub(super) fn offset(&self) -> Option<Offset> {
        match self.exchange.asked {
            Asked::Read { offset, .. } => offset,
            Asked::Live { offset, .. } => Some(offset),
            Asked::Delete { .. } => None,
        }
    }

    /// What was asked, in a word.
    pub(super) fn word(&self) -> &'static str {
        match self.exchange.asked {
            Asked::Read { .. } => "read",
            Asked::Live { .. } => "held read",
            Asked::Delete { .. } => "delete",
        }
    }

    pub(super) fn answer(&self) -> Option<&Answer> {
        self.exchange.answer.as_ref()
    }
}

/// What a client has made of the answers about a shape, from their beginning.
pub(super) struct Journey {
    pub(super) query: Arc<str>,
    /// Whose it is, and what it is called there: `c1's s2`.
    pub(super) name: String,
    pub(super) steps: Vec<Step>,
}

/// What one answer has made of it.
pub(super) struct Step {
    /// The request.
    pub(super) told: usize,
    pub(super) missteps: Vec<Misstep>,
    /// Where the answer says that there is nothing more: the rows that the client has, and as of which position they are
    /// said to be.
    pub(super) complete: Option<(Rows, u64)>,
}

impl Lens {
    /// The operation that a request was part of.
    pub(super) fn op(&self, told: &Told) -> &Op {
        &self.operations[told.op]
    }
}
