//! The service outside any world, on this machine's own sockets: the same source as in a world.

use std::time::Duration;

use crate::http::{Client, Method};
use crate::runtime::net::TcpListener;
use crate::runtime::task;
use crate::servers::postgres::{self, Postgres};
use crate::servers::redis::{self, Redis};
use crate::storage::{self, KeyValue, RowsOptions};
use crate::systems::sandbox::lock::Kind;
use crate::systems::sandbox::manager::Options;
use crate::systems::sandbox::policy::Policy;
use crate::systems::sandbox::{SCHEMA, replica, timeouts};

const LOCAL: (&str, u16) = ("127.0.0.1", 0);

struct Service {
    http: Client,
    replicas: Vec<String>,
}

impl Service {
    async fn start() -> Self {
        let listener = TcpListener::bind(LOCAL).await.unwrap();
        let store = listener.local_addr().unwrap().to_string();
        drop(task::spawn(async move { Redis::new(redis::Options::default()).serve(listener).await }));
        let listener = TcpListener::bind(LOCAL).await.unwrap();
        let rows = RowsOptions { address: listener.local_addr().unwrap().to_string(), ..RowsOptions::default() };
        let database = Postgres::new(postgres::Options::default());
        database.prepare(&SCHEMA.join(";\n")).unwrap();
        drop(task::spawn(async move { database.serve(listener).await }));
        let mut replicas = Vec::new();
        for name in ["replica-a", "replica-b"] {
            let listener = TcpListener::bind(LOCAL).await.unwrap();
            replicas.push(listener.local_addr().unwrap().to_string());
            let options = Options {
                name: name.to_owned(),
                policy: Policy::default(),
                lock: Kind::ReadWrite,
                snapshots: true,
                idle: timeouts::IDLE,
                rows: rows.clone(),
            };
            let store = KeyValue::new(storage::Options { address: store.clone(), ..storage::Options::default() });
            drop(task::spawn(replica::run(options, store, listener)));
        }
        Self { http: Client::new(), replicas }
    }

    async fn ask(&self, replica: usize, request: &str, body: &str) -> (u16, String) {
        self.ask_as("t1", replica, request, body).await
    }

    async fn ask_as(&self, tenant: &str, replica: usize, request: &str, body: &str) -> (u16, String) {
        let (method, path) = request.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let headers = [("authorization", tenant)];
        let (deadline, body) = (Duration::from_secs(20), body.to_owned().into());
        let response = self.http.call(&self.replicas[replica], method, path, &headers, body, deadline).await.unwrap();
        (response.status, response.text())
    }
}

fn said(status: u16, text: &str) -> (u16, String) {
    (status, text.to_owned())
}

