//! Faults over time, and the heal that ends them.
//!
//! A fault is drawn per kind, subject and slot of five seconds; zero is no fault. Each seed draws first, per kind,
//! whether it occurs at all and how densely (*swarm testing*: Groce et al., ISSTA 2012), because runs with every kind
//! of fault at once hide what needs one kind to be absent.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::disk::Trouble;
pub use super::fault::{Blow, Drawn, Fault, IN_WAIT};
use super::fault::{OWN, SLOT, unpack};
use super::history::What;
use super::host::HostId;
use super::net::{Set, Touched, link_name};
use super::simulation::World;
use super::tape::{SiteId, below, chance};

/// A fault that is scripted: it strikes at its time, if its host is up then.
#[derive(Clone)]
pub struct Scripted {
    /// When, since the start of the run.
    pub at: Duration,
    /// The kind's name.
    pub kind: Arc<str>,
    /// Where.
    pub target: Target,
    /// How hard.
    pub blow: Blow,
}

/// What a server does when a fault of its own strikes: it gets a magnitude of 1 or more, and says what it did.
pub type Strike = Rc<dyn Fn(u64) -> String>;

/// Where a kind of fault may strike.
#[derive(Clone)]
pub enum Target {
    /// A host.
    Host(HostId),
    /// The link on which the first host sends requests to the second.
    Link(HostId, HostId),
    /// A fault of a host's own.
    Own(HostId, Strike),
}

/// One kind of fault, how often and where.
#[derive(Clone)]
pub struct Plague {
    /// The kind's name; that of a [`Fault`], or of a host's own.
    pub kind: Arc<str>,
    /// Expected strikes per simulated minute over all targets.
    pub per_minute: f64,
    /// Where it may strike.
    pub targets: Vec<Target>,
}

/// How often a kind of fault struck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Injected.
    pub injected: u64,
    /// Of these, how many were in force while an operation was in flight.
    pub met: u64,
}

/// How much work is going on: operations in flight, and operations begun so far.
pub type Busy = Rc<dyn Fn() -> (u64, u64)>;

/// Draws faults and applies them, until it is told to heal.
pub struct Nemesis {
    world: Rc<World>,
    plagues: Vec<Armed>,
    script: Vec<Scripted>,
    busy: Busy,
    state: RefCell<State>,
}

struct Armed {
    kind: Arc<str>,
    fault: Option<Fault>,
    /// Chance per target and slot, per million.
    chance: u64,
    targets: Vec<(Target, Arc<str>)>,
}

#[derive(Default)]
struct State {
    agenda: BinaryHeap<Reverse<Entry>>,
    order: u64,
    tallies: BTreeMap<Arc<str>, Tally>,
    healed: bool,
}

struct Entry {
    at: u64,
    order: u64,
    act: Act,
}

enum Act {
    Strike { plague: usize, target: usize, magnitude: u64, decided: (SiteId, u64) },
    Script(usize),
    Undo { kind: Arc<str>, undo: Undo, began: u64 },
}

enum Undo {
    Start(HostId),
    Resume(HostId),
    Mend(Vec<(HostId, HostId)>),
    Unslow(HostId, HostId),
    Disarm(Fault, HostId, HostId),
    Relieve(HostId, Trouble),
    /// Nothing is left to undo; whether it met a stream was seen at once.
    Done(bool),
    Nothing,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

const SLOTS_PER_MINUTE: f64 = 12.0;

impl Nemesis {
    /// A nemesis for this world, with what it draws and what is scripted. Each kind's density is drawn here.
    pub fn new(world: &Rc<World>, plagues: Vec<Plague>, script: Vec<Scripted>, busy: Busy) -> Self {
        let mut state = State::default();
        let mut armed = Vec::new();
        for plague in plagues {
            state.tallies.insert(plague.kind.clone(), Tally::default());
            // Off in a third of all seeds; else from sparse to dense, so that the mean over seeds is what was asked for.
            let density = {
                let mut tape = world.tape.borrow_mut();
                let site = tape.site("swarm", &plague.kind);
                tape.next(site, |word| below(word, 6).saturating_sub(1))
            };
            let factor = [0.0, 0.3, 0.7, 1.5, 3.5][density.min(4) as usize];
            let fault = Fault::named(&plague.kind);
            if fault == Some(Fault::Stall) {
                // Per hundred points, so per cent: ten thousand per million.
                world.set_stall((plague.per_minute * factor * 10_000.0) as u64);
                continue;
            }
            if (density == 0 && !world.tape.borrow().is_pinned()) || plague.targets.is_empty() {
                continue;
            }
            let each = plague.per_minute * factor / SLOTS_PER_MINUTE / plague.targets.len() as f64;
            let targets = plague.targets.into_iter().map(|target| (target.clone(), name_of(world, &target))).collect();
            armed.push(Armed { kind: plague.kind, fault, chance: (each * 1e6) as u64, targets });
        }
        Self { world: world.clone(), plagues: armed, script, busy, state: RefCell::new(state) }
    }

