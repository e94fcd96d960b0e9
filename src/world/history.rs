//! The ordered record of a run, and its fingerprint.
//!
//! Everything an oracle may read is here: invocations and responses, accesses, faults, facts, and the servers' own
//! commits. The fingerprint folds in every event, with names and simulated times only, so that it does not depend on
//! addresses, hash order or the build.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::vocabulary::{Access, Field, Value};

/// Which activity an event belongs to: an index into [`History::activities`]. Zero is the world itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActivityId(pub u32);

/// One client operation, one sweep, and all that it spawned.
#[derive(Clone, Debug)]
pub struct Activity {
    /// What it is, in words.
    pub name: Arc<str>,
    /// The activity it was started from.
    pub parent: ActivityId,
    /// The activity on another host whose message made it begin; zero for none that is known.
    pub cause: ActivityId,
    /// The host it runs on.
    pub host: Arc<str>,
}

/// One event of a run.
#[derive(Clone, Debug)]
pub struct Event {
    /// Simulated time since the start of the run.
    pub at: Duration,
    /// The host it happened on; `world` for what belongs to none.
    pub host: Arc<str>,
    /// Which start of the host, from 1.
    pub incarnation: u32,
    /// The activity it belongs to.
    pub activity: ActivityId,
    /// The task that ran then, by its host and which child of which task it is; kept only where full detail is asked for.
    pub task: Option<Arc<str>>,
    /// What happened.
    pub what: What,
}

/// What an event says.
#[derive(Clone, Debug)]
pub enum What {
    /// The world entered a phase: `chaos`, `heal`, `settle`, `rest`.
    Phase(&'static str),
    /// A host started; the event's incarnation says for which time.
    Started,
    /// A host crashed.
    Crashed,
    /// A host's program returned.
    Exited,
    /// A host was paused.
    Paused,
    /// A paused host went on.
    Resumed,
    /// The nemesis injected a fault.
    Fault {
        /// The kind, as in a scenario's `[faults]`.
        kind: Arc<str>,
        /// The host or link it strikes.
        subject: Arc<str>,
        /// The rest in words, for example for how long.
        detail: Arc<str>,
        /// How long it lasts, if nothing heals it before; zero for what happens at once.
        lasts: Duration,
    },
    /// A client began an operation.
    Invoked {
        /// Number of the operation within the run.
        operation: u32,
        /// The operation in words.
        text: Arc<str>,
    },
    /// A client got the outcome of an operation.
    Returned {
        /// Number of the operation within the run.
        operation: u32,
        /// The outcome in words.
        text: Arc<str>,
    },
    /// An access to shared state, as the one who accessed it knows it.
    Access(Access),
    /// A server's own commit: ground truth.
    Commit {
        /// The store.
        store: Arc<str>,
        /// The key.
        key: Arc<str>,
        /// The value from now on; `None`: absent.
        value: Option<Arc<str>>,
        /// Why: `set`, `del`, `expired`, `evicted`, `lost`, `flushed`.
        cause: &'static str,
    },
    /// Something that is so, reported by the code of a server or system.
    Fact {
        /// What kind of fact.
        name: &'static str,
        /// Its named values.
        fields: Vec<Field>,
    },
    /// A task was held at a point: told at once where the world knows for how long, else when it went on.
    Point {
        /// The point's name.
        name: &'static str,
        /// What it is about.
        subject: Arc<str>,
        /// When it came there.
        since: Duration,
        /// For how long the world held the task there.
        held: Duration,
    },
    /// A task passed a point where nothing held it; kept only where full detail is asked for.
    Passed {
        /// The point's name.
        name: &'static str,
        /// What it is about.
        subject: Arc<str>,
    },
    /// A log line of the code under test.
    Log {
        /// `ERROR`, `WARN`, `INFO`, `DEBUG`.
        level: &'static str,
        /// The module it comes from.
        target: Arc<str>,
        /// The message with its fields, and the spans it is in.
        message: Arc<str>,
    },
    /// A network delivery or connection event; kept only where full detail is asked for. Its activity is the sender's.
    Message {
        /// The host that sent it.
        from: Arc<str>,
        /// The host it came to.
        to: Arc<str>,
        /// When it was sent.
        sent: Duration,
        /// What it was in words, for example `120 bytes`, `connects to port 80`, `lost reply, reset`.
        what: Arc<str>,
    },
    /// A task panicked.
    Panicked {
        /// The task.
        task: Arc<str>,
        /// The message and where.
        message: Arc<str>,
    },
    /// Something that must not happen in a world, for example a stray `tokio::spawn`.
    Escaped(Arc<str>),
}

impl Event {
    /// A field of a fact with this name.
    pub fn fact(&self, fact: &str) -> Option<Fact<'_>> {
        match &self.what {
            What::Fact { name, fields } if *name == fact => Some(Fact(fields)),
            _ => None,
        }
    }
}

