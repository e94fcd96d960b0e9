//! The control plane as the reconciler asks it: what an answer says, and when it says nothing.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::timeouts::ACT;
use crate::http::{Bytes, Client, HttpError, Method, Response};
use crate::runtime::time::Instant;
use crate::runtime::{Access, Kind, access, fact};
use crate::servers::cloud::State;

/// The store that instances are in, in access reports.
const STORE: &str = "cloud";

/// What a status answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// This.
    State(State),
    /// Something else, or nothing, though it is a success.
    Else,
}

/// There was no answer, or one that is no success, or not to be read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the control plane gave no answer: {0}")]
pub(crate) struct Silence(String);

/// An instance as it is listed.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Listed {
    #[serde(rename = "instance_id")]
    pub(crate) id: String,
    pub(crate) tag: String,
    pub(crate) token: String,
    pub(crate) state: State,
}

/// A client of the control plane.
#[derive(Clone, Debug)]
pub(crate) struct ControlPlane {
    http: Client,
    authority: Arc<str>,
}

impl ControlPlane {
    pub(crate) fn new(authority: &str) -> Self {
        Self { http: Client::new(), authority: authority.into() }
    }

    /// The state of a workspace's instance: from whichever copy answers, or `consistent`.
    pub(crate) async fn status(
        &self,
        workspace: &str,
        instance: &str,
        consistent: bool,
        limit: Duration,
    ) -> Result<Said, Silence> {
        let read = if consistent { "&read=consistent" } else { "" };
        let path = format!("/instances/status?instance_id={instance}{read}");
        let said = self.ask(Kind::Read, instance, Method::GET, &path, Bytes::new(), limit).await.and_then(|body| {
            let body: Value = serde_json::from_slice(&body).map_err(|error| Silence(error.to_string()))?;
            let word = body.get("state").and_then(Value::as_str).unwrap_or_default();
            Ok(State::named(word).map_or(Said::Else, Said::State))
        });
        let answer = match &said {
            Ok(Said::State(state)) => state.word(),
            Ok(Said::Else) => "odd",
            Err(_) => "error",
        };
        fact(
            "reconciler.answered",
            [
                ("workspace", workspace.into()),
                ("instance", instance.into()),
                ("answer", answer.into()),
                ("consistent", consistent.into()),
            ],
        );
        said
    }

    /// An instance for a workspace; asked again with the same token, it is the same one.
    pub(crate) async fn create(&self, workspace: &str, token: &str) -> Result<String, Silence> {
        #[derive(Deserialize)]
        struct Created {
            instance_id: String,
        }
        let body = json!({ "tag": workspace, "token": token }).to_string();
        let body = self.ask(Kind::Write, token, Method::POST, "/instances", body.into(), ACT).await?;
        let created: Created = serde_json::from_slice(&body).map_err(|error| Silence(error.to_string()))?;
        Ok(created.instance_id)
    }

    /// Starts an instance, if it was shut down, and says what it is then. `None`: there is none to start any more.
    pub(crate) async fn start(&self, instance: &str) -> Result<Option<State>, Silence> {
        let state = self.turn(instance, Method::POST, &format!("/instances/{instance}/start")).await?;
        Ok(state.filter(|state| *state != State::Terminated))
    }

    /// Shuts an instance down.
    pub(crate) async fn stop(&self, instance: &str) -> Result<(), Silence> {
        self.turn(instance, Method::POST, &format!("/instances/{instance}/stop")).await.map(drop)
    }

    /// Terminates an instance.
    pub(crate) async fn terminate(&self, instance: &str) -> Result<(), Silence> {
        self.turn(instance, Method::DELETE, &format!("/instances/{instance}")).await.map(drop)
    }

    /// All instances that are not terminated.
    pub(crate) async fn list(&self, limit: Duration) -> Result<Vec<Listed>, Silence> {
        let answer = self.http.call(&self.authority, Method::GET, "/instances", &[], Bytes::new(), limit).await;
        serde_json::from_slice(&success(answer)?).map_err(|error| Silence(error.to_string()))
    }

    /// Changes the state of an instance, and says what it is then; `None`: there is no such instance.
    async fn turn(&self, instance: &str, method: Method, path: &str) -> Result<Option<State>, Silence> {
        #[derive(Deserialize)]
        struct Turned {
            state: State,
        }
        match self.ask(Kind::Write, instance, method, path, Bytes::new(), ACT).await {
            Ok(body) => {
                let turned: Turned = serde_json::from_slice(&body).map_err(|error| Silence(error.to_string()))?;
                Ok(Some(turned.state))
            }
            Err(Silence(why)) if why == NO_SUCH => Ok(None),
            Err(silence) => Err(silence),
        }
    }

    async fn ask(
        &self,
        kind: Kind,
        about: &str,
        method: Method,
        path: &str,
        body: Bytes,
        limit: Duration,
    ) -> Result<Bytes, Silence> {
        let begun = Instant::now();
        let answer = self.http.call(&self.authority, method, path, &[], body, limit).await;
        let unsent = matches!(&answer, Err(error) if error.is_unsent());
        let result = success(answer);
        access(Access {
            store: STORE.into(),
            key: about.into(),
            kind,
            outcome: if result.is_ok() { "ok" } else { "failed" }.into(),
            value: None,
            changed: match &result {
                _ if kind == Kind::Read || unsent => Some(false),
                Ok(_) => Some(true),
                Err(_) => None,
            },
            took: begun.elapsed(),
        });
        result
    }
}

/// What a request about an instance comes to that there is not.
const NO_SUCH: &str = "404";

fn success(answer: Result<Response, HttpError>) -> Result<Bytes, Silence> {
    let response = answer.map_err(|error| Silence(error.to_string()))?;
    if response.is_success() { Ok(response.body) } else { Err(Silence(response.status.to_string())) }
}
