//! What clients do with sandboxes, and on how large a service. How it is written is in `words.rs`, what comes of it in
//! `outcome.rs`.
//!
//! Sandboxes go by their ids, `sb1`, `sb2`, …: whoever creates `sb1` again after it was destroyed creates it under the same
//! id. Each value written is unique in its run, so a value that is read tells who wrote it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::harness::Draw;
use crate::servers::redis::Persistence;

/// `[topology]`: how large the service is, and what its environment is like.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Topology {
    /// Replicas that serve sandboxes: `replica-a`, `replica-b`, …; 1 to 26.
    pub replicas: u32,
    /// Clients: `c1`, `c2`, …
    pub clients: u32,
    /// Tenants: `t1`, `t2`, …, whose sandboxes take turns: with two of them, `sb1` and `sb3` belong to `t1`.
    pub tenants: u32,
    /// Which distributed lock the replicas take.
    pub locks: Locks,
    /// Whether trees are also left in Redis, for other replicas to load from.
    pub snapshots: bool,
    /// What of its data a crash of Redis leaves.
    pub persistence: Persistence,
}

impl Default for Topology {
    fn default() -> Self {
        Self {
            replicas: 3,
            clients: 4,
            tenants: 1,
            locks: Locks::ReadWrite,
            snapshots: true,
            persistence: Persistence::Always,
        }
    }
}

/// Which distributed lock the replicas take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Locks {
    /// The reader-writer lock.
    ReadWrite,
    /// One key, for readers and writers alike.
    Single,
    /// Every second replica takes the single key, the others the reader-writer lock: they do not exclude each other.
    Mixed,
}

/// `[workload]`: how much clients do, and of what.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Workload {
    /// Operations of all clients together.
    pub operations: u32,
    /// Sandboxes: `sb1`, `sb2`, …
    pub sandboxes: u32,
    /// Files in each: `/f1`, `/d/f2`, `/f3`, `/d/f4`, …
    pub files: u32,
    /// The most steps of a script.
    pub steps: u32,
    /// How often each kind of operation occurs.
    pub mix: Mix,
    /// How long a client that idles does so at most; at least an eighth of it.
    #[serde(deserialize_with = "duration")]
    pub idle: Duration,
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text)
        .map_err(|error| serde::de::Error::custom(format!("`{text}` is no duration ({error}): write 30s, 5m or 8d")))
}

impl Default for Workload {
    fn default() -> Self {
        Self { operations: 40, sandboxes: 2, files: 2, steps: 3, mix: Mix::default(), idle: Duration::from_secs(30) }
    }
}

/// How often each kind of operation occurs, relative to the others. Naming some leaves the others as they are by default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mix {
    /// Create a sandbox.
    pub create: u32,
    /// Destroy one.
    pub destroy: u32,
    /// Ask whether there is one.
    pub get: u32,
    /// Run a script that reads and writes.
    pub exec: u32,
    /// Run a script that only reads.
    pub look: u32,
    /// Read a file.
    pub read: u32,
    /// Write one.
    pub write: u32,
    /// Append to one.
    pub append: u32,
    /// Remove one.
    pub remove: u32,
    /// List a directory.
    pub list: u32,
    /// List a tenant's sandboxes.
    pub index: u32,
    /// Do nothing for a while.
    pub idle: u32,
}

impl Default for Mix {
    fn default() -> Self {
        Self {
            create: 6,
            destroy: 3,
            get: 3,
            exec: 6,
            look: 4,
            read: 5,
            write: 4,
            append: 5,
            remove: 1,
            list: 1,
            index: 1,
            idle: 1,
        }
    }
}

impl Mix {
    fn weights(&self) -> [u32; 12] {
        let Self { create, destroy, get, exec, look, read, write, append, remove, list, index, idle } = *self;
        [create, destroy, get, exec, look, read, write, append, remove, list, index, idle]
    }

    /// Whether nothing ever occurs.
    pub(crate) fn is_empty(&self) -> bool {
        self.weights().iter().all(|weight| *weight == 0)
    }
}

/// For how many operations of a client the crowd stays on one sandbox.
const CROWD: u32 = 5;

/// A step of a script, or the one thing that a request does with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Print a file's content.
    Read(Arc<str>),
    /// Make this the content of a file; directories on the way to it are made as well.
    Write(Arc<str>, Arc<str>),
    /// Append this to a file, after a `+` where it has content already; one that is not there is made.
    Append(Arc<str>, Arc<str>),
    /// Remove a file, or an empty directory.
    Remove(Arc<str>),
    /// Print the names in a directory.
    List(Arc<str>),
}

impl Step {
    /// The path that it is about.
    pub fn path(&self) -> &Arc<str> {
        match self {
            Self::Read(path) | Self::Write(path, _) | Self::Append(path, _) | Self::Remove(path) | Self::List(path) => {
                path
            }
        }
    }