/// The fields of a fact.
#[derive(Clone, Copy, Debug)]
pub struct Fact<'a>(&'a [Field]);

impl<'a> Fact<'a> {
    /// The text under `name`; empty when there is none.
    pub fn text(&self, name: &str) -> &'a str {
        match self.0.iter().find(|field| field.0 == name) {
            Some((_, Value::Text(text))) => text,
            _ => "",
        }
    }
    /// The number under `name`; zero when there is none.
    pub fn int(&self, name: &str) -> i64 {
        match self.0.iter().find(|field| field.0 == name) {
            Some((_, Value::Int(number))) => *number,
            _ => 0,
        }
    }
    /// The truth value under `name`; false when there is none.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.0.iter().find(|field| field.0 == name), Some((_, Value::Bool(true))))
    }
}

/// The record of a run, in order.
#[derive(Clone, Default)]
pub struct History {
    events: Vec<Event>,
    activities: Vec<Activity>,
    escapes: Vec<String>,
    folded: u64,
    plain: u64,
    sealed: bool,
    scratch: Vec<u8>,
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("events", &self.events.len()).finish_non_exhaustive()
    }
}

impl History {
    /// All events, in order. Their index is what findings refer to.
    pub fn events(&self) -> &[Event] {
        &self.events
    }
    /// All activities; [`ActivityId`] is the index.
    pub fn activities(&self) -> &[Activity] {
        &self.activities
    }

    /// The hash of everything so far: every event, and every message of the network whether or not it is kept.
    pub fn fingerprint(&self) -> u64 {
        self.folded
    }

    pub(super) fn new() -> Self {
        let none = ActivityId(0);
        let world = Activity { name: "world".into(), parent: none, cause: none, host: "world".into() };
        Self { activities: vec![world], events: Vec::with_capacity(1024), ..Self::default() }
    }

    /// Takes nothing more.
    pub(super) fn seal(&mut self) {
        self.sealed = true;
    }

    pub(super) fn start_activity(&mut self, activity: Activity) -> ActivityId {
        let id = ActivityId(self.activities.len() as u32);
        self.activities.push(activity);
        id
    }

    /// The activity that all of this was for: the client's operation or the background cycle at the root of `activity`.
    pub fn root(&self, activity: ActivityId) -> ActivityId {
        let mut root = activity;
        // Parents and causes begin before what they lead to, so this ends.
        while let Some(known) = self.activities.get(root.0 as usize) {
            let above = if known.parent == ActivityId(0) { known.cause } else { known.parent };
            if above == ActivityId(0) || above >= root {
                return root;
            }
            root = above;
        }
        root
    }

    /// How many events there are that are kept without full detail too.
    pub fn plain(&self) -> u64 {
        self.plain
    }

    /// Whether this way out of the world was not known before.
    pub(super) fn escaped(&mut self, how: &str) -> bool {
        let new = !self.escapes.iter().any(|known| known == how);
        if new {
            self.escapes.push(how.to_owned());
        }
        new
    }

