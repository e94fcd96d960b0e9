//! The client's side: the requests that an operation makes, and accidents that it stages.

use std::fmt;
use std::time::Duration;

use super::http::PORT;
use super::outcome::Outcome;
use super::timeouts::CLIENT;
use super::workload::{Operation, Verb, server_name, workspace_name};
use super::service::CLOUD;
use crate::http::{self, Bytes, Method, Response};
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
            Operation::List(via) => match self.ask(via, Method::GET, "/workspaces").await {
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
                self.send(CLOUD, Method::POST, &path).await
            }
            Verb::Create if external => self.ask(via, Method::POST, &format!("{path}?external=true")).await,
            Verb::Create => self.ask(via, Method::POST, &path).await,
            Verb::Purge => self.ask(via, Method::DELETE, &path).await,
            Verb::Beat => self.ask(via, Method::POST, &format!("{path}/heartbeat?status=online")).await,
            Verb::Status => {
                return match self.ask(via, Method::GET, &path).await {
                    Ok(response) => response.json().map_or(Outcome::Lost, Outcome::Shown),
                    Err(outcome) => outcome,
                };
            }
            _ => self.ask(via, Method::POST, &format!("{path}/{}", verb.word())).await,
        };
        asked.map_or_else(|outcome| outcome, |_| Outcome::Done)
    }

    async fn ask(&self, via: u32, method: Method, path: &str) -> Result<Response, Outcome> {
        self.send(&format!("{}:{PORT}", server_name(via)), method, path).await
    }

    async fn send(&self, authority: &str, method: Method, path: &str) -> Result<Response, Outcome> {
        let answer = self.http.call(authority, method, path, &[], Bytes::new(), CLIENT).await;
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
