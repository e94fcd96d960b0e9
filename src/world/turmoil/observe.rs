//! Somebody else's simulation of turmoil's, with a world that looks on: hosts may run what calls [`runtime`](crate::runtime), and
//! what it reports is kept.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::super::executor;
use super::super::history::History;
use super::super::host::HostId;
use super::super::simulation::{Config, Seat, World, on_fresh_thread};
use super::Turmoil;
use super::hosts::Running;

/// Wraps hosts of a simulation of turmoil's, so that the world finds what runs on them.
pub struct Observer {
    world: Rc<World>,
}

impl Observer {
    /// The software of a host that turmoil knows by this name: what to give to `Sim::host`.
    ///
    /// Inside it, [`runtime`](crate::runtime) has turmoil's network and time, and points, activities, accesses, facts
    /// and commits go into the history.
    ///
    /// # Panics
    /// When two hosts are given one name.
    pub fn host<F>(&self, name: &str, program: impl Fn() -> F + 'static) -> impl Fn() -> Software + 'static
    where
        F: Future<Output = ()> + 'static,
    {
        let host = self.world.add_host(name, Rc::new(move || Box::pin(program())));
        let (world, name) = (self.world.clone(), name.to_owned());
        move || Software { world: world.clone(), host, name: name.clone(), running: None }
    }

    /// The same of a client, which is never started again: what to give to `Sim::client`.
    ///
    /// # Panics
    /// When two hosts are given one name.
    pub fn client<F>(&self, name: &str, program: impl Fn() -> F + 'static) -> Software
    where
        F: Future<Output = ()> + 'static,
    {
        self.host(name, program)()
    }

    /// Does something with what has been recorded so far.
    pub fn read<R>(&self, read: impl FnOnce(&History) -> R) -> R {
        self.world.read_history(read)
    }
}

/// What a host of turmoil's runs.
pub struct Software {
    world: Rc<World>,
    host: HostId,
    name: String,
    /// Since it was polled first: only then turmoil knows its address.
    running: Option<Pin<Box<Running>>>,
}

impl Future for Software {
    type Output = ::turmoil::Result;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let running = this.running.get_or_insert_with(|| {
            this.world.start_at(this.host, ::turmoil::lookup(this.name.as_str()));
            Box::pin(Running::new(&this.world, this.host))
        });
        running.as_mut().poll(cx)
    }
}

impl World {
    fn start_at(self: &Rc<Self>, host: HostId, address: IpAddr) {
        self.hosts.borrow_mut().get_mut(host).ip = address;
        self.start(host);
    }
}

/// Looks on at a simulation of turmoil's that `act` makes and runs, on a thread of its own; returns what it returned, and the
/// history. `seed` is that of what the world draws: which files a crash leaves, and the entropy of hosts.
///
/// ```
/// use std::time::Duration;
/// use sexton::runtime::fact;
/// use sexton::world::observe;
///
/// let (elapsed, history) = observe(7, |observer| {
///     let mut sim = turmoil::Builder::new().rng_seed(7).build();
///     sim.client("app", observer.client("app", || async { fact("app.ready", [("port", 80_i64.into())]) }));
///     sim.run().unwrap();
///     sim.elapsed()
/// });
/// assert!(elapsed < Duration::from_secs(1));
/// assert_eq!(history.events().iter().filter(|event| event.fact("app.ready").is_some()).count(), 1);
/// ```
///
/// # Panics
/// When `act` does, or the thread cannot be made.
pub fn observe<R: Send + 'static>(seed: u64, act: impl FnOnce(&Observer) -> R + Send) -> (R, History) {
    let config = Config { seed, ..Config::default() };
    on_fresh_thread(config.stack, move || {
        let seat = Seat::take(World::new(&config, Some(Turmoil::new(&config, true))));
        let world = seat.world.clone();
        let observer = Observer { world: world.clone() };
        let result = act(&observer);
        world.history.borrow_mut().sort_by_time();
        let outcome = seat.leave(&Some(result).into(), None, || executor::drop_all_tasks(&world));
        (outcome.value.expect("it was put there"), outcome.history)
    })
}
