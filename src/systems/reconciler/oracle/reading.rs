//! Reading a history: one pass over its events, then the operations.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::lens::{Answer, Cycle, Instance, Lens, Op, Told, Written};
use crate::harness::{ActivityId, Event, Fact, History, Observed, System, What};
use crate::oracle::{Moment, Quiet, Timeline, Version};
use crate::servers::cloud::{FAULTS, State};
use crate::systems::reconciler::outcome::Outcome;
use crate::systems::reconciler::row::Workspace;
use crate::systems::reconciler::workload::Operation;

/// The store of rows, and what its keys begin with.
const ROWS: &str = "postgres";
const WORKSPACES: &str = "workspaces:";
const EVENTS: &str = "events:";
/// The store of instances.
const CLOUD: &str = "cloud";
/// How far a disturbance reaches: the longest fault lasts a minute and a half, and a minute is waited for what it broke.
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
            rows: reader.rows.into_iter().map(|(id, versions)| (id, timeline(versions))).collect(),
            instances: reader.instances,
            answers: reader.answers,
            events: reader.events,
            cycles: reader.cycles,
            operations,
            origins: reader.origins,
            standstills: reader.standstills,
            quiet: Quiet::read_but(run.history, REACH, &FAULTS),
            healed: run.healed,
            ended: run.ended,
        }
    }
}

fn timeline(versions: Vec<Version<Written>>) -> Timeline<Written> {
    let mut timeline = Timeline::default();
    for version in versions {
        timeline.push(version);
    }
    timeline
}

struct Reader<'a> {
    history: &'a History,
    /// By activity: where it began.
    roots: Vec<ActivityId>,
    rows: BTreeMap<Arc<str>, Vec<Version<Written>>>,
    instances: BTreeMap<Arc<str>, Instance>,
    answers: Vec<Answer>,
    events: Vec<Told>,
    cycles: Vec<Cycle>,
    /// Cycles under way, by activity.
    turning: BTreeMap<ActivityId, usize>,
    /// By number: when it was invoked, and when it returned.
    operations: BTreeMap<u32, (Moment, Moment)>,
    origins: BTreeMap<ActivityId, (Arc<str>, Moment)>,
    standstills: BTreeMap<Arc<str>, Vec<(Duration, Duration)>>,
    paused: BTreeMap<Arc<str>, Duration>,
}

/// A row of `events` as the ground truth tells it.
#[derive(Deserialize)]
struct EventRow {
    kind: String,
    workspace_id: String,
    instance_id: Option<String>,
}

impl<'a> Reader<'a> {
    fn new(history: &'a History) -> Self {
        let count = history.activities().len() as u32;
        Self {
            history,
            roots: (0..count).map(|number| history.root(ActivityId(number))).collect(),
            rows: BTreeMap::new(),
            instances: BTreeMap::new(),
            answers: Vec::new(),
            events: Vec::new(),
            cycles: Vec::new(),
            turning: BTreeMap::new(),
            operations: BTreeMap::new(),
            origins: BTreeMap::new(),
            standstills: BTreeMap::new(),
            paused: BTreeMap::new(),
        }
    }

    fn event(&mut self, index: usize, event: &Event) {
        let moment = Moment { index, at: event.at };
        let by = self.roots.get(event.activity.0 as usize).copied().unwrap_or_default();
        if by != ActivityId(0) && !self.origins.contains_key(&by) {
            let name = self.history.activities().get(by.0 as usize).map(|activity| activity.name.clone());
            self.origins.insert(by, (name.unwrap_or_default(), moment));
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
                self.row(moment, by, key, value.as_deref(), cause);
            }
            What::Commit { store, key, value, cause } if **store == *CLOUD => {
                self.instance(moment, by, key, value.as_deref(), cause);
            }
            What::Fact { name, .. } => {
                if let Some(fact) = event.fact(name) {
                    self.fact(name, fact, moment, by, event);
                }
            }
            What::Crashed => self.crash(event),
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
            _ => {}
        }
    }

    fn row(&mut self, moment: Moment, by: ActivityId, key: &str, value: Option<&str>, cause: &'static str) {
        if let Some(id) = key.strip_prefix(WORKSPACES) {
            let row = value.and_then(Workspace::parse);
            let versions = self.rows.entry(id.into()).or_default();
            versions.push(Version { since: moment, value: Some(Written { row, by }), cause });
        } else if key.starts_with(EVENTS)
            && let Some(told) = value.and_then(|value| serde_json::from_str::<EventRow>(value).ok())
        {
            let EventRow { kind, workspace_id: workspace, instance_id: instance } = told;
            self.events.push(Told { moment, by, kind, workspace, instance });
        }
    }

    fn instance(&mut self, moment: Moment, by: ActivityId, id: &str, value: Option<&str>, cause: &'static str) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        let Some(state) = value.and_then(State::named) else { return };
        if state == State::Terminated && cause == "terminated" {
            instance.terminated = Some((moment, by));
        }
        if !state.is_live() && instance.is_live(moment) {
            instance.deaths.push(moment);
        }
        instance.states.push(Version { since: moment, value: Some(state), cause });
    }

    fn stood_still(&mut self, host: &Arc<str>, from: Duration, to: Duration) {
        self.standstills.entry(host.clone()).or_default().push((from, to));
    }

    fn crash(&mut self, event: &Event) {
        self.paused.remove(&event.host);
        for cycle in self.cycles.iter_mut().filter(|cycle| cycle.host == event.host && cycle.ended.is_none()) {
            cycle.cut_short = true;
        }
    }

    fn fact(&mut self, name: &str, fact: Fact<'_>, moment: Moment, by: ActivityId, event: &Event) {
        match name {
            "cloud.created" => {
                let instance = Instance {
                    workspace: fact.text("tag").into(),
                    states: Timeline::default(),
                    terminated: None,
                    deaths: Vec::new(),
                };
                self.instances.insert(fact.text("instance").into(), instance);
            }
            "reconciler.answered" => self.answers.push(Answer {
                moment,
                by,
                workspace: fact.text("workspace").into(),
                instance: fact.text("instance").into(),
                word: fact.text("answer").into(),
            }),
            "reconciler.cycle" => {
                self.turning.insert(event.activity, self.cycles.len());
                self.cycles.push(Cycle {
                    host: event.host.clone(),
                    begun: moment.at,
                    ended: None,
                    cut_short: false,
                    selected: 0,
                    checked: 0,
                });
            }
            "reconciler.cycled" => {
                if let Some(place) = self.turning.remove(&event.activity) {
                    let cycle = &mut self.cycles[place];
                    cycle.ended = Some(moment.at);
                    cycle.selected = fact.int("selected") as u64;
                    cycle.checked = fact.int("checked") as u64;
                }
            }
            _ => {}
        }
    }
}
