//! The cluster as its users see it, and as the ground truth does.

use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;

use super::{Cluster, FAULTS, Options, Rollout};
use crate::harness::What;
use crate::http::{Bytes, Client, Method};
use crate::runtime::net::TcpListener;
use crate::runtime::time::sleep;
use crate::world::{Config, World, simulate};

const LONG: Duration = Duration::from_mins(2);

/// A user of a cluster, on a host of its own.
struct User {
    http: Client,
    cluster: Cluster,
}

impl User {
    async fn ask(&self, method: Method, path: &str, body: &str) -> (u16, Value) {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let response = self.http.call("cluster:6443", method, path, &[], body, LONG).await.expect("it answers");
        (response.status, serde_json::from_slice(&response.body).unwrap_or(Value::Null))
    }

    async fn create(&self, name: &str, owner: &str) -> String {
        let body = format!(r#"{{"name":"{name}","labels":{{"stack":"{owner}"}}}}"#);
        let (status, answer) = self.ask(Method::POST, "/namespaces", &body).await;
        assert_eq!(status, 201, "{answer}");
        answer["uid"].as_str().expect("a UID").to_owned()
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Method::GET, path, "").await
    }

    async fn delete(&self, path: &str) -> u16 {
        self.ask(Method::DELETE, path, "").await.0
    }

    /// The names of a list.
    async fn names(&self, path: &str) -> Vec<String> {
        let (status, answer) = self.get(path).await;
        assert_eq!(status, 200, "{answer}");
        let items = answer["items"].as_array().expect("a list").iter();
        items.map(|item| item["name"].as_str().expect("a name").to_owned()).collect()
    }
}

/// Plays a script against a cluster, and returns what the ground truth was told.
fn play<F: Future<Output = ()> + 'static>(script: impl FnOnce(User) -> F + Send + 'static) -> Vec<String> {
    let outcome = simulate(Config { benign: true, ..Config::default() }, move || async move {
        let world = World::current().expect("a world is here");
        let cluster = Cluster::new(Options::default());
        let served = cluster.clone();
        let program: crate::world::Program = Rc::new(move || {
            let served = served.clone();
            Box::pin(async move { served.serve(TcpListener::bind("cluster:6443").await.expect("free")).await })
        });
        let host = world.add_host("cluster", program);
        world.start(host);
        let user = world.add_host("user", Rc::new(|| Box::pin(std::future::pending())));
        world.start(user);
        let played = world.spawn_on(user, script(User { http: Client::new(), cluster })).await;
        assert!(played.is_ok(), "the script panicked");
    });
    let committed = outcome.history.events().iter().filter_map(|event| match &event.what {
        What::Commit { key, value, cause, .. } => {
            let view: Value = value.as_deref().and_then(|value| serde_json::from_str(value).ok()).unwrap_or_default();
            let word = |name: &str| view[name].as_str().unwrap_or("-").to_owned();
            Some(format!("{key} {} {} {cause}", word("phase"), word("deployment")))
        }
        What::Panicked { message, .. } => panic!("{message}"),
        _ => None,
    });
    committed.collect()
}

