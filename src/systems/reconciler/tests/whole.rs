//! The service outside any world, on this machine's own sockets: the same source as in a world.

use std::time::Duration;

use crate::http::{Bytes, Client, Method, serve};
use crate::runtime::net::TcpListener;
use crate::runtime::{task, time};
use crate::servers::cloud::{self, Cloud};
use crate::servers::postgres::{self, Postgres};
use crate::storage::{Rows, RowsOptions};
use crate::systems::reconciler::http::router;
use crate::systems::reconciler::outcome::View;
use crate::systems::reconciler::plane::ControlPlane;
use crate::systems::reconciler::policy::Policy;
use crate::systems::reconciler::server::Server;
use crate::systems::reconciler::store::Workspaces;
use crate::systems::reconciler::{agent, sql};

const LOCAL: (&str, u16) = ("127.0.0.1", 0);

struct Service {
    http: Client,
    server: String,
    cloud: String,
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind(LOCAL).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

impl Service {
    async fn start() -> Self {
        let (listening, database) = listener().await;
        let postgres = Postgres::new(postgres::Options::default());
        postgres.prepare(sql::SCHEMA).unwrap();
        drop(task::spawn(async move { postgres.serve(listening).await }));

        let (listening, plane) = listener().await;
        let boot = Duration::from_millis(20);
        let metal = Cloud::new(cloud::Options { boot, stop: boot, ..cloud::Options::default() });
        let served = metal.clone();
        drop(task::spawn(async move { served.serve(listening).await }));

        let (listening, server) = listener().await;
        let rows = Rows::new(RowsOptions { address: database, ..RowsOptions::default() });
        let process = Server::new("server-a", Policy::default(), Workspaces::new(rows), ControlPlane::new(&plane));
        process.begin();
        drop(task::spawn(serve(listening, router(process))));

        let servers = vec![server.clone()];
        drop(task::spawn(async move {
            metal.power("machine-1", |instance| agent::run(instance, servers.clone(), Client::new())).await;
        }));
        Self { http: Client::new(), server, cloud: plane }
    }

    async fn ask(&self, method: Method, path: &str, body: &'static str) -> (u16, Bytes) {
        let body = Bytes::from_static(body.as_bytes());
        let response = self.http.call(&self.server, method, path, &[], body, Duration::from_secs(20)).await.unwrap();
        (response.status, response.body)
    }

    async fn post(&self, path: &str) -> u16 {
        self.ask(Method::POST, path, "").await.0
    }

    async fn view(&self, id: &str) -> View {
        let (status, body) = self.ask(Method::GET, &format!("/workspaces/{id}"), "").await;
        assert_eq!(status, 200);
        serde_json::from_slice(&body).unwrap()
    }

    /// Waits until a workspace is in a status, on an instance or on none.
    async fn becomes(&self, id: &str, status: &str, on: bool) -> View {
        for _ in 0..500 {
            let view = self.view(id).await;
            if view.status == status && view.instance.is_some() == on {
                return view;
            }
            time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{id} does not become {status}: {:?}", self.view(id).await);
    }

    async fn state(&self, instance: &str) -> String {
        let path = format!("/instances/status?instance_id={instance}");
        let answer: serde_json::Value = self.http.get_json(&self.cloud, &path, Duration::from_secs(5)).await.unwrap();
        answer["state"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_workspace_is_made_put_away_and_brought_back() {
    let service = Service::start().await;
    assert_eq!(service.ask(Method::POST, "/workspaces/ws1", r#"{"external":false}"#).await.0, 200);
    assert_eq!(service.ask(Method::POST, "/workspaces/ws1", r#"{"external":false}"#).await.0, 409);
    let first = service.becomes("ws1", "online", true).await.instance.unwrap();
    assert_eq!(service.state(&first).await, "running");

    assert_eq!(service.post("/workspaces/ws1/pause").await, 200);
    assert_eq!(service.post("/workspaces/ws1/pause").await, 409);
    service.becomes("ws1", "paused", false).await;
    assert_eq!(service.post("/workspaces/ws1/resume").await, 200);
    let resumed = service.becomes("ws1", "online", true).await.instance.unwrap();
    assert_eq!(resumed, first, "what was parked is started again");

    assert_eq!(service.post("/workspaces/ws1/restart").await, 200);
    let mut second = first.clone();
    while second == first {
        second = service.becomes("ws1", "online", true).await.instance.unwrap();
    }
    assert_eq!(service.state(&first).await, "terminated");

    assert_eq!(service.post("/workspaces/ws1/remove").await, 200);
    service.becomes("ws1", "removed", false).await;
    assert_eq!(service.state(&second).await, "terminated");
    assert_eq!(service.post("/workspaces/ws1/unremove").await, 200);
    let third = service.becomes("ws1", "online", true).await.instance.unwrap();
    assert_eq!(service.ask(Method::DELETE, "/workspaces/ws1", "").await.0, 200);
    assert_eq!(service.ask(Method::DELETE, "/workspaces/ws1", "").await.0, 404);
    assert_eq!(service.state(&third).await, "terminated");
}

#[tokio::test]
async fn what_runs_elsewhere_is_as_its_agent_says() {
    let service = Service::start().await;
    assert_eq!(service.ask(Method::POST, "/workspaces/ws2", r#"{"external":true}"#).await.0, 200);
    assert_eq!(service.view("ws2").await.status, "awaiting_agent");
    let beat = r#"{"instance":"","status":"online"}"#;
    assert_eq!(service.ask(Method::POST, "/workspaces/ws2/heartbeat", beat).await.0, 200);
    assert_eq!(service.view("ws2").await.status, "online");
    assert_eq!(service.post("/workspaces/ws2/hibernate").await, 200);
    service.becomes("ws2", "hibernated", false).await;
    assert_eq!(service.ask(Method::POST, "/workspaces/ws2/heartbeat", beat).await.0, 409);
    assert_eq!(service.post("/workspaces/ws2/restart").await, 409);
    let (_, all) = service.ask(Method::GET, "/workspaces", "").await;
    assert_eq!(serde_json::from_slice::<Vec<View>>(&all).unwrap().len(), 1);
}

#[tokio::test]
async fn nonsense_is_refused() {
    let service = Service::start().await;
    assert_eq!(service.ask(Method::POST, "/workspaces/ws-1", r#"{"external":false}"#).await.0, 400);
    for body in ["", "{}", r#"{"external":1}"#, r#"{"external":true,"more":1}"#] {
        assert_eq!(service.ask(Method::POST, "/workspaces/ws1", body).await.0, 400, "{body}");
    }
    for body in ["", "{}", r#"{"instance":"i-1","status":"paused"}"#] {
        assert_eq!(service.ask(Method::POST, "/workspaces/ws1/heartbeat", body).await.0, 400, "{body}");
    }
    assert_eq!(service.post("/workspaces/ws1/pause").await, 404);
    assert_eq!(service.post("/workspaces/ws1/explode").await, 404);
    assert_eq!(service.ask(Method::GET, "/workspaces/ws1", "").await.0, 404);
}
