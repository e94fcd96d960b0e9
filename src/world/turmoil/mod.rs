//! The other engine: the same world, with turmoil's network, clock and hosts below it.
//!
//! Tasks, points, faults, files and the history are the world's own, as ever. Turmoil has the time, which goes in ticks for
//! each of its hosts by turns, and what travels between them. What can only be done to a simulation between two of
//! its steps is an *order*, carried out there.

mod hosts;
mod observe;
mod orders;
mod wire;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::future::Future;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use self::hosts::Running;
pub use self::observe::{Observer, Software, observe};
use self::orders::Order;
use self::wire::Wires;
pub(crate) use self::wire::{Listener, Stream};
use super::executor;
use super::host::HostId;
use super::simulation::{Config, Engine, Outcome, Seat, World};

/// How many messages of one stream may be on their way.
const IN_FLIGHT: usize = 1024;

/// What a world keeps beside turmoil.
pub(super) struct Turmoil {
    wires: RefCell<Wires>,
    orders: RefCell<Vec<Order>>,
    /// Links whose condition has changed since the last step.
    changed: RefCell<BTreeSet<(HostId, HostId)>>,
    /// Hosts that turmoil knows.
    known: RefCell<BTreeSet<HostId>>,
    /// Whether somebody else's simulation is only looked at.
    observing: bool,
    /// Events after which nothing runs any more.
    most_events: u64,
}

impl Turmoil {
    fn new(config: &Config, observing: bool) -> Self {
        Self {
            wires: RefCell::default(),
            orders: RefCell::default(),
            changed: RefCell::default(),
            known: RefCell::default(),
            observing,
            most_events: config.most_events,
        }
    }
}

/// A run on turmoil, on this thread: see [`Engine::Turmoil`](super::Engine::Turmoil).
pub(super) fn by_ticks<T: 'static, F: Future<Output = T> + 'static>(
    config: &Config,
    tick: Duration,
    main: impl FnOnce() -> F,
) -> Outcome<T> {
    assert!(Engine::is_tick(tick), "turmoil's clock goes in whole milliseconds, so a tick cannot be {tick:?}");
    let seat = Seat::take(World::new(config, Some(Turmoil::new(config, false))));
    let world = seat.world.clone();
    let mut sim = ::turmoil::Builder::new()
        .rng_seed(config.seed)
        .tick_duration(tick)
        .simulation_duration(Duration::MAX)
        .tcp_capacity(IN_FLIGHT)
        .build();
    world.attach(&mut sim, HostId::WORLD);
    let value = executor::spawn_main(&world, main());
    let stuck = world.step_until_done(&mut sim, config);
    world.history.borrow_mut().sort_by_time();
    seat.leave(&value, stuck, || executor::drop_all_tasks(&world))
}

impl World {
    /// Makes one of its hosts a host of turmoil's, with what has been started on it.
    fn attach(self: &Rc<Self>, sim: &mut ::turmoil::Sim<'_>, host: HostId) {
        let world = self.clone();
        sim.host(self.address(host), move || Running::new(&world, host));
        if let Some(turmoil) = &self.turmoil {
            turmoil.known.borrow_mut().insert(host);
        }
    }

    fn address(&self, host: HostId) -> IpAddr {
        self.hosts.borrow().get(host).ip
    }

    fn step_until_done(self: &Rc<Self>, sim: &mut ::turmoil::Sim<'_>, config: &Config) -> Option<String> {
        while self.executor.main_alive() {
            let elapsed = sim.elapsed();
            self.clock.set_tick_of_host(elapsed.as_nanos() as u64);
            self.carry_out_orders(sim);
            if elapsed >= config.most_time {
                return Some(self.gave_up(&format!("{:?} of simulated time", config.most_time)));
            }
            if self.events.get() >= config.most_events {
                return Some(self.gave_up(&format!("{} events", config.most_events)));
            }
            if let Err(error) = sim.step() {
                return Some(self.gave_up(&format!("turmoil failed: {error}")));
            }
        }
        None
    }
}
