//! What clients do with stacks, and on how large a service. How it is written is in `words.rs`, what comes of it in
//! `outcome.rs`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::row::{PREFIX, namespace_of};
use crate::harness::Draw;

/// `[topology]`: how large the service is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Topology {
    /// Processes of the API: `api-a`, `api-b`, …; 1 to 26.
    pub servers: u32,
    /// Workers, which sweep: `worker-a`, `worker-b`, …; 1 to 26.
    pub workers: u32,
    /// Clients: `c1`, `c2`, …
    pub clients: u32,
    /// Stacks that run already when all begins: `s1`, `s2`, …
    pub running: u32,
    /// Namespaces of ours that no row has when all begins.
    pub orphans: u32,
    /// How many rows a page has, where rows are read in pages.
    pub page: u32,
}

impl Default for Topology {
    fn default() -> Self {
        Self { servers: 1, workers: 2, clients: 3, running: 4, orphans: 3, page: 2 }
    }
}

/// Whether what is told of a stack can be mistaken for something else that is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// Its id is not its slug, and what comes from elsewhere has a namespace that is not named after the slug.
    Apart,
    /// Its id is its slug, and every namespace is named after that: as fixtures often have it.
    Alike,
}

/// `[workload]`: how much clients do, and of what.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Workload {
    /// Operations of all clients together.
    pub operations: u32,
    /// Stacks that operations are about.
    pub stacks: u32,
    /// What stacks are called.
    pub identity: Identity,
    /// How often each kind of operation occurs.
    pub mix: Mix,
    /// The longest that a client waits now and then, in seconds.
    pub idle_seconds: u32,
}

impl Default for Workload {
    fn default() -> Self {
        Self { operations: 45, stacks: 8, identity: Identity::Apart, mix: Mix::default(), idle_seconds: 60 }
    }
}

/// How often each kind of operation occurs, relative to the others. Naming some leaves the others as they are by default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mix {
    /// Make a stack.
    pub create: u32,
    /// Take one in from elsewhere.
    pub import: u32,
    /// Delete it.
    pub delete: u32,
    /// Give it another day.
    pub extend: u32,
    /// Claim it for good.
    pub claim: u32,
    /// Ask how it is.
    pub status: u32,
    /// Its namespace is deleted by accident.
    pub lose: u32,
    /// Wait.
    pub wait: u32,
    /// Wait for the next quarter of an hour, when much goes on by itself.
    pub quarter: u32,
}

impl Default for Mix {
    fn default() -> Self {
        Self { create: 6, import: 4, delete: 4, extend: 3, claim: 1, status: 3, lose: 1, wait: 3, quarter: 5 }
    }
}

impl Mix {
    fn weights(&self) -> [u32; 9] {
        let Self { create, import, delete, extend, claim, status, lose, wait, quarter } = *self;
        [create, import, delete, extend, claim, status, lose, wait, quarter]
    }

    /// Whether nothing ever occurs.
    pub(crate) fn is_empty(&self) -> bool {
        self.weights().iter().all(|weight| *weight == 0)
    }
}

/// For how many operations of a client the crowd stays on one stack.
const CROWD: u32 = 4;
/// Of 1,000 operations, how many are about the stack that the crowd is on.
const CROWDED: u64 = 500;
/// How long before a quarter of an hour a client is back at most.
const LEAD: Duration = Duration::from_secs(4);

/// What is asked of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Make it.
    Create,
    /// Take it in from elsewhere.
    Import,
    /// Delete it.
    Delete,
    /// Give it another day.
    Extend,
    /// Claim it for good.
    Claim,
    /// Ask how it is.
    Status,
    /// Its namespace is deleted by accident.
    Lose,
}

impl Verb {
    /// All of them.
    pub(crate) const ALL: [Self; 7] =
        [Self::Create, Self::Import, Self::Delete, Self::Extend, Self::Claim, Self::Status, Self::Lose];

