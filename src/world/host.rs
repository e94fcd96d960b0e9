//! Hosts: named machines that start, crash, restart, pause and go on.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context as Poller, Poll};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::clock::WallClock;
use super::history::What;
use super::simulation::World;
use super::tape;

/// A host of the world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub(super) u16);

impl HostId {
    /// The world's own host, on which a run's main future lives. No fault strikes it.
    pub const WORLD: Self = Self(0);
}

/// What a host runs, anew at each start.
pub type Program = Rc<dyn Fn() -> Pin<Box<dyn Future<Output = ()>>>>;

pub(super) struct Host {
    pub(super) name: Arc<str>,
    pub(super) incarnation: u32,
    pub(super) up: bool,
    /// How many faults pause it at once.
    pub(super) paused: u32,
    pub(super) wall: WallClock,
    pub(super) roots: u32,
    pub(super) ip: IpAddr,
    pub(super) next_port: u16,
    entropy: ChaCha8Rng,
    program: Option<Program>,
}

pub(super) struct Hosts {
    all: Vec<Host>,
    seed: u64,
}

impl Hosts {
    pub(super) fn new(seed: u64) -> Self {
        let mut hosts = Self { all: Vec::new(), seed };
        let world = hosts.add("world", None);
        hosts.get_mut(world).up = true;
        hosts
    }

    fn add(&mut self, name: &str, program: Option<Program>) -> HostId {
        let id = HostId(u16::try_from(self.all.len()).expect("a world has fewer than 65,536 hosts"));
        let [high, low] = (id.0 + 1).to_be_bytes();
        self.all.push(Host {
            name: name.into(),
            incarnation: 0,
            up: false,
            paused: 0,
            wall: WallClock::default(),
            roots: 0,
            ip: IpAddr::V4(Ipv4Addr::new(10, 0, high, low)),
            next_port: 49_152,
            entropy: tape::entropy(self.seed, name),
            program,
        });
        id
    }

    pub(super) fn get(&self, id: HostId) -> &Host {
        &self.all[id.0 as usize]
    }

    pub(super) fn get_mut(&mut self, id: HostId) -> &mut Host {
        &mut self.all[id.0 as usize]
    }

    /// The host with this address.
    pub(super) fn at(&self, ip: IpAddr) -> Option<HostId> {
        self.all.iter().position(|host| host.ip == ip).map(|place| HostId(place as u16))
    }

    /// A host by its name or its address.
    pub(super) fn find(&self, name: &str) -> Option<HostId> {
        let ip: Option<IpAddr> = name.parse().ok();
        let place = self.all.iter().position(|host| *host.name == *name || ip == Some(host.ip))?;
        Some(HostId(place as u16))
    }
}

impl World {
    /// Adds a host that runs `program` at each start. It is down until [`World::start`].
    ///
    /// # Panics
    /// When another host has the name.
    pub fn add_host(&self, name: &str, program: Program) -> HostId {
        let mut hosts = self.hosts.borrow_mut();
        assert!(hosts.find(name).is_none(), "two hosts are called `{name}`; give each its own name");
        hosts.add(name, Some(program))
    }

    /// A host by its name.
    pub fn host(&self, name: &str) -> Option<HostId> {
        self.hosts.borrow().find(name)
    }

    /// Whether a host is up.
    pub fn is_up(&self, host: HostId) -> bool {
        self.hosts.borrow().get(host).up
    }

    /// Starts a host that is down: a new incarnation, with its program as its first task.
    pub fn start(self: &Rc<Self>, host: HostId) {
        let program = {
            let mut hosts = self.hosts.borrow_mut();
            let state = hosts.get_mut(host);
            if state.up {
                return;
            }
            state.up = true;
            state.paused = 0;
            state.incarnation += 1;
            state.roots = 0;
            state.program.clone()
        };
        self.record_of(host, What::Started);
        if let Some(turmoil) = &self.turmoil {
            turmoil.start(host);
        }
        let Some(program) = program else { return };
        // The program is made inside its first task, so that whatever it does at once is done by the host.
        let world = self.clone();
        drop(self.spawn_on(host, async move {
            program().await;
            world.record_of(host, What::Exited);
            world.end(host);
        }));
    }

    /// Starts every host that has run before and is down now.
    pub(super) fn start_all(self: &Rc<Self>) {
        let count = self.hosts.borrow().all.len() as u16;
        for host in (0..count).map(HostId) {
            let down = {
                let hosts = self.hosts.borrow();
                let state = hosts.get(host);
                state.incarnation > 0 && !state.up
            };
            if down {
                self.start(host);
            }
        }
    }

    /// Crashes a host: its tasks are gone at once, none of their destructors is heard, its peers see a reset. It may lose
    /// power too, and with it what of its files was not synced.
    ///
    /// From inside a task of that host the task itself ends at its next await.
    pub fn crash(self: &Rc<Self>, host: HostId) {
        if !self.is_up(host) || host == HostId::WORLD {
            return;
        }
        self.record_of(host, What::Crashed);
        self.crash_disk(host);
        self.end(host);
    }

    /// The end of an incarnation, by a crash or because its program returned: as the end of a process.
    fn end(self: &Rc<Self>, host: HostId) {
        let incarnation = {
            let mut hosts = self.hosts.borrow_mut();
            let state = hosts.get_mut(host);
            state.up = false;
            state.paused = 0;
            state.incarnation
        };
        if let Some(turmoil) = &self.turmoil {
            // Its tasks go with the runtime that polls them, once nothing of it runs.
            turmoil.end(host);
            return;
        }
        self.net_crash(host);
        self.drop_tasks(host, incarnation);
    }

    /// Pauses a host: its tasks stand still while the world goes on, as under a stopped process or a long collection.
    /// Pauses add up; each needs its own [`World::resume`].
    pub fn pause(&self, host: HostId) {
        {
            let mut hosts = self.hosts.borrow_mut();
            let state = hosts.get_mut(host);
            if !state.up || host == HostId::WORLD {
                return;
            }
            state.paused += 1;
            if state.paused > 1 {
                return;
            }
        }
        self.record_of(host, What::Paused);
    }

    /// Takes one pause away; with the last one the host goes on.
    pub fn resume(&self, host: HostId) {
        {
            let mut hosts = self.hosts.borrow_mut();
            let state = hosts.get_mut(host);
            if state.paused == 0 {
                return;
            }
            state.paused -= 1;
            if state.paused > 0 {
                return;
            }
        }
        self.record_of(host, What::Resumed);
        self.unpark(host);
    }

    /// Changes a host's wall clock.
    pub fn adjust_clock(&self, host: HostId, adjust: impl FnOnce(&mut WallClock, u64)) {
        let now = self.clock.tick();
        adjust(&mut self.hosts.borrow_mut().get_mut(host).wall, now);
    }

    /// Fills a buffer with the entropy of the current host.
    pub(super) fn fill_entropy(&self, buffer: &mut [u8]) {
        let host = self.context.borrow().host;
        self.hosts.borrow_mut().get_mut(host).entropy.fill_bytes(buffer);
    }
}

/// Crashes the current host from inside one of its tasks. It never returns.
pub async fn crash_self() {
    World::with(|world| {
        let host = world.context().host;
        world.crash(host);
    });
    Never.await;
}

struct Never;
impl Future for Never {
    type Output = ();
    fn poll(self: Pin<&mut Self>, _: &mut Poller<'_>) -> Poll<()> {
        Poll::Pending
    }
}
