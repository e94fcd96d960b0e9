//! One simulation: a world on a thread of its own, from its first event to an orderly end.
//!
//! The world is found through the thread it runs on, because that is how the code under test reaches it: through
//! `runtime` calls, wakers and libc, none of which can carry a handle.

use std::cell::{Cell, OnceCell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tracing::subscriber::DefaultGuard;

use super::clock::Clock;
use super::disk::Disks;
use super::executor::{self, Context, Executor};
use super::hermetic;
use super::history::{ActivityId, Event, History, What};
use super::host::{HostId, Hosts};
use super::logs;
use super::net::Net;
use super::points::Points;
use super::tape::{Decision, Redraw, Tape};
use super::turmoil::{self, Turmoil};

/// How to run a simulation.
#[derive(Clone, Debug)]
pub struct Config {
    /// The seed that all decisions follow from.
    pub seed: u64,
    /// Decisions that are pinned.
    pub overrides: Vec<Decision>,
    /// Everything that is not pinned is benign.
    pub benign: bool,
    /// From where on the run is drawn anew, if it is.
    pub redraw: Option<Redraw>,
    /// Keep every network message, and every point passed, in the history.
    pub detail: bool,
    /// Keep in words what each decision means.
    pub meanings: bool,
    /// Simulated time after which the run is stuck.
    pub most_time: Duration,
    /// Polls and deliveries after which the run is stuck.
    pub most_events: u64,
    /// Stack of the run's thread, in bytes.
    pub stack: usize,
    /// What it runs on.
    pub engine: Engine,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 0,
            overrides: Vec::new(),
            benign: false,
            redraw: None,
            detail: false,
            meanings: false,
            most_time: Duration::from_hours(24 * 365),
            most_events: 50_000_000,
            stack: 32 << 20,
            engine: Engine::Events,
        }
    }
}

/// What this build does not guarantee, in words; empty with `--cfg tokio_unstable`.
pub const fn not_guaranteed() -> &'static [&'static str] {
    if cfg!(tokio_unstable) {
        &[]
    } else {
        &[
            "built without `--cfg tokio_unstable`: a `select!` that is not `biased` does not follow from the seed",
            "built without `--cfg tokio_unstable`: `spawn_blocking` in a world is not found out",
        ]
    }
}

/// What a simulation left behind.
#[derive(Debug)]
pub struct Outcome<T> {
    /// What the main future returned; `None` when the run was stuck or its main future panicked.
    pub value: Option<T>,
    /// What was still waiting when a bound was reached.
    pub stuck: Option<String>,
    /// The record.
    pub history: History,
    /// All decisions that were not benign.
    pub decisions: Vec<Decision>,
    /// What each of them means, in words, where that was asked for.
    pub meanings: Vec<String>,
    /// Overrides that no site asked for.
    pub drift: Vec<Decision>,
    /// Simulated time at the end.
    pub simulated: Duration,
    /// Polls and deliveries.
    pub events: u64,
}

/// What a world runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// A queue of events of its own: time in which nothing happens takes none.
    #[default]
    Events,
    /// Turmoil's network, clock and hosts. Time goes in ticks, and messages travel from one tick to a later one.
    ///
    /// What differs from a world of its own: the order of tasks of different hosts is turmoil's; a one-way cut loses
    /// what is sent and does not keep it, and so does every other partition; a stream that has lost something is reset
    /// when the way is open again; a crash closes streams, rather than resetting them; what leaves for tokio's own
    /// tasks is not found out.
    Turmoil {
        /// How long a tick is, in whole milliseconds.
        tick: Duration,
    },
}

impl Engine {
    /// Whether a tick of turmoil's may be this long: a number of whole milliseconds, and not none.
    pub const fn is_tick(tick: Duration) -> bool {
        !tick.is_zero() && tick.subsec_nanos().is_multiple_of(1_000_000)
    }
}

/// The world of the current thread.
pub struct World {
    pub(super) tape: RefCell<Tape>,
    pub(super) history: RefCell<History>,
    pub(super) clock: Clock,
    pub(super) executor: Executor,
    pub(super) hosts: RefCell<Hosts>,
    pub(super) disks: RefCell<Disks>,
    pub(super) net: RefCell<Net>,
    pub(super) points: RefCell<Points>,
    pub(super) context: RefCell<Context>,
    /// What it keeps beside turmoil, where that has the clock, the network and the hosts.
    pub(super) turmoil: Option<Turmoil>,
    pub(super) events: Cell<u64>,
    pub(super) detail: bool,
    redraws: bool,
}