    /// Strikes until it is dropped or healed. Run it on the world's own host.
    pub async fn act(&self) {
        let start = tokio::time::Instant::now();
        let origin = self.world.clock.tick();
        for (place, scripted) in self.script.iter().enumerate() {
            self.schedule(scripted.at.as_nanos() as u64, Act::Script(place));
        }
        for slot in 0_u32.. {
            // Without kinds of fault to draw, only what is scripted has to be waited for: a week may pass in one step.
            if self.plagues.is_empty() && self.state.borrow().agenda.is_empty() {
                return;
            }
            let from = origin + u64::from(slot) * SLOT.as_nanos() as u64;
            self.draw(u64::from(slot), from);
            let end = from + SLOT.as_nanos() as u64;
            while let Some(at) = self.next_before(end) {
                tokio::time::sleep_until(start + Duration::from_nanos(at - origin)).await;
                if self.state.borrow().healed {
                    return;
                }
                // Taken off the agenda only when it happens, so that a heal in between finds it there.
                let due = self.state.borrow_mut().agenda.pop();
                if let Some(Reverse(entry)) = due {
                    self.perform(entry.act);
                }
            }
            tokio::time::sleep_until(start + Duration::from_nanos(end - origin)).await;
        }
    }

    fn next_before(&self, end: u64) -> Option<u64> {
        self.state.borrow().agenda.peek().map(|Reverse(entry)| entry.at).filter(|at| *at < end)
    }

    fn schedule(&self, at: u64, act: Act) {
        let mut state = self.state.borrow_mut();
        let order = state.order;
        state.order += 1;
        state.agenda.push(Reverse(Entry { at, order, act }));
    }

    /// Draws what strikes in a slot. One value holds both when in the slot and how badly.
    fn draw(&self, slot: u64, from: u64) {
        for (plague, armed) in self.plagues.iter().enumerate() {
            for (target, (_, name)) in armed.targets.iter().enumerate() {
                let (site, value) = {
                    let mut tape = self.world.tape.borrow_mut();
                    let site = match armed.fault {
                        Some(fault) => tape.site(fault.site(), name),
                        None => tape.site(OWN, &format!("{} {name}", armed.kind)),
                    };
                    let value = tape.at(site, slot, |word| {
                        if chance(word, armed.chance) == 0 { 0 } else { 1 + (word.rotate_left(40) & 0xf_ffff) }
                    });
                    (site, value)
                };
                if let Some((offset, magnitude)) = unpack(value) {
                    self.schedule(from + offset, Act::Strike { plague, target, magnitude, decided: (site, slot) });
                }
            }
        }
    }

    fn perform(&self, act: Act) {
        match act {
            Act::Strike { plague, target, magnitude, decided } => self.draw_strike(plague, target, magnitude, decided),
            Act::Script(place) => {
                let Scripted { kind, target, blow, .. } = &self.script[place];
                self.strike(kind, target, &name_of(&self.world, target), *blow);
            }
            Act::Undo { kind, undo, began } => self.undo(&kind, &undo, began),
        }
    }

