//! The cloud as its users see it, and as the ground truth does.

use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::{Cloud, Options};
use crate::harness::What;
use crate::http::{Bytes, Client, Method};
use crate::runtime::net::TcpListener;
use crate::runtime::time::sleep;
use crate::world::{Config, World, simulate};

const LONG: Duration = Duration::from_mins(1);

/// A user of a cloud, on a host of its own.
struct User {
    http: Client,
    cloud: Cloud,
}

impl User {
    async fn ask(&self, method: Method, path: &str, body: &str) -> (u16, Value) {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let response = self.http.call("cloud:8000", method, path, &[], body, LONG).await.expect("it answers");
        (response.status, serde_json::from_slice(&response.body).unwrap_or(Value::Null))
    }

    async fn create(&self, tag: &str, token: &str) -> String {
        let body = format!(r#"{{"tag":"{tag}","token":"{token}"}}"#);
        let (status, answer) = self.ask(Method::POST, "/instances", &body).await;
        assert!(status < 300, "{answer}");
        answer["instance_id"].as_str().expect("an id").to_owned()
    }

    async fn state(&self, id: &str) -> String {
        let (status, answer) = self.ask(Method::GET, &format!("/instances/status?instance_id={id}"), "").await;
        assert_eq!(status, 200);
        answer["state"].as_str().unwrap_or("none").to_owned()
    }

    async fn truly(&self, id: &str) -> String {
        let path = format!("/instances/status?instance_id={id}&read=consistent");
        self.ask(Method::GET, &path, "").await.1["state"].as_str().unwrap_or("none").to_owned()
    }
}

/// Plays a script against a cloud, and returns what the ground truth was told.
fn play<F: Future<Output = ()> + 'static>(script: impl FnOnce(User) -> F + Send + 'static) -> Vec<String> {
    let outcome = simulate(Config { benign: true, ..Config::default() }, move || async move {
        let world = World::current().expect("a world is here");
        let cloud = Cloud::new(Options::default());
        let plane = cloud.clone();
        let program: crate::world::Program = Rc::new(move || {
            let plane = plane.clone();
            Box::pin(async move { plane.serve(TcpListener::bind("cloud:8000").await.expect("free")).await })
        });
        let host = world.add_host("cloud", program);
        world.start(host);
        let user = world.add_host("user", Rc::new(|| Box::pin(std::future::pending())));
        world.start(user);
        let played = world.spawn_on(user, script(User { http: Client::new(), cloud })).await;
        assert!(played.is_ok(), "the script panicked");
    });
    let committed = outcome.history.events().iter().filter_map(|event| match &event.what {
        What::Commit { key, value, cause, .. } => {
            Some(format!("{key} {} {cause}", value.as_deref().unwrap_or_default()))
        }
        What::Panicked { message, .. } => panic!("{message}"),
        _ => None,
    });
    committed.collect()
}

