//! The sandbox service as a system: its hosts, its clients, its workload and what must hold.

use super::client::Client;
use super::outcome::Outcome;
use super::policy::Policy;
use super::workload::{Operation, Persistence, Step, Topology, Verb, Workload, file_path};
use super::{oracle, points};
use crate::harness::{CLIENT, Configured, Deployment, Draw, Host, Invariant, Load, Record, System};
use crate::runtime::net::TcpListener;
use crate::servers::redis::{self, Redis};

const REDIS: &str = "redis:6379";

/// The sandbox service, configured.
#[derive(Clone, Debug, Default)]
pub struct Sandbox {
    policy: Policy,
    topology: Topology,
    workload: Workload,
}

impl Sandbox {
    fn deploy_redis(&self, plan: &mut Deployment) {
        let persistence = match self.topology.persistence {
            Persistence::Always => redis::Persistence::Always,
            Persistence::LastSecondLost => redis::Persistence::LastSecondLost,
            Persistence::None => redis::Persistence::None,
        };
        let server = Redis::new(redis::Options { persistence, ..redis::Options::default() });
        plan.host(Host::new("redis", "redis", move || {
            let server = server.clone();
            async move {
                let listener = TcpListener::bind(REDIS).await.expect("no one else has the port");
                server.serve(listener).await.expect("a listener of a running host accepts");
            }
        }));
    }
}

impl System for Sandbox {
    type Operation = Operation;
    type Outcome = Outcome;
    type Client = Client;

    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn load(&self) -> Load {
        Load { clients: self.topology.clients, operations: self.workload.operations }
    }

    fn deploy(&self, plan: &mut Deployment) {
        self.deploy_redis(plan);
        plan.link(CLIENT, "replica");
        plan.link("replica", "redis");
        plan.link("replica", "postgres");
    }

    fn client(&self, _: &str) -> Client {
        Client::new(self.topology.tenants)
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

    /// Whether each sandbox is there, and what its files hold, as each replica sees it.
    fn recovered(&self, _: &[Record<Self>]) -> Vec<Operation> {
        let mut operations: Vec<Operation> = (0..self.topology.replicas).map(Operation::Inspect).collect();
        for sandbox in 1..=self.workload.sandboxes {
            for via in 0..self.topology.replicas {
                operations.push(Operation::Sandbox { verb: Verb::Get, sandbox, via });
                let read = (1..=self.workload.files).map(|file| Step::Read(file_path(file))).collect();
                operations.push(Operation::Sandbox { verb: Verb::Exec(read), sandbox, via });
            }
        }
        operations
    }

    /// What is held; then what is left once every replica has let go of all it has.
    fn at_rest(&self, _: &[Record<Self>]) -> Vec<Operation> {
        let replicas = 0..self.topology.replicas;
        let look = replicas.clone().map(Operation::Inspect);
        look.clone().chain(replicas.map(Operation::Drain)).chain(look).collect()
    }

    fn parse(&self, text: &str) -> Result<Operation, String> {
        Operation::parse(text, &self.topology)
    }

    fn points(&self) -> &'static [&'static str] {
        points::ALL
    }
}

impl Configured for Sandbox {
    type Policy = Policy;
    type Topology = Topology;
    type Workload = Workload;

    fn configure(policy: Policy, topology: Topology, workload: Workload) -> Result<Self, String> {
        policy.check()?;
        let within = |name: &str, value: u32, most: u32| {
            if (1..=most).contains(&value) { Ok(()) } else { Err(format!("`{name}` is {value}: give 1 to {most}")) }
        };
        within("replicas", topology.replicas, 26)?;
        within("clients", topology.clients, 1000)?;
        within("tenants", topology.tenants, 1000)?;
        within("sandboxes", workload.sandboxes, 10_000)?;
        within("files", workload.files, 1000)?;
        within("steps", workload.steps, 20)?;
        if workload.mix.is_empty() {
            return Err("every weight in `mix` is 0: give at least one operation a weight".to_owned());
        }
        Ok(Self { policy, topology, workload })
    }
}
