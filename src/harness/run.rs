//! One run: a fresh thread, a world on it, the phases, the verdict.
//!
//! Chaos: clients operate, the nemesis acts. Heal: faults lift. Settle: the world runs to the liveness bounds, then
//! operations at rest look at what is left. Then the invariants read the history.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::deployment::CLIENT;
use super::{Deployment, Draw, Findings, Observed, Plan, Record, Strike, System, Violation};
use crate::world::history::{History, What};
use crate::world::nemesis::{Fault, Nemesis, Plague, Scripted, Tally, Target};
use crate::world::tape::{Decision, Redraw, below};
use crate::world::{self, Config, HostId, Outcome, World, simulate};

/// How a run differs from what its seed says, and what is kept of it.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "what is kept of a run costs time, each for itself")]
pub struct RunOptions {
    /// Decisions that are pinned, whatever the seed draws.
    pub overrides: Vec<Decision>,
    /// Only the overrides are not benign: the seed draws nothing.
    pub only_overrides: bool,
    /// Keep the history, for a story.
    pub keep_history: bool,
    /// Keep every network message, and every point passed, in the history too.
    pub detail: bool,
    /// Events after which the run is given up, if that is fewer than its plan allows.
    pub most_events: Option<u64>,
    /// Keep in words what each decision means.
    pub meanings: bool,
    /// Up to some event the run is as it is, and from there on it goes by this seed: what clients do stays, and
    /// everything else is drawn anew.
    pub fork: Option<Fork>,
}

/// From where on a run is drawn anew, and from which seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fork {
    /// How many events stay as they are; those that only full detail keeps do not count.
    pub after: u64,
    /// The seed of what comes then.
    pub seed: u64,
}

impl Fork {
    /// Clients keep to what they do; how faults and latencies scatter is drawn from the start, or there would be none.
    fn redraw(self) -> Redraw {
        let Self { after, seed } = self;
        Redraw { after, seed, kept: &["operation", "think"], throughout: &["style", "swarm"] }
    }
}

/// A hash over the whole history of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u64);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Every invariant held.
    Holds,
    /// An invariant was broken, or something panicked.
    Violated,
    /// The run ended at a bound with work still waiting.
    Stuck,
    /// Nothing was checked: no operation ever completed.
    Vacuous,
}

/// What a run left behind.
#[derive(Clone, Debug)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// How it ended.
    pub verdict: Verdict,
    /// What was broken, in the order of time. A panic is the violation `no-panic`.
    pub violations: Vec<Violation>,
    /// Where the run was stuck, and on what it was still waiting.
    pub stuck: Option<String>,
    /// How often each invariant's precondition occurred; zero is listed too.
    pub exercised: BTreeMap<&'static str, u64>,
    /// Each kind of fault that the plan names.
    pub faults: BTreeMap<Arc<str>, Tally>,
    /// The hash of the history.
    pub fingerprint: Fingerprint,
    /// How much time went by in the world.
    pub simulated: Duration,
    /// How many events there were.
    pub events: u64,
    /// How many operations completed.
    pub completed: u32,
    /// All decisions that were not benign, in the order they were taken.
    pub decisions: Vec<Decision>,
    /// What each of them means, in words, where that was asked for.
    pub meanings: Vec<String>,
    /// Overrides whose site was never asked.
    pub drift: Vec<Decision>,
    /// The history, where it was asked for.
    pub history: Option<History>,
}

/// Runs `system` under `plan` from `seed`, on a thread of its own.
///
/// A pure function of its arguments.
///
/// # Panics
/// When the plan names a fault that neither every world nor this system knows, or the thread of the run cannot be made.
pub fn run<S: System>(system: &S, plan: &Plan, seed: u64, options: &RunOptions) -> Run {
    for (kind, _) in &plan.faults {
        let known = Fault::named(kind).is_some() || system.faults().contains(&kind.as_str());
        assert!(known, "`{kind}` is no kind of fault that {} or every world knows", system.name());
    }
    let config = Config {
        seed,
        overrides: plan.decisions.iter().chain(&options.overrides).cloned().collect(),
        benign: options.only_overrides,
        redraw: options.fork.map(Fork::redraw),
        detail: options.detail,
        meanings: options.meanings,
        most_time: plan.limits.chaos + plan.limits.settle + REST,
        most_events: options.most_events.unwrap_or(u64::MAX).min(plan.limits.events),
        ..Config::default()
    };
    let outcome = simulate(config, || drive(system.clone(), plan.clone(), options.meanings));
    judge(system, plan, seed, options, outcome)
}

/// What the operations at rest may take beyond chaos and settle before the run counts as stuck.
const REST: Duration = Duration::from_hours(1);
/// How long after faults have healed a system is looked at for the first time.
const RECOVERY: Duration = Duration::from_mins(3);
/// The longest pause between two operations of a client.
const THINK: Duration = Duration::from_secs(4);

