//! The log collector: each transaction goes to the shapes that it may concern, those that others depend on first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::replication::ToReplication;
use super::tracker::Tracker;
use super::{NoTable, Stack, ToTop};
use crate::runtime::{point, time};
use crate::systems::shapes::actors::{Address, Context, Mail, Pid, Reason, Reply};
use crate::systems::shapes::consumer::{ToConsumer, Tx, removes};
use crate::systems::shapes::points;
use crate::systems::shapes::policy::Unflushed;
use crate::systems::shapes::query::Table;
use crate::systems::shapes::store::Handle;
use crate::systems::shapes::timeouts::FLUSH_STALL;

/// How often the collector looks after those that say nothing.
const ROUND: Duration = Duration::from_secs(10);

/// A shape, for whoever is to tell it of transactions.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) handle: Handle,
    /// The table whose rows it has.
    pub(crate) table: Table,
    /// The shapes that it depends on.
    pub(crate) dependencies: Vec<Handle>,
    pub(crate) consumer: Address<ToConsumer>,
}

/// What the collector is told.
pub(crate) enum ToCollector {
    /// There is a shape more; it is told of all transactions from now on.
    Add(Route, Reply<()>),
    /// A shape is no more.
    Remove(Handle, Reply<()>),
    /// All that a shape has of transactions up to here is on disk.
    Flushed(Handle, u64),
    /// The slot gives what comes after this.
    Starts(u64, Address<ToReplication>, Reply<()>),
    /// A transaction.
    Collect(Tx, Reply<()>),
    /// All that was committed up to here has come.
    Idle(u64),
    /// What is not on disk.
    Unflushed(Reply<Vec<(String, u64)>>),
}

struct Collector {
    stack: Arc<Stack>,
    routes: BTreeMap<Handle, Route>,
    tracker: Tracker,
    applied: u64,
    replication: Option<Address<ToReplication>>,
}

/// Collects until it is told to end.
pub(super) async fn collect(mut context: Context<ToCollector>, stack: Arc<Stack>) -> Reason {
    let mut this =
        Collector { stack, routes: BTreeMap::new(), tracker: Tracker::default(), applied: 0, replication: None };
    let graced = this.stack.policy.unflushed == Unflushed::Graced;
    let mut round = time::Instant::now() + ROUND;
    loop {
        let mail = if graced { time::timeout_at(round, context.next()).await.ok() } else { Some(context.next().await) };
        match mail {
            None => {
                round += ROUND;
                this.tracker.forget_stalled(FLUSH_STALL);
                this.acknowledge();
            }
            Some(Mail::Letter(letter)) => this.hear(&context, letter).await,
            Some(Mail::Down(pid, reason)) => this.on_down(&context, pid, &reason),
            Some(Mail::Exit(..)) => {}
        }
    }
}

impl Collector {
    async fn hear(&mut self, context: &Context<ToCollector>, letter: ToCollector) {
        match letter {
            ToCollector::Add(route, reply) => {
                context.monitor(route.consumer.pid());
                self.routes.insert(route.handle.clone(), route);
                reply.send(());
            }
            ToCollector::Remove(handle, reply) => {
                self.routes.remove(&handle);
                self.tracker.forget(&handle);
                self.acknowledge();
                reply.send(());
            }
            ToCollector::Flushed(handle, lsn) => {
                self.tracker.flushed(&handle, lsn);
                self.acknowledge();
            }
            ToCollector::Starts(lsn, replication, reply) => {
                self.replication = Some(replication);
                self.advance(lsn).await;
                reply.send(());
            }
            ToCollector::Collect(transaction, reply) => {
                if transaction.lsn > self.applied {
                    point(points::RECEIVED, &transaction.lsn.to_string()).await;
                    self.pass_on(transaction).await;
                }
                reply.send(());
            }
            ToCollector::Idle(lsn) => self.advance(lsn).await,
            ToCollector::Unflushed(reply) => reply.send(self.tracker.unflushed()),
        }
    }

