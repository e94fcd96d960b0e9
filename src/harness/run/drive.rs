//! The phases of a run: what clients, the nemesis and the script do, and when.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::targets::{plague, scripted};
use crate::harness::deployment::CLIENT;
use crate::harness::{Deployment, Draw, Plan, Record, System};
use crate::world::history::What;
use crate::world::nemesis::{Nemesis, Plague, Scripted, Tally};
use crate::world::tape::below;
use crate::world::{self, HostId, World};

/// How long after faults have healed a system is looked at for the first time.
const RECOVERY: Duration = Duration::from_mins(3);
/// The longest pause between two operations of a client.
const THINK: Duration = Duration::from_secs(4);

/// What the world's main future hands over.
pub(super) struct Driven<S: System> {
    pub(super) operations: Vec<Record<S>>,
    pub(super) faults: BTreeMap<Arc<str>, Tally>,
    pub(super) healed: Duration,
}

/// The operations of all clients, while they go on.
struct Ledger<S: System> {
    operations: RefCell<Vec<Record<S>>>,
    in_flight: Cell<u64>,
    /// Chaos is over: no client begins anything new.
    closed: Cell<bool>,
    /// Wakes scripted holds at each start and return of an operation.
    changed: tokio::sync::Notify,
}

/// The main future of a run, inside its world.
pub(super) async fn drive<S: System>(system: S, plan: Plan, telling: bool) -> Driven<S> {
    let world = World::current().expect("a run's main future runs inside its world");
    let driver = Rc::new(Driver::new(system, plan, telling, &world));
    driver.run().await
}

/// A run that is going on.
struct Driver<S: System> {
    system: S,
    plan: Plan,
    /// Whether anybody wants to know what decisions mean.
    telling: bool,
    world: Rc<World>,
    ledger: Rc<Ledger<S>>,
    clients: Vec<(HostId, Arc<str>, S::Client)>,
    plagues: Vec<Plague>,
    strikes: Vec<Scripted>,
    hosts: Vec<HostId>,
    heals: Vec<Rc<dyn Fn()>>,
}

impl<S: System> Driver<S> {
    /// Puts the system's hosts and clients into the world.
    fn new(system: S, plan: Plan, telling: bool, world: &Rc<World>) -> Self {
        let mut deployment = Deployment::default();
        system.deploy(&mut deployment);
        let mut roles: Vec<(HostId, &'static str)> = Vec::new();
        let mut hosts = Vec::new();
        for host in &deployment.hosts {
            let id = world.add_host(&host.name, host.program.clone());
            roles.push((id, host.role));
            hosts.push(id);
        }
        let mut clients = Vec::new();
        for number in 1..=system.load().clients {
            let name = format!("c{number}");
            let id = world.add_host(&name, Rc::new(|| Box::pin(std::future::pending())));
            roles.push((id, CLIENT));
            clients.push((id, name.as_str().into(), system.client(&name)));
        }
        let plagues = plan.faults.iter().map(|(kind, rate)| plague(kind, *rate, &deployment, &roles)).collect();
        let strikes = plan.strikes.iter().filter_map(|strike| scripted(strike, &deployment, world)).collect();
        let ledger = Rc::new(Ledger {
            operations: RefCell::default(),
            in_flight: Cell::new(0),
            closed: Cell::new(false),
            changed: tokio::sync::Notify::new(),
        });
        let heals = deployment.hosts.into_iter().flat_map(|host| host.heals).collect();
        Self { system, plan, telling, world: world.clone(), ledger, clients, plagues, strikes, hosts, heals }
    }

    async fn run(self: Rc<Self>) -> Driven<S> {
        let world = self.world.clone();
        world.record(What::Phase("chaos"));
        self.draw_style();
        for host in &self.hosts {
            world.start(*host);
        }
        for (host, _, _) in &self.clients {
            world.start(*host);
        }
        self.script_holds();

        let ledger = self.ledger.clone();
        let busy = Rc::new(move || (ledger.in_flight.get(), ledger.operations.borrow().len() as u64));
        let nemesis = Rc::new(Nemesis::new(&world, self.plagues.clone(), self.strikes.clone(), busy));
        let striking = nemesis.clone();
        let strikes = world.spawn_on(HostId::WORLD, async move { striking.act().await });
        let work = self.clone();
        let chaos = tokio::time::timeout(self.plan.limits.chaos, async move { work.operate().await });
        // Clients that are not done when chaos ends go on through heal and settle with what they have begun.
        let _ = chaos.await;
        self.ledger.closed.set(true);

        world.record(What::Phase("heal"));
        strikes.abort();
        nemesis.heal();
        self.heals.iter().for_each(|heal| heal());
        let healed = world.elapsed();
        world.record(What::Phase("settle"));
        let settled = tokio::time::Instant::now() + self.plan.limits.settle;
        tokio::time::sleep(RECOVERY.min(self.plan.limits.settle)).await;
        let looks = self.system.recovered(&self.ledger.operations.borrow());
        self.clone().look_around(looks).await;
        tokio::time::sleep_until(settled).await;

        world.record(What::Phase("rest"));
        let looks = self.system.at_rest(&self.ledger.operations.borrow());
        self.clone().look_around(looks).await;
        let operations = self.ledger.operations.borrow().clone();
        Driven { operations, faults: nemesis.tallies(), healed }
    }

    /// Each seed has a temperament of its own: how far latencies scatter, how unfair the scheduler is.
    fn draw_style(&self) {
        let draw = |name: &'static str, bound: u64| {
            let mut tape = self.world.tape().borrow_mut();
            let site = tape.site("style", name);
            let drawn = tape.next(site, |word| below(word, bound)).min(bound - 1);
            tape.tell(site, 0, || format!("how {name} scatters, from 0 (not at all) to {}: {drawn}", bound - 1));
            drawn as usize
        };
        let jitter = [0, 100, 1_000, 5_000, 50_000][draw("latency", 5)];
        let unfairness = [0, 50_000, 300_000][draw("schedule", 3)];
        self.world.set_jitter(Duration::from_micros(jitter));
        self.world.set_unfairness(unfairness);
    }

