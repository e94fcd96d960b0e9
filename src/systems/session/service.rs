//! The session manager as a system: its hosts, its clients, its workload and what must hold.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::backend::{self, Backend, Trouble};
use super::client::{Client, Directory};
use super::oracle;
use super::outcome::Outcome;
use super::policy::Policy;
use super::workload::{Operation, Target, Topology, Verb, Workload, pod_name};
use super::{pod, points};
use crate::harness::{CLIENT, Configured, Deployment, Draw, Host, Invariant, Load, Record, System};
use crate::servers::redis::{self, Redis};
use crate::servers::seconds;
use crate::storage::{self, KeyValue};
use crate::systems::hosts::{self, EVICT, FAIL_OVER, LOADING};
use crate::systems::sizes::{NO_WEIGHT, within};

/// Ample time for what is on its way at rest.
const ARRIVAL: Duration = Duration::from_secs(10);
const REDIS: &str = "redis:6379";
/// Faults of backends: initialisation takes long, or is refused, for a while.
const SLOW_INIT: &str = "slow_init";
const REFUSE_INIT: &str = "refuse_init";
const FAULTS: &[&str] = &[SLOW_INIT, REFUSE_INIT, EVICT, FAIL_OVER, LOADING];

/// The session manager, configured.
pub struct Session {
    policy: Policy,
    topology: Topology,
    workload: Workload,
    /// What the clients of one run know of sessions: a clone is another run's system, and starts knowing nothing.
    directory: Arc<Directory>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("policy", &self.policy)
            .field("topology", &self.topology)
            .field("workload", &self.workload)
            .finish_non_exhaustive()
    }
}

impl Clone for Session {
    fn clone(&self) -> Self {
        Self::new(self.policy.clone(), self.topology.clone(), self.workload.clone())
    }
}

impl Default for Session {
    /// The hardened form under the default workload.
    fn default() -> Self {
        Self::new(Policy::default(), Topology::default(), Workload::default())
    }
}

impl Session {
    fn new(policy: Policy, topology: Topology, workload: Workload) -> Self {
        Self { policy, topology, workload, directory: Arc::default() }
    }

    fn backends(&self) -> BTreeMap<String, String> {
        (1..=self.topology.backends)
            .map(|number| (format!("b{number}"), format!("b{number}:{}", backend::PORT)))
            .collect()
    }

    fn deploy_redis(&self, plan: &mut Deployment) {
        let persistence = self.topology.persistence;
        let server = Redis::new(redis::Options { persistence, ..redis::Options::default() });
        plan.host(hosts::redis(&server, REDIS));
    }

    fn deploy_pod(&self, plan: &mut Deployment, name: String) {
        let options = pod::Options {
            name: name.clone(),
            policy: self.policy.clone(),
            capacity: self.topology.capacity,
            backends: self.backends(),
        };
        plan.host(Host::new(name, "pod", move || {
            let options = options.clone();
            async move {
                let store =
                    KeyValue::new(storage::Options { address: REDIS.to_owned(), ..storage::Options::default() });
                let name = options.name.clone();
                pod::listen(options, store, (&name, pod::PORT)).await.expect("no one else has the port");
            }
        }));
    }

    fn deploy_backend(&self, plan: &mut Deployment, name: &str) {
        let server = Backend::new(name, self.topology.hints);
        let (slow, refusing) = (server.clone(), server.clone());
        let address = name.to_owned();
        let host = Host::new(name, "backend", move || {
            let (server, address) = (server.clone(), address.clone());
            async move {
                server.run((&address, backend::PORT)).await.expect("a listener of a running host accepts");
            }
        });
        plan.host(
            host.fault(SLOW_INIT, move |magnitude| {
                let (delay, lasts) = (seconds(magnitude, 45), seconds(magnitude, 30));
                slow.trouble(Trouble::Slow(delay), lasts);
                format!("initialisation takes {delay:?} for {lasts:?}")
            })
            .fault(REFUSE_INIT, move |magnitude| {
                let lasts = seconds(magnitude, 30);
                refusing.trouble(Trouble::Refusing, lasts);
                format!("initialisation is refused for {lasts:?}")
            }),
        );
    }
}

