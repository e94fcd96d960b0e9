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

use super::history::What;
use super::host::HostId;
use super::net::link_name;
use super::simulation::World;
use super::tape::{SiteId, below, chance, spread};

/// A kind of fault that every world knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A host crashes and starts again within half a minute.
    Restart,
    /// A host stands still for up to 40 s.
    Pause,
    /// Two hosts cannot reach each other for up to 90 s.
    Partition,
    /// One host cannot reach another, though it hears it, for up to 90 s.
    OneWay,
    /// Messages between two hosts take up to 5 s longer, for up to a minute.
    Slow,
    /// All streams between two hosts are reset.
    Reset,
    /// A request is lost before it takes effect, and its stream reset.
    LostRequest,
    /// A request takes effect and its reply is lost with the stream.
    LostReply,
    /// A request takes effect up to a minute late, when its caller may long have given up.
    Late,
    /// A host's wall clock jumps by up to two hours, forwards or backwards.
    ClockJump,
    /// A host's wall clock runs up to 1 % too fast or too slow.
    ClockDrift,
    /// A task is held at a point, for up to 40 s. Its rate is per hundred points passed.
    Stall,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Restart,
        Self::Pause,
        Self::Partition,
        Self::OneWay,
        Self::Slow,
        Self::Reset,
        Self::LostRequest,
        Self::LostReply,
        Self::Late,
        Self::ClockJump,
        Self::ClockDrift,
        Self::Stall,
    ];

    /// The name in a scenario's `[faults]`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Pause => "pause",
            Self::Partition => "partition",
            Self::OneWay => "one_way",
            Self::Slow => "slow",
            Self::Reset => "reset",
            Self::LostRequest => "lost_request",
            Self::LostReply => "lost_reply",
            Self::Late => "late",
            Self::ClockJump => "clock_jump",
            Self::ClockDrift => "clock_drift",
            Self::Stall => "stall",
        }
    }

    /// The fault of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// Whether it strikes a link rather than a host.
    pub const fn strikes_links(self) -> bool {
        matches!(
            self,
            Self::Partition
                | Self::OneWay
                | Self::Slow
                | Self::Reset
                | Self::LostRequest
                | Self::LostReply
                | Self::Late
        )
    }

    /// Where its sites of decisions are found.
    const fn site(self) -> &'static str {
        match self {
            Self::Restart => "fault.restart",
            Self::Pause => "fault.pause",
            Self::Partition => "fault.partition",
            Self::OneWay => "fault.one_way",
            Self::Slow => "fault.slow",
            Self::Reset => "fault.reset",
            Self::LostRequest => "fault.lost_request",
            Self::LostReply => "fault.lost_reply",
            Self::Late => "fault.late",
            Self::ClockJump => "fault.clock_jump",
            Self::ClockDrift => "fault.clock_drift",
            Self::Stall => "fault.stall",
        }
    }
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
    Undo { kind: Arc<str>, undo: Undo, began: u64 },
}

enum Undo {
    Start(HostId),
    Resume(HostId),
    Mend(Vec<(HostId, HostId)>),
    Unslow(HostId, HostId),
    Disarm(Fault, HostId, HostId),
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

const SLOT: Duration = Duration::from_secs(5);
const SLOTS_PER_MINUTE: f64 = 12.0;

impl Nemesis {
    /// A nemesis for this world. Each kind's density is drawn here.
    pub fn new(world: &Rc<World>, plagues: Vec<Plague>, busy: Busy) -> Self {
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
        Self { world: world.clone(), plagues: armed, busy, state: RefCell::new(state) }
    }

