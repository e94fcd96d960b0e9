//! What clients do with sessions, and on how large a service. How it is written is in `words.rs`, what comes of it in
//! `outcome.rs`.
//!
//! Sessions go by slot: `s1` is whatever session currently has that name. When it has ended, `create s1` begins its next
//! generation under a fresh id; `s1.2` is the second one for good. Which slots stand for which ids is in `client.rs`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::harness::Draw;
use crate::servers::redis::Persistence;

/// `[topology]`: how large the service is, and what its environment is like.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Topology {
    /// Pods that serve sessions: `pod-a`, `pod-b`, …; 1 to 26.
    pub pods: u32,
    /// Clients: `c1`, `c2`, …
    pub clients: u32,
    /// Backend servers: `b1`, `b2`, …
    pub backends: u32,
    /// How many sessions a pod's cache holds, where it is bounded.
    pub capacity: u32,
    /// Whether backends honour the session id that a returning pod hints at.
    pub hints: Hints,
    /// What of the records a crash of Redis leaves.
    pub persistence: Persistence,
}

impl Default for Topology {
    fn default() -> Self {
        Self {
            pods: 3,
            clients: 4,
            backends: 4,
            capacity: 1000,
            hints: Hints::Honoured,
            persistence: Persistence::Always,
        }
    }
}

/// What backends make of the session id that a returning pod hints at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hints {
    /// The id is kept.
    Honoured,
    /// Each connection gets a fresh one.
    Ignored,
}

/// `[workload]`: how much clients do, and of what.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Workload {
    /// Operations of all clients together.
    pub operations: u32,
    /// Slots that sessions live in.
    pub sessions: u32,
    /// How often each kind of operation occurs.
    pub mix: Mix,
    /// Of 1,000 tool calls and listings, how many are made with somebody else's credentials.
    pub strangers: u32,
    /// Of 1,000 tool calls, how many take up to a minute; the others take up to a fifth of a second.
    pub slow_calls: u32,
}

impl Default for Workload {
    fn default() -> Self {
        Self { operations: 120, sessions: 4, mix: Mix::default(), strangers: 60, slow_calls: 40 }
    }
}

/// How often each kind of operation occurs, relative to the others. Naming some leaves the others as they are by default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mix {
    /// Initialise a session: generate its id, then register it.
    pub create: u32,
    /// Generate an id and never come back.
    pub abandon: u32,
    /// Call a tool.
    pub call: u32,
    /// List a session's tools.
    pub get: u32,
    /// Decorate a session.
    pub decorate: u32,
    /// Terminate a session.
    pub terminate: u32,
    /// Report that a backend has expired for a session.
    pub expire: u32,
    /// Ask whether a session is good.
    pub validate: u32,
}

impl Default for Mix {
    fn default() -> Self {
        Self { create: 4, abandon: 1, call: 5, get: 5, decorate: 4, terminate: 2, expire: 2, validate: 1 }
    }
}

impl Mix {
    fn weights(&self) -> [u32; 8] {
        let Self { create, abandon, call, get, decorate, terminate, expire, validate } = *self;
        [create, abandon, call, get, decorate, terminate, expire, validate]
    }

    /// Whether nothing ever occurs.
    pub(crate) fn is_empty(&self) -> bool {
        self.weights().iter().all(|weight| *weight == 0)
    }
}

/// Each client begins with this many creations.
const FIRST: u32 = 1;
/// For how many operations of a client the crowd stays on one slot.
const CROWD: u32 = 5;

/// One session, as clients name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The slot, from 1: `s1`.
    pub slot: u32,
    /// A certain generation, from 1: `s1.2`. `None`: the current one.
    pub generation: Option<u32>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.generation {
            None => write!(f, "s{}", self.slot),
            Some(generation) => write!(f, "s{}.{generation}", self.slot),
        }
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Generate an id, then register the session.
    Create,
    /// Generate an id only. It gets no slot: nobody knows it.
    Abandon,
    /// Call the tool of a backend, from 1, which takes some time.
    Call {
        /// The backend.
        backend: u32,
        /// How long the tool takes.
        takes: Duration,
        /// With somebody else's credentials.
        stranger: bool,
    },
    /// List tools.
    Get {
        /// With somebody else's credentials.
        stranger: bool,
    },
    /// Add a decoration.
    Decorate,
    /// Terminate.
    Terminate,
    /// Report that a backend, from 1, has expired.
    Notify {
        /// The backend.
        backend: u32,
    },
    /// Ask whether the session is good.
    Validate,
}

