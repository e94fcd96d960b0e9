//! The sweeper as a system: its hosts, its clients, its workload and what must hold.

use std::time::Duration;

use super::api::Api;
use super::client::Client;
use super::http::{PORT, router};
use super::outcome::Outcome;
use super::policy::Policy;
use super::pooler::Pooler;
use super::store::Stacks;
use super::worker::Worker;
use super::workload::{Operation, Topology, Verb, Workload, server_name, worker_name};
use super::{cluster, oracle, points, scene, sql};
use crate::harness::{CLIENT, Configured, Deployment, Draw, Fault, Host, Invariant, Load, Record, System};
use crate::http::serve;
use crate::runtime::net::TcpListener;
use crate::servers::cluster::{Cluster, FAULTS as CLUSTER_FAULTS, Options as ClusterOptions};
use crate::servers::postgres::{self, Postgres};
use crate::servers::seconds;
use crate::storage::{Rows, RowsOptions};
use crate::systems::hosts;
use crate::systems::sizes::{NO_WEIGHT, within};

/// Where the cluster listens.
pub(super) const CLUSTER: &str = "cluster:6443";
const POSTGRES: &str = "postgres:5432";
const POOLER: &str = "postgres:6432";
const REPLICA: &str = "replica:5432";
/// How far the replica lags when all is well.
const LAG: Duration = Duration::from_millis(150);
/// Workers are led to an empty database.
const WRONG_DATABASE: &str = "wrong_database";
/// The replica falls behind.
const REPLICA_LAG: &str = "replica_lag";
/// The longest that a fault of the database lasts, in seconds.
const LONGEST: u64 = 300;
const FAULTS: &[&str] = &hosts::faults::<14>(&[&CLUSTER_FAULTS, &postgres::FAULTS, &[WRONG_DATABASE, REPLICA_LAG]]);

/// The sweeper, configured.
#[derive(Clone, Debug, Default)]
pub struct Sweeper {
    policy: Policy,
    topology: Topology,
    workload: Workload,
}

impl Sweeper {
    /// The database with what is there from the start, the copy that follows it, and what leads workers there.
    fn deploy_postgres(&self, plan: &mut Deployment, cluster: &Cluster) {
        let server = Postgres::new(postgres::Options::default());
        let begin = scene::set(cluster, &self.topology, &self.workload);
        server.prepare(&begin).expect("a schema and rows of our own");
        let replica = server.replica(postgres::Options { name: "replica".into(), ..Default::default() }, LAG);
        let empty = Postgres::new(postgres::Options { name: "elsewhere".into(), ..Default::default() });
        empty.prepare(sql::SCHEMA).expect("a schema of our own");
        let pooler = Pooler::new(server.clone(), empty);

        let (served, straying, righted) = (server.clone(), pooler.clone(), pooler.clone());
        let host = Host::new("postgres", "postgres", move || {
            let (server, pooler) = (served.clone(), pooler.clone());
            async move {
                let listener = TcpListener::bind(POSTGRES).await.expect("no one else has the port");
                let before = TcpListener::bind(POOLER).await.expect("no one else has the port");
                let (served, ()) = tokio::join!(server.serve(listener), pooler.serve(before));
                served.expect("a listener of a running host accepts");
            }
        });
        plan.host(
            hosts::with_faults(host, &server, LONGEST)
                // What expires does so by this one clock.
                .immune(&[Fault::ClockJump, Fault::ClockDrift])
                .fault(WRONG_DATABASE, move |magnitude| straying.go_astray(seconds(magnitude, 1_200)))
                .heal(move || righted.heal()),
        );

        let (lagging, catching) = (replica.clone(), replica.clone());
        let host = Host::new("replica", "replica", move || {
            let replica = replica.clone();
            async move {
                let listener = TcpListener::bind(REPLICA).await.expect("no one else has the port");
                replica.serve(listener).await.expect("a listener of a running host accepts");
            }
        });
        plan.host(
            host.immune(&[Fault::ClockJump, Fault::ClockDrift])
                .fault(REPLICA_LAG, move |magnitude| {
                    lagging.stall(seconds(magnitude, 7_200), seconds(magnitude / 7_200, 7_200))
                })
                .heal(move || catching.heal()),
        );
    }

