//! The process: it has a stack, restarts it when it is told to, and outlives it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::actors::{Address, Reason, Start};
use super::outcome::{ShapeView, StackView};
use super::stack::{Options, Stack, ToCollector, ToTop, run};
use super::store::Journal;
use super::workload::Restart;
use crate::runtime::{fact, task, time};

/// How long all parts of a stack that was killed may take to end.
const VANISH: Duration = Duration::from_secs(30);
/// How long the second stack of a rolling restart may take before the first is stopped.
const ROLL: Duration = Duration::from_secs(30);
/// How long looking around may take.
const LOOK: Duration = Duration::from_secs(5);

/// A stack, and who runs it.
#[derive(Clone)]
struct Running {
    stack: Arc<Stack>,
    top: Address<ToTop>,
}

/// The process.
pub(super) struct Process {
    options: Options,
    name: String,
    boots: AtomicU64,
    running: Mutex<Running>,
    restarting: tokio::sync::Mutex<()>,
}

/// Another restart is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Busy;

impl Process {
    /// Starts the stack.
    pub(super) fn start(name: &str, options: Options) -> Arc<Self> {
        let name = format!("{name}.{:.8}", uuid::Uuid::new_v4().simple().to_string());
        let boots = AtomicU64::new(0);
        let running = start(&name, &boots, Stack::new(options.clone()));
        let (running, restarting) = (Mutex::new(running), tokio::sync::Mutex::default());
        Arc::new(Self { options, name, boots, running, restarting })
    }

    /// The stack that requests go to.
    pub(super) fn stack(&self) -> Arc<Stack> {
        self.running().stack.clone()
    }

    /// Restarts the stack, whether or not anybody still waits for it.
    pub(super) async fn restart(self: &Arc<Self>, how: Restart) -> Result<(), Busy> {
        let this = self.clone();
        task::spawn(async move {
            let _one = this.restarting.try_lock().map_err(|_| Busy)?;
            fact("shapes.restart", [("mode", how.word().into())]);
            match how {
                Restart::Graceful => this.graceful().await,
                Restart::Brutal => this.brutal().await,
                Restart::Rolling => this.rolling().await,
                Restart::Consumers => this.stack().kill_nursery(),
            }
            Ok(())
        })
        .await
        .unwrap_or(Err(Busy))
    }

    async fn graceful(&self) {
        let old = self.running().clone();
        end(&old).await;
        self.begin(old.stack);
    }

    async fn brutal(&self) {
        let Running { stack, top } = self.running().clone();
        stack.actors.kill(top.pid());
        let late = stack.actors.all_gone(None, VANISH).await;
        if !late.is_empty() {
            tracing::warn!(?late, "what did not end was killed");
        }
        self.begin(stack);
    }

    async fn rolling(&self) {
        let old = self.running().clone();
        let new = start(&self.name, &self.boots, Stack::new(self.options.clone()));
        let mut phase = new.stack.phase();
        let ready = phase.wait_for(|phase| phase.admits());
        if time::timeout(ROLL, ready).await.is_err() {
            tracing::warn!("the new stack does not start: the old one goes on");
            end(&new).await;
            return;
        }
        *self.running() = new;
        end(&old).await;
    }

    fn begin(&self, stack: Arc<Stack>) {
        let running = start(&self.name, &self.boots, stack);
        *self.running() = running;
    }

    /// What the process holds.
    pub(super) async fn view(&self) -> StackView {
        let stack = self.stack();
        let journal = Journal::open(&stack.directory).await;
        let shapes = journal.iter().flat_map(|journal| journal.records().values()).map(|record| ShapeView {
            handle: record.handle.to_string(),
            query: record.query.to_string(),
            dependencies: record.dependencies.iter().map(ToString::to_string).collect(),
            removing: record.removing,
        });
        let collector = stack.names().collector();
        let unflushed = match collector {
            Some(collector) => collector.call_within(LOOK, ToCollector::Unflushed).await.unwrap_or_default(),
            None => Vec::new(),
        };
        let phase = *stack.phase().borrow();
        let applied = *stack.applied().borrow();
        StackView {
            boot: stack.boot().to_string(),
            phase: phase.word().to_owned(),
            shapes: shapes.collect(),
            stored: stack.files.handles().await.unwrap_or_default(),
            consumers: stack.names().consumed(),
            table: stack.table.handles().unwrap_or_default().iter().map(ToString::to_string).collect(),
            unflushed,
            applied,
            acknowledged: stack.acknowledged(),
        }
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn start(name: &str, boots: &AtomicU64, stack: Arc<Stack>) -> Running {
    let boot = format!("{name}/{}", boots.fetch_add(1, Ordering::Relaxed) + 1);
    let begin = Start { name: "stack".into(), parent: None, traps: true };
    let own = stack.clone();
    let top = stack.actors.spawn(begin, |context| run(context, own, boot));
    Running { stack, top }
}

/// Stops a stack in good order.
async fn end(running: &Running) {
    let stopped: Result<(), Reason> = running.top.call(ToTop::Stop).await;
    if let Err(reason) = stopped {
        tracing::debug!(%reason, "the stack had ended before it was told to");
    }
    running.stack.actors.all_gone(None, VANISH).await;
}
