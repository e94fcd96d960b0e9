//! Ready tasks, and which of them runs next.
//!
//! A task belongs to a host, an incarnation and an activity. All of them are polled inside one root future of a paused
//! current-thread tokio runtime, so that tokio's timers work; each is `unconstrained`, because all would share the
//! root's budget. When a task is woken the tape may let it give way to some of those behind it; giving way to none is
//! zero.

mod join;
mod panics;
mod root;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::thread::ThreadId;

use async_task::Runnable;

use self::join::Body;
pub(crate) use self::join::{Ended, JoinHandle};
pub(super) use self::panics::silence_panics;
pub(super) use self::root::{Root, runtime};
use super::history::{ActivityId, What};
use super::host::HostId;
use super::simulation::World;
use super::tape::{SiteId, below, chance};

/// What to call instead of what leaves a world.
const INSTEAD: &str = "inside a world use sexton::runtime::task::spawn";

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

pub(super) type Ready = Runnable<Arc<Task>>;

/// Ready tasks in order, each with whether it has not given way yet, and what polls them.
#[derive(Default)]
struct Lane {
    ready: VecDeque<(Ready, bool)>,
    /// Wakes whoever polls the lane.
    root: Option<Waker>,
    /// Whether it is being polled.
    running: bool,
}

/// The queues of ready tasks, and the handles that keep all tasks alive.
#[derive(Default)]
pub(super) struct Executor {
    /// One for all hosts, or one for each where each has a runtime of its own.
    lanes: RefCell<Vec<Lane>>,
    lane_each: bool,
    alive: RefCell<BTreeMap<u64, async_task::Task<(), Arc<Task>>>>,
    /// Tasks of paused hosts that would be ready.
    parked: RefCell<BTreeMap<HostId, Vec<Ready>>>,
    next_id: Cell<u64>,
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
        let ready = ready.take().expect("scheduled once");
        let host = ready.metadata().host;
        world.executor.on_lane(host, |lane| {
            lane.ready.push_back((ready, true));
            if !lane.running
                && let Some(root) = &lane.root
            {
                root.wake_by_ref();
            }
        });
    });
}

impl Executor {
    /// With a lane for each host, as each has a runtime of its own.
    pub(super) fn with_lane_each() -> Self {
        Self { lane_each: true, ..Self::default() }
    }

    fn on_lane<R>(&self, host: HostId, act: impl FnOnce(&mut Lane) -> R) -> R {
        let place = if self.lane_each { usize::from(host.0) } else { 0 };
        let mut lanes = self.lanes.borrow_mut();
        if lanes.len() <= place {
            lanes.resize_with(place + 1, Lane::default);
        }
        act(&mut lanes[place])
    }

    /// Whether the main task has not ended.
    pub(super) fn main_alive(&self) -> bool {
        self.main.get().is_some_and(|id| self.alive.borrow().contains_key(&id))
    }

    /// A waker for whoever polls the lane of this host; from now on the lane is being polled.
    pub(super) fn enter_lane(&self, host: HostId, waker: &Waker) {
        self.on_lane(host, |lane| {
            if lane.root.as_ref().is_none_or(|root| !root.will_wake(waker)) {
                lane.root = Some(waker.clone());
            }
            lane.running = true;
        });
    }