    fn deploy_cluster(plan: &mut Deployment, cluster: &Cluster) {
        let served = cluster.clone();
        let host = Host::new("cluster", "cluster", move || {
            let cluster = served.clone();
            async move {
                let listener = TcpListener::bind(CLUSTER).await.expect("no one else has the port");
                cluster.serve(listener).await;
            }
        });
        let (struck, healed) = (cluster.clone(), cluster.clone());
        let strike = move |fault: &str, magnitude| struck.strike(fault, magnitude).expect("a fault of its own");
        let host = host.faults(&CLUSTER_FAULTS, strike).heal(move || healed.heal());
        // How old a namespace is goes by this one clock.
        plan.host(host.immune(&[Fault::ClockJump, Fault::ClockDrift]));
    }

    fn deploy_api(&self, plan: &mut Deployment, name: String) {
        let policy = self.policy.clone();
        plan.host(Host::new(name.clone(), "api", move || {
            let (name, policy) = (name.clone(), policy.clone());
            async move {
                let api = Api::new(policy, stacks(POSTGRES), cluster::Cluster::new(CLUSTER));
                let listener = TcpListener::bind((&*name, PORT)).await.expect("no one else has the port");
                serve(listener, router(api)).await;
            }
        }));
    }

    fn deploy_worker(&self, plan: &mut Deployment, name: String) {
        let (policy, page) = (self.policy.clone(), self.topology.page);
        plan.host(Host::new(name.clone(), "worker", move || {
            let (name, policy) = (name.clone(), policy.clone());
            async move {
                let (primary, replica) = (stacks(POOLER), stacks(REPLICA));
                let cluster = cluster::Cluster::new(CLUSTER);
                Worker::new(&name, policy, primary, replica, cluster, page).run().await;
            }
        }));
    }
}

/// The rows behind an address.
fn stacks(address: &str) -> Stacks {
    Stacks::new(Rows::new(RowsOptions { address: address.to_owned(), ..RowsOptions::default() }))
}

impl System for Sweeper {
    type Operation = Operation;
    type Outcome = Outcome;
    type Client = Client;

    fn name(&self) -> &'static str {
        "sweeper"
    }

    fn load(&self) -> Load {
        Load { clients: self.topology.clients, operations: self.workload.operations }
    }

    fn deploy(&self, plan: &mut Deployment) {
        let cluster = Cluster::new(ClusterOptions::default());
        self.deploy_postgres(plan, &cluster);
        Self::deploy_cluster(plan, &cluster);
        for server in 0..self.topology.servers {
            self.deploy_api(plan, server_name(server));
        }
        for worker in 0..self.topology.workers {
            self.deploy_worker(plan, worker_name(worker));
        }
        plan.link(CLIENT, "api");
        plan.link("api", "postgres");
        plan.link("api", "cluster");
        plan.link("worker", "postgres");
        plan.link("worker", "cluster");
    }

    fn client(&self, _: &str) -> Client {
        Client::new(self.workload.identity)
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

    /// What each process says of all stacks.
    fn recovered(&self, _: &[Record<Self>]) -> Vec<Operation> {
        (0..self.topology.servers).map(Operation::List).collect()
    }

    /// How each stack is.
    fn at_rest(&self, _: &[Record<Self>]) -> Vec<Operation> {
        let most = self.workload.stacks.max(self.topology.running);
        (1..=most).map(|stack| Operation::of(Verb::Status, stack)).collect()
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

impl Configured for Sweeper {
    type Policy = Policy;
    type Topology = Topology;
    type Workload = Workload;

    fn configure(policy: Policy, topology: Topology, workload: Workload) -> Result<Self, String> {
        within("servers", topology.servers, 1..=26)?;
        within("workers", topology.workers, 1..=26)?;
        within("clients", topology.clients, 1..=1000)?;
        within("running", topology.running, 0..=10_000)?;
        within("orphans", topology.orphans, 0..=1000)?;
        within("page", topology.page, 1..=10_000)?;
        within("stacks", workload.stacks, 1..=10_000)?;
        within("idle_seconds", workload.idle_seconds, 1..=86_400)?;
        if topology.orphans > 1 && workload.stacks <= topology.running {
            return Err(format!(
                "`stacks` is {}, so each of them runs already: give more than `running`, which is {}, or have 1 orphan",
                workload.stacks, topology.running
            ));
        }
        if workload.mix.is_empty() {
            return Err(NO_WEIGHT.to_owned());
        }
        Ok(Self { policy, topology, workload })
    }
}
