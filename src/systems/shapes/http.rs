//! The HTTP service: routes and status codes. What it does is in `request` and `process`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};

use super::outcome::Body;
use super::process::{Busy, Process};
use super::protocol::{Ask, RESTART, SHAPE, STACK};
use super::request::{self, Refusal};
use super::store::Handle;
use super::timeouts::RETRY_AFTER;
use super::workload::Restart;

type Serving = State<Arc<Process>>;

pub(super) fn router(process: Arc<Process>) -> Router {
    Router::new()
        .route(SHAPE, post(read))
        .route(&format!("{SHAPE}/{{handle}}"), delete(remove))
        .route(&format!("{RESTART}/{{how}}"), post(restart))
        .route(STACK, get(view))
        .with_state(process)
}

async fn read(State(process): Serving, body: Bytes) -> Response {
    let asked: Result<Ask, Refusal> = serde_json::from_slice(&body)
        .map_err(|error| Refusal::Invalid(format!("a request names a `query`, and where to go on from: {error}")));
    match asked {
        Ok(ask) => match request::read(&process.stack(), &ask).await {
            Ok(body) => Json(body).into_response(),
            Err(refusal) => refuse(refusal),
        },
        Err(refusal) => refuse(refusal),
    }
}

async fn remove(State(process): Serving, Path(handle): Path<Handle>) -> Response {
    match request::delete(&process.stack(), &handle).await {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(refusal) => refuse(refusal),
    }
}

async fn restart(State(process): Serving, Path(how): Path<String>) -> Response {
    let Some(how) = Restart::ALL.into_iter().find(|known| known.word() == how) else {
        return refuse(Refusal::Unknown);
    };
    match process.restart(how).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(Busy) => (StatusCode::CONFLICT, "another restart is under way").into_response(),
    }
}

async fn view(State(process): Serving) -> Response {
    Json(process.view().await).into_response()
}

fn refuse(refusal: Refusal) -> Response {
    let error = |error: String| Json(Body { error: Some(error), ..Body::default() });
    match refusal {
        Refusal::Invalid(why) => (StatusCode::BAD_REQUEST, error(why)).into_response(),
        Refusal::Unknown => (StatusCode::NOT_FOUND, error("there is no such shape".to_owned())).into_response(),
        Refusal::Gone(handle) => {
            let body = Body { handle, error: Some("must refetch".to_owned()), ..Body::default() };
            (StatusCode::CONFLICT, Json(body)).into_response()
        }
        Refusal::NotReady => {
            let after = [(header::RETRY_AFTER, RETRY_AFTER.as_secs().to_string())];
            (StatusCode::SERVICE_UNAVAILABLE, after, error("not ready".to_owned())).into_response()
        }
        Refusal::Failed(why) => (StatusCode::INTERNAL_SERVER_ERROR, error(why)).into_response(),
    }
}
