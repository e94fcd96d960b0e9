//! The cluster as the service asks it: what an answer says, and when it says nothing.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde_json::json;

use super::row::{OWNER, PREFIX};
use super::timeouts::ASK;
use crate::http::{Bytes, Client, HttpError, Method, Response};
use crate::runtime::time::Instant;
use crate::runtime::{Access, Kind, access, fact};
use crate::servers::cluster::{Page, View};

/// The store that namespaces are in, in access reports.
const STORE: &str = "cluster";

/// There was no answer, or one that is of no use.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the cluster gave no answer: {0}")]
pub(crate) struct Silence(String);

impl Silence {
    fn of(error: &impl ToString) -> Self {
        Self(error.to_string())
    }
}

/// Namespaces, and when they were listed by the cluster's own clock.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) items: Vec<View>,
    pub(crate) date: Option<SystemTime>,
}

/// What came of a request that changes a namespace.
#[derive(Debug)]
pub(crate) enum Turned {
    Done(View),
    /// There is none of this name.
    Absent,
    /// One is there already, or on its way out, or it is not the one that was meant.
    Conflict,
}

/// A client of the cluster.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    http: Client,
    authority: Arc<str>,
}

impl Cluster {
    pub(crate) fn new(authority: &str) -> Self {
        Self { http: Client::new(), authority: authority.into() }
    }

    /// All namespaces, in one request.
    pub(crate) async fn list(&self) -> Result<Listing, Silence> {
        self.look("list", "/namespaces").await
    }

    /// The namespaces whose deployment has failed.
    pub(crate) async fn failed(&self) -> Result<Listing, Silence> {
        self.look("failed", "/deployments?phase=failed").await
    }

    /// One namespace, and when that was by the cluster's own clock.
    pub(crate) async fn get(&self, name: &str, limit: Duration) -> Result<Option<(View, Option<SystemTime>)>, Silence> {
        let path = format!("/namespaces/{name}");
        let got = match self.ask(Kind::Read, name, Method::GET, &path, Bytes::new(), limit).await {
            Ok(response) if response.status == 404 => Ok(None),
            Ok(response) => read(&response).map(|view| Some((view, date(&response)))),
            Err(silence) => Err(silence),
        };
        told("get", name, &got);
        got
    }

    /// A new namespace that belongs to a stack.
    pub(crate) async fn create(&self, name: &str, owner: &str) -> Result<Turned, Silence> {
        let body = json!({ "name": name, "labels": { OWNER: owner } }).to_string();
        turned(&self.ask(Kind::Write, name, Method::POST, "/namespaces", body.into(), ASK).await?)
    }

    /// A namespace gets its deployment.
    pub(crate) async fn deploy(&self, name: &str, uid: &str) -> Result<Turned, Silence> {
        let path = format!("/namespaces/{name}/deployment?uid={uid}");
        turned(&self.ask(Kind::Write, name, Method::PUT, &path, Bytes::new(), ASK).await?)
    }

    /// A namespace loses its deployment.
    pub(crate) async fn withdraw(&self, name: &str, uid: &str) -> Result<Turned, Silence> {
        let path = format!("/namespaces/{name}/deployment?uid={uid}");
        turned(&self.ask(Kind::Write, name, Method::DELETE, &path, Bytes::new(), ASK).await?)
    }

    /// A namespace goes; with a UID, only if it is that one.
    pub(crate) async fn delete(&self, name: &str, uid: Option<&str>) -> Result<Turned, Silence> {
        let uid = uid.map(|uid| format!("?uid={uid}")).unwrap_or_default();
        let path = format!("/namespaces/{name}{uid}");
        let asked = self.ask(Kind::Write, name, Method::DELETE, &path, Bytes::new(), ASK).await;
        let deleted = asked.and_then(|response| turned(&response));
        told("delete", name, &deleted);
        deleted
    }

    async fn look(&self, what: &'static str, path: &str) -> Result<Listing, Silence> {
        let begun = Instant::now();
        let answer = self.http.call(&self.authority, Method::GET, path, &[], Bytes::new(), ASK).await;
        let listing = answer.map_err(|error| Silence::of(&error)).and_then(|response| {
            let page: Page = read(&response)?;
            Ok(Listing { items: page.items, date: date(&response) })
        });
        told(what, "", &listing);
        for view in listing.iter().flat_map(|listing| &listing.items).filter(|view| view.name.starts_with(PREFIX)) {
            report(&view.name, Kind::Read, "ok", Some(false), begun.elapsed());
        }
        listing
    }

    async fn ask(
        &self,
        kind: Kind,
        about: &str,
        method: Method,
        path: &str,
        body: Bytes,
        limit: Duration,
    ) -> Result<Response, Silence> {
        let begun = Instant::now();
        let answer = self.http.call(&self.authority, method, path, &[], body, limit).await;
        let unsent = matches!(&answer, Err(error) if error.is_unsent());
        let result = answer.map_err(|error| Silence::of(&error)).and_then(sensible);
        let (outcome, changed) = match &result {
            Ok(response) if response.is_success() => ("ok", Some(kind != Kind::Read)),
            Ok(_) => ("denied", Some(false)),
            Err(_) if kind == Kind::Read || unsent => ("failed", Some(false)),
            Err(_) => ("failed", None),
        };
        report(about, kind, outcome, changed, begun.elapsed());
        result
    }
}

/// An answer that says something: it is done, or why it cannot be.
fn sensible(response: Response) -> Result<Response, Silence> {
    let says = response.is_success() || matches!(response.status, 404 | 409);
    if says { Ok(response) } else { Err(Silence::of(&response.status)) }
}

fn turned(response: &Response) -> Result<Turned, Silence> {
    match response.status {
        404 => Ok(Turned::Absent),
        409 => Ok(Turned::Conflict),
        _ => read(response).map(Turned::Done),
    }
}

fn read<T: DeserializeOwned>(response: &Response) -> Result<T, Silence> {
    if !response.is_success() {
        return Err(Silence::of(&response.status));
    }
    response.json().map_err(|error: HttpError| Silence::of(&error))
}

fn date(response: &Response) -> Option<SystemTime> {
    httpdate::parse_http_date(response.headers.get("date")?.to_str().ok()?).ok()
}

/// How old a namespace was at a moment of the cluster's clock; `None`: nobody can tell.
pub(crate) fn age(view: &View, date: Option<SystemTime>) -> Option<Duration> {
    since(&view.created, date)
}

/// For how long its deployment had fared as it did.
pub(crate) fn fares_for(view: &View, date: Option<SystemTime>) -> Option<Duration> {
    since(&view.since, date)
}

fn since(told: &str, date: Option<SystemTime>) -> Option<Duration> {
    date?.duration_since(humantime::parse_rfc3339(told).ok()?).ok()
}

/// Reports what a sweep relies on.
fn told<T>(what: &'static str, about: &str, result: &Result<T, Silence>) {
    let answer = if result.is_ok() { "ok" } else { "error" };
    fact("sweeper.asked", [("what", what.into()), ("about", about.into()), ("answer", answer.into())]);
}

fn report(about: &str, kind: Kind, outcome: &'static str, changed: Option<bool>, took: Duration) {
    access(Access {
        store: STORE.into(),
        key: about.into(),
        kind,
        outcome: outcome.into(),
        value: None,
        changed,
        took,
    });
}