    /// All clients at work, until they have done all operations.
    async fn operate(self: Rc<Self>) {
        let mut handles = Vec::new();
        if self.plan.steps.is_empty() {
            let load = self.system.load();
            let count = load.clients.max(1);
            for number in 0..load.clients {
                let share = load.operations / count + u32::from(number < load.operations % count);
                let this = self.clone();
                let host = self.clients[number as usize].0;
                handles.push(self.world.spawn_on(host, async move { this.client(number as usize, share).await }));
            }
        } else {
            for (number, (host, name, _)) in self.clients.iter().enumerate() {
                // Each step on a task of its own: a scripted client may have several operations in flight.
                for step in self.plan.steps.iter().filter(|step| *step.client == **name) {
                    let operation = self.system.parse(&step.operation);
                    let (this, at) = (self.clone(), step.at);
                    handles.push(self.world.spawn_on(*host, async move {
                        let operation = operation.expect("scripted operations are checked when a scenario is read");
                        tokio::time::sleep(at.saturating_sub(this.world.elapsed())).await;
                        this.perform(number, operation, false).await;
                    }));
                }
            }
        }
        for handle in handles {
            let _ = handle.await;
        }
    }

    async fn client(&self, number: usize, operations: u32) {
        let name = self.clients[number].1.clone();
        for ordinal in 0..operations {
            let (pause, operation) = {
                let mut draw = Draw::new(&self.world, &name, ordinal);
                let (pause, operation) = (draw.think(THINK), self.system.next(&mut draw));
                if self.telling {
                    draw.tell(operation.as_ref().map(ToString::to_string).as_deref(), pause);
                }
                (pause, operation)
            };
            tokio::time::sleep(pause).await;
            if self.ledger.closed.get() {
                return;
            }
            if let Some(operation) = operation {
                self.perform(number, operation, false).await;
            }
        }
    }

    async fn perform(&self, client: usize, operation: S::Operation, at_rest: bool) {
        let (_, name, handle) = &self.clients[client];
        let text: Arc<str> = operation.to_string().into();
        let activity = self.world.start_activity(text.clone(), false);
        let id = {
            let mut operations = self.ledger.operations.borrow_mut();
            let id = operations.len() as u32;
            operations.push(Record {
                id,
                client: name.clone(),
                activity,
                operation: operation.clone(),
                invoked: self.world.elapsed(),
                returned: None,
                outcome: None,
                at_rest,
            });
            id
        };
        let work = async {
            self.world.record(What::Invoked { operation: id, text });
            self.ledger.in_flight.set(self.ledger.in_flight.get() + 1);
            self.ledger.changed.notify_waiters();
            let outcome = self.system.perform(handle.clone(), operation).await;
            self.ledger.in_flight.set(self.ledger.in_flight.get() - 1);
            self.world.record(What::Returned { operation: id, text: outcome.to_string().into() });
            let record = &mut self.ledger.operations.borrow_mut()[id as usize];
            record.returned = Some(self.world.elapsed());
            record.outcome = Some(outcome);
        };
        world::resume_activity(activity, work).await;
        self.ledger.changed.notify_waiters();
    }

    /// Operations that look at what has become of the system, one after another, by the first client.
    async fn look_around(self: Rc<Self>, operations: Vec<S::Operation>) {
        let Some((host, _, _)) = self.clients.first() else { return };
        let this = self.clone();
        let looks = self.world.spawn_on(*host, async move {
            for operation in operations {
                this.perform(0, operation, true).await;
            }
        });
        let _ = looks.await;
    }

    /// Scripted holds: each is armed at once, and let go when what it waits for has happened.
    fn script_holds(self: &Rc<Self>) {
        for hold in &self.plan.holds {
            let (name, subject) = match hold.point.split_once(' ') {
                Some((name, subject)) => (name, Some(subject)),
                None => (&*hold.point, None),
            };
            let id = self.world.hold_at(name, subject);
            let (this, until) = (self.clone(), hold.until.clone());
            drop(self.world.spawn_on(HostId::WORLD, async move {
                this.wait_until(&until, id).await;
                this.world.release(id);
            }));
        }
    }

    async fn wait_until(&self, until: &str, hold: world::HoldId) {
        if let Ok(time) = humantime::parse_duration(until) {
            // A duration counts from when a task is held.
            self.world.held(hold).await;
            tokio::time::sleep(time).await;
            return;
        }
        let (operation, returns) = match until.strip_suffix(" returns") {
            Some(operation) => (operation, true),
            None => (until.strip_suffix(" starts").unwrap_or(until), false),
        };
        // However it is spelt there, it is the operation that counts.
        let operation =
            self.system.parse(operation).map_or_else(|_| operation.to_owned(), |operation| operation.to_string());
        loop {
            let changed = self.ledger.changed.notified();
            let happened = self
                .ledger
                .operations
                .borrow()
                .iter()
                .any(|record| record.operation.to_string() == operation && (!returns || record.returned.is_some()));
            if happened {
                return;
            }
            changed.await;
        }
    }
}
