//! The service outside any world, on this machine's own sockets: the same source as in a world.

use std::time::Duration;

use crate::http::{Bytes, Client, Method, serve};
use crate::runtime::net::TcpListener;
use crate::runtime::{task, time};
use crate::servers::cluster::{self as simulated, Rollout};
use crate::servers::postgres::{self, Postgres};
use crate::storage::{Rows, RowsOptions};
use crate::systems::sweeper::api::Api;
use crate::systems::sweeper::cluster::Cluster;
use crate::systems::sweeper::http::router;
use crate::systems::sweeper::outcome::View;
use crate::systems::sweeper::policy::Policy;
use crate::systems::sweeper::sql;
use crate::systems::sweeper::store::Stacks;
use crate::systems::sweeper::worker::Worker;

const LOCAL: (&str, u16) = ("127.0.0.1", 0);
const DAY: Duration = Duration::from_hours(24);

struct Service {
    http: Client,
    api: String,
    cluster: String,
    held: simulated::Cluster,
    database: String,
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

        let (listening, cluster) = listener().await;
        let brief = Duration::from_millis(20);
        let held = simulated::Cluster::new(simulated::Options { terminate: brief, pull: brief, ..Default::default() });
        let served = held.clone();
        drop(task::spawn(async move { served.serve(listening).await }));

        let (listening, api) = listener().await;
        let process = Api::new(Policy::default(), stacks(&database), Cluster::new(&cluster));
        drop(task::spawn(serve(listening, router(process))));
        Self { http: Client::new(), api, cluster, held, database }
    }

    async fn ask(&self, method: Method, path: &str, body: &'static str) -> (u16, Bytes) {
        let body = Bytes::from_static(body.as_bytes());
        let response = self.http.call(&self.api, method, path, &[], body, Duration::from_secs(20)).await.unwrap();
        (response.status, response.body)
    }

    async fn post(&self, path: &str, body: &'static str) -> u16 {
        self.ask(Method::POST, path, body).await.0
    }

    async fn status(&self, slug: &str) -> String {
        let (status, body) = self.ask(Method::GET, &format!("/stacks/{slug}"), "").await;
        if status == 200 { serde_json::from_slice::<View>(&body).unwrap().status } else { status.to_string() }
    }

    async fn becomes(&self, slug: &str, status: &str) {
        for _ in 0..900 {
            if self.status(slug).await == status {
                return;
            }
            time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{slug} does not become {status}: {}", self.status(slug).await);
    }

    async fn has(&self, namespace: &str) -> bool {
        let path = format!("/namespaces/{namespace}");
        let get = self.http.call(&self.cluster, Method::GET, &path, &[], Bytes::new(), Duration::from_secs(5));
        get.await.unwrap().status == 200
    }
}

fn stacks(database: &str) -> Stacks {
    Stacks::new(Rows::new(RowsOptions { address: database.to_owned(), ..RowsOptions::default() }))
}

#[tokio::test]
async fn a_stack_is_made_kept_and_deleted() {
    let service = Service::start().await;
    assert_eq!(service.post("/stacks/stk-1", r#"{"tier":"anonymous"}"#).await, 200);
    assert_eq!(service.post("/stacks/stk-1", r#"{"tier":"paid"}"#).await, 409);
    service.becomes("stk-1", "healthy").await;
    assert!(service.has("instant-stack-stk-1").await);
    assert_eq!(service.post("/stacks/stk-1/extend", "").await, 200);
    assert_eq!(service.post("/stacks/stk-1/claim", "").await, 200);
    assert_eq!(service.post("/stacks/stk-1/extend", "").await, 409, "it has all the time in the world");

    assert_eq!(service.post("/stacks/stk-2", r#"{"tier":"paid","namespace":"team-2"}"#).await, 200);
    service.becomes("stk-2", "healthy").await;
    assert!(service.has("team-2").await && !service.has("instant-stack-stk-2").await);
    let (_, all) = service.ask(Method::GET, "/stacks", "").await;
    assert_eq!(serde_json::from_slice::<Vec<View>>(&all).unwrap().len(), 2);

    assert_eq!(service.ask(Method::DELETE, "/stacks/stk-1", "").await.0, 200);
    assert_eq!(service.ask(Method::DELETE, "/stacks/stk-1", "").await.0, 404);
    assert_eq!(service.status("stk-1").await, "404");
    for _ in 0..500 {
        if !service.has("instant-stack-stk-1").await {
            return;
        }
        time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the namespace is there still");
}

#[tokio::test]
async fn a_sweep_takes_what_nobody_has_and_nothing_else() {
    let service = Service::start().await;
    assert_eq!(service.post("/stacks/stk-1", r#"{"tier":"paid"}"#).await, 200);
    service.becomes("stk-1", "healthy").await;
    for (name, age) in [
        ("instant-stack-lost", DAY),
        ("instant-stack-young", Duration::from_mins(59)),
        ("instant-stack-", DAY),
        ("kube-system", DAY),
    ] {
        service.held.preload(name, &[], Rollout::Running, age);
    }
    let (primary, replica) = (stacks(&service.database), stacks(&service.database));
    let worker = Worker::new("worker-a", Policy::default(), primary, replica, Cluster::new(&service.cluster), 2);
    drop(task::spawn(worker.run()));
    for _ in 0..500 {
        if !service.has("instant-stack-lost").await {
            break;
        }
        time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!service.has("instant-stack-lost").await);
    for name in ["instant-stack-stk-1", "instant-stack-young", "instant-stack-", "kube-system"] {
        assert!(service.has(name).await, "{name}");
    }
}

#[tokio::test]
async fn nonsense_is_refused() {
    let service = Service::start().await;
    assert_eq!(service.post("/stacks/Stack_1", r#"{"tier":"paid"}"#).await, 400);
    for body in [
        "",
        "{}",
        r#"{"tier":"free"}"#,
        r#"{"tier":"paid","id":"one"}"#,
        r#"{"tier":"paid","namespace":"a b"}"#,
        r#"{"tier":"paid","more":1}"#,
    ] {
        assert_eq!(service.post("/stacks/stk-1", body).await, 400, "{body}");
    }
    for path in ["/stacks/stk-1/extend", "/stacks/stk-1/claim", "/stacks/stk-1/explode"] {
        assert_eq!(service.post(path, "").await, 404, "{path}");
    }
    assert_eq!(service.ask(Method::DELETE, "/stacks/stk-1", "").await.0, 404);
}
