//! The HTTP service of one pod: routes, identities and status codes. What it does is in `manager`.
//!
//! Every request is carried out by a task of its own, as an activity named after what it does: a client that hangs up
//! leaves it running, so that no operation ends halfway.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};

use super::live::{Dialer, Refusal};
use super::manager::{Manager, label};
use super::policy::Policy;
use super::timeouts::TTL;
use crate::http::serve;
use crate::runtime::net::TcpListener;
use crate::runtime::{activity, fact, task};
use crate::storage::KeyValue;

/// The port that pods listen on.
pub(crate) const PORT: u16 = 8080;

/// What a pod is told.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Its name.
    pub(crate) name: String,
    /// How it does things.
    pub(crate) policy: Policy,
    /// How many sessions its cache holds, where the policy bounds it.
    pub(crate) capacity: u32,
    /// The registry of backends: names and addresses.
    pub(crate) backends: BTreeMap<String, String>,
}

/// Serves sessions on a listener until dropped.
pub(crate) async fn run(options: Options, store: KeyValue, listener: TcpListener) {
    let boot = format!("{}.{:.8}", options.name, uuid::Uuid::new_v4().simple().to_string());
    fact(
        "session.pod",
        [
            ("boot", boot.as_str().into()),
            ("capacity", u64::from(options.capacity).into()),
            ("ttl_ms", (TTL.as_millis() as u64).into()),
        ],
    );
    tracing::info!(boot, "pod started");
    let dialer = Dialer::new(boot, options.backends);
    let manager = Manager::new(&options.name, options.policy, options.capacity, store, dialer);
    drop(task::spawn(manager.clone().keep_sweeping()));
    serve(listener, router(manager)).await;
}

/// Serves sessions at an address until dropped.
///
/// # Errors
/// When the port is taken.
pub(crate) async fn listen(options: Options, store: KeyValue, address: (&str, u16)) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    run(options, store, listener).await;
    Ok(())
}

type Pod = State<Arc<Manager>>;

fn router(manager: Arc<Manager>) -> Router {
    Router::new()
        .route("/sessions", post(generate))
        .route("/sessions/{id}", get(validate).delete(terminate))
        .route("/sessions/{id}/register", post(register))
        .route("/sessions/{id}/tools", get(tools))
        .route("/sessions/{id}/calls/{backend}/{millis}", post(call))
        .route("/sessions/{id}/decorations/{decoration}", post(decorate))
        .route("/sessions/{id}/backends/{backend}", delete(notify))
        .route("/debug", get(debug))
        .route("/drain", post(drain))
        .with_state(manager)
}

async fn generate(State(manager): Pod, name: String) -> Response {
    // Names become part of ids, of keys and of what people read.
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '.') {
        return (StatusCode::BAD_REQUEST, "a session's name has letters, digits and dots").into_response();
    }
    let subject: Arc<str> = name.as_str().into();
    let work = Box::pin(async move { manager.generate(&name).await.map(|id| (StatusCode::CREATED, id.to_string())) });
    carry_out("generate", subject, "", work).await
}

async fn register(State(manager): Pod, Path(id): Path<Arc<str>>, headers: HeaderMap) -> Response {
    let caller = caller(&headers);
    let subject = id.clone();
    let work = Box::pin(async move { manager.create(&id, &caller).await });
    carry_out("create", subject, "", work).await
}

async fn validate(State(manager): Pod, Path(id): Path<Arc<str>>) -> Response {
    let subject = id.clone();
    let work = Box::pin(async move { manager.validate(&id).await });
    carry_out("validate", subject, "", work).await
}

async fn terminate(State(manager): Pod, Path(id): Path<Arc<str>>) -> Response {
    let subject = id.clone();
    let work = Box::pin(async move { manager.terminate(&id).await });
    carry_out("terminate", subject, "", work).await
}

