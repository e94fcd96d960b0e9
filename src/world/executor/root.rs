//! The root future: the loop that is a world's life, on a runtime whose clock is paused.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::{Instant, Sleep};

use super::INSTEAD;
use crate::world::host::HostId;
use crate::world::net;
use crate::world::simulation::{Config, World};

/// The tokio runtime of a run: its timers, on a paused clock.
pub(in super::super) fn runtime(seed: u64) -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).max_blocking_threads(1);
    #[cfg(tokio_unstable)]
    builder.rng_seed(tokio::runtime::RngSeed::from_bytes(&seed.to_le_bytes()));
    #[cfg(not(tokio_unstable))]
    let _ = seed;
    builder.build().expect("a runtime without I/O needs nothing of the operating system")
}

/// The future that is the whole run. Its output says what was still waiting, if a bound was reached.
pub(in super::super) struct Root {
    world: Rc<World>,
    handle: tokio::runtime::Handle,
    start: Instant,
    sleep: Pin<Box<Sleep>>,
    most_time: u64,
    most_events: u64,
    /// Tasks and threads of tokio's own after the last poll.
    strays: Cell<(usize, usize)>,
}

const TICK: u64 = 1_000_000;

impl Root {
    pub(in super::super) fn new(world: &Rc<World>, runtime: &Runtime, config: &Config) -> Self {
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
        while let Some(ready) = self.world.next_ready(HostId::WORLD) {
            let task = ready.metadata().clone();
            self.world.run_task(ready);
            self.watch_for_strays(&task.name, task.host);
            if !self.count() {
                return false;
            }
        }
        true
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<Option<String>> {
        let tick = self.start.elapsed().as_nanos() as u64;
        self.world.clock.set_tick(tick);
        loop {
            if !self.run_ready() {
                return Poll::Ready(Some(self.world.gave_up(&format!("{} events", self.most_events))));
            }
            if !self.world.executor.main_alive() {
                return Poll::Ready(None);
            }
            if tick >= self.most_time {
                let time = Duration::from_nanos(self.most_time);
                return Poll::Ready(Some(self.world.gave_up(&format!("{time:?} of simulated time"))));
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
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.world.executor.enter_lane(HostId::WORLD, cx.waker());
        let turn = this.turn(cx);
        this.world.executor.leave_lane(HostId::WORLD);
        turn
    }
}