    pub(super) fn leave_lane(&self, host: HostId) {
        self.on_lane(host, |lane| lane.running = false);
    }
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
        let (parent, incarnation, activity) = {
            let context = self.context.borrow();
            let hosts = self.hosts.borrow();
            let state = hosts.get(host);
            if !state.up {
                return JoinHandle::cancelled();
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
        let (body, handle) = Body::new(id, future);
        let (runnable, alive) =
            async_task::Builder::new().metadata(task).spawn_local(move |_| tokio::task::unconstrained(body), schedule);
        self.executor.alive.borrow_mut().insert(id, alive);
        runnable.schedule();
        handle
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

    /// Drops every task of a host's incarnation at once. The network must be deaf to it already.
    pub(super) fn drop_tasks(self: &Rc<Self>, host: HostId, incarnation: u32) {
        let doomed = |task: &Task| task.host == host && task.incarnation == incarnation;
        let running = self.context.borrow().task.as_ref().map(|task| task.id);
        let handles: Vec<_> = {
            let mut alive = self.executor.alive.borrow_mut();
            let ids: Vec<u64> = alive.iter().filter(|(_, task)| doomed(task.metadata())).map(|(id, _)| *id).collect();
            ids.iter().filter_map(|id| alive.remove(id)).collect()
        };
        // Dropping a handle cancels its task, which schedules it once more so that its future can be dropped there.
        drop(handles);
        let parked = self.executor.parked.borrow_mut().remove(&host).unwrap_or_default();
        let scheduled: Vec<Ready> = self.executor.on_lane(host, |lane| {
            let (mine, others): (VecDeque<_>, VecDeque<_>) = lane
                .ready
                .drain(..)
                .partition(|(task, _)| doomed(task.metadata()) && Some(task.metadata().id) != running);
            lane.ready = others;
            mine.into_iter().map(|(task, _)| task).collect()
        });
        for ready in parked.into_iter().chain(scheduled) {
            self.run_task(ready);
        }
    }

    /// Lets the tasks of a host go on after a pause.
    pub(super) fn unpark(&self, host: HostId) {
        let parked = self.executor.parked.borrow_mut().remove(&host).unwrap_or_default();
        self.executor.on_lane(host, |lane| {
            lane.ready.extend(parked.into_iter().map(|task| (task, true)));
            if let Some(root) = &lane.root {
                root.wake_by_ref();
            }
        });
    }

    /// The next task to run on the lane of this host, after those that it lets pass.
    pub(super) fn next_ready(&self, of: HostId) -> Option<Ready> {
        loop {
            let ((task, fresh), others) =
                self.executor.on_lane(of, |lane| Some((lane.ready.pop_front()?, lane.ready.len())))?;
            let meta = task.metadata();
            let wake = u64::from(meta.polls.fetch_add(u32::from(fresh), Ordering::Relaxed));
            let unfairness = self.executor.unfairness.get();
            if fresh && others > 0 && (unfairness > 0 || self.tape.borrow().is_pinned()) {
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
                    let place = (passes as usize).min(others);
                    self.executor.on_lane(of, |lane| lane.ready.insert(place, (task, false)));
                    continue;
                }
            }
            if self.hosts.borrow().get(meta.host).paused > 0 {
                let host = task.metadata().host;
                self.executor.parked.borrow_mut().entry(host).or_default().push(task);
                continue;
            }
            return Some(task);
        }
    }

    pub(super) fn run_task(self: &Rc<Self>, ready: Ready) {
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

    /// The report of a run that is stuck: after what it was given up, and what still waits.
    pub(super) fn gave_up(&self, after: &str) -> String {
        format!("gave up after {after} at {:?}; still waiting: {}", self.elapsed(), self.waiting())
    }

    /// What still waits, by host.
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

/// Starts the main future of a run as a task of the world's own host; what it returns will be found in the cell.
pub(super) fn spawn_main<T: 'static>(
    world: &Rc<World>,
    future: impl Future<Output = T> + 'static,
) -> Rc<RefCell<Option<T>>> {
    let value: Rc<RefCell<Option<T>>> = Rc::default();
    let result = value.clone();
    let handle = world.spawn_on(HostId::WORLD, async move {
        let done = future.await;
        *result.borrow_mut() = Some(done);
    });
    world.executor.main.set(Some(handle.id));
    value
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
            let next = world.executor.lanes.borrow_mut().iter_mut().find_map(|lane| lane.ready.pop_front());
            let Some((ready, _)) = next else { break };
            idle = false;
            world.run_task(ready);
        }
        if idle {
            break;
        }
    }
    world.executor.lanes.borrow_mut().clear();
}