    fn draw_strike(&self, plague: usize, target: usize, magnitude: u64, (site, slot): (SiteId, u64)) {
        let armed = &self.plagues[plague];
        let (target, name) = &armed.targets[target];
        let Some((blow, reversed)) = Blow::drawn(armed.fault, magnitude) else { return };
        let struck = match target {
            Target::Link(from, to) if reversed => self.strike(&armed.kind, &Target::Link(*to, *from), name, blow),
            target => self.strike(&armed.kind, target, name, blow),
        };
        let Some(detail) = struck else { return };
        let now = Duration::from_nanos(self.world.clock.tick());
        let told = || format!("fault {} strikes {name} at {now:?}: {detail}", armed.kind);
        self.world.tape.borrow_mut().tell(site, slot, told);
    }

    /// Strikes, unless there is nothing to strike; says what it did. `name` is what the history calls the target.
    fn strike(&self, kind: &Arc<str>, target: &Target, name: &Arc<str>, blow: Blow) -> Option<Arc<str>> {
        let now = self.world.clock.tick();
        let (detail, lasts, undo) = match target {
            Target::Host(host) => self.strike_host(*host, blow)?,
            Target::Link(from, to) => self.strike_link(*from, *to, blow)?,
            Target::Own(_, strike) => match blow {
                Blow::Own(magnitude) => (strike(magnitude), Duration::ZERO, Undo::Nothing),
                _ => return None,
            },
        };
        let detail: Arc<str> = detail.into();
        self.world.record_of(
            HostId::WORLD,
            What::Fault { kind: kind.clone(), subject: name.clone(), detail: detail.clone(), lasts },
        );
        let (in_flight, began) = (self.busy)();
        {
            let mut state = self.state.borrow_mut();
            let tally = state.tallies.entry(kind.clone()).or_default();
            tally.injected += 1;
        }
        // What met nothing when it struck may still meet something before it ends.
        let began = if in_flight > 0 { began.saturating_sub(1) } else { began };
        self.schedule(now + lasts.as_nanos() as u64, Act::Undo { kind: kind.clone(), undo, began });
        Some(detail)
    }

    fn strike_host(&self, host: HostId, blow: Blow) -> Option<(String, Duration, Undo)> {
        let world = &self.world;
        if matches!(blow, Blow::Restart(_) | Blow::Pause(_)) && !world.is_up(host) {
            return None;
        }
        Some(match blow {
            Blow::Restart(down) => {
                world.crash(host);
                (format!("down for {down:?}"), down, Undo::Start(host))
            }
            Blow::Pause(pause) => {
                world.pause(host);
                (format!("for {pause:?}"), pause, Undo::Resume(host))
            }
            Blow::ClockJump(nanos) => {
                world.adjust_clock(host, |wall, _| wall.jump(nanos));
                let way = if nanos < 0 { "back" } else { "ahead" };
                let jump = Duration::from_nanos(nanos.unsigned_abs());
                (format!("{jump:?} {way}"), Duration::ZERO, Undo::Nothing)
            }
            Blow::ClockDrift(rate) => {
                world.adjust_clock(host, |wall, now| wall.set_drift(now, rate));
                (format!("{rate} parts per million"), Duration::ZERO, Undo::Nothing)
            }
            Blow::DiskFull(lasts) => {
                world.trouble_disk(host, Trouble::Full);
                (format!("for {lasts:?}"), lasts, Undo::Relieve(host, Trouble::Full))
            }
            Blow::DiskError(lasts) => {
                world.trouble_disk(host, Trouble::Error);
                ("the next call".into(), lasts, Undo::Relieve(host, Trouble::Error))
            }
            _ => return None,
        })
    }

