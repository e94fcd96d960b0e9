//! The sandbox service as a system: its hosts, its clients, its workload and what must hold.

use super::client::Client;
use super::lock::Kind;
use super::manager::Options;
use super::outcome::Outcome;
use super::policy::Policy;
use super::workload::{Locks, Operation, Step, Topology, Verb, Workload, file_path, replica_name};
use super::{oracle, points, replica, sql, timeouts};
use crate::harness::{CLIENT, Configured, Deployment, Draw, Host, Invariant, Load, Record, System};
use crate::runtime::net::TcpListener;
use crate::servers::postgres::{self, Postgres};
use crate::servers::redis::{self, Redis};
use crate::storage::{self, KeyValue, RowsOptions};
use crate::systems::hosts::{self, EVICT, FAIL_OVER, LOADING};
use crate::systems::sizes::{NO_WEIGHT, within};

const REDIS: &str = "redis:6379";
const POSTGRES: &str = "postgres:5432";
/// How many connections the pool of a session has at most.
const CONNECTIONS: usize = 4;
/// A fault of Redis: the text of a counter is garbled.
const GARBLE: &str = "garble";
/// What the keys of counters have in their names.
const COUNTERS: &str = ":ver:";
/// The longest that a fault of Postgres lasts, in seconds.
const LONGEST: u64 = 20;
const FAULTS: &[&str] = &hosts::faults::<8>(&[&[EVICT, GARBLE, FAIL_OVER, LOADING], &postgres::FAULTS]);

/// The sandbox service, configured.
#[derive(Clone, Debug, Default)]
pub struct Sandbox {
    policy: Policy,
    topology: Topology,
    workload: Workload,
}

impl Sandbox {
    fn deploy_redis(&self, plan: &mut Deployment) {
        let persistence = self.topology.persistence;
        let server = Redis::new(redis::Options { persistence, ..redis::Options::default() });
        let host = hosts::redis(&server, REDIS);
        plan.host(host.fault(GARBLE, move |magnitude| server.garble(COUNTERS, magnitude)));
    }

    fn deploy_postgres(plan: &mut Deployment) {
        let server = Postgres::new(postgres::Options::default());
        server.prepare(&sql::SCHEMA.join(";\n")).expect("the tables are such as the server knows");
        plan.host(hosts::postgres(&server, POSTGRES, LONGEST));
    }

    fn deploy_replica(&self, plan: &mut Deployment, number: u32) {
        let lock = match self.topology.locks {
            Locks::Single => Kind::Single,
            Locks::Mixed if !number.is_multiple_of(2) => Kind::Single,
            Locks::ReadWrite | Locks::Mixed => Kind::ReadWrite,
        };
        let options = Options {
            name: replica_name(number),
            policy: self.policy.clone(),
            lock,
            snapshots: self.topology.snapshots,
            idle: timeouts::IDLE,
            rows: RowsOptions {
                address: POSTGRES.to_owned(),
                connections: CONNECTIONS,
                connect_timeout: timeouts::CONNECT,
                acquire_timeout: timeouts::STATEMENT,
                statement_timeout: Some(timeouts::STATEMENT),
                ..RowsOptions::default()
            },
        };
        plan.host(Host::new(options.name.clone(), "replica", move || {
            let options = options.clone();
            async move {
                let store = KeyValue::new(storage::Options {
                    address: REDIS.to_owned(),
                    connect_timeout: timeouts::REDIS,
                    response_timeout: Some(timeouts::REDIS),
                    ..storage::Options::default()
                });
                let listener =
                    TcpListener::bind((&*options.name, replica::PORT)).await.expect("no one else has the port");
                replica::run(options, store, listener).await.expect("its times fit together");
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
        Self::deploy_postgres(plan);
        for number in 0..self.topology.replicas {
            self.deploy_replica(plan, number);
        }
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

    /// Whether each sandbox is there, and what its files hold, as each replica sees it; then whether each replica can
    /// write, and what was written is seen.
    fn recovered(&self, _: &[Record<Self>]) -> Vec<Operation> {
        let replicas = 0..self.topology.replicas;
        // A client that comes to a replica for the first time after trouble may find its own connection broken.
        let mut operations: Vec<Operation> = replicas.clone().map(Operation::Inspect).collect();
        for sandbox in 1..=self.workload.sandboxes {
            let ask = |verb, via| Operation::Sandbox { verb, sandbox, via };
            let reads: Vec<Step> = (1..=self.workload.files).map(|file| Step::Read(file_path(file))).collect();
            for via in replicas.clone() {
                operations.push(ask(Verb::Get, via));
                operations.push(ask(Verb::Exec(reads.clone()), via));
            }
            for via in replicas.clone() {
                let value = format!("rest.{sandbox}.{}", via + 1).into();
                operations.push(ask(Verb::File(Step::Append(file_path(1), value)), via));
            }
            // The first one has not seen what the others wrote.
            operations.push(ask(Verb::Exec(reads), 0));
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

    fn faults(&self) -> &'static [&'static str] {
        FAULTS
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
        within("replicas", topology.replicas, 1..=26)?;
        within("clients", topology.clients, 1..=1000)?;
        within("tenants", topology.tenants, 1..=1000)?;
        within("sandboxes", workload.sandboxes, 1..=10_000)?;
        within("files", workload.files, 1..=1000)?;
        within("steps", workload.steps, 1..=20)?;
        if workload.mix.is_empty() {
            return Err(NO_WEIGHT.to_owned());
        }
        Ok(Self { policy, topology, workload })
    }
}