    /// Strikes until it is dropped or healed. Run it on the world's own host.
    pub async fn act(&self) {
        let start = tokio::time::Instant::now();
        let origin = self.world.clock.tick();
        for slot in 0_u32.. {
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
                        None => tape.site("fault.own", &format!("{} {name}", armed.kind)),
                    };
                    let value = tape.at(site, slot, |word| {
                        if chance(word, armed.chance) == 0 { 0 } else { 1 + (word.rotate_left(40) & 0xf_ffff) }
                    });
                    (site, value)
                };
                if value > 0 {
                    // The low 8 bits place it within the slot, the rest is its magnitude.
                    let offset = (value - 1) & 0xff;
                    let magnitude = (value - 1) >> 8;
                    let at = from + offset * (SLOT.as_nanos() as u64 >> 8);
                    self.schedule(at, Act::Strike { plague, target, magnitude, decided: (site, slot) });
                }
            }
        }
    }

    fn perform(&self, act: Act) {
        match act {
            Act::Strike { plague, target, magnitude, decided } => self.strike(plague, target, magnitude, decided),
            Act::Undo { kind, undo, began } => self.undo(&kind, &undo, began),
        }
    }

    fn strike(&self, plague: usize, target: usize, magnitude: u64, (site, slot): (SiteId, u64)) {
        let armed = &self.plagues[plague];
        let (target, name) = &armed.targets[target];
        let now = self.world.clock.tick();
        let struck = match (armed.fault, target) {
            (Some(fault), Target::Host(host)) => self.strike_host(fault, *host, magnitude),
            (Some(fault), Target::Link(from, to)) => Some(self.strike_link(fault, *from, *to, magnitude)),
            (_, Target::Own(_, strike)) => Some((strike(1 + magnitude), Duration::ZERO, Undo::Nothing)),
            (None, _) => None,
        };
        let Some((detail, lasts, undo)) = struck else { return };
        self.world.tape.borrow_mut().tell(site, slot, || {
            format!("fault {} strikes {name} at {:?}: {detail}", armed.kind, Duration::from_nanos(now))
        });
        self.world.record_of(
            HostId::WORLD,
            What::Fault { kind: armed.kind.clone(), subject: name.clone(), detail: detail.into(), lasts },
        );
        let (in_flight, began) = (self.busy)();
        {
            let mut state = self.state.borrow_mut();
            let tally = state.tallies.entry(armed.kind.clone()).or_default();
            tally.injected += 1;
        }
        // What met nothing when it struck may still meet something before it ends.
        let began = if in_flight > 0 { began.saturating_sub(1) } else { began };
        self.schedule(now + lasts.as_nanos() as u64, Act::Undo { kind: armed.kind.clone(), undo, began });
    }

    fn strike_host(&self, fault: Fault, host: HostId, magnitude: u64) -> Option<(String, Duration, Undo)> {
        let world = &self.world;
        if matches!(fault, Fault::Restart | Fault::Pause) && !world.is_up(host) {
            return None;
        }
        // Twelve bits of magnitude, spread out to as many orders of time.
        let bits = magnitude.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Some(match fault {
            Fault::Restart => {
                let down = millis(bits, 30_000);
                world.crash(host);
                (format!("down for {down:?}"), down, Undo::Start(host))
            }
            Fault::Pause => {
                let pause = millis(bits, 40_000);
                world.pause(host);
                (format!("for {pause:?}"), pause, Undo::Resume(host))
            }
            Fault::ClockJump => {
                let jump = millis(bits, 7_200_000);
                let back = magnitude & 1 == 1;
                let nanos = jump.as_nanos() as i64;
                world.adjust_clock(host, |wall, _| wall.jump(if back { -nanos } else { nanos }));
                let way = if back { "back" } else { "ahead" };
                (format!("{jump:?} {way}"), Duration::ZERO, Undo::Nothing)
            }
            Fault::ClockDrift => {
                let rate = 1 + spread(bits, 9_999) as i64;
                let rate = if magnitude & 1 == 1 { -rate } else { rate };
                world.adjust_clock(host, |wall, now| wall.set_drift(now, rate));
                (format!("{rate} parts per million"), Duration::ZERO, Undo::Nothing)
            }
            _ => return None,
        })
    }

    fn strike_link(&self, fault: Fault, from: HostId, to: HostId, magnitude: u64) -> (String, Duration, Undo) {
        let world = &self.world;
        let bits = magnitude.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        match fault {
            Fault::Partition => {
                let lasts = millis(bits, 90_000);
                world.cut(from, to);
                world.cut(to, from);
                (format!("for {lasts:?}"), lasts, Undo::Mend(vec![(from, to), (to, from)]))
            }
            Fault::OneWay => {
                let lasts = millis(bits, 90_000);
                let (from, to) = if magnitude & 1 == 1 { (to, from) } else { (from, to) };
                world.cut(from, to);
                (format!("{} for {lasts:?}", link_name(world, from, to)), lasts, Undo::Mend(vec![(from, to)]))
            }
            Fault::Slow => {
                let lasts = millis(bits, 60_000);
                let most = millis(bits.rotate_left(24), 5_000);
                world.slow(from, to, most);
                world.slow(to, from, most);
                (format!("by up to {most:?} for {lasts:?}"), lasts, Undo::Unslow(from, to))
            }
            Fault::LostRequest => {
                world.lose_request(from, to);
                ("the next request".into(), Duration::from_secs(10), Undo::Disarm(fault, from, to))
            }
            Fault::LostReply => {
                world.lose_reply(from, to);
                ("the next reply".into(), Duration::from_secs(10), Undo::Disarm(fault, from, to))
            }
            Fault::Late => {
                let delay = millis(bits, 60_000);
                world.delay_request(from, to, delay);
                (format!("the next request by {delay:?}"), Duration::from_secs(10), Undo::Disarm(fault, from, to))
            }
            _ => {
                let met = world.reset(from, to);
                ("all streams".into(), Duration::ZERO, Undo::Done(met))
            }
        }
    }

    fn undo(&self, kind: &Arc<str>, undo: &Undo, began: u64) {
        let world = &self.world;
        // A fault of a link has met something if a message of that link felt it; one of a host, if work was going on.
        let mut met = None;
        match undo {
            Undo::Start(host) => world.start(*host),
            Undo::Resume(host) => world.resume(*host),
            Undo::Mend(ways) => {
                let (from, to) = ways[0];
                met = Some(world.take_touched(from, to).stalled);
                for (from, to) in ways {
                    world.mend(*from, *to);
                }
            }
            Undo::Unslow(from, to) => {
                met = Some(world.take_touched(*from, *to).slowed);
                world.unslow(*from, *to);
                world.unslow(*to, *from);
            }
            Undo::Disarm(fault, from, to) => {
                let touched = world.take_touched(*from, *to);
                met = Some(match fault {
                    Fault::LostRequest => touched.request,
                    Fault::LostReply => touched.reply,
                    _ => touched.late,
                });
                world.disarm(*from, *to);
            }
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
        for armed in &self.plagues {
            for (target, _) in &armed.targets {
                if let Target::Host(host) = target {
                    self.world.adjust_clock(*host, |wall, _| wall.synchronise());
                }
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

fn millis(word: u64, most: u64) -> Duration {
    Duration::from_millis(1 + spread(word, most - 1))
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