#[test]
fn an_instance_boots_runs_stops_starts_and_ends() {
    let told = play(|user| async move {
        let id = user.create("web", "t1").await;
        assert_eq!(user.create("web", "t1").await, id, "the same token, the same instance");
        assert_eq!(user.state(&id).await, "pending");
        sleep(Duration::from_secs(9)).await;
        assert_eq!(user.state(&id).await, "running");
        let stop = format!("/instances/{id}/stop");
        assert_eq!(user.ask(Method::POST, &stop, "").await.1["state"], "stopping");
        sleep(Duration::from_secs(6)).await;
        assert_eq!(user.state(&id).await, "stopped");
        assert_eq!(user.ask(Method::POST, &format!("/instances/{id}/start"), "").await.1["state"], "pending");
        sleep(Duration::from_secs(9)).await;
        let one = format!("/instances/{id}");
        assert_eq!(user.ask(Method::DELETE, &one, "").await.1["state"], "terminated");
        assert_eq!(user.ask(Method::DELETE, &one, "").await.1["state"], "terminated");
        assert_eq!(user.ask(Method::POST, &format!("/instances/{id}/start"), "").await.1["state"], "terminated");
    });
    let expected = [
        "i-1 pending created",
        "i-1 running booted",
        "i-1 stopping stopping",
        "i-1 stopped stopped",
        "i-1 pending started",
        "i-1 running booted",
        "i-1 terminated terminated",
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_befalls_machines_befalls_instances() {
    let told = play(|user| async move {
        let id = user.create("web", "t1").await;
        sleep(Duration::from_secs(9)).await;
        assert_eq!(user.ask(Method::POST, "/operator/kill?tag=db", "").await.0, 404);
        assert_eq!(user.ask(Method::POST, "/operator/kill?tag=web", "").await.0, 200);
        assert_eq!(user.state(&id).await, "stopped");
        assert_eq!(user.cloud.die(1), "no instance to die");
        user.create("web", "t2").await;
        assert_eq!(user.cloud.die(4), "i-2 dies for good");
    });
    assert_eq!(told[2..], ["i-1 stopped died", "i-2 pending created", "i-2 terminated died"]);
}

#[test]
fn programs_run_as_long_as_their_instances() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (log, shown) = (seen.clone(), seen.clone());
    play(move |user| async move {
        let cloud = user.cloud.clone();
        let machine = crate::runtime::task::spawn(async move {
            let run = |instance: super::Powered| {
                let log = log.clone();
                async move {
                    log.lock().expect("no panic").push(format!("{} {}", instance.tag, instance.is_impaired()));
                    sleep(Duration::from_hours(1)).await;
                    log.lock().expect("no panic").push("outlived".to_owned());
                }
            };
            cloud.power("machine-1", run).await;
        });
        let id = user.create("web", "t1").await;
        sleep(Duration::from_secs(9)).await;
        user.ask(Method::POST, "/operator/impair?tag=web", "").await;
        user.ask(Method::POST, &format!("/instances/{id}/stop"), "").await;
        user.ask(Method::POST, &format!("/instances/{id}/start"), "").await;
        sleep(Duration::from_secs(9)).await;
        user.ask(Method::DELETE, &format!("/instances/{id}"), "").await;
        sleep(Duration::from_hours(2)).await;
        machine.abort();
    });
    assert_eq!(*shown.lock().expect("no panic"), ["web false", "web true"]);
}

#[test]
fn a_stale_copy_lags_and_the_original_does_not() {
    play(|user| async move {
        let id = user.create("web", "t1").await;
        sleep(Duration::from_mins(1)).await;
        // As of 31 seconds ago, for a good while.
        assert_eq!(user.cloud.strike("stale", 30).as_deref(), Some("status is as of 31 s ago for 20 s"));
        let young = user.create("web", "t2").await;
        user.ask(Method::DELETE, &format!("/instances/{id}"), "").await;
        assert_eq!((user.state(&id).await, user.truly(&id).await), ("running".to_owned(), "terminated".to_owned()));
        assert_eq!((user.state(&young).await, user.truly(&young).await), ("absent".to_owned(), "pending".to_owned()));
        user.cloud.heal();
        assert_eq!(user.state(&id).await, "terminated");
        assert_eq!(user.state("i-77").await, "absent");
    });
}

#[test]
fn troubles_are_as_told_and_end() {
    play(|user| async move {
        let id = user.create("web", "t1").await;
        sleep(Duration::from_secs(9)).await;
        let began = crate::runtime::time::Instant::now();
        user.cloud.strike("sluggish", 0).expect("it is known");
        assert_eq!(user.state(&id).await, "running");
        assert_eq!(began.elapsed().as_secs(), 8);
        user.cloud.heal();

        user.cloud.strike("odd", 0).expect("it is known");
        assert_eq!(user.state(&id).await, "none");
        sleep(Duration::from_secs(11)).await;
        assert_eq!(user.state(&id).await, "running");

        user.cloud.strike("failing", 1).expect("it is known");
        let one = format!("/instances/{id}");
        assert_eq!(user.ask(Method::DELETE, &one, "").await.0, 503);
        user.cloud.heal();
        assert_eq!(user.state(&id).await, "running", "refused before it took effect");
        user.cloud.strike("failing", 2).expect("it is known");
        assert_eq!(user.ask(Method::DELETE, &one, "").await.0, 500);
        user.cloud.heal();
        assert_eq!(user.state(&id).await, "terminated", "it had taken effect");

        user.cloud.strike("throttle", 0).expect("it is known");
        let asked = [user.ask(Method::GET, "/instances", "").await.0, user.ask(Method::GET, "/instances", "").await.0];
        assert_eq!(asked, [429, 200]);
        user.cloud.heal();

        user.cloud.strike("slow_boot", 9).expect("it is known");
        let slow = user.create("web", "t2").await;
        sleep(Duration::from_secs(17)).await;
        assert_eq!(user.state(&slow).await, "pending");
        sleep(Duration::from_secs(2)).await;
        assert_eq!(user.state(&slow).await, "running");
        assert_eq!(user.cloud.strike("flood", 1), None);
    });
}

#[test]
fn garbage_is_refused() {
    play(|user| async move {
        for body in ["", "{", "[]", r#"{"tag":"a"}"#, r#"{"tag":"","token":"t"}"#, r#"{"tag":"a b","token":"t"}"#] {
            assert_eq!(user.ask(Method::POST, "/instances", body).await.0, 400, "{body}");
        }
        for query in
            ["", "?", "?instance_id=", "?instance_id=i-1&read=never", "?id=i-1", "?instance_id=i-1&instance_id=i-2"]
        {
            assert_eq!(user.ask(Method::GET, &format!("/instances/status{query}"), "").await.0, 400, "{query}");
        }
        assert_eq!(user.ask(Method::DELETE, "/instances/i-01", "").await.0, 404);
        assert_eq!(user.ask(Method::POST, "/instances/elsewhere/start", "").await.0, 404);
        assert_eq!(user.ask(Method::POST, "/operator/kill", "").await.0, 400);
    });
}
