//! The ordered record of a run, and its fingerprint.
//!
//! Everything an oracle may read is here: invocations and responses, accesses, faults, facts, and the servers' own
//! commits. The fingerprint folds in every event, with names and simulated times only, so that it does not depend on
//! addresses, hash order or the build.

use std::sync::Arc;
use std::time::Duration;

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
        /// Why: `set`, `del`, `expired`, `evicted`, `lost`.
        cause: &'static str,
    },
    /// Something that is so, reported by the code of a server or system.
    Fact {
        /// What kind of fact.
        name: &'static str,
        /// Its named values.
        fields: Vec<Field>,
    },
    /// A task passed a point.
    Point {
        /// The point's name.
        name: &'static str,
        /// What it is about.
        subject: Arc<str>,
        /// For how long the world held the task there.
        held: Duration,
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
    /// A network delivery or connection event; kept only where full detail is asked for.
    Message(Arc<str>),
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
#[derive(Clone, Debug, Default)]
pub struct History {
    events: Vec<Event>,
    activities: Vec<Activity>,
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
}
