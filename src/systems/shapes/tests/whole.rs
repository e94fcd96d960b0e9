//! The service outside any world, on this machine's own sockets and files: the same source as in a world.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Client, Method, Response, serve};
use crate::runtime::net::TcpListener;
use crate::runtime::{task, time};
use crate::servers::postgres::{self, Postgres};
use crate::storage::{Rows, RowsOptions};
use crate::systems::shapes::http::router;
use crate::systems::shapes::outcome::{Body, Offset, StackView};
use crate::systems::shapes::policy::Policy;
use crate::systems::shapes::process::Process;
use crate::systems::shapes::query::{SCHEMA, Sizes, Tables};
use crate::systems::shapes::stack::Options;

const NESTED: &str = "level_4 WHERE level_3_id IN (SELECT id FROM level_3 WHERE active = true)";

struct Service {
    http: Client,
    server: String,
    rows: Rows,
    _files: tempfile::TempDir,
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

impl Service {
    async fn start() -> Self {
        let (listening, database) = listener().await;
        let (slotted, slots) = listener().await;
        let postgres = Postgres::new(postgres::Options { logical: true, ..postgres::Options::default() });
        let rows = Tables::initial(Sizes { parents: 2, leaves: 4 }).statements();
        postgres.prepare(&format!("{SCHEMA};{rows}")).unwrap();
        let served = postgres.clone();
        drop(task::spawn(async move { served.serve_slots(slotted).await }));
        drop(task::spawn(async move { postgres.serve(listening).await }));

        let files = tempfile::tempdir().unwrap();
        let rows = Rows::new(RowsOptions { address: database, ..RowsOptions::default() });
        let options = Options {
            policy: Policy::default(),
            directory: files.path().to_str().unwrap().to_owned(),
            rows: rows.clone(),
            slots,
            lock: Arc::default(),
        };
        let (listening, server) = listener().await;
        drop(task::spawn(serve(listening, router(Process::start("server", options)))));
        Self { http: Client::new(), server, rows, _files: files }
    }

    async fn send(&self, method: Method, path: &str, body: String) -> Response {
        self.http.call(&self.server, method, path, &[], body.into(), Duration::from_secs(40)).await.unwrap()
    }

    async fn ask(&self, ask: Value) -> (u16, Body) {
        loop {
            let response = self.send(Method::POST, "/v1/shape", ask.to_string()).await;
            if response.status != 503 {
                return (response.status, response.json().unwrap());
            }
            time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn restart(&self, how: &str) {
        let response = self.send(Method::POST, &format!("/operator/restart/{how}"), String::new()).await;
        assert_eq!(response.status, 204, "{}", response.text());
    }
}

fn after(body: &Body, live: bool) -> Value {
    json!({ "query": NESTED, "handle": body.handle, "offset": body.offset, "live": live })
}

#[tokio::test]
async fn a_shape_goes_on_across_every_kind_of_restart() {
    let service = Service::start().await;
    let (status, first) = service.ask(json!({ "query": NESTED })).await;
    assert_eq!((status, first.up_to_date, first.offset), (200, true, Some(Offset::default())));
    let mut last = first;
    for (how, sql) in [
        ("graceful", "UPDATE level_3 SET active = NOT active"),
        ("brutal", "UPDATE level_4 SET value = 'v15' WHERE id = 'l4-1'; UPDATE level_3 SET active = true"),
        ("rolling", "UPDATE level_3 SET active = NOT active WHERE id = 'l3-2'"),
    ] {
        let held = service.ask(after(&last, true));
        let (held, ()) = tokio::join!(held, async {
            service.restart(how).await;
            service.rows.batch(sql).await.unwrap();
        });
        assert_eq!(held.0, 200, "{how}: {:?}", held.1);
        let mut body = held.1;
        for _ in 0..100 {
            if !body.messages.is_empty() {
                break;
            }
            time::sleep(Duration::from_millis(50)).await;
            let (status, next) = service.ask(after(&last, false)).await;
            assert_eq!(status, 200, "{how}: {next:?}");
            body = next;
        }
        assert!(!body.messages.is_empty(), "{how}: nothing came");
        assert_eq!(body.handle, last.handle, "{how}");
        assert!(body.messages.iter().all(|message| Some(message.offset) > last.offset), "{how}: {body:?}");
        last = body;
    }
}

#[tokio::test]
async fn a_removed_shape_is_gone_with_all_that_depends_on_it() {
    let service = Service::start().await;
    let (_, outer) = service.ask(json!({ "query": NESTED })).await;
    let (_, inner) = service.ask(json!({ "query": "level_3 WHERE active = true" })).await;
    let response = service.send(Method::DELETE, &format!("/v1/shape/{}", inner.handle.unwrap()), String::new()).await;
    assert_eq!(response.status, 202);
    let (status, anew) = service.ask(after(&outer, false)).await;
    assert_eq!(status, 409);
    assert_ne!(anew.handle, outer.handle);
    let view = async || {
        let response = service.send(Method::GET, "/operator/stack", String::new()).await;
        response.json::<StackView>().unwrap()
    };
    for _ in 0..200 {
        let view = view().await;
        let known: Vec<&String> = view.shapes.iter().map(|shape| &shape.handle).collect();
        if known.len() == 2 && view.stored.iter().collect::<Vec<_>>() == known {
            assert_eq!((view.phase.as_str(), &view.consumers), ("active", &view.table));
            return;
        }
        time::sleep(Duration::from_millis(20)).await;
    }
    panic!("something is left: {:?}", view().await);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let service = Service::start().await;
    let (status, body) = service.ask(json!({ "query": "ghosts" })).await;
    assert_eq!(status, 400, "{body:?}");
    let (status, body) = service.ask(json!({ "query": "level_4", "offset": "0_0" })).await;
    assert_eq!((status, body.error.as_deref()), (400, Some("an offset is one of a handle: give both, or neither")));
    let (status, body) = service.ask(json!({ "query": "level_4", "handle": "unheard-of", "offset": "0_0" })).await;
    assert_eq!((status, body.handle.is_some()), (409, true), "{body:?}");
    let response = service.send(Method::DELETE, "/v1/shape/unheard-of", String::new()).await;
    assert_eq!(response.status, 404);
    let response = service.send(Method::POST, "/operator/restart/soon", String::new()).await;
    assert_eq!(response.status, 404);
}
