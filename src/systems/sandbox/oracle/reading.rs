//! Reading a history: one pass over its events, then the operations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::lens::{Boot, Committed, Compared, Incarnation, Lens, Mistaken, Node, Op, Sandbox, Session, Unpublished};
use super::tree::Trees;
use crate::harness::{ActivityId, Event, Fact, History, Observed, System, What};
use crate::oracle::{Moment, Quiet, Timeline, Version};
use crate::systems::sandbox::outcome::Outcome;
use crate::systems::sandbox::workload::{Operation, replica_name, sandbox_name};

/// How far a disturbance reaches: the longest fault lasts a minute and a half, and a lock that was left behind a minute.
const REACH: Duration = Duration::from_secs(150);

impl Lens {
    /// Reads a run.
    pub(super) fn read<S>(run: &Observed<'_, S>) -> Self
    where
        S: System<Operation = Operation, Outcome = Outcome>,
    {
        let mut reader = Reader::new(run.history);
        for (index, event) in run.history.events().iter().enumerate() {
            reader.event(Moment { index, at: event.at }, event);
        }
        let mut operations = Vec::with_capacity(run.operations.len());
        let mut by_activity = BTreeMap::new();
        for record in run.operations {
            let moments = reader.operations.get(&record.id).copied();
            let (invoked, returned) = moments.unwrap_or((Moment::NEVER, Moment::NEVER));
            let replica = match &record.operation {
                Operation::Sandbox { via, .. } | Operation::Index { via, .. } => replica_name(*via),
                Operation::Inspect(replica) | Operation::Drain(replica) => replica_name(*replica),
                Operation::Wait(_) => String::new(),
            };
            let place = operations.len();
            let sandbox: Arc<str> = match &record.operation {
                Operation::Sandbox { sandbox, .. } => sandbox_name(*sandbox).into(),
                _ => "".into(),
            };
            if !sandbox.is_empty() {
                reader.sandbox(&sandbox).operations.push(place);
            }
            if matches!(record.operation, Operation::Drain(_)) {
                reader.drained(&replica, invoked);
            }
            by_activity.insert(record.activity, place);
            operations.push(Op {
                operation: record.operation.clone(),
                sandbox,
                replica: replica.into(),
                client: record.client.clone(),
                invoked,
                returned,
                outcome: record.outcome.clone(),
                commits: reader.commits.remove(&record.activity).unwrap_or_default(),
            });
        }
        Self {
            sandboxes: reader.sandboxes,
            operations,
            by_activity,
            boots: reader.boots,
            sessions: reader.sessions,
            mistaken: reader.mistaken,
            compared: reader.compared,
            unpublished: reader.unpublished,
            quiet: Quiet::read(run.history, REACH),
            healed: run.healed,
            ended: run.ended,
        }
    }
}

struct Reader<'a> {
    history: &'a History,
    trees: Trees,
    sandboxes: BTreeMap<Arc<str>, Sandbox>,
    /// By number: when it was invoked, and when it returned.
    operations: BTreeMap<u32, (Moment, Moment)>,
    /// What was committed, by the operation or background cycle that it was for.
    commits: BTreeMap<ActivityId, Vec<Committed>>,
    boots: BTreeMap<Arc<str>, Boot>,
    sessions: BTreeMap<Arc<str>, Session>,
    mistaken: Vec<Mistaken>,
    compared: Vec<Compared>,
    unpublished: Vec<Unpublished>,
}

impl<'a> Reader<'a> {
    fn new(history: &'a History) -> Self {
        Self {
            history,
            trees: Trees::default(),
            sandboxes: BTreeMap::new(),
            operations: BTreeMap::new(),
            commits: BTreeMap::new(),
            boots: BTreeMap::new(),
            sessions: BTreeMap::new(),
            mistaken: Vec::new(),
            compared: Vec::new(),
            unpublished: Vec::new(),
        }
    }