    /// Whether it changes anything.
    pub fn is_write(&self) -> bool {
        !matches!(self, Self::Read(_) | Self::List(_))
    }
}

/// What is asked of a sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Create it.
    Create,
    /// Destroy it.
    Destroy,
    /// Ask whether there is one.
    Get,
    /// Run a script.
    Exec(Vec<Step>),
    /// Do one thing with a file, without a script.
    File(Step),
}

/// What a client does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Something with a sandbox, via a replica, counted from 0.
    Sandbox {
        /// What is asked.
        verb: Verb,
        /// Of which sandbox, from 1.
        sandbox: u32,
        /// Via which replica.
        via: u32,
    },
    /// List the sandboxes of a tenant, from 1, via a replica, counted from 0.
    Index {
        /// The tenant.
        tenant: u32,
        /// Via which replica.
        via: u32,
    },
    /// Do nothing, or let what is on its way arrive.
    Wait(Duration),
    /// Look at what a replica, counted from 0, holds.
    Inspect(u32),
    /// Make a replica, counted from 0, finish what it does and let go of its sessions.
    Drain(u32),
}

/// The name of a replica, counted from 0.
pub(crate) fn replica_name(index: u32) -> String {
    format!("replica-{}", char::from(b'a' + (index % 26) as u8))
}

/// The id of a sandbox, from 1.
pub fn sandbox_name(number: u32) -> String {
    format!("sb{number}")
}

/// The path of a file, from 1: every second one lies in a directory.
pub(crate) fn file_path(number: u32) -> Arc<str> {
    if number.is_multiple_of(2) { format!("/d/f{number}").into() } else { format!("/f{number}").into() }
}

impl Operation {
    /// What the tape decides. The first operations create the sandboxes that the others are about.
    pub(crate) fn draw(draw: &mut Draw<'_>, topology: &Topology, workload: &Workload) -> Option<Self> {
        let kind = draw.weighted("operation", &workload.mix.weights())?;
        let ordinal = draw.ordinal();
        let via = draw.below("replica", u64::from(topology.replicas)) as u32;
        // For a while everybody crowds on one sandbox: conflicts are wanted.
        let slot = if ordinal > 0 && draw.chance("crowd", 600) {
            (ordinal / CROWD) % workload.sandboxes
        } else {
            draw.below("sandbox", u64::from(workload.sandboxes)) as u32
        };
        let mut verbs = Drawing { draw, workload, values: 0 };
        let verb = match kind {
            _ if ordinal == 0 => Verb::Create,
            0 => Verb::Create,
            1 => Verb::Destroy,
            2 => Verb::Get,
            3 => Verb::Exec(verbs.script(&[3, 2, 3, 1, 1])),
            4 => Verb::Exec(verbs.script(&[6, 0, 0, 0, 1])),
            5 => Verb::File(verbs.step(0)),
            6 => Verb::File(verbs.step(1)),
            7 => Verb::File(verbs.step(2)),
            8 => Verb::File(verbs.step(3)),
            9 => Verb::File(verbs.step(4)),
            10 => return Some(Self::Index { tenant: slot % topology.tenants + 1, via }),
            _ => {
                let eighths = draw.below("idle", 8) as u32 + 1;
                return Some(Self::Wait(workload.idle * eighths / 8));
            }
        };
        Some(Self::Sandbox { verb, sandbox: slot + 1, via })
    }
}

/// An operation that is being drawn.
struct Drawing<'a, 'd> {
    draw: &'a mut Draw<'d>,
    workload: &'a Workload,
    /// How many values it has been given.
    values: u8,
}

impl Drawing<'_, '_> {
    fn script(&mut self, weights: &[u32]) -> Vec<Step> {
        let steps = self.draw.below("steps", u64::from(self.workload.steps)) + 1;
        let mut script = Vec::new();
        for _ in 0..steps {
            if let Some(kind) = self.draw.weighted("step", weights) {
                script.push(self.step(kind));
            }
        }
        // Where a step is pinned to nothing, the script goes on without it, but never empty.
        if script.is_empty() { vec![self.step(0)] } else { script }
    }

    fn step(&mut self, kind: usize) -> Step {
        if kind == 4 {
            let directory = if self.draw.chance("deep", 300) { "/d" } else { "/" };
            return Step::List(directory.into());
        }
        let path = file_path(self.draw.below("file", u64::from(self.workload.files)) as u32 + 1);
        match kind {
            0 => Step::Read(path),
            1 => Step::Write(path, self.value()),
            2 => Step::Append(path, self.value()),
            _ => Step::Remove(path),
        }
    }

    /// Unique in the run: the client, the number of its operation, and a letter from the second value on.
    fn value(&mut self) -> Arc<str> {
        let letter = (self.values > 0).then(|| char::from(b'a' + self.values % 26));
        self.values += 1;
        let letter = letter.map(String::from).unwrap_or_default();
        format!("{}.{}{letter}", self.draw.client(), self.draw.ordinal() + 1).into()
    }
}
