//! A host of turmoil's, as the future that it runs: it polls the tasks that the world has for the host.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::super::history::What;
use super::super::host::HostId;
use super::super::simulation::World;

/// An incarnation of a host while it runs.
pub(super) struct Running {
    world: Rc<World>,
    host: HostId,
    incarnation: u32,
}

impl Running {
    /// What has been started on the host.
    pub(super) fn new(world: &Rc<World>, host: HostId) -> Self {
        let incarnation = world.hosts.borrow().get(host).incarnation;
        Self { world: world.clone(), host, incarnation }
    }

    fn is_up(&self) -> bool {
        let hosts = self.world.hosts.borrow();
        let host = hosts.get(self.host);
        host.up && host.incarnation == self.incarnation
    }
}

impl Future for Running {
    type Output = turmoil::Result;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let world = &self.world;
        let Some(turmoil) = &world.turmoil else { return Poll::Pending };
        let now = turmoil::sim_elapsed().unwrap_or_default();
        world.clock.set_tick_of_host(now.as_nanos() as u64);
        world.executor.enter_lane(self.host, cx.waker());
        while world.events.get() < turmoil.most_events && self.is_up() {
            let Some(ready) = world.next_ready(self.host) else { break };
            world.run_task(ready);
            world.events.set(world.events.get() + 1);
        }
        world.executor.leave_lane(self.host);
        if turmoil.observing && !self.is_up() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Not where the whole run is being torn down.
        if World::with(|_| ()).is_none() {
            return;
        }
        // Outside of the simulation it is not a crash, but the end of all.
        if self.is_up() && turmoil::in_simulation() {
            self.world.record_of(self.host, What::Crashed);
            self.world.crash_disk(self.host);
            self.world.hosts.borrow_mut().get_mut(self.host).up = false;
        }
        self.world.drop_tasks(self.host, self.incarnation);
    }
}
