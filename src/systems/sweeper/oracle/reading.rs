//! Reading a history: one pass over its events, then the operations.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::lens::{Asked, Condemned, Deleted, Lens, Object, Op, Pass, Row, Written};
use super::status::COPIED_STATUS;
use crate::harness::{ActivityId, Event, Fact, History, Observed, System, What};
use crate::oracle::{Moment, Quiet, Timeline, Version};
use crate::servers::cluster::{Phase, View};
use crate::systems::sweeper::outcome::Outcome;
use crate::systems::sweeper::row::OWNER;
use crate::systems::sweeper::workload::Operation;

/// The store of rows, and what its keys begin with.
const ROWS: &str = "postgres";
const STACKS: &str = "stacks:";
/// The store of namespaces.
const CLUSTER: &str = "cluster";
/// How far a disturbance reaches: the longest trouble lasts 20 minutes, and 5 are waited for what it broke.
pub(super) const REACH: Duration = Duration::from_mins(25);

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
        let mut operations: Vec<Op> = run
            .operations
            .iter()
            .map(|record| {
                let moments = reader.operations.get(&record.id).copied();
                let (invoked, returned) = moments.unwrap_or((Moment::NEVER, Moment::NEVER));
                Op {
                    operation: record.operation.clone(),
                    client: record.client.clone(),
                    activity: record.activity,
                    invoked,
                    returned,
                    outcome: record.outcome.clone(),
                }
            })
            .collect();
        operations.sort_by_key(|op| op.activity);
        Self {
            rows: reader.rows,
            objects: reader.objects,
            asked: reader.asked,
            condemned: reader.condemned,
            passes: reader.passes,
            operations,
            origins: reader.origins,
            quiet: Quiet::read(run.history, REACH),
            healed: run.healed,
            ended: run.ended,
            copied_status: run.allows(COPIED_STATUS),
        }
    }
}

struct Reader<'a> {
    history: &'a History,
    /// Where each activity began.
    roots: Vec<ActivityId>,
    rows: BTreeMap<Arc<str>, Timeline<Written>>,
    objects: BTreeMap<Arc<str>, Object>,
    asked: Vec<Asked>,
    condemned: Vec<Condemned>,
    passes: Vec<Pass>,
    operations: BTreeMap<u32, (Moment, Moment)>,
    origins: BTreeMap<ActivityId, Arc<str>>,
}

impl<'a> Reader<'a> {
    fn new(history: &'a History) -> Self {
        let count = history.activities().len() as u32;
        Self {
            history,
            roots: (0..count).map(|number| history.root(ActivityId(number))).collect(),
            rows: BTreeMap::new(),
            objects: BTreeMap::new(),
            asked: Vec::new(),
            condemned: Vec::new(),
            passes: Vec::new(),
            operations: BTreeMap::new(),
            origins: BTreeMap::new(),
        }
    }

    fn event(&mut self, index: usize, event: &Event) {
        let moment = Moment { index, at: event.at };
        let by = self.roots.get(event.activity.0 as usize).copied().unwrap_or_default();
        if by != ActivityId(0) && !self.origins.contains_key(&by) {
            let name = self.history.activities().get(by.0 as usize).map(|activity| activity.name.clone());
            self.origins.insert(by, name.unwrap_or_default());
        }
        match &event.what {
            What::Invoked { operation, .. } => {
                self.operations.insert(*operation, (moment, Moment::NEVER));
            }
            What::Returned { operation, .. } => {
                if let Some((_, returned)) = self.operations.get_mut(operation) {
                    *returned = moment;
                }
            }
            What::Commit { store, key, value, cause } if **store == *ROWS => {
                if let Some(id) = key.strip_prefix(STACKS) {
                    let row = value.as_deref().and_then(|value| serde_json::from_str::<Row>(value).ok());
                    let version = Version { since: moment, value: Some(Written { row, by }), cause };
                    self.rows.entry(id.into()).or_default().push(version);
                }
            }
            What::Commit { store, value: Some(value), cause, .. } if **store == *CLUSTER => {
                if let Ok(view) = serde_json::from_str::<View>(value) {
                    self.namespace(moment, by, &view, cause);
                }
            }
            What::Fact { name, .. } => {
                if let Some(fact) = event.fact(name) {
                    self.fact(name, fact, moment, by);
                }
            }
            _ => {}
        }
    }

    fn namespace(&mut self, moment: Moment, by: ActivityId, view: &View, cause: &'static str) {
        let object = self.objects.entry(view.uid.as_str().into()).or_insert_with(|| Object {
            name: view.name.as_str().into(),
            owner: view.labels.get(OWNER).map(|owner| owner.as_str().into()),
            created: moment,
            deleted: None,
            rollouts: Timeline::default(),
        });
        if view.phase == Phase::Terminating && object.deleted.is_none() {
            object.deleted = Some(Deleted { moment, by, accident: cause != "deleted" });
        }
        if object.rollouts.versions().last().and_then(|last| last.value) != Some(view.deployment) {
            object.rollouts.push(Version { since: moment, value: Some(view.deployment), cause });
        }
    }

    fn fact(&mut self, name: &str, fact: Fact<'_>, moment: Moment, by: ActivityId) {
        match name {
            "sweeper.asked" => self.asked.push(Asked {
                moment,
                by,
                what: fact.text("what").into(),
                about: fact.text("about").into(),
                failed: fact.text("answer") == "error",
            }),
            "sweeper.condemned" => {
                self.condemned.push(Condemned { by, namespace: fact.text("namespace").into() });
            }
            "sweeper.pass" => self.passes.push(Pass { by, begun: moment, ended: None }),
            "sweeper.passed" => {
                if let Some(pass) = self.passes.iter_mut().rev().find(|pass| pass.by == by) {
                    pass.ended = Some(moment);
                }
            }
            _ => {}
        }
    }
}