thread_local! {
    // Read at every runtime call, waker and clock reading of the thread; a `OnceCell` keeps that a plain load. The
    // thread belongs to one run, so it is set once and never replaced.
    static WORLD: OnceCell<Rc<World>> = const { OnceCell::new() };
    static OVER: Cell<bool> = const { Cell::new(false) };
}

impl World {
    pub(super) fn new(config: &Config, turmoil: Option<Turmoil>) -> Self {
        let executor = if turmoil.is_some() { Executor::with_lane_each() } else { Executor::default() };
        Self {
            tape: RefCell::new(tape(config)),
            history: RefCell::new(History::new()),
            clock: Clock::default(),
            executor,
            turmoil,
            hosts: RefCell::new(Hosts::new(config.seed)),
            disks: RefCell::default(),
            net: RefCell::new(Net::default()),
            points: RefCell::new(Points::default()),
            context: RefCell::new(Context::default()),
            events: Cell::new(0),
            detail: config.detail,
            redraws: config.redraw.is_some(),
        }
    }

    /// The world of this thread; `None` outside of a run, and once the run is being torn down.
    pub fn current() -> Option<Rc<Self>> {
        Self::with(Rc::clone)
    }

    /// Whether the world of this thread, if it has one, is on turmoil.
    pub(crate) fn is_on_turmoil() -> Option<bool> {
        Self::with(|world| world.turmoil.is_some())
    }

    /// Does something with the world of this thread, if it has one.
    pub(crate) fn with<R>(act: impl FnOnce(&Rc<Self>) -> R) -> Option<R> {
        if OVER.try_with(Cell::get).unwrap_or(true) {
            return None;
        }
        WORLD.try_with(|world| world.get().map(act)).ok().flatten()
    }

    /// Simulated time since the start of the run.
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// The tape.
    pub fn tape(&self) -> &RefCell<Tape> {
        &self.tape
    }

    /// Does something with the history so far.
    pub fn read_history<R>(&self, read: impl FnOnce(&History) -> R) -> R {
        read(&self.history.borrow())
    }

    /// Writes an event of the current task into the history.
    pub fn record(&self, what: What) {
        let context = self.context.borrow();
        self.record_as(&context, what);
    }

    /// Writes an event of the current host into the history, for this activity.
    pub(crate) fn record_within(&self, activity: ActivityId, what: What) {
        let context = Context { activity, ..self.context() };
        self.record_as(&context, what);
    }

    /// Writes an event of a host into the history, outside of any activity.
    pub(super) fn record_of(&self, host: HostId, what: What) {
        self.record_for(host, ActivityId(0), what);
    }

    /// Writes an event of a host into the history, for this activity.
    pub(super) fn record_for(&self, host: HostId, activity: ActivityId, what: What) {
        let (name, incarnation) = {
            let hosts = self.hosts.borrow();
            let host = hosts.get(host);
            (host.name.clone(), host.incarnation)
        };
        self.push(Event { at: self.clock.elapsed(), host: name, incarnation, activity, task: None, what });
    }

    fn push(&self, event: Event) {
        let events = {
            let mut history = self.history.borrow_mut();
            history.push(event);
            history.plain()
        };
        if self.redraws {
            self.tape.borrow_mut().reached(events);
        }
    }

    pub(super) fn record_as(&self, context: &Context, what: What) {
        let host = self.hosts.borrow().get(context.host).name.clone();
        let task = context.task.as_ref().filter(|_| self.detail).map(|task| task.name.clone());
        let Context { incarnation, activity, .. } = *context;
        self.push(Event { at: self.clock.elapsed(), host, incarnation, activity, task, what });
    }

    /// The host, incarnation and activity of the task that runs now.
    pub fn context(&self) -> Context {
        self.context.borrow().clone()
    }

    /// The name of the host whose task runs now.
    pub fn host_name(&self) -> Arc<str> {
        self.hosts.borrow().get(self.context.borrow().host).name.clone()
    }

