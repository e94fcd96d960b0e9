//! The trait that a system under test implements.

use std::fmt;
use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Deployment, Draw, Invariant, Record};

/// How much a run asks of a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// How many clients issue operations side by side.
    pub clients: u32,
    /// How many operations they issue together.
    pub operations: u32,
}

/// A system under test: its hosts, its clients, and what must hold.
///
/// The value is configuration, cloned once into the thread of each run; a clone must not share state with the original.
pub trait System: Clone + Send + Sync + 'static {
    /// What a client does. `Display` is its name in stories and scripted steps.
    type Operation: Clone + fmt::Debug + fmt::Display + Send + 'static;
    /// What came of it, as the client saw it.
    type Outcome: Clone + fmt::Debug + fmt::Display + Send + 'static;
    /// The state of one client: its connections, what it remembers. Made afresh for each run.
    type Client: Clone + 'static;

    /// A short lower-case name, for example `session`.
    fn name(&self) -> &'static str;

    /// How many clients and operations.
    fn load(&self) -> Load;

    /// Hosts, the programs they run, the servers they talk to.
    fn deploy(&self, plan: &mut Deployment);

    /// A new client; `name` is its host, for example `c1`. What clients of one run share may live in the clone of the run.
    fn client(&self, name: &str) -> Self::Client;

    /// What a client does next; the tape decides. `None`: nothing. Conflicts are wanted: few entities, many hands.
    fn next(&self, draw: &mut Draw<'_>) -> Option<Self::Operation>;

    /// Performs it as a client of the running service, over the network.
    fn perform(&self, client: Self::Client, operation: Self::Operation) -> impl Future<Output = Self::Outcome>;

    /// What must hold. Fresh for each run; reads the history only, never the configuration.
    fn invariants(&self) -> Vec<Box<dyn Invariant<Self>>>;

    /// Operations to perform one after another three minutes after faults have healed, to see that all is well again
    /// before anything has expired. `done` is all that was done before.
    fn recovered(&self, done: &[Record<Self>]) -> Vec<Self::Operation> {
        let _ = done;
        Vec::new()
    }

    /// Operations to perform one after another once the world has settled, to look at what is left.
    /// `done` is all that was done before.
    fn at_rest(&self, done: &[Record<Self>]) -> Vec<Self::Operation> {
        let _ = done;
        Vec::new()
    }

    /// Reads a scripted operation such as `decorate s1`.
    ///
    /// # Errors
    /// Says what is wrong with the text and what would be right.
    fn parse(&self, text: &str) -> Result<Self::Operation, String> {
        Err(format!("`{}` has no scripted operations, so `{text}` cannot be performed", self.name()))
    }

    /// The names of all points in the code under test, for checking a scripted hold.
    fn points(&self) -> &'static [&'static str] {
        &[]
    }

    /// The kinds of fault that only this system's servers know, beside those of every world.
    fn faults(&self) -> &'static [&'static str] {
        &[]
    }

    /// Allowances that a scenario may grant to the oracles.
    fn allowances(&self) -> &'static [&'static str] {
        &[]
    }
}

/// A system that scenario files can name: its tables are typed, and refuse what they do not know.
pub trait Configured: System {
    /// `[policy]`: the choices in which historical forms and the hardened form differ. Left out: hardened.
    type Policy: DeserializeOwned + Default + Send + Sync;
    /// `[topology]`. Its whole numbers are sizes, which shrinking makes smaller.
    type Topology: DeserializeOwned + Serialize + Default + Send + Sync;
    /// `[workload]`.
    type Workload: DeserializeOwned + Default + Send + Sync;

    /// The system with these tables.
    ///
    /// # Errors
    /// When values do not fit together; the message says which and what to do.
    fn configure(policy: Self::Policy, topology: Self::Topology, workload: Self::Workload) -> Result<Self, String>;
}
