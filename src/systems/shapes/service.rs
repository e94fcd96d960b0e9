//! The shape service as a system: its hosts, its clients, its workload and what must hold.

use std::fmt;
use std::sync::Arc;

use super::client::{self, Client, Directory};
use super::http::router;
use super::outcome::Outcome;
use super::policy::Policy;
use super::process::Process;
use super::protocol::{PORT, SERVER};
use super::query::{SCHEMA, Tables};
use super::stack::Options;
use super::workload::{Operation, Topology, Workload};
use super::{oracle, points};
use crate::harness::{CLIENT, Configured, Deployment, Draw, Fault, Host, Invariant, Load, Record, System};
use crate::http::serve;
use crate::runtime::net::TcpListener;
use crate::runtime::task;
use crate::servers::postgres::{self, Postgres};
use crate::storage::{Rows, RowsOptions};
use crate::systems::hosts;
use crate::systems::sizes::{NO_WEIGHT, within};

const POSTGRES: &str = "postgres:5432";
/// Where it serves its slots.
const SLOTS: &str = "postgres:5433";
/// Where the service keeps its files.
const DIRECTORY: &str = "data";
/// The slot is lost.
const DROP_SLOT: &str = "drop_slot";
/// The longest that a fault of the database lasts, in seconds.
const LONGEST: u64 = 20;
const FAULTS: &[&str] = &hosts::faults::<5>(&[&postgres::FAULTS, &[DROP_SLOT]]);

/// The shape service, configured.
#[derive(Default)]
pub struct Shapes {
    policy: Policy,
    topology: Topology,
    workload: Workload,
    /// What the clients of one run have.
    directory: Arc<Directory>,
}

impl Clone for Shapes {
    /// The same configuration, for clients that have nothing yet.
    fn clone(&self) -> Self {
        Self {
            policy: self.policy.clone(),
            topology: self.topology.clone(),
            workload: self.workload.clone(),
            directory: Arc::default(),
        }
    }
}

impl fmt::Debug for Shapes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { policy, topology, workload, .. } = self;
        let mut shown = f.debug_struct("Shapes");
        shown.field("policy", policy).field("topology", topology).field("workload", workload).finish_non_exhaustive()
    }
}

impl Shapes {
    fn deploy_postgres(&self, plan: &mut Deployment) {
        let server = Postgres::new(postgres::Options { logical: true, ..postgres::Options::default() });
        let rows = Tables::initial(self.topology.sizes()).statements();
        server.prepare(&format!("{SCHEMA};{rows}")).expect("a schema and rows of our own");
        let (served, dropping) = (server.clone(), server.clone());
        let host = Host::new("postgres", "postgres", move || {
            let server = served.clone();
            async move {
                let slots = TcpListener::bind(SLOTS).await.expect("no one else has the port");
                let listener = TcpListener::bind(POSTGRES).await.expect("no one else has the port");
                let slotted = server.clone();
                drop(task::spawn(async move { slotted.serve_slots(slots).await }));
                server.serve(listener).await.expect("a listener of a running host accepts");
            }
        });
        plan.host(
            hosts::with_faults(host, &server, LONGEST)
                .immune(&[Fault::ClockJump])
                .fault(DROP_SLOT, move |magnitude| dropping.drop_slot(magnitude)),
        );
    }

    fn deploy_server(&self, plan: &mut Deployment) {
        let policy = self.policy.clone();
        plan.host(Host::new(SERVER, "server", move || {
            let policy = policy.clone();
            async move {
                let rows = Rows::new(RowsOptions { address: POSTGRES.to_owned(), ..RowsOptions::default() });
                let options = Options {
                    policy,
                    directory: DIRECTORY.to_owned(),
                    rows,
                    slots: SLOTS.to_owned(),
                    lock: Arc::default(),
                };
                let listener = TcpListener::bind((SERVER, PORT)).await.expect("no one else has the port");
                serve(listener, router(Process::start(SERVER, options))).await;
            }
        }));
    }
}

impl System for Shapes {
    type Operation = Operation;
    type Outcome = Outcome;
    type Client = Client;

    fn name(&self) -> &'static str {
        "shapes"
    }

    fn load(&self) -> Load {
        Load { clients: self.topology.clients, operations: self.workload.operations }
    }

    fn deploy(&self, plan: &mut Deployment) {
        self.deploy_postgres(plan);
        self.deploy_server(plan);
        plan.link(CLIENT, "server");
        plan.link(CLIENT, "postgres");
        plan.link("server", "postgres");
    }

    fn client(&self, name: &str) -> Client {
        Client::new(name, POSTGRES, self.directory.clone())
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

    /// What each client has of each of its shapes, read to the end, and what the service holds.
    fn recovered(&self, done: &[Record<Self>]) -> Vec<Operation> {
        client::looks(done)
    }

    /// The same once more.
    fn at_rest(&self, done: &[Record<Self>]) -> Vec<Operation> {
        client::looks(done)
    }

    fn parse(&self, text: &str) -> Result<Operation, String> {
        Operation::parse(text, &self.topology)
    }

    fn points(&self) -> &'static [&'static str] {
        points::ALL
    }

    fn faults(&self) -> &'static [&'static str] {
        FAULTS
    }
}

impl Configured for Shapes {
    type Policy = Policy;
    type Topology = Topology;
    type Workload = Workload;

    fn configure(policy: Policy, topology: Topology, workload: Workload) -> Result<Self, String> {
        within("clients", topology.clients, 1..=1000)?;
        within("parents", topology.parents, 1..=100)?;
        within("leaves", topology.leaves, 1..=1000)?;
        within("shapes", workload.shapes, 1..=100)?;
        within("changes", workload.changes, 1..=100)?;
        within("idle_seconds", workload.idle_seconds, 1..=86_400)?;
        if workload.mix.is_empty() {
            return Err(NO_WEIGHT.to_owned());
        }
        Ok(Self { policy, topology, workload, directory: Arc::default() })
    }
}