impl System for Session {
    type Operation = Operation;
    type Outcome = Outcome;
    type Client = Client;

    fn name(&self) -> &'static str {
        "session"
    }

    fn load(&self) -> Load {
        Load { clients: self.topology.clients, operations: self.workload.operations }
    }

    fn deploy(&self, plan: &mut Deployment) {
        self.deploy_redis(plan);
        for pod in 0..self.topology.pods {
            self.deploy_pod(plan, pod_name(pod));
        }
        for name in self.backends().keys() {
            self.deploy_backend(plan, name);
        }
        plan.link(CLIENT, "pod");
        plan.link("pod", "redis");
        plan.link("pod", "backend");
    }

    fn client(&self, name: &str) -> Client {
        Client::new(name, self.directory.clone())
    }

    fn next(&self, draw: &mut Draw<'_>) -> Option<Operation> {
        Operation::draw(draw, &self.topology, &self.workload)
    }

    async fn perform(&self, client: Client, operation: Operation) -> Outcome {
        client.perform(operation).await
    }

    fn invariants(&self) -> Vec<Box<dyn Invariant<Self>>> {
        oracle::all()
    }

    fn faults(&self) -> &'static [&'static str] {
        FAULTS
    }

    /// What each session ever made has come to, on each pod, while those that live still do.
    fn recovered(&self, _: &[Record<Self>]) -> Vec<Operation> {
        let pods = 0..self.topology.pods;
        // A client that comes to a pod for the first time after trouble may find its own connection broken.
        let mut operations: Vec<Operation> = pods.clone().map(Operation::InspectPod).collect();
        for (slot, generation) in self.directory.all() {
            let target = Target { slot, generation: Some(generation) };
            let get = |via| Operation::Session { verb: Verb::Get { stranger: false }, target, via };
            operations.extend(pods.clone().map(get));
        }
        operations
    }

    /// What is held and open; then what each session ever made has come to; then what is left after all that is known of
    /// has been closed.
    fn at_rest(&self, _: &[Record<Self>]) -> Vec<Operation> {
        let pods = 0..self.topology.pods;
        // Pods first: what they let go of meanwhile is given time to arrive.
        let look = |operations: &mut Vec<Operation>| {
            operations.extend(pods.clone().map(Operation::InspectPod));
            operations.push(Operation::Wait(ARRIVAL));
            operations.extend((1..=self.topology.backends).map(Operation::InspectBackend));
        };
        let mut operations = Vec::new();
        look(&mut operations);
        for (slot, generation) in self.directory.all() {
            let target = Target { slot, generation: Some(generation) };
            operations.push(Operation::Session { verb: Verb::Validate, target, via: 0 });
        }
        operations.extend(pods.clone().map(Operation::Drain));
        look(&mut operations);
        operations
    }

    fn parse(&self, text: &str) -> Result<Operation, String> {
        Operation::parse(text, &self.topology)
    }

    fn points(&self) -> &'static [&'static str] {
        points::ALL
    }

    fn allowances(&self) -> &'static [&'static str] {
        oracle::ALLOWANCES
    }
}

impl Configured for Session {
    type Policy = Policy;
    type Topology = Topology;
    type Workload = Workload;

    fn configure(policy: Policy, topology: Topology, workload: Workload) -> Result<Self, String> {
        within("pods", topology.pods, 1..=26)?;
        within("clients", topology.clients, 1..=1000)?;
        within("backends", topology.backends, 1..=100)?;
        within("capacity", topology.capacity, 1..=u32::MAX)?;
        within("sessions", workload.sessions, 1..=10_000)?;
        for (name, value) in [("strangers", workload.strangers), ("slow_calls", workload.slow_calls)] {
            if value > 1000 {
                return Err(format!("`{name}` is {value}: it counts of 1,000, so give 0 to 1000"));
            }
        }
        if workload.mix.is_empty() {
            return Err(NO_WEIGHT.to_owned());
        }
        Ok(Self::new(policy, topology, workload))
    }
}
