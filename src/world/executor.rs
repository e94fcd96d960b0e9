//! Ready tasks, and which of them runs next.
//!
//! A task belongs to a host, an incarnation and an activity. All of them are polled inside one root future of a paused
//! current-thread tokio runtime, so that tokio's timers work; each is `unconstrained`, because all would share the
//! root's budget. When a task is woken the tape may let it give way to some of those behind it; giving way to none is
//! zero.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context as Poller, Poll, Waker};
use std::thread::ThreadId;
use std::time::Duration;

use async_task::Runnable;
use tokio::runtime::Runtime;
use tokio::time::{Instant, Sleep};

use super::history::{ActivityId, What};
use super::host::HostId;
use super::net;
use super::simulation::{Config, World};
use super::tape::{SiteId, below, chance};

/// Who runs: the host, its incarnation and the activity.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The host.
    pub host: HostId,
    /// Which start of the host.
    pub incarnation: u32,
    /// The activity.
    pub activity: ActivityId,
    /// The activity whose message the task has read last since it was woken.
    pub(super) heard: ActivityId,
    /// The task; `None` for the world itself.
    pub(super) task: Option<Arc<Task>>,
}

/// What is known of a task.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) id: u64,
    /// Its address: the host's name and incarnation, then which child of which task it is.
    pub(super) name: Arc<str>,
    host: HostId,
    incarnation: u32,
    activity: ActivityId,
    /// Where its schedule is decided; made when there first is something to decide.
    site: OnceLock<SiteId>,
    children: AtomicU32,
    polls: AtomicU32,
    thread: ThreadId,
    woken_outside: AtomicBool,
}

type Ready = Runnable<Arc<Task>>;

/// The queue of ready tasks, and the handles that keep all tasks alive.
#[derive(Default)]
pub(super) struct Executor {
    ready: RefCell<VecDeque<(Ready, bool)>>,
    alive: RefCell<BTreeMap<u64, async_task::Task<(), Arc<Task>>>>,
    /// Tasks of paused hosts that would be ready.
    parked: RefCell<BTreeMap<HostId, Vec<Ready>>>,
    next_id: Cell<u64>,
    root: RefCell<Option<Waker>>,
    in_root: Cell<bool>,
    /// Per million: how likely a woken task gives way. Set by the plan of a run.
    unfairness: Cell<u64>,
    main: Cell<Option<u64>>,
}

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor").field("alive", &self.alive.borrow().len()).finish_non_exhaustive()
    }
}

/// Where a woken task goes. Called by wakers, wherever they are.
fn schedule(ready: Ready) {
    if ready.metadata().thread != std::thread::current().id() {
        // A thread of the host's, which no world may have: the run is told at its end. The task stays where it is, as it
        // may only be touched by its own thread.
        ready.metadata().woken_outside.store(true, Ordering::Relaxed);
        std::mem::forget(ready);
        return;
    }
    // After the end of a run nobody polls: dropping the runnable drops its future.
    let mut ready = Some(ready);
    World::with(|world| {
        let executor = &world.executor;
        executor.ready.borrow_mut().push_back((ready.take().expect("scheduled once"), true));
        if !executor.in_root.get()
            && let Some(root) = &*executor.root.borrow()
        {
            root.wake_by_ref();
        }
    });
}

