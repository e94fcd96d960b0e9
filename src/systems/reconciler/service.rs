//! The reconciler as a system: its hosts, its clients, its workload and what must hold.

use std::fmt::Write as _;
use std::time::Duration;

use super::client::Client;
use super::http::{PORT, router};
use super::oracle;
use super::outcome::Outcome;
use super::plane::ControlPlane;
use super::policy::Policy;
use super::server::Server;
use super::store::Workspaces;
use super::workload::{Operation, Topology, Verb, Workload, server_name, workspace_name};
use super::{agent, points, sql};
use crate::harness::{CLIENT, Configured, Deployment, Draw, Fault, Host, Invariant, Load, Record, System};
use crate::http::{Client as HttpClient, serve};
use crate::runtime::net::TcpListener;
use crate::servers::cloud::{self, Cloud};
use crate::servers::postgres::{self, Postgres};
use crate::storage::{Rows, RowsOptions};
use crate::systems::hosts;
use crate::systems::sizes::{NO_WEIGHT, within};

/// Where the control plane listens.
pub(super) const CLOUD: &str = "cloud:8000";
const POSTGRES: &str = "postgres:5432";
/// The longest that a fault of the database lasts, in seconds.
const LONGEST: u64 = 30;
const FAULTS: &[&str] = &hosts::faults::<12>(&[&cloud::FAULTS, &postgres::FAULTS]);

/// The reconciler, configured.
#[derive(Clone, Debug, Default)]
pub struct Reconciler {
    policy: Policy,
    topology: Topology,
    workload: Workload,
}

impl Reconciler {
    fn machines(&self) -> Vec<String> {
        (1..=self.topology.machines).map(|number| format!("machine-{number}")).collect()
    }

    /// The database, with the workspaces that run already.
    fn deploy_postgres(&self, plan: &mut Deployment, cloud: &Cloud) {
        let server = Postgres::new(postgres::Options::default());
        let mut begin = sql::SCHEMA.to_owned();
        for number in 1..=self.topology.running {
            let (id, generation) = (workspace_name(number), format!("g{number}"));
            let instance = cloud.preload(&id, &generation);
            let _ = write!(
                begin,
                ";\nINSERT INTO workspaces \
                 (id, status, runtime, instance_id, generation, owed, last_heartbeat_at, updated_at) \
                 VALUES ('{id}', 'online', 'cloud', '{instance}', '{generation}', 'nothing', now(), now())"
            );
        }
        server.prepare(&begin).expect("a schema and rows of our own");
        // Leases and ages go by this one clock.
        plan.host(hosts::postgres(&server, POSTGRES, LONGEST).immune(&[Fault::ClockJump]));
    }

    fn deploy_cloud(&self, plan: &mut Deployment, cloud: &Cloud) {
        let plane = cloud.clone();
        let host = Host::new("cloud", "cloud", move || {
            let plane = plane.clone();
            async move {
                let listener = TcpListener::bind(CLOUD).await.expect("no one else has the port");
                plane.serve(listener).await;
            }
        });
        let (struck, healed) = (cloud.clone(), cloud.clone());
        let strike = move |fault: &str, magnitude| struck.strike(fault, magnitude).expect("a fault of its own");
        plan.host(host.faults(&cloud::FAULTS, strike).heal(move || healed.heal()));
        let servers: Vec<String> =
            (0..self.topology.servers).map(|server| format!("{}:{PORT}", server_name(server))).collect();
        for machine in self.machines() {
            let (cloud, servers, name) = (cloud.clone(), servers.clone(), machine.clone());
            plan.host(Host::new(machine, "machine", move || {
                let (cloud, servers, name) = (cloud.clone(), servers.clone(), name.clone());
                async move {
                    let http = HttpClient::new();
                    cloud.power(&name, |instance| agent::run(instance, servers.clone(), http.clone())).await;
                }
            }));
        }
    }

    fn deploy_server(&self, plan: &mut Deployment, name: String) {
        let policy = self.policy.clone();
        plan.host(Host::new(name.clone(), "server", move || {
            let (name, policy) = (name.clone(), policy.clone());
            async move {
                let rows = Rows::new(RowsOptions { address: POSTGRES.to_owned(), ..RowsOptions::default() });
                let server = Server::new(&name, policy, Workspaces::new(rows), ControlPlane::new(CLOUD));
                let listener = TcpListener::bind((&*name, PORT)).await.expect("no one else has the port");
                server.begin();
                serve(listener, router(server)).await;
            }
        }));
    }
}

impl System for Reconciler {
    type Operation = Operation;
    type Outcome = Outcome;
    type Client = Client;

    fn name(&self) -> &'static str {
        "reconciler"
    }

    fn load(&self) -> Load {
        Load { clients: self.topology.clients, operations: self.workload.operations }
    }

    fn deploy(&self, plan: &mut Deployment) {
        let cloud = Cloud::new(cloud::Options {
            machines: self.machines(),
            answer: Duration::from_millis(self.topology.answers_ms.into()),
            ..cloud::Options::default()
        });
        self.deploy_postgres(plan, &cloud);
        self.deploy_cloud(plan, &cloud);
        for server in 0..self.topology.servers {
            self.deploy_server(plan, server_name(server));
        }
        plan.link(CLIENT, "server");
        plan.link("machine", "server");
        plan.link("server", "postgres");
        plan.link("server", "cloud");
    }

    fn client(&self, _: &str) -> Client {
        Client::default()
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

    /// What each server says of all workspaces.
    fn recovered(&self, _: &[Record<Self>]) -> Vec<Operation> {
        (0..self.topology.servers).map(Operation::List).collect()
    }

    /// How each workspace is that anybody ever asked for.
    fn at_rest(&self, done: &[Record<Self>]) -> Vec<Operation> {
        let mut asked: Vec<u32> = done
            .iter()
            .filter_map(|record| match record.operation {
                Operation::Workspace { workspace, .. } => Some(workspace),
                _ => None,
            })
            .collect();
        asked.sort_unstable();
        asked.dedup();
        asked.into_iter().map(|workspace| Operation::of(Verb::Status, workspace)).collect()
    }

    fn parse(&self, text: &str) -> Result<Operation, String> {
        Operation::parse(text, &self.topology)
    }

    fn points(&self) -> &'static [&'static str] {
        points::ALL
    }
}

impl Configured for Reconciler {
    type Policy = Policy;
    type Topology = Topology;
    type Workload = Workload;

    fn configure(policy: Policy, topology: Topology, workload: Workload) -> Result<Self, String> {
        within("servers", topology.servers, 1..=26)?;
        within("clients", topology.clients, 1..=1000)?;
        within("machines", topology.machines, 1..=100)?;
        within("answers_ms", topology.answers_ms, 0..=60_000)?;
        within("running", topology.running, 0..=10_000)?;
        within("workspaces", workload.workspaces, 1..=10_000)?;
        within("external", workload.external, 0..=workload.workspaces)?;
        within("idle_seconds", workload.idle_seconds, 1..=86_400)?;
        if workload.mix.is_empty() {
            return Err(NO_WEIGHT.to_owned());
        }
        Ok(Self { policy, topology, workload })
    }
}
