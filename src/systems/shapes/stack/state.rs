//! What requests see of a stack, whether or not it lives: the names under which its parts are found.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use super::cache::ToCache;
use super::cleanup::ToCleanup;
use super::collector::ToCollector;
use super::database::ToDatabase;
use super::logs::Logs;
use super::nursery::ToNursery;
use super::status::{Phase, ToStatus};
use super::table::Tables;
use super::top::ToTop;
use crate::runtime::fact;
use crate::storage::Rows;
use crate::systems::shapes::actors::{Actors, Address, Pid};
use crate::systems::shapes::consumer::{ToConsumer, ToMaterializer};
use crate::systems::shapes::points;
use crate::systems::shapes::policy::{Policy, Starter};
use crate::systems::shapes::store::{Files, Handle};

/// What a stack is started with.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) policy: Policy,
    /// Where its files are.
    pub(crate) directory: String,
    /// The database.
    pub(crate) rows: Rows,
    /// Where the database serves its slots.
    pub(crate) slots: String,
    /// Held by the stack that may write: of those that share the files, one at a time.
    pub(crate) lock: Arc<tokio::sync::Mutex<()>>,
}

/// What is to be seen of a stack.
pub(crate) struct Stack {
    pub(crate) policy: Policy,
    pub(crate) directory: String,
    pub(crate) files: Files,
    pub(crate) rows: Rows,
    pub(crate) slots: String,
    pub(crate) lock: Arc<tokio::sync::Mutex<()>>,
    pub(crate) actors: Actors,
    /// The handles that requests may name.
    pub(crate) table: Tables,
    /// The logs of living consumers.
    pub(crate) logs: Logs,
    /// Who waits for changes of a shape.
    pub(crate) bells: Bells,
    boot: Mutex<Arc<str>>,
    phase: watch::Sender<Phase>,
    /// Up to where transactions have gone to all shapes.
    applied: watch::Sender<u64>,
    acknowledged: AtomicU64,
    names: Mutex<Names>,
}

/// The addresses of the parts, by name; whoever is found may have ended.
#[derive(Default)]
pub(crate) struct Names {
    pub(super) top: Option<Address<ToTop>>,
    pub(super) status: Option<Address<ToStatus>>,
    pub(super) cleanup: Option<Address<ToCleanup>>,
    pub(super) database: Option<Address<ToDatabase>>,
    pub(super) collector: Option<Address<ToCollector>>,
    pub(super) nursery: Option<Address<ToNursery>>,
    pub(super) cache: Option<Address<ToCache>>,
    pub(super) consumers: BTreeMap<Handle, Address<ToConsumer>>,
    pub(super) materializers: BTreeMap<Handle, Address<ToMaterializer>>,
    /// Who gathers what a consumer begins with.
    pub(crate) starters: BTreeMap<Handle, Pid>,
}

impl Names {
    pub(super) fn top(&self) -> Option<Address<ToTop>> {
        living(self.top.as_ref())
    }

    pub(crate) fn cleanup(&self) -> Option<Address<ToCleanup>> {
        living(self.cleanup.as_ref())
    }

    pub(super) fn database(&self) -> Option<Address<ToDatabase>> {
        living(self.database.as_ref())
    }

    pub(crate) fn collector(&self) -> Option<Address<ToCollector>> {
        living(self.collector.as_ref())
    }

    pub(super) fn nursery(&self) -> Option<Address<ToNursery>> {
        living(self.nursery.as_ref())
    }

    pub(crate) fn cache(&self) -> Option<Address<ToCache>> {
        living(self.cache.as_ref())
    }

    pub(crate) fn consumer(&self, handle: &str) -> Option<Address<ToConsumer>> {
        living(self.consumers.get(handle))
    }

    pub(super) fn materializer(&self, handle: &str) -> Option<Address<ToMaterializer>> {
        living(self.materializers.get(handle))
    }

    /// The handles that have a living consumer.
    pub(crate) fn consumed(&self) -> Vec<String> {
        let living = self.consumers.iter().filter(|(_, consumer)| consumer.is_alive());
        living.map(|(handle, _)| handle.to_string()).collect()
    }
}