impl World {
    /// Starts a task on a host. It inherits the activity of the task that starts it, if that is on the same host.
    ///
    /// A host that is down starts nothing: the future is dropped.
    pub(crate) fn spawn_on<T: 'static>(
        self: &Rc<Self>,
        host: HostId,
        future: impl Future<Output = T> + 'static,
    ) -> JoinHandle<T> {
        // In its box at once: futures of whole requests are large, and would be copied at every step from here to there.
        self.spawn_boxed(host, Box::pin(future))
    }

    fn spawn_boxed<T: 'static>(
        self: &Rc<Self>,
        host: HostId,
        future: Pin<Box<dyn Future<Output = T>>>,
    ) -> JoinHandle<T> {
        let cell = Arc::new(Mutex::new(Join { result: None, waker: None }));
        let (parent, incarnation, activity) = {
            let context = self.context.borrow();
            let hosts = self.hosts.borrow();
            let state = hosts.get(host);
            if !state.up {
                lock(&cell).result = Some(Err(Ended::Cancelled));
                return JoinHandle { id: u64::MAX, cell };
            }
            let same = context.task.clone().filter(|task| task.host == host && task.incarnation == state.incarnation);
            let activity = if same.is_some() { context.activity } else { ActivityId(0) };
            (same, state.incarnation, activity)
        };
        let name: Arc<str> = if let Some(task) = &parent {
            format!("{}.{}", task.name, task.children.fetch_add(1, Ordering::Relaxed) + 1).into()
        } else {
            let mut hosts = self.hosts.borrow_mut();
            let state = hosts.get_mut(host);
            state.roots += 1;
            format!("{}#{incarnation}/{}", state.name, state.roots).into()
        };
        let id = self.executor.next_id.get();
        self.executor.next_id.set(id + 1);
        let task = Arc::new(Task {
            id,
            name,
            host,
            incarnation,
            activity,
            site: OnceLock::new(),
            children: AtomicU32::new(0),
            polls: AtomicU32::new(0),
            thread: std::thread::current().id(),
            woken_outside: AtomicBool::new(false),
        });
        let body = Body { id, future: Some(future), join: cell.clone() };
        let (runnable, handle) =
            async_task::Builder::new().metadata(task).spawn_local(move |_| tokio::task::unconstrained(body), schedule);
        self.executor.alive.borrow_mut().insert(id, handle);
        runnable.schedule();
        JoinHandle { id, cell }
    }

    /// Starts a task on the host of the current task.
    pub(crate) fn spawn<T: 'static>(self: &Rc<Self>, future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
        let host = self.context.borrow().host;
        self.spawn_on(host, future)
    }

    /// How likely a woken task gives way to others, per million.
    pub fn set_unfairness(&self, per_million: u64) {
        self.executor.unfairness.set(per_million);
    }

    /// Runs `act` as the given host and activity would.
    pub(super) fn within<R>(&self, context: Context, act: impl FnOnce() -> R) -> R {
        let before = self.context.replace(context);
        let result = act();
        *self.context.borrow_mut() = before;
        result
    }

    /// Drops every task of a host at once. The network must be deaf to it already.
    pub(super) fn drop_tasks(self: &Rc<Self>, host: HostId) {
        let running = self.context.borrow().task.as_ref().map(|task| task.id);
        let doomed: Vec<_> = {
            let mut alive = self.executor.alive.borrow_mut();
            let ids: Vec<u64> =
                alive.iter().filter(|(_, task)| task.metadata().host == host).map(|(id, _)| *id).collect();
            ids.iter().filter_map(|id| alive.remove(id)).collect()
        };
        // Dropping a handle cancels its task, which schedules it once more so that its future can be dropped there.
        drop(doomed);
        let parked = self.executor.parked.borrow_mut().remove(&host).unwrap_or_default();
        let scheduled: Vec<Ready> = {
            let mut ready = self.executor.ready.borrow_mut();
            let (mine, others): (VecDeque<_>, VecDeque<_>) = ready
                .drain(..)
                .partition(|(task, _)| task.metadata().host == host && Some(task.metadata().id) != running);
            *ready = others;
            mine.into_iter().map(|(task, _)| task).collect()
        };
        for ready in parked.into_iter().chain(scheduled) {
            self.run_task(ready);
        }
    }

    /// Lets the tasks of a host go on after a pause.
    pub(super) fn unpark(&self, host: HostId) {
        let parked = self.executor.parked.borrow_mut().remove(&host).unwrap_or_default();
        self.executor.ready.borrow_mut().extend(parked.into_iter().map(|task| (task, true)));
        if let Some(root) = &*self.executor.root.borrow() {
            root.wake_by_ref();
        }
    }

    /// The next task to run, after those that it lets pass.
    fn next_ready(&self) -> Option<Ready> {
        loop {
            let (task, fresh) = self.executor.ready.borrow_mut().pop_front()?;
            let meta = task.metadata();
            let wake = u64::from(meta.polls.fetch_add(u32::from(fresh), Ordering::Relaxed));
            let mut ready = self.executor.ready.borrow_mut();
            let unfairness = self.executor.unfairness.get();
            if fresh && !ready.is_empty() && (unfairness > 0 || self.tape.borrow().is_pinned()) {
                let mut tape = self.tape.borrow_mut();
                let site = *meta.site.get_or_init(|| tape.site("schedule", &meta.name));
                // The decision is numbered by the task's own wakes, so that it stays when other tasks come or go.
                let passes = tape.at(site, wake, |word| {
                    if chance(word, unfairness) == 0 { 0 } else { 1 + below(word.rotate_left(32), 4) }
                });
                if passes > 0 {
                    let now = self.clock.elapsed();
                    tape.tell(site, wake, || format!("{} lets {passes} others go first, at {now:?}", meta.name));
                }
                drop(tape);
                if passes > 0 {
                    let place = (passes as usize).min(ready.len());
                    ready.insert(place, (task, false));
                    continue;
                }
            }
            if self.hosts.borrow().get(meta.host).paused > 0 {
                drop(ready);
                let host = task.metadata().host;
                self.executor.parked.borrow_mut().entry(host).or_default().push(task);
                continue;
            }
            return Some(task);
        }
    }

    fn run_task(self: &Rc<Self>, ready: Ready) {
        let task = ready.metadata().clone();
        let context = Context {
            host: task.host,
            incarnation: task.incarnation,
            activity: task.activity,
            heard: ActivityId(0),
            task: Some(task),
        };
        self.within(context, || ready.run());
    }

    fn escaped(&self, host: HostId, how: &str) {
        if self.history.borrow_mut().escaped(how) {
            self.record_of(host, What::Escaped(how.into()));
        }
    }

    /// Names the tasks that a thread of the host's has tried to wake.
    pub(super) fn look_for_foreign_wakes(&self) {
        let alive = self.executor.alive.borrow();
        for task in alive.values().map(async_task::Task::metadata) {
            if task.woken_outside.load(Ordering::Relaxed) {
                self.escaped(task.host, &format!("task {} was woken by a thread; {INSTEAD}", task.name));
            }
        }
    }

    /// What still waits, by host, for the report of a run that is stuck.
    fn waiting(&self) -> String {
        let mut hosts: BTreeMap<HostId, (usize, Vec<Arc<str>>)> = BTreeMap::new();
        let alive = self.executor.alive.borrow();
        let history = self.history.borrow();
        for task in alive.values() {
            let entry = hosts.entry(task.metadata().host).or_default();
            entry.0 += 1;
            let activity = task.metadata().activity;
            if activity != ActivityId(0) {
                let name = &history.activities()[activity.0 as usize].name;
                if !entry.1.contains(name) {
                    entry.1.push(name.clone());
                }
            }
        }
        let known = self.hosts.borrow();
        let lines = hosts.iter().map(|(host, (count, activities))| {
            let state = known.get(*host);
            let condition = if state.paused > 0 { ", paused" } else { "" };
            let doing = if activities.is_empty() {
                String::new()
            } else {
                format!(" ({})", activities.iter().take(6).map(|name| &**name).collect::<Vec<_>>().join(", "))
            };
            format!("{}{condition}: {count} task{}{doing}", state.name, if *count == 1 { "" } else { "s" })
        });
        lines.collect::<Vec<_>>().join("; ")
    }
}

