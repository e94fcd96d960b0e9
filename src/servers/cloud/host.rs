//! The control plane as a host runs it, the machines below it, and what befalls both.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::fleet::{Change, Fleet, Instance, Pace};
use super::routes::router;
use super::state::State;
use super::trouble::Troubles;
use crate::http::serve;
use crate::runtime::net::TcpListener;
use crate::runtime::time::{self, Instant};
use crate::runtime::{commit, fact, task};

/// The faults of a cloud's own: an instance dies, or runs badly; answers are slow, failing, odd, from a stale copy, or few;
/// boots are slow.
pub const FAULTS: [&str; 8] = ["die", "impair", "sluggish", "failing", "odd", "stale", "throttle", "slow_boot"];

/// How a cloud is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What the ground truth calls this store.
    pub name: String,
    /// How long an instance boots when all is well.
    pub boot: Duration,
    /// How long it takes to shut down.
    pub stop: Duration,
    /// How long the control plane takes over an answer when all is well.
    pub answer: Duration,
    /// The machines that instances run on, by name; each new instance goes to the next of them.
    pub machines: Vec<String>,
}

impl Default for Options {
    /// `cloud`, with one machine; 8 seconds to boot, 5 to stop, and an answer at once.
    fn default() -> Self {
        Self {
            name: "cloud".to_owned(),
            boot: Duration::from_secs(8),
            stop: Duration::from_secs(5),
            answer: Duration::ZERO,
            machines: vec!["machine-1".to_owned()],
        }
    }
}

#[derive(Default)]
pub(super) struct Data {
    pub(super) fleet: Fleet,
    pub(super) troubles: Troubles,
}

struct Shared {
    options: Options,
    data: Mutex<Data>,
    /// Something has changed: a deadline, or what runs.
    changed: Notify,
}

/// A cloud. Clones are handles of the same one.
///
/// The value is what there is of metal: a crash of the host that serves it takes the control plane down, and no instance.
#[derive(Clone)]
pub struct Cloud(Arc<Shared>);

impl fmt::Debug for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloud").field("options", &self.0.options).finish_non_exhaustive()
    }
}

/// An instance that is up, as the program that runs on it sees it.
#[derive(Clone, Debug)]
pub struct Powered {
    /// Its id.
    pub id: String,
    /// What it was created for.
    pub tag: String,
    cloud: Cloud,
}

impl Powered {
    /// Whether it runs badly.
    pub fn is_impaired(&self) -> bool {
        self.cloud.look(|data| data.fleet.get(&self.id).is_some_and(|instance| instance.impaired))
    }
}

impl Cloud {
    /// A cloud without instances.
    pub fn new(options: Options) -> Self {
        Self(Arc::new(Shared { options, data: Mutex::default(), changed: Notify::new() }))
    }

    /// Runs the control plane on a listener, for ever; drop it to take the control plane down.
    pub async fn serve(&self, listener: TcpListener) {
        let clock = self.clone();
        let passing = task::spawn(async move { clock.keep_passing().await });
        serve(listener, router(self.clone())).await;
        passing.abort();
    }

    /// Runs `program` on a machine for each instance there, for as long as the instance is up; for ever.
    pub async fn power<F>(&self, machine: &str, program: impl Fn(Powered) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Some(place) = self.0.options.machines.iter().position(|name| name == machine) else { return };
        let mut up = BTreeMap::<(String, u32), task::JoinHandle<()>>::new();
        loop {
            let changed = self.0.changed.notified();
            let due = self.look(|data| {
                let here =
                    data.fleet.all().filter(|instance| instance.machine == place && instance.state == State::Running);
                here.map(|instance| ((instance.id.clone(), instance.boots), instance.tag.clone()))
                    .collect::<BTreeMap<_, _>>()
            });
            up.retain(|instance, program| {
                let stays = due.contains_key(instance);
                if !stays {
                    program.abort();
                }
                stays
            });
            for (instance, tag) in due {
                let id = instance.0.clone();
                up.entry(instance).or_insert_with(|| task::spawn(program(Powered { id, tag, cloud: self.clone() })));
            }
            changed.await;
        }
    }