    fn strike_link(&self, from: HostId, to: HostId, blow: Blow) -> Option<(String, Duration, Undo)> {
        let world = &self.world;
        Some(match blow {
            Blow::Partition(lasts) => {
                world.cut(from, to);
                world.cut(to, from);
                (format!("for {lasts:?}"), lasts, Undo::Mend(vec![(from, to), (to, from)]))
            }
            Blow::OneWay(lasts) => {
                world.cut(from, to);
                (format!("{} for {lasts:?}", link_name(world, from, to)), lasts, Undo::Mend(vec![(from, to)]))
            }
            Blow::Slow { by, lasts } => {
                world.slow(from, to, by);
                world.slow(to, from, by);
                (format!("by up to {by:?} for {lasts:?}"), lasts, Undo::Unslow(from, to))
            }
            Blow::LostRequest(lasts) => {
                world.lose_request(from, to);
                ("the next request".into(), lasts, Undo::Disarm(Fault::LostRequest, from, to))
            }
            Blow::LostReply(lasts) => {
                world.lose_reply(from, to);
                ("the next reply".into(), lasts, Undo::Disarm(Fault::LostReply, from, to))
            }
            Blow::Late { by, lasts } => {
                world.delay_request(from, to, by);
                (format!("the next request by {by:?}"), lasts, Undo::Disarm(Fault::Late, from, to))
            }
            Blow::Reset => {
                let met = world.reset(from, to);
                ("all streams".into(), Duration::ZERO, Undo::Done(met))
            }
            _ => return None,
        })
    }

    fn undo(&self, kind: &Arc<str>, undo: &Undo, began: u64) {
        let world = &self.world;
        // A fault of a link has met something if a message of that link felt it; one of a disk, if a call did; one of a host, if
        // work was going on.
        let mut met = None;
        match undo {
            Undo::Start(host) => world.start(*host),
            Undo::Resume(host) => world.resume(*host),
            Undo::Mend(ways) => {
                let (from, to) = ways[0];
                met = Some(world.take_touched(from, to, |touched| &mut touched.stalled));
                for (from, to) in ways {
                    world.mend(*from, *to);
                }
            }
            Undo::Unslow(from, to) => {
                met = Some(world.take_touched(*from, *to, |touched| &mut touched.slowed));
                world.unslow(*from, *to);
                world.unslow(*to, *from);
            }
            Undo::Disarm(fault, from, to) => {
                let (trap, touched): (Set, fn(&mut Touched) -> &mut bool) = match fault {
                    Fault::LostRequest => (Set::LoseRequest, |touched| &mut touched.request),
                    Fault::LostReply => (Set::LoseReply, |touched| &mut touched.reply),
                    _ => (Set::DelayRequest, |touched| &mut touched.late),
                };
                met = Some(world.take_touched(*from, *to, touched));
                world.disarm(*from, *to, trap);
            }
            Undo::Relieve(host, trouble) => met = Some(world.relieve_disk(*host, *trouble)),
            Undo::Done(any) => met = Some(*any),
            Undo::Nothing => {}
        }
        if met.unwrap_or_else(|| (self.busy)().1 > began) {
            self.state.borrow_mut().tallies.entry(kind.clone()).or_default().met += 1;
        }
    }

    /// Ends all faults at once: hosts start and go on, links mend, clocks tell true time, held tasks are let go.
    pub fn heal(&self) {
        let agenda = {
            let mut state = self.state.borrow_mut();
            state.healed = true;
            std::mem::take(&mut state.agenda)
        };
        for Reverse(entry) in agenda.into_sorted_vec().into_iter().rev() {
            if let Act::Undo { kind, undo, began } = entry.act {
                self.undo(&kind, &undo, began);
            }
        }
        let drawn = self.plagues.iter().flat_map(|armed| armed.targets.iter().map(|(target, _)| target));
        for target in drawn.chain(self.script.iter().map(|scripted| &scripted.target)) {
            if let Target::Host(host) = target {
                self.world.adjust_clock(*host, |wall, _| wall.synchronise());
            }
        }
        self.world.start_all();
        self.world.hurry();
        self.world.release_all();
    }

    /// How often each kind struck.
    pub fn tallies(&self) -> BTreeMap<Arc<str>, Tally> {
        let mut tallies = self.state.borrow().tallies.clone();
        let stalled = self.world.stalled();
        if let Some(tally) = tallies.get_mut(Fault::Stall.name()) {
            // A task is held at a point while it works for somebody.
            *tally = Tally { injected: stalled, met: stalled };
        }
        tallies
    }
}

fn name_of(world: &World, target: &Target) -> Arc<str> {
    let hosts = world.hosts.borrow();
    match target {
        Target::Host(host) | Target::Own(host, _) => hosts.get(*host).name.clone(),
        Target::Link(from, to) => {
            drop(hosts);
            link_name(world, *from, *to)
        }
    }
}