/// Starts the main future of a run as a task of the world's own host.
pub(super) fn spawn_main(world: &Rc<World>, future: impl Future<Output = ()> + 'static) {
    let handle = world.spawn_on(HostId::WORLD, future);
    world.executor.main.set(Some(handle.id));
}

/// Drops all tasks, and those that their destructors start, while the world still stands.
pub(super) fn drop_all_tasks(world: &Rc<World>) {
    loop {
        let handles = std::mem::take(&mut *world.executor.alive.borrow_mut());
        let parked = std::mem::take(&mut *world.executor.parked.borrow_mut());
        let mut idle = handles.is_empty() && parked.is_empty();
        drop(handles);
        for ready in parked.into_values().flatten() {
            world.run_task(ready);
        }
        loop {
            let next = world.executor.ready.borrow_mut().pop_front();
            let Some((ready, _)) = next else { break };
            idle = false;
            world.run_task(ready);
        }
        if idle {
            break;
        }
    }
    *world.executor.root.borrow_mut() = None;
}

/// The tokio runtime of a run: its timers, on a paused clock.
pub(super) fn runtime(seed: u64) -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).max_blocking_threads(1);
    #[cfg(tokio_unstable)]
    builder.rng_seed(tokio::runtime::RngSeed::from_bytes(&seed.to_le_bytes()));
    #[cfg(not(tokio_unstable))]
    let _ = seed;
    builder.build().expect("a runtime without I/O needs nothing of the operating system")
}

