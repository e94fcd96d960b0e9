//! Histories made by hand, for tests of oracles: events at given times on given hosts, through a world that does
//! nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::harness::{ActivityId, History, What};
use crate::runtime::{Access, Field, Kind};
use crate::world::{Config, HostId, World, resume_activity, simulate};

/// A time in seconds.
pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

enum Act {
    Record(What),
    Crash,
    Start,
    Pause,
    Resume,
}

/// A history to be.
#[derive(Default)]
pub(crate) struct Story {
    hosts: Vec<String>,
    /// When in milliseconds, on which host, in which activity (by name; empty: none), and what.
    acts: Vec<(u64, String, String, Act)>,
    end: u64,
}

impl Story {
    /// With these hosts, which start at once.
    pub(crate) fn new(hosts: &[&str]) -> Self {
        Self { hosts: hosts.iter().map(|host| (*host).to_owned()).collect(), ..Self::default() }
    }

    /// An event at a time in milliseconds.
    #[must_use]
    pub(crate) fn at(self, millis: u64, host: &str, what: What) -> Self {
        self.within(millis, host, "", what)
    }

    /// An event of an activity, which begins with its first event.
    #[must_use]
    pub(crate) fn within(mut self, millis: u64, host: &str, activity: &str, what: What) -> Self {
        self.acts.push((millis, host.to_owned(), activity.to_owned(), Act::Record(what)));
        self
    }

    /// A commit of the store `redis`.
    #[must_use]
    pub(crate) fn commit(self, millis: u64, key: &str, value: Option<&str>, cause: &'static str) -> Self {
        self.committed(millis, "redis", "", key, value, cause)
    }

    /// A commit of a store, which is a host of that name, on behalf of an activity.
    #[must_use]
    pub(crate) fn committed(
        self,
        millis: u64,
        store: &str,
        by: &str,
        key: &str,
        value: Option<&str>,
        cause: &'static str,
    ) -> Self {
        let what = What::Commit { store: store.into(), key: key.into(), value: value.map(Arc::from), cause };
        self.within(millis, store, by, what)
    }

    /// A fault strikes.
    #[must_use]
    pub(crate) fn fault(self, millis: u64, kind: &str, subject: &str) -> Self {
        let what = What::Fault { kind: kind.into(), subject: subject.into(), detail: "".into(), lasts: Duration::ZERO };
        self.at(millis, "world", what)
    }

    /// An access by a host.
    #[must_use]
    pub(crate) fn access(self, millis: u64, host: &str, store: &str, key: &str, outcome: &str) -> Self {
        let access = Access {
            store: store.into(),
            key: key.into(),
            kind: Kind::ReadWrite,
            outcome: outcome.into(),
            value: None,
            changed: None,
            took: Duration::ZERO,
        };
        self.at(millis, host, What::Access(access))
    }

    /// A fact.
    #[must_use]
    pub(crate) fn fact<const N: usize>(
        self,
        millis: u64,
        host: &str,
        activity: &str,
        name: &'static str,
        fields: [Field; N],
    ) -> Self {
        self.within(millis, host, activity, What::Fact { name, fields: fields.into() })
    }

    /// A crash, and a start some time later.
    #[must_use]
    pub(crate) fn restart(mut self, millis: u64, host: &str, down: u64) -> Self {
        self.acts.push((millis, host.to_owned(), String::new(), Act::Crash));
        self.acts.push((millis + down, host.to_owned(), String::new(), Act::Start));
        self
    }

    /// A pause.
    #[must_use]
    pub(crate) fn pause(mut self, millis: u64, host: &str, lasts: u64) -> Self {
        self.acts.push((millis, host.to_owned(), String::new(), Act::Pause));
        self.acts.push((millis + lasts, host.to_owned(), String::new(), Act::Resume));
        self
    }

    /// The time of the last event; at least this.
    #[must_use]
    pub(crate) fn lasting(mut self, millis: u64) -> Self {
        self.end = self.end.max(millis);
        self
    }

    /// Plays it.
    pub(crate) fn history(mut self) -> History {
        // Stable: what happens at the same time happens in the order in which it was told.
        self.acts.sort_by_key(|act| act.0);
        simulate(Config { benign: true, ..Config::default() }, move || play(self)).history
    }
}

async fn play(story: Story) {
    let world = World::current().expect("stories are told inside a world");
    let mut hosts = BTreeMap::new();
    for name in &story.hosts {
        let id = world.add_host(name, std::rc::Rc::new(|| Box::pin(std::future::pending())));
        world.start(id);
        hosts.insert(name.clone(), id);
    }
    let mut activities = BTreeMap::new();
    for (millis, host, of, act) in story.acts {
        tokio::time::sleep(Duration::from_millis(millis).saturating_sub(world.elapsed())).await;
        let id = *hosts.get(&host).unwrap_or(&HostId::WORLD);
        match act {
            Act::Crash => world.crash(id),
            Act::Start => world.start(id),
            Act::Pause => world.pause(id),
            Act::Resume => world.resume(id),
            Act::Record(what) => {
                let known = activities.get(&of).copied();
                let name = of.clone();
                let told = world.spawn_on(id, async move {
                    let world = World::current().expect("a task runs inside its world");
                    if name.is_empty() {
                        world.record(what);
                        return ActivityId::default();
                    }
                    let activity = known.unwrap_or_else(|| world.start_activity(name.into(), false));
                    resume_activity(activity, async { world.record(what) }).await;
                    activity
                });
                if let Ok(activity) = told.await {
                    activities.insert(of, activity);
                }
            }
        }
    }
    tokio::time::sleep(Duration::from_millis(story.end).saturating_sub(world.elapsed())).await;
}
