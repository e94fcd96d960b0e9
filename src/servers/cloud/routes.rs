//! The control plane's HTTP side: what is asked, what troubles make of the answer.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State as Extract};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{delete, get, post};
use serde::Deserialize;
use serde_json::json;

use super::fleet::Instance;
use super::host::{Cloud, Data};
use super::state::State;
use crate::runtime::time::{self, Instant};
use crate::servers::plain_http::{bad, fields, is_name, refuse, text};
use crate::servers::spell::Failing;

type Plane = Extract<Cloud>;

pub(super) fn router(cloud: Cloud) -> Router {
    Router::new()
        .route("/instances", post(create).get(list))
        .route("/instances/status", get(status))
        .route("/instances/{id}", delete(terminate))
        .route("/instances/{id}/stop", post(stop))
        .route("/instances/{id}/start", post(start))
        .route("/operator/kill", post(kill))
        .route("/operator/impair", post(impair))
        .with_state(cloud)
}

/// What a request comes to when all is well.
type Answer = (StatusCode, serde_json::Value);

/// Answers a request as well as troubles let it.
async fn answer(cloud: &Cloud, act: impl FnOnce(&mut Data, Instant) -> Answer) -> Response {
    let (turned_away, failing, delay) =
        cloud.act(|data, _| (data.troubles.turns_away(), data.troubles.failing(), cloud.delay(data)));
    if turned_away {
        return refuse(StatusCode::TOO_MANY_REQUESTS, "slow down");
    }
    // The effect is somewhere in the middle of a slow answer.
    if !delay.is_zero() {
        time::sleep(delay / 2).await;
    }
    if failing == Some(Failing::Before) {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "not now");
    }
    let (status, body) = cloud.act(act);
    if !delay.is_zero() {
        time::sleep(delay / 2).await;
    }
    if failing == Some(Failing::After) {
        return refuse(StatusCode::INTERNAL_SERVER_ERROR, "failed");
    }
    text(status, body.to_string())
}

fn view(instance: &Instance) -> serde_json::Value {
    json!({
        "instance_id": instance.id,
        "tag": instance.tag,
        "token": instance.token,
        "state": instance.state.word(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    tag: String,
    token: String,
}

async fn create(Extract(cloud): Plane, body: Bytes) -> Response {
    let Ok(Wanted { tag, token }) = serde_json::from_slice(&body) else {
        return bad("a creation takes `tag` and `token`");
    };
    if !is_name(&tag) || !is_name(&token) {
        return bad("`tag` and `token` have letters, digits, dots, dashes and colons");
    }
    let machines = cloud.machines();
    answer(&cloud, |data, now| {
        let pace = cloud.pace(data.troubles.boot_delay());
        let (instance, new) = data.fleet.create(&tag, &token, machines, pace, now);
        (if new { StatusCode::CREATED } else { StatusCode::OK }, view(instance))
    })
    .await
}

async fn list(Extract(cloud): Plane, RawQuery(query): RawQuery) -> Response {
    let tag = match fields(query.as_deref(), ["tag"]) {
        Ok([tag]) => tag,
        Err(why) => return bad(&why),
    };
    answer(&cloud, |data, _| {
        let wanted = |instance: &&Instance| {
            instance.state != State::Terminated && tag.as_ref().is_none_or(|tag| *tag == instance.tag)
        };
        (StatusCode::OK, data.fleet.all().filter(wanted).map(view).collect())
    })
    .await
}

async fn status(Extract(cloud): Plane, RawQuery(query): RawQuery) -> Response {
    let (id, read) = match fields(query.as_deref(), ["instance_id", "read"]) {
        Ok([Some(id), read]) => (id, read),
        Ok([None, _]) => return bad("`instance_id` is missing"),
        Err(why) => return bad(&why),
    };
    let consistent = match read.as_deref() {
        None => false,
        Some("consistent") => true,
        Some(_) => return bad("`read` is `consistent` or not there"),
    };
    let odd = cloud.look(|data| data.troubles.oddity());
    let response = answer(&cloud, |data, now| {
        let as_of = if consistent { now } else { data.troubles.as_of().unwrap_or(now) };
        let state = data.fleet.state_as_of(&id, as_of).map_or("absent", State::word);
        (StatusCode::OK, json!({ "instance_id": id, "state": state }))
    })
    .await;
    match odd {
        Some(odd) if response.status() == StatusCode::OK => text(StatusCode::OK, odd.to_owned()),
        _ => response,
    }
}

async fn terminate(Extract(cloud): Plane, Path(id): Path<String>) -> Response {
    answer(&cloud, |data, now| after(&id, data.fleet.terminate(&id, "terminated", now))).await
}

async fn stop(Extract(cloud): Plane, Path(id): Path<String>) -> Response {
    let pace = cloud.pace(std::time::Duration::ZERO);
    answer(&cloud, |data, now| after(&id, data.fleet.stop(&id, pace, now))).await
}

async fn start(Extract(cloud): Plane, Path(id): Path<String>) -> Response {
    answer(&cloud, |data, now| {
        let pace = cloud.pace(data.troubles.boot_delay());
        after(&id, data.fleet.start(&id, pace, now))
    })
    .await
}

/// The answer to a request that changes the state of an instance.
fn after(id: &str, state: Option<State>) -> Answer {
    match state {
        Some(state) => (StatusCode::OK, json!({ "instance_id": id, "state": state.word() })),
        None => (StatusCode::NOT_FOUND, json!({ "error": "there is no such instance" })),
    }
}

async fn kill(Extract(cloud): Plane, RawQuery(query): RawQuery) -> Response {
    operate(&cloud, query.as_deref(), |data, id, now| data.fleet.die(id, false, now))
}

async fn impair(Extract(cloud): Plane, RawQuery(query): RawQuery) -> Response {
    operate(&cloud, query.as_deref(), |data, id, _| data.fleet.limp(id).is_some())
}

/// Something befalls the latest instance with a tag that is up. No trouble of the control plane keeps it from that.
fn operate(cloud: &Cloud, query: Option<&str>, act: fn(&mut Data, &str, Instant) -> bool) -> Response {
    let tag = match fields(query, ["tag"]) {
        Ok([Some(tag)]) => tag,
        Ok([None]) => return bad("`tag` is missing"),
        Err(why) => return bad(&why),
    };
    let done = cloud.act(|data, now| {
        let up = data.fleet.all().filter(|instance| instance.tag == tag && instance.state.is_live());
        let id = up.last().map(|instance| instance.id.clone())?;
        act(data, &id, now).then_some(id)
    });
    match done {
        Some(id) => text(StatusCode::OK, json!({ "instance_id": id }).to_string()),
        None => refuse(StatusCode::NOT_FOUND, "nothing with this tag is up"),
    }
}