/// What the world's main future hands over.
struct Driven<S: System> {
    operations: Vec<Record<S>>,
    faults: BTreeMap<Arc<str>, Tally>,
    healed: Duration,
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

async fn drive<S: System>(system: S, plan: Plan, telling: bool) -> Driven<S> {
    let world = World::current().expect("a run's main future runs inside its world");
    let driver = Rc::new(Driver::new(system, plan, telling, &world));
    driver.run().await
}

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

/// A kind of fault with everything it may strike.
fn plague(kind: &str, per_minute: f64, deployment: &Deployment, roles: &[(HostId, &'static str)]) -> Plague {
    let fault = Fault::named(kind);
    let mut targets = Vec::new();
    match fault {
        Some(fault) if fault.strikes_links() => {
            for (from, from_role) in roles {
                for (to, to_role) in roles {
                    // Unless told, anyone may send requests to any host but a client.
                    let linked = if deployment.links.is_empty() {
                        from != to && *to_role != CLIENT
                    } else {
                        from != to && deployment.links.contains(&(from_role, to_role))
                    };
                    if linked {
                        targets.push(Target::Link(*from, *to));
                    }
                }
            }
        }
        Some(fault) => {
            for (host, (id, _)) in deployment.hosts.iter().zip(roles) {
                if !host.immune.contains(&fault) {
                    targets.push(Target::Host(*id));
                }
            }
        }
        None => {
            for (host, (id, _)) in deployment.hosts.iter().zip(roles) {
                for (own, strike) in &host.faults {
                    if *own == kind {
                        targets.push(Target::Own(*id, strike.clone()));
                    }
                }
            }
        }
    }
    Plague { kind: kind.into(), per_minute, targets }
}

/// A scripted fault with what it strikes. One that does not make sense is refused where a plan is read.
fn scripted(strike: &Strike, deployment: &Deployment, world: &World) -> Option<Scripted> {
    let (kind, name) = (strike.kind(), strike.target());
    let target = match (Fault::named(kind), name.split_once('>')) {
        (Some(_), Some((from, to))) => Target::Link(world.host(from)?, world.host(to)?),
        (Some(_), None) => Target::Host(world.host(name)?),
        (None, _) => {
            let host = deployment.hosts.iter().find(|host| host.name == name)?;
            let (_, own) = host.faults.iter().find(|(own, _)| *own == kind)?;
            Target::Own(world.host(name)?, own.clone())
        }
    };
    Some(Scripted { at: strike.at, kind: kind.into(), target, blow: strike.blow().ok()? })
}

/// Asks every invariant about a run that is over.
fn judge<S: System>(system: &S, plan: &Plan, seed: u64, options: &RunOptions, outcome: Outcome<Driven<S>>) -> Run {
    let Outcome { value, mut stuck, history, decisions, meanings, drift, simulated, events } = outcome;
    let mut violations = world_violations(&history);
    let mut exercised = BTreeMap::new();
    let mut faults = BTreeMap::new();
    let mut completed = 0;
    if let Some(driven) = value {
        completed =
            driven.operations.iter().filter(|record| !record.at_rest && record.returned.is_some()).count() as u32;
        faults = driven.faults;
        let observed = Observed {
            history: &history,
            operations: &driven.operations,
            healed: driven.healed,
            ended: simulated,
            allowed: &plan.allow,
        };
        stuck = stuck.or_else(|| unanswered(&driven.operations));
        for invariant in system.invariants() {
            let mut findings = Findings { invariant: invariant.name(), ..Findings::default() };
            // An oracle that panics must not take the seed with it.
            let checked = catch_unwind(AssertUnwindSafe(|| invariant.check(&observed, &mut findings)));
            if let Err(payload) = checked {
                let why = payload.downcast_ref::<String>().map(String::as_str);
                let why = why.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or_default();
                violations.push(Violation {
                    invariant: NO_PANIC,
                    about: "panic of an oracle".to_owned(),
                    message: format!("the oracle {} panicked: {why}", findings.invariant),
                    at: simulated,
                });
            }
            exercised.insert(findings.invariant, findings.exercised);
            violations.append(&mut findings.violations);
        }
    }
    violations.sort_by_key(|violation| violation.at);
    let verdict = if !violations.is_empty() {
        Verdict::Violated
    } else if stuck.is_some() {
        Verdict::Stuck
    } else if completed == 0 {
        Verdict::Vacuous
    } else {
        Verdict::Holds
    };
    Run {
        seed,
        verdict,
        violations,
        stuck,
        exercised,
        faults,
        fingerprint: Fingerprint(history.fingerprint()),
        simulated,
        events,
        completed,
        decisions,
        meanings,
        drift,
        history: options.keep_history.then_some(history),
    }
}

/// The invariant of every world: nothing panics.
pub const NO_PANIC: &str = "no-panic";
/// The invariant of every world: nothing leaves it for tokio's own tasks, or for threads.
pub const NO_ESCAPE: &str = "no-escape";

/// Operations whose clients still wait when all is over, in words.
fn unanswered<S: System>(operations: &[Record<S>]) -> Option<String> {
    let waiting: Vec<&Record<S>> = operations.iter().filter(|record| record.returned.is_none()).collect();
    let named: Vec<String> = waiting
        .iter()
        .take(5)
        .map(|record| format!("#{} `{}` of {} since {:?}", record.id, record.operation, record.client, record.invoked))
        .collect();
    let more = if waiting.len() > named.len() { ", …" } else { "" };
    (!waiting.is_empty()).then(|| format!("{} operations never returned: {}{more}", waiting.len(), named.join(", ")))
}

/// What no system may do in any world: panic, or leave it.
fn world_violations(history: &History) -> Vec<Violation> {
    let of = |invariant, about: String, message, at| Violation { invariant, about, message, at };
    let found = history.events().iter().filter_map(|event| match &event.what {
        What::Panicked { task, message } => Some(of(
            NO_PANIC,
            format!("panic on {}", role(&event.host)),
            format!("task {task} on host {} panicked: {message}", event.host),
            event.at,
        )),
        What::Escaped(how) => Some(of(
            NO_ESCAPE,
            format!("escape on {}", role(&event.host)),
            format!("on host {}: {how}", event.host),
            event.at,
        )),
        _ => None,
    });
    found.collect()
}

/// A host's name without what numbers it among its like, for signatures: `pod-b` is `pod`, `c3` is `c`.
fn role(host: &str) -> &str {
    host.split_once('-').map_or_else(|| host.trim_end_matches(|c: char| c.is_ascii_digit()), |(role, _)| role)
}
