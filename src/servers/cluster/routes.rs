//! The cluster's HTTP side: what is asked, what troubles make of the answer.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State as Extract};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post, put};
use serde::{Deserialize, Serialize};

use super::host::{Cluster, Data};
use super::namespaces::{Denied, Now};
use super::view::{Page, Rollout, View};
use crate::runtime::time;
use crate::servers::plain_http::{bad, fields, is_name, refuse, text};
use crate::servers::spell::Failing;

type Served = Extract<Cluster>;

pub(super) fn router(cluster: Cluster) -> Router {
    Router::new()
        .route("/namespaces", get(list).post(create))
        .route("/namespaces/{name}", get(show).delete(remove))
        .route("/namespaces/{name}/deployment", put(deploy).delete(withdraw))
        .route("/deployments", get(deployments))
        .route("/operator/lose", post(lose))
        .with_state(cluster)
}

/// Answers a request, about one namespace or about all, as well as troubles let it.
async fn answer(cluster: &Cluster, about: Option<&str>, act: impl FnOnce(&mut Data, Now) -> Response) -> Response {
    let (turned_away, failing, delay) =
        cluster.look(|data| (data.troubles.turns_away(), data.troubles.failing(about), cluster.delay(data)));
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
    let response = cluster.act(act);
    if !delay.is_zero() {
        time::sleep(delay / 2).await;
    }
    if failing == Some(Failing::After) {
        return refuse(StatusCode::INTERNAL_SERVER_ERROR, "failed");
    }
    dated(response)
}

/// With the cluster's own time.
fn dated(mut response: Response) -> Response {
    let date = httpdate::fmt_http_date(time::wall());
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(body) => text(status, body),
        Err(_) => refuse(StatusCode::INTERNAL_SERVER_ERROR, "failed"),
    }
}

/// The answer to a request that changes a namespace.
fn after(done: Result<&View, Denied>, status: StatusCode) -> Response {
    match done {
        Ok(view) => json(status, view),
        Err(Denied::Absent) => refuse(StatusCode::NOT_FOUND, "there is no such namespace"),
        Err(Denied::Conflict) => {
            refuse(StatusCode::CONFLICT, "it is there, on its way out, or not the one that is meant")
        }
    }
}

async fn list(Extract(cluster): Served, RawQuery(query): RawQuery) -> Response {
    let [prefix, selector, limit, after] =
        match fields(query.as_deref(), ["prefix", "label_selector", "limit", "continue"]) {
            Ok(fields) => fields,
            Err(why) => return bad(&why),
        };
    let selector = match selector.as_deref().map(|selector| selector.split_once(':')) {
        None => None,
        Some(Some((name, value))) => Some((name.to_owned(), value.to_owned())),
        Some(None) => return bad("`label_selector` is `name:value`"),
    };
    let limit = match limit.as_deref().map(str::parse::<usize>) {
        None => usize::MAX,
        Some(Ok(limit)) if limit > 0 => limit,
        Some(_) => return bad("`limit` is a whole number above 0"),
    };
    answer(&cluster, None, |data, now| {
        let mut items = data.namespaces.as_of(data.troubles.as_of().unwrap_or(now.at));
        items.retain(|view| {
            prefix.as_ref().is_none_or(|prefix| view.name.starts_with(prefix))
                && selector.as_ref().is_none_or(|(name, value)| view.labels.get(name) == Some(value))
                && after.as_ref().is_none_or(|after| view.name > *after)
        });
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| last.name.clone());
        json(StatusCode::OK, &Page { items, next })
    })
    .await
}

async fn deployments(Extract(cluster): Served, RawQuery(query): RawQuery) -> Response {
    let phase = match fields(query.as_deref(), ["phase"]) {
        Ok([phase]) => phase,
        Err(why) => return bad(&why),
    };
    let wanted = match phase.as_deref() {
        None => None,
        Some("pending") => Some(Rollout::Pending),
        Some("running") => Some(Rollout::Running),
        Some("failed") => Some(Rollout::Failed),
        Some(_) => return bad("`phase` is `pending`, `running` or `failed`"),
    };
    answer(&cluster, None, |data, now| {
        let mut items = data.namespaces.as_of(data.troubles.as_of().unwrap_or(now.at));
        items.retain(|view| match wanted {
            Some(wanted) => view.deployment == wanted,
            None => view.deployment != Rollout::Absent,
        });
        json(StatusCode::OK, &Page { items, next: None })
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

async fn create(Extract(cluster): Served, body: Bytes) -> Response {
    let Ok(Wanted { name, labels }) = serde_json::from_slice(&body) else {
        return bad("a creation takes `name`, and `labels` by name");
    };
    if !is_name(&name) || !labels.iter().all(|(name, value)| is_name(name) && is_name(value)) {
        return bad("names and labels have letters, digits, dots, dashes and colons");
    }
    answer(&cluster, Some(&name), |data, now| after(data.namespaces.create(&name, labels, now), StatusCode::CREATED))
        .await
}

async fn show(Extract(cluster): Served, Path(name): Path<String>) -> Response {
    answer(&cluster, Some(&name), |data, _| after(data.namespaces.get(&name).ok_or(Denied::Absent), StatusCode::OK))
        .await
}

async fn remove(Extract(cluster): Served, Path(name): Path<String>, RawQuery(query): RawQuery) -> Response {
    let uid = match fields(query.as_deref(), ["uid"]) {
        Ok([uid]) => uid,
        Err(why) => return bad(&why),
    };
    answer(&cluster, Some(&name), |data, now| {
        let pace = cluster.pace(&data.troubles);
        after(data.namespaces.delete(&name, uid.as_deref(), pace, now, "deleted"), StatusCode::OK)
    })
    .await
}

async fn deploy(Extract(cluster): Served, Path(name): Path<String>, RawQuery(query): RawQuery) -> Response {
    let uid = match fields(query.as_deref(), ["uid"]) {
        Ok([uid]) => uid,
        Err(why) => return bad(&why),
    };
    answer(&cluster, Some(&name), |data, now| {
        let pace = cluster.pace(&data.troubles);
        after(data.namespaces.deploy(&name, uid.as_deref(), pace, now), StatusCode::OK)
    })
    .await
}

async fn withdraw(Extract(cluster): Served, Path(name): Path<String>, RawQuery(query): RawQuery) -> Response {
    let uid = match fields(query.as_deref(), ["uid"]) {
        Ok([uid]) => uid,
        Err(why) => return bad(&why),
    };
    answer(&cluster, Some(&name), |data, now| {
        after(data.namespaces.withdraw(&name, uid.as_deref(), now), StatusCode::OK)
    })
    .await
}

/// No trouble of the cluster keeps an operator from an accident.
async fn lose(Extract(cluster): Served, RawQuery(query): RawQuery) -> Response {
    let name = match fields(query.as_deref(), ["name"]) {
        Ok([Some(name)]) => name,
        Ok([None]) => return bad("`name` is missing"),
        Err(why) => return bad(&why),
    };
    cluster.act(|data, now| {
        let pace = cluster.pace(&data.troubles);
        after(data.namespaces.delete(&name, None, pace, now, "lost by accident"), StatusCode::OK)
    })
}
