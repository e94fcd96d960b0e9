//! The HTTP service of one process: routes and status codes. What it does is in `server`.
//!
//! Every decision is carried out by a task of its own: a client that hangs up leaves it running.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use super::row::Status;
use super::server::{Refusal, Server};
use super::sql;
use crate::runtime::task;

/// The port that servers listen on.
pub(crate) const PORT: u16 = 8080;

type Process = State<Arc<Server>>;

pub(crate) fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/workspaces", get(list))
        .route("/workspaces/{id}", get(show).post(create).delete(purge))
        .route("/workspaces/{id}/heartbeat", post(heartbeat))
        .route("/workspaces/{id}/{verb}", post(decide))
        .with_state(server)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Creation {
    external: bool,
}

async fn create(State(server): Process, Path(id): Path<String>, body: Bytes) -> Response {
    let Ok(wanted) = serde_json::from_slice::<Creation>(&body) else {
        return (StatusCode::BAD_REQUEST, "a creation says whether it is `external`").into_response();
    };
    // Ids become tags of instances and what people read.
    if id.is_empty() || id.len() > 60 || !id.chars().all(|c| c.is_ascii_alphanumeric()) {
        return (StatusCode::BAD_REQUEST, "a workspace's id has letters and digits").into_response();
    }
    carry_out(Box::pin(async move { server.create(&id, wanted.external).await })).await
}

async fn decide(State(server): Process, Path((id, verb)): Path<(String, String)>) -> Response {
    let statement = match &*verb {
        "pause" => sql::PAUSE,
        "hibernate" => sql::HIBERNATE,
        "resume" => sql::RESUME,
        "remove" => sql::REMOVE,
        "unremove" => sql::UNREMOVE,
        "restart" => return carry_out(Box::pin(async move { server.restart_at_wish(&id).await })).await,
        _ => return (StatusCode::NOT_FOUND, "no such request").into_response(),
    };
    carry_out(Box::pin(async move { server.decide(statement, &id).await })).await
}

async fn purge(State(server): Process, Path(id): Path<String>) -> Response {
    carry_out(Box::pin(async move { server.purge(&id).await })).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Beat {
    instance: String,
    status: Status,
}

async fn heartbeat(State(server): Process, Path(id): Path<String>, body: Bytes) -> Response {
    match serde_json::from_slice::<Beat>(&body) {
        Ok(beat) if beat.status.is_up() => answer(server.heartbeat(&id, &beat.instance, beat.status).await),
        _ => (StatusCode::BAD_REQUEST, "an agent says its `instance` and that its `status` is online or degraded")
            .into_response(),
    }
}

async fn show(State(server): Process, Path(id): Path<String>) -> Response {
    answer(server.show(&id).await.map(Json))
}

async fn list(State(server): Process) -> Response {
    answer(server.list().await.map(Json))
}

/// What a request comes to. Boxed, for it is large and moves twice on its way to a task.
type Work = Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send>>;

/// Carries out a decision to its end, whether or not anybody still waits for it.
async fn carry_out(work: Work) -> Response {
    match task::spawn(work).await {
        Ok(result) => answer(result),
        Err(error) => {
            tracing::error!(%error, "a request was not carried out");
            (StatusCode::INTERNAL_SERVER_ERROR, "failed").into_response()
        }
    }
}

fn answer(result: Result<impl IntoResponse, Refusal>) -> Response {
    match result {
        Ok(value) => value.into_response(),
        Err(Refusal::NotFound) => (StatusCode::NOT_FOUND, "not-found").into_response(),
        Err(Refusal::Conflict) => (StatusCode::CONFLICT, "conflict").into_response(),
        Err(Refusal::Unavailable) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable").into_response(),
    }
}
