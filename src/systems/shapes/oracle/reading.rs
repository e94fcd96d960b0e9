//! Reading a history: one pass over its events, then the operations, then what clients have made of the answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::lens::{Journey, Lens, Op, Phase, Removal, Seed, Shape, Step, Told};
use super::states::{Committed, States};
use crate::harness::{Event, Fact, Observed, System, What};
use crate::oracle::{Moment, Quiet};
use crate::systems::shapes::outcome::{Asked, Outcome};
use crate::systems::shapes::query::{Row, Table};
use crate::systems::shapes::view::{Next, View};
use crate::systems::shapes::workload::Operation;

/// The store of the source's rows.
const ROWS: &str = "postgres";
/// The fact that tells a transaction's position.
const POSITION: &str = "postgres.commit";
/// The fault that loses the slot.
const DROP_SLOT: &str = "drop_slot";
/// How far a disturbance reaches: the longest fault lasts a minute and a half, and a minute is waited for what it broke.
const REACH: Duration = Duration::from_secs(150);

impl Lens {
    /// Reads a run.
    pub(super) fn read<S>(run: &Observed<'_, S>) -> Self
    where
        S: System<Operation = Operation, Outcome = Outcome>,
    {
        let mut reader = Reader::default();
        for (index, event) in run.history.events().iter().enumerate() {
            reader.event(Moment { index, at: event.at }, event);
        }
        reader.transaction(0);
        let (mut operations, mut told) = (Vec::new(), Vec::new());
        for record in run.operations {
            let moments = reader.operations.get(&record.id).copied();
            let (invoked, returned) = moments.unwrap_or((Moment::NEVER, Moment::NEVER));
            let mut stack = None;
            match &record.outcome {
                Some(Outcome::Answered(exchanges)) => {
                    let op = operations.len();
                    told.extend(exchanges.iter().map(|exchange| Told { op, exchange: exchange.clone() }));
                }
                Some(Outcome::Stack(view)) => stack = Some(view.clone()),
                _ => {}
            }
            let (operation, client) = (record.operation.clone(), record.client.clone());
            operations.push(Op { operation, client, invoked, returned, at_rest: record.at_rest, stack });
        }
        Self {
            journeys: journeys(&told),
            states: reader.states,
            shapes: reader.shapes,
            seeds: reader.seeds,
            phases: reader.phases,
            restarts: reader.restarts,
            acknowledged: reader.acknowledged,
            lost_slots: reader.lost_slots,
            operations,
            told,
            quiet: Quiet::read(run.history, REACH),
            crashes: reader.crashes,
            healed: run.healed,
            ended: run.ended,
        }
    }
}

/// What clients have made of the answers, view by view.
fn journeys(told: &[Told]) -> Vec<Journey> {
    let mut journeys: BTreeMap<(Arc<str>, u32, u32), (View, Journey)> = BTreeMap::new();
    for (place, request) in told.iter().enumerate() {
        let exchange = &request.exchange;
        let Some(answer) = request.answer().filter(|answer| answer.status == 200) else { continue };
        if matches!(exchange.asked, Asked::Delete { .. }) {
            continue;
        }
        let (view, journey) =
            journeys.entry((exchange.client.clone(), exchange.slot, exchange.view)).or_insert_with(|| {
                let name = format!("{}'s s{}", exchange.client, exchange.slot);
                let journey = Journey { query: exchange.query.clone(), name, steps: Vec::new() };
                (View::of(request.handle().cloned()), journey)
            });
        let (next, missteps) = view.apply(&answer.body);
        let complete = (next == Next::UpToDate).then(|| (view.rows().clone(), answer.body.lsn.unwrap_or_default()));
        journey.steps.push(Step { told: place, missteps, complete });
    }
    journeys.into_values().map(|(_, journey)| journey).collect()
}

#[derive(Default)]
struct Reader {
    states: States,
    /// What has been committed by a transaction whose position is not known yet.
    open: Vec<Committed>,
    /// When.
    opened: Moment,
    shapes: BTreeMap<Arc<str>, Shape>,
    seeds: Vec<Seed>,
    phases: Vec<Phase>,
    restarts: Vec<Duration>,
    acknowledged: Vec<(Duration, u64)>,
    lost_slots: Vec<Moment>,
    crashes: Vec<(Arc<str>, Duration)>,
    /// By number: when it was invoked, and when it returned.
    operations: BTreeMap<u32, (Moment, Moment)>,
}

impl Reader {
    fn event(&mut self, moment: Moment, event: &Event) {
        match &event.what {
            What::Invoked { operation, .. } => {
                self.operations.insert(*operation, (moment, Moment::NEVER));
            }
            What::Returned { operation, .. } => {
                if let Some((_, returned)) = self.operations.get_mut(operation) {
                    *returned = moment;
                }
            }
            What::Commit { store, key, value, .. } if **store == *ROWS => {
                if let Some((table, key)) = key.split_once(':')
                    && let Some(table) = Table::named(table)
                {
                    let row = value.as_deref().and_then(Row::parse);
                    self.open.push(Committed { table, key: key.into(), row });
                    self.opened = moment;
                }
            }
            What::Fault { kind, .. } if **kind == *DROP_SLOT => self.lost_slots.push(moment),
            What::Crashed => self.crashes.push((event.host.clone(), moment.at)),
            What::Fact { name, .. } => {
                if let Some(fact) = event.fact(name) {
                    self.fact(name, fact, moment, event);
                }
            }
            _ => {}
        }
    }

    /// What is committed so far was a transaction at this position.
    fn transaction(&mut self, lsn: u64) {
        if !self.open.is_empty() {
            self.states.commit(self.opened, lsn, std::mem::take(&mut self.open));
        }
    }

    fn fact(&mut self, name: &str, fact: Fact<'_>, moment: Moment, event: &Event) {
        let text = |field: &str| -> Arc<str> { fact.text(field).into() };
        let number = |field: &str| fact.int(field) as u64;
        match name {
            POSITION if fact.text("store") == ROWS => self.transaction(number("lsn")),
            "shapes.restart" => self.restarts.push(moment.at),
            "shapes.stack" => {
                let host = event.host.clone();
                self.phases.push(Phase { moment, host, boot: text("boot"), name: text("phase") });
            }
            "shapes.created" => {
                let dependencies = fact.text("dependencies").split(',').filter(|handle| !handle.is_empty());
                let shape = Shape {
                    created: moment,
                    query: text("query"),
                    dependencies: dependencies.map(Arc::from).collect(),
                    removals: Vec::new(),
                };
                self.shapes.insert(text("handle"), shape);
            }
            "shapes.removing" => {
                if let Some(shape) = self.shapes.get_mut(fact.text("handle")) {
                    shape.removals.push(Removal { moment, why: text("why"), of: text("of") });
                }
            }
            "shapes.seeded" => self.seeds.push(Seed {
                moment,
                handle: text("handle"),
                of: text("of"),
                view: number("view"),
                stored: number("stored"),
            }),
            "shapes.acknowledged" => self.acknowledged.push((moment.at, number("lsn"))),
            _ => {}
        }
    }
}