    fn sandbox(&mut self, id: &str) -> &mut Sandbox {
        if !self.sandboxes.contains_key(id) {
            let sandbox = Sandbox {
                id: id.into(),
                incarnations: Vec::new(),
                paths: BTreeMap::new(),
                changes: Vec::new(),
                counter: Timeline::default(),
                operations: Vec::new(),
            };
            self.sandboxes.insert(sandbox.id.clone(), sandbox);
        }
        self.sandboxes.get_mut(id).expect("it has just been put there")
    }

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
            What::Commit { store, key, value, cause } => match &**store {
                "postgres" => self.row(moment, event.activity, key, value.as_deref(), cause),
                "redis" => {
                    // `vfs:{tenant}:ver:{id}`
                    let parts: Vec<&str> = key.splitn(4, ':').collect();
                    if let ["vfs", _, "ver", id] = parts[..] {
                        let version = Version { since: moment, value: value.clone(), cause };
                        self.sandbox(id).counter.push(version);
                    }
                }
                _ => {}
            },
            What::Fact { name, .. } => {
                if let Some(fact) = event.fact(name) {
                    self.fact(name, fact, moment, event);
                }
            }
            What::Crashed => {
                for boot in self.boots.values_mut() {
                    if boot.replica == event.host && boot.crashed == Moment::NEVER {
                        boot.crashed = moment;
                    }
                }
            }
            _ => {}
        }
    }

    fn row(&mut self, moment: Moment, activity: ActivityId, key: &str, row: Option<&str>, cause: &'static str) {
        let Some((table, key)) = key.split_once(':') else { return };
        let by = self.history.root(activity);
        let committed = Committed { moment, table: table.into(), cause };
        self.commits.entry(by).or_default().push(committed);
        let before = self.trees.root(key);
        let Some(id) = self.trees.commit(table, key, row) else { return };
        let (nodes, root) = (self.trees.nodes(&id), self.trees.root(&id));
        let sandbox = self.sandbox(&id);
        if table == "sandboxes" {
            // A row that is replaced by one of another epoch is another sandbox, whatever the statement was.
            if before.map(|root| root.epoch) != root.map(|root| root.epoch) {
                if let Some(last) = sandbox.incarnations.last_mut().filter(|_| before.is_some()) {
                    last.to = moment;
                }
                if let Some(root) = root {
                    let incarnation = Incarnation { epoch: root.epoch, from: moment, to: Moment::NEVER, by };
                    sandbox.incarnations.push(incarnation);
                }
            }
        }
        sandbox.change(moment, nodes, cause);
    }

    fn fact(&mut self, name: &str, fact: Fact<'_>, moment: Moment, event: &Event) {
        let text = |field| Arc::<str>::from(fact.text(field));
        match name {
            "sandbox.replica" => {
                let millis = |field| Duration::from_millis(fact.int(field) as u64);
                let boot = Boot {
                    replica: event.host.clone(),
                    started: moment,
                    crashed: Moment::NEVER,
                    drained: Moment::NEVER,
                    idle: millis("idle_ms"),
                    reap: millis("reap_ms"),
                    drain: millis("drain_ms"),
                    shutdown: millis("shutdown_ms"),
                };
                self.boots.insert(text("boot"), boot);
            }
            "sandbox.registered" => {
                let session = self.session(fact);
                session.registered = moment;
                session.epoch = epoch_of(fact.text("stamp"));
                let (id, boot, sandbox) = (session.id.clone(), session.boot.clone(), session.sandbox.clone());
                // It takes the place of one that is to take no more requests.
                for other in self.sessions.values_mut().filter(|other| other.boot == boot && other.sandbox == sandbox) {
                    if other.id != id && other.closing < moment {
                        other.removed = other.removed.min(moment);
                    }
                }
            }
            "sandbox.loaded" => self.session(fact).epoch = epoch_of(fact.text("stamp")),
            "sandbox.closing" => {
                let session = self.session(fact);
                session.closing = session.closing.min(moment);
            }
            "sandbox.removed" => {
                let (meant, removed) = (text("session"), text("removed"));
                if removed.is_empty() {
                    return;
                }
                if let Some(session) = self.sessions.get_mut(&removed) {
                    session.removed = session.removed.min(moment);
                }
                if meant != removed {
                    let (sandbox, replica) = (text("sandbox"), event.host.clone());
                    self.mistaken.push(Mistaken { moment, sandbox, replica, meant, removed });
                }
            }
            "sandbox.pool-opened" => self.session(fact).pool_opened = moment,
            "sandbox.pool-closed" => self.session(fact).pool_closed = moment,
            "sandbox.compared" => {
                self.session(fact).used.push(moment);
                self.compared.push(Compared {
                    moment,
                    sandbox: text("sandbox"),
                    replica: event.host.clone(),
                    epoch: epoch_of(fact.text("stamp")),
                    counter: text("counter"),
                    equal: fact.flag("equal"),
                });
            }
            "sandbox.unpublished" => {
                let (sandbox, session) = (text("sandbox"), text("session"));
                self.unpublished.push(Unpublished { moment, sandbox, session, settled: Moment::NEVER });
            }
            "sandbox.published" | "sandbox.dropped" => {
                let (sandbox, replica, boots) = (fact.text("sandbox"), &event.host, &self.boots);
                for left in &mut self.unpublished {
                    let here = boots.get(boot_of(&left.session)).is_some_and(|boot| boot.replica == *replica);
                    if here && *left.sandbox == *sandbox && left.settled == Moment::NEVER {
                        left.settled = moment;
                    }
                }
            }
            _ => {}
        }
    }

    fn session(&mut self, fact: Fact<'_>) -> &mut Session {
        let id: Arc<str> = fact.text("session").into();
        let boot = boot_of(&id).into();
        self.sessions.entry(id.clone()).or_insert_with(|| Session {
            id,
            sandbox: fact.text("sandbox").into(),
            boot,
            registered: Moment::NEVER,
            closing: Moment::NEVER,
            removed: Moment::NEVER,
            pool_opened: Moment::NEVER,
            pool_closed: Moment::NEVER,
            epoch: None,
            used: Vec::new(),
        })
    }

    /// A replica was told to let go of everything, in whatever start it was.
    fn drained(&mut self, replica: &str, moment: Moment) {
        for boot in self.boots.values_mut().filter(|boot| *boot.replica == *replica) {
            if boot.started < moment && moment < boot.crashed {
                boot.drained = boot.drained.min(moment);
            }
        }
    }
}

/// The start of a replica that a session's identity begins with.
fn boot_of(session: &str) -> &str {
    session.split_once('/').map_or(session, |(boot, _)| boot)
}

/// The epoch of a stamp such as `3:17`.
pub(super) fn epoch_of(stamp: &str) -> Option<i64> {
    stamp.split_once(':')?.0.parse().ok()
}

impl Sandbox {
    /// Its tree is this from now on.
    fn change(&mut self, moment: Moment, mut nodes: BTreeMap<Arc<str>, Node>, cause: &'static str) {
        let known: BTreeSet<Arc<str>> = self.paths.keys().chain(nodes.keys()).cloned().collect();
        let mut changed = false;
        for path in known {
            let node = nodes.remove(&path);
            let timeline = self.paths.entry(path).or_default();
            let last = timeline.versions().last().and_then(|version| version.value.as_ref());
            if last != node.as_ref() {
                timeline.push(Version { since: moment, value: node, cause });
                changed = true;
            }
        }
        if changed {
            self.changes.push(moment);
        }
    }
}
