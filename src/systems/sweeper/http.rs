//! The HTTP service of one process of the API: routes and status codes. What it does is in `api`.
//!
//! Every request that changes something is carried out by a task of its own: a client that hangs up leaves it running.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use uuid::Uuid;

use super::api::{Api, Creation, Refusal};
use super::sql;
use crate::runtime::task;

/// The port that the API listens on.
pub(crate) const PORT: u16 = 8080;

type Process = State<Arc<Api>>;

pub(crate) fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route("/stacks", get(list))
        .route("/stacks/{slug}", get(show).post(create).delete(delete))
        .route("/stacks/{slug}/{verb}", post(prolong))
        .with_state(api)
}

async fn create(State(api): Process, Path(slug): Path<String>, body: Bytes) -> Response {
    let Ok(wanted) = serde_json::from_slice::<Creation>(&body) else {
        return (StatusCode::BAD_REQUEST, "a creation says its `tier`, and may say `id` and `namespace`")
            .into_response();
    };
    if !matches!(&*wanted.tier, "anonymous" | "paid") {
        return (StatusCode::BAD_REQUEST, "`tier` is anonymous or paid").into_response();
    }
    if !is_name(&slug) || !wanted.namespace.as_deref().is_none_or(is_name) {
        return (StatusCode::BAD_REQUEST, "slugs and namespaces have small letters, digits and dashes").into_response();
    }
    if wanted.id.as_deref().is_some_and(|id| Uuid::parse_str(id).is_err()) {
        return (StatusCode::BAD_REQUEST, "`id` is a UUID").into_response();
    }
    carry_out(Box::pin(async move { api.create(&slug, wanted).await })).await
}

/// Slugs become parts of what namespaces are called.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 60
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

async fn prolong(State(api): Process, Path((slug, verb)): Path<(String, String)>) -> Response {
    let statement = match &*verb {
        "extend" => sql::EXTEND,
        "claim" => sql::CLAIM,
        _ => return (StatusCode::NOT_FOUND, "no such request").into_response(),
    };
    carry_out(Box::pin(async move { api.prolong(statement, &slug).await })).await
}

async fn delete(State(api): Process, Path(slug): Path<String>) -> Response {
    carry_out(Box::pin(async move { api.delete(&slug).await })).await
}

async fn show(State(api): Process, Path(slug): Path<String>) -> Response {
    answer(api.show(&slug).await.map(Json))
}

async fn list(State(api): Process) -> Response {
    answer(api.list().await.map(Json))
}

/// What a request comes to. Boxed, for it is large and moves twice on its way to a task.
type Work = Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send>>;

/// Carries out a request to its end, whether or not anybody still waits for it.
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