/// The future that is the whole run. Its output says what was still waiting, if a bound was reached.
pub(super) struct Root {
    world: Rc<World>,
    handle: tokio::runtime::Handle,
    start: Instant,
    sleep: Pin<Box<Sleep>>,
    most_time: u64,
    most_events: u64,
    /// Tasks and threads of tokio's own after the last poll.
    strays: Cell<(usize, usize)>,
}

const INSTEAD: &str = "inside a world use sexton::runtime::task::spawn";
const TICK: u64 = 1_000_000;

impl Root {
    pub(super) fn new(world: &Rc<World>, runtime: &Runtime, config: &Config) -> Self {
        let _entered = runtime.enter();
        let start = Instant::now();
        Self {
            world: world.clone(),
            handle: runtime.handle().clone(),
            start,
            sleep: Box::pin(tokio::time::sleep_until(start)),
            most_time: u64::try_from(config.most_time.as_nanos()).unwrap_or(u64::MAX),
            most_events: config.most_events,
            strays: Cell::default(),
        }
    }

    fn count(&self) -> bool {
        let events = self.world.events.get() + 1;
        self.world.events.set(events);
        events <= self.most_events
    }

    /// Names code that left the world for tokio's own tasks or threads: the task that was polled when they came.
    fn watch_for_strays(&self, name: &str, host: HostId) {
        let metrics = self.handle.metrics();
        #[cfg(tokio_unstable)]
        let threads = metrics.num_blocking_threads();
        #[cfg(not(tokio_unstable))]
        let threads = 0;
        let strays = (metrics.num_alive_tasks(), threads);
        let before = self.strays.replace(strays);
        if strays.0 > before.0 || strays.1 > before.1 {
            let how = if strays.1 > before.1 { "tokio::task::spawn_blocking" } else { "tokio::spawn" };
            self.world.escaped(host, &format!("task {name} called {how}; {INSTEAD}"));
        }
    }

    fn run_ready(&self) -> bool {
        while let Some(ready) = self.world.next_ready() {
            let task = ready.metadata().clone();
            self.world.run_task(ready);
            self.watch_for_strays(&task.name, task.host);
            if !self.count() {
                return false;
            }
        }
        true
    }