    /// The word for it, in scripted steps and requests.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Import => "import",
            Self::Delete => "delete",
            Self::Extend => "extend",
            Self::Claim => "claim",
            Self::Status => "status",
            Self::Lose => "lose",
        }
    }

    /// Whether it is something that befalls the namespace, and no request to the API.
    pub(crate) const fn is_accident(self) -> bool {
        matches!(self, Self::Lose)
    }
}

/// What a client does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Something with a stack.
    Stack {
        /// What is asked.
        verb: Verb,
        /// Of which stack, from 1.
        stack: u32,
        /// Via which process, from 0.
        via: u32,
        /// Made for nobody in particular, for a day.
        anonymous: bool,
    },
    /// List all stacks, via a process from 0.
    List(u32),
    /// Let time go by.
    Wait(Duration),
    /// Let time go by until so long before the next quarter of an hour.
    Quarter(Duration),
}

/// The name of a process of the API, counted from 0.
pub(crate) fn server_name(index: u32) -> String {
    format!("api-{}", char::from(b'a' + (index % 26) as u8))
}

/// The name of a worker, counted from 0.
pub(crate) fn worker_name(index: u32) -> String {
    format!("worker-{}", char::from(b'a' + (index % 26) as u8))
}

/// The slug of a stack, counted from 1: in no order, so that some come before whatever was read last.
pub(crate) fn slug(stack: u32, identity: Identity) -> String {
    let scattered = stack.wrapping_mul(0x9e37_79b1);
    match identity {
        Identity::Apart => format!("stk-{scattered:08x}"),
        Identity::Alike => format!("{scattered:08x}-0000-4000-8000-{stack:012x}"),
    }
}

/// The namespace that a stack has that comes from elsewhere: named after something else, with the prefix or without.
pub(crate) fn namespace_elsewhere(stack: u32, identity: Identity) -> String {
    match identity {
        Identity::Alike => namespace_of(&slug(stack, identity)),
        Identity::Apart if stack.is_multiple_of(3) => format!("team-{stack}"),
        Identity::Apart => format!("{PREFIX}old-{stack}"),
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let via = match self {
            Self::Wait(time) => return write!(f, "wait {}ms", time.as_millis()),
            Self::Quarter(lead) => return write!(f, "quarter less {}ms", lead.as_millis()),
            Self::List(via) => {
                f.write_str("list")?;
                *via
            }
            Self::Stack { verb, stack, via, anonymous } => {
                write!(f, "{} s{stack}", verb.word())?;
                if *anonymous {
                    f.write_str(" for a day")?;
                }
                *via
            }
        };
        // What a scripted step may leave out is left out here too, so that its words are the operation's name.
        if via == 0 { Ok(()) } else { write!(f, " via {}", server_name(via)) }
    }
}

impl Operation {
    /// Something with a stack, via the first process.
    pub(crate) fn of(verb: Verb, stack: u32) -> Self {
        Self::Stack { verb, stack, via: 0, anonymous: false }
    }

    /// What the tape decides.
    pub(crate) fn draw(draw: &mut Draw<'_>, topology: &Topology, workload: &Workload) -> Option<Self> {
        let kind = draw.weighted("operation", &workload.mix.weights())?;
        let Some(verb) = Verb::ALL.get(kind).copied() else {
            if kind == Verb::ALL.len() {
                let most = Duration::from_secs(workload.idle_seconds.into());
                return Some(Self::Wait(Duration::from_millis(draw.below("wait", most.as_millis() as u64 + 1))));
            }
            let lead = draw.below("lead", LEAD.as_millis() as u64 + 1);
            return Some(Self::Quarter(Duration::from_millis(lead)));
        };
        let via = draw.below("server", topology.servers.into()) as u32;
        // For a while everybody crowds on one stack: conflicts are wanted.
        let stack = if draw.chance("crowd", CROWDED) {
            (draw.ordinal() / CROWD) % workload.stacks
        } else {
            draw.below("stack", workload.stacks.into()) as u32
        };
        let via = if verb.is_accident() { 0 } else { via };
        let anonymous = verb == Verb::Create && draw.chance("anonymous", 500);
        Some(Self::Stack { verb, stack: stack + 1, via, anonymous })
    }
}
