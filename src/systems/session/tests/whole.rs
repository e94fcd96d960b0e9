//! The service outside any world, on this machine's own sockets: the same source as in a world.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::http::{Bytes, Client, Method};
use crate::runtime::net::TcpListener;
use crate::runtime::task;
use crate::servers::redis::{self, Redis};
use crate::storage::{self, KeyValue};
use crate::systems::session::backend::{self, Backend};
use crate::systems::session::outcome::{Listing, PodView};
use crate::systems::session::pod;
use crate::systems::session::policy::Policy;
use crate::systems::session::workload::Hints;

const LOCAL: (&str, u16) = ("127.0.0.1", 0);

struct Service {
    http: Client,
    pods: Vec<String>,
    backend: u16,
}

impl Service {
    async fn start() -> Self {
        let listener = TcpListener::bind(LOCAL).await.unwrap();
        let store = listener.local_addr().unwrap().to_string();
        drop(task::spawn(async move { Redis::new(redis::Options::default()).serve(listener).await }));
        let listener = TcpListener::bind(LOCAL).await.unwrap();
        let backend = listener.local_addr().unwrap();
        drop(task::spawn(Backend::new("b1", Hints::Honoured).serve(listener)));
        let mut pods = Vec::new();
        for name in ["pod-a", "pod-b"] {
            let listener = TcpListener::bind(LOCAL).await.unwrap();
            pods.push(listener.local_addr().unwrap().to_string());
            let options = pod::Options {
                name: name.to_owned(),
                policy: Policy::default(),
                capacity: 10,
                backends: BTreeMap::from([("b1".to_owned(), backend.to_string())]),
            };
            let store = KeyValue::new(storage::Options { address: store.clone(), ..storage::Options::default() });
            drop(task::spawn(pod::run(options, store, listener)));
        }
        Self { http: Client::new(), pods, backend: backend.port() }
    }

    async fn ask(&self, pod: usize, method: Method, path: &str, caller: &str, body: &str) -> (u16, Bytes) {
        let headers = [("authorization", caller)];
        let body = Bytes::copy_from_slice(body.as_bytes());
        let deadline = Duration::from_secs(20);
        let response = self.http.call(&self.pods[pod], method, path, &headers, body, deadline).await.unwrap();
        (response.status, response.body)
    }

    async fn view(&self, pod: usize) -> PodView {
        serde_json::from_slice(&self.ask(pod, Method::GET, "/debug", "", "").await.1).unwrap()
    }

    async fn open(&self) -> usize {
        backend::ask(("127.0.0.1", self.backend)).await.unwrap().len()
    }
}

/// The close of a connection reaches the backend some time after its pod has said it.
async fn settles(service: &Service, connections: usize) {
    for _ in 0..200 {
        if service.open().await == connections {
            return;
        }
        crate::runtime::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} connections are open where {connections} are due", service.open().await);
}

#[tokio::test]
async fn a_session_lives_on_two_pods_and_ends_on_both() {
    let service = Service::start().await;
    let (status, id) = service.ask(0, Method::POST, "/sessions", "alice", "s1").await;
    assert_eq!(status, 201);
    let session = format!("/sessions/{}", String::from_utf8(id.into()).unwrap());
    let at = |path: &str| format!("{session}{path}");

    assert_eq!(service.ask(1, Method::GET, &at("/tools"), "alice", "").await.0, 404);
    assert_eq!(service.ask(0, Method::POST, &at("/register"), "alice", "").await.0, 200);
    assert_eq!(service.ask(0, Method::POST, &at("/register"), "alice", "").await.0, 409);
    assert_eq!(service.ask(1, Method::POST, &at("/decorations/blue"), "alice", "").await.0, 200);
    let (status, listing) = service.ask(0, Method::GET, &at("/tools"), "alice", "").await;
    let expected = Listing { backends: vec!["b1".into()], decorations: vec!["blue".into()] };
    assert_eq!((status, serde_json::from_slice::<Listing>(&listing).unwrap()), (200, expected));
    assert_eq!(service.ask(0, Method::GET, &at("/tools"), "mallory", "").await.0, 403);
    assert_eq!(service.ask(1, Method::POST, &at("/calls/b1/1"), "alice", "").await.0, 200);
    assert_eq!(service.ask(1, Method::POST, &at("/calls/b2/1"), "alice", "").await.0, 404);
    settles(&service, 2).await;

    assert_eq!(service.ask(1, Method::DELETE, &session, "alice", "").await.0, 200);
    settles(&service, 1).await;
    assert!(service.view(1).await.sessions.is_empty());
    assert_eq!(service.view(0).await.connections.len(), 1);
    assert_eq!(service.ask(0, Method::POST, &at("/calls/b1/1"), "alice", "").await.0, 404);
    assert_eq!(service.ask(0, Method::GET, &session, "alice", "").await.0, 404);
    settles(&service, 0).await;
}

#[tokio::test]
async fn an_expired_backend_leaves_the_session_everywhere() {
    let service = Service::start().await;
    let (_, id) = service.ask(0, Method::POST, "/sessions", "alice", "s1").await;
    let session = format!("/sessions/{}", String::from_utf8(id.into()).unwrap());
    let tools = format!("{session}/tools");
    assert_eq!(service.ask(0, Method::POST, &format!("{session}/register"), "alice", "").await.0, 200);
    assert_eq!(service.ask(1, Method::GET, &tools, "alice", "").await.0, 200);
    settles(&service, 2).await;
    assert_eq!(service.ask(1, Method::DELETE, &format!("{session}/backends/b1"), "alice", "").await.0, 200);
    settles(&service, 1).await;
    let (_, listing) = service.ask(0, Method::GET, &tools, "alice", "").await;
    assert!(serde_json::from_slice::<Listing>(&listing).unwrap().backends.is_empty());
    settles(&service, 0).await;
}

#[tokio::test]
async fn a_drained_pod_lets_go_of_everything_and_takes_nothing() {
    let service = Service::start().await;
    let (_, id) = service.ask(0, Method::POST, "/sessions", "alice", "s1").await;
    let session = format!("/sessions/{}", String::from_utf8(id.into()).unwrap());
    assert_eq!(service.ask(0, Method::POST, &format!("{session}/register"), "alice", "").await.0, 200);
    settles(&service, 1).await;
    assert_eq!(service.ask(0, Method::POST, "/drain", "", "").await.0, 200);
    settles(&service, 0).await;
    assert_eq!(service.ask(0, Method::POST, "/sessions", "alice", "s2").await.0, 503);
    assert_eq!(service.ask(0, Method::GET, &format!("{session}/tools"), "alice", "").await.0, 503);
    assert_eq!(service.ask(1, Method::GET, &format!("{session}/tools"), "alice", "").await.0, 200);
    assert_eq!(service.ask(1, Method::POST, "/sessions", "alice", "not a name").await.0, 400);
}