/// What a client does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Something with a session, via a pod, counted from 0.
    Session {
        /// What is asked.
        verb: Verb,
        /// Of which session.
        target: Target,
        /// Via which pod.
        via: u32,
    },
    /// Look at what a pod, counted from 0, holds.
    InspectPod(u32),
    /// Look at the connections that a backend, counted from 1, has open.
    InspectBackend(u32),
    /// Make a pod, counted from 0, close all that it knows of.
    Drain(u32),
    /// Let what is on its way arrive.
    Wait(Duration),
}

/// The name of a pod, counted from 0.
pub(crate) fn pod_name(index: u32) -> String {
    format!("pod-{}", char::from(b'a' + (index % 26) as u8))
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, target, via) = match self {
            Self::InspectPod(pod) => return write!(f, "inspect {}", pod_name(*pod)),
            Self::InspectBackend(backend) => return write!(f, "inspect b{backend}"),
            Self::Drain(pod) => return write!(f, "drain {}", pod_name(*pod)),
            Self::Wait(time) => return write!(f, "wait {}ms", time.as_millis()),
            Self::Session { verb, target, via } => (verb, target, via),
        };
        match verb {
            Verb::Create => write!(f, "create {target}")?,
            Verb::Abandon => f.write_str("abandon")?,
            Verb::Call { backend, takes, stranger } => {
                write!(f, "call {target}")?;
                if *backend != 1 {
                    write!(f, " b{backend}")?;
                }
                if !takes.is_zero() {
                    write!(f, " for {}ms", takes.as_millis())?;
                }
                if *stranger {
                    f.write_str(" as stranger")?;
                }
            }
            Verb::Get { stranger } => {
                write!(f, "get {target}")?;
                if *stranger {
                    f.write_str(" as stranger")?;
                }
            }
            Verb::Decorate => write!(f, "decorate {target}")?,
            Verb::Terminate => write!(f, "terminate {target}")?,
            Verb::Notify { backend } => write!(f, "notify {target} b{backend}")?,
            Verb::Validate => write!(f, "validate {target}")?,
        }
        // What a scripted step may leave out is left out here too, so that its words are the operation's name.
        if *via == 0 { Ok(()) } else { write!(f, " via {}", pod_name(*via)) }
    }
}

impl Operation {
    /// What the tape decides. The first operations create the sessions that the others are about.
    pub(crate) fn draw(draw: &mut Draw<'_>, topology: &Topology, workload: &Workload) -> Option<Self> {
        let kind = draw.weighted("operation", &workload.mix.weights())?;
        let ordinal = draw.ordinal();
        let via = draw.below("pod", u64::from(topology.pods)) as u32;
        // For a while everybody crowds on one slot: conflicts are wanted.
        let slot = if ordinal >= FIRST && draw.chance("crowd", 600) {
            (ordinal / CROWD) % workload.sessions
        } else {
            draw.below("session", u64::from(workload.sessions)) as u32
        };
        let target = Target { slot: slot + 1, generation: None };
        if ordinal < FIRST {
            return Some(Self::Session { verb: Verb::Create, target, via });
        }
        let verb = match kind {
            0 => Verb::Create,
            1 => Verb::Abandon,
            2 => {
                let long = draw.chance("slow", u64::from(workload.slow_calls));
                let most = if long { Duration::from_mins(1) } else { Duration::from_millis(200) };
                Verb::Call {
                    backend: draw.below("backend", u64::from(topology.backends)) as u32 + 1,
                    takes: draw.duration("takes", most),
                    stranger: draw.chance("stranger", u64::from(workload.strangers)),
                }
            }
            3 => Verb::Get { stranger: draw.chance("stranger", u64::from(workload.strangers)) },
            4 => Verb::Decorate,
            5 => Verb::Terminate,
            6 => Verb::Notify { backend: draw.below("backend", u64::from(topology.backends)) as u32 + 1 },
            _ => Verb::Validate,
        };
        Some(Self::Session { verb, target, via })
    }
}