    /// An instance that has run for long, without a request: for setting a scene.
    pub fn preload(&self, tag: &str, token: &str) -> String {
        let pace = Pace { boot: Duration::ZERO, ..self.pace(Duration::ZERO) };
        let machines = self.0.options.machines.len();
        self.act(|data, now| {
            let id = data.fleet.create(tag, token, machines, pace, now).0.id.clone();
            data.fleet.pass(now);
            id
        })
    }

    /// The `n`-th instance that is up, counted round and round, dies. Returns which, in words.
    pub fn die(&self, n: u64) -> String {
        let up = self.up();
        let Some(id) = nth(&up, n / 2) else { return "no instance to die".to_owned() };
        let good = n.is_multiple_of(2);
        self.act(|data, now| data.fleet.die(id, good, now));
        format!("{id} dies{}", if good { " for good" } else { "" })
    }

    /// The `n`-th instance that is up, counted round and round, runs badly from now on, or well again. Returns which.
    pub fn impair(&self, n: u64) -> String {
        let up = self.up();
        let Some(id) = nth(&up, n) else { return "no instance to impair".to_owned() };
        let limps = self.act(|data, _| data.fleet.limp(id)).unwrap_or_default();
        format!("{id} runs {}", if limps { "badly" } else { "well again" })
    }

    /// A fault of its own strikes. Returns what it did, in words; `None`: it has no such fault.
    pub fn strike(&self, fault: &str, magnitude: u64) -> Option<String> {
        let with = |act: fn(&mut Troubles, u64) -> String| act(&mut self.lock().troubles, magnitude);
        Some(match fault {
            "die" => self.die(magnitude),
            "impair" => self.impair(magnitude),
            "sluggish" => with(Troubles::grow_sluggish),
            "failing" => with(Troubles::begin_failing),
            "odd" => with(Troubles::grow_odd),
            "stale" => with(Troubles::go_stale),
            "throttle" => with(Troubles::throttle),
            "slow_boot" => with(Troubles::boot_slowly),
            _ => return None,
        })
    }

    /// Ends all troubles of the control plane. What has died stays dead.
    pub fn heal(&self) {
        self.lock().troubles.end();
    }

    /// How long things take now.
    pub(super) fn pace(&self, more: Duration) -> Pace {
        Pace { boot: self.0.options.boot + more, stop: self.0.options.stop }
    }

    /// How long an answer takes now.
    pub(super) fn delay(&self, data: &Data) -> Duration {
        self.0.options.answer + data.troubles.delay()
    }

    pub(super) fn machines(&self) -> usize {
        self.0.options.machines.len()
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(&Data) -> T) -> T {
        look(&self.lock())
    }

    /// Does something to the instances, and tells the ground truth what changed.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut Data, Instant) -> T) -> T {
        let mut data = self.lock();
        let result = act(&mut data, Instant::now());
        let changes = data.fleet.take_changes();
        // Whoever is told may strike at once, which needs the lock.
        drop(data);
        for change in &changes {
            self.report(change);
        }
        if !changes.is_empty() {
            self.0.changed.notify_waiters();
        }
        result
    }

    fn report(&self, change: &Change) {
        match change {
            Change::Created { id, tag, token } => {
                fact("cloud.created", [("instance", id.into()), ("tag", tag.into()), ("token", token.into())]);
            }
            Change::State { id, state, cause } => commit(&self.0.options.name, id, Some(state.word()), cause),
        }
    }

    /// Those that are up, oldest first.
    fn up(&self) -> Vec<String> {
        let id = |instance: &Instance| instance.state.is_live().then(|| instance.id.clone());
        self.look(|data| data.fleet.all().filter_map(id).collect())
    }

    async fn keep_passing(&self) {
        loop {
            let changed = self.0.changed.notified();
            self.act(|data, now| data.fleet.pass(now));
            match self.look(|data| data.fleet.next_due()) {
                Some(due) => {
                    tokio::select! {
                        biased;
                        () = time::sleep_until(due) => {}
                        () = changed => {}
                    }
                }
                None => changed.await,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Data> {
        // Nothing under this lock can be left half-done by a panic.
        self.0.data.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn nth(ids: &[String], n: u64) -> Option<&str> {
    let place = n.checked_rem(ids.len() as u64)?;
    ids.get(place as usize).map(String::as_str)
}