    pub(super) fn push(&mut self, event: Event) {
        if self.sealed {
            return;
        }
        // Messages are folded in when they are delivered, kept or not, so that detail does not change the fingerprint.
        if !event.what.is_detail() {
            self.plain += 1;
            let mut bytes = std::mem::take(&mut self.scratch);
            bytes.clear();
            event.encode(&mut bytes);
            self.folded = xxh3_64_with_seed(&bytes, self.folded);
            self.scratch = bytes;
        }
        self.events.push(event);
    }

    /// Puts the events in the order of time, where hosts took turns, each with a tick of time of its own. What came at the same
    /// time stays as it is, and causes stay ahead: whatever led to something on another host came a tick before it.
    pub(super) fn sort_by_time(&mut self) {
        self.events.sort_by_key(|event| event.at);
    }

    /// Folds a network delivery into the fingerprint.
    pub(super) fn fold(&mut self, at: u64, port: u16, data: &[u8]) {
        self.folded = xxh3_64_with_seed(data, self.folded ^ at.rotate_left(16) ^ u64::from(port));
    }
}

/// Appends text so that two texts next to each other cannot be taken for two others.
fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

impl Event {
    /// The event in bytes, for the fingerprint: names and numbers only.
    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&(self.at.as_nanos() as u64).to_le_bytes());
        bytes.extend_from_slice(&self.incarnation.to_le_bytes());
        bytes.extend_from_slice(&self.activity.0.to_le_bytes());
        text(bytes, &self.host);
        self.what.encode(bytes);
    }
}

impl What {
    /// Whether it is kept only where full detail is asked for.
    pub fn is_detail(&self) -> bool {
        matches!(self, Self::Message { .. } | Self::Passed { .. })
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Phase(name) => {
                bytes.push(1);
                text(bytes, name);
            }
            Self::Started => bytes.push(2),
            Self::Crashed => bytes.push(3),
            Self::Exited => bytes.push(4),
            Self::Paused => bytes.push(5),
            Self::Resumed => bytes.push(6),
            Self::Fault { kind, subject, detail, lasts: _ } => {
                bytes.push(7);
                for part in [kind, subject, detail] {
                    text(bytes, part);
                }
            }
            Self::Invoked { operation, text: words } | Self::Returned { operation, text: words } => {
                bytes.push(if matches!(self, Self::Invoked { .. }) { 8 } else { 9 });
                bytes.extend_from_slice(&operation.to_le_bytes());
                text(bytes, words);
            }
            Self::Access(access) => {
                bytes.push(10);
                bytes.push(access.kind as u8);
                for part in [&access.store, &access.key, &access.outcome] {
                    text(bytes, part);
                }
            }
            Self::Commit { store, key, value, cause } => {
                bytes.push(11);
                for part in [&**store, &**key, cause] {
                    text(bytes, part);
                }
                bytes.push(u8::from(value.is_some()));
                text(bytes, value.as_deref().unwrap_or_default());
            }
            Self::Fact { name, fields } => {
                bytes.push(12);
                text(bytes, name);
                for (name, value) in fields {
                    text(bytes, name);
                    match value {
                        Value::Text(words) => text(bytes, words),
                        Value::Int(number) => bytes.extend_from_slice(&number.to_le_bytes()),
                        Value::Bool(truth) => bytes.push(u8::from(*truth)),
                    }
                }
            }
            Self::Point { name, subject, since: _, held } => {
                bytes.push(13);
                text(bytes, name);
                text(bytes, subject);
                bytes.extend_from_slice(&(held.as_nanos() as u64).to_le_bytes());
            }
            Self::Log { level, target, message } => {
                bytes.push(14);
                for part in [&**level, &**target, &**message] {
                    text(bytes, part);
                }
            }
            Self::Escaped(words) => {
                bytes.push(15);
                text(bytes, words);
            }
            // Not part of the fingerprint: whether they are kept is up to who reads them.
            Self::Message { .. } | Self::Passed { .. } => {}
            Self::Panicked { task, message } => {
                bytes.push(16);
                text(bytes, task);
                text(bytes, message);
            }
        }
    }
}