#[test]
fn a_namespace_comes_runs_and_goes() {
    let told = play(|user| async move {
        let uid = user.create("a", "s").await;
        assert_eq!(user.ask(Method::POST, "/namespaces", r#"{"name":"a"}"#).await.0, 409);
        assert_eq!(user.ask(Method::PUT, &format!("/namespaces/a/deployment?uid={uid}"), "").await.0, 200);
        sleep(Duration::from_secs(5)).await;
        let (_, view) = user.get("/namespaces/a").await;
        assert_eq!((&view["deployment"], &view["phase"]), (&"running".into(), &"Active".into()));
        assert_eq!(view["creationTimestamp"], "2026-01-01T00:00:00Z");
        assert_eq!(user.names("/deployments?phase=running").await, ["a"]);
        assert_eq!(user.names("/deployments?phase=failed").await, Vec::<String>::new());

        assert_eq!(user.delete("/namespaces/a?uid=uid-7").await, 409);
        assert_eq!(user.delete(&format!("/namespaces/a?uid={uid}")).await, 200);
        assert_eq!(user.delete("/namespaces/a").await, 200, "it goes already");
        assert_eq!(user.names("/namespaces").await, ["a"], "it is listed while it goes");
        assert_eq!(user.ask(Method::POST, "/namespaces", r#"{"name":"a"}"#).await.0, 409);
        assert_eq!(user.ask(Method::PUT, "/namespaces/a/deployment", "").await.0, 409);
        sleep(Duration::from_secs(7)).await;
        assert_eq!(user.get("/namespaces/a").await.0, 404);
        assert_eq!(user.delete("/namespaces/a").await, 404);
        assert_ne!(user.create("a", "s").await, uid);
    });
    assert_eq!(
        told,
        [
            "a Active absent created",
            "a Active pending deployed",
            "a Active running settled",
            "a Terminating running deleted",
            "a - - gone",
            "a Active absent created",
        ]
    );
}

#[test]
fn lists_are_of_a_prefix_or_a_label_and_in_pages() {
    play(|user| async move {
        for (name, owner) in [("b-2", "x"), ("a-1", "y"), ("b-1", "x"), ("b-3", "y")] {
            user.create(name, owner).await;
        }
        assert_eq!(user.names("/namespaces").await, ["a-1", "b-1", "b-2", "b-3"]);
        assert_eq!(user.names("/namespaces?prefix=b-").await, ["b-1", "b-2", "b-3"]);
        assert_eq!(user.names("/namespaces?label_selector=stack:y").await, ["a-1", "b-3"]);
        let (_, page) = user.get("/namespaces?prefix=b-&limit=2").await;
        assert_eq!(page["continue"], "b-2");
        assert_eq!(user.names("/namespaces?prefix=b-&limit=2&continue=b-2").await, ["b-3"]);
        let (_, page) = user.get("/namespaces?prefix=b-&limit=2&continue=b-2").await;
        assert_eq!(page.get("continue"), None);
    });
}

#[test]
fn nonsense_is_refused() {
    play(|user| async move {
        for body in ["", "{}", r#"{"name":""}"#, r#"{"name":"a b"}"#, r#"{"name":"a","more":1}"#] {
            assert_eq!(user.ask(Method::POST, "/namespaces", body).await.0, 400, "{body}");
        }
        for path in [
            "/namespaces?limit=0",
            "/namespaces?limit=many",
            "/namespaces?label_selector=stack",
            "/namespaces?colour=red",
            "/namespaces?prefix=a&prefix=b",
            "/deployments?phase=lost",
        ] {
            assert_eq!(user.get(path).await.0, 400, "{path}");
        }
        assert_eq!(user.delete("/namespaces/a?uid=").await, 400);
        assert_eq!(user.ask(Method::POST, "/operator/lose", "").await.0, 400);
        assert_eq!(user.ask(Method::POST, "/operator/lose?name=a", "").await.0, 404);
        assert_eq!(user.get("/nodes").await.0, 404);
    });
}

#[test]
fn each_trouble_shows_and_ends() {
    let told = play(|user| async move {
        let strike = |fault: &str, magnitude| user.cluster.strike(fault, magnitude).expect("a fault of its own");
        user.create("a", "s").await;
        user.create("b", "s").await;

        strike("failing", 1);
        assert_eq!(user.get("/namespaces").await.0, 503);
        user.cluster.heal();
        strike("failing", 2);
        assert_eq!(user.delete("/namespaces/b").await, 500, "though it is done");
        user.cluster.heal();
        assert_eq!(user.get("/namespaces/b").await.1["phase"], "Terminating");

        assert!(strike("jam", 0).starts_with("requests about a fail"));
        assert_eq!((user.get("/namespaces/a").await.0, user.get("/namespaces/b").await.0), (503, 200));
        assert_eq!(user.names("/namespaces").await, ["a", "b"]);
        user.cluster.heal();

        strike("throttle", 0);
        assert_eq!((user.get("/namespaces/a").await.0, user.get("/namespaces/a").await.0), (429, 200));
        user.cluster.heal();

        sleep(Duration::from_secs(40)).await;
        strike("stale", 240 * 60 + 37);
        assert_eq!(user.names("/namespaces").await, ["a", "b"], "b went a while ago");
        user.create("c", "s").await;
        assert_eq!(user.names("/namespaces").await, ["a", "b"], "and c is not known there yet");
        assert_eq!(user.get("/namespaces/c").await.0, 200);
        user.cluster.heal();
        assert_eq!(user.names("/namespaces").await, ["a", "c"]);

        strike("bad_pull", 1);
        user.ask(Method::PUT, "/namespaces/c/deployment", "").await;
        sleep(Duration::from_secs(5)).await;
        assert_eq!(user.names("/deployments?phase=failed").await, ["c"]);
        assert_eq!(user.delete("/namespaces/c/deployment").await, 200);
        assert_eq!(user.names("/deployments").await, Vec::<String>::new());
        user.cluster.heal();

        strike("slow_pull", 59);
        user.ask(Method::PUT, "/namespaces/c/deployment", "").await;
        sleep(Duration::from_secs(50)).await;
        assert_eq!(user.get("/namespaces/c").await.1["deployment"], "pending");
        sleep(Duration::from_secs(20)).await;
        assert_eq!(user.get("/namespaces/c").await.1["deployment"], "running");

        strike("linger", 99);
        assert_eq!(user.delete("/namespaces/c").await, 200);
        sleep(Duration::from_secs(100)).await;
        assert_eq!(user.get("/namespaces/c").await.0, 200);
        sleep(Duration::from_secs(10)).await;
        assert_eq!(user.get("/namespaces/c").await.0, 404);

        strike("sluggish", 3);
        let asked = crate::runtime::time::Instant::now();
        user.get("/namespaces/a").await;
        assert!(asked.elapsed() >= Duration::from_secs(5));
        assert_eq!(user.cluster.strike("die", 1), None);
        for fault in FAULTS {
            assert!(user.cluster.strike(fault, 7).is_some(), "{fault}");
        }
    });
    assert!(told.contains(&"c Active failed settled".to_owned()), "{told:?}");
}

#[test]
fn what_was_there_before_has_its_age_and_what_is_lost_is_lost() {
    let told = play(|user| async move {
        user.cluster.preload("old", &[("stack", "s")], Rollout::Running, Duration::from_hours(24));
        user.cluster.strike("stale", 200);
        assert_eq!(user.get("/namespaces/old").await.1["creationTimestamp"], "2025-12-31T00:00:00Z");
        assert_eq!(user.names("/namespaces").await, ["old"]);
        user.cluster.strike("failing", 1);
        assert_eq!(user.ask(Method::POST, "/operator/lose?name=old", "").await.0, 200);
    });
    assert_eq!(told, ["old Active running created", "old Terminating running lost by accident"]);
}
