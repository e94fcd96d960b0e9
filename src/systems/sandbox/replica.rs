//! The HTTP service of one replica: routes, tenants and status codes. What it does is in `manager`.
//!
//! Every request is carried out by a task of its own, as an activity named after what it does: a client that hangs up
//! leaves it running, so that no operation ends halfway.

use std::fmt::Write as _;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::errors::{Code, Failure};
use super::manager::{Manager, Options, StepResult};
use super::policy::Reaper;
use super::session::Key;
use super::timeouts::{COUNTER_TTL, DRAIN, REAP, SHUTDOWN};
use super::words::{is_path, parse_script};
use super::workload::Step;
use crate::http::serve;
use crate::runtime::net::TcpListener;
use crate::runtime::{activity, fact, task};
use crate::storage::KeyValue;

/// The port that replicas listen on.
pub(crate) const PORT: u16 = 8080;

/// The answer to a script: what its steps printed, each ended by a zero byte, and what they complained of.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Printed {
    pub(crate) exit: i64,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Serves sandboxes on a listener until dropped.
///
/// # Errors
/// When idle sessions are let go of so late that a tombstone may be gone by then.
pub(crate) async fn run(options: Options, store: KeyValue, listener: TcpListener) -> io::Result<()> {
    if options.policy.reaper == Reaper::On && options.idle > COUNTER_TTL / 2 {
        let why = format!("sessions idle for {:?}, which is more than half of {COUNTER_TTL:?}", options.idle);
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let boot: Arc<str> = format!("{}.{:.8}", options.name, uuid::Uuid::new_v4().simple().to_string()).into();
    let millis = |time: std::time::Duration| time.as_millis() as u64;
    fact(
        "sandbox.replica",
        [
            ("boot", boot.clone().into()),
            ("idle_ms", millis(options.idle).into()),
            ("reap_ms", millis(REAP).into()),
            ("drain_ms", millis(DRAIN).into()),
            ("shutdown_ms", millis(SHUTDOWN).into()),
        ],
    );
    tracing::info!(%boot, "replica started");
    let manager = Manager::new(options, boot, store);
    drop(task::spawn(activity("reaper", manager.clone().keep_reaping())));
    drop(task::spawn(activity("drainer", manager.clone().keep_draining())));
    serve(listener, router(manager)).await;
    Ok(())
}

type Replica = State<Arc<Manager>>;

fn router(manager: Arc<Manager>) -> Router {
    let files = get(read).put(write).post(append).delete(remove);
    Router::new()
        .route("/v1/sandboxes", get(index))
        .route("/v1/sandboxes/{id}", get(show).put(create).delete(destroy))
        .route("/v1/sandboxes/{id}/exec", post(exec))
        .route("/v1/sandboxes/{id}/files/{*path}", files)
        .route("/v1/sandboxes/{id}/list/", get(list_root))
        .route("/v1/sandboxes/{id}/list/{*path}", get(list))
        .route("/debug", get(debug))
        .route("/drain", post(drain))
        .with_state(manager)
}

async fn index(State(manager): Replica, headers: HeaderMap) -> Response {
    let tenant = tenant(&headers);
    let subject = tenant.clone();
    let own = manager.clone();
    carry_out(&manager, "index", &subject, Box::pin(async move { own.index(&tenant).await.map(Json) })).await
}

async fn show(State(manager): Replica, Path(id): Path<Arc<str>>, headers: HeaderMap) -> Response {
    let (key, own) = (key(&id, &headers), manager.clone());
    let work = Box::pin(async move { own.get(&key?).await.map(|()| StatusCode::OK) });
    carry_out(&manager, "get", &id, work).await
}

async fn create(State(manager): Replica, Path(id): Path<Arc<str>>, headers: HeaderMap) -> Response {
    let (key, own) = (key(&id, &headers), manager.clone());
    let work = Box::pin(async move { own.create(&key?).await.map(|()| StatusCode::CREATED) });
    carry_out(&manager, "create", &id, work).await
}

async fn destroy(State(manager): Replica, Path(id): Path<Arc<str>>, headers: HeaderMap) -> Response {
    let (key, own) = (key(&id, &headers), manager.clone());
    let work = Box::pin(async move { own.destroy(&key?).await.map(|()| StatusCode::NO_CONTENT) });
    carry_out(&manager, "destroy", &id, work).await
}

async fn exec(State(manager): Replica, Path(id): Path<Arc<str>>, headers: HeaderMap, script: String) -> Response {
    let (key, own) = (key(&id, &headers), manager.clone());
    let work = Box::pin(async move {
        let script = parse_script(&script).map_err(|why| Failure::new(Code::Einval, why))?;
        own.run(&key?, &script).await.map(|results| Json(printed(results)))
    });
    carry_out(&manager, "exec", &id, work).await
}

type OnPath = Path<(Arc<str>, String)>;

async fn read(State(manager): Replica, Path((id, path)): OnPath, headers: HeaderMap) -> Response {
    one(&manager, "read", &id, &headers, Step::Read(absolute(&path))).await
}

async fn write(State(manager): Replica, Path((id, path)): OnPath, headers: HeaderMap, value: String) -> Response {
    one(&manager, "write", &id, &headers, Step::Write(absolute(&path), value.into())).await
}

async fn append(State(manager): Replica, Path((id, path)): OnPath, headers: HeaderMap, value: String) -> Response {
    one(&manager, "append", &id, &headers, Step::Append(absolute(&path), value.into())).await
}

async fn remove(State(manager): Replica, Path((id, path)): OnPath, headers: HeaderMap) -> Response {
    one(&manager, "remove", &id, &headers, Step::Remove(absolute(&path))).await
}

async fn list_root(State(manager): Replica, Path(id): Path<Arc<str>>, headers: HeaderMap) -> Response {
    one(&manager, "list", &id, &headers, Step::List("/".into())).await
}

async fn list(State(manager): Replica, Path((id, path)): OnPath, headers: HeaderMap) -> Response {
    one(&manager, "list", &id, &headers, Step::List(absolute(&path))).await
}

/// A request that is about one path: what it comes to decides the status.
async fn one(
    manager: &Arc<Manager>,
    operation: &'static str,
    id: &Arc<str>,
    headers: &HeaderMap,
    step: Step,
) -> Response {
    let (key, own) = (key(id, headers), manager.clone());
    let work = Box::pin(async move {
        if !is_path(step.path()) {
            return Err(Failure::of_path(Code::Einval, format!("`{}` is no path", step.path())));
        }
        let step = [step];
        let result = own.run(&key?, &step).await?.pop().unwrap_or(Ok(None))?;
        Ok(match (&step[0], result) {
            (Step::List(_), names) => {
                Json(names.iter().flat_map(|names| names.lines()).collect::<Vec<_>>()).into_response()
            }
            (_, Some(content)) => content.to_string().into_response(),
            (_, None) => StatusCode::NO_CONTENT.into_response(),
        })
    });
    carry_out(manager, operation, id, work).await
}

async fn debug(State(manager): Replica) -> Response {
    Json(manager.view()).into_response()
}

/// Not a request that the replica waits for when it shuts down: it is the shutting down.
async fn drain(State(manager): Replica) -> Response {
    let work = activity("drain", async move { manager.shut_down().await });
    // Carried to its end, whether or not anybody still waits for it.
    let _ = task::spawn(work).await;
    StatusCode::NO_CONTENT.into_response()
}

/// What a script prints, as a shell would: every step is tried, and each that fails says so under its number.
fn printed(results: Vec<StepResult>) -> Printed {
    let mut printed = Printed { exit: 0, stdout: String::new(), stderr: String::new() };
    for (number, result) in results.into_iter().enumerate() {
        match result {
            Ok(Some(text)) => {
                printed.stdout.push_str(&text);
                printed.stdout.push('\u{0}');
            }
            Ok(None) => {}
            Err(failure) => {
                printed.exit = 1;
                let _ = writeln!(printed.stderr, "line {}: {failure}", number + 1);
            }
        }
    }
    printed
}

fn absolute(path: &str) -> Arc<str> {
    format!("/{path}").into()
}

/// Whose request it is.
fn tenant(headers: &HeaderMap) -> Arc<str> {
    headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or("nobody").into()
}

/// Which sandbox a request is about. Ids and tenants become part of keys, and of what people read.
fn key(id: &Arc<str>, headers: &HeaderMap) -> Result<Key, Failure> {
    let tenant = tenant(headers);
    let plain = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if plain(id) && plain(&tenant) {
        return Ok(Key { tenant, id: id.clone() });
    }
    let why = format!("`{tenant}` and `{id}` name no tenant and sandbox: both are of letters, digits and hyphens");
    Err(Failure::new(Code::Einval, why))
}

/// What a request comes to. Boxed, for it is large and moves twice on its way to a task.
type Work<T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send>>;

/// Carries out a request to its end, whether or not anybody still waits for it, and reports both ends as facts.
async fn carry_out<T: IntoResponse + Send + 'static>(
    manager: &Arc<Manager>,
    operation: &'static str,
    subject: &Arc<str>,
    work: Work<T>,
) -> Response {
    let admitted = match manager.admit() {
        Ok(admitted) => admitted,
        Err(failure) => return failure.into_response(),
    };
    let name = format!("{operation} {subject}");
    let subject = subject.clone();
    let work = async move {
        fact("sandbox.handling", [("operation", operation.into()), ("sandbox", subject.clone().into())]);
        let result = work.await;
        let answer = result.as_ref().map_or_else(|failure| failure.code.word(), |_| "ok");
        fact(
            "sandbox.handled",
            [("operation", operation.into()), ("sandbox", subject.into()), ("answer", answer.into())],
        );
        drop(admitted);
        result
    };
    match activity(name, async { task::spawn(work).await }).await {
        Ok(Ok(value)) => value.into_response(),
        Ok(Err(failure)) => failure.into_response(),
        Err(error) => {
            tracing::error!(operation, %error, "a request was not carried out");
            Failure::new(Code::Eio, "the request was not carried out").into_response()
        }
    }
}
