//! What a run is told beyond its system: faults, limits, scripted steps, holds and strikes.

use std::time::Duration;

use super::Strike;
use crate::world::Engine;
use crate::world::tape::Decision;

/// Everything about a run but its system and its seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Expected faults per simulated minute of chaos, by kind. What is not named does not happen.
    pub faults: Vec<(String, f64)>,
    /// How long and how much.
    pub limits: Limits,
    /// Scripted operations, at exact times. With any, clients perform only these.
    pub steps: Vec<Step>,
    /// Scripted interleavings.
    pub holds: Vec<Hold>,
    /// Scripted faults, at exact times.
    pub strikes: Vec<Strike>,
    /// Decisions that every run takes, whatever its seed draws.
    pub decisions: Vec<Decision>,
    /// Allowances granted to the oracles.
    pub allow: Vec<String>,
    /// What the world runs on.
    pub engine: Engine,
}

/// Bounds of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Simulated time in which clients and faults act; it ends earlier when all operations are done.
    pub chaos: Duration,
    /// Simulated time for the system to settle after faults have healed.
    pub settle: Duration,
    /// Events after which the run is given up as stuck.
    pub events: u64,
}

/// A scripted operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When, since the start of the run.
    pub at: Duration,
    /// The client that performs it, for example `c1`.
    pub client: String,
    /// The operation in words, as the system's parser reads it.
    pub operation: String,
}

/// A scripted hold: a task that passes the point waits there until something has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The point's name, optionally followed by what it is about: `session.decorate.swapped s1`. A `*` at its end stands for
    /// any rest: `removal 1f0c-*`.
    pub point: String,
    /// What ends the hold: `<operation> starts`, `<operation> returns`, or a duration such as `2s`.
    pub until: String,
}

impl Limits {
    /// How long a tick of turmoil's is unless somebody says so: a millisecond, or for long runs so much that there are not
    /// too many ticks, up to a twentieth of a second. Each takes each host about a microsecond, whether or not it has
    /// anything to do.
    pub fn tick(&self) -> Duration {
        const TICKS: u128 = 60_000;
        let most = (self.chaos + self.settle).as_millis().div_ceil(TICKS);
        Duration::from_millis(most.clamp(1, 50) as u64)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { chaos: Duration::from_mins(2), settle: Duration::from_mins(1), events: 5_000_000 }
    }
}

impl Default for Plan {
    /// No faults, default limits, nothing scripted.
    fn default() -> Self {
        Self {
            faults: Vec::new(),
            limits: Limits::default(),
            steps: Vec::new(),
            holds: Vec::new(),
            strikes: Vec::new(),
            decisions: Vec::new(),
            allow: Vec::new(),
            engine: Engine::default(),
        }
    }
}
