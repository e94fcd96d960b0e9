//! The events of a history as lines: the same text in a story, in another process, on another day.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::runtime::{Access, Kind, Value};
use crate::world::history::{ActivityId, Event, History, What};

/// What sort of event a line tells, for choosing and colouring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// The world entered a phase.
    Phase,
    /// A host started, stopped, paused or went on.
    Host,
    /// A fault struck.
    Fault,
    /// A client began an operation.
    Invoked,
    /// A client got an outcome.
    Returned,
    /// Shared state was read or written.
    Access,
    /// A server committed.
    Commit,
    /// Something that is so.
    Fact,
    /// A task passed a point, or was held there.
    Point,
    /// A log line at INFO or above.
    Log,
    /// A log line below INFO.
    Debug,
    /// A network event.
    Message,
    /// A panic, or something that must not happen in a world.
    Broken,
}

impl Sort {
    /// Whether a story tells it without being asked for everything.
    pub fn is_plot(self) -> bool {
        !matches!(self, Self::Access | Self::Commit | Self::Fact | Self::Debug | Self::Message)
    }
}

/// One event in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When, in nanoseconds of simulated time.
    pub at: u64,
    /// The host, with the number of its start from the second on: `pod-a#2`.
    pub host: String,
    /// The activity; empty for the world itself.
    pub activity: String,
    /// The task; empty where the history kept no full detail, and for the world itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub task: String,
    /// What sort of event.
    pub sort: Sort,
    /// What happened.
    pub text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", clock(Duration::from_nanos(self.at)), self.host, self.text)?;
        if self.activity.is_empty() { Ok(()) } else { write!(f, " [{}]", self.activity) }
    }
}

/// Simulated time as it stands at the start of a line, to the microsecond.
pub(crate) fn clock(at: Duration) -> String {
    format!("{:>5}.{:06}s", at.as_secs(), at.subsec_micros())
}

/// All events of a history, in order.
pub fn lines(history: &History) -> Vec<Line> {
    let mut operations = BTreeMap::new();
    history.events().iter().map(|event| line(history, event, &mut operations)).collect()
}

fn line(history: &History, event: &Event, operations: &mut BTreeMap<u32, Arc<str>>) -> Line {
    if let What::Invoked { operation, text } = &event.what {
        operations.insert(*operation, Arc::clone(text));
    }
    let (sort, text) = words(event, operations);
    let activity = match event.activity {
        ActivityId(0) => String::new(),
        ActivityId(id) => history.activities().get(id as usize).map(|known| known.name.to_string()).unwrap_or_default(),
    };
    let host =
        if event.incarnation > 1 { format!("{}#{}", event.host, event.incarnation) } else { event.host.to_string() };
    let task = event.task.as_deref().unwrap_or_default().to_owned();
    Line { at: event.at.as_nanos() as u64, host, activity, task, sort, text }
}

fn words(event: &Event, operations: &BTreeMap<u32, Arc<str>>) -> (Sort, String) {
    match &event.what {
        What::Phase(phase) => (Sort::Phase, format!("── {phase} ──")),
        What::Started if event.incarnation > 1 => (Sort::Host, "starts again".into()),
        What::Started => (Sort::Host, "starts".into()),
        What::Crashed => (Sort::Host, "crashes".into()),
        What::Exited => (Sort::Host, "exits".into()),
        What::Paused => (Sort::Host, "is paused".into()),
        What::Resumed => (Sort::Host, "goes on".into()),
        What::Fault { kind, subject, detail, .. } if detail.is_empty() => {
            (Sort::Fault, format!("fault {kind}: {subject}"))
        }
        What::Fault { kind, subject, detail, .. } => (Sort::Fault, format!("fault {kind}: {subject}, {detail}")),
        What::Invoked { operation, text } => (Sort::Invoked, format!("#{operation} {text}")),
        What::Returned { operation, text } => {
            let asked = operations.get(operation).map_or("", |asked| &**asked);
            (Sort::Returned, format!("#{operation} {asked} → {text}"))
        }
        What::Access(access) => (Sort::Access, accessed(access)),
        What::Commit { store, key, value: Some(value), cause } => {
            (Sort::Commit, format!("{store} has {key} = {value} ({cause})"))
        }
        What::Commit { store, key, value: None, cause } => (Sort::Commit, format!("{store} has no {key} ({cause})")),
        What::Fact { name, fields } => {
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", told(value))).collect();
            (Sort::Fact, format!("{name} {}", fields.join(" ")).trim_end().into())
        }
        What::Point { name, subject, held, .. } => {
            let held = if held.is_zero() {
                String::new()
            } else {
                format!(", held for {}", humantime::format_duration(*held))
            };
            (Sort::Point, format!("{} passes {name}{held}", if subject.is_empty() { "a task" } else { subject }))
        }
        What::Log { level, target, message } => {
            let sort = if matches!(*level, "DEBUG" | "TRACE") { Sort::Debug } else { Sort::Log };
            (sort, format!("{level} {target}: {message}"))
        }
        What::Passed { name, subject } => (Sort::Message, format!("{subject} passes {name}")),
        What::Message { from, to, what, .. } => (Sort::Message, format!("{from}>{to} {what}")),
        What::Panicked { task, message } => (Sort::Broken, format!("{task} panicked: {message}")),
        What::Escaped(what) => (Sort::Broken, format!("escaped from the world: {what}")),
    }
}

fn accessed(Access { store, key, kind, outcome, .. }: &Access) -> String {
    let verb = match kind {
        Kind::Read => "reads",
        Kind::Write => "writes",
        Kind::ReadWrite => "swaps",
    };
    format!("{verb} {key} in {store}: {outcome}")
}

fn told(value: &Value) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
    }
}