    /// All up to here has come, and nothing with it.
    async fn advance(&mut self, lsn: u64) {
        self.pass_on(Tx { lsn, changes: Vec::new() }).await;
    }

    /// A transaction has come: whom it concerns takes it in, and who depends on others learns that they have.
    async fn pass_on(&mut self, transaction: Tx) {
        let lsn = transaction.lsn;
        let transaction = Arc::new(transaction);
        let tables: BTreeSet<Table> = transaction.changes.iter().map(|change| change.table).collect();
        let mut concerned: BTreeSet<Handle> = BTreeSet::new();
        for layer in self.layers() {
            let (mut calls, mut others) = (Vec::new(), Vec::new());
            for handle in layer {
                let Some(route) = self.routes.get(&handle) else { continue };
                let asks = route.dependencies.iter().any(|dependency| concerned.contains(dependency));
                let consumer = route.consumer.clone();
                if !asks && !tables.contains(&route.table) {
                    if !route.dependencies.is_empty() {
                        others.push(async move { consumer.call(|reply| ToConsumer::Advance(lsn, reply)).await });
                    }
                    continue;
                }
                // What it has of this is not on disk until it says so.
                self.tracker.owes(&handle, lsn);
                concerned.insert(handle.clone());
                let transaction = transaction.clone();
                calls.push(async move {
                    let applied = consumer.call(|reply| ToConsumer::Apply(transaction, reply)).await;
                    (handle, applied)
                });
            }
            let (applied, _) = tokio::join!(biased; join_all(calls), join_all(others));
            for (handle, applied) in applied {
                if applied.is_ok_and(|applied| !applied.unflushed) {
                    self.tracker.flushed(&handle, lsn);
                }
            }
        }
        self.reached(lsn);
    }

    /// The shapes, each after all that it depends on.
    fn layers(&self) -> Vec<Vec<Handle>> {
        let mut layers: Vec<Vec<Handle>> = Vec::new();
        let mut placed: BTreeSet<&Handle> = BTreeSet::new();
        while placed.len() < self.routes.len() {
            let ready = |route: &&Route| {
                let waits = |dependency: &Handle| !placed.contains(dependency) && self.routes.contains_key(dependency);
                !placed.contains(&route.handle) && !route.dependencies.iter().any(waits)
            };
            let layer: Vec<&Handle> = self.routes.values().filter(ready).map(|route| &route.handle).collect();
            if layer.is_empty() {
                break;
            }
            layers.push(layer.iter().map(|handle| (*handle).clone()).collect());
            placed.extend(layer);
        }
        layers
    }

    fn reached(&mut self, lsn: u64) {
        self.applied = self.applied.max(lsn);
        self.tracker.applied(self.applied);
        self.stack.has_applied(self.applied);
        self.acknowledge();
    }

    fn acknowledge(&mut self) {
        let settled = self.tracker.settled();
        if let Some(replication) = &self.replication
            && settled > self.stack.acknowledged()
        {
            replication.send(ToReplication::Settled(settled));
        }
    }

    /// A consumer has ended. Where its shape goes on, and what it had in memory alone is needed, the stack must start anew;
    /// until then what comes is owed to the shape as before.
    fn on_down(&mut self, context: &Context<ToCollector>, pid: Pid, reason: &Reason) {
        let ended = self.routes.values().find(|route| route.consumer.pid() == pid);
        let Some(handle) = ended.map(|route| route.handle.clone()) else { return };
        let released = self.stack.policy.unflushed == Unflushed::Released;
        let goes = removes(&self.stack.policy, reason) || *reason == Reason::Tagged("removed");
        match self.stack.table.look_up(&handle) {
            Ok(Some(_)) if !goes => {
                if released && let Some(top) = self.stack.names().top() {
                    top.send(ToTop::Trouble(context.pid(), format!("the consumer of {handle} ended: {reason}")));
                }
            }
            Ok(_) => {
                self.routes.remove(&handle);
                if released {
                    self.tracker.forget(&handle);
                    self.acknowledge();
                }
            }
            // The stack ends.
            Err(NoTable) => {}
        }
    }
}