#[tokio::test]
async fn what_one_replica_writes_the_other_reads() {
    let service = Service::start().await;
    assert_eq!(service.ask(0, "PUT /v1/sandboxes/sb1", "").await, said(201, ""));
    assert_eq!(service.ask(1, "PUT /v1/sandboxes/sb1", "").await.0, 409);
    assert_eq!(service.ask(1, "GET /v1/sandboxes", "").await, said(200, r#"["sb1"]"#));
    assert_eq!(service.ask(0, "PUT /v1/sandboxes/sb1/files/f1", "one").await, said(204, ""));
    assert_eq!(service.ask(1, "GET /v1/sandboxes/sb1/files/f1", "").await, said(200, "one"));
    assert_eq!(service.ask(1, "POST /v1/sandboxes/sb1/files/f1", "two").await, said(204, ""));
    assert_eq!(service.ask(0, "GET /v1/sandboxes/sb1/files/f1", "").await, said(200, "one+two"));
    assert_eq!(service.ask(0, "PUT /v1/sandboxes/sb1/files/d/f2", "three").await, said(204, ""));
    assert_eq!(service.ask(1, "GET /v1/sandboxes/sb1/list/", "").await, said(200, r#"["d","f1"]"#));
    assert_eq!(service.ask(1, "GET /v1/sandboxes/sb1/list/d", "").await, said(200, r#"["f2"]"#));
    let (status, body) = service.ask(1, "GET /v1/sandboxes/sb1/files/f3", "").await;
    assert_eq!((status, body.contains(r#""code":"ENOENT","retryable":false,"path":true"#)), (404, true), "{body}");
    assert_eq!(service.ask(1, "DELETE /v1/sandboxes/sb1/files/d/f2", "").await, said(204, ""));
    assert_eq!(service.ask(0, "GET /v1/sandboxes/sb1/list/d", "").await, said(200, "[]"));
    assert_eq!(service.ask(0, "DELETE /v1/sandboxes/sb1/files/d", "").await, said(204, ""));
}

#[tokio::test]
async fn a_script_goes_on_after_what_fails() {
    let service = Service::start().await;
    service.ask(0, "PUT /v1/sandboxes/sb1", "").await;
    let script = "write /f1 a\nread /f2\nappend /f1 b\nread /f1\nlist /";
    let (status, body) = service.ask(1, "POST /v1/sandboxes/sb1/exec", script).await;
    let body: replica::Printed = serde_json::from_str(&body).unwrap();
    assert_eq!((status, body.exit, &*body.stdout), (200, 1, "a+b\u{0}f1\u{0}"));
    assert_eq!(body.stderr, "line 2: ENOENT: there is no /f2\n");
    assert_eq!(service.ask(0, "POST /v1/sandboxes/sb1/exec", "burn /f1").await.0, 400);
}

#[tokio::test]
async fn a_destroyed_sandbox_is_gone_from_both_and_its_next_one_is_empty() {
    let service = Service::start().await;
    service.ask(0, "PUT /v1/sandboxes/sb1", "").await;
    service.ask(0, "PUT /v1/sandboxes/sb1/files/f1", "one").await;
    assert_eq!(service.ask(1, "GET /v1/sandboxes/sb1/files/f1", "").await, said(200, "one"));
    assert_eq!(service.ask(0, "DELETE /v1/sandboxes/sb1", "").await, said(204, ""));
    for replica in [0, 1] {
        assert_eq!(service.ask(replica, "GET /v1/sandboxes/sb1", "").await.0, 404);
        assert_eq!(service.ask(replica, "GET /v1/sandboxes/sb1/files/f1", "").await.0, 404);
        assert_eq!(service.ask(replica, "DELETE /v1/sandboxes/sb1", "").await.0, 404);
    }
    assert_eq!(service.ask(1, "PUT /v1/sandboxes/sb1", "").await, said(201, ""));
    assert_eq!(service.ask(0, "GET /v1/sandboxes/sb1/list/", "").await, said(200, "[]"));
}

#[tokio::test]
async fn another_tenant_is_turned_away() {
    let service = Service::start().await;
    service.ask(0, "PUT /v1/sandboxes/sb1", "").await;
    for request in ["GET /v1/sandboxes/sb1", "GET /v1/sandboxes/sb1/list/", "DELETE /v1/sandboxes/sb1"] {
        assert_eq!(service.ask_as("t2", 1, request, "").await.0, 403, "{request}");
    }
    assert_eq!(service.ask_as("t2", 0, "GET /v1/sandboxes", "").await, said(200, "[]"));
    assert_eq!(service.ask_as("t 2", 0, "GET /v1/sandboxes/sb1", "").await.0, 400);
}

#[tokio::test]
async fn a_replica_that_shuts_down_lets_go_of_all_it_has() {
    let service = Service::start().await;
    service.ask(0, "PUT /v1/sandboxes/sb1", "").await;
    service.ask(0, "PUT /v1/sandboxes/sb1/files/f1", "one").await;
    assert!(service.ask(0, "GET /debug", "").await.1.contains(r#""sandbox":"sb1""#));
    assert_eq!(service.ask(0, "POST /drain", "").await, said(204, ""));
    let (_, view) = service.ask(0, "GET /debug", "").await;
    assert!(view.contains(r#""sessions":[],"pools":[]"#), "{view}");
    assert_eq!(service.ask(0, "GET /v1/sandboxes/sb1", "").await.0, 503);
}
