//! The client's side: the requests that an operation makes, and accidents that it stages.

use std::fmt;
use std::time::Duration;

use serde_json::json;

use super::http::PORT;
use super::outcome::Outcome;
use super::service::CLOUD;
use super::timeouts::CLIENT;
use super::workload::{Operation, Verb, server_name, workspace_name};
use crate::http::{self, Method, Response};
use crate::runtime::time;

/// A client of the service.
#[derive(Clone, Default)]
pub struct Client {
    http: http::Client,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    pub(super) async fn perform(&self, operation: Operation) -> Outcome {
        match operation {
            Operation::Wait(time) => {
                time::sleep(time).await;
                Outcome::Done
            }
            Operation::List(via) => match self.ask(via, Method::GET, "/workspaces", String::new()).await {
                Ok(response) => response.json().map_or(Outcome::Lost, Outcome::Listed),
                Err(outcome) => outcome,
            },
            Operation::Workspace { verb, workspace, via, external } => {
                self.with_workspace(verb, &workspace_name(workspace), via, external).await
            }
        }
    }

    async fn with_workspace(&self, verb: Verb, id: &str, via: u32, external: bool) -> Outcome {
        let path = format!("/workspaces/{id}");
        let asked = match verb {
            Verb::Kill | Verb::Impair => {
                let path = format!("/operator/{}?tag={id}", verb.word());
                self.send(CLOUD, Method::POST, &path, String::new()).await
            }
            Verb::Create => self.ask(via, Method::POST, &path, json!({ "external": external }).to_string()).await,
            Verb::Purge => self.ask(via, Method::DELETE, &path, String::new()).await,
            Verb::Beat => {
                let body = json!({ "instance": "", "status": "online" }).to_string();
                self.ask(via, Method::POST, &format!("{path}/heartbeat"), body).await
            }
            Verb::Status => {
                return match self.ask(via, Method::GET, &path, String::new()).await {
                    Ok(response) => response.json().map_or(Outcome::Lost, Outcome::Shown),
                    Err(outcome) => outcome,
                };
            }
            _ => self.ask(via, Method::POST, &format!("{path}/{}", verb.word()), String::new()).await,
        };
        asked.map_or_else(|outcome| outcome, |_| Outcome::Done)
    }

    async fn ask(&self, via: u32, method: Method, path: &str, body: String) -> Result<Response, Outcome> {
        self.send(&format!("{}:{PORT}", server_name(via)), method, path, body).await
    }

    async fn send(&self, authority: &str, method: Method, path: &str, body: String) -> Result<Response, Outcome> {
        let answer = self.http.call(authority, method, path, &[], body.into(), CLIENT).await;
        match answer {
            Ok(response) if response.is_success() => Ok(response),
            Ok(response) => Err(match response.status {
                404 => Outcome::NotFound,
                409 => Outcome::Conflict,
                503 => Outcome::Unavailable,
                _ => Outcome::Lost,
            }),
            Err(_) => Err(Outcome::Lost),
        }
    }
}

/// How long a client waits for an operation's outcome.
pub(super) fn patience(operation: &Operation) -> Duration {
    const MARGIN: Duration = Duration::from_secs(5);
    match operation {
        Operation::Wait(time) => *time + MARGIN,
        Operation::List(_) | Operation::Workspace { .. } => CLIENT + MARGIN,
    }
}