async fn tools(State(manager): Pod, Path(id): Path<Arc<str>>, headers: HeaderMap) -> Response {
    let caller = caller(&headers);
    let subject = id.clone();
    let work = Box::pin(async move { manager.get(&id, &caller).await.map(|session| Json(session.listing())) });
    carry_out("get", subject, "", work).await
}

async fn call(
    State(manager): Pod,
    Path((id, backend, millis)): Path<(Arc<str>, String, u64)>,
    headers: HeaderMap,
) -> Response {
    let caller = caller(&headers);
    let takes = Duration::from_millis(millis);
    let about = backend.clone();
    let subject = id.clone();
    let work = Box::pin(async move { manager.call(&id, &caller, &backend, takes).await });
    carry_out("call", subject, &about, work).await
}

async fn decorate(
    State(manager): Pod,
    Path((id, decoration)): Path<(Arc<str>, String)>,
    headers: HeaderMap,
) -> Response {
    let caller = caller(&headers);
    let subject = id.clone();
    let work = Box::pin(async move { manager.decorate(&id, &caller, &decoration).await });
    carry_out("decorate", subject, "", work).await
}

async fn notify(State(manager): Pod, Path((id, backend)): Path<(Arc<str>, String)>) -> Response {
    let about = backend.clone();
    let subject = id.clone();
    let work = Box::pin(async move { manager.notify(&id, &backend).await });
    carry_out("notify", subject, &about, work).await
}

async fn debug(State(manager): Pod) -> Response {
    Json(manager.view()).into_response()
}

async fn drain(State(manager): Pod) -> Response {
    let work = Box::pin(async move {
        manager.drain().await;
        Ok(())
    });
    carry_out("drain", "all".into(), "", work).await
}

/// Whose credentials a request carries.
fn caller(headers: &HeaderMap) -> String {
    headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or("nobody").to_owned()
}

/// What a request comes to. Boxed, for it is large and moves twice on its way to a task.
type Work<T> = Pin<Box<dyn Future<Output = Result<T, Refusal>> + Send>>;

/// Carries out a request to its end, whether or not anybody still waits for it, and reports both ends as facts.
async fn carry_out<T: IntoResponse + Send + 'static>(
    operation: &'static str,
    id: Arc<str>,
    backend: &str,
    work: Work<T>,
) -> Response {
    let backend = backend.to_owned();
    let name = format!("{operation} {}", label(&id));
    let work = async move {
        fact(
            "session.handling",
            [("operation", operation.into()), ("session", id.clone().into()), ("backend", backend.into())],
        );
        let result = work.await;
        let answer = result.as_ref().map_or_else(|refusal| word(*refusal), |_| "ok");
        fact("session.handled", [("operation", operation.into()), ("session", id.into()), ("answer", answer.into())]);
        result
    };
    let result = activity(name, async { task::spawn(work).await }).await;
    match result {
        Ok(Ok(value)) => value.into_response(),
        Ok(Err(refusal)) => (status(refusal), word(refusal)).into_response(),
        Err(error) => {
            tracing::error!(operation, %error, "a request was not carried out");
            (StatusCode::INTERNAL_SERVER_ERROR, "failed").into_response()
        }
    }
}

/// The status that the transport gives a refusal.
fn status(refusal: Refusal) -> StatusCode {
    match refusal {
        Refusal::NotFound | Refusal::NoTool => StatusCode::NOT_FOUND,
        Refusal::Forbidden => StatusCode::FORBIDDEN,
        Refusal::Conflict => StatusCode::CONFLICT,
        Refusal::Closed => StatusCode::INTERNAL_SERVER_ERROR,
        Refusal::Backend => StatusCode::BAD_GATEWAY,
        Refusal::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The word for a refusal, in bodies and facts.
fn word(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NotFound => "not-found",
        Refusal::NoTool => "no-tool",
        Refusal::Forbidden => "forbidden",
        Refusal::Conflict => "conflict",
        Refusal::Closed => "closed",
        Refusal::Backend => "backend",
        Refusal::Unavailable => "unavailable",
    }
}