    fn turn(&mut self, cx: &mut Poller<'_>) -> Poll<Option<String>> {
        let tick = self.start.elapsed().as_nanos() as u64;
        self.world.clock.set_tick(tick);
        loop {
            if !self.run_ready() {
                return Poll::Ready(Some(format!(
                    "gave up after {} events at {:?}; still waiting: {}",
                    self.most_events,
                    self.world.elapsed(),
                    self.world.waiting()
                )));
            }
            let main = self.world.executor.main.get();
            if main.is_none_or(|id| !self.world.executor.alive.borrow().contains_key(&id)) {
                return Poll::Ready(None);
            }
            if tick >= self.most_time {
                return Poll::Ready(Some(format!(
                    "gave up after {:?} of simulated time; still waiting: {}",
                    Duration::from_nanos(self.most_time),
                    self.world.waiting()
                )));
            }
            let next = self.world.net.borrow().next_delivery();
            // A tick holds all that happens before the next one; within it deliveries are ordered by the nanosecond.
            if next.is_some_and(|at| at < tick + TICK) {
                net::deliver_next(&self.world);
                self.world.events.set(self.world.events.get() + 1);
                continue;
            }
            // Always armed, so that the clock has somewhere to go when nothing else waits.
            let until = next.map_or(self.most_time, |at| (at - at % TICK).min(self.most_time));
            self.sleep.as_mut().reset(self.start + Duration::from_nanos(until));
            if self.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl Future for Root {
    type Output = Option<String>;
    fn poll(self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        {
            let mut root = this.world.executor.root.borrow_mut();
            if root.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
                *root = Some(cx.waker().clone());
            }
        }
        this.world.executor.in_root.set(true);
        let turn = this.turn(cx);
        this.world.executor.in_root.set(false);
        turn
    }
}

/// A task's future, and whoever waits for its end.
///
/// The end is told only when the future is gone, as tokio does: what it held is free by then. A panic, also one in a
/// destructor, is a finding and not the end of the process.
struct Body<T> {
    id: u64,
    future: Option<Pin<Box<dyn Future<Output = T>>>>,
    join: Arc<Mutex<Join<T>>>,
}

impl<T> Body<T> {
    fn end(&mut self, how: Result<T, Ended>) {
        let future = self.future.take();
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(future))) {
            report_panic(&*payload);
        }
        let handle = World::with(|world| world.executor.alive.borrow_mut().remove(&self.id));
        drop(handle);
        let waker = {
            let mut join = lock(&self.join);
            join.result = Some(how);
            join.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Body<T> {
    type Output = ();
    fn poll(self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<()> {
        let this = self.get_mut();
        let Some(future) = &mut this.future else { return Poll::Ready(()) };
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(value)) => this.end(Ok(value)),
            Err(payload) => {
                report_panic(&*payload);
                this.end(Err(Ended::Panicked(payload)));
            }
        }
        Poll::Ready(())
    }
}

impl<T> Drop for Body<T> {
    fn drop(&mut self) {
        if self.future.is_some() {
            self.end(Err(Ended::Cancelled));
        }
    }
}

/// How a task ended, if not with its value.
pub(crate) enum Ended {
    /// It was aborted.
    Cancelled,
    /// It panicked.
    Panicked(Box<dyn Any + Send>),
}

struct Join<T> {
    result: Option<Result<T, Ended>>,
    waker: Option<Waker>,
}

// A mutex only so that handles are `Send`, as code under test expects; one thread uses it.
fn lock<T>(join: &Mutex<Join<T>>) -> MutexGuard<'_, Join<T>> {
    join.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a task, or aborts it. Dropping it lets the task run on.
pub(crate) struct JoinHandle<T> {
    id: u64,
    cell: Arc<Mutex<Join<T>>>,
}

impl<T> JoinHandle<T> {
    pub(crate) fn abort(&self) {
        // Dropping the handle cancels the task: it is scheduled once more, and its future dropped there.
        let handle = World::with(|world| world.executor.alive.borrow_mut().remove(&self.id));
        drop(handle);
    }

    pub(crate) fn is_finished(&self) -> bool {
        lock(&self.cell).result.is_some()
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, Ended>;
    fn poll(self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Self::Output> {
        let mut join = lock(&self.cell);
        if let Some(result) = join.result.take() {
            return Poll::Ready(result);
        }
        join.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Panics inside a world are findings, told in the history with host and task; elsewhere they print as before.
pub(super) fn silence_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if World::with(|_| ()).is_none() {
                before(info);
                return;
            }
            let place =
                info.location().map_or_else(String::new, |at| format!(" at {}:{}", portable(at.file()), at.line()));
            let message = info.payload_as_str().unwrap_or("a payload that is no text");
            let text = format!("{message}{place}");
            let _ = PANIC.try_with(|panic| *panic.borrow_mut() = Some(text));
        }));
    });
}

/// The path of a source file without the part that differs between machines.
fn portable(file: &str) -> &str {
    let in_registry = file.split_once("/registry/src/").and_then(|(_, rest)| rest.split_once('/'));
    let in_std = file.split_once("/library/");
    in_registry.or(in_std).map_or(file, |(_, rest)| rest)
}

fn report_panic(payload: &(dyn Any + Send)) {
    let noted = PANIC.with(|panic| panic.borrow_mut().take());
    let message = noted.unwrap_or_else(|| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
    });
    World::with(|world| {
        let context = world.context();
        let task = context.task.as_ref().map_or_else(|| "world".into(), |task| task.name.clone());
        world.record_as(&context, What::Panicked { task, message: message.into() });
    });
}