fn living<M>(address: Option<&Address<M>>) -> Option<Address<M>> {
    address.filter(|address| address.is_alive()).cloned()
}

impl Stack {
    /// Ends whoever still gathers what a consumer of a shape was to begin with: its signal may be late, and its snapshot too.
    pub(crate) async fn end_starter(&self, handle: &Handle) {
        let starter = self.names().starters.get(handle).copied();
        if let Some(starter) = starter
            && self.policy.starter == Starter::Ended
        {
            let end = self.actors.end_of(starter);
            self.actors.kill(starter);
            end.await;
        }
    }

    /// A stack that has not been started.
    pub(crate) fn new(options: Options) -> Arc<Self> {
        let Options { policy, directory, rows, slots, lock } = options;
        Arc::new(Self {
            policy,
            files: Files::new(&directory),
            directory,
            rows,
            slots,
            lock,
            actors: Actors::new(points::SIGNAL),
            table: Tables::default(),
            logs: Logs::default(),
            bells: Bells::default(),
            boot: Mutex::new("".into()),
            phase: watch::channel(Phase::Stopped).0,
            applied: watch::channel(0).0,
            acknowledged: AtomicU64::new(0),
            names: Mutex::default(),
        })
    }

    /// The addresses of its parts.
    pub(crate) fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kills whoever watches over consumers; the stack takes it from there.
    pub(crate) fn kill_nursery(&self) {
        let nursery = self.names().nursery();
        if let Some(nursery) = nursery {
            self.actors.kill(nursery.pid());
        }
    }

    /// Which start of the stack this is.
    pub(crate) fn boot(&self) -> Arc<str> {
        self.boot.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// It is being started.
    pub(crate) fn boots(&self, boot: &str) {
        *self.boot.lock().unwrap_or_else(PoisonError::into_inner) = boot.into();
        self.applied.send_replace(0);
        self.acknowledged.store(0, Ordering::Relaxed);
        *self.names() = Names::default();
        self.enter(Phase::Booting);
    }

    /// The phase, and every change of it.
    pub(crate) fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// Enters a phase.
    pub(crate) fn enter(&self, phase: Phase) {
        if self.phase.send_replace(phase) != phase {
            fact("shapes.stack", [("boot", self.boot().into()), ("phase", phase.word().into())]);
        }
    }

    /// Up to where transactions have gone to all shapes, and every change of it.
    pub(crate) fn applied(&self) -> watch::Receiver<u64> {
        self.applied.subscribe()
    }

    /// Transactions up to here have gone to all shapes.
    pub(super) fn has_applied(&self, lsn: u64) {
        if self.applied.send_replace(lsn) != lsn {
            fact("shapes.applied", [("lsn", lsn.into())]);
        }
    }

    /// Up to where the slot was told that it may forget.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    pub(super) fn has_acknowledged(&self, lsn: u64) {
        if self.acknowledged.swap(lsn, Ordering::Relaxed) != lsn {
            fact("shapes.acknowledged", [("lsn", lsn.into())]);
        }
    }

    /// Reports what has become of the consumer or materializer of a shape.
    pub(crate) fn tell(&self, name: &'static str, handle: &Handle, event: &'static str, reason: &str) {
        let boot = self.boot();
        fact(
            name,
            [
                ("handle", handle.clone().into()),
                ("boot", boot.into()),
                ("event", event.into()),
                ("reason", reason.into()),
            ],
        );
    }
}

/// Who waits for changes of a shape, by its handle.
#[derive(Default)]
pub(crate) struct Bells(Mutex<BTreeMap<Handle, Arc<Notify>>>);

impl Bells {
    /// Where to wait.
    pub(crate) fn of(&self, handle: &Handle) -> Arc<Notify> {
        self.lock().entry(handle.clone()).or_default().clone()
    }

    /// Something has changed.
    pub(crate) fn ring(&self, handle: &Handle) {
        let mut bells = self.lock();
        if let Some(bell) = bells.get(handle) {
            bell.notify_waiters();
            // Nobody waits where nobody else has it.
            if Arc::strong_count(bell) == 1 {
                bells.remove(handle);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Handle, Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
