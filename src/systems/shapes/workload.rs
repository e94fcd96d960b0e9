//! What clients do with shapes, and on how large a service. How it is written is in `words.rs`, what comes of it in
//! `outcome.rs`.
//!
//! Each client has a few shapes of its own, `s1`, `s2`, …: what it has read of each, and up to where. Two clients that
//! ask for the same query read the same shape of the service.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::query::{Mutation, Query, Sizes};
use crate::harness::Draw;

/// `[topology]`: how large the service is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Topology {
    /// Clients: `c1`, `c2`, …
    pub clients: u32,
    /// Rows of each of the levels 1 to 3.
    pub parents: u32,
    /// Rows of level 4.
    pub leaves: u32,
}

impl Default for Topology {
    fn default() -> Self {
        Self { clients: 3, parents: 3, leaves: 6 }
    }
}

impl Topology {
    /// How many rows there are.
    pub(crate) fn sizes(&self) -> Sizes {
        Sizes { parents: self.parents, leaves: self.leaves }
    }
}

/// `[workload]`: how much clients do, and of what.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Workload {
    /// Operations of all clients together.
    pub operations: u32,
    /// Shapes of each client: `s1`, `s2`, …
    pub shapes: u32,
    /// The most changes of a transaction.
    pub changes: u32,
    /// How often each kind of operation occurs.
    pub mix: Mix,
    /// The longest that a client waits now and then, in seconds.
    pub idle_seconds: u32,
}

impl Default for Workload {
    fn default() -> Self {
        Self { operations: 36, shapes: 2, changes: 3, mix: Mix::default(), idle_seconds: 5 }
    }
}

/// How often each kind of operation occurs, relative to the others. Naming some leaves the others as they are by default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mix {
    /// Define a shape, and read it.
    pub define: u32,
    /// Read on until there is nothing more.
    pub poll: u32,
    /// Read on, and wait for what comes.
    pub live: u32,
    /// Delete a shape.
    pub delete: u32,
    /// Change rows in a transaction.
    pub mutate: u32,
    /// Restart the stack in good order.
    pub graceful: u32,
    /// Kill the stack, and start it again.
    pub brutal: u32,
    /// Start another stack beside it, then stop it.
    pub rolling: u32,
    /// Kill whoever watches over consumers.
    pub consumers: u32,
    /// Forget all that was read.
    pub recreate: u32,
    /// Wait.
    pub wait: u32,
}

impl Default for Mix {
    fn default() -> Self {
        Self {
            define: 5,
            poll: 4,
            live: 6,
            delete: 1,
            mutate: 12,
            graceful: 1,
            brutal: 1,
            rolling: 1,
            consumers: 1,
            recreate: 1,
            wait: 3,
        }
    }
}

impl Mix {
    fn weights(&self) -> [u32; 11] {
        let Self { define, poll, live, delete, mutate, graceful, brutal, rolling, consumers, recreate, wait } = *self;
        [define, poll, live, delete, mutate, graceful, brutal, rolling, consumers, recreate, wait]
    }

    /// Whether nothing ever occurs.
    pub(crate) fn is_empty(&self) -> bool {
        self.weights().iter().all(|weight| *weight == 0)
    }
}

/// How the stack is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Its parts are stopped one after another, each with time to finish; then it is started.
    Graceful,
    /// Whoever watches over it is killed, and all goes down with it; then it is started.
    Brutal,
    /// Another one is started on the same files; then this one is stopped, and the other takes the slot over.
    Rolling,
    /// Whoever watches over consumers is killed, and they go down with it; the stack starts anew by itself.
    Consumers,
}

impl Restart {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Graceful, Self::Brutal, Self::Rolling, Self::Consumers];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Graceful => "graceful",
            Self::Brutal => "brutal",
            Self::Rolling => "rolling",
            Self::Consumers => "consumers",
        }
    }
}

/// What a client does. Its own shapes are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Define a shape in place of what was there, and read it until there is nothing more.
    Define(u32, Query),
    /// Read on until there is nothing more.
    Poll(u32),
    /// Read on, and wait for what comes.
    Live(u32),
    /// Delete the shape for everybody.
    Delete(u32),
    /// Change rows in one transaction.
    Mutate(Vec<Mutation>),
    /// Restart the stack.
    Restart(Restart),
    /// Forget all that was read; the definitions stay.
    Recreate,
    /// Let time go by.
    Wait(Duration),
    /// Read on for a client, from 1, until there is nothing more, however often it takes.
    Settle {
        /// The client.
        client: u32,
        /// Which of its shapes.
        slot: u32,
    },
    /// Look at what the service holds.
    Inspect,
}

impl Operation {
    /// What the tape decides.
    pub(crate) fn draw(draw: &mut Draw<'_>, topology: &Topology, workload: &Workload) -> Option<Self> {
        let kind = draw.weighted("operation", &workload.mix.weights())?;
        let sizes = topology.sizes();
        let ordinal = draw.ordinal();
        let slot = |draw: &mut Draw<'_>| draw.below("shape", workload.shapes.into()) as u32 + 1;
        Some(match kind {
            // Whatever else a client does, it needs a shape first.
            _ if ordinal == 0 => Self::Define(1, query(draw, sizes)),
            0 => Self::Define(slot(draw), query(draw, sizes)),
            1 => Self::Poll(slot(draw)),
            2 => Self::Live(slot(draw)),
            3 => Self::Delete(slot(draw)),
            4 => {
                let count = draw.below("changes", workload.changes.into()) + 1;
                Self::Mutate((0..count).map(|_| Mutation::draw(draw, sizes)).collect())
            }
            5..=8 => Self::Restart(Restart::ALL[kind - 5]),
            9 => Self::Recreate,
            _ => {
                let most = u64::from(workload.idle_seconds) * 1_000;
                Self::Wait(Duration::from_millis(draw.below("wait", most + 1)))
            }
        })
    }
}

/// Of 1,000 queries, how many are such as another one depends on.
const PARTS: u64 = 250;

/// A query, or one that such a query depends on: then others may come to share it.
fn query(draw: &mut Draw<'_>, sizes: Sizes) -> Query {
    let whole = Query::draw(draw, sizes);
    let mut parts = whole.with_dependencies();
    if parts.len() > 1 && draw.chance("part", PARTS) {
        return parts.swap_remove(draw.below("which", parts.len() as u64 - 1) as usize);
    }
    whole
}