    /// The date on the current host's wall clock, in nanoseconds since the Unix epoch.
    pub fn wall(&self) -> u64 {
        let host = self.context.borrow().host;
        self.hosts.borrow().get(host).wall.at(self.clock.tick())
    }
}

fn tape(config: &Config) -> Tape {
    let mut tape = Tape::new(config.seed, &config.overrides, config.benign);
    if let Some(redraw) = &config.redraw {
        tape.redraw(redraw.clone());
    }
    if config.meanings {
        tape.keep_meanings();
    }
    tape
}

/// Runs a simulation on a fresh thread and waits for its end.
///
/// `main` is made and driven on that thread, as a task of the host `world`; the run ends when it does. A pure function
/// of `config` and `main`.
///
/// ```
/// use sexton::world::{Config, simulate};
///
/// let outcome = simulate(Config::default(), || async {
///     tokio::time::sleep(std::time::Duration::from_hours(24 * 7)).await;
///     "a week later"
/// });
/// assert_eq!(outcome.value, Some("a week later"));
/// ```
///
/// On turmoil `main` is called before there is a runtime; what it returns runs on one.
///
/// # Panics
/// When a tick of turmoil's is not a number of whole milliseconds, or the thread cannot be made.
pub fn simulate<T, F>(config: Config, main: impl FnOnce() -> F + Send) -> Outcome<T>
where
    T: Send + 'static,
    F: Future<Output = T> + 'static,
{
    on_fresh_thread(config.stack, move || match config.engine {
        Engine::Events => by_events(&config, main),
        Engine::Turmoil { tick } => turmoil::by_ticks(&config, tick, main),
    })
}

fn by_events<T: 'static, F: Future<Output = T> + 'static>(config: &Config, main: impl FnOnce() -> F) -> Outcome<T> {
    let seat = Seat::take(World::new(config, None));
    let world = seat.world.clone();
    let runtime = executor::runtime(config.seed);
    let future = {
        let _entered = runtime.enter();
        main()
    };
    let value = executor::spawn_main(&world, future);
    let stuck = runtime.block_on(executor::Root::new(&world, &runtime, config));
    seat.leave(&value, stuck, || {
        let _entered = runtime.enter();
        world.net.borrow_mut().deafen();
        executor::drop_all_tasks(&world);
    })
}

/// Does something on a thread of its own: whatever a dependency keeps in thread-locals is new there.
pub(super) fn on_fresh_thread<R: Send>(stack: usize, act: impl FnOnce() -> R + Send) -> R {
    #[expect(clippy::disallowed_methods, reason = "each run owns one thread, which does nothing else")]
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("world".into())
            .stack_size(stack)
            .spawn_scoped(scope, act)
            .expect("the operating system gives a thread to each run");
        match thread.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// A world in its place: its thread finds it, and the thread's clock, entropy and logs are the world's.
pub(super) struct Seat {
    pub(super) world: Rc<World>,
    _inside: hermetic::Inside,
    _logs: DefaultGuard,
}

impl Seat {
    pub(super) fn take(world: World) -> Self {
        executor::silence_panics();
        let world = Rc::new(world);
        assert!(WORLD.with(|slot| slot.set(world.clone()).is_ok()), "a run has a fresh thread");
        Self { world, _inside: hermetic::enter(), _logs: logs::install() }
    }

    /// The end of a run. `tear_down` drops all tasks while what they run on still stands; it is dropped after that.
    pub(super) fn leave<T>(
        self,
        value: &RefCell<Option<T>>,
        stuck: Option<String>,
        tear_down: impl FnOnce(),
    ) -> Outcome<T> {
        let world = &self.world;
        world.look_for_foreign_wakes();
        // What destructors do from here on is not part of the run.
        world.history.borrow_mut().seal();
        // In this order: the network turns deaf, so that no destructor says goodbye; the tasks go while the world and
        // the runtime still stand; then the world is no longer found; and only then the runtime drops its timers.
        tear_down();
        OVER.set(true);

        let tape = world.tape.borrow();
        let value = value.borrow_mut().take();
        let history = std::mem::take(&mut *world.history.borrow_mut());
        Outcome {
            value,
            stuck,
            history,
            decisions: tape.decisions(),
            meanings: tape.meanings(),
            drift: tape.drift(),
            simulated: world.clock.elapsed(),
            events: world.events.get(),
        }
    }
}
